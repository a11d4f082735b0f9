"""A ``Diagnose`` request carried out: what ``engine.analysis.noise_errors`` finds, as packets."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.analysis.noise_errors import (
    MAX_DIMENSIONS,
    MAX_DRAWS,
    error_maps,
    join_pairs,
    loss_by_time,
    loss_times,
    noise_density,
    noise_pairs,
    pair_statistics,
)
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.data import DATA
from engine.diffusion.exact import IdealDenoiser
from engine.image_files.places import root_of
from engine.shared import messages
from engine.shared.config import MAX_TIMESTEPS, require_between
from engine.shared.messages import Packet


def diagnose(request: messages.Diagnose, checkpoint: Checkpoint) -> Iterator[Packet | None]:
    """``Diagnosis`` packets, and None after evaluations that complete none.

    Raises ``ValueError`` for numbers out of range and for a network that has diverged.
    """
    require_between("seed", request.seed, 0, 2**63 - 1)
    require_between("number of draws", request.count, 2, MAX_DRAWS)
    require_between("number of times", request.times, 2, MAX_TIMESTEPS)
    require_between("number of dimensions", request.dimensions, 1, MAX_DIMENSIONS)
    data = yield from _data(request, checkpoint)
    yield None
    work = {"pairs": _pairs, "density": _density, "error_map": _error_maps}
    yield from work.get(request.kind, _losses)(request, checkpoint, data)


def _data(request: messages.Diagnose, checkpoint: Checkpoint) -> Generator[None, None, Tensor]:
    """What x0 is drawn from."""
    data = DATA[checkpoint.config.resolved_kind]
    states = yield from data.some_states(
        checkpoint.config,
        checkpoint.transform,
        checkpoint.shape,
        root_of(request.data_root),
        request.seed,
    )
    return torch.from_numpy(states).to(checkpoint.device)


def _density(
    request: messages.Diagnose, checkpoint: Checkpoint, data: Tensor
) -> Iterator[Packet | None]:
    for item in noise_density(checkpoint.denoiser, data, count=request.count, seed=request.seed):
        arrays: dict[str, NDArray[Any]] = {"counts": item.counts, "edges": item.edges}
        for name in ("r", "mse", "bias"):
            arrays[name] = np.array([getattr(item, name)])
        yield Packet(_message(request, checkpoint, item.draws, request.count), arrays)


def _error_maps(
    request: messages.Diagnose, checkpoint: Checkpoint, data: Tensor
) -> Iterator[Packet | None]:
    # Without t = T, where next to nothing but noise is left and the error next to nothing.
    timesteps = checkpoint.schedule.timesteps
    times = loss_times(timesteps, min(request.times + 1, timesteps))[1:]
    maps = error_maps(checkpoint.denoiser, data, times, count=request.count, seed=request.seed)
    done = 0
    for item in maps:
        if item is None:
            yield None
            continue
        done += 1
        arrays = {"t": np.array([item.t]), "error": item.error}
        yield Packet(_message(request, checkpoint, done, len(times)), arrays)


def _pairs(
    request: messages.Diagnose, checkpoint: Checkpoint, data: Tensor
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
    request: messages.Diagnose, checkpoint: Checkpoint, data: Tensor
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
    request: messages.Diagnose, checkpoint: Checkpoint, done: int, total: int
) -> messages.Diagnosis:
    return messages.Diagnosis(
        job=request.job,
        kind=request.kind,
        done=done,
        total=total,
        timesteps=checkpoint.schedule.timesteps,
    )
