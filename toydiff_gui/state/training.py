"""What is to be trained, and the training that runs or the last one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared.config import TrainingConfig
from engine.shared.trajectory import Trajectory
from engine.shared.values import value
from toydiff_gui.state.slots import Kind, Slot

SEED = "seed"
"""In the ``meta`` of a trajectory: what its latents were drawn from."""


@value
@dataclass(frozen=True)
class TrainingRun:
    """The training as it is seen from outside."""

    status: Literal["idle", "starting", "running", "paused", "stopping", "done", "failed"] = "idle"
    step: int = 0
    total: int = 0
    elapsed: float = 0.0
    remaining: float | None = None
    steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    losses: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    quality: dict[str, float] = field(default_factory=dict)
    """distance, distance_floor, off_data, off_data_floor; missing until measured."""
    preview: Trajectory | None = None
    folder: str = ""
    config: TrainingConfig | None = None
    """What is trained; None before the first training."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    """Of each channel of the images that it trains with, once known; as in ``ModelInfo``."""
    beside: str | None = None
    """The model that was shown when it began; where its preview takes the place of the samples."""

    @property
    def active(self) -> bool:
        """Whether the engine holds a training at present."""
        return self.status in ("starting", "running", "paused", "stopping")


TRAINING_CONFIG = Slot("training", TrainingConfig, Kind.SETTING)
TRAINING = Slot("training run", TrainingRun, Kind.RESULT)
