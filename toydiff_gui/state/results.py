"""Answers that every mode may have: a search for a geodesic, an inversion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared.values import value
from toydiff_gui.state.slots import Kind, Slot


@value
@dataclass(frozen=True)
class GeodesicRun:
    """The search for the geodesic between the present endpoints.

    ``energies``: the best energy after each step. ``latents`` (N, ...): the best path so far,
    between ``ends``.
    """

    status: Literal["idle", "searching", "done", "stopped", "failed"] = "idle"
    step: int = 0
    total: int = 0
    energies: tuple[float, ...] = ()
    seconds: float = 0.0
    coefficients: int = 0
    latents: NDArray[np.float32] | None = None
    ends: tuple[Any, Any] | None = None
    message: str = ""


@value
@dataclass(frozen=True)
class Inversion:
    """The user's own points of the data (N, 2), their latents, and what a round trip loses (N,)."""

    status: Literal["idle", "picking", "running", "done", "failed"] = "idle"
    source: str = ""
    data: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    latents: NDArray[np.float32] | None = None
    errors: NDArray[np.float32] | None = None
    message: str = ""


@dataclass(frozen=True)
class SearchSeed:
    """Of the starts of a search: another one where the path was searched again.

    ``of`` tells what the search is for; of anything else the seed is 0.
    """

    of: str = ""
    seed: int = 0


GEODESIC = Slot("geodesic", GeodesicRun, Kind.RESULT)
SEARCH_SEED = Slot("search seed", SearchSeed, Kind.SETTING)
