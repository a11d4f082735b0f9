"""Images as pixels of a picture: scaled by NumPy, many into one array, drawn in one call.

A whole multiple repeats every pixel. Any other size keeps the pixels as sharp as it can: a pixel of
the picture is the mean of what lies beneath it, so that all are as large as they should be.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from engine.datasets.images import Pixels
from toydiff_gui.drawing.device import device_pixels, device_rect

Argb = NDArray[np.uint32]
"""Colours as 0xAARRGGBB, premultiplied; 0 is nothing at all."""

LEAST_WHOLE = 0.84
"""A whole multiple is taken if it fills this share of the room, else all of the room is filled."""
OPAQUE = np.uint32(0xFF000000)
_GREYS = np.arange(256, dtype=np.uint32) * np.uint32(0x010101) | OPAQUE
VECTOR_RATIO = 2.0
"""Pixels of an image for each unit of a vector picture."""


def fitted(
    room_width: float, room_height: float, size: tuple[int, int], *, whole: float = LEAST_WHOLE
) -> tuple[int, int]:
    """Width and height, in pixels, that an image of ``size`` (width, height) takes in the room."""
    width, height = size
    factor = max(min(room_width / width, room_height / height), 1 / max(width, height))
    times = int(factor)
    if times >= 1 and times >= whole * factor:
        return times * width, times * height
    return max(1, int(factor * width)), max(1, int(factor * height))


def scaled(images: Pixels, width: int, height: int) -> Pixels:
    """``images`` (..., H, W) as (..., height, width)."""
    *_, rows, columns = images.shape
    if height % rows == 0 and width % columns == 0:
        return images.repeat(height // rows, axis=-2).repeat(width // columns, axis=-1)
    flat = images.reshape(-1, rows, columns)
    count = len(flat)
    # The axis that is scaled comes first, so that whole lines of memory are added at once.
    down = np.ascontiguousarray(flat.transpose(1, 0, 2), np.float32).reshape(rows, -1)
    half = _averaged(down, height).reshape(height, count, columns)
    across = np.ascontiguousarray(half.transpose(2, 1, 0)).reshape(columns, -1)
    mixed = _averaged(across, width)
    levels = np.rint(mixed, out=mixed).astype(np.uint8).reshape(width, count, height)
    return levels.transpose(1, 2, 0).reshape(*images.shape[:-2], height, width)


def _averaged(lines: NDArray[np.float32], target: int) -> NDArray[np.float32]:
    """Each of ``target`` lines as the mean of those of ``lines`` (size, n) that lie beneath it.

    By the sums up to each edge, not by a matrix: small products in threads wait for each other
    where the processor is busy.
    """
    size = len(lines)
    first, share, per_line = _edges(size, target)
    sums = np.zeros((size + 2, lines.shape[1]), np.float32)
    np.cumsum(lines, axis=0, out=sums[1:-1])
    sums[-1] = sums[-2]
    at_edges = sums[first + 1]
    at_edges -= sums[first]
    at_edges *= share[:, None]
    at_edges += sums[first]
    result = at_edges[1:]
    result -= at_edges[:-1].copy()
    result *= per_line
    return result


@lru_cache(maxsize=128)
def _edges(size: int, target: int) -> tuple[NDArray[np.intp], NDArray[np.float32], np.float32]:
    """Where the edges of the ``target`` pixels lie among ``size``: whole part and rest."""
    edges = np.arange(target + 1) * size / target
    whole = np.floor(edges).astype(np.intp)
    return whole, (edges - whole).astype(np.float32), np.float32(target / size)


def colours(images: Pixels) -> Argb:
    """``images`` (..., C, H, W) as opaque colours (..., H, W); one channel is grey."""
    if images.shape[-3] < 3:
        return _GREYS.take(images[..., 0, :, :])
    wide = images.astype(np.uint32)
    red, green, blue = (wide[..., channel, :, :] for channel in range(3))
    return np.asarray(red << 16 | green << 8 | blue | OPAQUE)


def drawn(images: Pixels, width: int, height: int) -> Argb:
    """``images`` (..., C, H, W) as colours (..., height, width)."""
    *_, rows, columns = images.shape
    if height % rows == 0 and width % columns == 0:  # a quarter of the work, or less
        small = colours(images)
        return small.repeat(height // rows, axis=-2).repeat(width // columns, axis=-1)
    return colours(scaled(images, width, height))


def mosaic(tiles: Argb, columns: int, gap: tuple[int, int]) -> Argb:
    """``tiles`` (N, h, w) side by side in reading order, with nothing in the gaps (x, y)."""
    count, high, wide = tiles.shape
    rows = -(-count // columns)
    pitch_x, pitch_y = wide + gap[0], high + gap[1]
    full = tiles
    if count < rows * columns:
        full = np.concatenate([tiles, np.zeros((rows * columns - count, high, wide), np.uint32)])
    ground = np.zeros((rows, pitch_y, columns, pitch_x), np.uint32)
    ground[:, :high, :, :wide] = full.reshape(rows, columns, high, wide).transpose(0, 2, 1, 3)
    whole = ground.reshape(rows * pitch_y, columns * pitch_x)
    return whole[: rows * pitch_y - gap[1], : columns * pitch_x - gap[0]]


def side_by_side(tiles: Argb, lefts: NDArray[np.intp]) -> Argb:
    """``tiles`` (N, h, w) in a row, each from its own of ``lefts`` on, with nothing in the gaps."""
    _, high, wide = tiles.shape
    whole = np.zeros((high, int(lefts[-1]) + wide), np.uint32)
    columns = lefts[:, None] + np.arange(wide)
    whole[:, columns.ravel()] = tiles.transpose(1, 0, 2).reshape(high, -1)
    return whole


def image_of(argb: Argb) -> QImage:
    """An image with its own memory."""
    pixels = np.ascontiguousarray(argb)
    high, wide = pixels.shape
    form = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(cast(Any, pixels.data), wide, high, 4 * wide, form).copy()


class ImageCache:
    """The last image of each card, by what it shows; ``made`` counts those made anew."""

    def __init__(self) -> None:
        # The sources come along, so that their ids are not given to others meanwhile.
        self._kept: dict[str, tuple[object, Hashable, QImage]] = {}
        self.made = 0

    def find(self, name: str, source: object, key: Hashable) -> QImage | None:
        """What was kept as ``name``, if it was made of ``source`` and ``key``."""
        kept = self._kept.get(name)
        return kept[2] if kept is not None and kept[0] is source and kept[1] == key else None

    def keep(self, name: str, source: object, key: Hashable, image: QImage) -> None:
        """Keep ``image`` as ``name`` instead of the one before."""
        self.made += 1
        self._kept[name] = (source, key, image)


def paint_image(painter: QPainter, place: QRectF, image: QImage, *, vector: bool = False) -> None:
    """Draw ``image`` into ``place``: pixel for pixel from its upper left corner on the screen."""
    if vector:
        painter.drawImage(place, image)
        return
    target = device_rect(painter, place)
    clip = painter.clipBoundingRect() if painter.hasClipping() else None
    with device_pixels(painter, device_rect(painter, place if clip is None else clip)):
        painter.drawImage(QPointF(round(target.left()), round(target.top())), image)


def ratio_of(painter: QPainter, vector: bool) -> float:
    """Pixels of an image for each unit of the painter."""
    return VECTOR_RATIO if vector else painter.deviceTransform().m11()
