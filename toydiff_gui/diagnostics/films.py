"""Film strips over time: an image on its way from data (right) into noise (left)."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.diagnostics.chart import Chart, Film
from toydiff_gui.diagnostics.chart_layout import Frame
from toydiff_gui.drawing.pixels import fitted_rect, paint_pixels
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, text_width

WORDS, GAP, MOST_SIDE = 20, 6, 110
"""Height of the line above a strip, room around its images, their largest side; design pixels."""


def row_places(chart: Chart, frame: Frame, style: LaneStyle) -> list[QRectF]:
    """Where the images of each strip lie, below its name."""
    plot = frame.plot
    high = plot.height() / len(chart.films)
    side = min(high - style.px(WORDS + GAP), style.px(MOST_SIDE))
    rows = []
    for index in range(len(chart.films)):
        room = QRectF(plot.left(), plot.top() + index * high, plot.width(), high)
        top = room.top() + (high - side - style.px(WORDS)) / 2 + style.px(WORDS)
        rows.append(QRectF(plot.left(), round(top), plot.width(), max(side, 4.0)))
    return rows


def slots(row: QRectF, film: Film, style: LaneStyle) -> list[QRectF]:
    """As many images as find room side by side in ``row``, from its left end to its right one."""
    shape = film.pixels.shape[1:]
    wide = row.height() * shape[2] / shape[1]
    count = max(int(row.width() / (wide + style.px(3))), 1)
    pitch = row.width() / count
    places = (QRectF(row.left() + k * pitch, row.top(), pitch, row.height()) for k in range(count))
    return [fitted_rect(place, shape) for place in places]


def paint_films(
    painter: QPainter, chart: Chart, frame: Frame, style: LaneStyle, *, vector: bool
) -> None:
    """The strips; each image is that of the time in the middle of its place."""
    for film, row in zip(chart.films, row_places(chart, frame, style), strict=True):
        name = QPointF(row.left(), row.top() - style.px(6))
        ink = style.palette.text_secondary
        draw_text(painter, name, film.name, style.font(11, 600), ink, vector=vector)
        for place in slots(row, film, style):
            t = frame.coordinates(place.center())[0]
            paint_pixels(painter, place, film.pixels[film.index_at(t)], vector=vector)


def paint_film_moment(
    painter: QPainter, chart: Chart, frame: Frame, t: float, style: LaneStyle, *, vector: bool
) -> None:
    """The image of exactly ``t`` over each strip, framed, on the line of the time."""
    palette = style.palette
    x = frame.x(t)
    painter.setPen(QPen(QColor(palette.accent), style.stroke(1.2)))
    painter.drawLine(QLineF(x, frame.plot.top(), x, frame.plot.bottom()))
    line = style.stroke(2.0)
    for film, row in zip(chart.films, row_places(chart, frame, style), strict=True):
        large = row.adjusted(0, -style.px(3), 0, style.px(3))
        place = fitted_rect(large, film.pixels.shape[1:])
        half = place.width() / 2
        centre = min(max(x, frame.plot.left() + half), frame.plot.right() - half)
        place.moveCenter(QPointF(centre, row.center().y()))
        paint_pixels(painter, place, film.pixels[film.index_at(t)], vector=vector)
        painter.setPen(QPen(QColor(palette.accent), line))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(-line / 2, -line / 2, line / 2, line / 2))
    font = style.font(11, 600)
    text = f"t {t:g}"
    wide = text_width(text, font)
    left = min(max(x - wide / 2, frame.plot.left()), frame.plot.right() - wide)
    plate = QRectF(left - style.px(5), frame.plot.bottom() - style.px(1), 0, style.px(17))
    plate.setWidth(wide + style.px(10))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.accent))
    painter.drawRoundedRect(plate, style.px(4), style.px(4))
    base = QPointF(left, plate.top() + style.px(12.5))
    draw_text(painter, base, text, font, palette.on_accent, vector=vector)
