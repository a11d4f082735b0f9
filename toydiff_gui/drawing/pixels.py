"""One image on paper, as large as there is room."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from engine.datasets.images import Pixels
from toydiff_gui.drawing.raster import drawn, image_of, paint_image, ratio_of


def paint_pixels(painter: QPainter, rect: QRectF, pixels: Pixels, *, vector: bool = False) -> None:
    """Fill ``rect`` with an image uint8 (C, H, W)."""
    if rect.width() < 1 or rect.height() < 1:
        return
    ratio = ratio_of(painter, vector)
    width, height = max(1, round(rect.width() * ratio)), max(1, round(rect.height() * ratio))
    paint_image(painter, rect, image_of(drawn(pixels, width, height)), vector=vector)


def fitted_rect(rect: QRectF, shape: tuple[int, ...]) -> QRectF:
    """The largest rectangle of the proportions of an image (C, H, W) in the middle of ``rect``."""
    height, width = shape[-2:]
    scale = min(rect.width() / width, rect.height() / height)
    result = QRectF(0, 0, width * scale, height * scale)
    result.moveCenter(rect.center())
    return result
