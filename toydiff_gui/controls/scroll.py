"""What scrolls in a dock."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget


class PanelScroll(QScrollArea):
    """Scrolls vertically only; the scroll bar lies in the dock's right padding."""

    PADDING = 16

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        content.setProperty("surface", "panel")
        self.column = QVBoxLayout(content)
        self.column.setSpacing(6)
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(self._pad)
        self._pad(0, 0)

    def _pad(self, _low: int, high: int) -> None:
        bar = self.verticalScrollBar().sizeHint().width() if high > 0 else 0
        self.column.setContentsMargins(self.PADDING, 4, max(self.PADDING - bar, 4), 8)
