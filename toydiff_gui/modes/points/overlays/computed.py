"""What an overlay that the engine computes has to say: what is asked for, what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from engine.shared.messages import AnyReport, Arrays, Request
from toydiff_gui.drawing.scene_parts import Box, Points
from toydiff_gui.modes.points.scene import Layer


@dataclass(frozen=True)
class Subject:
    """What a lane's overlays are of; ``timesteps`` are its own, ``shown`` those of the timeline.

    A lane's own model may have another T than the timeline.
    """

    lane: str
    ref: str
    revision: int
    timesteps: int
    shown: int

    def own_time(self, t: float) -> int:
        """The time at which its denoiser is asked for what is seen at ``t``, in 1..timesteps."""
        return min(max(1, round(t * self.timesteps / self.shown)), self.timesteps)

    def on_timeline(self, t: int) -> int:
        """Where on the timeline one of its own times is seen."""
        return round(t * self.shown / self.timesteps)


@dataclass(frozen=True)
class Sight:
    """What is looked at: a part of the plane and a time; lanes have at most so many ``steps``."""

    box: Box
    t: float
    steps: int


@dataclass(frozen=True)
class Ask:
    """A request, and what is made of its answer."""

    request: Request
    arrays: Arrays
    collect: Callable[[Any, AnyReport, Arrays], Any]
    """The value before (None at first) and a message to the value after."""
    name: str = ""
    """Tells several apart that are asked for at once."""
    of: Hashable = None
    """What it is of besides its subject: a layer of something else is not shown meanwhile."""
    alike: Request | None = None
    """The same for all requests whose answers are the same, in whatever order they come."""


@dataclass(frozen=True)
class Computed:
    """A layer that is complete when its answer is."""

    asks: Callable[[Subject, Sight], tuple[Ask, ...]]
    """For one layer after the other, each better than the one before."""


@dataclass(frozen=True)
class ComputedInTime:
    """A layer that has more and more times of the timeline, as they are looked at."""

    asks: Callable[[Subject, Sight], tuple[Ask, ...]]
    """All that is needed for one time, at once."""
    empty: Callable[[Box], Layer]
    """The layer with no time at all."""
    add: Callable[[Any, int, tuple[Any, ...]], Layer]
    """That layer, a time of the timeline and the values of all asks to the layer with that time."""


@dataclass(frozen=True)
class Overlay:
    """A row of the table of overlays."""

    key: str
    title: str
    tip: str
    icon: str
    over_latents: bool = False
    """Whether it is laid over the latents, which do not move, and not over samples."""
    computed: Computed | ComputedInTime | None = None
    """How the engine computes it; None: it is drawn from what the lane has anyway."""
    not_exact: str = ""
    """Why the exact denoiser has none; empty if it has."""


def pixels(box: Box, side: int) -> tuple[int, int]:
    """Width and height in pixels, the longer one being ``side``."""
    wide, high = box[1] - box[0], box[3] - box[2]
    return (side, max(2, round(side * high / wide)))


@lru_cache(maxsize=16)
def grid(box: Box, columns: int, rows: int) -> Points:
    """The middles of the cells of a grid, (rows * columns, 2), the first row at the top."""
    x0, x1, y0, y1 = box
    x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    y = y1 - (np.arange(rows) + 0.5) * (y1 - y0) / rows
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)
