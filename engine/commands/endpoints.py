"""Latents from what was typed for an endpoint: coordinates, a seed's draw, or an image inverted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.data import DATA
from engine.commands.endpoint_types import Draw, Endpoint, Picture, typed
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.inversion import invert
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import check_finite
from engine.shared import catalogue
from engine.shared.trajectory import load_array


def check_endpoint(flag: str, endpoint: Endpoint, checkpoint: Checkpoint) -> None:
    """Raise ``ValueError`` for an ``endpoint`` that states of ``checkpoint`` cannot have."""
    if isinstance(endpoint, Draw):
        return
    kind, states = (
        DATA[checkpoint.config.resolved_kind],
        catalogue.kind(checkpoint.config.resolved_kind).states,
    )
    if isinstance(endpoint, Picture):
        if not kind.pictures:
            raise ValueError(
                f"{flag} {endpoint}: the checkpoint {checkpoint.source!r} has {states}, not images"
            )
    elif not kind.plain:
        given = "seed:N or image:PATH" if kind.pictures else "seed:N"
        raise ValueError(f"{flag} must be {given} for {states}, got {typed(endpoint)}")
    elif len(endpoint) != (numbers := checkpoint.latent_shape[0]):
        raise ValueError(f"{flag} must have {numbers} numbers, got {typed(endpoint)}")


def read_state(path: Path, checkpoint: Checkpoint) -> NDArray[np.float32]:
    """One state in standardised units: a picture scaled to its size, or from an .npy.

    An .npy holds one state (...) or (1, ...), standardised already. Raises ``ValueError``
    naming the file and its fault.
    """
    shape = checkpoint.shape
    if path.suffix.lower() != ".npy":
        return DATA[checkpoint.config.resolved_kind].read_picture(path, shape, checkpoint.transform)
    array = load_array(path, "image")
    if array.shape not in (shape, (1, *shape)):
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"image file {path} must have shape ({wanted}), got {array.shape}")
    return array.reshape(shape)


def find_latents(
    endpoints: Sequence[Endpoint],
    checkpoint: Checkpoint,
    *,
    steps: int | None = None,
    told: Callable[[list[int]], Denoiser] | None = None,
) -> Tensor:
    """The latents (M, ...) of ``endpoints``, on the checkpoint's device.

    Images are inverted by DDIM with ``steps``, all at once; ``told`` gives the denoiser for some of
    the endpoints by their numbers, where it is told classes. Raises ``ValueError`` for a file that
    is no image, and for states that are not finite.
    """
    found: dict[int, Tensor] = {}
    states: dict[int, Tensor] = {}
    for number, endpoint in enumerate(endpoints):
        if isinstance(endpoint, Picture):
            states[number] = torch.from_numpy(read_state(endpoint.path, checkpoint))
        elif isinstance(endpoint, Draw):
            drawn = draw_latents(endpoint.seed, endpoint.index + 1, checkpoint.latent_shape)
            found[number] = drawn[endpoint.index]
        else:
            found[number] = torch.tensor(endpoint, dtype=torch.float32)
    if states:
        rows = list(states)
        denoiser = checkpoint.denoiser if told is None else told(rows)
        data = torch.stack([states[row] for row in rows]).to(checkpoint.device)
        for frame in invert(denoiser, checkpoint.schedule, data, steps=steps):
            check_finite(frame)
        found |= dict(zip(rows, frame.x.cpu(), strict=True))
    latents = [found[number] for number in range(len(endpoints))]
    return torch.stack(latents).to(checkpoint.device)
