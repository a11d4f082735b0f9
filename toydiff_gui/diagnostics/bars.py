"""A table with a bar in every row."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.drawing.style import LaneStyle
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
    left, right = body.left() + pad, body.right() - pad
    ends = _column_ends(chart, right, style)
    start, end = left + names, ends[0] - (ends[-1] - ends[0]) / max(len(ends) - 1, 1)
    y = body.top() + pad / 2 + high / 2
    for name, edge in zip(chart.bar_columns, ends, strict=True):
        place = QPointF(edge - text_width(name, small), y + style.px(4))
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
        for figure, edge in zip(bar.figures, ends, strict=True):
            place = QPointF(edge - text_width(figure, font), y + style.px(4))
            draw_text(painter, place, figure, font, ink, vector=vector)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _column_ends(chart: Chart, right: float, style: LaneStyle) -> list[float]:
    """Where the columns of figures end, each as wide as its widest entry in bold."""
    font = style.font(11, 600)
    ends = [right]
    for index in range(len(chart.bar_columns) - 1, 0, -1):
        column = [chart.bar_columns[index], *(bar.figures[index] for bar in chart.bars)]
        ends.append(ends[-1] - max(text_width(text, font) for text in column) - style.px(14))
    return ends[::-1]
