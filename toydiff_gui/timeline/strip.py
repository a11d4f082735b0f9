"""The strip of thumbnails as one picture, made anew only when what it shows changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

Image = NDArray[np.floating]


def tinted(image: Image, colour: str) -> QImage:
    """A grey picture (H, W), 0..1, as ``colour`` with that opacity."""
    alpha = np.clip(np.nan_to_num(np.asarray(image, np.float64)), 0.0, 1.0)
    tone = QColor(colour)
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    for channel, value in enumerate((tone.blue(), tone.green(), tone.red(), 255)):
        pixels[..., channel] = np.round(alpha * value)  # premultiplied
    height, width = alpha.shape
    picture = QImage(
        pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied
    )
    return picture.copy()  # QImage does not keep the array alive


def of_pixels(image: Image) -> QImage:
    """A picture 0..1 as it is: grey (H, W) from black to white, or colours (H, W, 3)."""
    levels = np.clip(np.nan_to_num(np.asarray(image, np.float64)), 0.0, 1.0)
    pixels = np.ascontiguousarray(np.round(levels * 255).astype(np.uint8))
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2
    kind = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, pixels.strides[0], kind).copy()


def paint_strip(
    images: Sequence[Image], width: int, height: int, colour: str, dpr: float
) -> QPixmap:
    """The pictures side by side in cells of equal width, each as large as fits.

    Without a ``colour`` they are pictures of pixels: the same in every theme, and sharp.
    """
    strip = QPixmap(max(1, round(width * dpr)), max(1, round(height * dpr)))
    strip.setDevicePixelRatio(dpr)
    strip.fill(Qt.GlobalColor.transparent)
    if not images:
        return strip
    painter = QPainter(strip)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, bool(colour))
    cell = width / len(images)
    for index, image in enumerate(images):
        rows, columns = image.shape[:2]
        size = min(cell / columns, height / rows)
        place = QRectF(0, 0, columns * size, rows * size)
        place.moveCenter(QRectF(index * cell, 0, cell, height).center())
        painter.drawImage(place, tinted(image, colour) if colour else of_pixels(image))
    painter.end()
    return strip
