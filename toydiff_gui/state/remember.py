"""What the window remembers from one time to the next; what is damaged is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QWidget

from engine.shared.config import TrainingConfig
from toydiff_gui.state.bundled import NAMES
from toydiff_gui.state.lanes import LANES, MAX_LANES, LaneSpec, shown_lanes
from toydiff_gui.state.model_refs import is_here
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, VIEW, Look, ViewSettings

GEOMETRY = "window/geometry"
NOT_LANES = ("latent", "training")
"""Keys of what is drawn beside the lanes."""
MOST_LANES = 64
"""Of a longer list the rest is forgotten: nobody has made it by hand."""


@dataclass(frozen=True)
class KeptView(ViewSettings, Look):
    """How the window looks and what is looked at, as they are written: together."""


@dataclass(frozen=True)
class KeptLanes:
    """The lanes under a name, unlike the bare list of an earlier version that meant less."""

    lanes: tuple[LaneSpec, ...]


class Remembers(Protocol):
    """A mode, as far as this is about it."""

    @property
    def restore(self) -> Callable[[SettingsFile, Store], None]:
        """Sets what belongs to it as it was."""

    @property
    def remember(self) -> Callable[[SettingsFile, Store], None]:
        """Keeps what belongs to it for next time."""

    @property
    def overlays(self) -> Callable[[bool], Collection[str]]:
        """Keys of what can be laid over its lanes, or (True) over the latents."""


def restore(settings: SettingsFile, state: Store, modes: Sequence[Remembers]) -> None:
    """Set the state as it was when the window was last closed."""
    if (config := settings.get("state/training", TrainingConfig)) is not None:
        state.set(TRAINING_CONFIG, config)
    if (kept := settings.get("state/lanes", KeptLanes)) is not None:
        state.set(LANES, _possible(kept.lanes))
    for mode in modes:
        mode.restore(settings, state)
    view = settings.get("state/view", KeptView) or KeptView()
    state.update(VIEW, **{each.name: getattr(view, each.name) for each in fields(ViewSettings)})
    state.update(VIEW, presentation=False)
    state.update(LOOK, **_of_lanes_there_are(view, state, modes))


def remember(settings: SettingsFile, state: Store, modes: Sequence[Remembers]) -> None:
    """Keep the state for next time."""
    settings.put("state/training", state.get(TRAINING_CONFIG))
    view, look = vars(state.get(VIEW)), vars(state.get(LOOK))
    settings.put("state/view", KeptView(**view | look))
    settings.put("state/lanes", KeptLanes(state.get(LANES)))
    for mode in modes:
        mode.remember(settings, state)


def _possible(lanes: tuple[LaneSpec, ...]) -> tuple[LaneSpec, ...]:
    """The lanes that can be: each key once, checkpoints that exist, no more shown than there is
    room for."""
    kept: dict[str, LaneSpec] = {}
    for lane in lanes[:MOST_LANES]:
        known = lane.checkpoint is None or lane.checkpoint in NAMES or is_here(lane.checkpoint)
        if lane.key and lane.key not in (*NOT_LANES, *kept) and known:
            room = sum(other.shown for other in kept.values()) < MAX_LANES
            kept[lane.key] = replace(lane, shown=lane.shown and room)
    return tuple(kept.values())


def _of_lanes_there_are(view: Look, state: Store, modes: Sequence[Remembers]) -> dict[str, Any]:
    """Overlays and selection, without those of lanes that are no more."""
    keys = [lane.key for lane in shown_lanes(state)]
    over_lanes, over_latents = (
        {kind for mode in modes for kind in mode.overlays(over_latents)}
        for over_latents in (False, True)
    )
    known = {lane.key: over_lanes for lane in state.get(LANES)}
    known[NOT_LANES[0]] = over_latents
    overlays = {}
    for key, kinds in view.overlays.items():
        if left := tuple(kind for kind in kinds if kind in known.get(key, ())):
            overlays[key] = left
    selected = view.selected_lane
    if selected not in (*keys, NOT_LANES[0]):
        selected = keys[0] if keys else NOT_LANES[0]
    return {"overlays": overlays, "selected_lane": selected}


def restore_geometry(settings: SettingsFile, window: QWidget) -> bool:
    """Put the window where it was; False if that is not known."""
    kept = settings.get(GEOMETRY, bytes)
    return kept is not None and window.restoreGeometry(QByteArray(kept))


def remember_geometry(settings: SettingsFile, window: QWidget) -> None:
    """Keep where the window is."""
    settings.put(GEOMETRY, window.saveGeometry().data())
