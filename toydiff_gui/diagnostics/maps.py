"""Heat maps of an image: each with a scale of its own, from nothing to its largest value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from engine.datasets.images import Pixels
from toydiff_gui.diagnostics.chart import Chart, Values, short
from toydiff_gui.diagnostics.chart_layout import Frame
from toydiff_gui.drawing.pixels import paint_pixels
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, elided


def heat_pixels(values: Values, ground: str, colour: str) -> Pixels:
    """``values`` (H, W) as an image (3, H, W): ``ground`` for 0, ``colour`` for the largest."""
    most = float(values.max(initial=0.0))
    share = values / most if most > 0 else np.zeros_like(values)
    low, high = (_rgb(name)[:, None, None] for name in (ground, colour))
    return np.asarray(np.round(low + (high - low) * share), np.uint8)


def _rgb(colour: str) -> NDArray[np.float64]:
    named = QColor(colour)
    return np.array([named.red(), named.green(), named.blue()], np.float64)


def paint_maps(
    painter: QPainter, chart: Chart, frame: Frame, style: LaneStyle, *, vector: bool
) -> None:
    """The maps, with time and note below each."""
    palette = style.palette
    for each, place in zip(chart.maps, frame.spots, strict=True):
        pixels = heat_pixels(each.values, palette.canvas, palette.error)
        paint_pixels(painter, place, pixels, vector=vector)
        painter.setPen(QPen(QColor(palette.control_border), style.scale))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place)
        below = QPointF(place.left(), place.bottom() + style.px(15))
        bold, small = style.font(11, 600), style.font(10, 500)
        draw_text(painter, below, f"t = {each.t}", bold, palette.text, vector=vector)
        for line in each.notes:
            below += QPointF(0, style.px(14))
            text = elided(line, small, place.width() + style.px(10))
            draw_text(painter, below, text, small, palette.label, vector=vector)


def paint_map_moment(
    painter: QPainter, chart: Chart, frame: Frame, t: float, style: LaneStyle
) -> None:
    """A frame around the map whose time is nearest to ``t``."""
    nearest = min(range(len(chart.maps)), key=lambda k: abs(chart.maps[k].t - t))
    line = style.stroke(2.0)
    painter.setPen(QPen(QColor(style.palette.accent), line))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    out = line / 2
    painter.drawRect(frame.spots[nearest].adjusted(-out, -out, out, out))


def map_lines(chart: Chart, frame: Frame, position: QPointF) -> list[str]:
    """What the tag at the pointer says: the value of the pixel there."""
    for each, place in zip(chart.maps, frame.spots, strict=True):
        found = _pixel(each.values, place, position)
        if found is not None:
            row, column = found
            value = short(float(each.values[row, column]))
            return [f"row {row + 1}, column {column + 1}", f"{chart.symbol} {value}"]
    return []


def _pixel(values: Values, place: QRectF, position: QPointF) -> tuple[int, int] | None:
    if not place.contains(position):
        return None
    height, width = values.shape
    column = int((position.x() - place.left()) / place.width() * width)
    row = int((position.y() - place.top()) / place.height() * height)
    return min(row, height - 1), min(column, width - 1)
