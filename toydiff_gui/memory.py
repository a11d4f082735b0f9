"""What the window remembers from one time to the next; what is damaged is forgotten."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QWidget

from engine.config import PathName, SamplerName, TrainingConfig
from toydiff_gui.bundled import NAMES
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_SAMPLING, IMAGE_ZOOM, ImageSampling
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.references import is_here
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state.lanes import LANES, MAX_LANES, LaneSpec, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG
from toydiff_gui.state.view import VIEW, ViewSettings

GEOMETRY = "window/geometry"
NOT_LANES = ("latent", "training")
"""Keys of what is drawn beside the lanes."""
MOST_ZOOM = 64
MOST_LANES = 64
"""Of a longer list the rest is forgotten: nobody has made it by hand."""


@dataclass(frozen=True)
class KeptLanes:
    """The lanes under a name, unlike the bare list of an earlier version that meant less."""

    lanes: tuple[LaneSpec, ...]


@dataclass(frozen=True)
class KeptImages:
    """Of ``ImageSampling`` all but the latents, which are drawn or found again."""

    count: int
    path_images: int
    steps: int | None
    seed: int
    eta: float
    sampler: SamplerName
    path: PathName
    even: bool
    tile_class: int | Literal["each"] | None
    fixed_noise: bool
    guidance: float

    def __post_init__(self) -> None:
        ImageSampling(**asdict(self))  # which checks the numbers


@dataclass(frozen=True)
class KeptImageView:
    """Of the card beside the samples what is worth coming back to, and the zoom of the tiles."""

    face: Literal["picture", "attention", "slice"]
    preview: bool
    zoom: int
    averaged: bool

    def __post_init__(self) -> None:
        if not 1 <= self.zoom <= MOST_ZOOM:
            raise ValueError(f"zoom {self.zoom}")


def restore(settings: SettingsFile, state: Store) -> None:
    """Set the state as it was when the window was last closed."""
    if (sampling := settings.get("state/sampling", Sampling)) is not None:
        if sampling.mode == "inverted":
            sampling = replace(sampling, mode="interpolation")  # the points are not kept
        state.update(SAMPLING, **{name: getattr(sampling, name) for name in asdict(sampling)})
    if (config := settings.get("state/training", TrainingConfig)) is not None:
        state.update(TRAINING_CONFIG, **{name: getattr(config, name) for name in asdict(config)})
    if (kept := settings.get("state/lanes", KeptLanes)) is not None:
        state.set(LANES, _possible(kept.lanes))
    if (images := settings.get("state/images", KeptImages)) is not None:
        state.update(IMAGE_SAMPLING, **asdict(images))
    if (seen := settings.get("state/image_view", KeptImageView)) is not None:
        state.set(IMAGE_ZOOM, seen.zoom)
        state.update(IMAGE_CARD, face=seen.face, preview=seen.preview, averaged=seen.averaged)
    view = settings.get("state/view", ViewSettings) or state.get(VIEW)
    view = replace(view, maximised_lane="", presentation=False)
    state.update(VIEW, **asdict(view) | _of_lanes_there_are(view, state))


def remember(settings: SettingsFile, state: Store) -> None:
    """Keep the state for next time."""
    settings.put("state/sampling", state.get(SAMPLING))
    settings.put("state/training", state.get(TRAINING_CONFIG))
    settings.put("state/view", state.get(VIEW))
    settings.put("state/lanes", KeptLanes(state.get(LANES)))
    settings.put("state/images", _part_of(state.get(IMAGE_SAMPLING), KeptImages))
    card = state.get(IMAGE_CARD)
    seen = KeptImageView(card.face, card.preview, state.get(IMAGE_ZOOM), card.averaged)
    settings.put("state/image_view", seen)


def _part_of(whole: Any, kind: Any) -> Any:
    """The fields of ``whole`` that ``kind`` has."""
    return kind(**{field.name: getattr(whole, field.name) for field in fields(kind)})


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


def _of_lanes_there_are(view: ViewSettings, state: Store) -> dict[str, Any]:
    """Overlays and selection, without those of lanes that are no more."""
    keys = [lane.key for lane in shown_lanes(state)]
    over_lanes = table.keys(over_latents=False)
    known = {lane.key: over_lanes for lane in state.get(LANES)}
    known[NOT_LANES[0]] = table.keys(over_latents=True)
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
