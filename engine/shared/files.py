"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call ``write`` with a temporary file beside ``path``, then put it in place of ``path``.

    What was at ``path`` stays until the new file is complete on the disk; after a failure (a full
    disk, an interrupt) it is still there and the temporary file is gone. Raises ``OSError`` that
    names ``path``.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # a full disk names no file, or the temporary one
        raise


def _umask() -> int:
    # mkstemp makes files private; a result should be as readable as any other new file.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def make_folder(path: Path) -> Path:
    """Create ``path`` with its parents and prove that it can be written.

    Raises ``ValueError`` naming the folder and the reason.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(f"cannot write to folder {path}: {error.strerror or error}") from error
    return path


@contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """``make_folder``; what is new of ``path`` and its parents goes again if the block fails.

    Folders into which something has come by then stay.
    """
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        make_folder(path)
        yield
    except BaseException:
        for folder in new:
            with suppress(OSError):  # not empty, or never made
                folder.rmdir()
        raise


@contextmanager
def staging_folder(folder: Path, name: str) -> Iterator[Path]:
    """A hidden folder in ``folder`` to put something together in, called after its ``name``.

    It is removed at the end with all that is still in it, and so is ``folder`` if it is new and
    empty. Raises ``ValueError`` if ``folder`` cannot be written.
    """
    new = not folder.exists()
    make_folder(folder)
    staging = Path(tempfile.mkdtemp(prefix=f".{name}-", suffix=".part", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if new:
            with suppress(OSError):  # something has come into it
                folder.rmdir()
