"""A, B or C with the image it stands for, and where another can be taken from."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QFontMetrics, QIcon, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from engine.datasets.images import Pixels, to_pixels
from toydiff_gui.drawing.raster import colours, image_of
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.kind import transform_of
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_SAMPLING, ImageEnd
from toydiff_gui.panels.endpoint_mark import EndpointMark
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import SEED
from toydiff_gui.style import theme

NONE = {
    "A": "none yet",
    "B": "none yet",
    "C": "none: the first free tile",
}
TIPS = {
    "A": "Where the path begins. Click a tile, or choose an image here.",
    "B": "Where the path ends. Click a tile, or choose an image here.",
    "C": "The third corner of the slice, and the way-point of a drawn path. Shift and click a "
    "tile, or choose an image here.",
}


def pixels_of(state: Store, end: ImageEnd, *, unfinished: bool = False) -> Pixels | None:
    """What ``end`` looks like as data, uint8 (C, H, W); None while that is not known.

    ``unfinished``: as far as it is known, from tiles that are not complete as well.
    """
    image = end.image
    if image is None and end.tile is not None:
        tiles = endpoints.shown_tiles(state)
        known = tiles is not None and tiles.x0 and (unfinished or tiles.complete)
        if tiles is not None and known and tiles.meta.get(SEED) == end.seed:
            last = tiles.x0[-1]
            image = last[end.tile] if end.tile < len(last) else None
    if image is None or image.shape != state.get(MODEL).shape:
        return None
    model = state.get(MODEL)
    if len(model.mean) != image.shape[0]:
        return None
    return to_pixels(image, transform_of(model))


class EndpointButton(QPushButton):
    """The picture and the name of an endpoint; its name is cut where room is short."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.setProperty("variant", "chooser")
        self.setProperty("compact", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_name(self, name: str) -> None:
        """Show another name."""
        self.name = name
        self._cut()

    def _cut(self) -> None:
        room = self.width() - theme.current().px(68)  # picture, chevron and padding
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self.name, Qt.TextElideMode.ElideRight, max(room, 0)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the name anew."""
        super().resizeEvent(event)
        self._cut()


class EndpointRow(QWidget):
    """The letter, and a button with a menu.

    Signals:
        browse_asked: (mark) choose an image of the data.
        file_asked: (mark) choose an image file.
    """

    browse_asked = Signal(str)
    file_asked = Signal(str)

    def __init__(self, mark: Mark, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mark: Mark = mark
        self._state = state
        self._random = np.random.default_rng()
        self._shown: tuple[object, ...] = ()
        self._finished: tuple[ImageEnd, Pixels] | None = None
        self._picture: Pixels | None = None
        self.button = EndpointButton()
        self.menu = self._make_menu()
        self.button.setMenu(self.menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(EndpointMark(mark))
        row.addWidget(self.button, 1)
        state.changed(IMAGE_SAMPLING).connect(self.refresh)
        state.changed(MODEL).connect(self.refresh)
        state.changed(LANE_RUNS).connect(self._on_run)
        theme.notifier().changed.connect(self._redraw)
        self.refresh()

    def _make_menu(self) -> QMenu:
        menu = QMenu(f"Choose {self.mark}", self)
        menu.setToolTipsVisible(True)
        self.pinned_action = menu.addAction("")
        self.random_action = menu.addAction("A tile at random")
        menu.addSeparator()
        self.browse_action = menu.addAction("Image of the data…")
        self.file_action = menu.addAction("Image file…")
        self.none_action: QAction | None = None
        if self.mark == "C":
            menu.addSeparator()
            self.none_action = menu.addAction("No third image")
            self.none_action.triggered.connect(self._remove)
        self.pinned_action.triggered.connect(self._take_pinned)
        self.random_action.triggered.connect(self.take_random)
        self.browse_action.triggered.connect(self._ask_to_browse)
        self.file_action.triggered.connect(self._ask_for_file)
        menu.aboutToShow.connect(self._show_menu)
        return menu

    def _show_menu(self) -> None:
        pinned, count = self._state.get(IMAGE_CARD).pinned_tile, self._count()
        self.pinned_action.setText(f"Tile {pinned + 1}, shown large")
        for action in (self.pinned_action, self.random_action):
            action.setEnabled(count > 0)
            action.setToolTip("" if count else "There are no samples yet")
        self.pinned_action.setEnabled(pinned < count)
        ready = self._state.get(ENGINE).status == "ready"
        for action in (self.browse_action, self.file_action):
            action.setEnabled(ready)
            action.setToolTip(
                "Its latent is found by running DDIM backwards"
                if ready
                else "Inverting needs the engine, which is not ready"
            )
        if self.none_action is not None:
            self.none_action.setEnabled(self._state.get(IMAGE_SAMPLING).c is not None)

    def _count(self) -> int:
        tiles = endpoints.shown_tiles(self._state)
        return 0 if tiles is None or not tiles.x else len(tiles.x[0])

    # Showing

    def _on_run(self, key: str) -> None:
        if key == endpoints.SAMPLES_KEY:
            self.refresh()

    def refresh(self) -> None:
        """Show the endpoint as it is now."""
        end = endpoints.end_of(self._state, self.mark)
        self._picture = None if end is None else self._look_of(end)
        name = NONE[self.mark] if end is None else endpoints.end_label(self._state, end)
        shown = (name, None if self._picture is None else self._picture.tobytes())
        if shown == self._shown:
            return
        self._shown = shown
        self.button.show_name(name)
        self.button.setAccessibleName(f"Endpoint {self.mark}: {name}")
        self.button.setAccessibleDescription(TIPS[self.mark])
        self.button.setToolTip(f"{name}\n{TIPS[self.mark]}")
        self._redraw()

    def _look_of(self, end: ImageEnd) -> Pixels | None:
        """What the endpoint looks like; once that was finished, it stays with it.

        Tiles that are sampled anew are a smear at first, and may be gone before they are done.
        """
        pixels = pixels_of(self._state, end)
        if pixels is not None:
            self._finished = end, pixels
        if self._finished is not None and self._finished[0] is end:
            return self._finished[1]
        return pixels_of(self._state, end, unfinished=True)

    @property
    def picture(self) -> Pixels | None:
        """What is shown of the endpoint, (C, H, W)."""
        return self._picture

    def _redraw(self) -> None:
        side = theme.current().px(22)
        self.button.setIconSize(QSize(side, side))
        if self._picture is None:
            blank = QPixmap(side, side)
            blank.fill(Qt.GlobalColor.transparent)
            self.button.setIcon(QIcon(blank))
            return
        ratio = self.devicePixelRatioF()
        image = image_of(colours(self._picture)).scaled(
            round(side * ratio),
            round(side * ratio),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        pixmap = QPixmap.fromImage(image)
        pixmap.setDevicePixelRatio(ratio)
        self.button.setIcon(QIcon(pixmap))

    # Choosing

    def _take_pinned(self) -> None:
        endpoints.place_tile(self._state, self._state.get(IMAGE_CARD).pinned_tile, self.mark)

    def take_random(self) -> None:
        """Take a tile that is no endpoint yet."""
        free = sorted(set(range(self._count())) - set(endpoints.marks_of(self._state)))
        if free:
            tile = free[int(self._random.integers(len(free)))]
            endpoints.place_tile(self._state, tile, self.mark)

    def _remove(self) -> None:
        endpoints.remove_end(self._state, self.mark)

    def _ask_to_browse(self) -> None:
        self.browse_asked.emit(self.mark)

    def _ask_for_file(self) -> None:
        self.file_asked.emit(self.mark)
