"""One picture of a scene at t, as pixels or as an SVG. May run in any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QRectF, QSize
from PySide6.QtGui import QImage, QImageWriter, QPaintDevice, QPainter
from PySide6.QtSvg import QSvgGenerator

from toydiff_gui.drawing import BackgroundCache, paint_scene, picture_style
from toydiff_gui.drawing.picture import Views
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.ffmpeg import Frame
from toydiff_gui.export.parts import AnyScene
from toydiff_gui.export.spec import ThemeName
from toydiff_gui.theme import DARK, LIGHT, Theme


def picture_theme(name: ThemeName) -> Theme:
    """The theme of a picture; the window's presentation view does not matter to it."""
    return Theme(DARK, dark=True) if name == "dark" else Theme(LIGHT, dark=False)


class FramePainter:
    """Paints frames of one scene at one size, again and again into the same memory."""

    def __init__(
        self, scene: AnyScene, size: tuple[int, int], theme: ThemeName, views: Views = None
    ) -> None:
        self._scene = scene
        self._views = views
        self._style = picture_style(picture_theme(theme), size[1])
        self._cache = BackgroundCache()
        self._image = blank_image(size)

    def image(self, t: int) -> QImage:
        """The frame at ``t``; painted over by the next one."""
        rect = QRectF(self._image.rect())
        with painting(self._image) as painter:
            paint_scene(painter, rect, self._scene, t, self._style, self._views, cache=self._cache)
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


def still_image(
    scene: AnyScene, t: int, size: tuple[int, int], theme: ThemeName, views: Views = None
) -> QImage:
    """``scene`` at ``t`` as an image of its own."""
    return FramePainter(scene, size, theme, views).image(t)


def still_svg(
    scene: AnyScene, t: int, size: tuple[int, int], theme: ThemeName, views: Views = None
) -> bytes:
    """``scene`` at ``t`` as an SVG of shapes only: words are outlines, points are circles."""
    style = picture_style(picture_theme(theme), size[1])
    title = f"{scene.title}, t = {t}" if scene.title else f"t = {t}"

    def paint(painter: QPainter) -> None:
        rect = QRectF(0, 0, *size)
        paint_scene(painter, rect, scene, t, style, views, vector=True)

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
