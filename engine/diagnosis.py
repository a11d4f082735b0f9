"""A ``Diagnose`` request carried out: what ``engine.diagnostics`` finds, as packets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from engine import protocol
from engine.checkpoint import Checkpoint
from engine.config import MAX_TIMESTEPS, require_between
from engine.denoiser import IdealDenoiser
from engine.diagnostics import (
    MAX_DIMENSIONS,
    MAX_DRAWS,
    join_pairs,
    loss_by_time,
    loss_times,
    noise_pairs,
    pair_statistics,
)
from engine.protocol import Packet


def diagnose(request: protocol.Diagnose, checkpoint: Checkpoint) -> Iterator[Packet | None]:
    """``Diagnosis`` packets, and None after evaluations that complete none.

    Raises ``ValueError`` for numbers out of range and for a network that has diverged.
    """
    require_between("seed", request.seed, 0, 2**63 - 1)
    require_between("number of draws", request.count, 2, MAX_DRAWS)
    require_between("number of times", request.times, 2, MAX_TIMESTEPS)
    require_between("number of dimensions", request.dimensions, 1, MAX_DIMENSIONS)
    data = torch.from_numpy(checkpoint.training_points()).to(checkpoint.device)
    yield None
    yield from (_pairs if request.kind == "pairs" else _losses)(request, checkpoint, data)


def _pairs(
    request: protocol.Diagnose, checkpoint: Checkpoint, data: Tensor
) -> Iterator[Packet | None]:
    pieces = []
    for piece in noise_pairs(
        checkpoint.denoiser,
        data,
        count=request.count,
        seed=request.seed,
        dimensions=request.dimensions,
    ):
        pieces.append(piece)
        done = sum(len(each.t) for each in pieces)
        message = _message(request, checkpoint, done, request.count)
        yield Packet(message, vars(piece) | vars(pair_statistics(join_pairs(pieces))))


def _losses(
    request: protocol.Diagnose, checkpoint: Checkpoint, data: Tensor
) -> Iterator[Packet | None]:
    exact = request.kind == "exact_loss"
    denoiser = IdealDenoiser(data, checkpoint.schedule) if exact else checkpoint.denoiser
    times = loss_times(checkpoint.schedule.timesteps, request.times)
    done = 0
    for item in loss_by_time(denoiser, data, times, count=request.count, seed=request.seed):
        if item is None:
            yield None
            continue
        done += 1
        arrays = {
            "t": np.array([item.t]),
            "loss": np.array([item.loss]),
            "error": np.array([item.error]),
        }
        yield Packet(_message(request, checkpoint, done, len(times)), arrays)


def _message(
    request: protocol.Diagnose, checkpoint: Checkpoint, done: int, total: int
) -> protocol.Diagnosis:
    return protocol.Diagnosis(
        job=request.job,
        kind=request.kind,
        done=done,
        total=total,
        timesteps=checkpoint.schedule.timesteps,
    )
