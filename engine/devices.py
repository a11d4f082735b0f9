"""Which device to compute on: named by the user or chosen; nothing else names one."""

from __future__ import annotations

import math
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device has said that its memory is used up; CPU and MPS only say so in words."""
    words = ("MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory")
    return isinstance(error, torch.cuda.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(said in str(error) for said in words)
    )


def release_memory(device: torch.device) -> None:
    """Give back what PyTorch keeps of a device's memory for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def use_one_thread() -> None:
    """Compute on one CPU thread.

    A tiny network is as fast on one as on two, repeats to the bit, leaves the other core to the
    window, and does not stall when several threads wait for each other on a busy machine.
    """
    torch.set_num_threads(1)


FEW_PIXELS = 8192
"""So many in a batch, and two threads take as long as one for a pass there and back.

Measured with the UNet 'medium', CPU milliseconds a thread, which is what a quiet machine takes, of
one thread against two. 64 images of 8 x 8: 66 against 73 there and back, 27 against 15 without a
gradient. 64 of 28 x 28: 600 against 330 there and back, 16 of them 180 against 133.
"""


def on_a_grid(states: Tensor) -> bool:
    """Whether each of ``states`` (N, C, ...) has a grid of two axes or more for its channels.

    That is what convolutions work on: it says what a pass costs, not what the states are.
    """
    return states.ndim > 3


@contextmanager
def threads_for(states: Tensor) -> Iterator[None]:
    """As many CPU threads as suit ``states`` (N, ...) for a while.

    For images all of them: what serves tiny networks (see ``use_one_thread``) would halve the speed
    of convolutions. For a few small ones on the way to a gradient one.
    """
    before = torch.get_num_threads()
    wanted = before
    if on_a_grid(states):
        pixels = len(states) * math.prod(states.shape[2:])
        wanted = 1 if torch.is_grad_enabled() and pixels <= FEW_PIXELS else ALL_THREADS
    if wanted == before:
        yield
        return
    torch.set_num_threads(wanted)
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
