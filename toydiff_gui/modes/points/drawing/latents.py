"""The plane of latents: basin map, the paths of other lanes, endpoints, way-points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from toydiff_gui.drawing.plates import (
    around,
    best_place,
    covered_share,
    paint_plate,
    plate_size,
)
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.modes.points.drawing.background import paint_ring_labels, paint_rings
from toydiff_gui.modes.points.drawing.basin import (
    basin_edges,
    basin_of,
    inset_place,
    paint_basin,
    paint_edge_label,
    paint_inset,
)
from toydiff_gui.modes.points.drawing.marks import (
    HANDLE_RADIUS,
    WAY_POINT_RADIUS,
    coordinates_of,
    handle_position,
    paint_endpoints,
    paint_way_points,
)
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style import theme as themes

LABEL_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82)
MOST_HIDDEN = 0.08
"""Share of a path that the name of one that is not selected may cover."""
LEAST_FOR_LABELS = 150.0
"""Side of the plot in design pixels below which paths have no labels."""


def has_basin(lane: LaneScene) -> bool:
    """Whether the map is there and wanted."""
    return basin_of(lane) is not None


def paint_beneath_latents(paper: Paper, lane: LaneScene) -> None:
    """What lies beneath the path: the map with the circles of sigma, and the other paths."""
    if has_basin(lane):
        paint_basin(paper, lane)
        ink = themes.with_alpha(paper.style.palette.text, 0.22)
        paint_rings(paper.painter, paper.transform, paper.style, ink)
    colour = paper.style.palette.text if has_basin(lane) else paper.style.palette.label
    for path in lane.paths:
        paper.lines(path.latents[:-1], path.latents[1:], colours=(colour,), width=1.2, opacity=0.6)


def paint_above_latents(paper: Paper, lane: LaneScene) -> None:
    """Way-points, endpoints, the inset and the labels, which keep out of each other's way."""
    painter, style, transform = paper.painter, paper.style, paper.transform
    taken: list[QRectF] = []
    occupied = _occupied(paper, lane)
    if lane.endpoints is not None:
        radius = style.px(HANDLE_RADIUS + 4)
        for end in lane.endpoints:
            middle = handle_position(transform, end, style)
            taken.append(QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius))
    for place in lane.way_points:
        radius = style.px(WAY_POINT_RADIUS + 2)
        centre = handle_position(transform, place, style)
        taken.append(QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius))
    if has_basin(lane):
        corner = inset_place(paper, occupied, taken)
        if corner is not None:
            paint_inset(paper, lane, corner)
            taken.append(corner)
    crowded = bool(lane.paths) or has_basin(lane)
    if lane.endpoints is not None and not crowded:
        taken += [each.box for each in coordinates_of(transform, lane.endpoints, style, occupied)]
    if min(paper.rect.width(), paper.rect.height()) >= style.px(LEAST_FOR_LABELS):
        _paint_labels(paper, lane, occupied, taken)
        if has_basin(lane):
            label = paint_edge_label(paper, lane, taken)
            taken += [] if label is None else [label]
    paint_ring_labels(painter, transform, style, taken, occupied, vector=paper.vector)
    if lane.way_points:
        paint_way_points(painter, transform, lane.way_points, style, vector=paper.vector)
    if lane.endpoints is not None:
        paint_endpoints(
            painter,
            transform,
            lane.endpoints,
            style,
            coordinates=not crowded,
            path=occupied,
            vector=paper.vector,
        )


def _occupied(paper: Paper, lane: LaneScene) -> NDArray[np.float64]:
    """Where the paths run, on paper."""
    known: list[Points] = [path.latents for path in lane.paths]
    if lane.latents is not None and lane.joined:
        known.append(lane.latents)
    if has_basin(lane):
        known += [chain.astype(np.float32) for chain in basin_edges(lane)]
    thinned = [points[:: max(1, len(points) // 100)] for points in known if len(points)]
    if not thinned:
        return np.empty((0, 2))
    pixels = paper.transform.to_pixels(np.concatenate(thinned))
    return pixels[np.isfinite(pixels).all(axis=1)]


def _paint_labels(
    paper: Paper, lane: LaneScene, occupied: NDArray[np.float64], taken: list[QRectF]
) -> None:
    """A plate with its name beside each path; that of the selected one stands out."""
    named = [(lane.path_label, lane.latents, True)] if lane.path_label else []
    named += [(path.label, path.latents, False) for path in lane.paths]
    edge = paper.style.px(5)
    bounds = paper.rect.adjusted(edge, edge, -edge, -edge)
    for label, latents, strong in named:
        if latents is None or len(latents) == 0:
            continue
        size = plate_size([label], paper.style)
        centres: list[QPointF] = []
        for share in LABEL_PLACES:
            x, y = map(float, latents[round(share * (len(latents) - 1))])
            place = paper.transform.point(x, y)
            if np.isfinite(x) and np.isfinite(y) and paper.rect.contains(place):
                far = paper.style.px(6)
                centres += around(place, size, far, sides="nswe")
        if not centres:
            continue
        plate = best_place(size, centres, bounds, taken, points=occupied)
        if any(_covers(plate, other) for other in taken):
            continue  # no room for another word
        if not strong and _hides(paper, plate, lane):
            continue
        taken.append(plate)
        paint_plate(paper.painter, plate, [label], paper.style, strong=strong, vector=paper.vector)


def _covers(plate: QRectF, other: QRectF) -> bool:
    """Whether more than the rims of two plates meet."""
    common = plate.intersected(other)
    return min(common.width(), common.height()) > 3


def _hides(paper: Paper, plate: QRectF, lane: LaneScene) -> bool:
    """Whether a plate lies over a good part of a path."""
    drawn = [path.latents for path in lane.paths]
    if lane.latents is not None and lane.joined:
        drawn.append(lane.latents)
    place = paper.transform.to_pixels
    return any(covered_share(plate, place(latents)) > MOST_HIDDEN for latents in drawn)
