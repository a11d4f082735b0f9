"""What the engine has found out about a network, as far as it has arrived. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.shared.messages import Arrays, Diagnosis, DiagnosisKind
from engine.shared.values import value


@value
@dataclass(frozen=True)
class Pairs:
    """True and predicted noise (n, d) at ``t`` (n,), and figures (d,) for each dimension."""

    timesteps: int
    t: NDArray[np.int64]
    eps: NDArray[np.float32]
    eps_hat: NDArray[np.float32]
    dimensions: NDArray[np.int64]
    r: NDArray[np.float64]
    mse: NDArray[np.float64]
    bias: NDArray[np.float64]


@value
@dataclass(frozen=True)
class LossCurve:
    """Loss and its standard error at ``t``, each (n,), t falling."""

    timesteps: int
    t: NDArray[np.int64]
    loss: NDArray[np.float64]
    error: NDArray[np.float64]


@value
@dataclass(frozen=True)
class PairDensity:
    """All pairs of an image's pixels, as in ``engine.analysis.noise_errors.NoiseDensity``."""

    timesteps: int
    counts: NDArray[np.int32]
    edges: NDArray[np.int64]
    r: float
    mse: float
    bias: float


@value
@dataclass(frozen=True)
class ErrorMaps:
    """Mean squared error at ``t`` (n,), falling, for each number of a state: n of (C, H, W)."""

    timesteps: int
    t: NDArray[np.int64]
    errors: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Subject:
    """Whose network: what the engine is asked for, and what makes it another one.

    ``version`` counts weights; ``lineage`` stays while a training goes on. ``kind`` is that of its
    states (``catalogue.KINDS``). Data are looked for in ``data_root`` first.
    """

    ref: str
    lineage: str
    version: int
    kind: str
    live: bool = False
    data_root: str = ""


@dataclass
class Finding:
    """One kind of result for a subject. ``share`` of it has arrived; ``message`` if it failed."""

    kind: DiagnosisKind
    subject: Subject
    value: Pairs | LossCurve | PairDensity | ErrorMaps | None = None
    share: float = 0.0
    done: bool = False
    message: str = ""

    def add(self, message: Diagnosis, arrays: Arrays) -> None:
        """Take in the next piece."""
        self.share = message.done / max(message.total, 1)
        if message.kind == "pairs":
            before = self.value if isinstance(self.value, Pairs) else None
            joined = {
                name: arrays[name]
                if before is None
                else np.concatenate([getattr(before, name), arrays[name]])
                for name in ("t", "eps", "eps_hat")
            }
            rest = {name: arrays[name] for name in ("dimensions", "r", "mse", "bias")}
            self.value = Pairs(message.timesteps, **joined, **rest)
        elif message.kind == "density":
            figures = {name: float(arrays[name][0]) for name in ("r", "mse", "bias")}
            counts, edges = arrays["counts"], arrays["edges"]
            self.value = PairDensity(message.timesteps, counts, edges, **figures)
        elif message.kind == "error_map":
            maps = self.value if isinstance(self.value, ErrorMaps) else None
            t, error = arrays["t"], arrays["error"]
            if maps is not None:
                t = np.concatenate([maps.t, t])
            errors = (error,) if maps is None else (*maps.errors, error)
            self.value = ErrorMaps(message.timesteps, t, errors)
        else:
            curve = self.value if isinstance(self.value, LossCurve) else None
            parts = {
                name: arrays[name]
                if curve is None
                else np.concatenate([getattr(curve, name), arrays[name]])
                for name in ("t", "loss", "error")
            }
            self.value = LossCurve(message.timesteps, **parts)
