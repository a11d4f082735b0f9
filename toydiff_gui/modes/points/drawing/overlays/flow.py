"""The velocity of the probability flow: where the points of the plane move as t falls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def flow(
    points: NDArray[np.floating],
    eps: NDArray[np.floating],
    t: int,
    alphas_cumprod: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The way of ``points`` (N, ...) per step of t towards the data, float64 (N, ...).

    The probability-flow ODE of the variance-preserving process (Song et al. 2021, equation 13) is
    dx/dt = -beta/2 (x + score) with score = -eps / sqrt(1 - alpha_bar); sampling goes down in t,
    hence the opposite sign. ``eps`` is the noise seen at ``points`` at time ``t``; t = 0 is taken
    as 1, where the flow ends.
    """
    t = min(max(int(t), 1), len(alphas_cumprod) - 1)
    alpha_bar, before = float(alphas_cumprod[t]), float(alphas_cumprod[t - 1])
    beta = 1.0 - alpha_bar / before
    sigma = np.sqrt(max(1.0 - alpha_bar, 1e-12))
    x = np.asarray(points, np.float64)
    return np.asarray(0.5 * beta * (x - np.asarray(eps, np.float64) / sigma))
