"""What a network has learned, time by time: true against predicted noise, and the loss at each t.

Everything is a generator that evaluates a denoiser at most once between two items, so that whoever
waits for something else is not held up. Results are plain NumPy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.devices import on_a_grid
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.schedules import Time
from engine.shared.config import MAX_TIMESTEPS, require_between

MAX_DRAWS = 200_000
MAX_DIMENSIONS = 64
DENSITY_REACH = 4.0
DENSITY_CELLS, DENSITY_BINS = 80, 10
_PAIRS, _LOSS, _DIMENSIONS, _DENSITY, _MAPS = 0, 1, 2, 3, 4
_PAIR_ROWS, _LOSS_ROWS, _LARGE_STATE_ROWS, _SMALL_STATE = 4096, 500, 64, 64
_IMAGE_ROWS = 16


@dataclass(frozen=True)
class NoisePairs:
    """True and predicted noise of the same states.

    ``t`` int64 (n,); ``eps`` and ``eps_hat`` float32 (n, d), a column for each of ``dimensions``
    int64 (d,), which count the numbers of a flattened state from 0.
    """

    t: NDArray[np.int64]
    eps: NDArray[np.float32]
    eps_hat: NDArray[np.float32]
    dimensions: NDArray[np.int64]


@dataclass(frozen=True)
class PairStatistics:
    """For each dimension, float64 (d,): correlation, mean squared error, mean of the error.

    ``r`` is NaN where either side does not vary.
    """

    r: NDArray[np.float64]
    mse: NDArray[np.float64]
    bias: NDArray[np.float64]


@dataclass(frozen=True)
class NoiseDensity:
    """How often true and predicted noise fell together, over all numbers of the states.

    ``counts`` int32 (bins, cells, cells): of the times in ``edges[b] < t <= edges[b + 1]``, of a
    predicted value (rows, upwards) and a true one (columns), both from -``DENSITY_REACH`` to
    ``DENSITY_REACH``; what lies outside is not counted. ``edges`` int64 (bins + 1,). The figures
    are those of ``PairStatistics``, over everything.
    """

    counts: NDArray[np.int32]
    edges: NDArray[np.int64]
    draws: int
    r: float
    mse: float
    bias: float


@dataclass(frozen=True)
class ErrorMap:
    """The mean squared error of the predicted noise at ``t``, float64 in the shape of a state."""

    t: int
    error: NDArray[np.float64]


@dataclass(frozen=True)
class LossAt:
    """The mean squared error of the predicted noise at ``t``, with its standard error."""

    t: int
    loss: float
    error: float


def noise_pairs(
    denoiser: Denoiser, data: Tensor, *, count: int = 3200, seed: int = 0, dimensions: int = 2
) -> Iterator[NoisePairs]:
    """``count`` training pairs in pieces: x0 from ``data`` (N, ...), t uniform on 1..T, eps normal.

    Of states with more than ``dimensions`` numbers so many are chosen at random, by the seed; all
    of a smaller one are given. More pairs leave the first ones as they were, to the bit. Raises
    ``ValueError`` for numbers out of range and for a prediction that is not finite.
    """
    require_between("number of pairs", count, 1, MAX_DRAWS)
    require_between("number of dimensions", dimensions, 1, MAX_DIMENSIONS)
    shown = _chosen_dimensions(data, dimensions, seed)
    rows = _rows(data, _PAIR_ROWS)
    for start in range(0, count, rows):
        random = np.random.default_rng([seed, _PAIRS, start])
        t = random.integers(1, denoiser.schedule.timesteps, rows, endpoint=True)
        x0, eps = _draws(data, rows, random)
        eps_hat = _predicted_noise(denoiser, x0, torch.from_numpy(t).to(data.device), eps)
        kept = min(rows, count - start)
        yield NoisePairs(
            t[:kept], _columns(eps, shown)[:kept], _columns(eps_hat, shown)[:kept], shown
        )


def join_pairs(pieces: list[NoisePairs]) -> NoisePairs:
    """Pieces of one run as a whole."""
    return NoisePairs(
        np.concatenate([piece.t for piece in pieces]),
        np.concatenate([piece.eps for piece in pieces]),
        np.concatenate([piece.eps_hat for piece in pieces]),
        pieces[0].dimensions,
    )


def pair_statistics(pairs: NoisePairs) -> PairStatistics:
    """How well the predicted noise of ``pairs`` fits, a figure for each dimension."""
    eps, eps_hat = pairs.eps.astype(np.float64), pairs.eps_hat.astype(np.float64)
    error = eps_hat - eps
    centred, centred_hat = eps - eps.mean(axis=0), eps_hat - eps_hat.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) * (centred_hat**2).sum(axis=0))
    along = (centred * centred_hat).sum(axis=0)
    r = np.divide(along, spread, out=np.full_like(along, np.nan), where=spread > 0)
    return PairStatistics(r, (error**2).mean(axis=0), error.mean(axis=0))


def noise_density(
    denoiser: Denoiser, data: Tensor, *, count: int = 512, seed: int = 0
) -> Iterator[NoiseDensity]:
    """All numbers of ``count`` training pairs, as counts that grow with every item.

    x0 from ``data`` (N, ...), t uniform on 1..T, eps normal. However many numbers a state has, what
    is held stays as large. Raises ``ValueError`` for a number out of range and for a prediction
    that is not finite.
    """
    require_between("number of draws", count, 1, MAX_DRAWS)
    timesteps = denoiser.schedule.timesteps
    bins, cells = min(DENSITY_BINS, timesteps), DENSITY_CELLS
    edges = np.round(np.linspace(0, timesteps, bins + 1)).astype(np.int64)
    counts = np.zeros(bins * cells * cells, np.int64)
    sums = np.zeros(5)  # of eps, eps_hat, eps^2, eps_hat^2, eps * eps_hat
    numbers, rows = 0, _rows(data, _PAIR_ROWS)
    for start in range(0, count, rows):
        random = np.random.default_rng([seed, _DENSITY, start])
        kept = min(rows, count - start)
        t = random.integers(1, timesteps, kept, endpoint=True)
        x0, eps = _draws(data, kept, random)
        eps_hat = _predicted_noise(denoiser, x0, torch.from_numpy(t).to(data.device), eps)
        true, guess = (each.flatten(1).cpu().double().numpy() for each in (eps, eps_hat))
        time = np.searchsorted(edges, t, side="left") - 1
        column, row = (_cells(values, cells) for values in (true, guess))
        place = (time[:, None] * cells + row) * cells + column
        inside = (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
        counts += np.bincount(place[inside], minlength=len(counts))
        parts = (true, guess, true**2, guess**2, true * guess)
        sums += [float(part.sum()) for part in parts]
        numbers += true.size
        means = sums / numbers
        spread = math.sqrt(max((means[2] - means[0] ** 2) * (means[3] - means[1] ** 2), 0.0))
        yield NoiseDensity(
            counts.reshape(bins, cells, cells).astype(np.int32),
            edges,
            start + kept,
            (means[4] - means[0] * means[1]) / spread if spread > 0 else math.nan,
            means[2] + means[3] - 2 * means[4],
            means[1] - means[0],
        )


def _cells(values: NDArray[np.float64], cells: int) -> NDArray[np.int64]:
    """In which of the cells each value falls; below 0 or from ``cells`` on outside of them."""
    where = np.floor((values + DENSITY_REACH) / (2 * DENSITY_REACH) * cells)
    return where.clip(-1, cells).astype(np.int64)


def error_maps(
    denoiser: Denoiser, data: Tensor, times: list[int], *, count: int = 128, seed: int = 0
) -> Iterator[ErrorMap | None]:
    """Where in a state the predicted noise is wrong: a map for each of ``times``.

    The mean over ``count`` draws; None after every evaluation that does not complete a map. The
    same x0 and eps serve at every time. The mean of eps^2, known to be 1 everywhere, corrects what
    it explains of the error (a control variate, one slope for the whole map). Raises ``ValueError``
    for a number out of range and for a prediction that is not finite.
    """
    require_between("number of draws", count, 2, MAX_DRAWS)
    x0, eps = _draws(data, count, np.random.default_rng([seed, _MAPS]))
    rows = _rows(data, _LOSS_ROWS)
    for t in times:
        errors = np.zeros(tuple(data.shape[1:]))
        known, both, squares = np.zeros_like(errors), 0.0, 0.0
        for start in range(0, count, rows):
            part = slice(start, start + rows)
            eps_hat = _predicted_noise(denoiser, x0[part], t, eps[part])
            error = (eps_hat - eps[part]).cpu().double().square().numpy()
            control = eps[part].cpu().double().square().numpy()
            errors += error.sum(axis=0)
            known += control.sum(axis=0)
            both += float((error * control).sum())
            squares += float((control**2).sum())
            if start + rows < count:
                yield None
        covariance = both - float((errors * known).sum()) / count
        variance = squares - float((known**2).sum()) / count
        slope = covariance / variance if variance > 0 else 0.0
        yield ErrorMap(t, (errors / count - slope * (known / count - 1)).clip(0.0))


def loss_times(timesteps: int, count: int) -> list[int]:
    """About ``count`` times from T to 1, closer towards the data, where the loss changes fastest.

    All of 1..T where there are no more than that.
    """
    require_between("number of times", count, 2, MAX_TIMESTEPS)
    if count >= timesteps:
        return list(range(timesteps, 0, -1))
    even = np.linspace(1.0, 0.0, count)
    times = np.round(1 + (timesteps - 1) * even**1.5)
    return [int(t) for t in np.unique(times)[::-1]]


def loss_by_time(
    denoiser: Denoiser, data: Tensor, times: list[int], *, count: int = 2000, seed: int = 0
) -> Iterator[LossAt | None]:
    """The loss at each of ``times``, the mean over ``count`` draws and all dimensions.

    None after every evaluation that does not complete a time. The same x0 and eps serve at every
    time and for every denoiser, so that curves are smooth and can be compared; the mean of |eps|^2,
    which is known, corrects what it explains of the loss (a control variate). Raises ``ValueError``
    for a number out of range and for a prediction that is not finite.
    """
    require_between("number of draws", count, 2, MAX_DRAWS)
    x0, eps = _draws(data, count, np.random.default_rng([seed, _LOSS]))
    size = eps[0].numel()
    known = eps.flatten(1).cpu().double().square().mean(dim=1).numpy()
    rows = _rows(data, _LOSS_ROWS)
    for t in times:
        losses = np.empty(count)
        for start in range(0, count, rows):
            part = slice(start, start + rows)
            eps_hat = _predicted_noise(denoiser, x0[part], t, eps[part])
            error = (eps_hat - eps[part]).flatten(1).cpu().double()
            losses[part] = error.square().sum(dim=1).numpy() / size
            if start + rows < count:
                yield None
        yield LossAt(t, *_controlled_mean(losses, known, 1.0))


def _controlled_mean(
    values: NDArray[np.float64], control: NDArray[np.float64], expected: float
) -> tuple[float, float]:
    """The mean of ``values`` and its standard error, helped by a control of known expectation."""
    centred = control - control.mean()
    variance = float((centred**2).sum())
    slope = float((centred * values).sum()) / variance if variance > 0 else 0.0
    mean = float(values.mean()) - slope * (float(control.mean()) - expected)
    rest = values - values.mean() - slope * centred
    return mean, math.sqrt(float((rest**2).sum()) / (len(values) - 1) / len(values))


def _rows(data: Tensor, usual: int) -> int:
    """States in one evaluation; few images, whose networks take their time."""
    if on_a_grid(data):
        return _IMAGE_ROWS
    return usual if data[0].numel() <= _SMALL_STATE else _LARGE_STATE_ROWS


def _chosen_dimensions(data: Tensor, most: int, seed: int) -> NDArray[np.int64]:
    size = data[0].numel()
    if size <= most:
        return np.arange(size)
    random = np.random.default_rng([seed, _DIMENSIONS])
    return np.sort(random.choice(size, most, replace=False))


def _draws(data: Tensor, count: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    rows = torch.from_numpy(random.integers(0, len(data), count))
    x0 = data[rows.to(data.device)]
    eps = torch.from_numpy(random.standard_normal(tuple(x0.shape), np.float32))
    return x0, eps.to(data.device)


def _predicted_noise(denoiser: Denoiser, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
    # Not around a yield: whoever consumes the generator would lose its gradients.
    with torch.no_grad():
        eps_hat = denoiser.predict_noise(denoiser.schedule.add_noise(x0, t, eps), t)
    if not torch.isfinite(eps_hat).all():
        raise ValueError("the predicted noise is not finite: this network has diverged")
    return eps_hat


def _columns(states: Tensor, dimensions: NDArray[np.int64]) -> NDArray[np.float32]:
    chosen: NDArray[np.float32] = states.flatten(1).float().cpu().numpy()[:, dimensions]
    return chosen
