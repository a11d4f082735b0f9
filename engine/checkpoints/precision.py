"""Which numbers a network computes with while it learns: bfloat16 where that is faster.

Weights, moments and losses stay float32: only products and convolutions, and what lies between
them, are in bfloat16 (PyTorch's automatic mixed precision). It has the range of float32, so no loss
needs scaling. Sampling stays float32 everywhere.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def training_type(device: torch.device) -> torch.dtype:
    """bfloat16 where ``device`` multiplies in it faster than in float32; else float32.

    CUDA: from compute capability 8.0 on, which has units for it. CPUs: those with AMX. Without any
    instructions for it an update takes 1.6 to 2.9 times as long (``python -m bench.precision``
    measures it); CPUs that have no more than AVX512-BF16 stay with float32 until somebody has
    measured one.
    """
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0):
        return torch.bfloat16
    if device.type == "cpu" and _cpu_can("amx_bf16"):
        return torch.bfloat16
    return torch.float32


def computing_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Within it, networks with float32 weights compute in ``dtype``."""
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(device.type, dtype)


def _cpu_can(name: str) -> bool:
    ask = getattr(torch.cpu, "get_capabilities", None)  # older releases cannot tell
    return ask is not None and bool(ask().get(name, False))
