"""Round points as pictures in one atlas, so that a cloud of any size is a single draw call.

Qt copies fragments to whole device pixels. Each colour is therefore held at several fractions of a
pixel, and a point takes the picture nearest to its true place: it moves smoothly.

Pictures are cached for each thread by itself: the window and an export may draw at the same time.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

from toydiff_gui.drawing.view import Pixels

MAX_ATLASES = 48
SUPERSAMPLING = 8
FRAGMENT_FIELDS = 10  # x, y, source x, y, width, height, scale x, y, rotation, opacity


@dataclass(frozen=True)
class Sprite:
    """The look of a point: a disc, or a ring whose stroke is ``stroke`` wide; device pixels."""

    diameter: float
    opacity: float = 1.0
    stroke: float = 0.0


@dataclass(frozen=True)
class Atlas:
    """Cells of ``cell`` pixels: a column a colour, a row a fraction of a pixel."""

    pixmap: QPixmap
    cell: int
    phases: int


class _Caches(threading.local):
    def __init__(self) -> None:
        self.atlases: OrderedDict[tuple[Sprite, tuple[str, ...]], Atlas] = OrderedDict()
        # Kept between calls: Qt reads the fragments from this memory.
        self.fragments = PrimitiveArray(QPainter.PixmapFragment, FRAGMENT_FIELDS)


_caches = _Caches()


def draw_sprites(
    painter: QPainter,
    centres: Pixels,
    sprite: Sprite,
    colours: tuple[str, ...],
    steps: NDArray[np.intp] | None = None,
) -> None:
    """Draw a point at each of ``centres`` (N, 2) in one call; ``steps`` picks their colours.

    The painter is in device pixels. All centres are finite and near the picture.
    """
    if len(centres) == 0:
        return
    atlas = _atlas(sprite, colours)
    cell, phases = atlas.cell, atlas.phases
    fragments = _caches.fragments
    fragments.resize(len(centres))
    array = fragments.ndarray()
    # Half a fraction more, so that rounding down takes the nearest one.
    corner = centres + (0.5 / phases - cell / 2)
    whole = np.floor(corner)
    phase = np.floor((corner - whole) * phases)
    array[:, 0:2] = whole
    array[:, 0:2] += cell / 2  # a fragment is placed by its middle
    array[:, 2] = 0.0 if steps is None else steps * cell
    array[:, 3] = (phase[:, 1] * phases + phase[:, 0]) * cell
    array[:, 4:6] = cell
    array[:, 6:8] = 1.0
    array[:, 8] = 0.0
    array[:, 9] = 1.0
    first, count = fragments.drawargs()
    painter.drawPixmapFragments(first, count, atlas.pixmap)


def _atlas(sprite: Sprite, colours: tuple[str, ...]) -> Atlas:
    key = (sprite, colours)
    atlases = _caches.atlases
    if key in atlases:
        atlases.move_to_end(key)
        return atlases[key]
    atlas = atlases[key] = _make_atlas(sprite, colours)
    if len(atlases) > MAX_ATLASES:
        atlases.popitem(last=False)
    return atlas


def _make_atlas(sprite: Sprite, colours: tuple[str, ...]) -> Atlas:
    # The larger a point, the less a fraction of a pixel shows.
    phases = 4 if sprite.diameter <= 9 else 2 if sprite.diameter <= 24 else 1
    cell = math.ceil(sprite.diameter + sprite.stroke) + 3
    coverage = np.concatenate(
        [
            _coverage(sprite, cell, column / phases, row / phases)
            for row in range(phases)
            for column in range(phases)
        ]
    )
    channels = np.array([QColor(colour).getRgbF() for colour in colours])
    # Premultiplied: every channel falls with the coverage. (rows, colours, cell, channel)
    picture = coverage[:, None, :, None] * (channels * sprite.opacity)[None, :, None, :]
    picture = picture.reshape(len(coverage), len(colours) * cell, 4)
    pixels = np.ascontiguousarray(np.round(picture * 255).astype(np.uint8))
    height, width = pixels.shape[:2]
    image = QImage(
        cast(Any, pixels.data),
        width,
        height,
        4 * width,
        QImage.Format.Format_RGBA8888_Premultiplied,
    )
    # The image borrows the array's memory, so the pixmap must be a copy of its own.
    return Atlas(QPixmap.fromImage(image.copy()), cell, phases)


def _coverage(sprite: Sprite, cell: int, x: float, y: float) -> NDArray[np.float64]:
    """How much of each pixel of a cell the point covers, its middle shifted by (x, y)."""
    steps = (np.arange(cell * SUPERSAMPLING) + 0.5) / SUPERSAMPLING - cell / 2
    distance = np.hypot((steps - x)[None, :], (steps - y)[:, None])
    if sprite.stroke:
        inside = np.abs(distance - sprite.diameter / 2) <= sprite.stroke / 2
    else:
        inside = distance <= sprite.diameter / 2
    blocks = inside.reshape(cell, SUPERSAMPLING, cell, SUPERSAMPLING)
    return np.asarray(blocks.mean(axis=(1, 3)))
