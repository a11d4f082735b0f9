"""All of mode Images in one picture: where the cards lie, and how each of them is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from toydiff_gui.drawing.card import paint_card_border, paint_card_frame
from toydiff_gui.drawing.card_words import paint_card_words
from toydiff_gui.drawing.footer import NOTHING, whole_picture
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.drawing.attention import attention_layout, paint_attention
from toydiff_gui.modes.images.drawing.film_strips import (
    image_scales,
    paint_norms_row,
    paint_strip_row,
    paint_strips_head,
    strips_layout,
    wished_height,
)
from toydiff_gui.modes.images.drawing.large_image import look_layout, paint_look
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.drawing.slice_map import paint_plane, plane_layout
from toydiff_gui.modes.images.drawing.tiles import TilesLayout, paint_tiles, tiles_layout
from toydiff_gui.modes.images.scene import Face, ImageScene

TILES, FACE, STRIPS = "tiles", "face", "strips"
FACE_TITLES: dict[Face, str] = {"picture": "Picture", "attention": "Attention", "slice": "Slice"}
TILES_SHARE = 0.445
MOST_STRIPS = 0.46
"""Of the page's height, what the strips take at most while there is something above them."""


@dataclass(frozen=True)
class PageLayout:
    """Where the cards lie; None for one that is not shown."""

    tiles: QRectF | None = None
    face: QRectF | None = None
    strips: QRectF | None = None


def page_layout(
    area: QRectF, scene: ImageScene, style: LaneStyle, cards: frozenset[str]
) -> PageLayout:
    """Tiles and the card beside them above, strips below; in whole pixels, for sharp lines."""
    left, top = round(area.left()), round(area.top())
    width, height = round(area.right()) - left, round(area.bottom()) - top
    gap = round(style.gap)
    above = TILES in cards or FACE in cards
    strips_high = 0
    if STRIPS in cards:
        strips_high = height
        if above:
            wished = wished_height(scene, width, style)
            strips_high = round(min(max(wished, 0.2 * height), MOST_STRIPS * height))
    above_high = height - strips_high - (gap if strips_high else 0)
    strips = QRectF(left, top + height - strips_high, width, strips_high) if strips_high else None
    if not above and strips is not None:  # no higher than its images need
        high = min(height, round(wished_height(scene, width, style, most_side=1000.0)))
        return PageLayout(strips=QRectF(left, top + (height - high) // 2, width, high))
    if TILES not in cards:
        return PageLayout(face=QRectF(left, top, width, above_high), strips=strips)
    if FACE not in cards:
        return PageLayout(tiles=QRectF(left, top, width, above_high), strips=strips)
    tiles_wide = round((width - gap) * TILES_SHARE)
    return PageLayout(
        QRectF(left, top, tiles_wide, above_high),
        QRectF(left + tiles_wide + gap, top, width - tiles_wide - gap, above_high),
        strips,
    )


def filled_cards(scene: ImageScene) -> frozenset[str]:
    """The cards that have something to show; for a picture that is to hold no empty ones."""
    cards = set()
    if scene.tiles.trajectory is not None or scene.tiles.message:
        cards.add(TILES)
    if scene.strips:
        cards.add(STRIPS)
    if face_filled(scene):
        cards.add(FACE)
    return frozenset(cards)


def face_filled(scene: ImageScene) -> bool:
    """Whether the card beside the tiles has something to show."""
    if scene.face == "picture":
        return scene.looked_at is not None
    if scene.face == "attention":
        card = scene.attention
        return card.image is not None and card.layer is not None and bool(card.weights)
    return scene.slice.images is not None


def tiles_words(scene: ImageScene) -> str:
    """What can be done with the tiles now."""
    if scene.tiles.trajectory is None:
        return ""
    placed = {end.mark for end in scene.endpoints}
    if not placed:
        return "click one for A, another for B"
    return "click for A and B, with Shift for C"


def face_words(scene: ImageScene) -> str:
    """What the card beside the tiles shows, in words."""
    if scene.face == "slice":
        return "the plane through A, B and C, decoded"
    looked = scene.looked_at if scene.face == "picture" else scene.attention.image
    if looked is None:
        return "one image, and its way from noise to data"
    parts = [looked.title, looked.detail]
    if scene.face == "attention":
        parts.insert(0, "where the framed patch looks")
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def time_of_tiles(scene: ImageScene, t: float) -> str:
    """The time of what the tiles show: a sampler with few steps lags behind."""
    trajectory = scene.tiles.trajectory
    k = None if trajectory is None else trajectory.index_at(t)
    return "" if trajectory is None or k is None else f"t = {trajectory.t[k]}"


def body_of(card: QRectF, style: LaneStyle) -> QRectF:
    """What lies below a card's header."""
    return card.adjusted(0, style.header_height, 0, 0)


def tiles_layout_of(
    card: QRectF, scene: ImageScene, style: LaneStyle, **options: Any
) -> TilesLayout:
    """The layout of the tiles in their card; ``options`` are those of ``tiles_layout``."""
    return tiles_layout_in(body_of(card, style), scene, style, **options)


def tiles_layout_in(
    room: QRectF, scene: ImageScene, style: LaneStyle, **options: Any
) -> TilesLayout:
    """The layout of the tiles in ``room``, with a margin around them."""
    pad = round(style.px(10))
    trajectory = scene.tiles.trajectory
    count = len(trajectory.x[0]) if trajectory is not None and trajectory.x else 1
    _, high, wide = scene.shape
    area, captions = room.adjusted(pad, pad, -pad, -pad), any(scene.tiles.classes)
    return tiles_layout(area, count, (wide, high), style, captions=captions, **options)


def paint_image_scene(paper: Paper, rect: QRectF) -> None:
    """Paint the scene: tiles above, strips below, and beside the tiles what is looked at.

    Safe in a worker thread on a ``QImage``, and on a ``QSvgGenerator`` with ``vector``.
    """
    scene, style = paper.scene, paper.style
    message = "" if filled_cards(scene) else scene.tiles.message or NOTHING
    picture = whole_picture(paper.painter, rect, scene, paper.t, style, paper.vector, message)
    with picture as area:
        paint_cards(paper, area)


def paint_cards(paper: Paper, area: QRectF) -> None:
    """All cards that have something to show, in ``area``."""
    layout = page_layout(area, paper.scene, paper.style, filled_cards(paper.scene))
    if layout.tiles is not None:
        paint_tiles_card(paper, layout.tiles)
    if layout.face is not None:
        paint_face_card(paper, layout.face)
    if layout.strips is not None:
        paint_strips_card(paper, layout.strips)


def paint_tiles_card(paper: Paper, card: QRectF) -> None:
    """The card of the samples, all of them in it."""
    scene, style = paper.scene, paper.style
    head = _paint_ground(paper, card)
    paint_card_words(
        paper.painter,
        head,
        "Samples",
        scene.tiles.note,
        "predicted clean images" if scene.tiles.preview else "",
        style,
        right_below=time_of_tiles(scene, paper.t),
        vector=paper.vector,
    )
    paint_tiles(paper, tiles_layout_of(card, scene, style, ratio=paper.ratio))
    paint_card_frame(paper.painter, card, style, selected=False, hovered=False)


def paint_face_card(paper: Paper, card: QRectF) -> None:
    """The card beside the samples, with the face that the scene has."""
    painter, scene, style = paper.painter, paper.scene, paper.style
    head = _paint_ground(paper, card)
    title, words = FACE_TITLES[scene.face], face_words(scene)
    paint_card_words(painter, head, title, "", words, style, vector=paper.vector)
    paint_face(paper, body_of(card, style))
    paint_card_frame(painter, card, style, selected=False, hovered=False)


def paint_face(paper: Paper, body: QRectF) -> None:
    """What lies below the header of the card beside the samples."""
    scene, style, ratio = paper.scene, paper.style, paper.ratio
    if scene.face == "attention":
        layer, averaged = scene.attention.layer, scene.attention.averaged
        heads = layer.heads if layer is not None else 0
        around = attention_layout(body, scene.shape, heads, style, ratio=ratio, averaged=averaged)
        paint_attention(paper, around)
    elif scene.face == "slice":
        paint_plane(paper, plane_layout(body, scene, style, ratio=ratio))
    else:
        paint_look(paper, look_layout(body, scene.shape, style, ratio=ratio))


def paint_strips_card(paper: Paper, card: QRectF) -> None:
    """The card of the film strips."""
    scene, style = paper.scene, paper.style
    _paint_ground(paper, card)
    layout = strips_layout(card, scene, style, ratio=paper.ratio)
    scales = image_scales(scene)
    paint_strips_head(paper, layout)
    for row in range(len(scene.strips)):
        paint_strip_row(paper, layout, row, scales, marked=scene.marked, pinned=scene.pinned)
    paint_norms_row(paper, layout, scales, marked=scene.marked)
    paint_card_border(paper.painter, card, style, selected=False, hovered=False)


def _paint_ground(paper: Paper, card: QRectF) -> QRectF:
    """The panel's colour behind the header, the canvas's below it; returns the header's place."""
    style = paper.style
    paper.painter.fillRect(card, QColor(style.palette.canvas))
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    paper.painter.fillRect(head, QColor(style.palette.panel))
    return head
