"""What the jobs of a service share: what was sent with a request, and what an answer is made of."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.classes import AlongPath
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser
from engine.diffusion.samplers import check_states
from engine.shared.config import MAX_POINTS, require_between
from engine.shared.messages import Arrays, Packet
from engine.shared.trajectory import check_sizes


class Waiting:
    """An item of a job that has nothing to do until somebody wakes it."""


WAITING = Waiting()

Work = Generator[Packet | Waiting | None, None, Packet]
"""A job: reports on the way (None: nothing to report), the final report at the end."""


def sent_array(arrays: Arrays, name: str) -> NDArray[Any]:
    """The array ``name``; raises ``ValueError`` if it was not sent."""
    if name not in arrays:
        raise ValueError(f"the array {name!r} was not sent")
    return arrays[name]


def sent_states(
    array: NDArray[Any], shape: tuple[int, ...], what: str, device: torch.device
) -> Tensor:
    """An array that was sent as states (N, ...); raises ``ValueError`` where it is none."""
    if array.dtype.kind != "f":
        raise ValueError(f"{what} must be floating point, got {array.dtype}")
    states = torch.tensor(array, dtype=torch.float32, device=device)
    if states.shape[1:] != shape:
        raise ValueError(
            f"{what} must have shape (N, {', '.join(map(str, shape))}), got {tuple(states.shape)}"
        )
    check_states(states, what)
    return states


def optional_states(arrays: Arrays, name: str, checkpoint: Checkpoint) -> Tensor | None:
    """The latents (M, ...) sent as ``name``; None if none were."""
    if name not in arrays or len(arrays[name]) == 0:
        return None
    return sent_states(arrays[name], checkpoint.latent_shape, name, checkpoint.device)


def path_ends(arrays: Arrays, checkpoint: Checkpoint, points: int) -> Tensor:
    """Both ends (2, ...) of a path, of which ``points`` states can be held."""
    require_between("number of points", points, 2, MAX_POINTS)
    check_sizes(points, [math.prod(checkpoint.latent_shape)])
    ends = np.stack([sent_array(arrays, "start"), sent_array(arrays, "end")])
    return sent_states(ends, checkpoint.latent_shape, "endpoints", checkpoint.device)


def told_classes(checkpoint: Checkpoint, arrays: Arrays, guidance: float) -> Denoiser:
    """The denoiser of a checkpoint, told the class weights that were sent, if any were.

    Raises ``ValueError`` where they do not suit it.
    """
    told = sent_classes(checkpoint, arrays)
    if told is None:
        return checkpoint.denoiser
    if not isinstance(checkpoint.denoiser, NetworkDenoiser):
        raise ValueError(f"the denoiser of {checkpoint.source!r} knows no classes")
    return checkpoint.denoiser.conditioned(told, guidance)


def sent_classes(checkpoint: Checkpoint, arrays: Arrays) -> Tensor | None:
    """The class weights that were sent; None if none were."""
    weights = arrays.get("classes")
    if weights is None or len(weights) == 0:
        return None
    return torch.tensor(weights, dtype=torch.float32, device=checkpoint.device)


def told_along(checkpoint: Checkpoint, arrays: Arrays, guidance: float) -> AlongPath:
    """The same for a path: the weights (M, K) that were sent lie evenly along it."""
    told_classes(checkpoint, arrays, guidance)  # refuses what it cannot be told
    weights = arrays.get("classes")
    if weights is None or len(weights) == 0:
        return AlongPath(checkpoint.denoiser)
    told = torch.tensor(weights, dtype=torch.float32, device=checkpoint.device)
    return AlongPath(checkpoint.denoiser, told, guidance)


def as_array(tensor: Tensor) -> NDArray[np.float32]:
    """For an answer: on the CPU, without its gradient."""
    return tensor.detach().float().cpu().numpy()
