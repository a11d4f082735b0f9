"""Where a value lies along a horizontal line, and which round values to mark. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeScale:
    """Maps t to x: t = ``timesteps`` (noise) lies at ``left``, t = 0 (data) at ``right``."""

    left: float
    right: float
    timesteps: int

    def x(self, t: float) -> float:
        """The place of ``t``."""
        return self.left + (self.right - self.left) * (1 - t / self.timesteps)

    def t(self, x: float) -> int:
        """The t nearest to ``x``, held within 0..T."""
        width = max(self.right - self.left, 1.0)
        t = self.timesteps * (1 - (x - self.left) / width)
        return min(max(round(t), 0), self.timesteps)


def round_step(total: float, most: int) -> int:
    """The smallest of 1, 2, 5 times a power of ten that cuts ``total`` into at most ``most``."""
    least = max(total / max(most, 1), 1.0)
    power = 10 ** math.floor(math.log10(least))
    for factor in (1, 2, 5):
        if factor * power >= least:
            return int(factor * power)
    return int(10 * power)
