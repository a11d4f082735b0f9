"""Files of states that commands are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


MOST_STATE = 1e6
"""The largest number in a file of states, whose deviation is about 1."""


def read_states(path: Path, what: str, shape: tuple[int, ...]) -> Tensor:
    """States (N, *shape) from an .npy file. Raises ``ValueError`` naming the file and its fault."""
    import torch

    from engine.shared.trajectory import load_array

    array = load_array(path, what)
    if array.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{what} file {path} must have shape (N, {wanted}), got {array.shape}")
    if (largest := float(abs(array).max())) > MOST_STATE:  # or the network would be blamed for it
        raise ValueError(
            f"{what} file {path} has a value of {largest:.3g}, more than {MOST_STATE:g}"
        )
    return torch.from_numpy(array)
