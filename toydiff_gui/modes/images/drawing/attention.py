"""Where one pixel of an image looks: the weights over the image, and head beside head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPen

from toydiff_gui.drawing.card_words import Fact, facts_height
from toydiff_gui.drawing.raster import OPAQUE, Argb, fitted, scaled
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import elided, text_width
from toydiff_gui.modes.images.drawing.large_image import cell_at, on_pixels
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import AttentionCard, States
from toydiff_gui.style import theme as themes

PAD = 12.0
SIDE, LEAST_SIDE, MOST_SIDE = 140.0, 118.0, 220.0
"""Width of the column with layer and heads, in design pixels."""
MOST_HEAD, LEAST_HEAD = 96.0, 24.0
LEAST_FIELD, MEAN_WIDE = 110.0, 90.0
BAR, BAR_WORDS = 5.0, 17.0
BELOW = BAR + BAR_WORDS + 8
"""Below the picture: the scale of the colours and what it says."""
FIELD, LABEL = 28.0, 18.0
HEAD_WORD = 15.0
BAR_SAYS = "weight of each patch, one softmax row"
DIMMED = 0.45
"""How much of the image is left beneath the weights."""


@dataclass(frozen=True)
class AttentionLayout:
    """Where the parts of the attention's card lie; those that have no room are empty."""

    body: QRectF
    picture: QRectF
    bar: QRectF
    layer_label: QRectF
    layer_field: QRectF
    averaged_field: QRectF
    heads_label: QRectF
    heads: tuple[QRectF, ...]
    facts: QRectF
    ratio: float

    def head_at(self, place: QPointF) -> int | None:
        """The head whose map is at ``place``, with its number below it."""
        for index, rect in enumerate(self.heads):
            if rect.adjusted(0, 0, 0, rect.width() * 0.3).contains(place):
                return index
        return None

    def cell_at(self, place: QPointF, side: int) -> tuple[int, int] | None:
        """The cell of the layer's grid at ``place`` of the picture."""
        return cell_at(self.picture, place, side, side)


def attention_layout(
    body: QRectF,
    shape: tuple[int, int, int],
    heads: int,
    style: LaneStyle,
    *,
    ratio: float = 1.0,
    averaged: bool = True,
) -> AttentionLayout:
    """The layout for images of ``shape`` (C, H, W) and so many ``heads`` in ``body``.

    ``averaged`` keeps room for the line that asks for, or tells of, the mean over the trajectory.
    """
    pad = style.px(PAD)
    inner = body.adjusted(pad, pad, -pad, -pad)
    least = style.px(SIDE if inner.width() >= style.px(400) else LEAST_SIDE)
    if inner.width() - least - pad < style.px(90):
        return _narrow_layout(body, inner, shape, heads, style, ratio)
    _, high, wide = shape
    room_y = max(inner.height() - style.px(BELOW), 1.0)
    size = fitted((inner.width() - least - pad) * ratio, room_y * ratio, (wide, high))
    shown_wide = size[0] / ratio
    between = pad if inner.width() < style.px(400) else 2 * pad
    column_wide = min(inner.width() - shown_wide - between, style.px(MOST_SIDE))
    column_wide = max(column_wide, least)
    left = inner.left() + max(0.0, (inner.width() - shown_wide - between - column_wide) / 2)
    picture = on_pixels(left, inner.top(), *size, ratio)
    start = min(picture.right() + between, inner.right() - column_wide)
    column = QRectF(start, inner.top(), column_wide, inner.height())
    label = QRectF(column.left(), column.top() - style.px(4), column.width(), style.px(LABEL))
    field = QRectF(column.left(), label.bottom(), column.width(), style.px(FIELD))
    mean = QRectF(column.left(), field.bottom() + style.px(4), column.width(), style.px(22))
    over_heads = mean.bottom() if averaged else field.bottom()
    heads_label = QRectF(column.left(), over_heads + style.px(4), column.width(), style.px(LABEL))
    facts_high = facts_height(3, style)
    maps_top = heads_label.bottom() + style.px(2)
    room = column.bottom() - maps_top
    facts = QRectF()
    if room > facts_high + style.px(40):
        facts = QRectF(column.left(), column.bottom() - facts_high, column.width(), facts_high)
        room -= facts_high + style.px(4)
    place = QRectF(column.left(), maps_top, column.width(), room)
    maps = _head_rects(place, heads, style, ratio)
    if heads and (not maps or maps[0].width() < style.px(LEAST_HEAD)):  # they say more than words
        label = heads_label = facts = QRectF()
        field.moveTop(column.top())
        mean.moveTop(field.bottom() + style.px(4))
        if column.width() >= style.px(LEAST_FIELD + MEAN_WIDE):
            field, mean = _fields_side_by_side(column, column.top(), style)
        top = (max(field.bottom(), mean.bottom()) if averaged else field.bottom()) + style.px(6)
        place = QRectF(column.left(), top, column.width(), max(column.bottom() - top, 1.0))
        maps = _head_rects(place, heads, style, ratio)
    bar = _bar_below(picture, style)
    return AttentionLayout(body, picture, bar, label, field, mean, heads_label, maps, facts, ratio)


def _fields_side_by_side(within: QRectF, top: float, style: LaneStyle) -> tuple[QRectF, QRectF]:
    """Where the layer is chosen and, at the right of it, the mean."""
    mean_wide, gap, high = style.px(MEAN_WIDE), style.px(8), style.px(FIELD)
    field = QRectF(within.left(), top, max(within.width() - mean_wide - gap, 1.0), high)
    return field, QRectF(field.right() + gap, top, mean_wide, high)


def _narrow_layout(
    body: QRectF,
    inner: QRectF,
    shape: tuple[int, int, int],
    heads: int,
    style: LaneStyle,
    ratio: float,
) -> AttentionLayout:
    """The heads beside the picture, the layer below both."""
    _, high, wide = shape
    foot = style.px(FIELD) + style.px(6)
    room = 0.62 * inner.width(), max(inner.height() - style.px(BELOW) - foot, 1.0)
    size = fitted(room[0] * ratio, room[1] * ratio, (wide, high))
    picture = on_pixels(inner.left(), inner.top(), *size, ratio)
    start = picture.right() + style.px(10)
    place = QRectF(start, inner.top(), max(inner.right() - start, 1.0), inner.height() - foot)
    maps = _head_rects(place, heads, style, ratio)
    field, mean = _fields_side_by_side(inner, inner.bottom() - style.px(FIELD), style)
    bar, none = _bar_below(picture, style), QRectF()
    return AttentionLayout(body, picture, bar, none, field, mean, none, maps, none, ratio)


def _bar_below(picture: QRectF, style: LaneStyle) -> QRectF:
    return QRectF(picture.left(), picture.bottom() + style.px(9), picture.width(), style.px(BAR))


def _head_rects(place: QRectF, heads: int, style: LaneStyle, ratio: float) -> tuple[QRectF, ...]:
    """The largest squares for the maps of all heads in ``place``, their numbers below them."""
    room = place.height()
    if heads < 1 or room < style.px(24):
        return ()
    gap, word = style.px(8), style.px(HEAD_WORD)

    def side(columns: int) -> float:
        rows = -(-heads // columns)
        across = (place.width() - gap * (columns - 1)) / columns
        return min(across, room / rows - word, style.px(MOST_HEAD))

    columns = max(range(1, heads + 1), key=lambda number: (side(number), -number))
    width = int(side(columns) * ratio)
    if width < 4:
        return ()
    pitch_x, pitch_y = width / ratio + gap, width / ratio + word
    return tuple(
        on_pixels(
            place.left() + (index % columns) * pitch_x,
            place.top() + (index // columns) * pitch_y,
            width,
            width,
            ratio,
        )
        for index in range(heads)
    )


def overlay(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.float32],
    width: int,
    height: int,
    style: LaneStyle,
) -> Argb:
    """An image (C, H, W) with ``weights`` (side, side) over it, (height, width).

    The image is dimmed towards the canvas: darker in the dark theme, lighter in the light one,
    whose accent is dark. A weight of nothing leaves it so, the largest hides it under the accent.
    """
    grey = scaled(pixels, width, height).astype(np.float32)
    base = np.broadcast_to(grey, (3, height, width)) if grey.shape[0] < 3 else grey[:3]
    ground = 0.0 if style.dark else 255.0
    base = ground + (base - ground) * DIMMED
    share = relative(weights)
    rows = np.arange(height) * share.shape[0] // height
    columns = np.arange(width) * share.shape[1] // width
    alpha = share[rows][:, columns]
    accent = _rgb(style.palette.accent)[:, None, None]
    mixed = np.round(base + (accent - base) * alpha).astype(np.uint32)
    return np.asarray(mixed[0] << 16 | mixed[1] << 8 | mixed[2] | OPAQUE)


def head_map(weights: NDArray[np.float32], side: int, style: LaneStyle) -> Argb:
    """``weights`` (s, s) alone, (side, side) pixels: the accent over the canvas."""
    share = relative(weights)
    rows = np.arange(side) * share.shape[0] // side
    alpha = share[rows][:, rows]
    canvas = _rgb(style.palette.canvas)[:, None, None]
    mixed = np.round(canvas + (_rgb(style.palette.accent)[:, None, None] - canvas) * alpha)
    whole = mixed.astype(np.uint32)
    return np.asarray(whole[0] << 16 | whole[1] << 8 | whole[2] | OPAQUE)


def relative(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``weights`` over their largest, 0 to 1; all 0 where there is none."""
    most = float(weights.max(initial=0.0))
    return weights / most if most > 0 else np.zeros_like(weights)


def entropy_bits(weights: NDArray[np.float32]) -> float:
    """The entropy of one softmax row in bits: 0 for one place, log2 of the places for all alike."""
    total = float(weights.sum(dtype=np.float64))
    if total <= 0:
        return 0.0
    shares = weights.astype(np.float64).ravel() / total
    shares = shares[shares > 0]
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def _rgb(colour: str) -> NDArray[np.float32]:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], np.float32)


def shown_head(card: AttentionCard, maps: NDArray[np.float32]) -> int:
    """The head that is looked at, one that there is."""
    return min(max(card.head, 0), len(maps) - 1)


def attention_time(card: AttentionCard, t: float) -> str:
    """The time of what is shown, or over how many the mean is taken."""
    if card.averaged:
        return f"mean of {len(card.weights)}"
    known = card.time_at(t)
    return "" if known is None else f"t = {known}"


def attention_facts(card: AttentionCard, t: float, weights: NDArray[np.float32]) -> list[Fact]:
    """What the card says in numbers; rows and columns are counted from 1."""
    row, column = card.query
    return [
        ("query", f"row {row + 1}, col {column + 1}"),
        ("entropy", f"{entropy_bits(weights):.1f} bits"),
        ("time", attention_time(card, t)),
    ]


def paint_attention(
    paper: Paper,
    layout: AttentionLayout,
    *,
    controls: bool = False,
    hovered: tuple[int, int] | None = None,
) -> None:
    """Paint the card, or say why there is nothing to see.

    With ``controls`` there are fields for the layer and the average, and no words in their place.
    ``hovered`` is the cell that would be the next query.
    """
    painter, style, card = paper.painter, paper.style, paper.scene.attention
    maps = card.maps_at(paper.t)
    state = _state_shown(card, paper.t)
    if maps is None or state is None or card.layer is None:
        said = card.message or "Point at an image or click one to see where its pixels look"
        area = layout.body
        if controls and card.layers:
            area = QRectF(
                layout.body.topLeft(),
                QPointF(
                    max(layout.layer_field.left(), layout.body.center().x()), layout.body.bottom()
                ),
            )
        paper.message(area, said, failed=card.status == "failed")
        return
    head = shown_head(card, maps)
    side = card.layer.side
    place, ratio = layout.picture, layout.ratio
    size = round(place.width() * ratio), round(place.height() * ratio)
    paper.image(place, overlay(paper.scene.pixels(state), maps[head], *size, style))
    _paint_grid(painter, place, side, style)
    if hovered is not None and hovered != card.query:
        _paint_cell(painter, place, side, hovered, style, 1.0)
    _paint_cell(painter, place, side, card.query, style, 2.0)
    facts = attention_facts(card, paper.t, maps[head])
    said = BAR_SAYS if not layout.facts.isEmpty() else f"{facts[1][1]}, {facts[2][1]}"
    _paint_bar(paper, layout, float(maps[head].max()), said)
    _paint_heads(paper, layout, maps, head)
    plain, bold = style.font(11, 500), style.font(12, 600)
    palette = style.palette
    heads_word = "Head" if layout.heads else ""
    for rect, word in ((layout.layer_label, "Layer"), (layout.heads_label, heads_word)):
        if word and not rect.isEmpty():
            place_of = QPointF(rect.left(), rect.center().y() + style.px(4))
            paper.write(place_of, word, plain, palette.label)
    if not controls:
        rect = layout.layer_field
        said = elided(card.layer.title, bold, rect.width())
        base = QPointF(rect.left(), rect.center().y() + style.px(3))
        paper.write(base, said, bold, palette.text)
        if card.averaged:
            rect = layout.averaged_field
            base = QPointF(rect.left(), rect.center().y() + style.px(4))
            said = elided("over the trajectory", plain, rect.width())
            paper.write(base, said, plain, palette.text_secondary)
    paper.facts(layout.facts, facts)


def _state_shown(card: AttentionCard, t: float) -> States | None:
    """The image beneath the weights: at their own time, or the last one for an average."""
    if card.image is None:
        return None
    if card.averaged:
        return card.image.state_at(0)
    return card.image.state_at(t)


def _paint_grid(painter: QPainter, place: QRectF, side: int, style: LaneStyle) -> None:
    """Hair lines between the cells, as long as they do not hide what is in them."""
    if place.width() / side < style.px(10):
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(themes.with_alpha(style.palette.canvas, 0.35), style.scale))
    for index in range(1, side):
        x = place.left() + round(place.width() * index / side)
        y = place.top() + round(place.height() * index / side)
        painter.drawLine(QPointF(x, place.top()), QPointF(x, place.bottom()))
        painter.drawLine(QPointF(place.left(), y), QPointF(place.right(), y))
    painter.restore()


def cell_rect(place: QRectF, side: int, cell: tuple[int, int]) -> QRectF:
    """Where a cell of the layer's grid lies over the picture ``place``."""
    wide, high = place.width() / side, place.height() / side
    return QRectF(place.left() + cell[1] * wide, place.top() + cell[0] * high, wide, high)


def _paint_cell(
    painter: QPainter,
    place: QRectF,
    side: int,
    cell: tuple[int, int],
    style: LaneStyle,
    width: float,
) -> None:
    rect = cell_rect(place, side, cell)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    dark, light = QColor("#101216"), QColor("#FFFFFF")
    # Light within dark: seen on any image, in both themes.
    for ink, thick in ((dark, width + 2), (light, width)):
        painter.setPen(QPen(ink, style.stroke(thick)))
        painter.drawRoundedRect(rect, style.scale * 2, style.scale * 2)
    painter.restore()


def _paint_bar(paper: Paper, layout: AttentionLayout, most: float, says: str) -> None:
    """The scale of the colours, from nothing to the largest weight of the row."""
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    small = style.font(10, 500)
    low, high = "0", f"{most:.2g}"
    rect = layout.bar
    start = rect.left() + text_width(low, small) + style.px(6)
    end = rect.right() - text_width(high, small) - style.px(6)
    base = rect.center().y() + style.px(3.6)
    paper.write(QPointF(rect.left(), base), low, small, palette.text_secondary)
    place = QPointF(end + style.px(6), base)
    paper.write(place, high, small, palette.text_secondary)
    if end > start:
        gradient = QLinearGradient(start, 0.0, end, 0.0)
        gradient.setColorAt(0.0, QColor("#101216" if style.dark else "#FFFFFF"))
        gradient.setColorAt(1.0, QColor(palette.accent))
        track = QRectF(start, rect.top(), end - start, rect.height())
        painter.fillRect(track, gradient)
        if not style.dark:
            painter.setPen(QPen(QColor(palette.divider), style.scale))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(track)
    said = elided(says, small, rect.width())
    place = QPointF(rect.left(), rect.bottom() + style.px(BAR_WORDS))
    paper.write(place, said, small, palette.label)


def _paint_heads(
    paper: Paper, layout: AttentionLayout, maps: NDArray[np.float32], chosen: int
) -> None:
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    for index, rect in enumerate(layout.heads[: len(maps)]):
        side = round(rect.width() * layout.ratio)
        paper.image(rect, head_map(maps[index], side, style))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ink, width = (palette.accent, 2.0) if index == chosen else (palette.control_edge, 1.0)
        painter.setPen(QPen(QColor(ink), style.stroke(width)))
        out = style.stroke(width) / 2
        painter.drawRoundedRect(rect.adjusted(-out, -out, out, out), style.px(3), style.px(3))
        font = style.font(10, 700 if index == chosen else 500)
        colour = palette.text if index == chosen else palette.label
        centre = QPointF(rect.center().x(), rect.bottom() + style.px(HEAD_WORD / 2))
        paper.write_centred(centre, str(index + 1), font, colour)
