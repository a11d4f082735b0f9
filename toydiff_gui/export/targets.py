"""Where exports go: files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from toydiff_gui.export.errors import ExportError

FRAME_NAME = re.compile(r"frame-\d+\.png")


def sentence(path: Path, error: OSError) -> ExportError:
    """The one sentence for a file that cannot be written."""
    if error.errno == errno.ENOSPC:
        return ExportError(f"cannot write {path}: the disk is full")
    return ExportError(f"cannot write {path}: {error.strerror or error}")


def check_folder(path: Path) -> None:
    """Raise ``ExportError`` unless files can be made in the folder that ``path`` is to be in."""
    folder = path.parent
    if not folder.is_dir():
        raise ExportError(f"cannot write {path}: the folder {folder} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ExportError(f"cannot write {path}: the folder {folder} is not writable")


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` that takes its place once the block ends well.

    After any failure what was at ``path`` is still there and the temporary file is gone.
    Raises ``ExportError`` for what the file system refuses.
    """
    check_folder(path)
    if path.is_dir():
        raise ExportError(f"cannot write {path}: it is a folder")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        # Made here, not by mkstemp, so that the file is as readable as any other new one.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        _to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        _remove_file(temporary)
        raise sentence(path, error) from error
    except BaseException:
        _remove_file(temporary)
        raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """As ``replacing_file`` for a folder of numbered frames.

    A folder that exists is replaced if it is empty or holds nothing but an earlier export; any
    other is refused.
    """
    path = path.absolute()  # Path drops the '/' at the end
    check_folder(path)
    check_frames_only(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.mkdir()
        yield temporary
        _swap(temporary, path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise sentence(path, error) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextmanager
def staging(paths: list[Path]) -> Iterator[list[Path]]:
    """Yield temporary names for several results that all take their places, or none does.

    Raises ``ExportError`` for what the file system refuses.
    """
    for path in paths:
        check_folder(path)
        if path.suffix == "":
            check_frames_only(path)
        elif path.is_dir():
            raise ExportError(f"cannot write {path}: it is a folder")
    room = paths[0].with_name(f".{paths[0].name}.{secrets.token_hex(4)}.part")
    try:
        room.mkdir()
        staged = [room / path.name for path in paths]
        yield staged
        for new, path in zip(staged, paths, strict=True):
            if new.is_dir():
                _swap(new, path)
            else:
                new.replace(path)
    except OSError as error:
        raise sentence(paths[0], error) from error
    except ExportError as error:  # it shall name the file that was asked for
        raise ExportError(str(error).replace(str(room), str(room.parent))) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def check_frames_only(path: Path) -> None:
    """Raise ``ExportError`` if ``path`` holds what an export of frames must not replace."""
    if path.is_dir():
        foreign = next((f.name for f in path.iterdir() if not FRAME_NAME.fullmatch(f.name)), None)
        if foreign is not None:
            raise ExportError(
                f"cannot write frames to {path}: it already holds {foreign}; choose a new folder"
            )
    elif path.exists():
        raise ExportError(f"cannot write frames to {path}: it is a file")


def _swap(new: Path, path: Path) -> None:
    if not path.exists():
        new.rename(path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    path.rename(old)
    try:
        new.rename(path)
    except OSError:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _remove_file(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
