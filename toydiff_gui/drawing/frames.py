"""Frames around images, and the letters of the endpoints beside them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.drawing.discs import paint_disc
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_centred
from toydiff_gui.style import theme as themes

BADGE, LEAST_BADGE = 8.0, 6.0
"""Radius of a letter's disc, in design pixels."""


def mark_colour(mark: Mark, style: LaneStyle) -> str:
    """Of A, of B, and of C, which lies on no path and therefore has no colour of its own."""
    palette = style.palette
    return {"A": palette.endpoint_a, "B": palette.endpoint_b, "C": palette.text}[mark]


def paint_frame(
    painter: QPainter, image: QRectF, colour: str, style: LaneStyle, *, width: float = 2.0
) -> None:
    """A frame of ``colour`` around ``image``, set off from it and from what is beside it."""
    line = style.stroke(width)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = style.scale * 3
    # The ground shows between image and frame, or a dark frame would be lost on a dark image.
    ground, gap = line + 2 * style.scale, style.scale
    for ink, thick, out in (
        (style.palette.canvas, ground, ground / 2),
        (colour, line, gap + line / 2),
    ):
        painter.setPen(QPen(QColor(ink), thick))
        painter.drawRoundedRect(image.adjusted(-out, -out, out, out), radius, radius)
    painter.restore()


def badge_radius(image: QRectF, style: LaneStyle) -> float:
    """Of the letter's disc: smaller on small images, so that they are seen beneath it."""
    return min(style.px(BADGE), max(style.px(LEAST_BADGE), 0.22 * image.width()))


def badge_place(image: QRectF, area: QRectF, style: LaneStyle) -> QPointF:
    """Where the letter of ``image`` goes: its upper right corner, moved into ``area``."""
    room = badge_radius(image, style) + style.stroke(1.6)
    corner = image.topRight() + QPointF(-style.px(1), style.px(1))
    return QPointF(
        min(max(corner.x(), area.left() + room), area.right() - room),
        min(max(corner.y(), area.top() + room), area.bottom() - room),
    )


def paint_badge(
    painter: QPainter,
    centre: QPointF,
    mark: Mark,
    style: LaneStyle,
    *,
    radius: float | None = None,
    vector: bool = False,
) -> None:
    """The disc with the letter of an endpoint, of the usual size unless ``radius`` is given."""
    colour = mark_colour(mark, style)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    disc = style.px(BADGE) if radius is None else radius
    paint_disc(painter, centre, colour, disc, style)
    font = style.font(10 if disc >= style.px(7) else 9, 700)
    draw_centred(painter, centre, mark, font, themes.text_on(colour), vector=vector)
    painter.restore()
