"""What is to be seen in mode Images, as plain data: tiles, film strips, and one thing looked at.

As with ``toydiff_gui.modes.points.scene``, a picture is a function of a scene and t. No Qt here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.datasets import Standardisation
from engine.datasets.images import Pixels, to_pixels
from engine.shared.trajectory import Trajectory
from engine.shared.values import value
from toydiff_gui.drawing.scene_parts import Box, Mark, Status, reached_by_all, states_at

States = NDArray[np.float32]
"""Standardised images, (N, C, H, W)."""
Face = Literal["picture", "attention", "slice"]
"""What the card beside the samples shows."""


@dataclass(frozen=True)
class TilesCard:
    """The samples as tiles, in reading order; ``marks`` are the endpoints among them."""

    trajectory: Trajectory | None = None
    note: str = ""
    status: Status = "empty"
    message: str = ""
    preview: bool = False
    """Show the clean image predicted from each state instead of the state."""
    marks: Mapping[int, Mark] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    """The class that each tile was asked for; empty where none was."""
    pinned: int | None = None
    """The tile that the card beside shows, when nothing is pointed at."""

    def states_at(self, t: float) -> States | None:
        """The images to show at ``t``; None while there are none."""
        return states_at(self.trajectory, t, predicted=self.preview)


@dataclass(frozen=True)
class StripLane:
    """The images along the path from A to B that one sampler makes."""

    key: str
    number: int
    title: str
    detail: str = ""
    trajectory: Trajectory | None = None
    status: Status = "empty"
    message: str = ""
    preview: bool = False
    latent_norms: NDArray[np.float64] | None = None
    """Norm of each latent on the path, (N,)."""

    def states_at(self, t: float) -> States | None:
        """The images to show at ``t``; None while there are none."""
        return states_at(self.trajectory, t, predicted=self.preview)


@dataclass(frozen=True)
class LookedAt:
    """One image large, with its whole trajectory: image ``index`` of ``trajectory``."""

    title: str
    trajectory: Trajectory
    index: int
    detail: str = ""
    preview: bool = False
    made: Trajectory | None = None
    """The same in the units of the network that made it, whose latents have the prior's norms."""

    def states_at(self, t: float) -> States | None:
        """It and those beside it at ``t``, (N, C, H, W); None while there are none."""
        return states_at(self.trajectory, t, predicted=self.preview)

    def state_at(self, t: float) -> States | None:
        """The image at ``t``, (C, H, W); None while it is not there."""
        states = self.states_at(t)
        return None if states is None or self.index >= len(states) else states[self.index]


@dataclass(frozen=True)
class AttentionLayer:
    """A layer that can be looked at: its name, the side of the image it sees, its heads."""

    name: str
    title: str
    side: int
    heads: int


@value
@dataclass(frozen=True)
class AttentionCard:
    """Where a pixel of an image looks, at the timeline's t or averaged over the trajectory.

    ``weights`` maps t to (heads, L, L) of ``layer``, as far as they have arrived; L = side * side,
    rows are queries. ``query`` is (row, column) on the layer's own grid.
    """

    image: LookedAt | None = None
    layers: tuple[AttentionLayer, ...] = ()
    layer: AttentionLayer | None = None
    head: int = 0
    query: tuple[int, int] = (0, 0)
    averaged: bool = False
    weights: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    status: Status = "empty"
    message: str = ""

    def time_at(self, t: float) -> int | None:
        """The time nearest to ``t`` that has arrived; None while there is none."""
        return min(self.weights, key=lambda known: abs(known - t), default=None)

    def maps_at(self, t: float) -> NDArray[np.float32] | None:
        """Where the query looks, a map for each head, (heads, side, side); None while unknown."""
        if self.layer is None or not self.weights:
            return None
        side = self.layer.side
        row = self.query[0] * side + self.query[1]
        if self.averaged:
            rows = np.mean([weights[:, row] for weights in self.weights.values()], axis=0)
        else:
            known = self.time_at(t)
            if known is None:
                return None
            rows = self.weights[known][:, row]
        return np.asarray(rows, np.float32).reshape(-1, side, side)


@value
@dataclass(frozen=True)
class SliceCard:
    """A plane of the latent space through A, B and C, as decoded thumbnails.

    ``images`` (rows * columns, C, H, W) at t = 0, the first row at the top. ``box`` is the part of
    the plane (u0, u1, v0, v1): A is at (0, 0), B at (1, 0), C at (0, 1). ``dot`` is looked at;
    ``at_dot`` (C, H, W) is what it decodes to.
    """

    columns: int = 0
    rows: int = 0
    box: Box = (0.0, 1.0, 0.0, 1.0)
    images: States | None = None
    dot: tuple[float, float] = (0.5, 0.5)
    at_dot: States | None = None
    status: Status = "empty"
    message: str = ""


@value
@dataclass(frozen=True)
class Endpoint:
    """A or B (or C) as the panel and the strips name it; ``image`` (C, H, W) is what it shows."""

    mark: Mark
    label: str
    image: States | None = None


@value
@dataclass(frozen=True)
class ImageScene:
    """All of mode Images on one timeline of ``timesteps`` = T.

    ``mean`` and ``std`` (one for each channel) lead from standardised images to pixels.
    """

    timesteps: int = 250
    alphas_cumprod: NDArray[np.float64] = field(default_factory=lambda: np.ones(251))
    title: str = ""
    shape: tuple[int, int, int] = (1, 28, 28)
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    tiles: TilesCard = field(default_factory=TilesCard)
    face: Face = "picture"
    looked_at: LookedAt | None = None
    attention: AttentionCard = field(default_factory=AttentionCard)
    slice: SliceCard = field(default_factory=SliceCard)
    endpoints: tuple[Endpoint, ...] = ()
    strips: tuple[StripLane, ...] = ()
    path_label: str = ""
    prior_norms: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """2.5 %, 50 % and 97.5 % quantiles of the norm of a latent under the prior."""
    marked: int | None = None
    """The position on the path that is looked at, in all strips."""
    pinned: int | None = None
    selected: str = ""
    """Key of the selected strip."""

    @property
    def transform(self) -> Standardisation:
        """From pixels / 255 to standardised units."""
        return Standardisation.by_channel(self.mean, self.std, self.shape)

    def pixels(self, states: States) -> Pixels:
        """Standardised images (..., C, H, W) as uint8, cut off at black and white."""
        return to_pixels(states, self.transform)

    def strip(self, key: str) -> StripLane | None:
        """The strip called ``key``, or None."""
        return next((strip for strip in self.strips if strip.key == key), None)

    def trajectories(self) -> list[Trajectory]:
        """Those of the tiles and of the strips that have one."""
        every = [self.tiles.trajectory, *(strip.trajectory for strip in self.strips)]
        return [trajectory for trajectory in every if trajectory is not None]

    def reached(self) -> int:
        """The smallest t that all trajectories have arrived at (T when none has)."""
        return reached_by_all(self.trajectories(), self.timesteps)
