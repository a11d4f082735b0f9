"""Random numbers that depend on the seed, t and the sample's index alone.

They are drawn on the CPU in fixed blocks of rows, so that asking for more samples leaves the first
ones where they were, to the bit, and every device gets the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_LATENTS, _STEPS = 0, 1

# torch fills random tensors in vectors of 16: only whole vectors are independent of the length.
_FEW_ROWS, _MANY_ROWS, _SMALL_STATE = 16, 512, 8


def draw_latents(seed: int, count: int, shape: Sequence[int]) -> Tensor:
    """``count`` latents x_T ~ N(0, I), float32 (count, *shape) on the CPU."""
    return _draw((seed, _LATENTS, 0), count, shape)


def draw_step_noise(seed: int, t: int, count: int, shape: Sequence[int]) -> Tensor:
    """The noise of the step that leaves time ``t``, float32 (count, *shape) on the CPU."""
    return _draw((seed, _STEPS, t), count, shape)


def _draw(key: tuple[int, int, int], count: int, shape: Sequence[int]) -> Tensor:
    if key[0] < 0:
        raise ValueError(f"seed must not be negative, got {key[0]}")
    size = math.prod(shape)
    rows = _MANY_ROWS if size <= _SMALL_STATE else _FEW_ROWS
    blocks = []
    generator = torch.Generator()
    for block in range(math.ceil(count / rows)):
        state = np.random.SeedSequence([*key, block]).generate_state(2, np.uint32)
        generator.manual_seed(int(state[0]) << 31 ^ int(state[1]))
        blocks.append(torch.randn(rows * size, generator=generator))
    if not blocks:
        return torch.empty(0, *shape)
    return torch.cat(blocks).view(-1, *shape)[:count].contiguous()
