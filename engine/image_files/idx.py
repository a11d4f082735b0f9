"""IDX files, the format of MNIST and Fashion-MNIST, read through torchvision.

torchvision trusts the numbers in a file's header and reads it whole. Here they are held against
the file's size before anything is allocated, and a gzipped file is unpacked into a temporary
folder first: nothing is written beside the user's files.
"""

from __future__ import annotations

import gzip
import math
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from engine.datasets.images import Pixels

MOST_IMAGES = 200_000
UNSIGNED_BYTES = 8
"""The code of the one element type that images and labels have."""
CHUNK = 2**20


def read_images(path: Path, side: int) -> Pixels:
    """Grey images of ``side`` x ``side``, uint8 (n, 1, side, side), n >= 1.

    Raises ``ValueError`` naming the file and what is wrong with it.
    """
    from torchvision.datasets.mnist import read_image_file  # takes seconds to load

    shape = _shape_of(path, dimensions=3)
    if shape[1:] != (side, side):
        raise _unusable(path, f"its images are {shape[1]} x {shape[2]}, not {side} x {side}")
    with _unpacked(path, shape) as file:
        return cast(Pixels, read_image_file(str(file)).numpy()[:, None])


def read_labels(path: Path, count: int, classes: int) -> NDArray[np.int64]:
    """The labels of ``count`` images, int64 (count,) in 0..classes - 1.

    Raises ``ValueError`` naming the file and what is wrong with it.
    """
    from torchvision.datasets.mnist import read_label_file

    shape = _shape_of(path, dimensions=1)
    if shape != (count,):
        raise _unusable(path, f"it holds {shape[0]} labels for {count} images")
    with _unpacked(path, shape) as file:
        labels = cast("NDArray[np.int64]", read_label_file(str(file)).numpy().astype(np.int64))
    if labels.max() >= classes:
        raise _unusable(path, f"it holds the label {labels.max()}, but there are {classes} classes")
    return labels


def check(path: Path) -> None:
    """Raise a ``ValueError`` that names ``path`` unless it is as long as its header says."""
    with _unpacked(path, _shape_of(path, _dimensions(path))):
        pass


def unpack(path: Path, target: Path) -> None:
    """Write the content of the gzipped IDX file ``path`` to ``target``.

    Raises ``ValueError`` unless it is exactly as long as its header says.
    """
    _unpack(path, target, _length(_shape_of(path, _dimensions(path))))


def _dimensions(path: Path) -> int:
    return 3 if "-idx3-" in path.name else 1


@contextmanager
def _unpacked(path: Path, shape: tuple[int, ...]) -> Iterator[Path]:
    """A file of the size that ``shape`` needs, with what ``path`` holds."""
    length = _length(shape)
    if path.suffix != ".gz":
        if path.stat().st_size != length:
            raise _unusable(path, f"it has {path.stat().st_size} bytes, its header says {length}")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="toydiff-") as folder:
        target = Path(folder) / path.stem
        _unpack(path, target, length)
        yield target


def _unpack(path: Path, target: Path, length: int) -> None:
    with _readable(path) as source, target.open("wb") as out:
        left = length
        while left and (chunk := source.read(min(left, CHUNK))):
            out.write(chunk)
            left -= len(chunk)
        if left:
            raise _unusable(path, f"it ends {left} bytes early")
        if source.read(1):  # also checks the sum at the end
            raise _unusable(path, f"it is longer than the {length} bytes its header says")


def _shape_of(path: Path, dimensions: int) -> tuple[int, ...]:
    size = 4 * (1 + dimensions)
    with _readable(path) as source:
        header = source.read(size)
    if len(header) < size or header[:4] != bytes([0, 0, UNSIGNED_BYTES, dimensions]):
        raise _unusable(path, f"it does not begin like one of {dimensions} dimensions")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if not 1 <= shape[0] <= MOST_IMAGES:
        raise _unusable(path, f"it claims {shape[0]} entries; 1 to {MOST_IMAGES} are allowed")
    return shape


def _length(shape: tuple[int, ...]) -> int:
    return 4 * (1 + len(shape)) + math.prod(shape)


@contextmanager
def _readable(path: Path) -> Iterator[BinaryIO]:
    """``path``, unpacked as it is read; what goes wrong becomes a ``ValueError``."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            yield cast(BinaryIO, stream)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unusable(path, reason) from error


def _unusable(path: Path, reason: str) -> ValueError:
    return ValueError(f"{path} is not a usable IDX file: {reason}")
