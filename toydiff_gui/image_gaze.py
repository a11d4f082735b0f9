"""Which image of mode Images is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from engine.trajectory import Trajectory
from toydiff_gui.image_ends import SAMPLES_KEY, shown_tiles
from toydiff_gui.state import AppState, LaneSpec


@dataclass(frozen=True)
class Gaze:
    """Image ``index`` of ``trajectory``: a tile, or one of the strip ``lane``."""

    trajectory: Trajectory
    index: int
    lane: LaneSpec | None = None

    @property
    def key(self) -> str:
        """Key of the run that it belongs to."""
        return SAMPLES_KEY if self.lane is None else self.lane.key

    @property
    def count(self) -> int:
        """Images beside each other in the trajectory."""
        return len(self.trajectory.x[0])


def pointed_at(state: AppState) -> Gaze | None:
    """What is under the pointer, else what was pinned last; None while there is nothing."""
    view = state.image_view
    if view.hovered_tile is not None:
        return _tile(state, view.hovered_tile)
    lane = state.lane(view.hovered_strip)
    if lane is not None and lane.shown and state.marked is not None:
        gaze = _strip(state, lane, state.marked)
        if gaze is not None:
            return gaze
    return pinned(state)


def pinned(state: AppState) -> Gaze | None:
    """The tile or the image of a strip that was clicked last: its attention is looked at."""
    lane = state.lane(state.image_view.attention_of)
    if lane is not None and lane.shown:
        gaze = _strip(state, lane, state.pinned or 0)
        if gaze is not None:
            return gaze
    return _tile(state, state.image_view.pinned_tile)


def _tile(state: AppState, index: int) -> Gaze | None:
    trajectory = shown_tiles(state)
    if trajectory is None or not trajectory.x:
        return None
    return Gaze(trajectory, min(max(index, 0), len(trajectory.x[0]) - 1))


def _strip(state: AppState, lane: LaneSpec, index: int) -> Gaze | None:
    trajectory = state.run(lane.key).trajectory
    if trajectory is None or not trajectory.x:
        return None
    return Gaze(trajectory, min(max(index, 0), len(trajectory.x[0]) - 1), lane)
