"""Answers that somebody wants to see, as data."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Literal, Protocol
from weakref import ref

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.shared.messages import AnyReport, Arrays, Request

Status = Literal["empty", "running", "done", "failed", "lost", "stopped"]
"""What to do with the results: 'empty': take them away, they are of something else; 'running': with
no value yet, leave what is there; 'failed': the engine has refused; 'lost': it died before the end;
'stopped': by the user."""


@dataclass(frozen=True)
class Answer:
    """How an answer stands: ``value`` is what ``Wanted.collect`` has made so far, None for nothing.

    ``message`` says why it has failed or was stopped; ``seconds`` is the engine's own time.
    """

    status: Status
    value: Any = None
    seconds: float | None = None
    message: str = ""


def _nothing() -> None:
    """Where nothing is left behind."""


def _last_arrays(value: Any, message: AnyReport, arrays: Arrays) -> Any:
    return arrays or value


@dataclass(frozen=True, eq=False)
class Wanted:
    """An answer that is to stand at ``key``: made anew from the store at every look.

    Two with the same ``content`` get the same answer, and need no second request. What comes before
    a colon in ``key`` says what is made of the answer; the rest tells the places for it apart.
    """

    key: str
    request: Request
    """Its job is the exchange's to set, and its slot, which is ``slot`` or else ``key``."""
    show: Callable[[Answer], None]
    """Puts what has come into the store's results."""
    slot: str = ""
    arrays: Arrays = field(default_factory=dict)
    revision: int = 0
    """Of the weights behind the request's checkpoint."""
    collect: Callable[[Any, AnyReport, Arrays], Any] = _last_arrays
    """The value before (None at first) and a message to the value after; also for the result."""
    coarse: bool = False
    """Of few steps, while a hand drags: all of a batch come before the next batch is asked for."""
    place: Hashable = None
    """What it is of, in however many steps: a coarse answer of the same place serves as well."""
    kin: Hashable = None
    """An answer of the same kin stands in until this one comes; None: nothing may."""
    holds: Callable[[Any], bool] | None = None
    """Whether to go on showing a coarse answer of the same place, though so much has come."""
    after: tuple[str, ...] = ()
    """Keys whose answers come first."""
    pause_ms: int = 0
    """Asked for when nothing about it has changed for so long."""
    idle: bool = False
    """Asked for when nobody waits for anything else, and given up when somebody does."""
    stirs: bool = False
    """Others depend on what has come so far: they are looked at again with all that comes."""
    identity: Hashable = None
    """What tells it from others where its request says too much, such as an order of times."""
    needs_model: bool = True
    """Not before the engine has opened the model on show."""
    keep: bool = True
    """Whether the answer is worth remembering."""
    quiet: bool = False
    """A failure is shown in its place alone."""
    gone: Callable[[], None] = _nothing
    """Takes the results away when it is wanted no more."""

    @cached_property
    def content(self) -> Hashable:
        """All that the answer depends on."""
        kind = self.key.partition(":")[0]
        if self.identity is not None:
            return (kind, self.identity)
        return (kind, content_of(self.request, self.arrays, self.revision))


def content_of(request: Request, arrays: Arrays, revision: int) -> Hashable:
    """What tells a request from others, whoever asks; arrays count by what they hold."""
    bare = msgspec.structs.replace(request, job=0, slot="")
    held = tuple((name, digest(array)) for name, array in sorted(arrays.items()))
    return (revision, msgspec.msgpack.encode(bare), held)


@dataclass(frozen=True, eq=False)
class Unavailable:
    """Nothing can be asked at ``key`` now; ``show`` says what stands there instead."""

    key: str
    show: Callable[[], None] = _nothing


class Part(Protocol):
    """A part of the window that wants to see answers."""

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """What it wants to see now, a function of the store; each key once."""


_digests: dict[int, tuple[ref[NDArray[Any]], tuple[Any, ...]]] = {}


def digest(array: NDArray[Any]) -> tuple[Any, ...]:
    """Shape, type and a hash of what an array holds; known again while the array lives."""
    known = _digests.get(id(array))
    if known is not None and known[0]() is array:
        return known[1]
    data = np.ascontiguousarray(array)
    found = (array.shape, array.dtype.str, blake2b(data.data, digest_size=16).digest())
    key = id(array)
    _digests[key] = (ref(array, lambda _: _digests.pop(key, None)), found)
    return found
