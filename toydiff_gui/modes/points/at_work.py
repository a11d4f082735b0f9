"""The mode 2D at work: lanes in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject

from toydiff_gui.controllers.geodesic import Between
from toydiff_gui.engine_client.wanted import Part
from toydiff_gui.modes.contract import Laboratory, ModeAtWork
from toydiff_gui.modes.points.canvas.lane_grid import LaneGrid
from toydiff_gui.modes.points.comparison import PathComparison
from toydiff_gui.modes.points.compose import compose, data_points
from toydiff_gui.modes.points.inversion import PointInversion
from toydiff_gui.modes.points.lane_requests import PointLanes
from toydiff_gui.modes.points.overlay_requests import OverlayRequests
from toydiff_gui.modes.points.panels.sample import SamplePanel
from toydiff_gui.modes.points.panels.train import PointTrainPanel
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.state.describe import alphas_cumprod
from toydiff_gui.state.model import MODEL
from toydiff_gui.timeline.thumbnails import forward_thumbnails

HINT_SEEN = "window/hint_seen"
THUMBNAILS, THUMBNAIL_SHAPE = 24, (36, 48)


class PointsAtWork(ModeAtWork):
    """Lanes in a grid, all of the same part of the plane."""

    page: LaneGrid

    def __init__(self, lab: Laboratory, parent: QObject | None = None) -> None:
        super().__init__(lab, parent)
        controllers, store = lab.controllers, lab.store
        exchange, geodesic = controllers.exchange, controllers.geodesic
        self.overlays = OverlayRequests(store, exchange, lab.playback, self)
        self.comparison = PathComparison(store, geodesic)
        self.inversion = PointInversion(store, exchange, self)
        self.point_lanes = PointLanes(
            store, exchange, lab.playback, controllers.models, geodesic, self
        )
        self.page = LaneGrid(store)
        self.train_dock = PointTrainPanel(store, lab.mode_of)
        sample = self.sample_dock = SamplePanel(store)
        self.page.edit_asked.connect(sample.edit_lane)
        self.page.view_range_changed.connect(self._on_view)
        sample.stop_search_requested.connect(geodesic.stop)
        sample.search_again_requested.connect(geodesic.search_again)
        sample.invert_file_requested.connect(self.inversion.invert_file)
        sample.pick_requested.connect(self.inversion.pick_points)
        if not lab.settings.get(HINT_SEEN, bool):
            self.page.show_hint().dismissed.connect(self._remember_hint)

    @property
    def parts(self) -> tuple[Part, ...]:
        """See ``ModeAtWork.parts``."""
        geodesic = self.lab.controllers.geodesic
        return (self.inversion, geodesic, self.point_lanes, self.overlays, self.comparison)

    def between(self) -> Between:
        """See ``ModeAtWork.between``."""
        return self.point_lanes.between()

    def looks_at_geodesic(self) -> bool:
        """See ``ModeAtWork.looks_at_geodesic``."""
        return self.point_lanes.looks_at_geodesic()

    def scene(self) -> Scene:
        """See ``ModeAtWork.scene``."""
        view = self.page.view_range
        return replace(compose(self.store), view=(view.x0, view.x1, view.y0, view.y1))

    def picture(self) -> PointsPicture:
        """See ``ModeAtWork.picture``."""
        return PointsPicture(self.scene())

    def show_scene(self) -> int:
        """See ``ModeAtWork.show_scene``; the grid has its view itself."""
        scene = compose(self.store)
        self.page.set_scene(scene)
        return scene.reached()

    def show_model(self) -> None:
        """Thumbnails of the data on their way into noise."""
        model = self.store.get(MODEL)
        points = data_points(model.dataset, model.mean, model.std)
        table = alphas_cumprod(model.schedule)
        pictures = forward_thumbnails(points, table, THUMBNAILS, THUMBNAIL_SHAPE)
        self.lab.show_thumbnails(pictures)

    def lanes(self) -> Sequence[LaneScene]:
        """See ``ModeAtWork.lanes``."""
        return self.page.scene.lanes

    def reset_view(self) -> None:
        """See ``ModeAtWork.reset_view``."""
        self.page.reset_view()

    def _on_view(self) -> None:
        view = self.page.view_range
        self.overlays.set_view((view.x0, view.x1, view.y0, view.y1))

    def _remember_hint(self) -> None:
        self.lab.settings.put(HINT_SEEN, True)
