"""A moment of a scene of images, small: tiles and strips without their headers."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from toydiff_gui.modes.images.drawing.page import (
    FACE,
    filled_cards,
    page_layout,
    paint_face,
    paint_strips_card,
    tiles_layout_in,
)
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.drawing.tiles import paint_tiles

SMALLER = 0.7
"""Type of a cell beside that of the whole sheet."""


def paint_image_cells(paper: Paper, area: QRectF) -> None:
    """Paint the scene into ``area``; one image large only where it is alone."""
    small = replace(paper, style=replace(paper.style, scale=SMALLER * paper.style.scale))
    scene, style = small.scene, small.style
    cards = filled_cards(scene)
    if cards > {FACE}:
        cards -= {FACE}
    small.painter.fillRect(area, QColor(style.palette.canvas))
    layout = page_layout(area, scene, style, cards)
    if layout.face is not None:
        paint_face(small, layout.face)
    if layout.tiles is not None:
        paint_tiles(small, tiles_layout_in(layout.tiles, scene, style, ratio=small.ratio))
    if layout.strips is not None:
        paint_strips_card(small, layout.strips)
