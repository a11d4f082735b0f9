"""The endpoints: discs with their letters among the latents, plain discs at a path's ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from toydiff_gui.drawing.discs import LETTERS, paint_disc
from toydiff_gui.drawing.figures import pair
from toydiff_gui.drawing.plates import covered_share
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_centred, draw_text
from toydiff_gui.drawing.view import Pixels, PlotTransform
from toydiff_gui.style import theme as themes

HANDLE_RADIUS = 10.0
"""Of the discs with letters, in design pixels."""

Pair = tuple[float, float]


def endpoint_colours(style: LaneStyle) -> tuple[str, str]:
    """Of A and of B."""
    return style.palette.endpoint_a, style.palette.endpoint_b


def handle_position(transform: PlotTransform, endpoint: Pair, style: LaneStyle) -> QPointF:
    """Where the disc of ``endpoint`` is drawn: at its place, or at the edge next to it."""
    place = transform.point(*endpoint)
    inset = style.px(HANDLE_RADIUS) + 3 * style.scale
    rect = transform.rect
    return QPointF(
        min(max(place.x(), rect.left() + inset), rect.right() - inset),
        min(max(place.y(), rect.top() + inset), rect.bottom() - inset),
    )


def paint_path_end(painter: QPainter, centre: QPointF, end: int, style: LaneStyle) -> None:
    """The mark of A (``end`` 0) or B (1) where the path has been carried to."""
    paint_disc(painter, centre, endpoint_colours(style)[end], style.stroke(5.0), style)


def paint_endpoints(
    painter: QPainter,
    transform: PlotTransform,
    endpoints: tuple[Pair, Pair],
    style: LaneStyle,
    *,
    coordinates: bool = True,
    path: Pixels | None = None,
    vector: bool = False,
) -> None:
    """A and B with their letters, coordinates beside them; one that is out of sight at the edge."""
    font = style.font(11, 700)
    for end in (1, 0):  # A above B
        place = handle_position(transform, endpoints[end], style)
        colour = endpoint_colours(style)[end]
        away = place - transform.point(*endpoints[end])
        painter.save()
        if away.manhattanLength() > 1:
            painter.setOpacity(0.55)
        paint_disc(painter, place, colour, style.px(HANDLE_RADIUS), style)
        draw_centred(painter, place, LETTERS[end], font, themes.text_on(colour), vector=vector)
        painter.restore()
    if coordinates:
        ink, type_ = style.palette.text_secondary, style.font(11, 500)
        for each in coordinates_of(transform, endpoints, style, path):
            draw_text(painter, each.base, each.text, type_, ink, vector=vector)


@dataclass(frozen=True)
class Coordinates:
    """An endpoint in numbers: where they are written from, and the room that they take."""

    text: str
    base: QPointF
    box: QRectF


def coordinates_of(
    transform: PlotTransform,
    endpoints: tuple[Pair, Pair],
    style: LaneStyle,
    path: Pixels | None = None,
) -> tuple[Coordinates, Coordinates]:
    """Beside the discs where the path runs up and down, below them where it runs across.

    They go to the other side of a disc where the ``path`` (N, 2) runs through them, and B's where
    they would run into A's.
    """
    flat = abs(endpoints[1][0] - endpoints[0][0]) > abs(endpoints[1][1] - endpoints[0][1])

    def crossed(there: Coordinates) -> float:
        return 0.0 if path is None or not len(path) else covered_share(there.box, path)

    first, second = (
        min(
            (_coordinates(transform, end, flat, style, other_side=side) for side in (False, True)),
            key=crossed,
        )
        for end in endpoints
    )
    if second.box.intersects(first.box.adjusted(-style.px(4), 0.0, style.px(4), 0.0)):
        second = _coordinates(transform, endpoints[1], flat, style, other_side=True)
    return first, second


def _coordinates(
    transform: PlotTransform,
    endpoint: Pair,
    flat: bool,
    style: LaneStyle,
    *,
    other_side: bool = False,
) -> Coordinates:
    metrics = QFontMetricsF(style.font(11, 500))
    place, rect, text = handle_position(transform, endpoint, style), transform.rect, pair(*endpoint)
    width, capital = metrics.horizontalAdvance(text), metrics.capHeight()
    far, edge = style.px(HANDLE_RADIUS + 12), style.px(6)
    if flat:
        left = place.x() - width / 2
        below = place.y() + far + capital / 2 + style.px(4) <= rect.bottom()
        base = place.y() + (far if below and not other_side else -far) + capital / 2
        left = min(max(left, rect.left() + edge), rect.right() - edge - width)
    else:
        right = place.x() + far + width + edge <= rect.right()
        left = place.x() + far if right and not other_side else place.x() - far - width
        base = place.y() + capital / 2
    box = QRectF(left, base - metrics.ascent(), width, metrics.height())
    return Coordinates(text, QPointF(left, base), box)


WAY_POINT_RADIUS = 7.5
"""Of the discs with numbers, in design pixels."""


def paint_way_points(
    painter: QPainter,
    transform: PlotTransform,
    way_points: Sequence[Pair],
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """Discs with their numbers where a drawn path goes through."""
    font = style.font(10, 700)
    for number, place in enumerate(way_points, start=1):
        centre = handle_position(transform, place, style)
        paint_disc(painter, centre, style.palette.text, style.px(WAY_POINT_RADIUS), style)
        draw_centred(painter, centre, str(number), font, style.palette.canvas, vector=vector)


def paint_picked(
    painter: QPainter,
    transform: PlotTransform,
    picked: Points,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """Rings about chosen data points; the first two with the letters they will have as ends."""
    font = style.font(11, 700)
    radius = style.stroke(6.5)
    for index, (x, y) in enumerate(picked.tolist()):
        centre = transform.point(x, y)
        if not transform.rect.contains(centre):
            continue
        colour = endpoint_colours(style)[index] if index < 2 else style.palette.text
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ink, width in ((style.palette.canvas, 4.4), (colour, 2.2)):
            painter.setPen(QPen(QColor(ink), style.stroke(width)))
            painter.drawEllipse(centre, radius, radius)
        if index < len(LETTERS):
            disc = centre + QPointF(radius + style.px(9), -radius - style.px(4))
            paint_disc(painter, disc, colour, style.px(8), style)
            ink = themes.text_on(colour)
            draw_centred(painter, disc, LETTERS[index], font, ink, vector=vector)
