"""What is to be seen, as plain data: the lanes, their trajectories, and how to show them.

A picture is a function of a scene and t, never of a clock or of the window's state at the time of
drawing. Canvas and export draw from the same scene; the window keeps one and replaces it, an
export holds on to the one it was given. No Qt here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.shared.trajectory import Trajectory
from engine.shared.values import BY_CONTENT, value
from toydiff_gui.drawing.scene_parts import Box, Points, Status, reached_by_all, states_at


class Layer(Protocol):
    """What is laid over a lane, as far as the engine has computed it: a value."""

    def at(self, t: float) -> Layer:
        """What it shows at ``t``, alone: where that is equal, so is the picture."""


@value
@dataclass(frozen=True)
class PathLine:
    """Another path between the same endpoints, to compare with: ``latents`` (N, 2)."""

    label: str
    latents: Points = field(metadata=BY_CONTENT)


@value
@dataclass(frozen=True)
class LaneScene:
    """One lane.

    ``kind`` 'latent': the path or the drawn latents at t = T, with the endpoints to drag, whatever
    the time on the timeline. 'trajectory': the state at the timeline's t over the faint data.
    ``joined``: the samples are points of a path, coloured along it, neighbours joined.
    """

    key: str
    number: int
    title: str
    detail: str = ""
    """What sets the lane apart, behind the title and lighter: 'geodesic', 'η = 0.5'."""
    note: str = ""
    kind: Literal["latent", "trajectory"] = "trajectory"
    trajectory: Trajectory | None = None
    latents: Points | None = field(default=None, metadata=BY_CONTENT)
    joined: bool = False
    overlays: frozenset[str] = frozenset()
    data: Points | None = None
    endpoints: tuple[tuple[float, float], tuple[float, float]] | None = None
    status: Status = "empty"
    message: str = ""
    """What to show instead of points: why the lane is empty or what failed."""
    off_data: float | None = None
    """The share of samples at t = 0 that lies off the data, in 0..1; None while not known."""
    latent_norms: NDArray[np.float64] | None = field(default=None, metadata=BY_CONTENT)
    """Norm of each latent (N,) along a path; None where there is no path."""
    prior_norms: tuple[float, float, float] | None = None
    """2.5 %, 50 % and 97.5 % quantiles of the norm under the prior."""
    marked: int | None = None
    """Index of the point that is looked at, in all lanes (hovered in a strip)."""
    pinned: int | None = None
    """Index of the point whose whole trajectory is shown."""
    picked: Points | None = field(default=None, metadata=BY_CONTENT)
    """Data points that the user has chosen, to be ringed."""
    alphas_cumprod: NDArray[np.float64] | None = None
    """(T + 1,), for what is computed at the timeline's t: the density of the noised data."""
    cloud: Points | None = None
    """More of the data than ``data``, for its density."""
    forward: Trajectory | None = None
    """The data on their way into noise, t = T first, for the overlay 'forward'."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """What the engine has computed of ``overlays``, by their keys."""
    paths: tuple[PathLine, ...] = ()
    """In the latent lane: the paths of other lanes; ``latents`` is the selected lane's."""
    path_label: str = ""
    way_points: tuple[tuple[float, float], ...] = ()
    """In the latent lane: points that a drawn path goes through, to be dragged."""
    drawing: bool = False
    """In the latent lane: a double click adds a way-point."""

    def layer(self, key: str) -> Any:
        """What has been computed of the overlay ``key``, which says of what type; None for nothing.

        Whoever draws an overlay knows what its row of the table computes.
        """
        return self.layers.get(key)

    def moments(self, t: float) -> dict[str, object]:
        """What trajectories and layers show at ``t``, alone, by the names of their fields."""
        moving = {name: item.at(t) for name, item in vars(self).items() if hasattr(item, "at")}
        layers = {kind: layer.at(t) for kind, layer in self.layers.items()}
        return {**moving, "layers": layers}

    def points_at(self, t: float) -> Points | None:
        """The states (N, ...) to show at ``t``; None while there are none."""
        if self.kind == "latent":
            return self.latents
        return states_at(self.trajectory, t)

    def x0_at(self, t: float) -> Points | None:
        """The clean data predicted from the states at ``t``, (N, ...); None if not asked for."""
        if "preview" not in self.overlays or self.kind == "latent":
            return None
        return states_at(self.trajectory, t, predicted=True)


@value
@dataclass(frozen=True)
class Scene:
    """All lanes on one timeline of ``timesteps`` = T, with alpha_bar (T + 1,) for the read-out."""

    lanes: tuple[LaneScene, ...] = ()
    timesteps: int = 250
    alphas_cumprod: NDArray[np.float64] = field(default_factory=lambda: np.ones(251))
    title: str = ""
    """The model in a line, such as 'V · linear β · 250 steps'."""
    view: Box | None = None
    """For points in the plane: the part of it to show (x0, x1, y0, y1); None for all of it."""

    def lane(self, key: str) -> LaneScene | None:
        """The lane called ``key``, or None."""
        return next((lane for lane in self.lanes if lane.key == key), None)

    def reached(self) -> int:
        """The smallest t that every lane with a trajectory has arrived at (T when none has)."""
        lanes = (lane for lane in self.lanes if lane.kind == "trajectory")
        runs = (lane.trajectory for lane in lanes if lane.trajectory is not None)
        return reached_by_all(runs, self.timesteps)
