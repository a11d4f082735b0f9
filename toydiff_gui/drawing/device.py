"""Painting in device pixels, where points are placed and pictures copied as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QTransform


def device_rect(painter: QPainter, rect: QRectF) -> QRectF:
    """``rect`` in device pixels; the painter may be shifted and scaled, not turned."""
    return painter.deviceTransform().mapRect(rect)


def pixel_ratio(painter: QPainter) -> float:
    """Device pixels per unit of the painter."""
    return painter.deviceTransform().m11()


@contextmanager
def device_pixels(painter: QPainter, clip: QRectF) -> Iterator[None]:
    """Let one unit be one device pixel, and paint inside ``clip`` (device pixels) only.

    The clip is more than a guard: with a rectangular one Qt's raster engine draws thin lines some
    thirty times faster than with none.
    """
    painter.save()
    try:
        painter.setClipRect(painter.deviceTransform().inverted()[0].mapRect(clip))
        # The painter's own transform W and the device's H give T = W H; H's inverse undoes it.
        inverse: QTransform = painter.deviceTransform().inverted()[0]
        painter.setWorldTransform(inverse * painter.worldTransform())
        yield
    finally:
        painter.restore()
