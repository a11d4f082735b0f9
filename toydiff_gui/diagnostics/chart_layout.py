"""Where a chart's plot lies in its card, and what lies where in it. No painting here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from toydiff_gui.diagnostics.chart import Axis, Chart, Values, fixed
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import text_width
from toydiff_gui.drawing.view import tick_step, ticks

SIDE, FIGURES = 76, 124
"""Widths of the column with colour bar and figures, and of one with figures alone."""
MAP_WORDS = 50
"""Height of the three lines below a heat map."""
LEAST_SPAN = 0.01
"""How far one can zoom in: to a hundredth of an axis."""


@dataclass(frozen=True)
class Window:
    """The part of a chart that is shown, as fractions of its axes; all of it unless zoomed."""

    x0: float = 0.0
    x1: float = 1.0
    y0: float = 0.0
    y1: float = 1.0


@dataclass(frozen=True)
class Frame:
    """A chart laid out: ``plot`` shows coordinates x0 to x1 (left to right), y0 to y1 (upwards).

    ``spots`` are the places of the chart's heat maps, in their order.
    """

    plot: QRectF
    side: QRectF
    bar: QRectF
    x0: float
    x1: float
    y0: float
    y1: float
    spots: tuple[QRectF, ...] = ()

    def x(self, coordinate: float) -> float:
        """Where an x coordinate lies on the paper."""
        return self.plot.left() + (coordinate - self.x0) / (self.x1 - self.x0) * self.plot.width()

    def y(self, coordinate: float) -> float:
        """Where a y coordinate lies on the paper."""
        return (
            self.plot.bottom() - (coordinate - self.y0) / (self.y1 - self.y0) * self.plot.height()
        )

    def places(self, chart: Chart, x: Values, y: Values) -> Values:
        """Positions of (x, y) on the paper, (n, 2)."""
        across, up = chart.x.coordinate(x), chart.y.coordinate(y)
        return np.stack(
            [
                self.plot.left() + (across - self.x0) / (self.x1 - self.x0) * self.plot.width(),
                self.plot.bottom() - (up - self.y0) / (self.y1 - self.y0) * self.plot.height(),
            ],
            axis=1,
        )

    def coordinates(self, position: QPointF) -> tuple[float, float]:
        """The coordinates of a place on the paper."""
        return (
            self.x0 + (position.x() - self.plot.left()) / self.plot.width() * (self.x1 - self.x0),
            self.y0
            + (self.plot.bottom() - position.y()) / self.plot.height() * (self.y1 - self.y0),
        )

    def bar_y(self, t: float, timesteps: int) -> float:
        """Where time ``t`` lies on the colour bar, noise at the top."""
        return self.bar.bottom() - t / max(timesteps, 1) * self.bar.height()

    def time_of(self, chart: Chart, position: QPointF) -> int | None:
        """The t that a place of the plot or of the colour bar stands for, held within 0..T."""
        if chart.maps:
            for spot, each in zip(self.spots, chart.maps, strict=True):
                if spot.contains(position):
                    return each.t
            return None
        if chart.over_time:
            t = self.coordinates(position)[0]
        elif chart.timed and self.bar.height() > 0:
            t = (self.bar.bottom() - position.y()) / self.bar.height() * chart.timesteps
        else:
            return None
        return min(max(round(t), 0), chart.timesteps)


def lay_out(chart: Chart, body: QRectF, style: LaneStyle, window: Window | None = None) -> Frame:
    """The frame of ``chart`` in ``body``, the card below its header."""
    window = window or Window()
    x0, x1 = _shown(chart.x, window.x0, window.x1)
    y0, y1 = _shown(chart.y, window.y0, window.y1)
    font = style.font(10, 500)
    high = body.height()
    titles = high >= style.px(150)
    top, bottom = style.px(12), style.px(38 if titles else 22)
    labels = [text for _, text in axis_ticks(chart.y, y0, y1, max(high - top - bottom, 1), style)]
    left = style.px(10) + max((text_width(text, font) for text in labels), default=0.0)
    left += style.px(28 if chart.y.label else 12)
    if chart.films:
        left = style.px(12)
    side_width = style.px(SIDE if chart.timed else FIGURES if chart.figures else 0)
    if side_width > 0.36 * body.width():
        side_width = 0.0
    right = style.px(12) + (side_width + style.px(20) if side_width else 0.0)
    plot = body.adjusted(round(left), round(top), -round(right), -round(bottom))
    plot.setWidth(max(plot.width(), 10.0))
    plot.setHeight(max(plot.height(), 10.0))
    side = QRectF(plot.right() + style.px(20), plot.top(), side_width, plot.height())
    bar = QRectF()
    if chart.timed and side_width:
        room = side.height() - style.px(20 + 22 * len(chart.figures))
        if room >= style.px(40):
            bar = QRectF(side.left(), side.top() + style.px(16), style.px(9), room)
    spots = tuple(map_places(chart, body, style)) if chart.maps else ()
    return Frame(plot, side, bar, x0, x1, y0, y1, spots)


def map_places(chart: Chart, body: QRectF, style: LaneStyle) -> list[QRectF]:
    """Where the heat maps of ``chart`` lie in ``body``: as large as they can all be, in rows."""
    count = len(chart.maps)
    height, width = chart.maps[0].values.shape
    pad, gap, words = style.px(16), style.px(14), style.px(MAP_WORDS)
    best = (0.0, 0.0, 1)
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        wide = (body.width() - 2 * pad - gap * (columns - 1)) / columns
        high = (body.height() - 2 * pad - gap * (rows - 1)) / rows - words
        scale = min(wide / width, high / height)
        # Rather somewhat smaller than with a last row that is nearly empty.
        best = max(best, (scale * (count / (rows * columns)) ** 0.5, scale, columns))
    scale, columns = max(best[1], 0.1), best[2]
    rows = -(-count // columns)
    w, h = scale * width, scale * height
    whole = QRectF(0, 0, columns * (w + gap) - gap, rows * (h + words + gap) - gap)
    whole.moveCenter(body.center())
    places = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = whole.left() + column * (w + gap)
        y = whole.top() + row * (h + words + gap)
        places.append(QRectF(round(x), round(y), w, h))
    return places


def _shown(axis: Axis, first: float, last: float) -> tuple[float, float]:
    low, high = axis.ends
    span = high - low or 1.0
    return low + first * span, low + last * span


def axis_ticks(
    axis: Axis, first: float, last: float, length: float, style: LaneStyle, room: float = 30
) -> list[tuple[float, str]]:
    """Coordinates to mark between ``first`` and ``last``, with their labels.

    ``room`` is the least distance of two labels, in design pixels.
    """
    low, high = min(first, last), max(first, last)
    if not high > low:
        return []
    unit = length / (high - low)
    room = style.px(room)
    if axis.log:
        return _log_ticks(low, high, unit, room)
    step = tick_step(unit, room)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(value, fixed(value, digits)) for value in ticks(low, high, step)]


def _log_ticks(low: float, high: float, unit: float, room: float) -> list[tuple[float, str]]:
    step = tick_step(unit, room)
    if step >= 1:
        return [(value, _power(round(value))) for value in ticks(low, high, round(step))]
    factors = (1, 2, 5) if step >= 0.25 else tuple(range(1, 10))
    marks = []
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for factor in factors:
            value = decade + math.log10(factor)
            if low <= value <= high:
                marks.append((value, f"{factor * 10.0**decade:.10g}"))
    return marks


def _power(exponent: int) -> str:
    if -4 <= exponent <= 4:
        return f"{10.0**exponent:.10g}" if exponent < 0 else f"{10**exponent}"
    return f"1e{exponent}".replace("-", "\N{MINUS SIGN}")


def zoomed(first: float, last: float, about: float, factor: float) -> tuple[float, float]:
    """The range from ``first`` to ``last`` made ``factor`` as long about ``about``, within 0..1."""
    span = min(max((last - first) * factor, LEAST_SPAN), 1.0)
    share = (about - first) / (last - first) if last > first else 0.5
    return moved(about - share * span, about - share * span + span, 0.0)


def moved(first: float, last: float, by: float) -> tuple[float, float]:
    """The range moved, and held within 0..1."""
    span = last - first
    start = min(max(first + by, 0.0), max(1.0 - span, 0.0))
    return start, start + span
