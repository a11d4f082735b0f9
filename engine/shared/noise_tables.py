"""The noise schedules as plain NumPy tables, free of torch, so that the window can draw them.

All tables have T + 1 entries, indexed by t: t = 0 is data, t = T is noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue
from engine.shared.config import ScheduleConfig

FloatTable = NDArray[np.float64]

COSINE_OFFSET = 0.008
BETA_MAX = 0.999


def linear_betas(config: ScheduleConfig) -> FloatTable:
    """beta at t = 1..T, evenly from the first to the last, (T,): Ho et al. 2020, section 4."""
    return np.linspace(config.beta_first, config.beta_last, config.timesteps)


def quadratic_betas(config: ScheduleConfig) -> FloatTable:
    """beta at t = 1..T, whose roots lie evenly, (T,)."""
    return np.linspace(config.beta_first**0.5, config.beta_last**0.5, config.timesteps) ** 2


def cosine_betas(config: ScheduleConfig) -> FloatTable:
    """beta at t = 1..T, (T,): Nichol and Dhariwal 2021, equation 17."""
    t = np.arange(config.timesteps + 1) / config.timesteps
    f = np.cos((t + COSINE_OFFSET) / (1 + COSINE_OFFSET) * np.pi / 2) ** 2
    return np.asarray(np.minimum(1 - f[1:] / f[:-1], BETA_MAX))


catalogue.require_made(globals(), catalogue.SCHEDULES, lambda row: row.betas)


def _unscaled_betas(config: ScheduleConfig) -> FloatTable:
    found: FloatTable = globals()[catalogue.schedule(config.name).betas](config)
    return found


def _with_zero_terminal(alphas_cumprod: FloatTable) -> FloatTable:
    """Shift and scale sqrt(alpha_bar) so that it ends at 0 (Lin et al. 2024, algorithm 1)."""
    root = np.sqrt(alphas_cumprod)
    first, last = root[1], root[-1]
    root = (root - last) * first / (first - last)
    root[0] = 1.0
    root[-1] = 0.0  # exactly, whatever the rounding
    return np.asarray(root**2)


def alphas_cumprod(config: ScheduleConfig) -> FloatTable:
    """alpha_bar at t = 0..T, float64, shape (T + 1,); the first entry is 1."""
    betas = _unscaled_betas(config)
    table = np.concatenate([[1.0], np.cumprod(1.0 - betas)])
    return _with_zero_terminal(table) if config.zero_terminal else table


def betas(config: ScheduleConfig) -> FloatTable:
    """beta at t = 0..T, float64, shape (T + 1,); beta_0 = 0, since nothing is added at t = 0."""
    table = alphas_cumprod(config)
    return np.concatenate([[0.0], 1.0 - table[1:] / table[:-1]])
