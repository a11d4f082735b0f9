"""The strip above a plot: the lane's number, title and note, its measures and its time."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_centred, draw_text, elided, text_width
from toydiff_gui.modes.points.drawing.measures import Measures, measure_variants, time_shown
from toydiff_gui.modes.points.scene import LaneScene

SEPARATOR = "\N{MIDDLE DOT}"
DOT_ROOM = 7.0


def paint_header(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    t: float,
    style: LaneStyle,
    selected: bool = False,
    *,
    right_inset: float = 0.0,
    vector: bool = False,
) -> None:
    """Paint the header of ``lane`` into ``rect``.

    ``right_inset`` keeps room at the right end of the first line, for buttons. In a title
    'x_T' the letter after the underscore is set low.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    palette = style.palette
    left, right = rect.left() + style.px(12), rect.right() - style.px(12)
    first, second = rect.top() + style.px(17), rect.top() + style.px(35)

    badge = QRectF(left, first - style.px(8), style.px(16), style.px(16))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.accent if selected else palette.selected))
    painter.drawRoundedRect(badge, style.px(4), style.px(4))
    on_badge = palette.on_accent if selected else palette.text_secondary
    number = str(lane.number)
    draw_centred(painter, badge.center(), number, style.font(10, 700), on_badge, vector=vector)

    small = style.font(11, 500)
    base = first + style.px(4.2)
    text_left, note_right = badge.right() + style.px(8), right - right_inset
    room = note_right - text_left
    used = _draw_title(painter, QPointF(text_left, base), lane.title, room, style, vector)
    room -= used + style.px(12)
    detail_font = style.font(12, 500)
    wanted = text_width(lane.detail, detail_font) + style.px(6) if lane.detail else 0.0
    # What sets the lane apart comes before the note, and keeps some room even where it is tight.
    note = _shortened(lane.note, small, room - wanted)
    if lane.detail:
        left_over = room - (text_width(note, small) if note else 0.0) - style.px(6)
        detail = elided(lane.detail, detail_font, left_over)
        if len(detail) > 2:
            place = QPointF(text_left + used + style.px(6), base)
            draw_text(painter, place, detail, detail_font, palette.text_secondary, vector=vector)
    if note:
        place = QPointF(note_right - text_width(note, small), base)
        draw_text(painter, place, note, small, palette.label, vector=vector)

    base = second + style.px(4.0)
    time = time_shown(lane, t)
    time_width = text_width(time, small)
    room = right - text_left
    said = fitting_measures(lane, t, style, room)
    used = _draw_measures(painter, QPointF(text_left, base), said, room, style, vector)
    if used + style.px(10) + time_width <= room:
        place = QPointF(right - time_width, base)
        draw_text(painter, place, time, small, palette.label, vector=vector)
    painter.restore()


def _shortened(note: str, font: QFont, room: float) -> str:
    """``note`` without its last parts where it does not fit; nothing where not even one does."""
    parts = note.split(f" {SEPARATOR} ")
    while parts and text_width(f" {SEPARATOR} ".join(parts), font) > room:
        parts.pop()
    return f" {SEPARATOR} ".join(parts)


def _draw_title(
    painter: QPainter, place: QPointF, title: str, room: float, style: LaneStyle, vector: bool
) -> float:
    """Write the title, shortened if it must be; returns the width it takes."""
    font, low = style.font(13, 600), style.font(10, 600)
    text, _, rest = title.partition("_")
    sub, after = rest[:1], rest[1:]
    if text_width(text + after, font) + text_width(sub, low) > room:
        text, sub, after = elided(title.replace("_", ""), font, room), "", ""
    x, colour = place.x(), style.palette.text
    for part, face, drop in ((text, font, 0.0), (sub, low, 2.5), (after, font, 0.0)):
        where = QPointF(x, place.y() + style.px(drop))
        x += draw_text(painter, where, part, face, colour, vector=vector)
    return x - place.x()


def fitting_measures(lane: LaneScene, t: float, style: LaneStyle, room: float) -> Measures:
    """The most explicit wording that fits; the shortest one where none does."""
    variants = measure_variants(lane, t)
    return next((said for said in variants if _measures_width(said, style) <= room), variants[-1])


def _measures_width(said: Measures, style: LaneStyle) -> float:
    return sum(_measure_width(index, measure, style) for index, measure in enumerate(said))


def _measure_width(index: int, measure: tuple[str, str], style: LaneStyle) -> float:
    """Of one measure, with the dot before it unless it is the first."""
    plain, bold = style.font(11, 500), style.font(11, 600)
    dot = style.px(2 * DOT_ROOM) + text_width(SEPARATOR, plain) if index else 0.0
    name, value = measure
    return dot + text_width(name, plain) + style.px(4) + text_width(value, bold)


def _draw_measures(
    painter: QPainter, place: QPointF, said: Measures, room: float, style: LaneStyle, vector: bool
) -> float:
    """Names in the label colour with their values in bold; those that do not fit are left out.

    Returns the width they take.
    """
    plain, bold = style.font(11, 500), style.font(11, 600)
    palette = style.palette
    x, end = place.x(), place.x() + room

    def write(text: str, font: QFont, colour: str) -> float:
        return draw_text(painter, QPointF(x, place.y()), text, font, colour, vector=vector)

    for index, (name, value) in enumerate(said):
        if x + _measure_width(index, (name, value), style) > end:
            break
        if index:
            x += style.px(DOT_ROOM)
            x += write(SEPARATOR, plain, palette.label) + style.px(DOT_ROOM)
        x += write(name, plain, palette.label) + style.px(4)
        x += write(value, bold, palette.text_secondary)
    return x - place.x()
