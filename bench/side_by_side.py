"""Two ways of doing the same, timed in turn, so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def ratio(ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> tuple[float, ...]:
    """Median seconds of each, and the median of what the first takes as a multiple of the second.

    Each round runs both, the other one first in every second round.
    """
    times: dict[int, list[float]] = {0: [], 1: []}
    for way in (ours, peer):
        way()  # first calls choose kernels and fetch memory
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            began = time.perf_counter()
            (ours, peer)[index]()
            times[index].append(time.perf_counter() - began)
    multiples = [one / other for one, other in zip(times[0], times[1], strict=True)]
    return (
        statistics.median(times[0]),
        statistics.median(times[1]),
        statistics.median(multiples),
    )
