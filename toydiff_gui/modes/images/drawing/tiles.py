"""The samples as tiles: where they lie, and how they are painted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF

from toydiff_gui.drawing.frames import badge_place, badge_radius, paint_badge, paint_frame
from toydiff_gui.drawing.frames import mark_colour as colour_of
from toydiff_gui.drawing.raster import Argb, drawn, fitted, mosaic
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import elided, text_width
from toydiff_gui.modes.images.drawing.paper import Paper

CAPTION = 14.0
LEAST_CAPTIONED = 26.0
"""Side of a tile, in design pixels, from which on there is room for the name of its class."""
FRAMED = 6.0
"""How far, in design pixels, the widest frame reaches out of its tile."""


@dataclass(frozen=True)
class TilesLayout:
    """Where ``count`` tiles lie in ``area``, in the painter's units.

    ``wide``, ``high``, ``gap_x`` and ``gap_y`` are whole pixels of a device with ``ratio`` pixels
    per unit; ``gap_y`` holds the captions. ``scroll`` is how far the tiles are pushed up.
    """

    area: QRectF
    count: int
    columns: int
    wide: int
    high: int
    gap_x: int
    gap_y: int
    caption: float
    ratio: float
    scroll: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows there are, seen or not."""
        return -(-self.count // self.columns)

    @property
    def pitch(self) -> tuple[float, float]:
        """From one tile to the next, across and down."""
        return (self.wide + self.gap_x) / self.ratio, (self.high + self.gap_y) / self.ratio

    @property
    def content_height(self) -> float:
        """Of all rows, with the captions of the last."""
        return (self.rows * (self.high + self.gap_y) - self.gap_y) / self.ratio + self.caption

    @property
    def most_scroll(self) -> float:
        """How far the tiles can be pushed up."""
        return max(0.0, self.content_height - self.area.height())

    @property
    def origin(self) -> QPointF:
        """The upper left corner of the first tile."""
        width = (self.columns * (self.wide + self.gap_x) - self.gap_x) / self.ratio
        x = self.area.left() + (self.area.width() - width) / 2
        spare = max(0.0, (self.area.height() - self.content_height) / 2)
        y = self.area.top() + spare - min(self.scroll, self.most_scroll)
        return QPointF(round(x * self.ratio) / self.ratio, round(y * self.ratio) / self.ratio)

    def tile(self, index: int) -> QRectF:
        """Where the tile ``index`` lies."""
        row, column = divmod(index, self.columns)
        across, down = self.pitch
        corner = self.origin + QPointF(column * across, row * down)
        return QRectF(corner.x(), corner.y(), self.wide / self.ratio, self.high / self.ratio)

    def tile_at(self, place: QPointF) -> int | None:
        """The tile at ``place``, with half of the gap around it; None beside all of them."""
        if not self.area.contains(place):
            return None
        across, down = self.pitch
        from_origin = place - self.origin
        half_x, half_y = self.gap_x / self.ratio / 2, self.gap_y / self.ratio / 2
        column = math.floor((from_origin.x() + half_x) / across)
        # Captions belong to the tile above them.
        lift = 0.0 if self.caption else half_y
        row = math.floor((from_origin.y() + lift) / down)
        index = row * self.columns + column
        inside = 0 <= column < self.columns and row >= 0 and index < self.count
        return index if inside else None

    def visible_rows(self) -> range:
        """The rows of which something is seen."""
        _, down = self.pitch
        above = self.area.top() - self.origin.y()
        first = max(0, math.floor(above / down))
        last = min(self.rows, math.ceil((above + self.area.height()) / down))
        return range(first, max(first, last))


def tiles_layout(
    area: QRectF,
    count: int,
    size: tuple[int, int],
    style: LaneStyle,
    *,
    ratio: float = 1.0,
    zoom: int = 1,
    captions: bool = False,
    scroll: float = 0.0,
) -> TilesLayout:
    """The grid that shows all of ``count`` images of ``size`` (width, height) as large as it can.

    With ``zoom`` z there are so many times fewer in a row, and the rest is scrolled to.
    """
    count = max(count, 1)
    width, height = max(area.width(), 1.0) * ratio, max(area.height(), 1.0) * ratio
    gap = _gap(count, width, height, style, ratio)
    shape = size[1] / size[0]
    caption = style.px(CAPTION) if captions else 0.0

    columns = max(
        1,
        math.ceil(_best_columns(count, width, height, gap, caption * ratio, shape) / max(zoom, 1)),
    )
    if caption and (width - gap * (columns - 1)) / columns < style.px(LEAST_CAPTIONED) * ratio:
        caption = 0.0
        columns = max(
            1, math.ceil(_best_columns(count, width, height, gap, 0.0, shape) / max(zoom, 1))
        )
    below = math.ceil(caption * ratio)
    if zoom > 1:
        room_x = min((width - gap * (columns - 1)) / columns, (height - below) / shape)
    else:
        room_x = _tile_width(columns, count, width, height, gap, below, shape)
    wide, high = fitted(max(room_x, 1.0), max(room_x * shape, 1.0), size)
    return TilesLayout(
        area, count, columns, wide, high, gap, gap + below, below / ratio, ratio, scroll
    )


def _tile_width(
    columns: int,
    count: int,
    width: float,
    height: float,
    gap: int,
    below: float,
    shape: float,
) -> float:
    """How wide tiles can be in so many columns; ``shape`` is their height over their width."""
    rows = -(-count // columns)
    across = (width - gap * (columns - 1)) / columns
    down = (height - (gap + below) * (rows - 1) - below) / rows
    return min(across, down / shape)


@lru_cache(maxsize=64)
def _best_columns(
    count: int, width: float, height: float, gap: int, below: float, shape: float
) -> int:
    """The number of columns that gives the largest tiles."""
    return max(
        range(1, count + 1),
        key=lambda columns: (
            _tile_width(columns, count, width, height, gap, below, shape),
            -columns,
        ),
    )


def _gap(count: int, width: float, height: float, style: LaneStyle, ratio: float) -> int:
    """Narrower between small tiles."""
    side = math.sqrt(width * height / count)
    return max(1, round(min(style.px(4) * ratio, 0.12 * side)))


def paint_tiles(
    paper: Paper, layout: TilesLayout, *, hovered: int | None = None, focused: int | None = None
) -> None:
    """Paint the tiles, or say why there are none."""
    painter, style, card = paper.painter, paper.style, paper.scene.tiles
    states = card.states_at(paper.t)
    if states is None or not len(states):
        paper.message(layout.area, card.message, failed=card.status == "failed")
        return
    painter.save()
    if not paper.vector:
        painter.setClipRect(layout.area)
    rows = layout.visible_rows()
    if rows:
        first = rows[0] * layout.columns
        seen_states = states[first : (rows[-1] + 1) * layout.columns]
        gaps = (layout.gap_x, layout.gap_y)

        def tiles() -> Argb:
            images = drawn(paper.scene.pixels(seen_states), layout.wide, layout.high)
            return mosaic(images, layout.columns, gaps)

        key = (layout.wide, layout.high, layout.columns, gaps, first, len(seen_states))
        corner = layout.tile(first).topLeft()
        paper.kept_image(corner, layout.ratio, "tiles", states, key, tiles)
    seen = range(rows[0] * layout.columns, (rows[-1] + 1) * layout.columns) if rows else range(0)
    if layout.caption and card.classes:
        _paint_classes(paper, layout, seen)
    shown = range(seen.start, min(seen.stop, len(states)))
    if not paper.vector:  # frames lie around their tiles, also where these fill the area
        reach = style.px(FRAMED)
        painter.setClipRect(layout.area.adjusted(-reach, -reach, reach, reach))
    for looked_at in (card.pinned, hovered):
        if looked_at is not None and looked_at in shown and looked_at not in card.marks:
            paint_frame(painter, layout.tile(looked_at), style.palette.text, style, width=1.5)
    marks = {index: mark for index, mark in card.marks.items() if index in shown}
    for index, mark in marks.items():
        paint_frame(painter, layout.tile(index), colour_of(mark, style), style)
    if focused is not None and focused in shown:
        out = style.stroke(2.5) if focused in marks else 0.0
        around = layout.tile(focused).adjusted(-out, -out, out, out)
        paint_frame(painter, around, style.palette.accent, style)
    for index, mark in marks.items():
        tile = layout.tile(index)
        centre, radius = badge_place(tile, layout.area, style), badge_radius(tile, style)
        paint_badge(painter, centre, mark, style, radius=radius, vector=paper.vector)
    painter.restore()


def _paint_classes(paper: Paper, layout: TilesLayout, seen: range) -> None:
    style, classes = paper.style, paper.scene.tiles.classes
    font = style.font(10, 500)
    for index in seen:
        if index >= min(len(classes), layout.count):
            break
        tile = layout.tile(index)
        said = elided(classes[index], font, tile.width() + layout.gap_x / layout.ratio)
        place = QPointF(
            tile.center().x() - text_width(said, font) / 2,
            tile.bottom() + layout.caption - style.px(3.5),
        )
        paper.write(place, said, font, style.palette.label)
