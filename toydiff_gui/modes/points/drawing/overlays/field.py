"""The vector field of the probability flow: arrows that point towards the data."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from toydiff_gui.drawing.style import blend
from toydiff_gui.modes.points.drawing.overlays.flow import flow
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.overlays.field import FieldLayer
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style.theme import Palette

ROOM = 13.0
"""Least distance between arrows, in design pixels."""
SHADES = 5
FAINTEST, STRONGEST = 0.28, 0.85


def paint_field(paper: Paper, lane: LaneScene, t: float) -> None:
    """Arrows at the points of the grid; longer and stronger where the flow is faster.

    Directions are exact. Lengths grow with the root of the speed, against the fastest twentieth.
    """
    layer: FieldLayer | None = lane.layer("field")
    table = lane.alphas_cumprod
    if layer is None or table is None or (time := layer.time_at(t)) is None:
        return
    spacing = _spacing(layer)
    stride = max(1, math.ceil(paper.style.px(ROOM) / (spacing * paper.transform.unit)))
    chosen = _every(layer, stride)
    points = layer.points[chosen]
    velocity = flow(points, layer.eps[time][chosen], time, table)
    velocity[:, 1] *= -1.0  # upwards in the plane is downwards on paper
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    kept = np.isfinite(speed) & (speed > 0)
    if not kept.any():
        return
    points, velocity, speed = points[kept], velocity[kept], speed[kept]
    strength = np.sqrt(np.minimum(speed / np.quantile(speed, 0.95), 1.0))
    length = stride * spacing * paper.transform.unit * (0.25 + 0.6 * strength)
    middle = paper.transform.to_pixels(points) - (paper.rect.left(), paper.rect.top())
    segments = arrows(middle, velocity / speed[:, None], length, paper.style.px(3.2))
    shade = np.minimum((strength * SHADES).astype(np.intp), SHADES - 1)
    order = np.argsort(shade, kind="stable")
    paper.paper_lines(
        segments[order].reshape(-1, 4),
        colours=_shades(paper.style.palette),
        steps=np.repeat(shade[order], segments.shape[1]),
        width=1.0,
        opacity=1.0,
    )


@lru_cache(maxsize=8)
def _shades(palette: Palette) -> tuple[str, ...]:
    """The accent from faint to strong, mixed with the ground: all arrows are then one call."""
    shares = np.linspace(FAINTEST, STRONGEST, SHADES)
    return tuple(blend(palette.canvas, palette.accent, float(at)).name() for at in shares)


def arrows(
    middle: NDArray[np.float64],
    direction: NDArray[np.float64],
    length: NDArray[np.float64],
    head: float,
) -> NDArray[np.float64]:
    """A shaft and two strokes of a head for each arrow, (N, 3, 4): x1, y1, x2, y2 on paper."""
    half = 0.5 * length[:, None] * direction
    tip, tail = middle + half, middle - half
    reach = np.minimum(head, 0.5 * length)[:, None]
    aside = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    left, right = (tip - reach * (0.8 * direction + side * 0.6 * aside) for side in (1.0, -1.0))
    return np.stack(
        [
            np.concatenate([tail, tip], axis=1),
            np.concatenate([tip, left], axis=1),
            np.concatenate([tip, right], axis=1),
        ],
        axis=1,
    )


def _spacing(layer: FieldLayer) -> float:
    x0, x1, _, _ = layer.box
    return (x1 - x0) / max(layer.columns - 1, 1)


def _every(layer: FieldLayer, stride: int) -> NDArray[np.intp]:
    """Every how many-th column and row of the grid, the middle ones kept."""
    rows = len(layer.points) // layer.columns
    numbers = np.arange(rows * layer.columns).reshape(rows, layer.columns)
    first_row, first_column = (rows // 2) % stride, (layer.columns // 2) % stride
    return numbers[first_row::stride, first_column::stride].ravel()
