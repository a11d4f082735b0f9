"""What is left of a dock that is hidden: the way back."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from toydiff_gui.style import theme
from toydiff_gui.widgets.icon_button import IconButton


class DockRail(QFrame):
    """A slim column with the button that opens the dock again.

    Signals:
        open_requested: the button was pressed.
    """

    open_requested = Signal()

    def __init__(
        self, title: str, side: Literal["left", "right"], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("surface", f"dock-{side}")
        self.button = IconButton(f"dock-{side}", f"Show {title}", f"Show the panel '{title}'")
        self.button.clicked.connect(self.open_requested)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 4, 8)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedWidth(theme.current().px(32))
