"""A table with a bar in every row."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.drawing import LaneStyle
from toydiff_gui.drawing.text import draw_text, text_width


def paint_bars(
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
