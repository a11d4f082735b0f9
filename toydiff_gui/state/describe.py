"""What scenes of all modes say of a model and its runs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.trajectory import Trajectory
from engine.shared.values import Memo
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LaneRun
from toydiff_gui.state.store import Store

_made = Memo()


@lru_cache(maxsize=16)
def alphas_cumprod(schedule: ScheduleConfig) -> NDArray[np.float64]:
    """alpha_bar at t = 0..T."""
    return noise_tables.alphas_cumprod(schedule)


def norms(latents: NDArray[np.float32]) -> NDArray[np.float64]:
    """The norm of each latent (N, ...), (N,)."""
    flat = latents.reshape(len(latents), -1)
    return _made.get(latents, "norms", lambda: np.linalg.norm(flat.astype(np.float64), axis=1))


@lru_cache(maxsize=8)
def prior_norms(dimension: int) -> tuple[float, float, float]:
    """2.5 %, 50 % and 97.5 % quantiles of the norm of N(0, I): the chi distribution's."""
    low, middle, high = np.sqrt(2 * gammaincinv(dimension / 2, [0.025, 0.5, 0.975])).tolist()
    return low, middle, high


def rescaled(trajectory: Trajectory | None, timesteps: int) -> Trajectory | None:
    """The same frames on another T, so that one timeline can show both."""
    if trajectory is None or trajectory.t[0] == timesteps:
        return trajectory
    scale = timesteps / trajectory.t[0]

    def make() -> Trajectory:
        times = tuple(round(t * scale) for t in trajectory.t)
        return Trajectory(times, trajectory.x, trajectory.x0)

    return _made.get(trajectory, timesteps, make)


def waiting(state: Store, run: LaneRun) -> str:
    """What to say where nothing is to be seen."""
    if run.message:
        return run.message
    if state.get(ENGINE).status == "starting":
        again = state.get(ENGINE).message  # a connection that is tried again
        return wording.starting(state.get(ENGINE)) if again else "The engine is starting…"
    if state.get(ENGINE).status == "dead":
        return "The engine is not running."
    return "" if run.trajectory is not None else "Waiting for the first frame…"


def duration(seconds: float) -> str:
    """Seconds as 180 ms or 1.9 s."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
