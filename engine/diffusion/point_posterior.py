"""E[x0 | x_t] where x0 is one of finitely many points: the arithmetic of the ideal denoiser."""

from __future__ import annotations

import torch
from torch import Tensor

FEW_DIMENSIONS = 8


def float32_is_enough(dimensions: int, alpha_bar: float) -> bool:
    """Whether means in float32 are exact to about 1e-5 for data and states of about unit size.

    Squared distances are divided by twice 1 - alpha_bar, and their rounding with them.
    """
    return dimensions <= FEW_DIMENSIONS and 1 - alpha_bar > 0.05


class PointPosterior:
    """For x0 uniform on ``points`` (M, D) and x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps.

    Computes in the points' type and on their device, where the states must be as well.
    """

    def __init__(self, points: Tensor, alpha_bar: float) -> None:
        self._columns = points.T.contiguous()
        # |x|^2 is the same for every point and drops out of the softmax.
        self._bias = -alpha_bar / (2 * (1 - alpha_bar)) * points.square().sum(dim=1)
        self._slopes = alpha_bar**0.5 / (1 - alpha_bar) * self._columns

    def mean(self, x: Tensor) -> Tensor:
        """The softmax-weighted means of the points, (N, D), for the states ``x`` (N, D)."""
        weights = torch.addmm(self._bias, x, self._slopes).softmax(dim=1)
        if x.shape[1] > FEW_DIMENSIONS:
            return weights @ self._columns.T
        # Of thousands of terms, sum() adds up exactly enough; softmax and products do not.
        total = weights.sum(dim=1)
        return torch.stack([(weights * y).sum(dim=1) / total for y in self._columns], dim=1)
