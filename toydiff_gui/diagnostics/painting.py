"""Charts painted with QPainter alone, the same on the screen and in an export.

``paint_body`` paints what rests, ``paint_moment`` what moves with t: the line and its tag.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QLinearGradient, QPainter, QPainterPath, QPen

from toydiff_gui.diagnostics.chart import Chart, Curve, Values, short
from toydiff_gui.diagnostics.frame import Frame, Window, axis_ticks, lay_out
from toydiff_gui.diagnostics.labels import place_labels
from toydiff_gui.drawing import LaneStyle, paint_card_frame
from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.geometry import clip_segments
from toydiff_gui.drawing.style import blend
from toydiff_gui.drawing.text import draw_centred, draw_text, draw_wrapped, elided, text_width

TIME_COLOURS = 64
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
    painter.fillRect(head, QColor(style.palette.panel))
    paint_head(painter, head, chart, style, right_inset, vector=vector)
    paint_card_frame(painter, card, style, selected=False, hovered=hovered)
    painter.restore()
    return frame


def paint_head(
    painter: QPainter,
    head: QRectF,
    chart: Chart,
    style: LaneStyle,
    right_inset: float,
    *,
    vector: bool = False,
) -> None:
    """Title and subtitle at the left, the legend at the right where it fits."""
    left, right = head.left() + style.px(12), head.right() - style.px(12) - right_inset
    palette, title, small = style.palette, style.font(13, 600), style.font(11, 500)
    first, second = head.top() + style.px(21), head.top() + style.px(39)
    legend = [] if chart.labelled else [curve for curve in chart.curves if curve.name]
    room = right - left
    wide = sum(_legend_width(curve, small, style) for curve in legend)
    title_width = text_width(chart.title, title)
    if legend and title_width + style.px(16) + wide <= room:
        x = right - wide
        for curve in legend:
            x = _paint_legend(painter, x, first, curve, small, style, vector)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    text = elided(chart.title, title, room)
    draw_text(painter, QPointF(left, first), text, title, palette.text, vector=vector)
    text = elided(chart.subtitle, small, room)
    draw_text(painter, QPointF(left, second), text, small, palette.label, vector=vector)


def _legend_width(curve: Curve, font: QFont, style: LaneStyle) -> float:
    return style.px(24 + 12) + text_width(curve.name, font)


def _paint_legend(
    painter: QPainter,
    x: float,
    base: float,
    curve: Curve,
    font: QFont,
    style: LaneStyle,
    vector: bool,
) -> float:
    x += style.px(12)
    painter.setPen(_pen(curve, style))
    middle = base - style.px(4)
    painter.drawLine(QLineF(x, middle, x + style.px(18), middle))
    x += style.px(24)
    ink = style.palette.text_secondary
    return x + draw_text(painter, QPointF(x, base), curve.name, font, ink, vector=vector)


def _pen(curve: Curve, style: LaneStyle) -> QPen:
    palette = style.palette
    colour = {
        "main": palette.accent,
        "reference": palette.text_secondary,
        "plain": palette.label,
    }[curve.role]
    pen = QPen(QColor(colour), style.stroke(2.0 if curve.role == "main" else 1.4))
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if curve.role == "reference":
        pen.setDashPattern([4.0, 3.0])
    return pen


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
        _paint_bars(painter, body, chart, style, vector)
        return frame
    painter.save()
    _paint_axes(painter, body, chart, frame, style, vector)
    if not vector:
        painter.setClipRect(frame.plot)
    if chart.identity:
        _paint_identity(painter, frame, style)
    if chart.dots is not None:
        points = np.stack([chart.dots.x, chart.dots.y], axis=1)
        steps = chart.dots.t * TIME_COLOURS // (chart.timesteps + 1)
        paint_points(
            painter,
            frame.plot,
            frame.view,
            points.astype(np.float32),
            diameter=style.stroke(3.4) * style.zoom(min(frame.plot.width(), frame.plot.height())),
            opacity=0.9,
            colours=time_colours(),
            steps=steps.astype(np.intp),
            vector=vector,
        )
    order = {"plain": 0, "main": 1, "reference": 2}
    for curve in sorted(chart.curves, key=lambda curve: order[curve.role]):
        painter.setPen(_pen(curve, style))
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
    for at, text in axis_ticks(chart.x, frame.x0, frame.x1, plot.width(), style, wide=True):
        x = _sharp(frame.x(at))
        painter.setPen(grid)
        painter.drawLine(QLineF(x, plot.top(), x, plot.bottom()))
        place = QPointF(x - text_width(text, font) / 2, plot.bottom() + style.px(15))
        draw_text(painter, place, text, font, palette.label, vector=vector)
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
        step = 5 * round(chart.timesteps / 25) or 1
        for t in (*range(0, chart.timesteps - step // 2, step), chart.timesteps):
            y = frame.bar_y(t, chart.timesteps)
            place = QPointF(frame.bar.right() + style.px(8), y + style.px(3.5))
            draw_text(painter, place, str(t), ticks_font, palette.label, vector=vector)
    right = min(side.right(), side.left() + style.px(76))
    y = side.bottom() - style.px(20) * (len(chart.figures) - 1) - style.px(4)
    if frame.bar.height() <= 0:
        y = side.top() + style.px(12)
    for name, value in chart.figures:
        draw_text(painter, QPointF(side.left(), y), name, small, palette.label, vector=vector)
        place = QPointF(right - text_width(value, bold), y)
        draw_text(painter, place, value, bold, palette.text, vector=vector)
        y += style.px(20)


def _paint_bars(
    painter: QPainter, body: QRectF, chart: Chart, style: LaneStyle, vector: bool
) -> None:
    """Rows of name, bar and figures, under the names of the columns."""
    palette, small = style.palette, style.font(11, 500)
    pad = style.px(12)
    rows = len(chart.bars) + 1
    high = min((body.height() - pad) / rows, style.px(34))
    names = max(text_width(bar.name, style.font(11, 600)) for bar in chart.bars) + style.px(14)
    columns = len(chart.bar_columns)
    column = max(
        style.px(46), max(text_width(name, small) for name in chart.bar_columns) + style.px(12)
    )
    left, right = body.left() + pad, body.right() - pad
    start, end = left + names, right - column * columns - style.px(8)
    y = body.top() + pad / 2 + high / 2
    for index, name in enumerate(chart.bar_columns):
        place = QPointF(
            right - column * (columns - 1 - index) - text_width(name, small), y + style.px(4)
        )
        draw_text(painter, place, name, small, palette.label, vector=vector)
    for bar in chart.bars:
        y += high
        main = bar.role == "main"
        font = style.font(11, 600 if main else 500)
        ink = palette.text if main else palette.text_secondary
        draw_text(painter, QPointF(left, y + style.px(4)), bar.name, font, ink, vector=vector)
        if end - start > style.px(20):
            thick = min(style.px(8), high / 2)
            track = QRectF(start, y - thick / 2, end - start, thick)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(palette.divider))
            painter.drawRoundedRect(track, thick / 2, thick / 2)
            filled = track.width() * min(max(bar.length, 0.0), 1.0)
            if filled > 0:
                painter.setBrush(QColor(palette.accent if main else palette.control_edge))
                painter.drawRoundedRect(
                    QRectF(track.left(), track.top(), max(filled, thick / 2), thick),
                    thick / 2,
                    thick / 2,
                )
        for index, figure in enumerate(bar.figures):
            place = QPointF(
                right - column * (columns - 1 - index) - text_width(figure, font), y + style.px(4)
            )
            draw_text(painter, place, figure, font, ink, vector=vector)
    painter.setBrush(Qt.BrushStyle.NoBrush)


# What moves with t


def paint_moment(
    painter: QPainter,
    chart: Chart,
    frame: Frame,
    t: float,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """The line at ``t`` with the value there, or the tick in the colour bar."""
    if chart.empty or chart.bars:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    palette = style.palette
    if chart.dots is not None and frame.bar.height() > 0:
        y = frame.bar_y(t, chart.timesteps)
        pen = QPen(QColor(palette.text), style.stroke(2.0))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        over = style.px(3)
        painter.drawLine(QLineF(frame.bar.left() - over, y, frame.bar.right() + over, y))
    elif chart.over_time and min(frame.x0, frame.x1) <= t <= max(frame.x0, frame.x1):
        x = frame.x(t)
        painter.setPen(QPen(QColor(palette.accent), style.stroke(1.2)))
        painter.drawLine(QLineF(x, frame.plot.top(), x, frame.plot.bottom()))
        value = chart.main.at(t) if chart.main else None
        text = f"t {t:g}"
        y = frame.plot.top() + style.px(14)
        if value is not None:
            text += f"  \N{MIDDLE DOT}  {chart.symbol} {short(value)}"
            y = float(frame.places(chart, np.array([t]), np.array([value]))[0, 1])
            if np.isfinite(y) and frame.plot.top() - 1 <= y <= frame.plot.bottom() + 1:
                radius = style.stroke(4.0)
                painter.setPen(QPen(QColor(palette.canvas), style.stroke(1.5)))
                painter.setBrush(QColor(palette.accent))
                painter.drawEllipse(QPointF(x, y), radius, radius)
            else:
                y = frame.plot.top() + style.px(14)
        paint_tag(painter, QPointF(x, y), [text], frame.plot, style, vector=vector)
    painter.restore()


def paint_hover(
    painter: QPainter, chart: Chart, frame: Frame, position: QPointF, style: LaneStyle
) -> None:
    """What the pointer is on: all curves' values there, or the dot next to it."""
    lines = hover_lines(chart, frame, position, style.px(10))
    if not lines:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if chart.dots is None:
        pen = QPen(QColor(style.palette.control_edge), style.stroke(1.0))
        painter.setPen(pen)
        x = position.x()
        painter.drawLine(QLineF(x, frame.plot.top(), x, frame.plot.bottom()))
    paint_tag(painter, position, lines, frame.plot, style)
    painter.restore()


def hover_lines(chart: Chart, frame: Frame, position: QPointF, reach: float) -> list[str]:
    """What the tag at the pointer says; nothing outside of the plot."""
    if chart.empty or chart.bars or not frame.plot.contains(position):
        return []
    if chart.dots is not None:
        places = frame.places(chart, chart.dots.x, chart.dots.y)
        apart = np.hypot(places[:, 0] - position.x(), places[:, 1] - position.y())
        index = int(apart.argmin())
        if apart[index] > reach:
            return []
        return [
            f"t {chart.dots.t[index]}",
            f"true {short(float(chart.dots.x[index]))}",
            f"predicted {short(float(chart.dots.y[index]))}",
        ]
    x = frame.coordinates(position)[0]
    if chart.over_time:
        x = float(round(x))
    lines = [f"t {x:g}" if chart.over_time else f"{chart.x.label} {short(x)}"]
    for curve in chart.curves:
        value = curve.at(x)
        if value is not None:
            lines.append(f"{curve.name} {short(value)}" + _uncertainty(curve, x))
    return lines


def _uncertainty(curve: Curve, x: float) -> str:
    if curve.error is None or len(curve.x) == 0:
        return ""
    error = float(curve.error[int(np.abs(curve.x - x).argmin())])
    return f" \N{PLUS-MINUS SIGN} {short(error)}"


def paint_tag(
    painter: QPainter,
    at: QPointF,
    lines: list[str],
    inside: QRectF,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """A plate with ``lines`` beside ``at``, kept ``inside``."""
    font = style.font(11, 600)
    line, pad = style.px(16), style.px(7)
    width = max(text_width(text, font) for text in lines) + 2 * pad
    height = line * len(lines) + style.px(5)
    gap = style.px(10)
    left = at.x() - gap - width
    if left < inside.left():
        left = min(at.x() + gap, inside.right() - width)
    top = min(max(at.y() - gap - height, inside.top()), inside.bottom() - height)
    plate = QRectF(max(left, inside.left()), top, width, height)
    palette = style.palette
    painter.setPen(QPen(blend(palette.selected, palette.control_edge, 0.35), style.scale))
    painter.setBrush(QColor(palette.selected))
    painter.drawRoundedRect(plate, style.px(5), style.px(5))
    base = plate.top() + style.px(14.5)
    for text in lines:
        place = QPointF(plate.left() + pad, base)
        draw_text(painter, place, text, font, palette.text, vector=vector)
        base += line
