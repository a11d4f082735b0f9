"""What keys mean wherever something can be zoomed, panned or come to by the keyboard."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QWidget

ZOOM_STEP, PAN_STEP = 1.25, 0.1
PANS = {
    Qt.Key.Key_Left: (-PAN_STEP, 0.0),
    Qt.Key.Key_Right: (PAN_STEP, 0.0),
    Qt.Key.Key_Up: (0.0, PAN_STEP),
    Qt.Key.Key_Down: (0.0, -PAN_STEP),
}
BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
"""Why the focus comes to somebody who should see where it is."""


class RingedByKeyboard(QWidget):
    """Has a ring around it while the focus is there that the keyboard has brought."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring for whoever came by the keyboard."""
        self.setProperty("focusRing", event.reason() in BY_KEYBOARD)
        super().focusInEvent(event)
