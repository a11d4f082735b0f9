"""Reads an image file as the states of a model are made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QImageReader

from engine.datasets.images import Pixels

MAX_FILE_BYTES = 64 * 2**20
MAX_SIDE = 16_384
"""Pixels of the longer side of an image file."""


def read_image(path: Path, shape: tuple[int, ...]) -> Pixels:
    """An image file as uint8 of ``shape`` (C, H, W): the middle of it, scaled.

    What is transparent shows white, as paper does. Raises ``ValueError`` naming the file and its
    fault.
    """
    channels, height, width = shape
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"image file {path} cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise ValueError(f"image file {path.name} has {size} bytes, more than {MAX_FILE_BYTES}")
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    told = reader.size()
    if told.isValid() and max(told.width(), told.height()) > MAX_SIDE:
        raise ValueError(
            f"image file {path.name} has {told.width()} x {told.height()} pixels, "
            f"more than {MAX_SIDE} on a side"
        )
    image = reader.read()
    if image.isNull():
        raise ValueError(f"image file {path.name} is not an image: {reader.errorString()}")
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    side = min(image.width() / width, image.height() / height)
    wide, high = max(1, round(width * side)), max(1, round(height * side))
    left, top = (image.width() - wide) // 2, (image.height() - high) // 2
    image = image.copy(left, top, wide, high).scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    rgba = rows[:, : 4 * width].reshape(height, width, 4).astype(np.float32)
    opacity = rgba[..., 3:] / 255
    rgb = rgba[..., :3] * opacity + 255 * (1 - opacity)
    if channels == 1:  # as the eye weighs colours (Rec. 601)
        rgb = rgb @ np.array([[0.299], [0.587], [0.114]], np.float32)
    return np.ascontiguousarray(np.round(rgb).clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
