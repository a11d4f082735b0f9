"""The strip above a chart: title, subtitle, legend."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.diagnostics.chart import Chart, Curve
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, elided, text_width
from toydiff_gui.style import theme

SAMPLE, PAD, ROW = 18, 12, 17
"""Length of a legend's line, room around an entry, height of one; design pixels."""


def paint_head(
    painter: QPainter,
    head: QRectF,
    chart: Chart,
    style: LaneStyle,
    right_inset: float,
    *,
    vector: bool = False,
) -> None:
    """Title and subtitle at the left; the legend at the right, if it fits beside the title."""
    left, right = head.left() + style.px(PAD), head.right() - style.px(PAD) - right_inset
    palette, title, small = style.palette, style.font(13, 600), style.font(11, 500)
    first, second = head.top() + style.px(21), head.top() + style.px(39)
    if legend_fits(head, chart, style, right_inset):
        x = right - sum(_entry_width(curve, style) for curve in _entries(chart))
        for curve in _entries(chart):
            _paint_entry(painter, x + style.px(PAD), first, curve, style, vector)
            x += _entry_width(curve, style)
    text = elided(chart.title, title, right - left)
    draw_text(painter, QPointF(left, first), text, title, palette.text, vector=vector)
    text = elided(chart.subtitle, small, right - left)
    draw_text(painter, QPointF(left, second), text, small, palette.label, vector=vector)


def legend_fits(head: QRectF, chart: Chart, style: LaneStyle, right_inset: float) -> bool:
    """Whether the legend finds room beside the title; True if there is none."""
    room = head.width() - 2 * style.px(PAD) - right_inset - style.px(16)
    wide = sum(_entry_width(curve, style) for curve in _entries(chart))
    return text_width(chart.title, style.font(13, 600)) + wide <= room


def legend_size(chart: Chart, style: LaneStyle) -> QSizeF:
    """The room that the legend takes with an entry a row."""
    entries = _entries(chart)
    wide = max((_entry_width(curve, style) for curve in entries), default=0.0)
    return QSizeF(wide, style.px(ROW) * len(entries))


def paint_legend(
    painter: QPainter, place: QPointF, chart: Chart, style: LaneStyle, *, vector: bool = False
) -> None:
    """The legend with an entry a row, its upper left corner at ``place``."""
    size = legend_size(chart, style)
    painter.fillRect(QRectF(place, size), theme.with_alpha(style.palette.canvas, 0.85))
    base = place.y() + style.px(12)
    for curve in _entries(chart):
        _paint_entry(painter, place.x(), base, curve, style, vector)
        base += style.px(ROW)


def _entries(chart: Chart) -> list[Curve]:
    return [] if chart.labelled else [curve for curve in chart.curves if curve.name]


def _entry_width(curve: Curve, style: LaneStyle) -> float:
    return style.px(SAMPLE + 6 + PAD) + text_width(curve.name, style.font(11, 500))


def _paint_entry(
    painter: QPainter, x: float, base: float, curve: Curve, style: LaneStyle, vector: bool
) -> None:
    painter.setPen(curve_pen(curve, style))
    middle = base - style.px(4)
    painter.drawLine(QLineF(x, middle, x + style.px(SAMPLE), middle))
    place = QPointF(x + style.px(SAMPLE + 6), base)
    ink = style.palette.text_secondary
    draw_text(painter, place, curve.name, style.font(11, 500), ink, vector=vector)


def curve_pen(curve: Curve, style: LaneStyle) -> QPen:
    """How a curve is drawn, in the plot and in the legend."""
    palette = style.palette
    colour = {
        "main": palette.accent,
        "reference": palette.text,
        "plain": palette.label,
        "dotted": palette.label,
    }[curve.role]
    pen = QPen(QColor(colour), style.stroke(2.0 if curve.role == "main" else 1.4))
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if curve.role == "reference":
        pen.setDashPattern([4.0, 3.0])
    elif curve.role == "dotted":
        pen.setDashPattern([1.0, 2.0])
    return pen
