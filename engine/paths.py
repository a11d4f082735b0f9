"""Paths of latents between two endpoints, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine.config import LATER_PATHS, MAX_POINTS, PATHS, require_between, require_choice


def linear(start: Tensor, end: Tensor, positions: Tensor) -> Tensor:
    """(1 - s) start + s end for each position s in [0, 1]; (N, ...)."""
    s = positions.view(-1, *([1] * start.ndim))
    # In this form both ends are met to the bit.
    return (1 - s) * start + s * end


_PATHS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {"linear": linear}


def make_path(name: str, start: Tensor, end: Tensor, points: int) -> Tensor:
    """``points`` latents from ``start`` (...) to ``end`` (...) along the path ``name``, (N, ...).

    Raises ``ValueError`` for an unknown path, fewer than two points, or endpoints that are not
    finite or differ in shape.
    """
    require_choice("path", name, PATHS, LATER_PATHS)
    require_between("number of points", points, 2, MAX_POINTS)
    for what, point in (("start", start), ("end", end)):
        if not bool(torch.isfinite(point).all()):
            raise ValueError(f"the path's {what} must be finite, got {point.tolist()}")
    if start.shape != end.shape:
        raise ValueError(
            f"the path's ends differ in shape: {tuple(start.shape)} and {tuple(end.shape)}"
        )
    positions = torch.linspace(0, 1, points, dtype=start.dtype, device=start.device)
    return _PATHS[name](start, end, positions)
