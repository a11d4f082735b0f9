"""A moment of a scene of images, small: tiles and strips without their headers."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.drawing.raster import ratio_of
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.drawing.page import (
    FACE,
    filled_cards,
    page_layout,
    paint_face,
    paint_strips_card,
)
from toydiff_gui.modes.images.drawing.tiles import paint_tiles, tiles_layout
from toydiff_gui.modes.images.scene import ImageScene

SMALLER = 0.7
"""Type of a cell beside that of the whole sheet."""


def paint_image_cells(
    painter: QPainter, area: QRectF, scene: ImageScene, t: int, style: LaneStyle, vector: bool
) -> None:
    """Paint what ``scene`` shows at ``t`` into ``area``; one image large only where it is alone."""
    small = replace(style, scale=SMALLER * style.scale)
    cards = filled_cards(scene)
    if cards > {FACE}:
        cards -= {FACE}
    painter.fillRect(area, QColor(style.palette.canvas))
    layout = page_layout(area, scene, small, cards)
    if layout.face is not None:
        paint_face(painter, layout.face, scene, t, small, vector=vector)
    if layout.tiles is not None:
        pad = round(small.px(10))
        count = len(scene.tiles.trajectory.x[0]) if scene.tiles.trajectory is not None else 1
        _, high, wide = scene.shape
        place = tiles_layout(
            layout.tiles.adjusted(pad, pad, -pad, -pad),
            count,
            (wide, high),
            small,
            ratio=ratio_of(painter, vector),
            captions=any(scene.tiles.classes),
        )
        paint_tiles(painter, place, scene, t, small, vector=vector)
    if layout.strips is not None:
        paint_strips_card(painter, layout.strips, scene, t, small, vector=vector)
