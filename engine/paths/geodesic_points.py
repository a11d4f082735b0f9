"""The geodesic: the path whose image under a deterministic sampler is short and stays on the data.

Minimised is the decoded length weighted by the improbability of the place
(``engine.paths.terrain``), by gradient descent through a deterministic sampler of few steps. Length
alone is not enough: it cuts through places where there are no data. Weighted lengths of decoded
curves as in Arvanitidis et al. 2018 (Latent space oddity, arXiv 1710.11379), here with the data's
density in place of a decoder's variance.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from engine.devices import one_thread
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, Frame, sample
from engine.diffusion.schedules import Schedule
from engine.paths.curves import Curve, linear, make_curve, positions_like
from engine.paths.decoded_paths import Geodesic, Improvement, carried, respaced, waves
from engine.paths.roadmap import MOST_DIMENSIONS, route
from engine.paths.terrain import Terrain, weighted_lengths
from engine.shared import catalogue
from engine.shared.config import SIDES, sampler_times
from engine.shared.polyline import at_shares
from engine.shared.work import finish

HARMONICS = 10
"""Sine coefficients of the deviation from the straight line, for each coordinate."""
POINTS, STEPS, INNER = 100, 10, 2
"""In the descent: points of the path, steps of the sampler, and places looked at on a segment."""
STAGES = ((6, 10), (3, 20), (1, 50))
"""How many starts go on for how many passes: those that fall behind are given up."""
TIDINESS = 0.5
"""The price of length in the latent: many latents are decoded alike, and loops gain nothing."""
RATE = 0.08
BULGES = (0.7, 1.5)
"""Height of the bends among the starts, in units of the larger norm of the ends (at least 1)."""
ASIDE = 2
"""Directions in which the starts are bent, in more than two dimensions; both signs of each."""
JUDGE_STEPS, JUDGE_POINTS = 50, 500
"""What finished paths are compared by."""
REFINED, LEAST_REFINED = 2, 1000
"""To space points evenly: how many times as many are decoded, and at least so many."""
SLACK = 1.25
"""Paths that cost at most this many times the cheapest are compared by their share off the data."""


@dataclass(frozen=True)
class Bend:
    """A path as its deviation from the straight line: sum_k c_k sin(k pi s) / sqrt(k).

    ``coefficients`` (K, D) for states of D numbers. The root lets a descent move high waves more
    slowly.
    """

    start: Tensor
    end: Tensor
    coefficients: Tensor

    def __call__(self, positions: Tensor) -> Tensor:
        """Latents (N, ...) at ``positions`` (N,) in [0, 1]."""
        bend = waves(positions, len(self.coefficients)) @ self.coefficients
        latents = linear(self.start, self.end, positions) + bend.view(-1, *self.start.shape)
        latents[positions == 0] = self.start
        latents[positions == 1] = self.end
        return latents


@torch.enable_grad()
def search(
    denoiser: Denoiser,
    schedule: Schedule,
    start: Tensor,
    end: Tensor,
    terrain: Terrain,
    *,
    seed: int = 0,
) -> Generator[Improvement | None, None, Geodesic]:
    """Look for the geodesic between the latents ``start`` and ``end`` (...).

    An item costs at most one evaluation of the denoiser, or the gradient of one pass; it is an
    ``Improvement`` when a pass has found a better path. Several starts are tried: the simple paths
    and bends to both sides of the line (in more than two dimensions along directions drawn from
    ``seed``). Raises ``ValueError`` for endpoints that are not finite or differ in shape.
    """
    make_curve("linear", start, end)  # refuses what no path can have
    if torch.equal(start, end):
        return Geodesic(lambda s: linear(start, end, s), [], terrain.off_data(start[None]), 0)
    descent = _Descent(denoiser, schedule, start, end, terrain)
    total = sum(passes for _, passes in STAGES)
    best = _Best()
    energies: list[float] = []

    def improvement(frames: list[Frame], energy: Tensor) -> Improvement:
        rows = _one_of(frames, int(energy.argmin()))
        curve = Bend(start, end, best.bend)
        return Improvement(len(energies), total, best.energy, curve, rows)

    simple = descent.simple_starts(seed)
    frames = yield from _without_gradient(descent.decode(simple))
    energy = descent.energy(frames)
    if not best.takes(energy, simple):
        raise ValueError(
            "no path between the endpoints leads to finite states: this network has learned "
            "nothing usable"
        )
    yield improvement(frames, energy)
    routed = yield from descent.routed_starts(seed)
    bends = torch.cat([simple, *routed])
    energy = descent.energy((yield from _without_gradient(descent.decode(bends))))
    for kept, passes in STAGES:
        # Each start goes on from the best that it has come to.
        bends = bends[energy.argsort()[:kept].to(bends.device)].requires_grad_(True)
        best_bends, best_energy = bends.detach().clone(), torch.full((kept,), math.inf)
        adam = torch.optim.Adam([bends], betas=(0.8, 0.95))
        for _ in range(passes):
            frames = yield from descent.decode(bends)
            energy = descent.energy(frames)
            better = energy.detach().cpu() < best_energy
            best_energy = torch.where(better, energy.detach().cpu(), best_energy)
            best_bends[better] = bends.detach()[better]
            if best.takes(energy, bends):
                yield improvement(frames, energy)
            energies.append(best.energy)
            share = len(energies) / total
            adam.param_groups[0]["lr"] = RATE * (1.05 + 0.95 * math.cos(math.pi * share)) / 2
            (bends.grad,) = torch.autograd.grad(energy.sum(), bends)
            yield None
            adam.step()
        bends, energy = best_bends, best_energy
    found = Bend(start, end, best.bend)
    curves: list[Curve] = [found, *_simple_paths(start, end, seed)]
    curve, off_data = yield from _best_on_data(denoiser, schedule, terrain, curves, start)
    return Geodesic(curve, energies, off_data, found.coefficients.numel())


def find_geodesic(
    denoiser: Denoiser,
    schedule: Schedule,
    start: Tensor,
    end: Tensor,
    data: ArrayLike | Tensor,
    *,
    points: int = 500,
    seed: int = 0,
) -> Tensor:
    """``search`` and ``evenly_decoded`` in one go: ``points`` latents (N, ...), the ends included.

    ``data`` (M, ...) are points of the data set, in the units of the states: they say where a path
    should not lead. Raises ``ValueError`` as the two do. Computes on one thread: where others are
    busy as well, two that wait for each other have been seen to take forty times as long.
    """
    work = search_evenly(denoiser, schedule, start, end, Terrain(data), points, seed=seed)
    with one_thread():
        return finish(work)[1]


def search_evenly(
    denoiser: Denoiser,
    schedule: Schedule,
    start: Tensor,
    end: Tensor,
    terrain: Terrain,
    points: int,
    *,
    seed: int = 0,
) -> Generator[Improvement | None, None, tuple[Geodesic, Tensor]]:
    """``search``, then ``points`` latents (N, ...) of what it has found, evenly decoded."""
    found = yield from search(denoiser, schedule, start, end, terrain, seed=seed)
    return found, (yield from evenly_decoded(denoiser, schedule, found.curve, points, start))


class _Descent:
    """The energy of bends (S, K, D) between two latents, with its gradient."""

    def __init__(
        self, denoiser: Denoiser, schedule: Schedule, start: Tensor, end: Tensor, terrain: Terrain
    ) -> None:
        self._denoiser, self._schedule, self._terrain = denoiser, schedule, terrain
        self._start, self._end = start, end
        self._positions = positions_like(POINTS, start)
        self._line = linear(start, end, self._positions)
        self._waves = waves(self._positions, HARMONICS)
        self._times = sampler_times(schedule.timesteps, min(STEPS, schedule.timesteps))

    def simple_starts(self, seed: int) -> Tensor:
        """Bends (S, K, D) of the simple paths, and bulges to either side of the line."""
        simple = _simple_paths(self._start, self._end, seed)
        bends = [self._bend(curve(self._positions)) for curve in simple]
        return torch.stack(bends + _bulges(self._start, self._end, seed))

    def routed_starts(self, seed: int) -> Generator[None, None, list[Tensor]]:
        """Bends (1, K, D) of the best route on a roadmap; none in many dimensions."""
        if self._start.numel() > MOST_DIMENSIONS:
            return []
        start, end = self._start.flatten(), self._end.flatten()
        chain = yield from route(self._ends_of, start, end, self._terrain, seed)
        if not float((chain[1:] - chain[:-1]).norm()):
            return []
        shares = self._positions.cpu().double().numpy()
        latents = torch.from_numpy(at_shares(chain.cpu().double().numpy(), shares))
        latents = latents.to(chain.dtype).to(chain.device)
        return [self._bend(latents.view(self._line.shape))[None]]

    def _bend(self, latents: Tensor) -> Tensor:
        """The coefficients (K, D) nearest to a path (P, ...)."""
        deviation = (latents - self._line).flatten(1)
        solved: Tensor = torch.linalg.pinv(self._waves) @ deviation
        return solved

    def decode(self, bends: Tensor) -> Generator[None, None, list[Frame]]:
        """The states (S * POINTS, ...) of the paths on their way to the data."""
        bent = (self._waves @ bends).view(-1, *self._line.shape)
        return self._carried((self._line + bent).flatten(0, 1))

    def _ends_of(self, latents: Tensor) -> Generator[None, None, Tensor]:
        frames = yield from self._carried(latents.view(-1, *self._start.shape))
        return frames[-1].x.flatten(1)

    def _carried(self, x: Tensor) -> Generator[None, None, list[Frame]]:
        return carried(self._denoiser.predict, self._schedule, self._times, x)

    def energy(self, frames: list[Frame]) -> Tensor:
        """The weighted decoded length of each path and a little of its length in the latent, (S,).

        Infinite where states are not finite.
        """
        latents = frames[0].x.view(-1, *self._line.shape).flatten(2)
        way = (latents[:, 1:] - latents[:, :-1]).norm(dim=2).sum(1)
        decoded = frames[-1].x.view(-1, *self._line.shape)
        lengths: Tensor = weighted_lengths(decoded, self._terrain, INNER) + TIDINESS * way
        energy: Tensor = lengths.nan_to_num(nan=math.inf, posinf=math.inf)
        return energy


@torch.no_grad()
def _without_gradient(
    work: Generator[None, None, list[Frame]],
) -> Generator[None, None, list[Frame]]:
    # As a generator of its own: a block 'with no_grad' ends at its first yield.
    return (yield from work)


class _Best:
    """The cheapest bend that has been seen."""

    def __init__(self) -> None:
        self.energy = math.inf
        self.bend = torch.empty(0)

    def takes(self, energy: Tensor, bends: Tensor) -> bool:
        """Look at bends (S, K, D) with their energies (S,); whether one is better."""
        energy = energy.detach()
        index = int(energy.argmin())
        if not float(energy[index]) < self.energy:
            return False
        self.energy, self.bend = float(energy[index]), bends[index].detach().clone()
        return True


def _one_of(frames: list[Frame], index: int) -> list[Frame]:
    """The states of one of the paths that were decoded together, without their gradient."""
    rows = slice(index * POINTS, (index + 1) * POINTS)
    return [Frame(f.t, f.x[rows].detach(), f.x0[rows].detach()) for f in frames]


def _simple_paths(start: Tensor, end: Tensor, seed: int) -> list[Curve]:
    """The paths that need no search, on both sides where there are two."""
    rows = [row for row in catalogue.PATHS if row.starts_search]
    straight = [(row.name, SIDES[0]) for row in rows if not row.sided]
    round_trips = [(row.name, side) for row in rows if row.sided for side in SIDES]
    kinds = [*straight, *round_trips]
    return [make_curve(name, start, end, side=side, seed=seed) for name, side in kinds]


def _bulges(start: Tensor, end: Tensor, seed: int) -> list[Tensor]:
    """Bends (K, D) that lead to either side of the line."""
    size = max(1.0, float(start.norm()), float(end.norm()))
    bends = []
    for direction in _aside(start, end, seed):
        for height in BULGES:
            for sign in (1.0, -1.0):
                bend = start.new_zeros(HARMONICS, start.numel())
                bend[0] = sign * height * size * direction.to(start.dtype).to(start.device)
                bends.append(bend)
    return bends


def _aside(start: Tensor, end: Tensor, seed: int) -> list[Tensor]:
    """Unit vectors (D,) at right angles to the line; in the plane there is but one."""
    along = (end - start).flatten().cpu()
    length = float(along.norm())
    along = along / length if length else along
    drawn = draw_latents(seed, ASIDE, start.shape).flatten(1).to(along.dtype)
    if start.numel() <= ASIDE:
        drawn = drawn[: max(1, start.numel() - 1)]
    across = [direction - (direction @ along) * along for direction in drawn]
    return [direction / direction.norm() for direction in across if float(direction.norm()) > 1e-6]


@torch.no_grad()
def _best_on_data(
    denoiser: Denoiser, schedule: Schedule, terrain: Terrain, curves: list[Curve], start: Tensor
) -> Generator[None, None, tuple[Curve, float]]:
    """Of the paths that cost little more than the cheapest, the one with the least off the data.

    All are decoded with more steps and points than in the descent, at equal spacing in the latent.
    Returns the path with its share off the data.
    """
    positions = positions_like(JUDGE_POINTS, start)
    sampler = DDIM(steps=min(JUDGE_STEPS, schedule.timesteps))
    costs, shares = [], []
    for curve in curves:
        for frame in sample(denoiser, schedule, curve(positions), sampler=sampler):  # noqa: B007
            yield None
        finite = bool(torch.isfinite(frame.x).all())
        costs.append(float(weighted_lengths(frame.x[None], terrain, INNER)) if finite else math.inf)
        shares.append(terrain.off_data(frame.x) if finite else 1.0)
    good = [i for i, cost in enumerate(costs) if cost <= SLACK * min(costs)]
    chosen = min(good, key=lambda i: (round(shares[i] * JUDGE_POINTS), costs[i]))
    return curves[chosen], shares[chosen]


@torch.no_grad()
def evenly_decoded(
    denoiser: Denoiser, schedule: Schedule, curve: Curve, points: int, like: Tensor
) -> Generator[None, None, Tensor]:
    """``points`` latents (N, ...) on ``curve`` whose decoded states are evenly spaced.

    Decoded by deterministic DDIM. The positions are found on a finer path and then once more,
    since the decoded length is far from even in the latent. Where the flow tears, the points in
    the gap are as many as the gap is long: no path is both even and on the data there.
    """
    sampler = DDIM(steps=min(JUDGE_STEPS, schedule.timesteps))
    dense = positions_like(max(REFINED * points, LEAST_REFINED), like).cpu().double().numpy()
    dense = yield from respaced(denoiser, schedule, curve, dense, like, sampler)
    kept = np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(dense)), dense)
    return curve(torch.from_numpy(kept).to(like.dtype).to(like.device))
