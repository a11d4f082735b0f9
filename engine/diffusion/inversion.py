"""Inversion: data carried to latents by deterministic DDIM, run backwards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from engine.diffusion.denoiser import Denoiser
from engine.diffusion.samplers import Frame, check_states
from engine.diffusion.schedules import Schedule
from engine.shared.config import SamplerConfig, sampler_times


def invert(
    denoiser: Denoiser,
    schedule: Schedule,
    data: Tensor,
    *,
    steps: int | None = None,
    first_step_passes: int = 4,
) -> Iterator[Frame]:
    """Carry ``data`` (N, ...) from t = 0 to latents at t = T by deterministic DDIM, run backwards.

    The noise in x_s is taken for the noise in x_t (Dhariwal and Nichol 2021, appendix F). At t = 0
    there is no network to ask, so the first step solves x_t = sqrt(ab_t) x0 + sqrt(1 - ab_t)
    eps(x_t, t) by fixed-point passes at the next time t. Frames come from t = 0 up to t = T, K + 1
    of them. Raises ``ValueError`` as ``sample`` does.
    """
    steps_of_one = invert_stepwise(
        denoiser, schedule, data, steps=steps, first_step_passes=first_step_passes
    )
    return (frame for frame in steps_of_one if frame is not None)


@torch.no_grad()
def invert_stepwise(
    denoiser: Denoiser,
    schedule: Schedule,
    data: Tensor,
    *,
    steps: int | None = None,
    first_step_passes: int = 4,
) -> Iterator[Frame | None]:
    """``invert`` with at most one evaluation an item: None after one that gave no frame yet."""
    check_states(data, "data")
    config = SamplerConfig(name="ddim", steps=steps)
    times = sampler_times(schedule.timesteps, config.resolved_steps(schedule.timesteps))[::-1]
    yield Frame(0, data, data)
    x, first = data, times[1]
    for _ in range(first_step_passes):
        x = schedule.add_noise(data, first, denoiser.predict(x, first).eps)
        yield None
    for s, t in pairwise(times[1:]):
        prediction = denoiser.predict(x, s)
        yield Frame(s, x, prediction.x0)
        x = schedule.add_noise(prediction.x0, t, prediction.eps)
    yield Frame(times[-1], x, denoiser.predict(x, times[-1]).x0)
