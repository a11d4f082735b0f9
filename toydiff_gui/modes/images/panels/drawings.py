"""What is drawn in the cards of image sets: four of their images, or an icon."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from engine.datasets.images import Pixels
from toydiff_gui.drawing.pixels import paint_pixels
from toydiff_gui.style import icons, theme
from toydiff_gui.widgets.thumbnail import Drawing


def images_drawing(images: Pixels) -> Drawing:
    """Two by two images of (n, C, H, W), as large as fit."""

    def draw(painter: QPainter, rect: QRectF, colour: QColor) -> None:
        gap = 2.0
        side = int((min(rect.width(), rect.height()) - gap) / 2)
        whole = QRectF(0, 0, 2 * side + gap, 2 * side + gap)
        whole.moveCenter(rect.center())
        for index, pixels in enumerate(images[:4]):
            row, column = divmod(index, 2)
            x = round(whole.left()) + column * (side + gap)
            y = round(whole.top()) + row * (side + gap)
            paint_pixels(painter, QRectF(x, y, side, side), pixels)

    return draw


def icon_drawing(name: str) -> Drawing:
    """The icon ``name`` in the middle."""

    def draw(painter: QPainter, rect: QRectF, colour: QColor) -> None:
        side = theme.current().px(18)
        place = QRectF(0, 0, side, side)
        place.moveCenter(rect.center())
        icons.paint(painter, name, place, colour.name())

    return draw
