"""The geodesic between two images: on the prior's sphere, decoded to a short way of good images.

Minimised is the decoded length, weighted by how strange a place is to the denoiser itself: a little
noise is added and taken away again by the network, and what does not come back as it was is unlike
the data. The weight is taken at the decoded images and half-way between neighbours, where a jump is
a blend of two. What is known of points does not carry over:

- A kernel density of the data (``engine.paths.terrain``) is no use among pixels. A blend of two
images is
  nearer to all others than an image is: with 600 kernels it counts as *more* probable in 98 of 100
  comparisons (digits, 64 pixels; in 96 on MNIST), while the denoiser finds it stranger in 95 (in
  all on MNIST). Half-way between 16 pairs of digits, a classifier is sure by 0.999 on average on
  this path, by 0.986 with the density as weight, by 0.988 on the plain sphere. Nor need the data
  of a checkpoint be there.
- Almost all latents have a norm near sqrt(D), and a denoiser has seen no others. The path is kept
  at the norms of its ends, as ``engine.paths.curves.spherical``, and deviates along the sphere
  only.
- A single path descends. In many dimensions all directions aside are alike: the best of a few
  drawn bends is where it starts.

The gradient is that of the few steps of the sampler, found backwards step by step: an item costs
one evaluation, and no more is kept than the states in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engine.checkpoints.classes import AlongPath
from engine.devices import threads_for
from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import Frame, Step
from engine.diffusion.schedules import Schedule
from engine.paths.curves import Curve, make_curve, positions_like
from engine.paths.decoded_paths import (
    SAMPLER,
    Geodesic,
    Improvement,
    carried,
    no_noise,
    respaced,
    waves,
)
from engine.shared.config import require_between, sampler_times
from engine.shared.trajectory import MAX_BYTES

POINTS, STEPS = 12, 8
"""In the descent: images on the path, and steps of the sampler."""
HARMONICS = 3
"""Sine coefficients of the deviation, for each pixel."""
BENDS, HEIGHT = 6, 1.0
"""Bends that are tried as starts, and how far they go aside, in norms of the latents."""
PASSES = 12
RATE = 0.05
SIGNAL = 0.9
"""alpha_bar at the time at which the denoiser is asked how strange an image is."""
SCALE, POWER = 1.0, 2
"""Of the weight 1 + SCALE (error / usual error)^POWER."""
DENSE, EVEN_STEPS = 4, 15
"""To space images evenly: how many times as many are decoded, and in how many steps."""


@dataclass(frozen=True)
class SphereBend:
    """``engine.paths.curves.spherical`` with a deviation sum_k c_k sin(k pi s) / sqrt(k) along the
    sphere.

    ``coefficients`` (K, D) for states of D numbers; the norm of the path stays that of ``base``.
    """

    base: Curve
    start: Tensor
    end: Tensor
    coefficients: Tensor

    def __call__(self, positions: Tensor) -> Tensor:
        """Latents (N, ...) at ``positions`` (N,) in [0, 1]."""
        aside = waves(positions, len(self.coefficients))
        base = self.base(positions)
        norms = base.flatten(1).norm(dim=1)
        bent = base.flatten(1) + aside.to(base.dtype) @ self.coefficients
        bent = bent * (norms / bent.norm(dim=1).clamp_min(1e-12))[:, None]
        latents = bent.view(base.shape)
        inner = ((positions != 0) & (positions != 1)).view(-1, *([1] * self.start.ndim))
        return torch.where(inner, latents, base)


@torch.no_grad()
def search_images(
    along: AlongPath, schedule: Schedule, start: Tensor, end: Tensor, *, seed: int = 0
) -> Generator[Improvement | None, None, Geodesic]:
    """Look for the geodesic between the latents ``start`` and ``end`` (C, H, W).

    An item costs at most one evaluation of the denoiser, with its gradient; it is an
    ``Improvement`` when a better path has been found. ``seed`` draws the bends that are tried.
    Raises ``ValueError`` for endpoints that no path can have, for a denoiser without gradient, and
    if no path leads to finite images.
    """
    base = make_curve("spherical", start, end, seed=seed)
    make_curve("linear", start, end)  # refuses what no path can have
    if torch.equal(start, end) and along.constant:
        return Geodesic(base, [], None, 0)
    chain = _Chain(along, schedule, positions_like(POINTS, start))
    flat = start.new_zeros(HARMONICS, start.numel())
    best = SphereBend(base, start, end, flat)
    least = math.inf
    energies: list[float] = []
    total = BENDS + 1 + PASSES

    def improvement(frames: list[Frame]) -> Improvement:
        return Improvement(len(energies), total, least, best, frames)

    for bend in [flat, *_bends(start, end, seed)]:
        curve = SphereBend(base, start, end, bend)
        frames = yield from chain.decode(curve)
        energy = yield from chain.energy(frames[-1].x)
        better = energy < least
        if better:
            least, best = energy, curve
        energies.append(least)
        if better:
            yield improvement(frames)
    if not math.isfinite(least):
        raise ValueError(
            "no path between the endpoints leads to finite states: this network has learned "
            "nothing usable"
        )
    coefficients = best.coefficients.clone().requires_grad_(True)
    adam = torch.optim.Adam([coefficients], lr=RATE, betas=(0.8, 0.95))
    for number in range(PASSES):
        curve = SphereBend(base, start, end, coefficients.detach().clone())
        frames = yield from chain.decode(curve)
        energy, upstream = yield from chain.slope(frames[-1].x)
        better = energy < least
        if better:
            least, best = energy, curve
        energies.append(least)
        if better:
            yield improvement(frames)
        if better or number == 0:
            upstream = yield from chain.backwards(frames, upstream)
            coefficients.grad = _through(best, chain.positions, upstream)
        else:  # too far: from the best again, with its gradient, in a shorter step
            coefficients.copy_(best.coefficients)
            adam.param_groups[0]["lr"] /= 2
        adam.step()
    return Geodesic(best, energies, None, best.coefficients.numel())


@torch.no_grad()
def evenly_decoded_images(
    along: AlongPath, schedule: Schedule, curve: Curve, points: int, like: Tensor
) -> Generator[None, None, Tensor]:
    """``engine.paths.geodesic_points.evenly_decoded`` for images: fewer of them, in fewer steps."""
    require_between("number of evenly decoded points", points, 2, most_even(like))
    sampler = type(SAMPLER)(steps=min(EVEN_STEPS, schedule.timesteps))
    dense = np.linspace(0.0, 1.0, DENSE * (points - 1) + 1)
    denoiser = along.rows(len(dense))
    dense = yield from respaced(denoiser, schedule, curve, dense, like, sampler)
    return curve(torch.from_numpy(dense[::DENSE].copy()).to(like.dtype).to(like.device))


def most_even(like: Tensor) -> int:
    """How many images like one (...) can be spaced evenly: more would not fit in memory."""
    return int(MAX_BYTES // (8 * DENSE * like.numel()))


class _Chain:
    """A path's images by few steps of a sampler, their energy, and its gradient.

    Where the path is told classes, each image has those of its place.
    """

    def __init__(self, along: AlongPath, schedule: Schedule, positions: Tensor) -> None:
        self._schedule, self.positions = schedule, positions
        self._times = sampler_times(schedule.timesteps, min(STEPS, schedule.timesteps))
        between = (positions[1:] + positions[:-1]) / 2
        self._at_images, self._between = along.at(positions), along.at(between)
        self._asked_at = min(
            range(1, schedule.timesteps + 1),
            key=lambda t: abs(schedule.alpha_bar(t) - SIGNAL),
        )
        self._usual = 0.0  # not known yet

    def decode(self, curve: Curve) -> Generator[None, None, list[Frame]]:
        """The states (POINTS, ...) on their way to the data; the latents come first."""
        ask = partial(_ask, self._at_images)
        return carried(ask, self._schedule, self._times, curve(self.positions))

    def energy(self, x: Tensor) -> Generator[None, None, float]:
        """The weighted length of the images ``x`` (POINTS, ...); infinite if it is not finite."""
        errors = []
        for denoiser, places in self._places(x):
            errors.append(self._error(denoiser, places))
            yield None
        return self._measure(x, *errors).item()

    def slope(self, x: Tensor) -> Generator[None, None, tuple[float, Tensor]]:
        """The energy, and its gradient with respect to ``x`` (POINTS, ...)."""
        errors, slopes = [], []
        for denoiser, places in self._places(x):
            error, slope = _with_slope(self._error, denoiser, places)
            errors.append(error.requires_grad_(True))
            slopes.append(slope)
            yield None
        with torch.enable_grad():
            images = x.detach().requires_grad_(True)
            energy = self._measure(images, *errors)
            by_image, *by_error = torch.autograd.grad(energy, [images, *errors])
        at_images, between = (
            rate.view(-1, *([1] * (x.ndim - 1))) * slope
            for rate, slope in zip(by_error, slopes, strict=True)
        )
        gradient = by_image + at_images
        gradient[1:] += between / 2
        gradient[:-1] += between / 2
        return energy.item(), gradient

    def backwards(self, frames: list[Frame], upstream: Tensor) -> Generator[None, None, Tensor]:
        """The gradient with respect to the latents, from that with respect to the images."""
        for_x0 = torch.zeros_like(upstream)
        for number in reversed(range(len(frames) - 1)):
            upstream, for_x0 = self._step_back(frames, number, upstream, for_x0)
            yield None
        return upstream

    def _step_back(
        self, frames: list[Frame], number: int, for_x: Tensor, for_x0: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Through step ``number``, which made of x and the x0 before it the next x and its x0."""
        frame, s = frames[number], frames[number + 1].t
        with torch.enable_grad():
            x = frame.x.detach().requires_grad_(True)
            inputs, before = [x], None
            if number:
                x0 = frames[number - 1].x0.detach().requires_grad_(True)
                inputs.append(x0)
                before = (frames[number - 1].t, x0)
            prediction = _ask(self._at_images, x, frame.t)
            step = Step(frame.t, s, x, prediction, self._schedule, no_noise, before)
            grads = _slopes([SAMPLER.step(step), prediction.x0], inputs, [for_x, for_x0])
        return grads[0], grads[1] if number else torch.zeros_like(for_x)

    def _places(self, x: Tensor) -> list[tuple[Denoiser, Tensor]]:
        return [(self._at_images, x), (self._between, (x[1:] + x[:-1]) / 2)]

    def _error(self, denoiser: Denoiser, x: Tensor) -> Tensor:
        """How far ``x`` (N, ...) comes back from elsewhere after some noise, (N,).

        The noise is the same for all, and always: places are compared.
        """
        t = self._asked_at
        noise = draw_latents(0, 1, x.shape[1:]).to(x.dtype).to(x.device)
        noisy = self._schedule.add_noise(x, t, noise.expand_as(x))
        return (_ask(denoiser, noisy, t).x0 - x).flatten(1).square().mean(1)

    def _measure(self, x: Tensor, at_images: Tensor, between: Tensor) -> Tensor:
        """The integral of the weight along the polyline of images, by Simpson's rule."""
        if not self._usual:  # of the first path, which lies where the prior's samples lie
            usual = float(at_images.detach().median())
            self._usual = max(usual, 1e-12) if math.isfinite(usual) else 0.0
        if not self._usual:
            return x.new_tensor(math.inf)
        weights, halfway = (
            1 + SCALE * (error / self._usual) ** POWER for error in (at_images, between)
        )
        steps = (x[1:] - x[:-1]).flatten(1)
        # A root with a slope at zero: neighbours may fall together.
        lengths = (steps.square().sum(1) + 1e-12).sqrt()
        along = (weights[1:] + weights[:-1] + 4 * halfway) / 6
        energy: Tensor = (lengths * along).sum().nan_to_num(nan=math.inf, posinf=math.inf)
        return energy


def _with_slope(
    error: Callable[[Denoiser, Tensor], Tensor], denoiser: Denoiser, x: Tensor
) -> tuple[Tensor, Tensor]:
    """The errors (N,) of ``x`` (N, ...), and the gradient of each with respect to its place."""
    with torch.enable_grad():
        place = x.detach().requires_grad_(True)
        errors = error(denoiser, place)
        (slope,) = _slopes([errors], [place], [torch.ones_like(errors)])
    return errors.detach(), slope


def _through(curve: SphereBend, positions: Tensor, upstream: Tensor) -> Tensor:
    """The gradient with respect to the coefficients, from that with respect to the latents."""
    with torch.enable_grad():
        coefficients = curve.coefficients.detach().requires_grad_(True)
        latents = SphereBend(curve.base, curve.start, curve.end, coefficients)(positions)
        (gradient,) = torch.autograd.grad(latents, coefficients, upstream)
    return gradient


def _bends(start: Tensor, end: Tensor, seed: int) -> list[Tensor]:
    """Coefficients (HARMONICS, D) that lead far aside in the middle."""
    size = HEIGHT * float(start.norm() + end.norm()) / 2 / math.sqrt(start.numel())
    drawn = draw_latents(seed, BENDS + 2, start.shape)[2:].flatten(1)
    bends = []
    for direction in drawn.to(start.dtype).to(start.device):
        bend = start.new_zeros(HARMONICS, start.numel())
        bend[0] = size * direction
        bends.append(bend)
    return bends


def _ask(denoiser: Denoiser, x: Tensor, t: int) -> Prediction:
    """What ``denoiser`` says of ``x`` (N, ...).

    Asked at a t for each row, it takes them as they are, on the way there as on the way back: at
    one t for all it would fill up blocks of a fixed size, which costs more than it is worth here.
    """
    with threads_for(x):
        return denoiser.predict(x, torch.full((len(x),), t, device=x.device))


def _slopes(outputs: list[Tensor], inputs: list[Tensor], upstream: list[Tensor]) -> list[Tensor]:
    """The gradient with respect to each of ``inputs``; zeros where nothing depends on it."""
    if not any(output.requires_grad for output in outputs):
        raise ValueError("a geodesic needs a denoiser with a gradient, and this one gives none")
    with threads_for(inputs[0]):
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            outputs, inputs, upstream, allow_unused=True
        )
    return [
        torch.zeros_like(given) if slope is None else slope
        for given, slope in zip(inputs, found, strict=True)
    ]
