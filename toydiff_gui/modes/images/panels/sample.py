"""The dock 'Sample' of mode Images: the samples, the lanes, the path between two images."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from toydiff_gui.modes.images.panels.browse import BrowseDialog
from toydiff_gui.modes.images.panels.classes import ClassesSection
from toydiff_gui.modes.images.panels.inversion import ImageInversionFoot
from toydiff_gui.modes.images.panels.overlays import ImageOverlaysSection
from toydiff_gui.modes.images.panels.path import ImagePathSection
from toydiff_gui.modes.images.panels.start import ImageStartSection
from toydiff_gui.modes.images.settings import IMAGE_LANES
from toydiff_gui.panels.lane_dock import LaneDock
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

FILES = "Images (*.png *.jpg *.jpeg *.bmp *.gif *.webp);;All files (*)"


class ImageSamplePanel(LaneDock):
    """Numbers, lanes, endpoints and path, classes, overlays; images of one's own at the foot.

    Signals:
        browse_requested: (dataset) bring some images of it to choose from; once more: others.
        invert_image_requested: (mark, pixels uint8 (C, H, W), label) make it an endpoint.
        invert_file_requested: (mark, path) make the image of a file an endpoint.
        cancel_inversion_requested: stop the inversion that runs.
        stop_search_requested: end the search for the geodesic.
        search_again_requested: search for the geodesic once more.
    """

    browse_requested = Signal(str)
    invert_image_requested = Signal(str, object, str)
    invert_file_requested = Signal(str, str)
    cancel_inversion_requested = Signal()
    stop_search_requested = Signal()
    search_again_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, IMAGE_LANES, parent)
        self.start = ImageStartSection(state)
        self.path = ImagePathSection(state)
        self.classes = ClassesSection(state)
        self.overlays = ImageOverlaysSection(state)
        self.inversion = ImageInversionFoot(state)
        for section in (self.start, self.lanes, self.path, self.overlays, self.classes):
            self.scroll_area.column.addWidget(section)
        self.scroll_area.column.addStretch(1)
        self.foot.addWidget(self.inversion)
        self.browser: BrowseDialog | None = None
        for part in (self.path, self.inversion):
            part.browse_asked.connect(self.browse)
            part.file_asked.connect(self.ask_for_file)
        self.inversion.cancel_requested.connect(self.cancel_inversion_requested)
        self.path.stop_search_requested.connect(self.stop_search_requested)
        self.path.search_again_requested.connect(self.search_again_requested)

    # Images of one's own

    def browse(self, mark: str) -> None:
        """Choose an image of the model's data for the endpoint ``mark``."""
        if self.browser is not None:
            self.browser.reject()
        dialog = BrowseDialog(self._state, self._state.get(MODEL).dataset, mark, self)
        dialog.browse_requested.connect(self.browse_requested)
        dialog.chosen.connect(self._take)
        dialog.finished.connect(self._forget_browser)
        self.browser = dialog
        dialog.open()

    def _take(self, pixels: object, label: str) -> None:
        if self.browser is not None:
            self.invert_image_requested.emit(self.browser.mark, pixels, label)

    def _forget_browser(self) -> None:
        if self.browser is not None:
            self.browser.deleteLater()
            self.browser = None

    def ask_for_file(self, mark: str) -> None:
        """Choose an image file for the endpoint ``mark``."""
        name, _ = QFileDialog.getOpenFileName(self, f"Image to become {mark}", "", FILES)
        if name:
            self.invert_file_requested.emit(mark, name)
