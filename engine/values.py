"""Equality for frozen dataclasses that hold arrays. NumPy only.

Arrays are never written to once somebody else has them, so that two of them are the same where
they are one object: comparing is cheap however large they are. All else is compared as usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TypeVar, cast

import numpy as np

Class = TypeVar("Class", bound=type)


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


def value(cls: Class) -> Class:
    """Let instances of a frozen dataclass be compared by ``same``, field by field.

    They cannot be hashed: there are mappings among the fields.
    """
    if not is_dataclass(cls):
        raise TypeError(f"{cls.__name__} must be a dataclass before it is a value")
    names = tuple(field.name for field in fields(cls) if field.compare)

    def equal(self: object, other: object) -> bool:
        if self is other:
            return True
        if type(other) is not type(self):
            return cast(bool, NotImplemented)
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    cls.__eq__ = equal  # type: ignore[method-assign]
    cls.__hash__ = None  # type: ignore[assignment,method-assign]
    return cls
