"""The forward process as trajectories: step by step, in closed form, of one point many times.

NumPy only, for states of any shape.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig, sampler_times
from engine.shared.trajectory import Trajectory

MAX_POINTS, MAX_NUMBERS, COPIES = 2000, 8_000_000, 500
MAX_FRAMES = 250

States = NDArray[np.float32]


def thinned(data: States, timesteps: int) -> States:
    """Data (N, ...) few enough to noise them at every one of ``timesteps`` steps at once."""
    size = max(int(np.prod(data.shape[1:])), 1)
    most = max(min(MAX_POINTS, MAX_NUMBERS // (size * timesteps)), 1)
    return data[:: -(-len(data) // most)]


def step_by_step(x0: States, schedule: ScheduleConfig, seed: int) -> Trajectory:
    """x_t = sqrt(1 - beta_t) x_(t-1) + sqrt(beta_t) eps_t, fresh noise at every step.

    ``x0`` (N, ...); all T steps are made, at most ``MAX_FRAMES`` of them are kept. The frames run
    from t = T to 0, as those of a sampler do (Ho et al. 2020, equation 2).
    """
    betas = noise_tables.betas(schedule)
    times = _times(schedule)
    random = np.random.default_rng([seed, 0])
    kept, x, wanted = [x0], x0.astype(np.float64), set(times)
    for t in range(1, schedule.timesteps + 1):
        eps = random.standard_normal(x.shape, np.float32)
        x = np.sqrt(1 - betas[t]) * x + np.sqrt(betas[t]) * eps
        if t in wanted:
            kept.append(x.astype(np.float32))
    return Trajectory(times, tuple(kept[::-1]), (x0,) * len(times))


def in_closed_form(x0: States, schedule: ScheduleConfig, seed: int) -> Trajectory:
    """x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) eps, one eps for each point.

    At every t distributed as ``step_by_step`` (Ho et al. 2020, equation 4).
    """
    bars = noise_tables.alphas_cumprod(schedule)
    times = _times(schedule)
    eps = np.random.default_rng([seed, 1]).standard_normal(x0.shape, np.float32)
    frames = tuple(
        (np.sqrt(bars[t]) * x0 + np.sqrt(1 - bars[t]) * eps).astype(np.float32) for t in times
    )
    return Trajectory(times, frames, (x0,) * len(times))


def copies_of(point: States, schedule: ScheduleConfig, seed: int) -> Trajectory:
    """``COPIES`` copies of one state (...), noised step by step, each with noise of its own."""
    count = min(COPIES, max(MAX_NUMBERS // (max(point.size, 1) * schedule.timesteps), 1))
    start = np.repeat(np.asarray(point, np.float32)[None], count, axis=0)
    return step_by_step(start, schedule, seed + 1)


def _times(schedule: ScheduleConfig) -> tuple[int, ...]:
    return tuple(sampler_times(schedule.timesteps, min(schedule.timesteps, MAX_FRAMES)))
