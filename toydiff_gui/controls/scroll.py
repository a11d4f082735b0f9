"""What scrolls in a dock."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

SPACING = 6


class PanelScroll(QScrollArea):
    """Scrolls vertically only; the scroll bar lies in the dock's right padding.

    ``column`` reaches 8 px further than the dock's padding, for rows with a background;
    ``section`` begins a column within the padding.
    """

    PADDING = 8

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        content.setProperty("surface", "panel")
        self.column = QVBoxLayout(content)
        self.column.setSpacing(SPACING)
        self.setWidget(content)
        self.verticalScrollBar().rangeChanged.connect(self._pad)
        self._pad(0, 0)

    def section(self) -> QVBoxLayout:
        """A new column within the padding, below what there is."""
        inner = QVBoxLayout()
        inner.setContentsMargins(self.PADDING, 0, self.PADDING, 0)
        inner.setSpacing(SPACING)
        self.column.addLayout(inner)
        return inner

    def _pad(self, _low: int, high: int) -> None:
        bar = self.verticalScrollBar().sizeHint().width() if high > 0 else 0
        self.column.setContentsMargins(self.PADDING, 4, max(self.PADDING - bar, 0), 8)
