"""What a training would cost, measured with the real network and without any data."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.checkpoints.checkpoint import count_parameters
from engine.checkpoints.data import DATA, TrainingData
from engine.checkpoints.networks import build_network
from engine.datasets import Standardisation
from engine.shared.config import TrainingConfig
from engine.training.trainer import Trainer

COPIES = 5
"""Weights, their gradients, two moments of each, and the averaged weights."""
ITEM_SECONDS = 0.5
"""No more rows at once than take about this long, at most ``GROWTH`` times as long."""
GROWTH = 4
MICRO_BATCHES = 3


@dataclass(frozen=True)
class Cost:
    """``parameters`` of the network; ``seconds_per_step`` of an update with the whole batch.

    ``bytes`` of memory: weights and what the optimiser keeps, what one micro-batch leaves behind
    for its gradients, and the images.
    """

    parameters: int
    seconds_per_step: float
    bytes: int

    def asdict(self) -> dict[str, float]:
        """As plain numbers."""
        return asdict(self)


def measure_cost(
    config: TrainingConfig, device: torch.device, micro_batch: int | None = None
) -> Generator[None, None, Cost]:
    """A few micro-batches of a training, at most one an item, and then the cost of an update.

    The time is that of the rows that were measured, in proportion. They are few where a pass takes
    long. Raises ``ValueError`` for a network of more than ``checkpoint.MOST_PARAMETERS``, before
    anything of it is allocated.
    """
    of_kind = DATA[config.resolved_kind]
    shape = of_kind.shape(config)
    parameters = count_parameters(config, shape)
    rows = min(config.batch_size, micro_batch or config.batch_size)
    kept = bytes_kept(config, rows)
    yield
    data = _Noise(shape, config, device)
    trainer = Trainer(replace(config, batch_size=1), device, data, micro_batch=1)
    yield
    yield from _timed_step(trainer, 1, 1)  # what comes first is slow
    measured = 1
    seconds = yield from _timed_step(trainer, 1, 1)
    while measured < rows and seconds < ITEM_SECONDS:
        # A pass has costs of its own: the time of many rows is not that of one, times many.
        measured = min(rows, GROWTH * measured)
        seconds = yield from _timed_step(trainer, measured, 1)
    if measured < config.batch_size and seconds < ITEM_SECONDS:
        several = min(config.batch_size // measured, MICRO_BATCHES)
        again = yield from _timed_step(trainer, measured, several)
        seconds = min(seconds, again / several)
    memory = 4 * COPIES * parameters + kept + of_kind.bytes_held(config)
    return Cost(parameters, seconds / measured * config.batch_size, memory)


def bytes_kept(config: TrainingConfig, rows: int) -> int:
    """What a pass of ``rows`` states keeps for its gradients, found out without computing it."""
    shape = DATA[config.resolved_kind].shape(config)
    with torch.device("meta"):
        network = build_network(config, shape)
        x, t = torch.empty(rows, *shape), torch.ones(rows, dtype=torch.int64)
        classes = (torch.empty(rows, config.classes),) if config.classes else ()
    own = (*network.parameters(), *network.buffers())
    weights = {value.untyped_storage()._cdata for value in own}
    kept: dict[int, Tensor] = {}

    def keep(value: Tensor) -> Tensor:
        kept.setdefault(value.untyped_storage()._cdata, value)  # kept alive: no number comes twice
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        network(x, t, *classes)
    storages = {key: value.untyped_storage() for key, value in kept.items() if key not in weights}
    return sum(storage.nbytes() for storage in storages.values())


def _timed_step(trainer: Trainer, rows: int, batches: int) -> Generator[None, None, float]:
    """An update with so many micro-batches of ``rows``, and the seconds it took.

    Those of others in between are not counted.
    """
    trainer.micro_batch = rows
    trainer.config = replace(trainer.config, batch_size=rows * batches)
    seconds, work, going = 0.0, trainer.stepwise(), True
    while going:
        began = time.perf_counter()
        going = next(work, _DONE) is not _DONE  # once the loss is read, the device is done, too
        seconds += time.perf_counter() - began
        yield
    return seconds


_DONE = object()


class _Noise(TrainingData):
    """Noise in the place of data."""

    def __init__(
        self, shape: tuple[int, ...], config: TrainingConfig, device: torch.device
    ) -> None:
        self.count, self.shape, self._device = 1000, shape, device
        self._classes = config.classes
        self.transform = Standardisation(np.zeros(shape[0]), np.ones(shape[0]))

    def states(self, rows: Tensor) -> Tensor:
        """See ``TrainingData.states``."""
        seeded = torch.Generator().manual_seed(0)
        return torch.randn(len(rows), *self.shape, generator=seeded).to(self._device)

    def classes(self, rows: Tensor) -> Tensor | None:
        """See ``TrainingData.classes``."""
        return (rows % self._classes).to(self._device) if self._classes else None
