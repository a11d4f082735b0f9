"""Which device to compute on: named by the user or chosen; nothing else names one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

ALL_THREADS = torch.get_num_threads()
"""As many as PyTorch would take by itself: the cores, or what the environment says."""


def available_devices() -> list[str]:
    """Names that ``choose_device`` accepts here, the best first."""
    names = (
        [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    )
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The device called ``name``; 'auto' takes CUDA, else MPS, else the CPU.

    Raises ``ValueError`` for a name that is unknown or not available here.
    """
    names = available_devices()
    if name == "auto":
        return torch.device(names[0])
    if name in names or (name == "cuda" and torch.cuda.is_available()):
        return torch.device(name)
    raise ValueError(f"device {name!r} is not available; known: auto, {', '.join(names)}")


def use_one_thread() -> None:
    """Compute on one CPU thread.

    A tiny network is as fast on one as on two, repeats to the bit, leaves the other core to the
    window, and does not stall when several threads wait for each other on a busy machine.
    """
    torch.set_num_threads(1)


@contextmanager
def threads_for(states: Tensor) -> Iterator[None]:
    """As many CPU threads as suit ``states`` (N, ...) for a while: all of them for images.

    What serves tiny networks (see ``use_one_thread``) would halve the speed of convolutions.
    """
    before = torch.get_num_threads()
    if states.ndim < 4 or before == ALL_THREADS:
        yield
        return
    torch.set_num_threads(ALL_THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """``use_one_thread`` for a while; the number of before comes back."""
    before = torch.get_num_threads()
    use_one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before)
