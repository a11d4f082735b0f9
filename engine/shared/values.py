"""Equality for frozen dataclasses that hold arrays, and what has been worked out of them.

Arrays are never written to once somebody else has them, so that two of them are the same where
they are one object: comparing is cheap however large they are. All else is compared as usual.
NumPy only.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Class = TypeVar("Class", bound=type)
Made = TypeVar("Made")

BY_CONTENT: Mapping[str, Any] = MappingProxyType({"by content": True})
"""Metadata of a field whose array counts by what it holds: one that is small, and made anew."""


def same(one: object, other: object) -> bool:
    """Whether both are equal, arrays by identity; in tuples and mappings as well."""
    if one is other:
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _holds_same(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)


def value(cls: Class) -> Class:
    """Let instances of a frozen dataclass be compared by ``same``, field by field.

    They cannot be hashed: there are arrays and mappings among the fields.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__name__} must be a dataclass before it is a value")
    compared = [field for field in fields(cls) if field.compare]
    by_content = tuple(field.name for field in compared if field.metadata == BY_CONTENT)
    plain = tuple(field.name for field in compared if field.name not in by_content)

    def equal(self: object, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return cast(bool, NotImplemented)
        return all(same(getattr(self, name), getattr(other, name)) for name in plain) and all(
            _holds_same(getattr(self, name), getattr(other, name)) for name in by_content
        )

    cls.__eq__ = equal  # type: ignore[method-assign]
    cls.__hash__ = None  # type: ignore[assignment,method-assign]
    return cls


class Memo(threading.local):
    """Keeps what was made of objects, which it does not keep alive; each thread has its own."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, tuple[tuple[weakref.ref[Any] | None, ...], object]]
        self._known = OrderedDict()
        self._went: deque[Hashable] = deque()
        """Places of which an owner has gone since the last time."""

    def get(self, owners: object, key: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` gave for the object or tuple ``owners``, known by identity, and ``key``."""
        whole = owners if isinstance(owners, tuple) else (owners,)
        place = (tuple(map(id, whole)), key)
        self._drop_those_that_went()
        known = self._known.get(place)
        # The id of one that has gone may be another's now.
        if known is not None and all(
            (None if ref is None else ref()) is owner
            for ref, owner in zip(known[0], whole, strict=True)
        ):
            self._known.move_to_end(place)
            return cast(Made, known[1])
        made = make()
        went = partial(_note, self._went, place)
        refs = tuple(None if owner is None else weakref.ref(owner, went) for owner in whole)
        self._known[place] = (refs, made)
        self._known.move_to_end(place)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return made

    def _drop_those_that_went(self) -> None:
        while self._went:
            place = self._went.popleft()
            known = self._known.get(place)
            if known is not None and _gone(known[0]):  # not another's by now
                del self._known[place]


def _note(went: deque[Hashable], place: Hashable, _: object) -> None:
    went.append(place)


def _gone(refs: tuple[weakref.ref[Any] | None, ...]) -> bool:
    return any(ref is not None and ref() is None for ref in refs)
