"""What scrolls in a dock."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QVBoxLayout, QWidget

SPACING = 6


class PanelScroll(QScrollArea):
    """Scrolls vertically only; the scroll bar lies in the dock's right padding.

    ``column`` reaches 8 px further than the dock's padding, for rows with a background;
    ``section`` begins a column within the padding. Whoever comes to something by the keyboard
    sees it.
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
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)

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

    def _focus_moved(self, old: QWidget | None, new: QWidget | None) -> None:
        """Scroll to what the keyboard has come to; Qt does so only for steps within."""
        if old is None or QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            return  # the window has become active: it looks as it did; or somebody has clicked
        content = self.widget()
        if content is not None and new is not None and content.isAncestorOf(new):
            self.ensureWidgetVisible(new)
