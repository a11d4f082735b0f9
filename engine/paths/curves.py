"""Paths of latents between two endpoints, each a named function of ends and positions.

Every function takes ``start`` and ``end`` (...) of any one shape and ``positions`` (N,) in [0, 1],
and gives latents (N, ...) in the type and on the device of ``start``. The first and the last are
the endpoints to the bit where positions are 0 and 1. Nothing here knows a denoiser: the geodesic,
which does, is in ``engine.paths.geodesic_points``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from engine.diffusion.noise import draw_latents
from engine.paths.norm_guided import cheapest_arc
from engine.shared import catalogue
from engine.shared.config import (
    MAX_POINTS,
    MAX_WAY_POINTS,
    SIDES,
    Side,
    require_between,
    require_choice,
)
from engine.shared.polyline import at_shares, lengths_along

Curve = Callable[[Tensor], Tensor]
"""Positions (N,) in [0, 1] to latents (N, ...)."""

PARALLEL = 1e-6
"""Sine of the angle below which two directions are taken to be the same, or opposite."""


def linear(start: Tensor, end: Tensor, positions: Tensor) -> Tensor:
    """(1 - s) start + s end for each position s in [0, 1]; (N, ...)."""
    s = _along(positions, start)
    # In this form both ends are met to the bit.
    return (1 - s) * start + s * end


def spherical(
    start: Tensor,
    end: Tensor,
    positions: Tensor,
    *,
    side: Side = "left",
    through: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """Slerp: the direction turns evenly along the shorter great circle, the norm goes evenly too.

    z(s) = ((1 - s) |A| + s |B|) (sin((1 - s) w) a + sin(s w) b) / sin(w), with the unit vectors
    a, b and the angle w between them (Shoemake 1985), (N, ...).

    Opposite endpoints have many great circles. In the plane ``side`` chooses one, seen from
    ``start`` towards ``end``; in more dimensions the one on the side of the point ``through``
    (...), or else of a direction drawn from ``seed``. An endpoint at the origin has no direction
    and takes the other's: the path is the straight ray between them. Equal endpoints give that
    point at every position. Raises ``ValueError`` where ``through`` lies on the line of opposite
    endpoints.
    """
    plane = _Plane.between(start, end, side, through, seed)
    s = positions.cpu().double()
    first, last = plane.norms
    radius = (1 - s) * first + s * last
    angle = s * plane.angle
    return plane.latents(radius * angle.cos(), radius * angle.sin(), positions)


def prior_preserving(start: Tensor, end: Tensor, positions: Tensor) -> Tensor:
    """((1 - s) A + s B) / sqrt((1 - s)^2 + s^2), (N, ...): Bodin et al. 2024 (arXiv 2408.08558).

    For independent endpoints drawn from N(0, I) every point is distributed as N(0, I): variances
    add. It says nothing about a given pair: between opposite ends of equal norm it passes through
    the origin, and between equal ends it goes out to sqrt(2) times their norm and back.
    """
    s = _along(positions, start)
    return ((1 - s) * start + s * end) / ((1 - s) ** 2 + s**2).sqrt()


def norm_guided(
    start: Tensor,
    end: Tensor,
    positions: Tensor,
    *,
    side: Side = "left",
    through: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """The path with the least integral of -log p(|z|) |dz|, (N, ...), at equal steps of length.

    p is the density of the norm of N(0, I), the chi distribution (Samuel et al. 2023, arXiv
    2306.08687, equation 3). The cost knows the norm alone, so the path lies in the plane of the
    origin and the endpoints; opposite endpoints, an endpoint at the origin and equal endpoints as
    in ``spherical``.
    """
    plane = _Plane.between(start, end, side, through, seed)
    first, last = plane.norms
    chain = cheapest_arc(first, last, plane.angle, start.numel())
    s = positions.cpu().double().numpy()
    x, y = torch.from_numpy(at_shares(chain, s)).T
    return plane.latents(x, y, positions)


def drawn(start: Tensor, end: Tensor, positions: Tensor, *, through: Tensor | None) -> Tensor:
    """A smooth curve from ``start`` through the points ``through`` (M, ...) to ``end``, (N, ...).

    The natural cubic spline over the root of the chords' lengths (centripetal, which makes no
    loops: Lee 1989), at equal steps of length. Without way-points it is the straight line.
    Points that repeat their neighbour are passed once.
    """
    between = [] if through is None else list(through)
    if len(between) > MAX_WAY_POINTS:
        raise ValueError(f"a path has at most {MAX_WAY_POINTS} way-points, got {len(between)}")
    for point in between:
        if point.shape != start.shape:
            raise ValueError(
                f"way-points must have shape {tuple(start.shape)}, got {tuple(point.shape)}"
            )
    flat = torch.stack([start, *between, end]).reshape(len(between) + 2, -1)
    knots = flat.cpu().double().numpy()
    chords = np.linalg.norm(np.diff(knots, axis=0), axis=1)
    knots = knots[np.concatenate([[True], chords > 0])]
    if len(knots) < 3:
        return linear(start, end, positions)
    at = np.concatenate([[0.0], np.cumsum(chords[chords > 0] ** 0.5)])
    curve = CubicSpline(at, knots, bc_type="natural")
    dense = np.linspace(0.0, at[-1], 64 * len(knots) + 1)
    along = lengths_along(curve(dense))
    s = positions.cpu().double().numpy()
    latents = curve(np.interp(s * along[-1], along, dense)).reshape(len(s), *start.shape)
    return _meet_ends(torch.from_numpy(latents), start, end, positions)


def make_curve(
    name: str,
    start: Tensor,
    end: Tensor,
    *,
    side: str = "left",
    through: Tensor | None = None,
    seed: int = 0,
) -> Curve:
    """The path ``name`` between ``start`` and ``end`` (...), as a function of positions.

    ``through`` (M, ...) are the way-points of 'drawn'; for 'spherical' and 'norm-guided' its first
    point chooses the side between opposite endpoints in more than two dimensions. Raises
    ``ValueError`` for an unknown path or side, and for endpoints that are not finite or differ in
    shape. 'geodesic' is refused: it needs a denoiser.
    """
    row = catalogue.path(name)
    require_choice("side", side, SIDES, ())
    if row.searched:
        raise ValueError(f"the path {name!r} is found by a search, which needs a denoiser")
    points = [("start", start), ("end", end)]
    points += [] if through is None else [("way-point", point) for point in through]
    for what, point in points:
        if not bool(torch.isfinite(point).all()):
            raise ValueError(f"the path's {what} must be finite, got {point.tolist()}")
    if start.shape != end.shape:
        raise ValueError(
            f"the path's ends differ in shape: {tuple(start.shape)} and {tuple(end.shape)}"
        )
    curve: Callable[..., Tensor] = globals()[row.curve]
    heeded: dict[str, Any] = {}
    if row.sided:
        third = None if through is None or len(through) == 0 else through[0]
        heeded = {"side": side, "through": third, "seed": seed}
    elif row.way_points:
        heeded = {"through": through}
    return lambda s: curve(start, end, s, **heeded)


def positions_like(points: int, start: Tensor) -> Tensor:
    """``points`` even positions from 0 to 1 in the type and on the device of ``start``."""
    require_between("number of points", points, 2, MAX_POINTS)
    return torch.linspace(0, 1, points, dtype=start.dtype, device=start.device)


def make_path(
    name: str,
    start: Tensor,
    end: Tensor,
    points: int,
    *,
    side: str = "left",
    through: Tensor | None = None,
    seed: int = 0,
) -> Tensor:
    """``points`` latents along ``make_curve``, (N, ...); raises ``ValueError`` as it does."""
    positions = positions_like(points, start)
    return make_curve(name, start, end, side=side, through=through, seed=seed)(positions)


class _Plane:
    """The plane of the origin and two endpoints: the first axis points to the start.

    In it the start is (|A|, 0) and the end |B| (cos w, sin w), 0 <= w <= pi.
    """

    def __init__(
        self, start: Tensor, end: Tensor, axes: tuple[Tensor, Tensor], angle: float
    ) -> None:
        self._start, self._end = start, end
        self._axes = axes
        self.angle = angle
        self.norms = _norm(start), _norm(end)

    @classmethod
    def between(
        cls, start: Tensor, end: Tensor, side: Side, through: Tensor | None, seed: int
    ) -> _Plane:
        a, b = (point.cpu().double().flatten() for point in (start, end))
        if not float(a.norm()):
            a = b  # no direction of its own: the other's
        if not float(b.norm()):
            b = a
        if not float(a.norm()):
            return cls(start, end, (a, a), 0.0)
        a, b = a / a.norm(), b / b.norm()
        across = b - (a @ b) * a
        sine, cosine = float(across.norm()), float(a @ b)
        if sine > PARALLEL:
            return cls(start, end, (a, across / sine), math.atan2(sine, cosine))
        if cosine > 0:
            return cls(start, end, (a, torch.zeros_like(a)), 0.0)
        aside = _aside(a, start.shape, side, through, seed)
        return cls(start, end, (a, aside), math.pi)

    def latents(self, x: Tensor, y: Tensor, positions: Tensor) -> Tensor:
        """Points (N,), (N,) of the plane as latents (N, ...)."""
        flat = x[:, None] * self._axes[0] + y[:, None] * self._axes[1]
        latents = flat.reshape(len(x), *self._start.shape)
        return _meet_ends(latents, self._start, self._end, positions)


def _aside(a: Tensor, shape: torch.Size, side: Side, through: Tensor | None, seed: int) -> Tensor:
    """The unit vector at right angles to ``a`` on whose side a half circle from a to -a goes."""
    if a.numel() == 1:
        raise ValueError("opposite endpoints of one dimension have no great circle between them")
    if a.numel() == 2:
        x, y = a.tolist()
        # Seen from a towards -a, that is along -a, whose left is (y, -x).
        left = a.new_tensor([y, -x])
        return left if side == "left" else -left
    if through is not None:
        candidates = through.cpu().double().flatten()[None]
        what = "the point that the path goes through"
    else:
        # Two, since the endpoint may itself be the first draw of that seed.
        candidates = draw_latents(seed, 2, shape).to(torch.float64).flatten(1)
        what = f"the direction drawn from seed {seed}"
    for candidate in candidates:
        towards: Tensor = candidate - (a @ candidate) * a
        if float(towards.norm()) > PARALLEL:
            unit: Tensor = towards / towards.norm()
            return unit
    raise ValueError(f"{what} lies on the line of the opposite endpoints and chooses no side")


def _meet_ends(latents: Tensor, start: Tensor, end: Tensor, positions: Tensor) -> Tensor:
    """In the type and on the device of ``start``, with the ends as they were given."""
    latents = latents.to(start.dtype).to(start.device)
    latents[positions == 0] = start
    latents[positions == 1] = end
    return latents


def _along(positions: Tensor, like: Tensor) -> Tensor:
    return positions.view(-1, *([1] * like.ndim))


def _norm(point: Tensor) -> float:
    return float(point.cpu().double().norm())


catalogue.require_made(
    globals(), [row for row in catalogue.PATHS if not row.searched], lambda row: row.curve
)
