"""What of the user's own is inverted: how to choose it, and how well it comes back."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.slots import Slot
from toydiff_gui.state.store import Store
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import IconButton, Text


class InversionFoot(QWidget):
    """A button with a menu, which the mode fills, and a line on what has come of it.

    ``ROUND_TRIP`` explains the errors, ``FORGET`` says what the line's button does.
    """

    SLOT: ClassVar[Slot[Inversion]]
    TITLE: ClassVar[str]
    TIP: ClassVar[str]
    ROUND_TRIP: ClassVar[str]
    FORGET: ClassVar[str]

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.text = Text("", size=11, ink="text_secondary")
        self.text.setWordWrap(True)
        self.dismiss = IconButton("close", self.FORGET, side=20)
        self.dismiss.clicked.connect(self.forget)
        self._line = QWidget()
        row = QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.text, 1)
        row.addWidget(self.dismiss)
        self.button = QPushButton(f"{self.TITLE}…")
        self.button.setProperty("rank", "main")
        self.glyph = ButtonIcon(self.button, "swap")
        self.button.clicked.connect(self.press)
        self.menu = QMenu(self.TITLE, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._line)
        column.addWidget(self.button)
        state.changed(self.SLOT).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        self.fill_menu()
        self._show()

    def fill_menu(self) -> None:
        """Say in which ways it can be chosen."""

    def line(self, inversion: Inversion) -> str:
        """What is known of it; empty if there is nothing to say."""
        raise TypeError(f"{type(self).__name__} must say what has come of it")

    def _show(self) -> None:
        inversion = self._state.get(self.SLOT)
        text = self.line(inversion)
        self._line.setVisible(bool(text))
        self.text.setText(text)
        self.text.setToolTip(self.ROUND_TRIP if inversion.errors is not None else "")
        self.text.set_ink("error" if inversion.status == "failed" else "text_secondary")
        what = "Stop the inversion" if inversion.status == "running" else self.FORGET
        self.dismiss.setAccessibleName(what)
        self.dismiss.setToolTip(what)
        self.show_button(self._state.get(ENGINE).status == "ready")

    def show_button(self, ready: bool) -> None:
        """Show what the button can do; ``ready`` is whether the engine is."""
        self.button.setEnabled(ready)
        self.button.setToolTip(
            self.TIP if ready else "Inverting needs the engine, which is not ready"
        )

    def press(self) -> None:
        """Open the menu above the button."""
        above = self.button.mapToGlobal(QPoint(0, -self.menu.sizeHint().height() - 2))
        self.menu.popup(above)

    def forget(self) -> None:
        """Take the line away."""
        self._state.set(self.SLOT, Inversion())
