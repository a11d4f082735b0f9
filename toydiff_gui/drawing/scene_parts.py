"""What scenes of all modes are made of. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared.trajectory import Trajectory

Points = NDArray[np.float32]
"""Points of the plane, (N, 2): states, latents or data."""

Box = tuple[float, float, float, float]
"""A part of the plane: x0, x1, y0, y1."""

Status = Literal["empty", "running", "done", "failed"]
"""How far what is shown has come: 'empty' before anything was asked for."""

Mark = Literal["A", "B", "C"]
"""What a latent is to the path: its beginning, its end, or the third corner of a slice."""


def states_at(
    trajectory: Trajectory | None, t: float, *, predicted: bool = False
) -> NDArray[np.float32] | None:
    """The states (N, ...) to show at ``t``, or the clean data ``predicted`` from them.

    None while there are none.
    """
    k = None if trajectory is None else trajectory.index_at(t)
    if trajectory is None or k is None:
        return None
    states = trajectory.x0 if predicted else trajectory.x
    return states[min(k, len(states) - 1)]


def reached_by_all(trajectories: Iterable[Trajectory], timesteps: int) -> int:
    """The smallest t that all of them have arrived at; ``timesteps`` before any has."""
    reached = [timesteps if one.reached is None else one.reached for one in trajectories]
    return max(reached, default=timesteps)
