"""A button that is seen only while what it belongs to is looked at."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent, QPaintEvent

from toydiff_gui.widgets.icon_button import IconButton


class ShyButton(IconButton):
    """Always there for the keyboard, seen when it is revealed.

    Signals:
        focus_changed: the keyboard focus has come or gone.
    """

    focus_changed = Signal()
    _revealed = False

    def reveal(self, revealed: bool) -> None:
        """Show the icon or hide it."""
        if revealed != self._revealed:
            self._revealed = revealed
            self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Be seen."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Be seen no longer."""
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, if it is to be seen."""
        if self._revealed:
            super().paintEvent(event)
