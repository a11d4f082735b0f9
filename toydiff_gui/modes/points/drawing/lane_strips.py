"""The strips under a plot: the gaps between neighbours along a path, and the latents' norms.

All lanes share the scales, so that their strips can be compared at a glance; the scale of the gaps
is logarithmic, or a single tear would flatten everything else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from engine.shared.polyline import neighbour_gaps
from engine.shared.values import Memo
from toydiff_gui.drawing import figures
from toydiff_gui.drawing.path_strips import (
    Range,
    StripScales,
    band,
    measured_scales,
    paint_prior,
    path_gradient,
    sampled_states,
)
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, text_width
from toydiff_gui.modes.points.scene import LaneScene

ROW_ALONE, ROW = 28.0, 24.0
"""Heights in design pixels: of a single strip, of one of two."""
LEAST_PLOT = {"gap": 84.0, "norm": 120.0}
"""Heights of the plot, in design pixels, below which a strip gives way."""
PAD, CAPTION, NUMBER = 12.0, 44.0, 50.0
INSET = 1.5
"""Of the norms from the ends of their track, in design pixels."""
OPACITY = 0.9

_kept = Memo()


def strip_scales(lanes: Iterable[LaneScene]) -> StripScales:
    """The scales for ``lanes``: a property of the scene that does not change with t."""
    joined = [lane for lane in lanes if lane.joined]
    arrays = [(lane.trajectory, lane.latents, lane.latent_norms) for lane in joined]
    rest = tuple((lane.kind, lane.prior_norms) for lane in joined)
    sources = tuple(itertools.chain.from_iterable(arrays))
    return _kept.get(sources, ("scales", rest), lambda: _measured(joined))


def _measured(joined: list[LaneScene]) -> StripScales:
    norms = [lane.latent_norms for lane in joined if lane.latent_norms is not None]
    norms += [np.array(lane.prior_norms) for lane in joined if lane.prior_norms is not None]
    return measured_scales(itertools.chain.from_iterable(map(_some_states, joined)), norms)


def _some_states(lane: LaneScene) -> list[NDArray[np.float32]]:
    if lane.kind == "latent":
        return [] if lane.latents is None else [lane.latents]
    return sampled_states(lane.trajectory)


def strip_rows(lane: LaneScene, card_height: float, style: LaneStyle) -> tuple[str, ...]:
    """The strips of ``lane`` in a card of this height: the norm gives way first, then the gap."""
    if not lane.joined:
        return ()
    rows: tuple[str, ...] = ("gap",) if lane.latent_norms is None else ("gap", "norm")
    while rows:
        plot = card_height - style.header_height - strips_height(rows, style)
        if plot >= style.px(LEAST_PLOT[rows[-1]]):
            return rows
        rows = rows[:-1]
    return ()


def strips_height(rows: tuple[str, ...], style: LaneStyle) -> float:
    """The height of all strips together, in whole pixels."""
    if not rows:
        return 0.0
    return float(round(style.px(ROW_ALONE if len(rows) == 1 else ROW * len(rows))))


def around_plots(lanes: Iterable[LaneScene], style: LaneStyle) -> float:
    """What a card takes above and below its plot, for tiling: header and strips."""
    rows = max(
        (2 if lane.latent_norms is not None else 1 for lane in lanes if lane.joined), default=0
    )
    return style.header_height + strips_height(("gap", "norm")[:rows], style)


class StripLayout:
    """Where the strips of a lane with ``count`` points lie in ``rect``."""

    def __init__(self, rect: QRectF, rows: tuple[str, ...], count: int, style: LaneStyle) -> None:
        self.rect = rect
        self.rows = rows
        self.count = count
        high = rect.height() / max(len(rows), 1)
        left = round(rect.left() + style.px(CAPTION))
        right = max(left + 1.0, round(rect.right() - style.px(NUMBER)))
        pad = style.px(4)
        self.tracks = {
            row: QRectF(left, rect.top() + index * high + pad, right - left, high - 1.6 * pad)
            for index, row in enumerate(rows)
        }

    def track_span(self) -> Range:
        """Left and right of the tracks."""
        track = next(iter(self.tracks.values()))
        return track.left(), track.right()

    def x_of(self, index: int) -> float:
        """Where the point ``index`` lies."""
        left, right = self.track_span()
        return left + (right - left) * index / max(self.count - 1, 1)

    def index_at(self, x: float) -> int:
        """The point nearest to ``x``."""
        left, right = self.track_span()
        return min(max(round((x - left) / (right - left) * (self.count - 1)), 0), self.count - 1)


def path_count(lane: LaneScene, t: float) -> int:
    """How many points the path of ``lane`` has at ``t``."""
    points = lane.points_at(t)
    return 0 if points is None else len(points)


def paint_strips(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    t: float,
    rows: tuple[str, ...],
    scales: StripScales,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """Paint the strips ``rows`` of ``lane`` at ``t`` into ``rect``."""
    palette = style.palette
    painter.save()
    painter.fillRect(rect, QColor(palette.panel))
    painter.setPen(QPen(QColor(palette.divider), style.scale))
    top = rect.top() + style.scale / 2
    painter.drawLine(QLineF(rect.left(), top, rect.right(), top))
    points = lane.points_at(t)
    if points is not None and len(points) > 1 and rows:
        layout = StripLayout(rect, rows, len(points), style)
        gaps = neighbour_gaps(points)
        if "gap" in rows:
            _paint_gaps(painter, layout.tracks["gap"], gaps, scales, style)
        if "norm" in rows and lane.latent_norms is not None:
            _paint_norms(painter, layout.tracks["norm"], lane, scales, style)
        _paint_words(painter, layout, lane, gaps, style, vector)
        for index, strong in ((lane.pinned, False), (lane.marked, True)):
            if index is not None and 0 <= index < len(points):
                _paint_mark(painter, layout, lane, index, strong, scales, style)
    painter.restore()


def _paint_gaps(
    painter: QPainter,
    track: QRectF,
    gaps: NDArray[np.float64],
    scales: StripScales,
    style: LaneStyle,
) -> None:
    """Bars; several gaps that share a pixel are shown by the largest, so that no tear is lost."""
    columns = min(len(gaps), max(1, int(track.width() / style.scale)))
    starts = np.arange(columns) * len(gaps) // columns
    tallest = np.maximum.reduceat(np.where(np.isfinite(gaps), gaps, 0.0), starts)
    ground = style.px(2)
    heights = ground + scales.gap_share(tallest) * (track.height() - ground)
    edges = np.linspace(track.left(), track.right(), columns + 1)
    x = np.concatenate([[edges[0]], np.repeat(edges, 2)[1:-1], [edges[-1]]])
    y = np.concatenate([[track.bottom()], np.repeat(track.bottom() - heights, 2), [track.bottom()]])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillPath(
        arrayToQPath(x, y, connect="all", finiteCheck=False),
        path_gradient(track.left(), track.right(), style, OPACITY),
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _paint_norms(
    painter: QPainter,
    track: QRectF,
    lane: LaneScene,
    scales: StripScales,
    style: LaneStyle,
) -> None:
    norms = lane.latent_norms
    assert norms is not None
    inset = style.px(INSET)
    if lane.prior_norms is not None:
        low, median, high = scales.norm_heights(track, np.array(lane.prior_norms), inset)
        middle = round(median) + 0.5 * style.scale
        paint_prior(painter, track, low, high, style, median=middle, opacity=0.12)
    # Only marks move along it while a film plays: the line itself is worked out once.
    key = ("line", track.getRect(), scales, style)
    line = _kept.get(norms, key, lambda: _norm_line(track, norms, scales, style))
    painter.fillPath(line, path_gradient(track.left(), track.right(), style, OPACITY))


def _norm_line(
    track: QRectF, norms: NDArray[np.float64], scales: StripScales, style: LaneStyle
) -> QPainterPath:
    count = len(norms)
    chosen = np.unique(np.linspace(0, count - 1, min(count, int(track.width()) + 1)).round())
    picked = chosen.astype(np.intp)
    x = track.left() + track.width() * picked / max(count - 1, 1)
    y = scales.norm_heights(track, norms[picked], style.px(INSET))
    return band(x, y, style.stroke(1.8))


def _paint_words(
    painter: QPainter,
    layout: StripLayout,
    lane: LaneScene,
    gaps: NDArray[np.float64],
    style: LaneStyle,
    vector: bool,
) -> None:
    caption, bold = style.font(10, 500), style.font(10, 600)
    finite = gaps[np.isfinite(gaps)]
    numbers = {"gap": figures.gap(float(finite.max())) if len(finite) else figures.NONE}
    norms = lane.latent_norms
    if norms is not None and len(norms):
        marked = lane.marked is not None and 0 <= lane.marked < len(norms)
        value = float(norms[lane.marked] if marked else norms.min())
        numbers["norm"] = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    for row, track in layout.tracks.items():
        base = track.center().y() + style.px(3.6)
        left = layout.rect.left() + style.px(PAD)
        draw_text(painter, QPointF(left, base), row, caption, style.palette.label, vector=vector)
        text = numbers.get(row, "")
        place = QPointF(layout.rect.right() - style.px(PAD) - text_width(text, bold), base)
        draw_text(painter, place, text, bold, style.palette.text_secondary, vector=vector)


def _paint_mark(
    painter: QPainter,
    layout: StripLayout,
    lane: LaneScene,
    index: int,
    strong: bool,
    scales: StripScales,
    style: LaneStyle,
) -> None:
    """A line through all strips, with a dot on the norm; that of a pinned point is dashed."""
    colour = QColor(style.palette.text)
    pen = QPen(colour, style.stroke(1.2 if strong else 1.0))
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if not strong:
        pen.setDashPattern([2.0, 2.0])
    painter.setPen(pen)
    x = round(layout.x_of(index)) + 0.5
    painter.drawLine(QLineF(x, layout.rect.top() + style.scale, x, layout.rect.bottom()))
    if "norm" in layout.rows and lane.latent_norms is not None and index < len(lane.latent_norms):
        track = layout.tracks["norm"]
        norm = lane.latent_norms[[index]]
        y = float(scales.norm_heights(track, norm, style.px(INSET))[0])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(x, y), style.stroke(2.6), style.stroke(2.6))
