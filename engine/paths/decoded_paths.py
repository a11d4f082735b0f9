"""What the searches for geodesics share, of points and of images: paths and what is decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.samplers import DPMSolverPP2M, Frame, Sampler, Step, sample
from engine.diffusion.schedules import Schedule
from engine.paths.curves import Curve
from engine.shared.polyline import neighbour_gaps

SAMPLER = DPMSolverPP2M()
"""At second order: near a tear, DDIM of so few steps ends elsewhere than DDIM of many."""
ROUNDS = 2
"""To space points evenly: how often they are decoded."""


@dataclass(frozen=True)
class Improvement:
    """The best path so far, after ``step`` of ``total`` passes.

    ``frames``: what ``SAMPLER`` makes of some points on it in few steps, latents first.
    """

    step: int
    total: int
    energy: float
    curve: Curve
    frames: list[Frame]


@dataclass(frozen=True)
class Geodesic:
    """The path that was found, and the best energy after each pass.

    ``off_data`` is the share of points at equal spacing in the latent that is decoded off the data;
    None for images, where nobody has said what that means.
    """

    curve: Curve
    energies: list[float]
    off_data: float | None
    coefficients: int


def waves(positions: Tensor, count: int) -> Tensor:
    """sin(k pi s) / sqrt(k) for k = 1..count, (N, count).

    The root lets a descent move high waves more slowly.
    """
    k = torch.arange(1, count + 1, dtype=positions.dtype, device=positions.device)
    return torch.sin(math.pi * positions[:, None] * k) / k.sqrt()


def carried(
    predict: Callable[[Tensor, int], Prediction],
    schedule: Schedule,
    times: Sequence[int],
    latents: Tensor,
) -> Generator[None, None, list[Frame]]:
    """``latents`` (N, ...) on their way to the data by ``SAMPLER``, an evaluation an item."""
    x, frames = latents, list[Frame]()
    for t, s in pairwise(times):
        prediction = predict(x, t)
        before = (frames[-1].t, frames[-1].x0) if frames else None
        frames.append(Frame(t, x, prediction.x0))
        yield None
        x = SAMPLER.step(Step(t, s, x, prediction, schedule, no_noise, before))
    frames.append(Frame(0, x, x))
    return frames


def no_noise(*shape: object) -> Tensor:
    """The noise of a deterministic step."""
    raise AssertionError("a deterministic step draws no noise")


def respaced(
    denoiser: Denoiser,
    schedule: Schedule,
    curve: Curve,
    positions: NDArray[np.float64],
    like: Tensor,
    sampler: Sampler,
) -> Generator[None, None, NDArray[np.float64]]:
    """As many positions (N,) on ``curve`` as are decoded by ``sampler`` to even steps of length.

    They are found on the path of ``positions``, and then once more, since the decoded length is far
    from even in the latent.
    """
    for _ in range(ROUNDS):
        latents = curve(torch.from_numpy(positions).to(like.dtype).to(like.device))
        for frame in sample(denoiser, schedule, latents, sampler=sampler):  # noqa: B007
            yield None
        positions = evened(positions, frame.x)
    return positions


def evened(positions: NDArray[np.float64], states: Tensor) -> NDArray[np.float64]:
    """As many positions (N,) on a path at equal steps of its length, by its ``states`` (N, ...).

    A path whose states are all the same keeps its ``positions``.
    """
    steps = neighbour_gaps(states.cpu().numpy())
    along = np.concatenate([[0.0], np.cumsum(steps + 1e-9 + 1e-6 * steps.mean())])
    return np.interp(np.linspace(0.0, along[-1], len(positions)), along, positions)
