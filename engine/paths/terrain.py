"""How improbable a place is, from a sample of the data: what a geodesic is drawn round.

Nothing here knows a shape or a data set: states of any size, compared by Euclidean distance.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from torch import Tensor

from engine.analysis.points import LEAST_THRESHOLD

KERNELS = 600
"""Data points that carry a kernel; each place is compared with all of them."""
NEIGHBOUR = 5
"""The kernels' width is the median distance to the neighbour of this rank."""
SCALE, POWER = 4.0, 3
"""Of the weight: steep enough that cutting a sharp corner of the data costs more than it saves."""
MOST_POINTS = 20_000


class Terrain:
    """A kernel density of the data, and what counts as off them.

    ``weight`` is 1 and a little where the data are as dense as usual, and grows without bound, with
    the fourth power of the distance, where there are none: a descent finds back from anywhere.
    """

    def __init__(self, data: ArrayLike | Tensor, seed: int = 0) -> None:
        points = torch.as_tensor(data).to("cpu", torch.float32).flatten(1)
        if len(points) < 2 or not bool(torch.isfinite(points).all()):
            raise ValueError(
                f"the data must be two or more finite points, got {tuple(points.shape)}"
            )
        order = np.random.default_rng(seed).permutation(len(points))
        points = points[torch.from_numpy(order[:MOST_POINTS])]
        self._kernels = points[:KERNELS]
        apart = torch.cdist(self._kernels, self._kernels)
        apart.fill_diagonal_(math.inf)
        rank = min(NEIGHBOUR, len(self._kernels) - 1)
        width = float(apart.kthvalue(rank, dim=1).values.median())
        self._width = max(width, 1e-6)
        own = torch.logsumexp(-apart.square() / (2 * self._width**2), dim=1)
        self._usual = float(own.median()) - math.log(len(self._kernels) - 1)
        self._tree = cKDTree(points.numpy())
        nearest = self._tree.query(points.numpy(), k=2)[0][:, 1]
        self.threshold = max(LEAST_THRESHOLD, float(np.quantile(nearest, 0.999)))

    def weight(self, x: Tensor) -> Tensor:
        """1 + 4 softplus(log(usual density / density))^3 at the places ``x`` (N, ...), (N,)."""
        flat = x.reshape(len(x), -1)
        kernels = self._kernels.to(flat.dtype).to(flat.device)
        # |x - y|^2 / 2 without the term of x alone, which does not depend on the kernel.
        inner = flat @ kernels.T - kernels.square().sum(1) / 2
        log_density = torch.logsumexp(inner / self._width**2, dim=1)
        log_density = log_density - flat.square().sum(1) / (2 * self._width**2)
        usual = self._usual + math.log(len(kernels))
        return 1 + SCALE * torch.nn.functional.softplus(usual - log_density) ** POWER

    def off_data(self, x: Tensor) -> float:
        """The share of ``x`` (N, ...) farther from all data than data are from each other."""
        flat = x.detach().reshape(len(x), -1).to("cpu", torch.float32).numpy()
        return float(np.mean(self._tree.query(flat)[0] > self.threshold))


def weighted_lengths(x: Tensor, terrain: Terrain, inner: int) -> Tensor:
    """The line integral of ``terrain.weight`` along each of the polylines ``x`` (S, P, ...), (S,).

    Each segment is measured at ``inner`` places, so that a jump pays for what it jumps over.
    """
    flat = x.flatten(2)
    steps = flat[:, 1:] - flat[:, :-1]
    share = (torch.arange(inner, device=x.device, dtype=x.dtype) + 0.5) / inner
    places = flat[:, :-1, None] + share[:, None] * steps[:, :, None]
    weight = terrain.weight(places.flatten(0, 2)).view(*places.shape[:3]).mean(2)
    # A root with a slope at zero: neighbours may fall together.
    lengths = (steps.square().sum(2) + 1e-12).sqrt()
    return (lengths * weight).sum(1)
