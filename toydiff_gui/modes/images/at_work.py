"""The mode Images at work: tiles, a card and strips."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from toydiff_gui.controllers.geodesic import Between
from toydiff_gui.engine_client.wanted import Part
from toydiff_gui.modes.contract import Laboratory, ModeAtWork
from toydiff_gui.modes.images.attention import AttentionRequests
from toydiff_gui.modes.images.canvas.page import ImagePage
from toydiff_gui.modes.images.compose import compose_images, image_thumbnails
from toydiff_gui.modes.images.costs import NetworkCosts
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.inversion import ImageInversion
from toydiff_gui.modes.images.lane_requests import ImageLanes
from toydiff_gui.modes.images.panels.sample import ImageSamplePanel
from toydiff_gui.modes.images.panels.train import ImageTrainPanel
from toydiff_gui.modes.images.picture import ImagesPicture
from toydiff_gui.modes.images.scene import ImageScene, StripLane
from toydiff_gui.modes.images.settings import (
    IMAGE_CARD,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
)
from toydiff_gui.modes.images.slice import SliceRequests
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.timeline.thumbnails import thumbnail_times

THUMBNAILS = 28


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
        self.train_dock = train = ImageTrainPanel(store, lab.mode_of)
        self.sample_dock = sample = ImageSamplePanel(store)
        self._thumbnails_of: tuple[object, int] | None = None
        page = self.page
        page.time_asked.connect(lab.playback.set_t)
        page.class_asked.connect(self._set_tile_class)
        page.stop_requested.connect(self.image_lanes.stop)
        self.image_lanes.busy_changed.connect(page.set_sampling)
        data = train.data
        data.download_requested.connect(self.image_sets.fetch)
        data.cancel_download_requested.connect(self.image_sets.cancel_fetch)
        data.data_root_requested.connect(self.image_sets.set_root)
        data.folder_requested.connect(self.image_sets.use_folder)
        data.thumbnails_requested.connect(self.image_sets.show_on_card)
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
