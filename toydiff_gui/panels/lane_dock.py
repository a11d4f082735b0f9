"""A dock that lists the lanes, and opens the settings of one beside its row."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget

from toydiff_gui.panels.dock import Dock
from toydiff_gui.panels.lane_editor import LaneEditor, Models
from toydiff_gui.panels.lanes import LanesSection
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW

WIDTH = 280


class SampleDock(Dock):
    """The right dock, as the window knows it: by itself it has nothing to set."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__("Sample", "right", WIDTH, state, parent)
        self.hide_requested.connect(self._hide)

    def _hide(self) -> None:
        self._state.update(VIEW, sample_dock=False)

    def set_models(self, models: Models) -> None:
        """The checkpoints that a lane may use, by reference and name."""


class LaneDock(SampleDock):
    """One with lanes; ``lanes`` is made here and placed by the dock itself."""

    def __init__(self, state: Store, mode: LaneMode, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._mode = mode
        self.lanes = LanesSection(state, mode)
        self._editor: LaneEditor | None = None
        self._edited = ""
        self._models: Models = ()
        self.lanes.edit_asked.connect(self.edit_lane)

    def set_models(self, models: Models) -> None:
        """See ``SampleDock.set_models``."""
        self._models = models
        if self._editor is not None:
            self._editor.set_models(models)

    @property
    def editor(self) -> LaneEditor | None:
        """The card with a lane's settings, once it has been asked for."""
        return self._editor

    def edit_lane(self, key: str) -> None:
        """Open the settings of a lane beside its row; where the dock is hidden, at the right."""
        window = self.window()
        if self._editor is None:
            self._editor = LaneEditor(self._state, self._mode, window)
            self._editor.set_models(self._models)
            self._editor.closed.connect(self._editor_closed)
        self._edited = key
        row = self.lanes.rows.get(key)
        if row is not None and row.isVisible():
            self.scroll_area.ensureWidgetVisible(row, 0, 0)
            corner = self.mapTo(window, QPoint(0, 0))
            middle = row.mapTo(window, row.rect().center()).y()
            anchor = QRect(corner.x(), middle, self.width(), 1)
        else:
            anchor = QRect(window.width(), window.height() // 2, 1, 1)
        self._editor.open(key, anchor)

    def _editor_closed(self) -> None:
        row = self.lanes.rows.get(self._edited)
        if row is not None and row.isVisible():
            row.check.setFocus()
