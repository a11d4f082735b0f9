"""Densities at the time shown: of the noised data as nested bands, of the samples as lines.

The data at t are a mixture of Gaussians of variance 1 - alpha_bar about sqrt(alpha_bar) times each
data point (Ho et al. 2020, equation 4). The points are counted once on a fine grid; scaling and
blurring that grid is then two small matrix products for each frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.shared.values import Memo
from toydiff_gui.drawing.scene_parts import Box, Points
from toydiff_gui.drawing.style import blend
from toydiff_gui.modes.points.drawing.contours import contour_segments
from toydiff_gui.modes.points.drawing.paper import Paper, tinted
from toydiff_gui.modes.points.scene import LaneScene

BINS = 128
UNTHREADED = 200_000
"""Multiplications up to which a product stays in one thread."""
CELL = 5.0
"""Side of a cell of the picture in design pixels, where the plot is not very large."""
MOST_CELLS = 112
MASSES = (0.95, 0.75, 0.5, 0.25)
"""Each band is the smallest region that holds this share of the density seen."""
LEAST_BLUR = 0.08
"""Standard deviation that is always added: a set of points has no density of its own."""
_kept = Memo()

Grid = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """How many points lie in the cells about ``x`` times ``y``; (len(y), len(x)), sum 1."""

    x: Grid
    y: Grid
    weights: Grid


def counted(points: Points, bins: int = BINS) -> Counts:
    """Count ``points`` (N, 2); those that are not finite are left out."""
    finite = points[np.isfinite(points).all(axis=1)].astype(np.float64)
    if len(finite) == 0:
        return Counts(np.zeros(1), np.zeros(1), np.zeros((1, 1)))
    low, high = finite.min(axis=0) - 1e-6, finite.max(axis=0) + 1e-6
    weights, x_edges, y_edges = np.histogram2d(
        finite[:, 0], finite[:, 1], bins=bins, range=[(low[0], high[0]), (low[1], high[1])]
    )
    middles = [(edges[1:] + edges[:-1]) / 2 for edges in (x_edges, y_edges)]
    return Counts(middles[0], middles[1], weights.T / len(finite))


def blurred(counts: Counts, x: Grid, y: Grid, scale: float, deviation: float) -> Grid:
    """The mixture of Gaussians about ``scale`` times the counted points, at y by x."""

    def bells(at: Grid, about: Grid) -> Grid:
        z = (at[:, None] - scale * about[None, :]) / deviation
        return np.asarray(np.exp(-0.5 * z * z) / (np.sqrt(2 * np.pi) * deviation))

    return product(product(bells(y, counts.y), counts.weights), bells(x, counts.x).T)


def product(first: Grid, second: Grid) -> Grid:
    """The matrix product, a few rows at a time.

    NumPy's OpenBLAS hands larger products to threads that wait by spinning: where a training
    needs the processors, that takes ten times as long and slows the training.
    """
    rows = max(1, UNTHREADED // max(first.shape[1] * second.shape[1], 1))
    parts = [first[k : k + rows] @ second for k in range(0, len(first), rows)]
    return np.concatenate(parts)


def data_density(cloud: Points, alpha_bar: float, x: Grid, y: Grid) -> Grid:
    """The density of the data noised to ``alpha_bar``, at the rows ``y`` and columns ``x``."""
    counts = _kept.get(cloud, "counts", lambda: counted(cloud))
    deviation = float(np.sqrt(max(1.0 - alpha_bar, 0.0) + LEAST_BLUR**2))
    return blurred(counts, x, y, float(np.sqrt(max(alpha_bar, 0.0))), deviation)


def sample_density(points: Points, x: Grid, y: Grid) -> Grid:
    """The density of samples, blurred by Scott's rule."""
    counts = counted(points, 96)
    finite = points[np.isfinite(points).all(axis=1)]
    spread = float(np.sqrt(finite.var(axis=0).mean())) if len(finite) else 1.0
    deviation = max(0.6 * spread * max(len(finite), 1) ** (-1 / 6), LEAST_BLUR)
    return blurred(counts, x, y, 1.0, deviation)


def mass_levels(density: Grid, masses: tuple[float, ...] = MASSES) -> list[float]:
    """The values above which the given shares of ``density`` lie, rising."""
    ordered = np.sort(density.ravel())[::-1]
    total = ordered.cumsum()
    if total[-1] <= 0:
        return []
    places = np.searchsorted(total, np.array(masses) * total[-1])
    return [float(ordered[min(place, len(ordered) - 1)]) for place in places]


def paint_density(paper: Paper, lane: LaneScene, t: float) -> None:
    """Bands for the data, thin lines in the accent colour for the samples."""
    x, y, box = _grid(paper)
    table, cloud = lane.alphas_cumprod, lane.cloud
    if cloud is not None and table is not None:
        alpha_bar = float(table[min(max(round(t), 0), len(table) - 1)])
        # Lanes of one size show the same bands: the first one works them out.
        key = ("bands", alpha_bar, len(x), len(y), box)
        alpha, lines = _kept.get(cloud, key, lambda: _bands(cloud, alpha_bar, x, y))
        label = paper.style.palette.label
        paper.image(box, tinted(label, alpha * (0.06 if paper.style.dark else 0.05)))
        _outline(paper, lines, len(x), len(y), label, 0.6)
    points = lane.points_at(t)
    if points is not None and len(points) > 1:
        density = sample_density(points, x, y)
        lines = _lines(density, mass_levels(density, (0.95, 0.5)))
        _outline(paper, lines, len(x), len(y), paper.style.palette.accent, 0.9)


def _bands(cloud: Points, alpha_bar: float, x: Grid, y: Grid) -> tuple[Grid, Grid]:
    """How many bands lie over each cell, and the lines around them."""
    density = data_density(cloud, alpha_bar, x, y)
    levels = mass_levels(density)
    ordered = np.sort(np.asarray(levels, np.float64))
    return np.searchsorted(ordered, density).astype(np.float64), _lines(density, levels)


def _lines(density: Grid, levels: list[float]) -> Grid:
    return np.concatenate([np.empty((0, 4)), *(contour_segments(density, at) for at in levels)])


def _grid(paper: Paper) -> tuple[Grid, Grid, Box]:
    """Columns and rows (from the top) of cells that fill the plot, and what they cover."""
    view = paper.transform.view
    side = paper.style.px(CELL)
    wide = min(max(int(paper.rect.width() / side), 24), MOST_CELLS)
    high = min(max(int(paper.rect.height() / side), 24), MOST_CELLS)
    x = np.linspace(view.x0, view.x1, wide)
    y = np.linspace(view.y1, view.y0, high)
    half_x, half_y = (x[1] - x[0]) / 2, (y[0] - y[1]) / 2
    box = (view.x0 - half_x, view.x1 + half_x, view.y0 - half_y, view.y1 + half_y)
    return x, y, tuple(map(float, box))  # type: ignore[return-value]


def _outline(
    paper: Paper, lines: Grid, columns: int, rows: int, colour: str, opacity: float
) -> None:
    across = paper.rect.width() / (columns - 1)
    along = paper.rect.height() / (rows - 1)
    segments = lines * np.array([across, along, across, along])
    # Mixed, not translucent: where the pieces of a line meet they would look like beads.
    mixed = blend(paper.style.palette.canvas, colour, opacity).name()
    paper.paper_lines(segments, colours=(mixed,), width=1.0, opacity=1.0)
