"""Films through the ffmpeg that imageio-ffmpeg brings.

Started here rather than by ``imageio_ffmpeg.write_frames``, which neither reads ffmpeg's exit
status nor its complaints and cannot be stopped while it finishes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from toydiff_gui.export.control import Control
from toydiff_gui.export.errors import ExportError

Frame = NDArray[np.uint8]
"""A painted frame (H, W, 4): blue, green, red and a byte without meaning."""

# Few frames of lookahead: by default they take 2 GB at 4K, for no visible gain here.
CODECS = {
    "mp4": "-f mp4 -c:v libx264 -crf 20 -rc-lookahead 10 -movflags +faststart",
    "webm": "-f webm -c:v libvpx-vp9 -crf 30 -b:v 0 -lag-in-frames 10 -deadline good "
    "-cpu-used 4 -row-mt 1",
}
# Screens mean sRGB; untagged films are shown with other colours by every player.
COLOURS = (
    "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -color_range tv "
    "-colorspace bt709 -color_primaries bt709 -color_trc bt709"
)


def even(size: tuple[int, int]) -> tuple[int, int]:
    """The next size that halves evenly: colours are stored at half the resolution."""
    width, height = size
    return width + width % 2, height + height % 2


class FFmpegEncoder:
    """Pipes frames of one even ``size`` into ffmpeg. A context manager; leaving it ends ffmpeg."""

    def __init__(
        self,
        path: Path,
        kind: Literal["mp4", "webm"],
        size: tuple[int, int],
        fps: Fraction,
        control: Control,
    ) -> None:
        self._control = control
        # A file, not a pipe: a pipe that nobody reads would stop ffmpeg when it is full.
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = self._start(path, kind, size, fps)
        except BaseException:
            self._complaints.close()
            raise
        control.on_cancel(self._process.kill)

    def __enter__(self) -> FFmpegEncoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._control.on_cancel(None)
        if self._process.poll() is None:
            self._process.kill()
        self._close_pipe()
        self._process.wait()
        self._complaints.close()

    def add(self, frame: Frame, count: int) -> None:
        """Write ``frame`` for ``count`` periods; raises ``ExportError`` when ffmpeg has gone."""
        assert self._process.stdin is not None
        data = np.ascontiguousarray(frame).data.cast("B")
        try:
            for _ in range(count):
                self._control.check()
                self._process.stdin.write(data)
        except OSError:  # the pipe broke, or Windows' 'invalid argument' for the same
            self._fail()

    def finish(self) -> None:
        """Let ffmpeg complete the file; raises ``ExportError`` if it does not."""
        self._close_pipe()
        if self._process.wait() != 0:
            self._fail()
        self._control.check()

    def _start(
        self, path: Path, kind: str, size: tuple[int, int], fps: Fraction
    ) -> subprocess.Popen[bytes]:
        try:
            program = imageio_ffmpeg.get_ffmpeg_exe()
        except RuntimeError as error:
            raise ExportError("no ffmpeg was found; reinstall imageio-ffmpeg") from error
        command = [program, "-y", "-nostdin", "-hide_banner", "-v", "error"]
        command += ["-f", "rawvideo", "-pix_fmt", "bgr0", "-s", f"{size[0]}x{size[1]}"]
        command += ["-r", f"{fps.numerator}/{fps.denominator}", "-i", "-", "-an"]
        # 'file:' so that a name such as '-x' or 'a:b' is not taken for anything else.
        command += [*COLOURS.split(), *CODECS[kind].split(), f"file:{path}"]
        try:
            if sys.platform == "win32":
                return subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=self._complaints,
                    creationflags=subprocess.CREATE_NO_WINDOW,
                )
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                process_group=0,  # Ctrl-C is ours to answer, by removing the file
            )
        except OSError as error:
            raise ExportError(f"cannot start {program}: {error.strerror or error}") from error

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _fail(self) -> None:
        self._control.check()  # cancelling kills ffmpeg: that is no failure
        self._close_pipe()
        status = self._process.wait()
        how = f"was stopped by signal {-status}" if status < 0 else f"ended with status {status}"
        complaint = self._last_complaint()
        raise ExportError(f"ffmpeg {how}" + (f": {complaint}" if complaint else ""))

    def _last_complaint(self) -> str:
        self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, self._complaints.tell() - 4096))
        lines = self._complaints.read().decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
