"""The path in the plane that is cheapest under -log p(norm), for ``engine.paths.norm_guided``.

With the cost f(r) = -log p(r) of a place with norm r, p the chi density in D dimensions (Samuel et
al. 2023, arXiv 2306.08687), the integral of f |dz| is the length in the metric f(r)^2 |dz|^2. A
geodesic of that metric minimises the energy sum f^2 |dz|^2 as well, whose minimum is smooth and
evenly spread: that is what is minimised over a chain of points.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Chain = NDArray[np.float64]

COARSE, FINE = 33, 129
"""Points of the chain: a coarse one is found first, and the fine one starts from it."""
LEAST_NORM = 1e-3
"""Of the most likely norm; -log p has no bound at the origin."""
MOST_PASSES = 500


def norm_cost(r: NDArray[np.float64], dimension: int) -> NDArray[np.float64]:
    """-log p(r) of the chi distribution: r^2 / 2 - (D - 1) log r + log(2^(D/2 - 1) Gamma(D/2))."""
    constant = (dimension / 2 - 1) * math.log(2) + math.lgamma(dimension / 2)
    return np.asarray(r**2 / 2 - (dimension - 1) * np.log(r) + constant)


@lru_cache(maxsize=32)
def cheapest_arc(first: float, last: float, angle: float, dimension: int) -> Chain:
    """The cheapest chain (FINE, 2) from (first, 0) to last (cos angle, sin angle), turning left.

    ``first`` and ``last`` are norms, ``dimension`` D is that of the whole space. It starts from the
    arc on which angle and norm go evenly, so between opposite ends it stays on that side.
    """
    s = np.linspace(0.0, 1.0, COARSE)
    radius, turn = (1 - s) * first + s * last, s * angle
    chain = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    for points in (COARSE, FINE):
        at = np.linspace(0.0, 1.0, len(chain))
        wanted = np.linspace(0.0, 1.0, points)
        chain = np.stack([np.interp(wanted, at, column) for column in chain.T], axis=1)
        chain = _relaxed(chain, dimension)
    chain.setflags(write=False)
    return chain


def _relaxed(chain: Chain, dimension: int) -> Chain:
    """The chain of least energy with the ends of ``chain``."""
    least = LEAST_NORM * math.sqrt(max(dimension - 1, 1))

    def energy(inner: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        whole = chain.copy()
        whole[1:-1] = inner.reshape(-1, 2)
        steps = np.diff(whole, axis=0)
        middles = (whole[1:] + whole[:-1]) / 2
        r = np.maximum(np.linalg.norm(middles, axis=1), least)
        cost = norm_cost(r, dimension)
        squares = (steps**2).sum(axis=1)
        # d cost^2 / d middle = 2 cost (r - (D - 1) / r) middle / r
        pull = (squares * cost * (1 - (dimension - 1) / r**2))[:, None] * middles
        stretch = 2 * (cost**2)[:, None] * steps
        slope = np.zeros_like(whole)
        slope[:-1] += pull - stretch
        slope[1:] += pull + stretch
        count = len(steps)
        return count * float((cost**2 * squares).sum()), count * slope[1:-1].ravel()

    found = minimize(
        energy,
        chain[1:-1].ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_PASSES, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9},
    )
    relaxed = chain.copy()
    relaxed[1:-1] = found.x.reshape(-1, 2)
    return relaxed
