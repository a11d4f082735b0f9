"""Typed places for what the window knows; each says what kind of thing it holds.

A mode declares slots of its own, and the store that holds their values knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key")


class Kind(Enum):
    """What a slot holds, and with that what becomes of it."""

    SETTING = auto()
    """Chosen by the user: can be undone, belongs to a session, is remembered."""
    VIEW = auto()
    """How it is looked at, such as a zoom: is remembered."""
    RESULT = auto()
    """What the engine has answered."""
    TRANSIENT = auto()
    """What is so for the moment, such as what lies under the pointer."""


@dataclass(frozen=True, eq=False)
class Slot(Generic[Value]):
    """A place for one immutable value; ``initial`` makes the one that is there at first."""

    name: str
    initial: Callable[[], Value]
    kind: Kind


@dataclass(frozen=True, eq=False)
class Family(Generic[Key, Value]):
    """Places for results of one kind, one for each key; ``initial`` stands for a missing one."""

    name: str
    initial: Callable[[], Value]
    kind: Kind = Kind.RESULT
