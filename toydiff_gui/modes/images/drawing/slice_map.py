"""A plane of the latent space as a map of what its places decode to."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from toydiff_gui.drawing.card_words import facts_height
from toydiff_gui.drawing.discs import paint_disc, paint_halo
from toydiff_gui.drawing.figures import plain
from toydiff_gui.drawing.frames import paint_badge
from toydiff_gui.drawing.raster import Argb, drawn, fitted, mosaic
from toydiff_gui.drawing.scene_parts import Box, Mark
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.drawing.large_image import on_pixels, paint_large
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import ImageScene, SliceCard

PAD = 12.0
DOT = 6.0
"""Radius of the dot, in design pixels."""
CORNERS: dict[Mark, tuple[float, float]] = {"A": (0.0, 0.0), "B": (1.0, 0.0), "C": (0.0, 1.0)}
"""Where the endpoints lie in the plane."""


@dataclass(frozen=True)
class PlaneLayout:
    """Where the map and the picture of the dot lie; ``thumb`` is a thumbnail in device pixels."""

    body: QRectF
    map: QRectF
    thumb: tuple[int, int]
    line: int
    """Between thumbnails, in device pixels."""
    box: Box
    picture: QRectF
    words: QRectF
    ratio: float

    def place_of(self, u: float, v: float) -> QPointF:
        """Where a point of the plane lies on the map."""
        u0, u1, v0, v1 = self.box
        return QPointF(
            self.map.left() + (u - u0) / (u1 - u0) * self.map.width(),
            self.map.top() + (v1 - v) / (v1 - v0) * self.map.height(),
        )

    def point_at(self, place: QPointF) -> tuple[float, float]:
        """The point of the plane at ``place``, moved into the map."""
        u0, u1, v0, v1 = self.box
        across = min(max((place.x() - self.map.left()) / self.map.width(), 0.0), 1.0)
        down = min(max((place.y() - self.map.top()) / self.map.height(), 0.0), 1.0)
        return u0 + across * (u1 - u0), v1 - down * (v1 - v0)


def plane_layout(
    body: QRectF, scene: ImageScene, style: LaneStyle, *, ratio: float = 1.0
) -> PlaneLayout:
    """The layout of the slice of ``scene`` in ``body``."""
    card = scene.slice
    _, high, wide = scene.shape
    columns, rows = max(card.columns, 1), max(card.rows, 1)
    pad = style.px(PAD)
    inner = body.adjusted(pad, pad, -pad, -pad)
    beside = min(0.36 * inner.width(), style.px(190))
    if inner.width() - beside - pad < 0.6 * inner.height() or beside < style.px(64):
        beside = 0.0
    room_x = inner.width() - (beside + pad if beside else 0.0)
    room_y = inner.height()
    if not beside:
        room_y = 0.64 * inner.height()
    thumb = fitted(room_x * ratio / columns - 1, room_y * ratio / rows - 1, (wide, high), whole=0.9)
    line = max(1, round(style.scale * ratio))
    size = columns * (thumb[0] + line) - line, rows * (thumb[1] + line) - line
    left = inner.left() + (room_x - size[0] / ratio) / 2
    top = inner.top() + max(0.0, (room_y - size[1] / ratio) / 2)
    plane = on_pixels(left, top, *size, ratio)
    words_high = facts_height(2, style)
    if beside:
        side = QRectF(inner.right() - beside, plane.top(), beside, plane.height())
        room = beside, max(plane.height() - words_high - style.px(8), 1.0)
    else:
        over = plane.bottom() + style.px(10)
        side = QRectF(inner.left(), over, inner.width(), max(inner.bottom() - over, 1.0))
        room = 0.45 * side.width(), side.height()
    shown = fitted(room[0] * ratio, room[1] * ratio, (wide, high))
    picture = on_pixels(side.left(), side.top(), *shown, ratio)
    if beside:
        words = QRectF(side.left(), picture.bottom() + style.px(6), beside, words_high)
    else:
        start = picture.right() + style.px(12)
        words = QRectF(start, side.top(), max(side.right() - start, 1.0), words_high)
    return PlaneLayout(body, plane, thumb, line, card.box, picture, words, ratio)


def paint_plane(paper: Paper, layout: PlaneLayout, *, hovered: bool = False) -> None:
    """Paint the map with A, B, C and the dot, and large what the dot decodes to."""
    painter, style, card = paper.painter, paper.style, paper.scene.slice
    images = card.images
    if images is None or not len(images):
        said = card.message or "The slice goes through A, B and C: Shift+click a tile to make it C"
        paper.message(layout.body, said, failed=card.status == "failed")
        return

    def thumbnails() -> Argb:
        tiles = drawn(paper.scene.pixels(images), *layout.thumb)
        return mosaic(tiles, card.columns, (layout.line, layout.line))

    key = (layout.thumb, layout.line, card.columns)
    paper.kept_image(layout.map.topLeft(), layout.ratio, "plane", images, key, thumbnails)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_triangle(painter, layout, style)
    for mark, corner in CORNERS.items():
        if _inside(layout, corner):
            paint_badge(painter, layout.place_of(*corner), mark, style, vector=paper.vector)
    dot = layout.place_of(*card.dot)
    painter.save()
    paint_disc(painter, dot, style.palette.accent, style.px(DOT), style)
    if hovered:
        paint_halo(painter, dot, DOT, style.palette.accent, style)
    painter.restore()
    if card.status == "failed":
        return
    if card.at_dot is not None:
        paint_large(paper, layout.picture, card.at_dot, layout.ratio)
    paper.facts(layout.words, dot_facts(card))


def dot_facts(card: SliceCard) -> list[tuple[str, str]]:
    """Where the dot is: how far from A towards B, and from A towards C."""
    u, v = card.dot
    return [("A to B", plain(u)), ("A to C", plain(v))]


def _inside(layout: PlaneLayout, corner: tuple[float, float]) -> bool:
    place = layout.place_of(*corner)
    return layout.map.adjusted(-1, -1, 1, 1).contains(place)


def _paint_triangle(painter: QPainter, layout: PlaneLayout, style: LaneStyle) -> None:
    """Thin lines from A to B and to C: the two directions of the plane."""
    a = layout.place_of(*CORNERS["A"])
    # White dots on a dark line: seen on any image, in both themes.
    pens = (
        QPen(QColor(16, 18, 22, 150), style.stroke(2.4)),
        QPen(QColor("#FFFFFF"), style.stroke(1.2), Qt.PenStyle.DotLine),
    )
    for mark in ("B", "C"):
        if _inside(layout, CORNERS[mark]):
            for pen in pens:
                painter.setPen(pen)
                painter.drawLine(a, layout.place_of(*CORNERS[mark]))
