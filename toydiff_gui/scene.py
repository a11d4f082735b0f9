"""What is to be seen, as plain data: the lanes, their trajectories, and how to show them.

A picture is a function of a scene and t, never of a clock or of the window's state at the time of
drawing. Canvas and export draw from the same scene; the window keeps one and replaces it, an
export holds on to the one it was given. No Qt here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.trajectory import Trajectory

Points = NDArray[np.float32]


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
    note: str = ""
    kind: Literal["latent", "trajectory"] = "trajectory"
    trajectory: Trajectory | None = None
    latents: Points | None = None
    joined: bool = False
    show_x0: bool = False
    data: Points | None = None
    endpoints: tuple[tuple[float, float], tuple[float, float]] | None = None
    status: Literal["empty", "running", "done", "failed"] = "empty"
    message: str = ""
    """What to show instead of points: why the lane is empty or what failed."""

    def points_at(self, t: float) -> Points | None:
        """The states (N, ...) to show at ``t``; None while there are none."""
        if self.kind == "latent":
            return self.latents
        if self.trajectory is None:
            return None
        k = self.trajectory.index_at(t)
        return None if k is None else self.trajectory.x[k]

    def x0_at(self, t: float) -> Points | None:
        """The clean data predicted from the states at ``t``, (N, ...); None if not asked for."""
        if not self.show_x0 or self.kind == "latent" or self.trajectory is None:
            return None
        k = self.trajectory.index_at(t)
        return None if k is None else self.trajectory.x0[k]


@dataclass(frozen=True)
class Scene:
    """All lanes on one timeline of ``timesteps`` = T, with alpha_bar (T + 1,) for the read-out."""

    lanes: tuple[LaneScene, ...] = ()
    timesteps: int = 250
    alphas_cumprod: NDArray[np.float64] = field(default_factory=lambda: np.ones(251))
    title: str = ""
    """The model in a line, such as 'V · linear β · 250 steps'."""
    view: tuple[float, float, float, float] | None = None
    """For points in the plane: the part of it to show (x0, x1, y0, y1); None for all of it."""

    def lane(self, key: str) -> LaneScene | None:
        """The lane called ``key``, or None."""
        return next((lane for lane in self.lanes if lane.key == key), None)

    def reached(self) -> int:
        """The smallest t that every lane with a trajectory has arrived at (T when none has)."""
        reached = [
            self.timesteps if lane.trajectory.reached is None else lane.trajectory.reached
            for lane in self.lanes
            if lane.kind == "trajectory" and lane.trajectory is not None
        ]
        return max(reached, default=self.timesteps)


def neighbour_gaps(points: Points) -> NDArray[np.float64]:
    """Distances between neighbours along (N, ...), shape (N - 1,)."""
    flat = np.asarray(points, np.float64).reshape(len(points), -1)
    return np.asarray(np.linalg.norm(np.diff(flat, axis=0), axis=1))
