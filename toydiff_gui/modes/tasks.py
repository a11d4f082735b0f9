"""A task of the exercise: what one click sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toydiff_gui.state.lanes import DEFAULT_LANES, LANES, LaneSpec
from toydiff_gui.state.slots import Slot
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK


@dataclass(frozen=True)
class Task:
    """Settings of the samples, and the lanes to show.

    ``sampling`` are fields of the value in ``settings``; ``usual`` those that go back to the
    exercise's. ``extra`` are lanes beside the usual ones. ``model`` is the bundled model that it is
    about; with ``any_model``, one of the user's own of the same kind does as well.
    """

    key: str
    title: str
    tooltip: str
    sampling: Mapping[str, Any]
    lanes: tuple[str, ...]
    extra: tuple[LaneSpec, ...] = ()
    model: str = ""
    any_model: bool = False
    settings: Slot[Any] | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)


def apply(chosen: Task, store: Store) -> None:
    """Set endpoints and lanes; steps, eta and path go back to the exercise's.

    The exercise's lanes are made again as they were; others are hidden.
    """
    if chosen.settings is not None:
        store.update(chosen.settings, **{**chosen.usual, **chosen.sampling})
    made = (*DEFAULT_LANES, *chosen.extra)
    shown = {*chosen.lanes, *(lane.key for lane in chosen.extra)}
    own = {lane.key for lane in made}
    others = tuple(lane for lane in store.get(LANES) if lane.key not in own)
    store.set(LANES, tuple(replace(lane, shown=lane.key in shown) for lane in (*made, *others)))
    store.update(LOOK, selected_lane=chosen.lanes[-1], maximised_lane="")
