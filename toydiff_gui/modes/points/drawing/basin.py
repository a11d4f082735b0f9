"""The basin map: the plane of latents, each place in the colour of where it ends up.

Neighbouring latents that land far apart make an edge, which is drawn as the tear it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen

from engine.shared.values import Memo
from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.plates import best_place, paint_plate, plate_size
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.text import draw_text, text_width
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.overlays.basin import BasinLayer
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style import theme as themes

CORNERS = {
    True: ("#136B5E", "#6E4474", "#14423F", "#412F48"),
    False: ("#A3D9CD", "#E3C3E0", "#CBE3DC", "#E2D9E6"),
}
"""For the dark theme and the light one: upper left, upper right, lower left, lower right. Teal to
purple, away from the amber and blue of A and B and from the colours between them."""
EDGE_RATIO, EDGE_LEAST = 8.0, 0.12
"""An edge is so many times the median jump between neighbours, and this share of the data."""
EDGE_WINDOW = 2
"""Pixels to either side within which an edge is the highest jump."""
SHORTEST_EDGE = 6
INSET = 62.0
INSET_POINTS = 600

_kept = Memo()


@dataclass(frozen=True)
class Extent:
    """The part of the plane where the data lie; the colours span it."""

    low: tuple[float, float]
    high: tuple[float, float]

    def share(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where ``points`` (..., 2) lie in it, in 0..1; beyond its edges as at them."""
        low, high = np.array(self.low), np.array(self.high)
        inside = (np.asarray(points, np.float64) - low) / np.maximum(high - low, 1e-9)
        return np.asarray(np.nan_to_num(inside, nan=0.5).clip(0.0, 1.0))

    @property
    def size(self) -> float:
        """The longer side."""
        return max(self.high[0] - self.low[0], self.high[1] - self.low[1])


def extent_of(points: Points) -> Extent:
    """Where all but the farthest of ``points`` (N, 2) lie."""
    finite = points[np.isfinite(points).all(axis=1)]
    if len(finite) == 0:
        return Extent((-1.0, -1.0), (1.0, 1.0))
    low, high = np.quantile(finite, 0.01, axis=0), np.quantile(finite, 0.99, axis=0)
    return Extent((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))


def landing_colours(
    landings: NDArray[np.floating], extent: Extent, *, dark: bool
) -> NDArray[np.uint8]:
    """Opaque colours (..., 4) of ``landings`` (..., 2), mixed evenly between four corners."""
    at = extent.share(landings)
    x, y = at[..., 0], at[..., 1]
    shares = np.stack([(1 - x) * y, x * y, (1 - x) * (1 - y), x * (1 - y)], axis=-1)
    rgb = themes.mixed(CORNERS[dark], shares)
    return np.concatenate([rgb, np.full((*rgb.shape[:-1], 1), 255, np.uint8)], axis=-1)


def find_edges(layer: BasinLayer, extent: Extent) -> list[NDArray[np.float64]]:
    """Lines (N, 2) in the plane along which neighbouring latents land far apart.

    A jump between two pixels counts where it stands out and is the highest across the edge; jumps
    that touch are chained from end to end.
    """
    landings = np.asarray(layer.landings, np.float64)
    high, wide = landings.shape[:2]
    across = np.linalg.norm(np.diff(landings, axis=1), axis=2)
    along = np.linalg.norm(np.diff(landings, axis=0), axis=2)
    jumps = np.concatenate([across.ravel(), along.ravel()])
    least = max(EDGE_RATIO * float(np.nanmedian(jumps)), EDGE_LEAST * extent.size)
    row_peaks = (across >= least) & (across >= _highest_near(across, 1))
    column_peaks = (along >= least) & (along >= _highest_near(along, 0))
    places = np.concatenate(
        [
            np.argwhere(row_peaks)[:, ::-1] + (1.0, 0.5),
            np.argwhere(column_peaks)[:, ::-1] + (0.5, 1.0),
        ]
    )
    x0, x1, y0, y1 = layer.box
    scale, corner = np.array([(x1 - x0) / wide, (y0 - y1) / high]), np.array([x0, y1])
    return [_smooth(chain) * scale + corner for chain in _chains(places)]


def _highest_near(jumps: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The highest jump within the window along ``axis``."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (EDGE_WINDOW, EDGE_WINDOW)
    padded = np.pad(np.nan_to_num(jumps), pad)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * EDGE_WINDOW + 1, axis=axis)
    return np.asarray(windows.max(axis=-1))


def _chains(places: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Neighbouring places as lines, each begun at one of its ends if it has any."""
    left = {tuple(place) for place in places.tolist()}

    def near(x: float, y: float) -> tuple[float, float] | None:
        found = [
            (abs(a) + abs(b), (x + a, y + b))
            for a in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
            for b in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
            if (x + a, y + b) in left
        ]
        return min(found)[1] if found else None

    chains = []
    while left:
        start = left.pop()
        halves: list[list[tuple[float, float]]] = []
        for _ in range(2):
            line, here = [], near(*start)
            while here is not None:
                left.remove(here)
                line.append(here)
                here = near(*here)
            halves.append(line)
        chain = [*reversed(halves[0]), start, *halves[1]]
        if len(chain) >= SHORTEST_EDGE:
            chains.append(np.array(chain))
    return chains


def _smooth(chain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the steps of the pixels."""
    padded = np.pad(chain, ((2, 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0).mean(axis=-1))


def paint_basin(paper: Paper, lane: LaneScene) -> None:
    """The map and its edges; the inset comes later, above the paths (``paint_inset``)."""
    layer = basin_of(lane)
    if layer is None:
        return
    extent, dark = basin_extent(lane, layer), paper.style.dark
    colours = _kept.get(
        layer, ("colours", dark, extent), lambda: landing_colours(layer.landings, extent, dark=dark)
    )
    painter = paper.painter
    paper.image(layer.box, colours)
    for chain in basin_edges(lane):
        pixels = paper.transform.to_pixels(chain)
        path = QPainterPath(QPointF(*pixels[0]))
        for x, y in pixels[1:]:
            path.lineTo(float(x), float(y))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(QColor(paper.style.palette.text), paper.style.stroke(1.2))
        pen.setDashPattern([4.0, 3.0])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawPath(path)


def basin_of(lane: LaneScene) -> BasinLayer | None:
    """The map, if it is there and wanted."""
    layer: BasinLayer | None = lane.layer("basin") if "basin" in lane.overlays else None
    return layer


def basin_extent(lane: LaneScene, layer: BasinLayer) -> Extent:
    """What the colours of the map span: the data where they are known, else the landings."""
    known = lane.data if lane.data is not None else lane.cloud
    if known is None:
        known = layer.landings.reshape(-1, 2)
    points = known
    return _kept.get(points, "extent", lambda: extent_of(points))


def basin_edges(lane: LaneScene) -> list[NDArray[np.float64]]:
    """The edges of the map of ``lane``, worked out once."""
    layer = basin_of(lane)
    if layer is None:
        return []
    extent = basin_extent(lane, layer)
    return _kept.get(layer, ("edges", extent), lambda: find_edges(layer, extent))


def paint_edge_label(paper: Paper, lane: LaneScene, avoid: list[QRectF]) -> QRectF | None:
    """The word 'tear' beside the longest edge; returns where it went."""
    chains = basin_edges(lane)
    if not chains:
        return None
    pixels = paper.transform.to_pixels(max(chains, key=len))
    inside = pixels[[paper.rect.contains(QPointF(*place)) for place in pixels]]
    if len(inside) < SHORTEST_EDGE:
        return None
    style = paper.style
    lines = ["tear"]
    size = plate_size(lines, style)
    aside = size.width() / 2 + style.px(8)
    spots = inside[np.linspace(0, len(inside) - 1, 9).round().astype(int)]
    centres = [QPointF(x + side * aside, y) for x, y in spots for side in (1.0, -1.0)]
    edge = style.px(6)
    bounds = paper.rect.adjusted(edge, edge, -edge, -edge)
    plate = best_place(size, centres, bounds, avoid)
    paint_plate(paper.painter, plate, lines, style, vector=paper.vector)
    return plate


def inset_place(paper: Paper, occupied: NDArray[np.float64], avoid: list[QRectF]) -> QRectF | None:
    """The corner for the inset with least of the paths in it; None where the plot is small."""
    style, rect = paper.style, paper.rect
    side = style.px(INSET)
    if rect.width() < 3 * side or rect.height() < 2.4 * side:
        return None
    pad = style.px(8)
    bounds = rect.adjusted(pad, pad, -pad, -pad)
    size = QSizeF(side, side)
    centres = [
        QPointF(x, y)
        for y in (bounds.top() + side / 2, bounds.bottom() - side / 2)
        for x in (bounds.right() - side / 2, bounds.left() + side / 2)
    ]
    return best_place(size, centres, bounds, avoid, points=occupied)


def paint_inset(paper: Paper, lane: LaneScene, place: QRectF) -> None:
    """'lands on': the data in the colours of the map."""
    layer, known = basin_of(lane), lane.data if lane.data is not None else lane.cloud
    if layer is None or known is None or len(known) == 0:
        return
    style, painter = paper.style, paper.painter
    painter.setPen(QPen(QColor(style.palette.control_border), style.scale))
    painter.setBrush(themes.with_alpha(style.palette.panel, 0.92))
    painter.drawRoundedRect(place, style.px(5), style.px(5))
    font = style.font(10, 500)
    words = "lands on"
    base = QPointF(place.center().x() - text_width(words, font) / 2, place.bottom() - style.px(5))
    draw_text(painter, base, words, font, style.palette.text_secondary, vector=paper.vector)
    pad = style.px(6)
    plot = place.adjusted(pad, pad, -pad, -style.px(18))
    extent = basin_extent(lane, layer)
    points = known[:: max(1, len(known) // INSET_POINTS)]
    colours, steps = _binned(landing_colours(points, extent, dark=style.dark), dark=style.dark)
    (x0, y0), (x1, y1) = extent.low, extent.high
    view = ViewRange(x0, x1, y0, y1)
    paint_points(
        painter,
        plot,
        view,
        points,
        diameter=style.stroke(2.0),
        opacity=1.0,
        colours=colours,
        steps=steps,
        vector=paper.vector,
    )


def _binned(rgba: NDArray[np.uint8], *, dark: bool) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Fewer colours, and which of them each point has; lifted off the ground so as to be seen."""
    coarse = (rgba[:, :3].astype(int) // 24) * 24 + 12
    lifted = (coarse + (56 if dark else -72)).clip(0, 255)
    unique, steps = np.unique(lifted, axis=0, return_inverse=True)
    names = tuple(f"#{red:02X}{green:02X}{blue:02X}" for red, green, blue in unique.tolist())
    return names, np.asarray(steps.ravel(), np.intp)
