"""What both docks are made of."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.widgets import IconButton, PanelScroll, Text
from toydiff_gui.widgets.scroll import SPACING


class Writer:
    """Writes to the state, and says in words what it refuses."""

    _state: Store

    def complain(self, sentence: str) -> None:
        """Show an error in the place for errors."""
        self._state.post(sentence, error=True)

    def write(self, change: Callable[[], object], restore: Callable[[], None]) -> None:
        """Make ``change``; if its value cannot be, say why and show the old one again."""
        try:
            change()
        except ValueError as error:
            self.complain(str(error))
            restore()


class Section(QWidget, Writer):
    """A part of a dock that scrolls with the rest; ``column`` lies within the dock's padding.

    ``wide`` reaches 8 px further, for rows with a background; ``padded`` goes on within.
    """

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.wide = QVBoxLayout(self)
        self.wide.setContentsMargins(0, 0, 0, 0)
        self.wide.setSpacing(SPACING)
        self.column = self.padded()

    def padded(self) -> QVBoxLayout:
        """A new column within the padding, below what there is."""
        inner = QVBoxLayout()
        inner.setContentsMargins(PanelScroll.PADDING, 0, PanelScroll.PADDING, 0)
        inner.setSpacing(SPACING)
        self.wide.addLayout(inner)
        return inner


class Dock(QFrame, Writer):
    """A column with a title and a button that hides it; ``column`` scrolls, ``foot`` stays.

    Signals:
        hide_requested: the button in the title was pressed.
    """

    hide_requested = Signal()

    def __init__(
        self, title: str, side: str, width: int, state: Store, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._width = width
        self.setProperty("surface", f"dock-{side}")
        self.setAccessibleName(title)
        self.hide_button = IconButton(
            f"dock-{side}",
            f"Hide {title}",
            f"Hide the panel '{title}' to give the plots more room; the View menu shows it again",
        )
        self.hide_button.clicked.connect(self.hide_requested)
        head = QHBoxLayout()
        head.setContentsMargins(16, 6, 10, 2)
        self.title = Text(title, size=13, weight=600)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.hide_button)
        self.head = head
        scroll = PanelScroll()
        self.scroll_area = scroll
        self.column = scroll.section()
        self.foot = QVBoxLayout()
        self.foot.setContentsMargins(16, 6, 16, 8)
        self.foot.setSpacing(4)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(scroll, 1)
        # Where the column is cut off there is an edge to see.
        self._edge = QFrame()
        self._edge.setProperty("surface", "divider")
        self._edge.setFixedHeight(1)
        policy = self._edge.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # or it would change the range that shows it
        self._edge.setSizePolicy(policy)
        self._edge.hide()
        column.addWidget(self._edge)
        column.addLayout(self.foot)
        scroll.verticalScrollBar().rangeChanged.connect(self._show_edge)
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedWidth(theme.current().px(self._width))

    def _show_edge(self, _low: int, high: int) -> None:
        self._edge.setVisible(high > 0)


class Choice(QComboBox):
    """A combo box as high as a field, that leaves the wheel to the dock without the focus."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedHeight(theme.current().px(28))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
