"""Discs with letters, and the halo of one that is pointed at."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.style import theme as themes

LETTERS = ("A", "B")


def paint_disc(
    painter: QPainter, centre: QPointF, colour: str, radius: float, style: LaneStyle
) -> None:
    """A filled disc with a ring in the canvas colour that sets it off from what is beneath."""
    ring = style.stroke(1.6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(style.palette.canvas))
    painter.drawEllipse(centre, radius + ring, radius + ring)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(centre, radius, radius)


def paint_halo(
    painter: QPainter, centre: QPointF, disc: float, colour: str, style: LaneStyle
) -> None:
    """The halo of a disc of the radius ``disc`` (design pixels) that the pointer is on."""
    radius, width = style.px(disc) + style.stroke(1.6), style.px(4.5)
    painter.setPen(QPen(themes.with_alpha(colour, 0.35), width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(centre, radius + width / 2, radius + width / 2)
