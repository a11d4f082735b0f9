"""Times as vectors."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def time_table(timesteps: int, dimension: int) -> Tensor:
    """Sines and cosines of t = 0..T, float32 (T + 1, dimension); ``dimension`` is even.

    As in Vaswani et al. 2017, section 3.5, but with angular frequencies from a quarter turn over
    the whole chain to an eighth of a turn a step: slower ones are constant, faster ones only
    alias between neighbouring times.
    """
    if torch.get_default_device().type == "meta":
        # An outline: PyTorch would load its compiler and SymPy to find the shapes of the following,
        # which takes a hundred times as long as loading a bundled model.
        return torch.empty(timesteps + 1, dimension)
    half = dimension // 2
    slowest, fastest = math.pi / 2 / timesteps, math.pi / 4
    frequency = torch.logspace(math.log10(slowest), math.log10(fastest), half, dtype=torch.float64)
    angle = torch.arange(timesteps + 1, dtype=torch.float64)[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()
