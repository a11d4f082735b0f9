"""What strips of gaps and norms have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
SAMPLED_FRAMES = 5

MOST_DECADES = 4.0
"""What the scale of the gaps spans at most; smaller gaps lie on the ground."""


@dataclass(frozen=True)
class StripScales:
    """The scales of all strips of a scene: gaps logarithmic, norms linear, each low to high."""

    gap: Range = (1e-3, 1.0)
    norm: Range = (0.0, 1.0)

    def gap_share(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high ``gaps`` stand, in 0..1."""
        low, high = np.log(self.gap)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (np.log(gaps) - low) / (high - low)
        return np.asarray(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0))

    def norm_share(self, norms: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high ``norms`` stand, in 0..1."""
        low, high = self.norm
        return np.asarray(np.nan_to_num((norms - low) / (high - low), nan=0.0).clip(0.0, 1.0))
