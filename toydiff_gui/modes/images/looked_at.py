"""Which image of mode Images is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY, shown_tiles
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER
from toydiff_gui.state.lanes import LANE_RUNS, LaneSpec, lane_of
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import MARKED, PINNED


@dataclass(frozen=True)
class LookedAtImage:
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


def pointed_at(state: Store) -> LookedAtImage | None:
    """What is under the pointer, else what was pinned last; None while there is nothing."""
    pointer = state.get(IMAGE_POINTER)
    if pointer.hovered_tile is not None:
        return _tile(state, pointer.hovered_tile)
    lane = lane_of(state, pointer.hovered_strip)
    marked = state.get(MARKED)
    if lane is not None and lane.shown and marked is not None:
        image = _strip(state, lane, marked)
        if image is not None:
            return image
    return pinned(state)


def pinned(state: Store) -> LookedAtImage | None:
    """The tile or the image of a strip that was clicked last: its attention is looked at."""
    lane = lane_of(state, state.get(IMAGE_CARD).attention_of)
    if lane is not None and lane.shown:
        image = _strip(state, lane, state.get(PINNED) or 0)
        if image is not None:
            return image
    return _tile(state, state.get(IMAGE_CARD).pinned_tile)


def _tile(state: Store, index: int) -> LookedAtImage | None:
    trajectory = shown_tiles(state)
    if trajectory is None or not trajectory.x:
        return None
    return LookedAtImage(trajectory, min(max(index, 0), len(trajectory.x[0]) - 1))


def _strip(state: Store, lane: LaneSpec, index: int) -> LookedAtImage | None:
    trajectory = state.at(LANE_RUNS, lane.key).trajectory
    if trajectory is None or not trajectory.x:
        return None
    return LookedAtImage(trajectory, min(max(index, 0), len(trajectory.x[0]) - 1), lane)
