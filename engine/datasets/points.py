"""Two-dimensional data sets: seeded, standardised, with the transform kept.

Three ways to draw from a set, because quality is measured against more than one of them:

* ``load``: the training set, as the exercise fixes it (components in order, moons on a grid);
* ``reference_draws``: many random points with exact component counts, to compare with;
* ``fresh_draws``: independent draws, component included, which give a metric its floor.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.shared import catalogue
from engine.shared.config import MAX_POINTS, require_between, require_choice

Points = NDArray[np.float64]
Draw = Literal["exercise", "balanced", "independent"]

EXERCISE_SIZE = 8000


@dataclass(frozen=True)
class Standardisation:
    """x_standardised = (x - mean) / std, for each coordinate or channel.

    ``mean`` and ``std`` have shape (D,), of images (C, 1, 1).
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def of(cls, raw: Points) -> Standardisation:
        """The transform that gives ``raw`` (n, D) zero mean and unit deviation."""
        return cls(raw.mean(axis=0), raw.std(axis=0))

    @classmethod
    def by_channel(cls, mean: ArrayLike, std: ArrayLike, shape: Sequence[int]) -> Standardisation:
        """For states of ``shape`` (C, ...), with a mean and a deviation for each of C."""
        axes = (-1, *[1] * (len(shape) - 1))
        return cls(
            np.asarray(mean, np.float64).reshape(axes), np.asarray(std, np.float64).reshape(axes)
        )

    def apply(self, raw: ArrayLike) -> NDArray[np.float32]:
        """Original to standardised units, (..., D) to float32 (..., D)."""
        return ((np.asarray(raw, np.float64) - self.mean) / self.std).astype(np.float32)

    def undo(self, points: ArrayLike) -> NDArray[np.float64]:
        """Standardised to original units, (..., D) to float64 (..., D)."""
        return np.asarray(points, np.float64) * self.std + self.mean


@dataclass(frozen=True)
class PointSet:
    """A training set: ``points`` float32 (n, 2) in standardised units, and how it was made."""

    name: str
    points: NDArray[np.float32]
    transform: Standardisation
    seed: int


def _components(n: int, kinds: int, rng: np.random.Generator, draw: Draw) -> NDArray[np.intp]:
    """Which component each point belongs to: exact counts, in order, or independent draws."""
    if draw == "independent":
        return rng.integers(0, kinds, n).astype(np.intp)
    return np.sort(np.arange(n) % kinds).astype(np.intp)


def v(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """Two arms of a V, each a blurred line."""
    arm = _components(n, 2, rng, draw)
    tips = np.array([[2.0, 3.0], [-2.0, 3.0]])
    along = rng.uniform(0.0, 1.0, (n, 1))
    return np.asarray(along * tips[arm] + rng.normal(0.0, 0.1, (n, 2)))


def gaussians8(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """Eight Gaussians on a circle and on the square within it."""
    centres = 4.0 * np.array(
        [[0, 1], [1, 0], [0, -1], [-1, 0], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5], [-0.5, -0.5]]
    )
    return centres[_components(n, 8, rng, draw)] + rng.normal(0.0, 0.1, (n, 2))


def moons(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """scikit-learn's make_moons without noise, the outer moon first."""
    moon = _components(n, 2, rng, draw)
    if draw == "exercise":
        outer = n // 2
        moon = np.repeat([0, 1], [outer, n - outer])
        angle = np.concatenate([np.linspace(0, np.pi, outer), np.linspace(0, np.pi, n - outer)])
    else:
        angle = rng.uniform(0.0, np.pi, n)
    outer_moon = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner_moon = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(moon[:, None] == 0, outer_moon, inner_moon)


def spiral(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """A spiral of nearly two turns."""
    # The root spreads the points evenly along the curve, whose length grows as angle squared.
    angle = 3.5 * np.pi * np.sqrt(rng.uniform(0.02, 1.0, n))
    curve = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)
    return curve + rng.normal(0.0, 0.25, (n, 2))


def rings(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """Two rings, one in the other."""
    ring = _components(n, 2, rng, draw)
    radius = np.array([1.0, 2.2])[ring] + rng.normal(0.0, 0.05, n)
    angle = rng.uniform(0.0, 2 * np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def checkerboard(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """The eight dark squares of a board of four by four unit squares."""
    dark = np.array([(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0], float)
    corner = dark[_components(n, 8, rng, draw)] - 2.0
    return corner + rng.uniform(0.0, 1.0, (n, 2))


def s_curve(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """The S of scikit-learn's make_s_curve, seen from its open side."""
    t = 3 * np.pi * (rng.uniform(0.0, 1.0, n) - 0.5)
    curve = np.stack([np.sin(t), np.sign(t) * (np.cos(t) - 1)], axis=1)
    return curve + rng.normal(0.0, 0.05, (n, 2))


def pinwheel(n: int, rng: np.random.Generator, draw: Draw) -> Points:
    """Five bent blades (Johnson et al. 2016, 'Composing graphical models with neural networks')."""
    blades = 5
    blade = _components(n, blades, rng, draw)
    stretched = rng.normal(0.0, 1.0, (n, 2)) * [0.3, 0.1] + [1.0, 0.0]
    angle = 2 * np.pi * blade / blades + 0.25 * np.exp(stretched[:, 0])
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = stretched.T
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)


catalogue.require_made(globals(), catalogue.point_sets(), lambda row: row.generator)


def _raw(name: str, n: int, seed: int, draw: Draw) -> Points:
    known = {row.name: row for row in catalogue.point_sets()}
    if name in catalogue.names(catalogue.DATA_SETS) and name not in known:
        raise ValueError(f"the data set {name!r} has images, not points")
    require_choice("data set", name, tuple(known), ())
    require_between("number of points", n, 2, MAX_POINTS)
    require_between("seed", seed, 0, 2**63 - 1)
    # The draw is part of the key: a fresh set must not repeat the training set's points.
    key = [seed, zlib.crc32(f"{name}/{draw}".encode())]
    made: Points = globals()[known[name].generator](n, np.random.default_rng(key), draw)
    return made


def load(name: str, n: int = EXERCISE_SIZE, seed: int = 0) -> PointSet:
    """The training set ``name`` with ``n`` points, standardised.

    Raises ``ValueError`` for an unknown name or numbers out of range.
    """
    raw = _raw(name, n, seed, "exercise")
    transform = Standardisation.of(raw)
    return PointSet(name, transform.apply(raw), transform, seed)


def reference_draws(
    name: str, n: int, seed: int, transform: Standardisation
) -> NDArray[np.float32]:
    """Random points with exact component counts, (n, 2), in the units of ``transform``."""
    return transform.apply(_raw(name, n, seed, "balanced"))


def fresh_draws(name: str, n: int, seed: int, transform: Standardisation) -> NDArray[np.float32]:
    """Independent draws (component and position), (n, 2), in the units of ``transform``."""
    return transform.apply(_raw(name, n, seed, "independent"))
