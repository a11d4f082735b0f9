"""Charts painted with QPainter alone, the same on the screen and in an export.

This is what rests; ``moment`` has what moves with t.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPainterPath, QPen

from toydiff_gui.diagnostics.bars import paint_bars
from toydiff_gui.diagnostics.chart import Axis, Chart, Values
from toydiff_gui.diagnostics.chart_layout import Frame, Window, axis_ticks, lay_out
from toydiff_gui.diagnostics.density import paint_density
from toydiff_gui.diagnostics.films import paint_films
from toydiff_gui.diagnostics.header import (
    curve_pen,
    legend_fits,
    legend_size,
    paint_head,
    paint_legend,
)
from toydiff_gui.diagnostics.labels import place_labels
from toydiff_gui.diagnostics.maps import paint_maps
from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.geometry import clip_segments
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_centred, draw_text, draw_wrapped, text_width
from toydiff_gui.drawing.view import ViewRange

TIME_COLOURS, FIGURE_ROW = 64, 20
VIRIDIS_FROM = 0.16
"""Its beginning is too dark to be seen on the dark canvas."""


@lru_cache(maxsize=1)
def time_colours() -> tuple[str, ...]:
    """Viridis from data (t = 0) to noise, '#RRGGBB'."""
    table = pg.colormap.get("viridis").getLookupTable(VIRIDIS_FROM, 1.0, TIME_COLOURS)
    return tuple(f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in table[:, :3].tolist())


def paint_card(
    painter: QPainter,
    card: QRectF,
    chart: Chart,
    style: LaneStyle,
    window: Window | None = None,
    *,
    hovered: bool = False,
    right_inset: float = 0.0,
    vector: bool = False,
) -> Frame:
    """Paint the whole card of ``chart`` but for what moves with t; returns where the plot lies.

    ``right_inset`` keeps room at the right of the header, for buttons.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    body = card.adjusted(0, style.header_height, 0, 0)
    painter.fillRect(body, QColor(style.palette.canvas))
    frame = paint_body(painter, body, chart, style, window, vector=vector)
    if not legend_fits(head, chart, style, right_inset) and not chart.empty:
        paint_legend(painter, _legend_place(chart, frame, style), chart, style, vector=vector)
    painter.fillRect(head, QColor(style.palette.panel))
    paint_head(painter, head, chart, style, right_inset, vector=vector)
    paint_card_frame(painter, card, style, selected=False, hovered=hovered)
    painter.restore()
    return frame


def _legend_place(chart: Chart, frame: Frame, style: LaneStyle) -> QPointF:
    """Below the figures, or in the upper corner of the plot where fewer curves run."""
    if frame.side.width() > 0:
        below = frame.side.top() + style.px(FIGURE_ROW) * (len(chart.figures) + 0.5)
        return QPointF(frame.side.left(), below)
    size = legend_size(chart, style)
    places = np.concatenate([frame.places(chart, curve.x, curve.y) for curve in chart.curves])
    corners = [
        QPointF(frame.plot.left() + style.px(4), frame.plot.top()),
        QPointF(frame.plot.right() - size.width(), frame.plot.top()),
    ]

    def covered(corner: QPointF) -> int:
        x, y = places[:, 0] - corner.x(), places[:, 1] - corner.y()
        return int(((x > 0) & (x < size.width()) & (y > 0) & (y < size.height())).sum())

    return min(corners, key=covered)


def paint_body(
    painter: QPainter,
    body: QRectF,
    chart: Chart,
    style: LaneStyle,
    window: Window | None = None,
    *,
    vector: bool = False,
) -> Frame:
    """Paint grid, axes, curves, dots and figures into ``body``; returns where the plot lies."""
    frame = lay_out(chart, body, style, window)
    if chart.empty:
        font = style.font(12, 500)
        ink = style.palette.text_secondary
        pad = style.px(16)
        room = body.marginsRemoved(QMarginsF(pad, pad, pad, pad))
        draw_wrapped(painter, room, chart.message, font, ink, vector=vector)
        return frame
    if chart.bars:
        paint_bars(painter, body, chart, style, vector)
        return frame
    if chart.maps:
        paint_maps(painter, chart, frame, style, vector=vector)
        return frame
    painter.save()
    _paint_axes(painter, body, chart, frame, style, vector)
    if not vector:
        painter.setClipRect(frame.plot)
    if chart.films:
        paint_films(painter, chart, frame, style, vector=vector)
    if chart.density is not None:
        paint_density(painter, chart, frame, time_colours(), vector=vector)
    if chart.identity:
        _paint_identity(painter, frame, style)
    if chart.dots is not None:
        # In pixels: the axes may differ in scale, which the canvas' points may not.
        plot = frame.plot
        points = frame.places(chart, chart.dots.x, chart.dots.y) * (1.0, -1.0)
        view = ViewRange(plot.left(), plot.right(), -plot.bottom(), -plot.top())
        steps = chart.dots.t * TIME_COLOURS // (chart.timesteps + 1)
        paint_points(
            painter,
            plot,
            view,
            points.astype(np.float32),
            diameter=style.stroke(3.4) * style.zoom(min(plot.width(), plot.height())),
            opacity=0.9,
            colours=time_colours(),
            steps=steps.astype(np.intp),
            vector=vector,
        )
    order = {"plain": 0, "dotted": 1, "main": 2, "reference": 3}
    for curve in sorted(chart.curves, key=lambda curve: order[curve.role]):
        painter.setPen(curve_pen(curve, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(_path(frame.places(chart, curve.x, curve.y), frame.plot))
    painter.restore()
    if chart.labelled:
        _paint_names(painter, chart, frame, style, vector)
    _paint_side(painter, chart, frame, style, vector)
    return frame


def _path(places: Values, clip: QRectF) -> QPainterPath:
    """A line through ``places``, cut at ``clip``; it is broken where values are missing."""
    segments = np.concatenate([places[:-1], places[1:]], axis=1)
    segments = segments[np.isfinite(segments).all(axis=1)]
    margin = 1.0
    cut, _ = clip_segments(segments, clip.adjusted(-margin, -margin, margin, margin))
    path = QPainterPath()
    last: tuple[float, float] | None = None
    for x1, y1, x2, y2 in cut.tolist():
        if last is None or abs(last[0] - x1) > 1e-6 or abs(last[1] - y1) > 1e-6:
            path.moveTo(x1, y1)
        path.lineTo(x2, y2)
        last = x2, y2
    return path


def _paint_axes(
    painter: QPainter, body: QRectF, chart: Chart, frame: Frame, style: LaneStyle, vector: bool
) -> None:
    plot, palette, font = frame.plot, style.palette, style.font(10, 500)
    width = style.stroke(1.0)
    half = style.px(3.5)
    grid = QPen(style.grid, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
    for at, text in axis_ticks(chart.x, frame.x0, frame.x1, plot.width(), style, 44):
        x = _sharp(frame.x(at))
        painter.setPen(grid)
        painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
        place = QPointF(x - text_width(text, font) / 2, plot.bottom() + style.px(15))
        draw_text(painter, place, text, font, palette.label, vector=vector)
    if chart.films:
        return
    for at, text in axis_ticks(chart.y, frame.y0, frame.y1, plot.height(), style):
        y = _sharp(frame.y(at))
        painter.setPen(grid)
        painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
        place = QPointF(plot.left() - style.px(6) - text_width(text, font), y + half)
        draw_text(painter, place, text, font, palette.label, vector=vector)
    painter.setPen(QPen(style.axis, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    left, bottom = _sharp(plot.left()), _sharp(plot.bottom())
    painter.drawLine(QLineF(left, plot.top(), left, bottom))
    painter.drawLine(QLineF(left, bottom, plot.right(), bottom))
    title = style.font(11, 500)
    if body.bottom() - plot.bottom() >= style.px(34) and chart.x.label:
        middle = plot.center().x() - text_width(chart.x.label, title) / 2
        base = plot.bottom() + style.px(31)
        ink = palette.text_secondary
        draw_text(painter, QPointF(middle, base), chart.x.label, title, ink, vector=vector)
    if chart.y.label and text_width(chart.y.label, title) < plot.height() + style.px(20):
        painter.save()
        painter.translate(body.left() + style.px(18), plot.center().y())
        painter.rotate(-90)
        place = QPointF(-text_width(chart.y.label, title) / 2, 0)
        draw_text(painter, place, chart.y.label, title, palette.text_secondary, vector=vector)
        painter.restore()


def _sharp(place: float) -> float:
    return round(place - 0.5) + 0.5


def _paint_identity(painter: QPainter, frame: Frame, style: LaneStyle) -> None:
    low, high = max(frame.x0, frame.y0), min(frame.x1, frame.y1)
    if low >= high:
        return
    pen = QPen(QColor(style.palette.label), style.stroke(1.2))
    pen.setDashPattern([4.0, 3.0])
    painter.setPen(pen)
    painter.drawLine(QLineF(frame.x(low), frame.y(low), frame.x(high), frame.y(high)))


def _paint_names(
    painter: QPainter, chart: Chart, frame: Frame, style: LaneStyle, vector: bool
) -> None:
    lines = [frame.places(chart, curve.x, curve.y) for curve in chart.curves]
    fonts = [style.font(11, 600 if curve.role == "main" else 500) for curve in chart.curves]
    sizes = [
        (text_width(curve.name, font), style.px(11))
        for curve, font in zip(chart.curves, fonts, strict=True)
    ]
    centres = place_labels(lines, sizes, frame.plot, style.px(6))
    for curve, font, centre in zip(chart.curves, fonts, centres, strict=True):
        if centre is not None:
            ink = style.palette.accent if curve.role == "main" else style.palette.text_secondary
            draw_centred(painter, centre, curve.name, font, ink, vector=vector)


def _paint_side(
    painter: QPainter, chart: Chart, frame: Frame, style: LaneStyle, vector: bool
) -> None:
    """The colour bar of time, and the figures below it."""
    side, palette = frame.side, style.palette
    if side.width() <= 0:
        return
    small, bold = style.font(11, 500), style.font(11, 600)
    if frame.bar.height() > 0:
        head = QPointF(side.left(), side.top() + style.px(7))
        draw_text(painter, head, "time t", bold, palette.text_secondary, vector=vector)
        colours = time_colours()
        gradient = QLinearGradient(frame.bar.bottomLeft(), frame.bar.topLeft())
        for index, colour in enumerate(colours[::3]):
            gradient.setColorAt(3 * index / (len(colours) - 1), QColor(colour))
        painter.fillRect(frame.bar, gradient)
        ticks_font = style.font(10, 500)
        axis = Axis("", 0.0, float(chart.timesteps))
        for t, text in axis_ticks(axis, *axis.ends, frame.bar.height(), style, 17):
            y = frame.bar_y(t, chart.timesteps)
            place = QPointF(frame.bar.right() + style.px(8), y + style.px(3.5))
            draw_text(painter, place, text, ticks_font, palette.label, vector=vector)
    right = side.right()
    y = side.bottom() - style.px(FIGURE_ROW) * (len(chart.figures) - 1) - style.px(4)
    if frame.bar.height() <= 0:
        y = side.top() + style.px(12)
    for name, value in chart.figures:
        draw_text(painter, QPointF(side.left(), y), name, small, palette.label, vector=vector)
        place = QPointF(right - text_width(value, bold), y)
        draw_text(painter, place, value, bold, palette.text, vector=vector)
        y += style.px(FIGURE_ROW)
