"""The plot area of one lane: a function of the lane, t, the view and the style."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QMarginsF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.drawing.cloud import check_plane, paint_joins, paint_links, paint_points
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.style import LaneStyle, blend, path_steps
from toydiff_gui.drawing.text import draw_wrapped, wrap
from toydiff_gui.drawing.view import PlotTransform, ViewRange
from toydiff_gui.modes.points.drawing.background import BackgroundCache, paint_background
from toydiff_gui.modes.points.drawing.latents import paint_above_latents, paint_beneath_latents
from toydiff_gui.modes.points.drawing.marks import paint_path_end, paint_picked
from toydiff_gui.modes.points.drawing.overlays import paint_overlays
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.drawing.tears import paint_tear
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style import theme as themes

MAX_LINKED = 1000
"""States up to which each is tied to its predicted x0 by a line."""


def paint_lane(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    t: float,
    view: ViewRange,
    style: LaneStyle,
    *,
    vector: bool = False,
    cache: BackgroundCache | None = None,
) -> None:
    """Paint the plot area of ``lane`` at ``t`` into ``rect``.

    ``view`` is widened to the shape of ``rect``. With ``vector`` points are circles and words are
    outlines, so that the picture holds no pixels. ``cache`` keeps the background between frames.
    Raises ``ValueError`` unless the states are points of the plane.
    """
    points = lane.points_at(t)
    if points is not None:
        check_plane(points)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(rect)
    view = view.fitted(rect.width(), rect.height())
    if vector or cache is None:
        paint_background(painter, rect, lane, view, style, vector=vector)
    else:
        cache.paint(painter, rect, lane, view, style)
    paper = Paper(painter, rect, view, style, vector)
    if lane.kind == "latent":
        paint_beneath_latents(paper, lane)
    else:
        paint_overlays(paper, lane, t)
    if points is not None and len(points):
        predicted = lane.x0_at(t)
        if predicted is not None and predicted.shape == points.shape:
            _paint_predicted(painter, rect, view, lane, points, predicted, style, vector)
        _paint_states(painter, rect, view, lane, points, style, vector)
    transform = paper.transform
    if points is not None and lane.joined and lane.kind != "latent" and lane.status != "failed":
        paint_tear(painter, transform, lane, points, style, vector=vector)
    if lane.kind == "latent":
        paint_above_latents(paper, lane)
    elif lane.picked is not None:
        paint_picked(painter, transform, lane.picked, style, vector=vector)
    _paint_message(painter, rect, lane, points is not None, style, vector)
    painter.restore()


def _paint_states(
    painter: QPainter,
    rect: QRectF,
    view: ViewRange,
    lane: LaneScene,
    points: Points,
    style: LaneStyle,
    vector: bool,
) -> None:
    count = len(points)
    latent = lane.joined and lane.kind == "latent"
    side = min(rect.width(), rect.height())
    diameter = style.point_diameter(count, side, joined=lane.joined, latent=latent)
    opacity = style.point_opacity(count, joined=lane.joined)
    if not lane.joined:
        paint_points(
            painter,
            rect,
            view,
            points,
            diameter=diameter,
            opacity=opacity,
            colours=(style.samples,),
            vector=vector,
        )
        return
    colours, steps = style.path_colours(count), path_steps(count)
    paint_joins(
        painter,
        rect,
        view,
        points,
        width=style.stroke(1.0),
        opacity=style.join_opacity(count),
        colours=colours,
        steps=steps,
        shortest=0.4 * diameter,
        vector=vector,
    )
    paint_points(
        painter,
        rect,
        view,
        points,
        diameter=diameter,
        opacity=opacity,
        colours=colours,
        steps=steps,
        vector=vector,
    )
    if lane.kind != "latent":
        transform = PlotTransform(rect, view)
        known = np.flatnonzero(np.isfinite(points).all(axis=1))
        for end, index in ((1, -1), (0, 0)):
            if len(known):
                x, y = points[known[index]]
                place = transform.point(float(x), float(y))
                if rect.contains(place):
                    paint_path_end(painter, place, end, style)


def _paint_predicted(
    painter: QPainter,
    rect: QRectF,
    view: ViewRange,
    lane: LaneScene,
    points: Points,
    predicted: Points,
    style: LaneStyle,
    vector: bool,
) -> None:
    """Rings where the network expects the clean data, tied to the states they belong to."""
    count = len(points)
    colours = style.path_colours(count) if lane.joined else (style.samples,)
    steps = path_steps(count) if lane.joined else np.zeros(count, np.intp)
    if count <= MAX_LINKED:
        paint_links(
            painter,
            rect,
            view,
            points,
            predicted,
            width=style.stroke(1.0),
            opacity=0.22,
            colours=colours,
            steps=steps,
            vector=vector,
        )
    paint_points(
        painter,
        rect,
        view,
        predicted,
        diameter=style.point_diameter(count, min(rect.width(), rect.height()), joined=lane.joined),
        opacity=0.75 * style.point_opacity(count, joined=lane.joined),
        colours=colours,
        steps=steps,
        stroke=style.stroke(1.2),
        vector=vector,
    )


def _paint_message(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    has_points: bool,
    style: LaneStyle,
    vector: bool,
) -> None:
    """Why there is nothing to see, in the middle; a failure also where there are points."""
    failed = lane.status == "failed"
    if not lane.message or (has_points and not failed):
        return
    font = style.font(12, 500)
    room = rect.marginsRemoved(QMarginsF(*(style.px(24),) * 4))
    pad = style.px(10)
    said = lane.message[:1].upper() + lane.message[1:]
    _, bounds = wrap(said, font, room)
    plate = bounds.marginsAdded(QMarginsF(pad, pad * 0.7, pad, pad * 0.7))
    palette = style.palette
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(themes.with_alpha(blend(palette.canvas, palette.panel, 0.8).name(), 0.9))
    painter.drawRoundedRect(plate, style.px(6), style.px(6))
    colour = QColor(palette.error if failed else palette.text_secondary)
    draw_wrapped(painter, room, said, font, colour, vector=vector)
