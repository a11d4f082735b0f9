"""The ways of some points from noise to data: behind them solid, ahead of them faint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.shared.trajectory import Trajectory
from engine.shared.values import Memo
from toydiff_gui.drawing.style import path_steps
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.scene import LaneScene

MOST = 48
"""Points whose ways are drawn; more would be a tangle."""
PAST, FUTURE = 0.75, 0.2
FINE = 2.0
"""Pixels that a line spans at least."""
_kept = Memo()


def chosen_points(count: int) -> NDArray[np.intp]:
    """Which of ``count`` points: evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(np.intp))


def ways(trajectory: Trajectory) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The chosen points as far as they have arrived, (points, frames, 2), and how far each has
    come since the first frame, (points, frames)."""

    def stack() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        chosen = chosen_points(len(trajectory.x[0]))
        lines = np.stack([state[chosen] for state in trajectory.x], axis=1)
        steps = np.linalg.norm(np.diff(lines.astype(np.float64), axis=1), axis=2)
        start = np.zeros((len(lines), 1))
        return lines, np.concatenate([start, np.nan_to_num(steps).cumsum(axis=1)], axis=1)

    return _kept.get(trajectory, "ways", stack)


def paint_trajectories(paper: Paper, lane: LaneScene, t: float) -> None:
    """Paint them; along a path in its colours, else in a neutral one."""
    trajectory = lane.trajectory
    now = None if trajectory is None else trajectory.index_at(t)
    if trajectory is None or now is None or len(trajectory.x) < 2:
        return
    lines, travelled = ways(trajectory)
    count = len(trajectory.x[0])
    if lane.joined:
        colours = paper.style.path_colours(count)
        of_point = path_steps(count)[chosen_points(count)]
    else:
        colours = (paper.style.palette.text_secondary,)
        of_point = np.zeros(len(lines), np.intp)
    start, end = pieces(travelled * paper.transform.unit / (FINE * paper.style.scale), now)
    way, frame = end // lines.shape[1], end % lines.shape[1]
    flat = lines.reshape(-1, 2)
    ink = float(travelled[:, -1].sum()) * paper.transform.unit
    calm = min(1.0, max(0.3, 0.2 * paper.rect.width() * paper.rect.height() / max(ink, 1.0)))
    for chosen, opacity in ((frame > now, FUTURE), (frame <= now, PAST)):
        paper.lines(
            flat[start[chosen]],
            flat[end[chosen]],
            colours=colours,
            steps=of_point[way[chosen]],
            width=1.0,
            opacity=opacity * calm * (1.0 if lane.joined else 0.6),
        )


def pieces(travelled: NDArray[np.float64], now: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the lines along the ways begin and end, as places in the flattened (points, frames).

    Frames less than one unit of ``travelled`` from the last one drawn are passed over: along a
    smooth way most steps are smaller than a pixel. ``now`` always is a place.
    """
    cell = np.floor(travelled).astype(np.int64)
    kept = np.ones(cell.shape, bool)
    kept[:, 1:] = cell[:, 1:] != cell[:, :-1]
    kept[:, [now, -1]] = True
    places = np.flatnonzero(kept)
    same_way = places[1:] // cell.shape[1] == places[:-1] // cell.shape[1]
    return places[:-1][same_way], places[1:][same_way]
