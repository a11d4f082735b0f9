"""A training on several processes or machines, as torchrun starts it, by PyTorch's own means.

Every process draws the same batches from the same generator and carries its share of the rows
through the network. What the optimiser sees is the gradient of the whole batch, so the training is
the one that a single process would make, but for rounding. One process leads: it alone reads the
options and the saved state, and it alone writes.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import msgspec
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from engine.devices import choose_device
from engine.shared.config import TrainingConfig, from_json

Made = TypeVar("Made")

PATIENCE = timedelta(minutes=5)
"""How long a process waits for the others, which may be loading or saving. One that dies is noticed
at once: its connections close. Only a machine that vanishes takes that long."""
ERROR_BYTES = 2000
SIGNS = ("gloo", "NCCL", "onnection", "imed out", "imeout", "ocket", "rocess group", "TCPStore")
"""What PyTorch's errors say of lost connections; most of them are plain ``RuntimeError``."""


class WorkerLostError(RuntimeError):
    """Another process of the training is gone, or has not answered for ``PATIENCE``."""


@dataclass(frozen=True)
class Launch:
    """A process's place among ``size``: ``rank`` among all, ``local_rank`` on its machine."""

    rank: int
    size: int
    local_rank: int

    def __post_init__(self) -> None:
        if not (0 <= self.rank < self.size and self.local_rank >= 0):
            raise ValueError(
                f"RANK={self.rank}, LOCAL_RANK={self.local_rank} and WORLD_SIZE={self.size} "
                "do not go together"
            )


def launched(environ: Mapping[str, str] = os.environ) -> Launch | None:
    """What torchrun has put into the environment; None for a process on its own.

    Raises ``ValueError`` for what torchrun would not have put there.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
    if any(name not in environ for name in names):
        return None
    for name in names[:3]:
        if not environ[name].isdecimal():
            raise ValueError(f"{name}={environ[name]!r} is not a number that torchrun would give")
    rank, size, local_rank = (int(environ[name]) for name in names[:3])
    return Launch(rank, size, local_rank) if size > 1 else None


def device_of(name: str, launch: Launch) -> torch.device:
    """The device of one of several processes: with CUDA, a card for each of its machine.

    Raises ``ValueError`` where there is none for it.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if cards else "cpu"
    if name not in ("cuda", "cpu"):
        raise ValueError(
            f"device {name!r} is not for several processes: ask for auto, cpu or cuda, "
            "which gives each a card of its own"
        )
    if name == "cpu":
        return choose_device("cpu")
    if launch.local_rank >= cards:
        raise ValueError(
            f"there is no CUDA device for process {launch.local_rank + 1} of this machine: "
            f"it has {cards}"
        )
    return choose_device(f"cuda:{launch.local_rank}")


@contextmanager
def assembled(
    name: str, launch: Launch | None = None, patience: timedelta = PATIENCE
) -> Iterator[tuple[torch.device, Team | None]]:
    """The device called ``name`` and, under torchrun, this process's team, while it is together."""
    launch = launch or launched()
    if launch is None:
        yield choose_device(name), None
        return
    device = device_of(name, launch)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with _noticing():
        distributed.init_process_group(
            "nccl" if device.type == "cuda" else "gloo",
            rank=launch.rank,
            world_size=launch.size,
            timeout=patience,
        )
    try:
        yield device, Team(launch.rank, launch.size, device)
    except WorkerLostError:
        raise  # without a farewell, which might wait for those that are gone
    except BaseException:
        distributed.destroy_process_group()
        raise
    distributed.destroy_process_group()


@dataclass(frozen=True)
class Team:
    """The processes of a training as one of them sees them. Every call is made by all of them.

    Raises ``WorkerLostError`` when one is gone.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the process that reads, writes and speaks."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This process's rows of ``count``: as many as the others have, or one more."""
        if count < self.size:
            raise ValueError(f"a batch of {count} is too small for {self.size} processes")
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def wrap(self, network: nn.Module) -> DistributedDataParallel:
        """``network`` with its gradients averaged over all processes, and the leader's weights."""
        cards = [self.device] if self.device.type == "cuda" else None
        with _noticing(), warnings.catch_warnings():
            # Buffers are tables that never change. Later releases have another name for this.
            warnings.simplefilter("ignore", FutureWarning)
            return DistributedDataParallel(network, device_ids=cards, broadcast_buffers=False)

    @contextmanager
    def passing(self, network: DistributedDataParallel, last: bool) -> Iterator[None]:
        """Around a pass there and back: gradients are averaged in the ``last`` of an update."""
        with _noticing(), nullcontext() if last else network.no_sync():
            yield

    def total(self, value: Tensor) -> Tensor:
        """The sum of everybody's ``value``."""
        found = value.clone()
        with _noticing():
            distributed.all_reduce(found)
        return found

    def anybody(self, wish: bool) -> bool:
        """Whether any process has this wish."""
        return bool(self.total(torch.tensor(float(wish), device=self.device)) > 0)

    def decided(self, find: Callable[[], TrainingConfig]) -> TrainingConfig:
        """What ``find`` returns to the leader, who alone calls it.

        What it raises is raised there; the others leave with status 2. So it is when a batch has
        fewer rows than there are processes.
        """
        if not self.leads:
            told = self._tell(b"")
            if not told:
                raise SystemExit(2)
            return from_json(told, TrainingConfig)
        try:
            found = find()
            self.share(found.batch_size)
        except BaseException:
            self._tell(b"")
            raise
        self._tell(msgspec.json.encode(found))
        return found

    def made(self, make: Callable[[], Made]) -> Made:
        """What ``make`` returns, once everybody has made theirs.

        Raises ``ValueError`` in the leader if it failed anywhere; the others leave with status 2.
        """
        complaint = ""
        try:
            mine = make()
        except (ValueError, OSError) as error:
            complaint, own = str(error) or type(error).__name__, error
        complaints = self._complaints(complaint)
        if not any(complaints):
            return mine
        if not self.leads:
            raise SystemExit(2)
        if complaint:
            raise own
        rank = next(rank for rank, text in enumerate(complaints) if text)
        raise ValueError(f"process {rank + 1} of {self.size}: {complaints[rank]}")

    def handed_out(self, tensors: dict[str, Tensor] | None) -> dict[str, Tensor]:
        """The leader's ``tensors`` for everybody, on the CPU; the others give None."""
        outline = [
            (name, str(value.dtype).removeprefix("torch."), list(value.shape))
            for name, value in (tensors or {}).items()
        ]
        outline = json.loads(self._tell(json.dumps(outline).encode()))
        found = {}
        for name, kind, shape in outline:
            dtype = getattr(torch, kind)
            value = torch.empty(shape, dtype=dtype, device=self.device)
            if tensors is not None:
                value.copy_(tensors[name])
            self._spread(value)
            found[name] = value.cpu()
        return found

    def _tell(self, text: bytes) -> bytes:
        """The leader's ``text``."""
        size = torch.tensor(len(text), device=self.device)
        self._spread(size)
        content = torch.zeros(int(size), dtype=torch.uint8, device=self.device)
        if self.leads and text:
            content.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
        self._spread(content)
        return content.cpu().numpy().tobytes()

    def _spread(self, value: Tensor) -> None:
        if value.numel() == 0:
            return
        with _noticing():
            distributed.broadcast(value, src=0)

    def _complaints(self, text: str) -> list[str]:
        """Everybody's ``text``, in order."""
        mine = torch.zeros(ERROR_BYTES, dtype=torch.uint8)
        content = text.encode()[:ERROR_BYTES]
        mine[: len(content)] = torch.tensor(list(content), dtype=torch.uint8)
        mine = mine.to(self.device)
        all_of_them = [torch.empty_like(mine) for _ in range(self.size)]
        with _noticing():
            distributed.all_gather(all_of_them, mine)
        return [
            bytes(theirs.tolist()).rstrip(b"\0").decode(errors="replace") for theirs in all_of_them
        ]


@contextmanager
def _noticing() -> Iterator[None]:
    """Turn PyTorch's many ways to say that a process is gone into ``WorkerLostError``."""
    try:
        yield
    except WorkerLostError:
        raise
    except RuntimeError as error:
        text = " ".join(str(error).split())
        if not (isinstance(error, distributed.DistError) or any(sign in text for sign in SIGNS)):
            raise
        reason = re.sub(r"^\[[^]]*\]:? *", "", text).split(". ")[0][:200]
        raise WorkerLostError(f"another process of this training is lost: {reason}") from error
