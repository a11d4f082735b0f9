"""What has been worked out of something large, for as long as that is there."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

Value = TypeVar("Value")
MOST = 64


class Keeper(threading.local):
    """Keeps results by their owner, which it does not keep alive; each thread has its own."""

    def __init__(self) -> None:
        self._known: OrderedDict[
            tuple[int, Hashable], tuple[weakref.ReferenceType[object], object]
        ] = OrderedDict()

    def get(self, owner: object, key: Hashable, make: Callable[[], Value]) -> Value:
        """What ``make`` gave for ``owner`` and ``key``, made now if it is not known."""
        place = (id(owner), key)
        known = self._known.get(place)
        if known is not None and known[0]() is owner:
            self._known.move_to_end(place)
            return cast(Value, known[1])
        value = make()
        self._known[place] = (weakref.ref(owner), value)
        self._known.move_to_end(place)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        for other in [other for other, (ref, _) in self._known.items() if ref() is None]:
            del self._known[other]
        return value
