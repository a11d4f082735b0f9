"""What the signal that is left at T does: the noised data against the normal that sampling takes.

The forward process ends in x_T = sqrt(alpha_bar_T) x0 + sqrt(1 - alpha_bar_T) eps, sampling starts
from N(0, I). Along a direction the first is a mixture of a Gaussian for each data point, computed
here without drawing anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from toydiff_gui.diagnostics.chart import Values

REACH, CELLS, BINS = 6.0, 1200, 2048
MAX_COORDINATES = 64


@dataclass(frozen=True)
class Ending:
    """x_T along a direction: ``density`` on ``GRID``, and how far it is from N(0, 1).

    ``w2``: 2-Wasserstein distance; ``kl``: KL(q || N(0, 1)) in nats; ``farthest``: how far from the
    origin the data point farthest out along the direction ends on average; ``of_farthest`` is the
    density of its own x_T.
    """

    signal: float
    density: Values
    mean: float
    deviation: float
    w2: float
    kl: float
    farthest: float
    of_farthest: Values


GRID: Values = np.linspace(-REACH, REACH, CELLS + 1)
NORMAL: Values = np.exp(-(GRID**2) / 2) / np.sqrt(2 * np.pi)


@dataclass(frozen=True)
class Direction:
    """A direction of state space, and the data (N,) along it."""

    name: str
    along: Values


def ending(along: Values, signal: float) -> Ending:
    """The end of the forward process for data at ``along`` (N,) and sqrt(alpha_bar_T) ``signal``.

    The data are gathered in fine bins, far narrower than the noise.
    """
    noise = float(np.sqrt(max(1.0 - signal**2, 0.0)))
    counts, edges = np.histogram(along, BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    held = counts > 0
    weights, centres = counts[held] / len(along), signal * middles[held]
    z = (GRID[:, None] - centres[None, :]) / noise
    density = np.exp(-(z**2) / 2) @ weights / (noise * np.sqrt(2 * np.pi))
    step = GRID[1] - GRID[0]
    positive = density > 1e-300
    ratio = np.log(density[positive] / NORMAL[positive])
    shift = float(signal * along[np.abs(along).argmax()])
    kl = max(float((density[positive] * ratio).sum() * step), 0.0)
    return Ending(
        signal=signal,
        density=density,
        mean=float(signal * along.mean()),
        deviation=float(np.sqrt(signal**2 * along.var() + noise**2)),
        w2=_wasserstein(density, NORMAL),
        kl=kl,
        farthest=abs(shift),
        of_farthest=np.exp(-(((GRID - shift) / noise) ** 2) / 2) / (noise * np.sqrt(2 * np.pi)),
    )


def _wasserstein(first: Values, second: Values) -> float:
    """W2 in one dimension: the root mean square difference of the quantiles."""
    levels = (np.arange(4000) + 0.5) / 4000
    quantiles = []
    for density in (first, second):
        cumulated = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        quantiles.append(np.interp(levels, cumulated / cumulated[-1], GRID))
    return float(np.sqrt(np.mean((quantiles[0] - quantiles[1]) ** 2)))


def directions(data: NDArray[np.floating]) -> list[Direction]:
    """The coordinates of data (N, ...) and the direction of their greatest variance."""
    flat = flattened(data)
    shown = min(flat.shape[1], MAX_COORDINATES)
    names = ("x", "y") if flat.shape[1] == 2 else tuple(str(k + 1) for k in range(shown))
    found = [Direction(f"coordinate {names[k]}", flat[:, k]) for k in range(shown)]
    return [*found, widest(flat)]


def flattened(data: NDArray[np.floating]) -> Values:
    """Data (N, ...) as (N, d)."""
    return np.asarray(data, np.float64).reshape(len(data), -1)


def widest(flat: Values) -> Direction:
    """The direction of the greatest variance of data (N, d)."""
    centred = flat - flat.mean(axis=0)
    _, _, axes = np.linalg.svd(centred[:: max(1, len(flat) // 4000)], full_matrices=False)
    return Direction("the widest direction", flat @ axes[0])


def most_different(found: Sequence[Direction], signal: float) -> Direction:
    """That along which the noised data differ most from N(0, 1), by their KL."""
    return max(found, key=lambda each: ending(each.along, max(signal, 0.05)).kl)


@lru_cache(maxsize=64)
def signal_left(config: ScheduleConfig) -> float:
    """sqrt(alpha_bar_T)."""
    return float(np.sqrt(noise_tables.alphas_cumprod(config)[-1]))
