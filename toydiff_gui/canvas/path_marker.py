"""Points at a path: a place of it is marked while pointer or keyboard are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent

from toydiff_gui.state.store import Store
from toydiff_gui.state.view import MARKED, PINNED

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget as _Widget
else:  # Qt takes signals from the first of the bases that is a widget.
    _Widget = object


class PathMarker(_Widget):
    """Keeps its ``_keys``, which a subclass gives a meaning, from what plays and steps in time.

    To stand before a widget among the bases.
    """

    _state: Store
    _keys: frozenset[Qt.Key]

    def _look_away(self) -> None:
        """Mark nothing any more."""
        raise NotImplementedError

    @property
    def _place(self) -> int | None:
        """The place that the keyboard goes on from."""
        marked = self._state.get(MARKED)
        return self._state.get(PINNED) if marked is None else marked

    def _place_after(self, key: Qt.Key, step: int, count: int) -> int:
        """Where Home, End, or an arrow of this step lead on a path of ``count`` points."""
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: count - 1}
        begun = count // 2 if self._place is None else min(max(self._place + step, 0), count - 1)
        return ends.get(key, begun)

    def event(self, event: QEvent) -> bool:
        """Keep the keys, and Escape while something is pinned."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            escape = event.key() == Qt.Key.Key_Escape and self._state.get(PINNED) is not None
            if event.key() in self._keys or escape:
                event.accept()
                return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self._look_away()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is marked that cannot be seen."""
        self._look_away()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The mark goes where the keyboard goes."""
        super().focusOutEvent(event)
        if not self.underMouse():
            self._look_away()
