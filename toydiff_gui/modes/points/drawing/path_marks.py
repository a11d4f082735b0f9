"""What marks single points of a path: the one looked at, and the pinned one with its trajectory.

These lie over everything else and are all that changes while the pointer moves along a strip.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from engine.shared.polyline import neighbour_gaps
from toydiff_gui.drawing import figures
from toydiff_gui.drawing.cloud import paint_segments
from toydiff_gui.drawing.device import device_rect, pixel_ratio
from toydiff_gui.drawing.plates import best_place, paint_plate, plate_size
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.style import LaneStyle, path_steps
from toydiff_gui.drawing.view import PlotTransform, ViewRange
from toydiff_gui.modes.points.drawing.tears import ring
from toydiff_gui.modes.points.scene import LaneScene

RING = 5.4
PAST, FUTURE = 0.95, 0.35


def paint_path_marks(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    t: float,
    view: ViewRange,
    style: LaneStyle,
    *,
    card: bool = False,
    vector: bool = False,
) -> None:
    """The pinned trajectory and the rings; with ``card`` the figures of the point looked at."""
    points = lane.points_at(t)
    if points is None or not lane.joined or (lane.marked is None and lane.pinned is None):
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(rect)
    transform = PlotTransform(rect, view)
    if lane.pinned is not None and 0 <= lane.pinned < len(points):
        _paint_trajectory(painter, transform, lane, lane.pinned, t, style, vector)
        _ring_at(painter, transform, points, lane.pinned, style)
    if lane.marked is not None and 0 <= lane.marked < len(points):
        _paint_marked(painter, transform, lane, points, lane.marked, style)
        if card:
            _paint_card(painter, transform, lane, points, lane.marked, style, vector)
    painter.restore()


def _paint_marked(
    painter: QPainter,
    transform: PlotTransform,
    lane: LaneScene,
    points: Points,
    index: int,
    style: LaneStyle,
) -> None:
    """A ring, and one about the next neighbour where that is apart on the screen."""
    for path in lane.paths:
        if index < len(path.latents):
            _ring_at(painter, transform, path.latents, index, style, small=True)
    if index + 1 < len(points):
        pair = transform.to_pixels(points[index : index + 2])
        if np.hypot(*(pair[1] - pair[0])) > 2 * style.stroke(RING):
            _ring_at(painter, transform, points, index + 1, style)
    _ring_at(painter, transform, points, index, style)


def _ring_at(
    painter: QPainter,
    transform: PlotTransform,
    points: Points,
    index: int,
    style: LaneStyle,
    *,
    small: bool = False,
) -> None:
    x, y = map(float, points[index])
    if np.isfinite(x) and np.isfinite(y) and transform.rect.contains(transform.point(x, y)):
        ring(painter, transform.point(x, y), style, radius=3.4 if small else RING)


def _paint_trajectory(
    painter: QPainter,
    transform: PlotTransform,
    lane: LaneScene,
    index: int,
    t: float,
    style: LaneStyle,
    vector: bool,
) -> None:
    """The way of one point from noise to data: what lies behind it solid, what is to come faint."""
    if lane.trajectory is None or lane.kind == "latent" or len(lane.trajectory.x) < 2:
        return
    now = lane.trajectory.index_at(t) or 0
    way = np.stack([state[index] for state in lane.trajectory.x])
    rect = transform.rect
    area, ratio = (rect, 1.0) if vector else (device_rect(painter, rect), pixel_ratio(painter))
    pixels = PlotTransform(area, transform.view).to_pixels(way)
    segments = np.concatenate([pixels[:-1], pixels[1:]], axis=1)
    count = len(lane.trajectory.x[0])
    colour = style.path_colours(count)[path_steps(count)[index]]
    none = np.zeros(len(segments), np.intp)
    width = style.stroke(2.0) * ratio
    for part, opacity in ((slice(now, None), FUTURE), (slice(0, now), PAST)):
        paint_segments(
            painter, area, segments[part], none[part], (colour,), width, opacity, 0.0, vector
        )


def _paint_card(
    painter: QPainter,
    transform: PlotTransform,
    lane: LaneScene,
    points: Points,
    index: int,
    style: LaneStyle,
    vector: bool,
) -> None:
    """The gap and the norm at the point, where they cover least of the path."""
    lines = card_lines(lane, points, index)
    size = plate_size(lines, style)
    rect = transform.rect
    bounds = rect.adjusted(style.px(6), style.px(6), -style.px(6), -style.px(20))
    across = [bounds.left() + size.width() / 2 + style.px(16), bounds.center().x()]
    across.append(bounds.right() - size.width() / 2 - style.px(16))
    low = bounds.bottom() - size.height() / 2
    centres = [QPointF(x, low) for x in across]
    centres += [QPointF(x, bounds.top() + size.height() / 2) for x in across]
    own = transform.to_pixels(points[np.isfinite(points).all(axis=1)])
    plate = best_place(size, centres, bounds, points=own)
    paint_plate(painter, plate, lines, style, vector=vector)


def card_lines(lane: LaneScene, points: Points, index: int) -> list[str]:
    """What there is to say about the point ``index``: 'gap 0.007', 'norm 0.28'."""
    gaps = neighbour_gaps(points)
    gap = float(gaps[min(index, len(gaps) - 1)]) if len(gaps) else float("nan")
    lines = [f"gap {figures.gap(gap) if np.isfinite(gap) else figures.NONE}"]
    norms = lane.latent_norms
    if norms is not None and index < len(norms):
        lines.append(f"norm {float(norms[index]):.2f}")
    return lines
