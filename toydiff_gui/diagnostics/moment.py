"""What moves over a chart: the line at t with its tag, and what the pointer is on."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.diagnostics.chart import Chart, Curve, short
from toydiff_gui.diagnostics.chart_layout import Frame
from toydiff_gui.diagnostics.films import paint_film_moment
from toydiff_gui.diagnostics.maps import map_lines, paint_map_moment
from toydiff_gui.drawing.style import LaneStyle, blend
from toydiff_gui.drawing.text import draw_text, text_width


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
    if chart.maps:
        paint_map_moment(painter, chart, frame, t, style)
    elif chart.timed and frame.bar.height() > 0:
        y = frame.bar_y(t, chart.timesteps)
        pen = QPen(QColor(palette.text), style.stroke(2.0))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        over = style.px(3)
        painter.drawLine(QLineF(frame.bar.left() - over, y, frame.bar.right() + over, y))
    elif chart.over_time and min(frame.x0, frame.x1) <= t <= max(frame.x0, frame.x1):
        x = frame.x(t) if vector else round(frame.x(t) - 0.5) + 0.5  # a sharp line
        painter.setPen(QPen(QColor(palette.accent), style.stroke(1.2)))
        painter.drawLine(QLineF(x, frame.plot.top(), x, frame.plot.bottom()))
        if chart.films:
            paint_film_moment(painter, chart, frame, t, style, vector=vector)
            painter.restore()
            return
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
    if chart.dots is None and chart.density is None and not chart.maps:
        pen = QPen(QColor(style.palette.control_edge), style.stroke(1.0))
        painter.setPen(pen)
        x = position.x()
        painter.drawLine(QLineF(x, frame.plot.top(), x, frame.plot.bottom()))
    inside = frame.plot
    for spot in frame.spots:
        inside = inside.united(spot)
    paint_tag(painter, position, lines, inside, style)
    painter.restore()


def hover_lines(chart: Chart, frame: Frame, position: QPointF, reach: float) -> list[str]:
    """What the tag at the pointer says; nothing outside of the plot."""
    if chart.maps:
        return map_lines(chart, frame, position)
    if chart.empty or chart.still or not frame.plot.contains(position):
        return []
    if chart.density is not None:
        x, y = frame.coordinates(position)
        count, t = chart.density.at(x, y)
        if not count:
            return []
        return [
            f"true {short(x)}",
            f"predicted {short(y)}",
            f"{count} value{'' if count == 1 else 's'}, mean t {t:.0f}",
        ]
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
