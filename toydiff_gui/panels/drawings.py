"""What is drawn in the cards: data sets as points, noise schedules as curves."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPixmapCache, QPolygonF

from toydiff_gui.style import theme
from toydiff_gui.widgets.thumbnail import Drawing

SHOWN = 1200
"""Points in a thumbnail; more would only fill it."""
REACH = 2.1
"""Standardised units from the middle of a thumbnail to its nearer edges."""


def points_drawing(points: NDArray[np.float32]) -> Drawing:
    """A drawing of points in the plane (n, 2), in standardised units."""
    some = np.asarray(points[:: max(1, len(points) // SHOWN)], np.float64)
    name = blake2b(some.tobytes(), digest_size=16).hexdigest()

    def draw(painter: QPainter, rect: QRectF, colour: QColor) -> None:
        dpr = painter.device().devicePixelRatioF()
        look = (round(rect.width()), round(rect.height()), colour.name(), dpr)
        key = f"{name} {look}"
        pixmap = QPixmap()
        if not QPixmapCache.find(key, pixmap):  # which all windows share
            pixmap = _points_pixmap(some, *look)
            QPixmapCache.insert(key, pixmap)
        painter.drawPixmap(rect.topLeft(), pixmap)

    return draw


def _points_pixmap(
    points: NDArray[np.float64], width: int, height: int, colour: str, dpr: float
) -> QPixmap:
    result = QPixmap(round(width * dpr), round(height * dpr))
    result.setDevicePixelRatio(dpr)
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(theme.with_alpha(colour, 0.6), 1.2)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    scale = min(width, height) / (2 * REACH)
    at = np.stack([width / 2 + points[:, 0] * scale, height / 2 - points[:, 1] * scale], axis=1)
    painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in at.tolist()]))
    painter.end()
    return result


def curve_drawing(values: NDArray[np.float64]) -> Drawing:
    """A drawing of a curve over its index, from 0 at the bottom to 1 at the top."""

    def draw(painter: QPainter, rect: QRectF, colour: QColor) -> None:
        inner = rect.adjusted(2, 2, -2, -2)
        across = np.linspace(0, len(values) - 1, min(len(values), 64))
        heights = np.interp(across, np.arange(len(values)), values)
        x = inner.left() + across / (len(values) - 1) * inner.width()
        y = inner.bottom() - heights * inner.height()
        painter.setPen(QPen(colour, 1.6 * theme.current().line_scale))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF([QPointF(*p) for p in zip(x, y, strict=True)]))

    return draw
