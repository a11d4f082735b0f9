"""Films of a scene: mp4, webm, gif, apng, or a folder of numbered pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Literal

from toydiff_gui.export.apng import ApngEncoder
from toydiff_gui.export.control import Control
from toydiff_gui.export.ffmpeg import FFmpegEncoder, Frame
from toydiff_gui.export.frames import FramePainter, png_bytes
from toydiff_gui.export.gif import GifEncoder
from toydiff_gui.export.spec import FilmSpec
from toydiff_gui.export.targets import replacing_file, replacing_folder, staging

PALETTE_SAMPLES = (0.0, 0.5, 0.8, 1.0)
"""Where in the film the colours of a GIF are taken from."""

AddFrame = Callable[[Frame, int], None]
"""Appends a frame for a number of periods."""


@dataclass(frozen=True)
class FilmResult:
    """The film as it was made; ``note`` says what differs from what was asked for."""

    path: Path
    frames: int
    size: tuple[int, int]
    rate: Fraction
    note: str

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return float(self.frames / self.rate)


def render_film(spec: FilmSpec, path: Path, control: Control | None = None) -> FilmResult:
    """Make the film at ``path``; a folder for the format 'png'.

    It appears whole or not at all. Raises ``ExportError``, or ``CancelledError`` after
    ``control.cancel()``.
    """
    control = control or Control()
    plan = spec.plan()
    painter = FramePainter(spec.picture, spec.picture_size, spec.theme)
    with _encoder(spec, path, painter, control) as add:
        for done, (t, count) in enumerate(plan):
            control.report(done, len(plan))
            add(painter.frame(t), count)
        control.report(len(plan), len(plan))
    return FilmResult(path, spec.frame_count(), spec.picture_size, spec.rate, _note(spec))


def render_films(
    films: Sequence[tuple[FilmSpec, Path]], control: Control | None = None
) -> list[FilmResult]:
    """Make several films of which all appear or none does. Raises as ``render_film``."""
    control = control or Control()
    if len(films) == 1:
        return [render_film(*films[0], control)]
    total = sum(len(spec.plan()) for spec, _ in films)
    results: list[FilmResult] = []
    with staging([path for _, path in films]) as staged:
        before = 0
        for (spec, path), temporary in zip(films, staged, strict=True):
            part = _Part(control, before, total)
            results.append(replace(render_film(spec, temporary, part), path=path))
            before += len(spec.plan())
    return results


class _Part(Control):
    """The control of a larger export, seen from one film of it."""

    def __init__(self, whole: Control, before: int, total: int) -> None:
        super().__init__()
        self._whole = whole
        self._before = before
        self._total = total

    @property
    def cancelled(self) -> bool:
        return self._whole.cancelled

    def on_cancel(self, callback: Callable[[], object] | None) -> None:
        self._whole.on_cancel(callback)

    def check(self) -> None:
        self._whole.check()

    def report(self, done: int, total: int) -> None:
        self._whole.report(self._before + done, self._total)


def _note(spec: FilmSpec) -> str:
    notes = []
    if abs(float(spec.rate) - spec.fps) > 1e-3:
        notes.append(
            f"{spec.format.upper()} counts hundredths of a second: "
            f"{float(spec.rate):.4g} frames per second instead of {spec.fps:g}"
        )
    if spec.picture_size != spec.size:
        width, height = spec.picture_size
        notes.append(f"{width}x{height} pixels, since a video needs even sides")
    return "; ".join(notes)


def _encoder(
    spec: FilmSpec, path: Path, painter: FramePainter, control: Control
) -> AbstractContextManager[AddFrame]:
    if spec.format == "mp4" or spec.format == "webm":
        return _video(spec, path, spec.format, control)
    if spec.format == "png":
        return _pictures(path, spec.frame_count(), control)
    return _animation(spec, path, painter)


@contextmanager
def _video(
    spec: FilmSpec, path: Path, kind: Literal["mp4", "webm"], control: Control
) -> Iterator[AddFrame]:
    with (
        replacing_file(path) as temporary,
        FFmpegEncoder(temporary, kind, spec.picture_size, spec.rate, control) as encoder,
    ):
        yield encoder.add
        encoder.finish()


@contextmanager
def _animation(spec: FilmSpec, path: Path, painter: FramePainter) -> Iterator[AddFrame]:
    encoder: GifEncoder | ApngEncoder
    with replacing_file(path) as temporary, open_stream(temporary) as stream:
        if spec.format == "gif":
            plan = spec.plan()
            times = [plan[round(share * (len(plan) - 1))][0] for share in PALETTE_SAMPLES]
            samples = [painter.frame(t).copy() for t in times]
            encoder = GifEncoder(stream, spec.size, spec.fps, samples)
        else:
            encoder = ApngEncoder(stream, spec.size, spec.rate, len(spec.plan()))
        yield encoder.add
        encoder.finish()


@contextmanager
def _pictures(path: Path, total: int, control: Control) -> Iterator[AddFrame]:
    digits = max(4, len(str(total)))
    written = 0
    with replacing_folder(path) as folder:

        def add(frame: Frame, count: int) -> None:
            nonlocal written
            data = png_bytes(frame)
            for _ in range(count):
                control.check()
                written += 1
                with open_stream(folder / f"frame-{written:0{digits}d}.png") as stream:
                    stream.write(data)

        yield add


def open_stream(path: Path) -> BinaryIO:
    """The one place where an animation or a picture of a film is opened for writing."""
    return path.open("wb")
