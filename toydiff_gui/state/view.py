"""How the window looks, what is looked at, and what is under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from toydiff_gui.state.slots import Kind, Slot
from toydiff_gui.state.store import Store


@dataclass(frozen=True)
class ViewSettings:
    """How the window looks."""

    theme: Literal["system", "dark", "light"] = "system"
    presentation: bool = False
    lab: bool = False
    """The right dock shows the interpolation laboratory instead of the samples."""
    train_dock: bool = True
    sample_dock: bool = True

    @property
    def shows_lab(self) -> bool:
        """Whether the interpolation laboratory is on the screen."""
        return self.lab and self.sample_dock and not self.presentation

    page: Literal["explore", "diagnostics"] = "explore"
    diagnostics: Literal["network", "schedule", "forward"] = "network"
    """What the diagnostics page shows."""


@dataclass(frozen=True)
class Look:
    """What is looked at: chosen by the user, and to be seen in the lanes."""

    selected_lane: str = "ddim"
    overlays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is laid over each lane, by its key."""
    maximised_lane: str = ""
    """Key of a lane shown alone; empty for the grid."""


VIEW = Slot("view", ViewSettings, Kind.VIEW)
LOOK = Slot("look", Look, Kind.SETTING)
DRAGGING = Slot("dragging", bool, Kind.TRANSIENT)
"""Whether an endpoint is being dragged: lanes update with fewer steps meanwhile."""
MARKED: Slot[int | None] = Slot("marked", lambda: None, Kind.TRANSIENT)
"""The point of the path that is looked at in all lanes, by its index."""
PINNED: Slot[int | None] = Slot("pinned", lambda: None, Kind.SETTING)
"""The point of the path whose whole trajectory is shown, by its index."""


def overlays_of(store: Store, key: str) -> frozenset[str]:
    """What is laid over the lane ``key``."""
    return frozenset(store.get(LOOK).overlays.get(key, ()))


def show_overlay(store: Store, key: str, kind: str, shown: bool) -> None:
    """Lay ``kind`` over the lane ``key``, or take it away."""
    overlays = store.get(LOOK).overlays
    kinds = [other for other in overlays.get(key, ()) if other != kind]
    if shown:
        kinds.append(kind)
    store.update(LOOK, overlays={**overlays, key: tuple(sorted(kinds))})
