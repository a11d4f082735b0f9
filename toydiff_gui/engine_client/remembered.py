"""Answers of a moment ago, by what they depend on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from toydiff_gui.engine_client.wanted import Answer

MOST_BYTES = 256 * 2**20
LARGEST_SHARE = 4
"""No answer takes more than this part of all."""


class Remembered:
    """The last complete answers, as many as fit into ``most`` bytes; the oldest go first."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, tuple[Answer, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def size(self) -> int:
        """Bytes of all arrays in it."""
        return self._size

    def find(self, content: Hashable) -> Answer | None:
        """The answer for ``content``; None if there is none (any more)."""
        if content not in self._answers:
            return None
        self._answers.move_to_end(content)
        return self._answers[content][0]

    def add(self, content: Hashable, answer: Answer) -> None:
        """Remember a complete answer, unless it is too large."""
        size = size_of(answer.value)
        self._remove(content)
        if size * LARGEST_SHARE > self._most:
            return
        self._answers[content] = (answer, size)
        self._size += size
        while self._size > self._most:
            self._remove(next(iter(self._answers)))

    def clear(self) -> None:
        """Forget everything."""
        self._answers.clear()
        self._size = 0

    def _remove(self, content: Hashable) -> None:
        if content in self._answers:
            self._size -= self._answers.pop(content)[1]


def size_of(value: Any) -> int:
    """Bytes of the arrays in a value, however deep; an array that occurs twice counts once."""
    seen: dict[int, int] = {}

    def walk(part: Any) -> None:
        if isinstance(part, np.ndarray):
            seen[id(part)] = part.nbytes
        elif isinstance(part, Mapping):
            for item in part.values():
                walk(item)
        elif isinstance(part, tuple | list):
            for item in part:
                walk(item)
        elif is_dataclass(part) and not isinstance(part, type):
            for each in fields(part):
                walk(getattr(part, each.name))

    walk(value)
    return sum(seen.values())
