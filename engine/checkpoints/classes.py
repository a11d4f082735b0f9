"""Classes asked for by index or name, as the weights that a network is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.data import DATA
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser

EACH = "each"


def class_names(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The names of the classes that the denoiser of ``checkpoint`` knows; () if it knows none."""
    count = checkpoint.denoiser.classes if isinstance(checkpoint.denoiser, NetworkDenoiser) else 0
    if count == 0:
        return ()
    names = DATA[checkpoint.config.resolved_kind].labels(checkpoint.config)
    return names if len(names) == count else tuple(map(str, range(count)))


def find_classes(text: str, checkpoint: Checkpoint) -> list[int]:
    """The indices of the classes in ``text``: indices or names with commas between, or 'each'.

    Raises ``ValueError`` for a class that the checkpoint does not know, and if it knows none.
    """
    names = class_names(checkpoint)
    if not names:
        raise ValueError(f"--class {text}: the checkpoint {checkpoint.source!r} knows no classes")
    if text == EACH:
        return list(range(len(names)))
    indices = {name.casefold(): index for index, name in enumerate(names)}
    indices |= {str(index): index for index in range(len(names))}
    found = []
    for part in text.split(","):
        index = indices.get(part.strip().casefold())
        if index is None:
            listed = ", ".join(
                name if name == str(i) else f"{i} {name}" for i, name in enumerate(names)
            )
            raise ValueError(f"--class {text}: unknown class {part!r}; known: {listed}")
        found.append(index)
    return found


def one_hot(classes: Sequence[int], checkpoint: Checkpoint) -> Tensor:
    """Class weights (N, K) with a 1 in each row."""
    count = len(class_names(checkpoint))
    return torch.eye(count, device=checkpoint.device)[torch.tensor(list(classes))]


def cycled(classes: Sequence[int], count: int) -> list[int]:
    """The class of each of ``count`` samples: ``classes`` in turn, over and over."""
    return [classes[row % len(classes)] for row in range(count)]


@dataclass(frozen=True)
class AlongPath:
    """A denoiser for states along a path that is told classes on the way.

    ``weights`` (M, K) are the class weights at M places evenly along the path, linear in between;
    (1, K) for the whole path; None for no classes.
    """

    denoiser: Denoiser
    weights: Tensor | None = None
    guidance: float = 1.0

    def at(self, shares: Tensor) -> Denoiser:
        """The denoiser for the states at ``shares`` (N,) of the way, in [0, 1].

        Raises ``ValueError`` for weights that the denoiser cannot be told.
        """
        if self.weights is None:
            return self.denoiser
        if not isinstance(self.denoiser, NetworkDenoiser):
            raise ValueError("this denoiser knows no classes")
        return self.denoiser.conditioned(self._weights_at(shares), self.guidance)

    @property
    def constant(self) -> bool:
        """Whether the whole path is told the same."""
        return self.weights is None or len(self.weights) == 1

    def rows(self, points: int) -> Denoiser:
        """The denoiser for ``points`` states, evenly along the path."""
        return self.at(torch.linspace(0, 1, points, dtype=torch.float64))

    def at_ends(self, numbers: Sequence[int]) -> Denoiser:
        """The denoiser for endpoints: 0 is the start, 1 the end, others lie half-way."""
        shares = [float(number) if number < 2 else 0.5 for number in numbers]
        return self.at(torch.tensor(shares, dtype=torch.float64))

    def _weights_at(self, shares: Tensor) -> Tensor:
        assert self.weights is not None
        if len(self.weights) == 1:
            return self.weights
        place = shares.cpu().double() * (len(self.weights) - 1)
        below = place.floor().long().clamp(0, len(self.weights) - 2)
        between = (place - below)[:, None].to(self.weights.dtype).to(self.weights.device)
        return torch.lerp(self.weights[below], self.weights[below + 1], between)
