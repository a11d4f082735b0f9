"""All of mode Images in one picture: where the cards lie, and how each of them is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QMarginsF, QRectF
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.drawing.card import paint_card_border, paint_card_frame
from toydiff_gui.drawing.card_words import paint_card_words
from toydiff_gui.drawing.footer import FOOTER, MARGIN, paint_footer
from toydiff_gui.drawing.raster import ImageCache, ratio_of
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_wrapped
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


def tiles_area(card: QRectF, style: LaneStyle) -> QRectF:
    """Where the tiles go in their card."""
    pad = round(style.px(10))
    return body_of(card, style).adjusted(pad, pad, -pad, -pad)


def tiles_layout_of(
    card: QRectF, scene: ImageScene, style: LaneStyle, **options: Any
) -> TilesLayout:
    """The layout of the tiles in their card; ``options`` are those of ``tiles_layout``."""
    trajectory = scene.tiles.trajectory
    count = len(trajectory.x[0]) if trajectory is not None and trajectory.x else 1
    _, high, wide = scene.shape
    captions = any(scene.tiles.classes)
    return tiles_layout(
        tiles_area(card, style), count, (wide, high), style, captions=captions, **options
    )


def paint_image_scene(
    painter: QPainter,
    rect: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    selected: str = "",
    show_alpha_bar: bool = True,
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """Paint ``scene`` at ``t``: tiles above, strips below, and beside the tiles what is looked at.

    Safe in a worker thread on a ``QImage`` (with a ``cache`` that no other thread uses), and on a
    ``QSvgGenerator`` with ``vector=True``: then images are the only pixels in it.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(rect, QColor(style.palette.window))
    margin, footer = style.px(MARGIN), round(style.px(FOOTER))
    area = rect.marginsRemoved(QMarginsF(margin, margin, margin, footer))
    if not filled_cards(scene):
        message = scene.tiles.message or "There is nothing to show yet"
        font = style.font(12, 500)
        draw_wrapped(painter, area, message, font, style.palette.text_secondary, vector=vector)
    paint_cards(painter, area, scene, t, style, selected=selected, vector=vector, cache=cache)
    paint_footer(painter, rect, scene.title, scene.alphas_cumprod, t, style, show_alpha_bar, vector)
    painter.restore()


def paint_cards(
    painter: QPainter,
    area: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    selected: str = "",
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """All cards of ``scene`` that have something to show, in ``area``."""
    layout = page_layout(area, scene, style, filled_cards(scene))
    if layout.tiles is not None:
        paint_tiles_card(painter, layout.tiles, scene, t, style, vector=vector, cache=cache)
    if layout.face is not None:
        paint_face_card(painter, layout.face, scene, t, style, vector=vector, cache=cache)
    if layout.strips is not None:
        paint_strips_card(
            painter, layout.strips, scene, t, style, selected=selected, vector=vector, cache=cache
        )


def paint_tiles_card(
    painter: QPainter,
    card: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """The card of the samples, all of them in it."""
    _paint_ground(painter, card, style)
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    paint_card_words(
        painter,
        head,
        "Samples",
        scene.tiles.note,
        "predicted clean images" if scene.tiles.preview else "",
        style,
        right_below=time_of_tiles(scene, t),
        vector=vector,
    )
    layout = tiles_layout_of(card, scene, style, ratio=ratio_of(painter, vector))
    paint_tiles(painter, layout, scene, t, style, vector=vector, cache=cache)
    paint_card_frame(painter, card, style, selected=False, hovered=False)


def paint_face_card(
    painter: QPainter,
    card: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """The card beside the samples, with the face that the scene has."""
    _paint_ground(painter, card, style)
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    title = FACE_TITLES[scene.face]
    paint_card_words(painter, head, title, "", face_words(scene), style, vector=vector)
    paint_face(painter, body_of(card, style), scene, t, style, vector=vector, cache=cache)
    paint_card_frame(painter, card, style, selected=False, hovered=False)


def paint_face(
    painter: QPainter,
    body: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """What lies below the header of the card beside the samples."""
    ratio = ratio_of(painter, vector)
    if scene.face == "attention":
        layer = scene.attention.layer
        heads = layer.heads if layer is not None else 0
        averaged = scene.attention.averaged
        around = attention_layout(body, scene.shape, heads, style, ratio=ratio, averaged=averaged)
        paint_attention(painter, around, scene, t, style, vector=vector)
    elif scene.face == "slice":
        plane = plane_layout(body, scene, style, ratio=ratio)
        paint_plane(painter, plane, scene, style, vector=vector, cache=cache)
    else:
        look = look_layout(body, scene.shape, style, ratio=ratio)
        paint_look(painter, look, scene, t, style, vector=vector, cache=cache)


def paint_strips_card(
    painter: QPainter,
    card: QRectF,
    scene: ImageScene,
    t: float,
    style: LaneStyle,
    *,
    selected: str = "",
    vector: bool = False,
    cache: ImageCache | None = None,
) -> None:
    """The card of the film strips."""
    _paint_ground(painter, card, style)
    layout = strips_layout(card, scene, style, ratio=ratio_of(painter, vector))
    scales = image_scales(scene)
    paint_strips_head(painter, layout, scene, style, vector=vector)
    for row, strip in enumerate(scene.strips):
        paint_strip_row(
            painter,
            layout,
            row,
            scene,
            t,
            scales,
            style,
            selected=bool(selected) and strip.key == selected,
            marked=scene.marked,
            pinned=scene.pinned,
            vector=vector,
            cache=cache,
        )
    paint_norms_row(painter, layout, scene, scales, style, marked=scene.marked, vector=vector)
    paint_card_border(painter, card, style, selected=False, hovered=False)


def _paint_ground(painter: QPainter, card: QRectF, style: LaneStyle) -> None:
    """The panel's colour behind the header, the canvas's below it."""
    painter.fillRect(card, QColor(style.palette.canvas))
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    painter.fillRect(head, QColor(style.palette.panel))
