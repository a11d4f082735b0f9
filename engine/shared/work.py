"""Work that is done bit by bit, as generators: run to its end, or with other reports."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Item = TypeVar("Item")
Report = TypeVar("Report")
Done = TypeVar("Done")


def finish(
    work: Generator[Item, None, Done], on_item: Callable[[Item], object] | None = None
) -> Done:
    """Run ``work`` to its end, handing each item to ``on_item``; returns what it returns."""
    while True:
        try:
            item = next(work)
        except StopIteration as end:
            done: Done = end.value
            return done
        if on_item is not None:
            on_item(item)


def reported(
    work: Generator[Item, None, Done], report: Callable[[Item], Report]
) -> Generator[Report, None, Done]:
    """``work`` with what ``report`` makes of each item; returns what it returns.

    Closed early, it closes ``work``.
    """
    try:
        while True:
            try:
                item = next(work)
            except StopIteration as end:
                done: Done = end.value
                return done
            yield report(item)
    finally:
        work.close()


def silently(work: Generator[Item, None, Done]) -> Generator[None, None, Done]:
    """``work`` without its reports."""
    return reported(work, lambda item: None)
