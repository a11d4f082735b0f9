"""Work that is done bit by bit, run to its end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from engine.shared.work import finish

Item = TypeVar("Item")
Done = TypeVar("Done")


def finished(work: Generator[Item, None, Done]) -> tuple[Done, list[Item]]:
    """What ``work`` returns, and its items."""
    items: list[Item] = []
    return finish(work, items.append), items
