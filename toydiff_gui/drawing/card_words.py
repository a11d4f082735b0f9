"""Words on the cards: their headers, short facts, and why there is nothing to see."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMarginsF, QPointF, QRectF
from PySide6.QtGui import QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, draw_wrapped, elided, text_width

Fact = tuple[str, str]
"""A name and its value."""
LINE = 19.0
"""Height of a fact, in design pixels."""


def paint_card_words(
    painter: QPainter,
    rect: QRectF,
    title: str,
    note: str,
    below: str,
    style: LaneStyle,
    *,
    right_below: str = "",
    right_inset: float = 0.0,
    vector: bool = False,
) -> None:
    """The words of a card's header ``rect``: title and note above, what it shows below."""
    palette = style.palette
    bold, plain = style.font(13, 600), style.font(11, 500)
    left, right = rect.left() + style.px(12), rect.right() - style.px(12)
    first, second = rect.top() + style.px(21.2), rect.top() + style.px(40)
    end = right - right_inset
    used = draw_text(
        painter,
        QPointF(left, first),
        elided(title, bold, end - left) if title else "",
        bold,
        palette.text,
        vector=vector,
    )
    room = end - left - used - style.px(12)
    parts = note.split(" \N{MIDDLE DOT} ") if note else []
    while parts and text_width(" \N{MIDDLE DOT} ".join(parts), plain) > room:
        parts.pop()
    shown = " \N{MIDDLE DOT} ".join(parts)
    place = QPointF(end - text_width(shown, plain), first)
    draw_text(painter, place, shown, plain, palette.label, vector=vector)
    if right_below:
        width = text_width(right_below, plain)
        draw_text(
            painter,
            QPointF(right - width, second),
            right_below,
            plain,
            palette.label,
            vector=vector,
        )
        right -= width + style.px(12)
    said = elided(below, plain, right - left)
    draw_text(painter, QPointF(left, second), said, plain, palette.label, vector=vector)


def facts_height(count: int, style: LaneStyle) -> float:
    """The height of ``count`` facts below each other."""
    return count * style.px(LINE)


def paint_facts(
    painter: QPainter,
    rect: QRectF,
    facts: Sequence[Fact],
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """Names at the left of ``rect``, values at its right, a line each; as many as fit."""
    plain, bold = style.font(11, 500), style.font(11, 600)
    palette = style.palette
    line = style.px(LINE)
    for index, (name, value) in enumerate(facts):
        if (index + 1) * line > rect.height() + 1:
            break
        base = rect.top() + (index + 0.5) * line + style.px(4)
        width = text_width(value, bold)
        room = rect.width() - width - style.px(6)
        said = elided(name, plain, room)
        draw_text(painter, QPointF(rect.left(), base), said, plain, palette.label, vector=vector)
        place = QPointF(rect.right() - width, base)
        draw_text(painter, place, value, bold, palette.text, vector=vector)


def paint_message(
    painter: QPainter,
    rect: QRectF,
    message: str,
    style: LaneStyle,
    *,
    failed: bool = False,
    vector: bool = False,
) -> None:
    """Why there is nothing to see, in the middle of ``rect``."""
    if not message:
        return
    palette = style.palette
    said = message[:1].upper() + message[1:]
    room = rect.marginsRemoved(QMarginsF(style.px(16), style.px(8), style.px(16), style.px(8)))
    colour = palette.error if failed else palette.text_secondary
    draw_wrapped(painter, room, said, style.font(12, 500), colour, vector=vector)
