"""The frame of a lane's card: rounded corners, the line below the header, the border."""

from __future__ import annotations

from PySide6.QtCore import QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from toydiff_gui.drawing.style import LaneStyle


def paint_card_frame(
    painter: QPainter, card: QRectF, style: LaneStyle, *, selected: bool, hovered: bool
) -> None:
    """Round the corners of a painted card, and draw the line below its header and its border."""
    line = QPen(QColor(style.palette.divider), style.scale)
    painter.setPen(line)
    foot = card.top() + style.header_height - style.scale / 2
    painter.drawLine(QPointF(card.left(), foot), QPointF(card.right(), foot))
    paint_card_border(painter, card, style, selected=selected, hovered=hovered)


def paint_card_border(
    painter: QPainter, card: QRectF, style: LaneStyle, *, selected: bool, hovered: bool
) -> None:
    """Round the corners of a painted card and draw its border."""
    palette = style.palette
    width = style.scale * (1.5 if selected else 1.0)
    # What lies outside of the rounded rectangle belongs to the window.
    outside = QPainterPath()
    outside.setFillRule(Qt.FillRule.OddEvenFill)
    outside.addRect(card)
    outside.addRoundedRect(card, style.radius, style.radius)
    painter.fillPath(outside, QColor(palette.window))
    colour = (
        palette.accent if selected else palette.control_edge if hovered else palette.control_border
    )
    painter.setPen(QPen(QColor(colour), width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    inset = width / 2
    border = card.marginsRemoved(QMarginsF(inset, inset, inset, inset))
    painter.drawRoundedRect(border, style.radius - inset, style.radius - inset)
