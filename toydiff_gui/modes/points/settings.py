"""What is set for points in the plane, and what the engine answers about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue
from engine.shared.config import MAX_TIMESTEPS, MAX_WAY_POINTS, PathName, Side, require_between
from engine.shared.values import BY_CONTENT, value
from toydiff_gui.modes.points.scene import Layer
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.slots import Family, Kind, Slot
from toydiff_gui.state.store import Store

Mode = Literal["interpolation", "samples", "inverted"]
Point = tuple[float, float]

MAX_LANE_POINTS = 100_000


@dataclass(frozen=True)
class Sampling:
    """What the sample panel sets. ``steps`` None means all T steps of the model.

    ``path`` leads from ``a`` to ``b``; ``side`` is where it goes round if they are opposite, seen
    from A towards B; ``through`` are the way-points of a drawn path. ``even`` spaces the points
    evenly where they are decoded, not where they start (the geodesic always is). In mode
    'inverted' the lanes start from the latents of the user's own points (``INVERSION``).
    """

    mode: Mode = "interpolation"
    count: int = 1000
    path_points: int = 500
    steps: int | None = None
    seed: int = 5
    eta: float = 0.0
    a: Point = (-1.0, 2.0)
    b: Point = (-1.0, -2.0)
    path: PathName = "linear"
    side: Side = "left"
    even: bool = False
    through: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        catalogue.path(self.path)
        require_between("number of samples", self.count, 1, MAX_LANE_POINTS)
        require_between("points on the path", self.path_points, 2, MAX_LANE_POINTS)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("eta", self.eta, 0.0, 1.0)
        require_between("number of way-points", len(self.through), 0, MAX_WAY_POINTS)
        places = [("endpoint A", self.a), ("endpoint B", self.b)]
        for name, point in places + [("way-point", point) for point in self.through]:
            for coordinate in point:
                require_between(name, coordinate, -1e3, 1e3)


@dataclass(frozen=True)
class PathFigures:
    """What a path does when DDIM carries it to the data."""

    length: float
    gap: float
    gap_ratio: float
    """The largest gap over the median one."""
    off_data: float | None


@dataclass(frozen=True)
class Comparison:
    """All kinds of paths between the present endpoints; those not yet computed are missing."""

    status: Literal["idle", "running", "done", "failed"] = "idle"
    figures: Mapping[str, PathFigures] = field(default_factory=dict)
    steps: int = 0
    message: str = ""


@value
@dataclass(frozen=True)
class OwnPoints:
    """Points of the data that the user has chosen, (N, 2), and where they come from.

    ``anew``: the lanes are to show them as soon as their latents are known. ``ends`` is where those
    have put A and B, which follow the points to other models until the user moves them. ``picked``
    are those chosen so far while there are too few; None where the user is not choosing.
    """

    source: str = ""
    data: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 2), np.float32), metadata=BY_CONTENT
    )
    ends: tuple[Point, Point] | None = None
    anew: bool = False
    picked: tuple[Point, ...] | None = None


OWN_POINTS = Slot("own points", OwnPoints, Kind.SETTING)
INVERSION = Slot("inversion", Inversion, Kind.RESULT)
SAMPLING = Slot("sampling", Sampling, Kind.SETTING)
POINT_LANES = LaneMode(
    SAMPLING,
    follows_path=lambda sampling: sampling.mode == "interpolation",
    has_drawn=lambda sampling: bool(sampling.through),
    to_follow_path={"mode": "interpolation"},
)
COMPARISON = Slot("comparison", Comparison, Kind.RESULT)
LAYERS: Family[tuple[str, str], Layer | None] = Family("layers", lambda: None)
"""By the lane's key and the kind of overlay."""


def layer_of(store: Store, lane: str, kind: str) -> Layer | None:
    """What is laid over ``lane`` as ``kind``, as far as it has arrived."""
    return store.at(LAYERS, (lane, kind))
