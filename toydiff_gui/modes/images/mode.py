"""The mode Images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from PySide6.QtCore import QObject

from engine import catalogue
from engine.config import PathName, SamplerName, TrainingConfig
from engine.datasets.images import INFOS, image_training
from toydiff_gui.canvas.images import ImagePage
from toydiff_gui.controllers.geodesic import Between
from toydiff_gui.engine_client.wanted import Part
from toydiff_gui.image_composer import compose_images, image_thumbnails
from toydiff_gui.image_scene import ImageScene, StripLane
from toydiff_gui.modes.contract import Laboratory, Mode, ModeAtWork
from toydiff_gui.modes.images.actions import KEYS
from toydiff_gui.modes.images.attention import AttentionRequests
from toydiff_gui.modes.images.costs import NetworkCosts
from toydiff_gui.modes.images.diagnostics.cards import ImageDiagnostics
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.modes.images.figures import FIGURES
from toydiff_gui.modes.images.image_sets import ImageSets, data_root
from toydiff_gui.modes.images.inversion import ImageInversion
from toydiff_gui.modes.images.lane_requests import ImageLanes
from toydiff_gui.modes.images.picture import ImagesPicture
from toydiff_gui.modes.images.settings import (
    IMAGE_CARD,
    IMAGE_LANES,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
    ImageSampling,
)
from toydiff_gui.modes.images.slice import SliceRequests
from toydiff_gui.modes.images.tasks import IMAGE_TASKS
from toydiff_gui.modes.images.trajectory_file import picture_of
from toydiff_gui.panels.images.sample import ImageSamplePanel
from toydiff_gui.panels.images.train import ImageTrainPanel
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.store import Store
from toydiff_gui.thumbnails import thumbnail_times

THUMBNAILS = 28
MOST_ZOOM = 64
USUAL_SET = "mnist"


class ImagesAtWork(ModeAtWork):
    """Tiles of samples, a card to look into one, and the strips of the path."""

    page: ImagePage

    def __init__(self, lab: Laboratory, parent: QObject | None = None) -> None:
        super().__init__(lab, parent)
        controllers, store = lab.controllers, lab.store
        exchange, geodesic = controllers.exchange, controllers.geodesic
        self.image_lanes = ImageLanes(store, exchange, controllers.models, geodesic, self)
        self.slice = SliceRequests(store, exchange)
        self.attention = AttentionRequests(store, exchange, lab.playback)
        self.inversion = ImageInversion(store, controllers.client, self)
        self.image_sets = ImageSets(store, controllers.client, lab.settings, self)
        self.costs = NetworkCosts(store, exchange)
        self.page = ImagePage(store)
        self.train_dock = ImageTrainPanel(store, lab.mode_of)
        self.sample_dock = ImageSamplePanel(store)
        self._thumbnails_of: tuple[object, int] | None = None
        self._connect()

    def _connect(self) -> None:
        page, train, sample = self.page, self.train_dock, self.sample_dock
        geodesic = self.lab.controllers.geodesic
        page.time_asked.connect(self.lab.playback.set_t)
        page.class_asked.connect(self._set_tile_class)
        page.stop_requested.connect(self.image_lanes.stop)
        self.image_lanes.busy_changed.connect(page.set_sampling)
        train.download_requested.connect(self.image_sets.fetch)
        train.cancel_download_requested.connect(self.image_sets.cancel_fetch)
        train.data_root_requested.connect(self.image_sets.set_root)
        train.folder_requested.connect(self.image_sets.use_folder)
        train.thumbnails_requested.connect(self.image_sets.show_on_card)
        sample.browse_requested.connect(self.image_sets.browse)
        sample.invert_image_requested.connect(self.inversion.invert_image)
        sample.invert_file_requested.connect(self.inversion.invert_file)
        sample.cancel_inversion_requested.connect(self.inversion.cancel)
        sample.stop_search_requested.connect(geodesic.stop)
        sample.search_again_requested.connect(geodesic.search_again)

    @property
    def parts(self) -> tuple[Part, ...]:
        """See ``ModeAtWork.parts``."""
        geodesic = self.lab.controllers.geodesic
        return (geodesic, self.image_lanes, self.slice, self.attention, self.costs)

    def between(self) -> Between | None:
        """See ``ModeAtWork.between``."""
        return self.image_lanes.between()

    def looks_at_geodesic(self) -> bool:
        """See ``ModeAtWork.looks_at_geodesic``."""
        return self.image_lanes.looks_at_geodesic()

    def scene(self) -> ImageScene:
        """See ``ModeAtWork.scene``."""
        return compose_images(self.store)

    def picture(self) -> ImagesPicture:
        """See ``ModeAtWork.picture``."""
        return ImagesPicture(self.scene())

    def show_scene(self) -> int:
        """See ``ModeAtWork.show_scene``."""
        reached = super().show_scene()
        self._show_thumbnails()
        return reached

    def show_model(self) -> None:
        """See ``ModeAtWork.show_model``."""
        self._thumbnails_of = None
        super().show_model()

    def _show_thumbnails(self) -> None:
        """The tile that is pinned, in the row above time, when it is there."""
        run = self.store.at(LANE_RUNS, SAMPLES_KEY)
        if run.status != "done":
            return
        shown = (run.trajectory, self.store.get(IMAGE_CARD).pinned_tile)
        if shown != self._thumbnails_of:
            self._thumbnails_of = shown
            times = thumbnail_times(self.store.get(MODEL).schedule.timesteps, THUMBNAILS)
            self.lab.show_thumbnails(image_thumbnails(self.store, times), of_pixels=True)

    def lanes(self) -> Sequence[StripLane]:
        """See ``ModeAtWork.lanes``."""
        return self.page.scene.strips

    def reset_view(self) -> None:
        """See ``ModeAtWork.reset_view``."""
        self.store.set(IMAGE_ZOOM, 1)

    def _set_tile_class(self, index: int, number: int | None) -> None:
        """Ask for a tile of a class of its own; None for none."""
        asked = dict(self.store.get(IMAGE_SAMPLING).tile_classes)
        asked[index] = number
        self.store.update(IMAGE_SAMPLING, tile_classes=tuple(sorted(asked.items())))


# What is remembered


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


MODE = Mode(
    key="images",
    kind=catalogue.IMAGES,
    title="Images",
    tip="Samples of images, and film strips between two of them",
    no_model="There is no model of images here: train one with 'toydiff train', or open one.",
    lanes=IMAGE_LANES,
    work=ImagesAtWork,
    describe=_describe,
    first_training=_first_training,
    figures=FIGURES,
    data_root=data_root,
    tasks=IMAGE_TASKS,
    keys=KEYS,
    diagnostics=ImageDiagnostics,
    picture_of_file=picture_of,
    restore=_restore,
    remember=_remember,
)
