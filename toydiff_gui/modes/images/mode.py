"""The mode Images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject

from engine.datasets.images import INFOS, image_training
from engine.shared import catalogue
from engine.shared.config import PathName, SamplerName, TrainingConfig
from toydiff_gui.modes.contract import Laboratory, Mode, ModeAtWork
from toydiff_gui.modes.images.actions import KEYS
from toydiff_gui.modes.images.figures import FIGURES
from toydiff_gui.modes.images.image_sets import data_root
from toydiff_gui.modes.images.settings import (
    IMAGE_CARD,
    IMAGE_LANES,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
    ImageSampling,
)
from toydiff_gui.modes.images.tasks import IMAGE_TASKS
from toydiff_gui.modes.images.trajectory_file import picture_of
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store

if TYPE_CHECKING:
    from toydiff_gui.diagnostics.contract import ModeDiagnostics
    from toydiff_gui.engine_client.client import Client

MOST_ZOOM = 64
USUAL_SET = "mnist"


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


def _restore(settings: SettingsFile, store: Store) -> None:
    if (images := settings.get("state/images", KeptImages)) is not None:
        store.update(IMAGE_SAMPLING, **asdict(images))
    if (seen := settings.get("state/image_view", KeptImageView)) is not None:
        store.set(IMAGE_ZOOM, seen.zoom)
        store.update(IMAGE_CARD, face=seen.face, preview=seen.preview, averaged=seen.averaged)


def _remember(settings: SettingsFile, store: Store) -> None:
    images, card = store.get(IMAGE_SAMPLING), store.get(IMAGE_CARD)
    kept: dict[str, Any] = {each.name: getattr(images, each.name) for each in fields(KeptImages)}
    settings.put("state/images", KeptImages(**kept))
    seen = KeptImageView(card.face, card.preview, store.get(IMAGE_ZOOM), card.averaged)
    settings.put("state/image_view", seen)


def _describe(model: ModelInfo) -> str:
    channels, height, width = model.shape
    return f"{'grey' if channels == 1 else 'colour'} images of {height} x {width}"


def _first_training(model: ModelInfo) -> TrainingConfig:
    return image_training(model.dataset if model.dataset in INFOS else USUAL_SET)


def _work(lab: Laboratory, parent: QObject) -> ModeAtWork:
    # Widgets: only a window has a use for them.
    from toydiff_gui.modes.images.at_work import ImagesAtWork

    return ImagesAtWork(lab, parent)


def _diagnostics(store: Store, client: Client, parent: QObject) -> ModeDiagnostics:
    from toydiff_gui.modes.images.diagnostics.cards import ImageDiagnostics

    return ImageDiagnostics(store, client, parent)


MODE = Mode(
    key="images",
    kind=catalogue.IMAGES,
    title="Images",
    tip="Samples of images, and film strips between two of them",
    no_model="There is no model of images here: train one with 'toydiff train', or open one.",
    lanes=IMAGE_LANES,
    work=_work,
    describe=_describe,
    first_training=_first_training,
    figures=FIGURES,
    data_root=data_root,
    tasks=IMAGE_TASKS,
    keys=KEYS,
    diagnostics=_diagnostics,
    picture_of_file=picture_of,
    restore=_restore,
    remember=_remember,
)
