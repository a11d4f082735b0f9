"""A picture at t, as pixels or as an SVG. May run in any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize
from PySide6.QtGui import QImage, QImageWriter, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator

from toydiff_gui.drawing.style import picture_style
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.ffmpeg import Frame
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.export.spec import ThemeName
from toydiff_gui.style.theme import DARK, LIGHT, Theme


def picture_theme(name: ThemeName) -> Theme:
    """The theme of a picture; the window's presentation view does not matter to it."""
    return Theme(DARK, dark=True) if name == "dark" else Theme(LIGHT, dark=False)


class FramePainter:
    """Paints frames of one picture at one size, again and again into the same memory."""

    def __init__(self, picture: Picture, size: tuple[int, int], theme: ThemeName) -> None:
        self._picture = picture
        self._style = picture_style(picture_theme(theme), size[1])
        self._cache = picture.cache()
        self._image = blank_image(size)

    def image(self, t: int) -> QImage:
        """The frame at ``t``; painted over by the next one."""
        rect = QRectF(self._image.rect())
        with painting(self._image) as painter:
            self._picture.paint(painter, rect, t, self._style, cache=self._cache)
        return self._image

    def frame(self, t: int) -> Frame:
        """As ``image``, seen as an array (H, W, 4)."""
        return pixels(self.image(t))


def blank_image(size: tuple[int, int]) -> QImage:
    """An image to paint on; raises ``ExportError`` when there is no memory for it."""
    image = QImage(size[0], size[1], QImage.Format.Format_RGB32)
    if image.isNull():
        raise ExportError(f"there is not enough memory for a picture of {size[0]}x{size[1]}")
    return image


def pixels(image: QImage) -> Frame:
    """The memory of a 32-bit image as (H, W, 4): blue, green, red, unused."""
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)


def png_bytes(source: QImage | Frame) -> bytes:
    """The picture as a PNG file."""
    if isinstance(source, QImage):
        image = source
    else:
        height, width = source.shape[:2]
        image = QImage(source.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"png"))
    if not writer.write(image):
        raise ExportError(f"the picture could not be packed as a PNG: {writer.errorString()}")
    return bytes(buffer.data().data())


def still_image(picture: Picture, t: int, size: tuple[int, int], theme: ThemeName) -> QImage:
    """``picture`` at ``t`` as an image of its own."""
    return FramePainter(picture, size, theme).image(t)


def still_svg(picture: Picture, t: int, size: tuple[int, int], theme: ThemeName) -> bytes:
    """``picture`` at ``t`` as an SVG of shapes only: words are outlines, points are circles."""
    style = picture_style(picture_theme(theme), size[1])
    title = f"{picture.title}, t = {t}" if picture.title else f"t = {t}"

    def paint(painter: QPainter) -> None:
        picture.paint(painter, QRectF(0, 0, *size), t, style, vector=True)

    return svg_bytes(size, title, paint)


def svg_bytes(size: tuple[int, int], title: str, paint: Callable[[QPainter], object]) -> bytes:
    """What ``paint`` paints, as an SVG of ``size``."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(*size))
    generator.setViewBox(QRect(0, 0, *size))
    generator.setResolution(96)  # a unit is a pixel
    generator.setTitle(title)
    with painting(generator) as painter:
        paint(painter)
    return bytes(buffer.data().data())


@contextmanager
def painting(device: QPaintDevice) -> Iterator[QPainter]:
    """A painter that is ended before the device can go away, whatever happens."""
    painter = QPainter(device)
    try:
        yield painter
    finally:
        painter.end()
