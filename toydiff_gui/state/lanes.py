"""Sampler lanes, and the trajectories that they show."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue
from engine.shared.config import (
    EXACT,
    MAX_TIMESTEPS,
    PathName,
    SamplerConfig,
    SamplerName,
    require_between,
)
from engine.shared.trajectory import Trajectory
from engine.shared.values import value
from toydiff_gui.state.sampling import LaneSettings
from toydiff_gui.state.slots import Family, Kind, Slot
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK

if TYPE_CHECKING:
    from toydiff_gui.state.model import ModelInfo

MAX_LANES = 8
"""Lanes beside the latents that can be shown at once."""


@dataclass(frozen=True)
class LaneSpec:
    """A sampler lane; None means what the panel says for all lanes.

    ``exact`` asks for the closed-form denoiser of the data instead of the network;
    ``checkpoint`` is a reference as in ``ModelInfo.ref``. ``title`` replaces the one made from
    the settings.
    """

    key: str
    title: str = ""
    sampler: SamplerName = "ddim"
    steps: int | None = None
    shown: bool = True
    eta: float | None = None
    seed: int | None = None
    path: PathName | None = None
    checkpoint: str | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        catalogue.sampler(self.sampler)
        if self.path is not None:
            catalogue.path(self.path)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        if self.seed is not None:
            require_between("seed", self.seed, 0, 2**63 - 1)
        if self.eta is not None:
            require_between("eta", self.eta, 0.0, 1.0)

    def sampler_config(self, sampling: LaneSettings, timesteps: int) -> SamplerConfig:
        """The sampler to ask the engine for, never with more steps than there are."""
        steps = min(self.steps or sampling.steps or timesteps, timesteps)
        eta = sampling.eta if self.eta is None else self.eta
        return SamplerConfig(name=self.sampler, steps=steps, eta=eta if self.has_eta else 0.0)

    @property
    def has_eta(self) -> bool:
        """Whether its sampler takes a share of fresh noise."""
        return catalogue.sampler(self.sampler).has_eta

    def path_name(self, sampling: LaneSettings) -> PathName:
        """The path that the lane follows."""
        return self.path or sampling.path

    def reference(self, model: ModelInfo) -> str:
        """What the engine is asked to sample from."""
        ref = self.checkpoint or model.ref
        return f"{EXACT}{ref}" if self.exact else ref


DEFAULT_LANES = (
    LaneSpec("ddpm", sampler="ddpm"),
    LaneSpec("ddpm-shared", sampler="ddpm-shared"),
    LaneSpec("ddim", sampler="ddim"),
    LaneSpec("ddim-few", sampler="ddim", steps=20, shown=False),
)


@value
@dataclass(frozen=True)
class LaneRun:
    """A lane's trajectory as far as it has arrived; ``coarse`` while an endpoint is dragged."""

    trajectory: Trajectory | None = None
    latents: NDArray[np.float32] | None = None
    status: Literal["empty", "running", "done", "failed"] = "empty"
    coarse: bool = False
    seconds: float | None = None
    off_data: float | None = None
    """The share of the last state that lies off the data, in 0..1; None while not known."""
    message: str = ""


LANES: Slot[tuple[LaneSpec, ...]] = Slot("lanes", lambda: DEFAULT_LANES, Kind.SETTING)
LANE_RUNS: Family[str, LaneRun] = Family("lane runs", LaneRun)
"""By the key of the lane; what a mode draws beside its lanes has keys of its own."""


def shown_lanes(store: Store) -> tuple[LaneSpec, ...]:
    """The sampler lanes that are drawn."""
    return tuple(lane for lane in store.get(LANES) if lane.shown)


def lane_of(store: Store, key: str) -> LaneSpec | None:
    """The lane called ``key``, shown or not."""
    return next((lane for lane in store.get(LANES) if lane.key == key), None)


def update_lane(store: Store, key: str, **changes: Any) -> None:
    """Change fields of one lane, such as ``shown``."""
    lanes = store.get(LANES)
    store.set(
        LANES,
        tuple(replace(lane, **changes) if lane.key == key else lane for lane in lanes),
    )


def add_lane(store: Store, lane: LaneSpec, after: str | None = None) -> str:
    """Add a lane under a key of its own, behind ``after`` or last; returns the key.

    Raises ``ValueError`` when as many lanes are shown as there is room for.
    """
    if lane.shown and len(shown_lanes(store)) >= MAX_LANES:
        raise ValueError(f"at most {MAX_LANES} lanes can be shown beside the latents")
    lanes = [*store.get(LANES)]
    known = {other.key for other in lanes}
    key = next(name for n in itertools.count(1) if (name := f"lane-{n}") not in known)
    place = next((i + 1 for i, other in enumerate(lanes) if other.key == after), None)
    lanes.insert(len(lanes) if place is None else place, replace(lane, key=key))
    store.set(LANES, tuple(lanes))
    return key


def duplicate_lane(store: Store, key: str) -> str:
    """Put a copy of a lane, with its overlays, behind it; returns the copy's key."""
    lane = lane_of(store, key)
    if lane is None:
        raise ValueError(f"there is no lane {key!r}")
    copy = add_lane(store, replace(lane, shown=True), after=key)
    overlays = store.get(LOOK).overlays
    if key in overlays:
        store.update(LOOK, overlays={**overlays, copy: overlays[key]})
    return copy


def remove_lane(store: Store, key: str) -> None:
    """Take a lane away, with its run."""
    store.put(LANE_RUNS, key, None)
    store.set(LANES, tuple(lane for lane in store.get(LANES) if lane.key != key))
    overlays = store.get(LOOK).overlays
    if key in overlays:
        left = {lane: kinds for lane, kinds in overlays.items() if lane != key}
        store.update(LOOK, overlays=left)
