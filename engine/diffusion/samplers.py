"""Samplers as steps, and the one loop that runs them as a generator of frames.

A sampler with K steps visits ``round(linspace(T, 0, K + 1))``. The latents come first: K steps give
K + 1 frames. t = T is noise, t = 0 is data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.noise import draw_step_noise
from engine.diffusion.schedules import Schedule
from engine.shared import catalogue
from engine.shared.config import SamplerConfig, sampler_times


@dataclass(frozen=True)
class Frame:
    """State ``x`` (N, ...) at time ``t`` and the clean data ``x0`` (N, ...) predicted from it.

    Both have one shape, which may be another one at another time. At t = 0 there is nothing left
    to predict: ``x0`` equals ``x``.
    """

    t: int
    x: Tensor
    x0: Tensor


@dataclass(frozen=True)
class Step:
    """A step about to be taken, from the state ``x`` (N, ...) at time t to an earlier time s.

    ``prediction``: what the denoiser says about ``x``. ``noise``: gives the step's noise, shaped
    like ``x``, or with states of the shape that it is told; only drawn by steps that use it.
    ``before``: the time of the state before and the x0 that was predicted from it, None in the
    first step.
    """

    t: int
    s: int
    x: Tensor
    prediction: Prediction
    schedule: Schedule
    noise: Callable[..., Tensor]
    before: tuple[int, Tensor] | None = None

    @property
    def bars(self) -> tuple[float, float]:
        """alpha_bar at t and at s."""
        return self.schedule.alpha_bar(self.t), self.schedule.alpha_bar(self.s)

    def along(self) -> Tensor:
        """x_s for the x0 and eps of now: the first-order step, DDIM's without noise."""
        return self.schedule.add_noise(self.prediction.x0, self.s, self.prediction.eps)

    @property
    def reach(self) -> float:
        """By how much x_s moves when the x0 used in this step, x_t being given, moves by 1."""
        bar_t, bar_s = self.bars
        return math.sqrt(bar_s) - math.sqrt(bar_t * (1 - bar_s) / (1 - bar_t))


class Sampler(Protocol):
    """A rule for going from time t to an earlier time s."""

    @property
    def config(self) -> SamplerConfig:
        """Name, steps and parameters."""
        ...

    def step(self, step: Step) -> Tensor:
        """x_s (N, ...)."""
        ...


@runtime_checkable
class Corrector(Sampler, Protocol):
    """A rule that looks at where its step leads, unless that is t = 0, before it takes it."""

    def correct(self, step: Step, x_s: Tensor, ahead: Prediction) -> Tensor:
        """x_s (N, ...) for good, after ``step`` gave a first ``x_s`` with prediction ``ahead``."""
        ...


@dataclass(frozen=True)
class DDPM:
    """Ancestral sampling with the posterior's mean and variance (Ho et al. 2020, equations 6, 7).

    With fewer steps than T, the posterior of x_s given x_t and x0 for the visited times alone.
    ``shared_noise``: all samples get the same noise at each step (independent from step to step).
    """

    steps: int | None = None
    shared_noise: bool = False

    @property
    def config(self) -> SamplerConfig:
        """Name and steps."""
        return SamplerConfig(name="ddpm-shared" if self.shared_noise else "ddpm", steps=self.steps)

    def step(self, step: Step) -> Tensor:
        """x_s ~ q(x_s | x_t, x0)."""
        bar_t, bar_s = step.bars
        alpha = bar_t / bar_s
        mean: Tensor = (bar_s**0.5 * (1 - alpha) / (1 - bar_t)) * step.prediction.x0 + (
            alpha**0.5 * (1 - bar_s) / (1 - bar_t)
        ) * step.x
        variance = (1 - alpha) * (1 - bar_s) / (1 - bar_t)
        return mean + variance**0.5 * step.noise() if variance > 0 else mean


def DDPMSharedNoise(steps: int | None = None) -> DDPM:
    """DDPM in which all samples share the noise of each step."""
    return DDPM(steps=steps, shared_noise=True)


@dataclass(frozen=True)
class DDIM:
    """Song et al. 2021, equations 12, 16: deterministic for ``eta`` = 0, DDPM for ``eta`` = 1."""

    steps: int | None = None
    eta: float = 0.0

    @property
    def config(self) -> SamplerConfig:
        """Name, steps and eta."""
        return SamplerConfig(name="ddim", steps=self.steps, eta=self.eta)

    def step(self, step: Step) -> Tensor:
        """x_s = sqrt(ab_s) x0 + sqrt(1 - ab_s - sigma^2) eps + sigma z."""
        bar_t, bar_s = step.bars
        variance = self.eta**2 * (1 - bar_s) / (1 - bar_t) * (1 - bar_t / bar_s)
        direction = max(1 - bar_s - variance, 0.0) ** 0.5
        x_s: Tensor = bar_s**0.5 * step.prediction.x0 + direction * step.prediction.eps
        return x_s + variance**0.5 * step.noise() if variance > 0 else x_s


@dataclass(frozen=True)
class Heun:
    """The trapezoidal rule for the probability flow (Karras et al. 2022, algorithm 1): order two.

    In x / sqrt(ab) and sigma = sqrt((1 - ab) / ab) the flow is dx/dsigma = eps; a step uses the
    mean of eps at its ends. Where sigma has no scale, beyond the ``SIGMA_MAX`` of that paper (to
    infinity for zero terminal signal), the same rule is used for the same flow in
    x / sqrt(1 - ab) and 1 / sigma, whose derivative is x0: in sigma, few steps of a cosine schedule
    would be thrown far off by their first one. The last step is DDIM's.
    """

    steps: int | None = None

    SIGMA_MAX: ClassVar[float] = 80.0

    @property
    def config(self) -> SamplerConfig:
        """Name and steps."""
        return SamplerConfig(name="heun", steps=self.steps)

    def step(self, step: Step) -> Tensor:
        """The first-order x_s."""
        return step.along()

    def correct(self, step: Step, x_s: Tensor, ahead: Prediction) -> Tensor:
        """x_s by the mean of both ends."""
        bar_t, bar_s = step.bars
        if 1 - bar_t > self.SIGMA_MAX**2 * bar_t:
            return x_s + step.reach / 2 * (ahead.x0 - step.prediction.x0)
        # The same reach, of eps.
        by = math.sqrt(1 - bar_s) - math.sqrt(bar_s * (1 - bar_t) / bar_t)
        return x_s + by / 2 * (ahead.eps - step.prediction.eps)


@dataclass(frozen=True)
class DPMSolverPP2M:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order by the prediction before.

    x0 is continued along the line through the last two predictions in lambda = log(sqrt(ab) /
    sqrt(1 - ab)). The first and the last step are DDIM's; so is the second after zero terminal
    signal, which lies infinitely far away in lambda.
    """

    steps: int | None = None

    @property
    def config(self) -> SamplerConfig:
        """Name and steps."""
        return SamplerConfig(name="dpmpp2m", steps=self.steps)

    def step(self, step: Step) -> Tensor:
        """x_s by x0 + h / (2 h_before) (x0 - x0_before), with h the steps in lambda."""
        if step.before is None or step.s == 0:
            return step.along()
        time, x0 = step.before
        before, now, after = (_half_log_snr(step.schedule, at) for at in (time, step.t, step.s))
        share = (after - now) / (2 * (now - before))
        return step.along() + step.reach * share * (step.prediction.x0 - x0)


def _half_log_snr(schedule: Schedule, t: int) -> float:
    """lambda at t >= 1; -infinity where there is no signal."""
    bar = schedule.alpha_bar(t)
    return math.log(bar / (1 - bar)) / 2 if bar > 0 else -math.inf


def make_sampler(config: SamplerConfig) -> Sampler:
    """The sampler that a configuration names."""
    row = catalogue.sampler(config.name)
    parameters = {"eta": config.eta} if row.has_eta else {}
    made: Sampler = globals()[row.made_by](steps=config.steps, **parameters)
    return made


catalogue.require_made(globals(), catalogue.SAMPLERS, lambda row: row.made_by)


def sample(
    denoiser: Denoiser, schedule: Schedule, latents: Tensor, *, sampler: Sampler, seed: int = 0
) -> Iterator[Frame]:
    """Carry ``latents`` (N, ...) from t = T to t = 0; a frame for every visited time.

    States keep the latents' type and device. ``seed`` feeds the noise of the steps. Raises
    ``ValueError`` for latents without rows or with NaN, and for more steps than T.
    """
    items = sample_stepwise(denoiser, schedule, latents, sampler=sampler, seed=seed)
    return (frame for frame in items if frame is not None)


@torch.no_grad()
def sample_stepwise(
    denoiser: Denoiser, schedule: Schedule, latents: Tensor, *, sampler: Sampler, seed: int = 0
) -> Iterator[Frame | None]:
    """``sample`` with at most one evaluation an item: None after one that gave no frame."""
    check_states(latents, "latents")
    times = sampler_times(schedule.timesteps, sampler.config.resolved_steps(schedule.timesteps))
    shared = catalogue.sampler(sampler.config.name).shared_noise
    corrector = sampler if isinstance(sampler, Corrector) else None

    def noise_at(t: int, usual: torch.Size, shape: Sequence[int] | None = None) -> Tensor:
        count = 1 if shared else len(latents)
        drawn = draw_step_noise(seed, t, count, usual if shape is None else shape)
        return drawn.to(latents.dtype).to(latents.device)

    x, before = latents, None
    for t, s in pairwise(times):
        prediction = denoiser.predict(x, t)
        yield Frame(t, x, prediction.x0)
        step = Step(t, s, x, prediction, schedule, partial(noise_at, t, x.shape[1:]), before)
        x = sampler.step(step)
        if corrector is not None and s > 0:
            ahead = denoiser.predict(x, s)
            yield None
            x = corrector.correct(step, x, ahead)
        before = (t, prediction.x0)
    yield Frame(0, x, x)


def check_finite(frame: Frame) -> Frame:
    """Hand ``frame`` on, or raise ``ValueError`` naming the time at which its states blew up.

    For those who show or keep frames: a network that has diverged gives infinities.
    """
    if not (bool(torch.isfinite(frame.x).all()) and bool(torch.isfinite(frame.x0).all())):
        raise ValueError(
            f"the states are not finite at t = {frame.t}: this network has learned nothing usable"
        )
    return frame


def check_states(states: Tensor, what: str) -> None:
    """Raise ``ValueError`` unless ``states`` is finite floating point of shape (N, ...), N >= 1."""
    if states.ndim < 2 or states.numel() == 0:
        raise ValueError(f"{what} must have shape (N, ...), got {tuple(states.shape)}")
    if not states.is_floating_point():
        raise ValueError(f"{what} must be floating point, got {states.dtype}")
    if states.device.type != "meta" and not bool(torch.isfinite(states).all()):
        raise ValueError(f"{what} must be finite, got NaN or infinity")
