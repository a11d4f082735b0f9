"""Lanes in one click: a sampler, a lane for each number of steps, one for each kind of path."""

from __future__ import annotations

from dataclasses import replace

from engine.shared import catalogue
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import (
    DEFAULT_LANES,
    LANES,
    MAX_LANES,
    LaneSpec,
    add_lane,
    duplicate_lane,
    lane_of,
    remove_lane,
    shown_lanes,
    update_lane,
)
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK

NUMBERS_OF_STEPS = (5, 10, 20, 50, 250)
FULL = f"{MAX_LANES} lanes are shown, which is all there is room for: hide or remove one first"

EXACT_TIP = (
    "The best denoiser there can be for this data set, in closed form, in the network's place: "
    "what differs between the two lanes is what the network has not learned."
)


def single() -> list[tuple[str, LaneSpec]]:
    """A lane for each sampler, and one of the exact denoiser, with their titles."""
    lanes = [(row.title, LaneSpec("", sampler=row.name)) for row in catalogue.SAMPLERS]
    return [*lanes, ("Exact denoiser", LaneSpec("", exact=True))]


def tip(lane: LaneSpec) -> str:
    """What the lane's sampler or denoiser does."""
    return EXACT_TIP if lane.exact else catalogue.sampler(lane.sampler).tip


def room(state: Store) -> int:
    """How many more lanes can be shown."""
    return MAX_LANES - len(shown_lanes(state))


def show(state: Store, key: str) -> None:
    """Show a lane that there is; raises ``ValueError`` when there is no room for it."""
    lane = lane_of(state, key)
    if lane is not None and not lane.shown and room(state) < 1:
        raise ValueError(FULL)
    update_lane(state, key, shown=True)


def add(state: Store, lane: LaneSpec) -> str:
    """Add a lane and select it; returns its key. Raises ``ValueError`` without room."""
    if room(state) < 1:
        raise ValueError(FULL)
    key = add_lane(state, lane)
    state.update(LOOK, selected_lane=key)
    return key


def duplicate(state: Store, key: str) -> str:
    """Put a copy behind a lane and select it; raises ``ValueError`` without room."""
    if room(state) < 1:
        raise ValueError(FULL)
    copy = duplicate_lane(state, key)
    state.update(LOOK, selected_lane=copy)
    return copy


def restore_defaults(state: Store) -> None:
    """The exercise's lanes, and no others."""
    kept = {lane.key for lane in DEFAULT_LANES}
    for lane in state.get(LANES):
        if lane.key not in kept:
            remove_lane(state, lane.key)
    state.set(LANES, DEFAULT_LANES)


def steps_lanes(timesteps: int) -> tuple[LaneSpec, ...]:
    """DDIM with different numbers of steps, none above ``timesteps`` = T."""
    numbers = [number for number in NUMBERS_OF_STEPS if number <= timesteps]
    return tuple(LaneSpec("", sampler="ddim", steps=number) for number in numbers or [timesteps])


def path_lanes(*, drawn: bool) -> tuple[LaneSpec, ...]:
    """DDIM along each kind of path; along a drawn one if something has been drawn."""
    kinds = [key for key in wording.PATHS if key != "drawn" or drawn]
    return tuple(LaneSpec("", sampler="ddim", path=kind) for kind in kinds)


def show_together(state: Store, wanted: tuple[LaneSpec, ...]) -> bool:
    """Show lanes with these settings, those that there are or new ones.

    Where there is no room beside the lanes that are shown, these are hidden; returns whether they
    were. The first of the wanted lanes is selected.
    """
    found = [_same(state, lane) for lane in wanted]
    keys = {lane.key for lane in found if lane is not None}
    missing = sum(lane is None or not lane.shown for lane in found)
    crowded = missing > room(state)
    shown = {lane.key for lane in shown_lanes(state)}
    stay = keys if crowded else keys | shown
    state.set(LANES, tuple(replace(lane, shown=lane.key in stay) for lane in state.get(LANES)))
    together = [
        add_lane(state, lane) if known is None else known.key
        for lane, known in zip(wanted, found, strict=True)
    ]
    state.update(LOOK, selected_lane=together[0], maximised_lane="")
    return crowded and bool(shown - keys)


def _same(state: Store, wanted: LaneSpec) -> LaneSpec | None:
    return next((lane for lane in state.get(LANES) if _settings(lane) == _settings(wanted)), None)


def _settings(lane: LaneSpec) -> LaneSpec:
    return replace(lane, key="", title="", shown=True)


def select_what_is_there(state: Store) -> None:
    """Select another lane if the selected one is not drawn any more."""
    look, keys = state.get(LOOK), [lane.key for lane in shown_lanes(state)]
    there = {"latent", *keys, *(["training"] if state.get(TRAINING).active else [])}
    changes = {}
    if look.selected_lane not in there:
        changes["selected_lane"] = keys[0] if keys else "latent"
    if look.maximised_lane and look.maximised_lane not in there:
        changes["maximised_lane"] = ""
    state.update(LOOK, **changes)
