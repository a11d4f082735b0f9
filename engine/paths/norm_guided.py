"""The path in the plane that is cheapest under -log p(norm), for
``engine.paths.curves.norm_guided``.

With the cost f(r) = -log p(r) of a place with norm r, p the chi density in D dimensions (Samuel et
al. 2023, arXiv 2306.08687), the integral of f |dz| is the length in the metric f(r)^2 |dz|^2. That
metric does not change under rotation, so Clairaut's relation holds on a geodesic: with the weight
of a circle g(r) = r f(r) and the angle phi between path and circle,

    g(r) cos(phi) = c is constant,  so  d theta = c dr / (r sqrt(g^2 - c^2)).

c is chosen so that the path turns by the wanted angle. It may go where g >= c, and turns back where
g = c. One that turns back twice is never the cheapest (the rotations make the second turning point
conjugate to the first). That leaves three families between norms a <= b:

- no turning point, 0 <= c <= the least g between a and b;
- one inwards, below a, where g rises;
- one outwards, beyond b, where g falls.

In one and two dimensions g rises throughout. From three on it rises to a bulge, falls to a neck
just below the most likely norm sqrt(D - 1), and rises again: the circle on the neck is a geodesic
too. A path with a wide angle comes so close to it that floating point cannot tell c from g there.
Such a path keeps a distance of CLOSE and rests there, on a circle, for the angle that is left.

With the excess e = g - c, g^2 - c^2 = e (e + 2 c). Everything is integrated from the place where e
is small, its rise from there written without cancellation, over v with r = place +- s sinh(v)^2:
that takes away the root at a turning point and spreads what lies close to one over log(r - place).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq
from scipy.special import expit, lambertw

Array = NDArray[np.float64]
Chain = NDArray[np.float64]

POINTS = 257
CLOSE = 1e-6
"""Distance to the neck, of the most likely norm, within which a path is taken to be on it."""
NEGLIGIBLE = 1e-9
"""Of the larger norm: a smaller one is taken to be at the origin, where all directions meet."""
STRAIGHT = 1e-6
"""Angle in radians below which the cheapest path is the straight line."""
VAST = 1e6
"""Of the most likely norm: beyond it f is r^2 / 2, and the path only grows with its ends."""
SEARCHED = 40
"""Members of a family that are looked at for changes of sign."""
FLATTEST, NEAREST, CENTRE = -40.0, 34.0, -20.0
"""Ends of the families in x: expit(-40) of the least g is the c of a ray, 1 - expit(34) is the
precision of a float, and a turning point at expit(-20) of the inner norm is taken to be the origin,
which only opposite ends in D = 1 reach."""
KNOTS = 128
"""Knots of the curve on each half of a leg and on the circle where it rests."""
TINY = 1e-300
"""Takes the place of 0 in a divisor."""


class Weight:
    """g(r) = r f(r), the weight of the circle of norm r, with D = ``dimension``."""

    def __init__(self, dimension: int) -> None:
        n = self.n = dimension - 1
        self.unit = math.sqrt(max(n, 1))
        self.constant = (dimension / 2 - 1) * math.log(2) + math.lgamma(dimension / 2)
        self.bulge = self.neck = math.inf
        """Norms of the local maximum and minimum of g; infinite where it has none."""
        # g' = 3 r^2 / 2 - n log r + C - n vanishes where y exp(y) = at, with y = -3 r^2 / n.
        at = -3 / n * math.exp(2 * self.constant / n - 2) if n else -math.inf
        if at > -1 / math.e:
            self.bulge, self.neck = (math.sqrt(-n / 3 * lambertw(at, k).real) for k in (0, -1))

    def __call__(self, r: Array | float) -> Array:
        return r * self.cost(r)

    def cost(self, r: Array | float) -> Array:
        """f = -log p(r) = r^2 / 2 - (D - 1) log r + log(2^(D/2 - 1) Gamma(D/2))."""
        return np.asarray(r**2 / 2 - self.n * np.log(r) + self.constant)

    def slope(self, r: Array | float) -> Array:
        return np.asarray(self.cost(r) + r**2 - self.n)

    def bend(self, r: Array | float) -> Array:
        return np.asarray(3 * r - self.n / r)

    def rise(self, r: Array | float, t: Array) -> Array:
        """g(r + t) - g(r), precise for small t as well."""
        x = t / r
        bent = (3 * r + t) * t**2 / 2 - self.n * r * ((1 + x) * np.log1p(x) - x)
        return np.asarray(self.slope(r) * t + bent)


class Course(NamedTuple):
    """Geodesics (X) by their stops (S), the ends and what lies between them where g - c is least.

    ``c`` (X,) is Clairaut's constant, ``norms`` and ``excess`` (S, X) are r and g - c at the stops,
    ``rest`` is the stop at which the path may stay on the circle.
    """

    c: Array
    norms: Array
    excess: Array
    rest: int


class Family(NamedTuple):
    """Courses by a number x between ``last``, the one that turns furthest, and ``other``."""

    course: Callable[[Array], Course]
    last: float
    other: float
    searched: int


class Halves(NamedTuple):
    """Each leg between two stops from both of them to its middle: (H, X), H = 2 (S - 1).

    On a half r = norm + sign scale sinh(v)^2 for v from 0 to reach.
    """

    norm: Array
    excess: Array
    sign: Array
    scale: Array
    reach: Array

    @classmethod
    def of(cls, weight: Weight, course: Course) -> Halves:
        norm, excess = (
            np.stack([stops[:-1], stops[1:]], axis=1).reshape(-1, stops.shape[1])
            for stops in (course.norms, course.excess)
        )
        step = np.diff(course.norms, axis=0)
        sign = np.stack([np.sign(step), -np.sign(step)], axis=1).reshape(norm.shape)
        length = np.repeat(np.abs(step) / 2, 2, axis=0)
        # The scale is the distance to the nearest zero of g - c, that at the stop itself left out,
        # by the parabola e + slope t + bend t^2 / 2, or of r.
        slope, bend = np.abs(weight.slope(norm)), np.abs(weight.bend(norm)) + TINY
        inside = slope**2 - 2 * bend * excess
        nearest = np.where(
            inside >= 0,
            2 * excess / (slope + np.sqrt(np.maximum(inside, 0)) + TINY),
            np.sqrt(2 * excess / bend),
        )
        nearest = np.where(excess > 0, nearest, 2 * slope / bend)
        scale = np.clip(np.minimum(nearest, norm), 1e-16 * length + TINY, length + TINY)
        return cls(norm, excess, sign, scale, np.arcsinh(np.sqrt(length / scale)))

    def at(self, weight: Weight, c: Array, v: Array) -> tuple[Array, Array, Array]:
        """r, g and sqrt(g^2 - c^2) at ``v`` (H, X, V)."""
        step = (self.sign * self.scale)[..., None] * np.sinh(v) ** 2
        norm = self.norm[..., None]
        excess = np.maximum(self.excess[..., None] + weight.rise(norm, step), 1e-30 * c[:, None])
        return norm + step, c[:, None] + excess, np.sqrt(excess * (excess + 2 * c[:, None]))


@lru_cache(maxsize=32)
def cheapest_arc(first: float, last: float, angle: float, dimension: int) -> Chain:
    """The cheapest chain (POINTS, 2) from (first, 0) to last (cos angle, sin angle), turning left.

    ``first`` and ``last`` are norms, ``angle`` is between 0 and pi, ``dimension`` D is that of the
    whole space. The points are spread evenly over length and bend together.
    """
    chain: Chain
    goal = np.array([last * math.cos(angle), last * math.sin(angle)])
    weight = Weight(dimension)
    a, b = sorted((first, last))
    grown = max(b / (VAST * weight.unit), 1.0)
    a, b = a / grown, b / grown
    if angle < STRAIGHT or a <= max(NEGLIGIBLE * b, TINY / NEGLIGIBLE):
        s = np.linspace(0.0, 1.0, POINTS)[:, None]
        chain = (1 - s) * np.array([first, 0.0]) + s * goal
    else:
        z = grown * _curve(weight, *_cheapest(weight, a, b, angle), angle)
        if first > last:
            z = np.exp(1j * angle) * z[::-1].conj()
        chain = np.stack([z.real, z.imag], axis=1)
    chain[0], chain[-1] = (first, 0.0), goal
    chain.setflags(write=False)
    return chain


def _cheapest(weight: Weight, a: float, b: float, angle: float) -> tuple[Course, float]:
    """The course that costs least from norm ``a`` <= ``b``, and the angle for which it rests."""
    # Far ends and a turning point near the origin lie many e-folds apart.
    panels = 10 + int(math.log(b / a))
    best, least = None, math.inf
    for family in _families(weight, a, b):

        def missing(x: Array | float, family: Family = family) -> Array:
            course = family.course(np.atleast_1d(x))
            return np.asarray(angle - _integrals(weight, course, panels)[0].sum(axis=(0, 2)))

        grid = np.linspace(family.last, family.other, family.searched)
        left = missing(grid)
        found = [
            (_root(lambda x: float(missing(x)[0]), grid[k], grid[k + 1]), 0.0)
            for k in np.flatnonzero(np.signbit(left[1:]) != np.signbit(left[:-1]))
        ]
        if left[0] >= 0:
            found.append((family.last, float(left[0])))
        for x, rest in found:
            course = family.course(np.array([x]))
            cost = float(_integrals(weight, course, panels)[2].sum())
            cost += rest * float(weight(course.norms[course.rest, 0]))
            if cost < least:
                best, least = (course, rest), cost
    assert best is not None  # without turning point there always is one
    return best


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where ``function`` is 0; the end nearest to it where rounding took away a change of sign."""
    at_low, at_high = function(low), function(high)
    if at_low * at_high >= 0:
        return low if abs(at_low) < abs(at_high) else high
    return float(brentq(function, low, high, xtol=1e-12))


def _families(weight: Weight, a: float, b: float) -> Iterator[Family]:
    """The families of geodesics between norms ``a`` <= ``b``."""
    neck, bulge, close = weight.neck, weight.bulge, CLOSE * weight.unit
    stops = np.array([a, neck, b] if a < neck < b else [a, b])
    lowest = int(np.argmin(weight.rise(stops[0], stops - stops[0])))
    level = float(weight(stops[lowest]))
    above = np.maximum(weight.rise(stops[lowest], stops - stops[lowest]), 0)

    def straight(x: Array) -> Course:
        norms = stops[:, None] + np.zeros_like(x)
        excess = above[:, None] + level * expit(-x)
        return Course(level * expit(x), norms, excess, lowest)

    def turning(limit: float, near: float) -> Callable[[Array], Course]:
        def course(x: Array) -> Course:
            norm = limit + (near - limit) * expit(x)
            norms = np.stack([np.full_like(x, a), norm, *(np.full_like(x, r) for r in stops[1:])])
            excess = np.maximum(weight.rise(norm, norms - norm), 0)
            return Course(weight(norm), norms, excess, 1)

        return course

    nearest = NEAREST
    if stops[lowest] == neck:
        # As far from c as a turning point at the distance ``close``.
        nearest = math.log(2 * level / (float(weight.bend(neck)) * close**2))
    # The angle falls from one end to the other here; in the other families it may rise and fall.
    yield Family(straight, nearest, FLATTEST, 2)
    # Turning back further in, after a stop lighter than a, is possible too but never the cheapest:
    # a wide enumeration found none.
    if a <= min(bulge, neck) and lowest == 0:
        yield Family(turning(0.0, a), CENTRE, NEAREST, SEARCHED)
    if a > neck + 2 * close:
        yield Family(turning(neck, a), math.log(close / (a - neck)), NEAREST, SEARCHED)
    if b < neck - 2 * close < math.inf and level > weight(neck):
        # It turns back where g falls, below the least g between the ends.
        near = b
        if lowest == 0 or b < bulge:
            near = _root(lambda r: float(weight(r)) - level, max(b, bulge), neck)
        if near < neck - 2 * close:
            yield Family(turning(neck, near), math.log(close / (neck - near)), NEAREST, SEARCHED)


@lru_cache(maxsize=32)
def _rule(panels: int) -> tuple[Array, Array]:
    """Nodes in [0, 1] and weights (panels * 8,) of Gauss' rule on each of ``panels``."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    at = (np.arange(panels)[:, None] + (nodes + 1) / 2) / panels
    return at.ravel(), np.tile(weights / (2 * panels), panels)


def _integrals(weight: Weight, course: Course, panels: int) -> Array:
    """Angle, Euclidean length and cost of each panel of each half: (3, H, X, panels)."""
    halves = Halves.of(weight, course)
    nodes, weights = _rule(panels)
    v = halves.reach[..., None] * nodes
    r, g, root = halves.at(weight, course.c, v)
    step = (halves.scale * halves.reach)[..., None] * np.sinh(2 * v) * weights / root
    parts = np.stack([course.c[:, None] / r * step, g * step, g * g / r * step])
    return np.asarray(parts.reshape(*parts.shape[:-1], panels, -1).sum(axis=-1))


def _curve(weight: Weight, course: Course, rest: float, angle: float) -> NDArray[np.complex128]:
    """Points (POINTS,) along one ``course`` that stays on a circle for the angle ``rest``."""
    halves = Halves.of(weight, course)
    turns, lengths, _ = _integrals(weight, course, KNOTS)[:, :, 0]
    v = halves.reach[..., None] * np.linspace(0.0, 1.0, KNOTS + 1)
    r, g, root = (part[:, 0] for part in halves.at(weight, course.c, v))
    along, outwards = course.c / g, halves.sign * root / g
    # The second half of a leg was integrated against the direction of the path.
    for part in (turns, lengths, r, along, outwards):
        part[1::2] = part[1::2, ::-1].copy()
    outwards[1::2] *= -1
    turns, lengths = (np.pad(part, ((0, 0), (1, 0))) for part in (turns, lengths))
    pieces = list(np.stack([turns, lengths, r, along, outwards], axis=1))
    if rest:
        ones, norm = np.ones(KNOTS), float(course.norms[course.rest, 0])
        arc = rest / len(ones) * ones
        pieces.insert(2 * course.rest, np.stack([arc, norm * arc, norm * ones, ones, 0 * ones]))
    turn, length, r, along, outwards = np.concatenate(pieces, axis=1)
    theta, length = np.cumsum(turn), np.cumsum(length)
    theta *= angle / theta[-1]
    kept = np.diff(length, prepend=-1.0) > 1e-9 * length[-1]
    theta, length, r, along, outwards = (part[kept] for part in (theta, length, r, along, outwards))
    ray = np.exp(1j * theta)
    curve = CubicHermiteSpline(length, r * ray, (outwards + 1j * along) * ray)
    bend = np.cumsum(np.abs(np.diff(theta + np.arctan2(along, outwards), prepend=theta[0])))
    bend -= bend[0]
    evenly = length / length[-1] + bend / max(bend[-1], 1e-3)
    at = np.interp(np.linspace(0.0, evenly[-1], POINTS), evenly, length)
    return np.asarray(curve(at))
