"""Film strips from A to B, a row for each sampler, with the gaps between neighbours below them.

All rows share the columns, so that images one above the other start from the same latents, and
one logarithmic scale of gaps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from engine.shared.polyline import neighbour_gaps
from engine.shared.values import Memo
from toydiff_gui.drawing import figures
from toydiff_gui.drawing.frames import paint_badge, paint_frame
from toydiff_gui.drawing.path_strips import (
    StripScales,
    band,
    measured_scales,
    paint_prior,
    path_gradient,
    sampled_states,
)
from toydiff_gui.drawing.raster import Argb, drawn, fitted, side_by_side
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import elided, text_width
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import ImageScene, States, StripLane

HEAD, NORMS, TRACK, ROW_PAD = 34.0, 32.0, 12.0, 5.0
"""Heights in design pixels: the line with A and B, the row of norms, gap bars, above an image."""
MOST_SIDE = 88.0
LABELS, LEAST_LABELS = 114.0, 84.0
LEAST_TALL_LABEL = 54.0
"""Height of a row, in design pixels, that has room for eta as well."""
PAD = 12.0
_kept = Memo(8)


@dataclass(frozen=True)
class StripsLayout:
    """Where everything lies in the card ``rect``, in the painter's units.

    ``side`` is the room of an image in its cell, (width, height) in whole device pixels.
    """

    rect: QRectF
    head: QRectF
    norms: QRectF
    """Of the row of norms; empty where there is none."""
    rows: tuple[QRectF, ...]
    left: float
    right: float
    count: int
    side: tuple[int, int]
    track: float
    """Height of the gap bars."""
    ratio: float

    @property
    def cell(self) -> float:
        """From one image to the next."""
        return (self.right - self.left) / max(self.count, 1)

    def x_of(self, index: float) -> float:
        """The middle of the image ``index``."""
        return self.left + (index + 0.5) * self.cell

    def image(self, row: int, index: int) -> QRectF:
        """Where the image ``index`` of ``row`` lies, on whole pixels."""
        wide, high = self.side[0] / self.ratio, self.side[1] / self.ratio
        spare = self.rows[row].height() - self.track - high
        x = self.left + index * self.cell + (self.cell - wide) / 2
        y = self.rows[row].top() + max(0.0, spare * 0.6)
        return QRectF(self._whole(x), self._whole(y), wide, high)

    def bars(self, row: int) -> QRectF:
        """Where the gap bars of ``row`` stand."""
        image = self.image(row, 0)
        top = image.bottom() + max(1.0, 0.15 * self.track)
        foot = min(self.rows[row].bottom() - 1.0, top + 1.5 * self.track)
        return QRectF(self.left, top, self.right - self.left, max(1.0, foot - top))

    def row_at(self, place: QPointF) -> int | None:
        """The strip at ``place``."""
        return next((row for row, rect in enumerate(self.rows) if rect.contains(place)), None)

    def index_at(self, x: float) -> int | None:
        """The position on the path at ``x``; None beside the images."""
        if not self.left <= x < self.right or not self.count:
            return None
        return min(int((x - self.left) / self.cell), self.count - 1)

    def lefts(self) -> NDArray[np.intp]:
        """Where the images begin, in whole device pixels from the first one."""
        x = self.left + np.arange(self.count) * self.cell
        x += (self.cell - self.side[0] / self.ratio) / 2
        whole = np.round(x * self.ratio).astype(np.intp)
        return np.asarray(whole - whole[0])

    def _whole(self, value: float) -> float:
        return round(value * self.ratio) / self.ratio


def strips_layout(
    rect: QRectF, scene: ImageScene, style: LaneStyle, *, ratio: float = 1.0
) -> StripsLayout:
    """The layout of the strips of ``scene`` in ``rect``; norms give way where it is low."""
    lanes = max(len(scene.strips), 1)
    _, high, wide = scene.shape
    count = path_count(scene)
    left = rect.left() + style.px(PAD) + labels_width(rect.width(), style)
    right = max(left + 1.0, rect.right() - style.px(PAD))
    head_height, norms_height = round(style.px(HEAD)), round(style.px(NORMS))
    body = rect.height() - head_height - style.px(4)
    has_norms = any(strip.latent_norms is not None for strip in scene.strips)
    if not has_norms or body - norms_height < lanes * style.px(36):
        norms_height = 0
    row_height = (body - norms_height) / lanes
    head = QRectF(rect.left(), rect.top(), rect.width(), head_height)
    rows = tuple(
        QRectF(rect.left(), head.bottom() + index * row_height, rect.width(), row_height)
        for index in range(lanes)
    )
    norms = QRectF(rect.left(), rows[-1].bottom(), rect.width(), norms_height)
    track = min(style.px(TRACK), 0.25 * row_height)
    cell = (right - left) / max(count, 1)
    gap = min(style.px(4), 0.1 * cell)
    room_x = min(cell - gap, style.px(MOST_SIDE) * max(1.0, row_height / style.px(100)))
    room_y = row_height - track - style.px(ROW_PAD)
    side = fitted(max(1.0, room_x * ratio), max(1.0, room_y * ratio), (wide, high))
    return StripsLayout(rect, head, norms, rows, left, right, count, side, track, ratio)


def labels_width(width: float, style: LaneStyle) -> float:
    """Of the column with the names of the strips; narrower in a narrow card."""
    return style.px(LABELS if width >= style.px(560) else LEAST_LABELS)


def wished_height(
    scene: ImageScene, width: float, style: LaneStyle, most_side: float = MOST_SIDE
) -> float:
    """The height at which the images fill their cells, up to ``most_side`` design pixels."""
    lanes = max(len(scene.strips), 1)
    _, high, wide = scene.shape
    cell = (width - style.px(2 * PAD) - labels_width(width, style)) / max(path_count(scene), 1)
    side = min(cell - min(style.px(4), 0.1 * cell), style.px(most_side))
    row = max(side * high / wide + style.px(TRACK + ROW_PAD), style.px(44))
    norms = any(strip.latent_norms is not None for strip in scene.strips)
    return style.px(HEAD + 4) + lanes * row + (style.px(NORMS) if norms else 0.0)


def path_count(scene: ImageScene) -> int:
    """How many images a strip has."""
    for strip in scene.strips:
        if strip.trajectory is not None and strip.trajectory.x:
            return len(strip.trajectory.x[0])
    for strip in scene.strips:
        if strip.latent_norms is not None:
            return len(strip.latent_norms)
    return 12


# Scales


def image_scales(scene: ImageScene) -> StripScales:
    """The scales of all strips: a property of the scene that does not change with t."""
    pairs = [(strip.trajectory, strip.latent_norms) for strip in scene.strips]
    sources = tuple(itertools.chain.from_iterable(pairs))
    return _kept.get(sources, scene.prior_norms, lambda: _measured(scene))


def _measured(scene: ImageScene) -> StripScales:
    states = [sampled_states(strip.trajectory) for strip in scene.strips]
    norms = [strip.latent_norms for strip in scene.strips if strip.latent_norms is not None]
    if norms and scene.prior_norms[1] > 0:
        norms.append(np.array(scene.prior_norms))
    return measured_scales(itertools.chain.from_iterable(states), norms)


# Painting


def paint_strips_head(paper: Paper, layout: StripsLayout, *, right_inset: float = 0.0) -> None:
    """The line from A to B above the columns, with the card's title and the path's name.

    ``right_inset`` keeps room at the right, for buttons.
    """
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    head = layout.head
    painter.fillRect(head, QColor(palette.panel))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    bold = style.font(13, 600)
    middle = head.center().y()
    room = layout.left - head.left() - style.px(PAD + 4)
    title = "Interpolation" if text_width("Interpolation", bold) <= room else "Path"
    base = QPointF(head.left() + style.px(PAD), middle + style.px(4.6))
    paper.write(base, title, bold, palette.text)
    first, last = layout.x_of(0), layout.x_of(max(layout.count - 1, 0))
    if last - first < style.px(40):
        return
    last = min(last, head.right() - right_inset - style.px(18)) if right_inset else last
    reach = style.px(14)
    line = QRectF(
        first + reach, middle - style.stroke(1.5), last - first - 2 * reach, style.stroke(3)
    )
    painter.fillRect(line, path_gradient(line.left(), line.right(), style))
    if paper.scene.path_label:
        plain = style.font(11, 500)
        said = elided(paper.scene.path_label, plain, line.width() - style.px(40))
        width = text_width(said, plain)
        plate = QRectF(
            line.center().x() - width / 2 - style.px(8),
            head.top() + style.px(4),
            width + style.px(16),
            head.height() - style.px(8),
        )
        painter.fillRect(plate, QColor(palette.panel))
        paper.write_centred(plate.center(), said, plain, palette.text_secondary)
    paint_badge(painter, QPointF(first, middle), "A", style, vector=paper.vector)
    paint_badge(painter, QPointF(last, middle), "B", style, vector=paper.vector)


def paint_strip_row(
    paper: Paper,
    layout: StripsLayout,
    row: int,
    scales: StripScales,
    *,
    selected: bool = False,
    marked: int | None = None,
    pinned: int | None = None,
) -> None:
    """Paint one strip: its names, images, gap bars, and the frames of what is looked at."""
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    strip, rect = paper.scene.strips[row], layout.rows[row]
    painter.fillRect(rect, QColor(palette.selected if selected else palette.canvas))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    if selected:
        painter.fillRect(
            QRectF(rect.left(), rect.top(), style.px(3), rect.height()), QColor(palette.accent)
        )
    painter.setPen(QPen(QColor(palette.divider), style.scale))
    painter.drawLine(QLineF(rect.left(), rect.top(), rect.right(), rect.top()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    states = strip.states_at(paper.t)
    gaps = None if states is None else neighbour_gaps(states)
    _paint_labels(paper, layout, rect, strip, gaps, selected)
    if states is None or not len(states) or strip.status == "failed":
        place = QRectF(layout.left, rect.top(), layout.right - layout.left, rect.height())
        failed = strip.status == "failed"
        paper.message(place, strip.message, failed=failed)
        if failed or states is None or not len(states):
            return
    _paint_images(paper, layout, row, states)
    if gaps is not None:
        _paint_bars(paper, layout.bars(row), layout, gaps, scales)
    if marked is not None and marked < len(states):
        paint_frame(painter, layout.image(row, marked), palette.text, style, width=1.5)
    if pinned is not None and pinned < len(states):
        paint_frame(painter, layout.image(row, pinned), palette.accent, style)


def _paint_labels(
    paper: Paper,
    layout: StripsLayout,
    rect: QRectF,
    strip: StripLane,
    gaps: NDArray[np.float64] | None,
    selected: bool,
) -> None:
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    left, right = rect.left() + style.px(PAD), layout.left - style.px(6)
    tall = rect.height() >= style.px(LEAST_TALL_LABEL)
    lines = 3 if tall and strip.detail else 2
    step = style.px(17)
    middle = rect.top() + (rect.height() - (lines - 1) * step) / 2
    badge = QRectF(left, middle - style.px(8), style.px(16), style.px(16))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.accent if selected else palette.selected))
    painter.drawRoundedRect(badge, style.px(4), style.px(4))
    ink = palette.on_accent if selected else palette.text_secondary
    number = str(strip.number)
    paper.write_centred(badge.center(), number, style.font(10, 700), ink)
    bold, plain, strong = style.font(12, 600), style.font(11, 500), style.font(11, 600)
    x = badge.right() + style.px(7)
    title = elided(_short(strip.title, bold, right - x), bold, right - x)
    paper.write(QPointF(x, middle + style.px(4.4)), title, bold, palette.text)
    base = middle + step + style.px(4)
    if lines == 3:
        detail = elided(strip.detail, plain, right - left)
        paper.write(QPointF(left, base), detail, plain, palette.label)
        base += step
    finite = gaps[np.isfinite(gaps)] if gaps is not None else np.empty(0)
    value = image_gap(float(finite.max())) if len(finite) else figures.NONE
    x = left + paper.write(QPointF(left, base), "gap", plain, palette.label) + style.px(5)
    x += paper.write(QPointF(x, base), value, strong, palette.text_secondary) + style.px(8)
    if lines == 2 and strip.detail and x + text_width(strip.detail, plain) <= right:
        paper.write(QPointF(x, base), strip.detail, plain, palette.label)


def _short(title: str, font: QFont, room: float) -> str:
    """'DDPM, shared noise' as 'Shared noise' where it does not fit: the sampler is known."""
    if text_width(title, font) <= room or ", " not in title:
        return title
    rest = title.split(", ", 1)[1]
    return rest[:1].upper() + rest[1:]


def image_gap(value: float) -> str:
    """A distance between neighbouring images: 14.3, 1.5, 0.03."""
    return f"{value:.1f}" if value >= 1 else figures.gap(value)


def _paint_images(paper: Paper, layout: StripsLayout, row: int, states: States) -> None:
    wide, high = layout.side
    count = min(len(states), layout.count)
    # Cells are not all of one width in whole pixels: each image goes where its cell is.
    lefts = layout.lefts()[:count]

    def images() -> Argb:
        return side_by_side(drawn(paper.scene.pixels(states[:count]), wide, high), lefts)

    key = (wide, high, tuple(lefts.tolist()))
    corner = layout.image(row, 0).topLeft()
    paper.kept_image(corner, layout.ratio, f"strip {row}", states, key, images)


def bar_rects(
    track: QRectF,
    layout: StripsLayout,
    gaps: NDArray[np.float64],
    scales: StripScales,
    style: LaneStyle,
) -> list[QRectF]:
    """The bars of ``gaps`` (N - 1,), standing on the ground of ``track`` between their images."""
    ground = min(style.px(1.5), track.height())
    heights = ground + scales.gap_share(gaps) * (track.height() - ground)
    width = min(0.5 * layout.cell, style.px(40))
    return [
        QRectF(
            layout.left + (index + 1) * layout.cell - width / 2,
            track.bottom() - height,
            width,
            height,
        )
        for index, height in enumerate(heights)
    ]


def _paint_bars(
    paper: Paper,
    track: QRectF,
    layout: StripsLayout,
    gaps: NDArray[np.float64],
    scales: StripScales,
) -> None:
    painter, style = paper.painter, paper.style
    colours = style.path_colours(max(len(gaps), 2))
    for index, bar in enumerate(bar_rects(track, layout, gaps, scales, style)):
        painter.fillRect(bar, QColor(colours[index * (len(colours) - 1) // max(len(gaps) - 1, 1)]))


def paint_norms_row(
    paper: Paper, layout: StripsLayout, scales: StripScales, *, marked: int | None = None
) -> None:
    """The norms of the latents on the path, over the band in which those of the prior lie."""
    painter, style, scene = paper.painter, paper.style, paper.scene
    rect, palette = layout.norms, style.palette
    if rect.isEmpty():
        return
    painter.fillRect(rect, QColor(palette.panel))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(palette.divider), style.scale))
    painter.drawLine(QLineF(rect.left(), rect.top(), rect.right(), rect.top()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    known = {
        strip.key: strip.latent_norms for strip in scene.strips if strip.latent_norms is not None
    }
    norms = known.get(scene.selected, next(iter(known.values())))
    track = QRectF(
        layout.left,
        rect.top() + style.px(6),
        layout.right - layout.left,
        rect.height() - style.px(12),
    )

    if scene.prior_norms[1] > 0:
        low, median, high = scales.norm_heights(track, np.array(scene.prior_norms))
        paint_prior(painter, track, low, high, style, median=median)
    x = np.array([layout.x_of(index) for index in range(len(norms))])
    for other in known.values():
        if len(other) == len(norms) > 1 and not np.array_equal(other, norms):
            line = band(x, scales.norm_heights(track, other), style.stroke(1.0))
            painter.fillPath(line, QColor(palette.label))
    if len(x) > 1:
        line = band(x, scales.norm_heights(track, norms), style.stroke(2.0))
        painter.fillPath(line, path_gradient(float(x[0]), float(x[-1]), style))
    at = marked if marked is not None and marked < len(norms) else None
    if at is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.text))
        y = float(scales.norm_heights(track, norms[[at]])[0])
        painter.drawEllipse(QPointF(x[at], y), style.stroke(3.2), style.stroke(3.2))
    plain, bold = style.font(11, 500), style.font(11, 600)
    left, right = rect.left() + style.px(PAD), layout.left - style.px(6)
    value = f"{float(norms[at] if at is not None else norms.min()):.1f}"
    base = rect.center().y() + style.px(4)
    prior = f"prior {scene.prior_norms[1]:.0f}"
    x_text = left + paper.write(QPointF(left, base), "norm", plain, palette.label) + style.px(5)
    x_text += paper.write(QPointF(x_text, base), value, bold, palette.text_secondary) + style.px(8)
    if scene.prior_norms[1] > 0 and x_text + text_width(prior, plain) <= right + style.px(4):
        paper.write(QPointF(x_text, base), prior, plain, palette.label)
