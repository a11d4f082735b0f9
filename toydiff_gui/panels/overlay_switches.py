"""Switches for what can be laid over the lanes."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from toydiff_gui.panels.dock import Section
from toydiff_gui.state.store import Store
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import SectionHeader


class OverlaySwitches(Section):
    """A button for each of ``rows``, which are key, title and icon; two in a line."""

    def __init__(
        self, state: Store, rows: Iterable[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Overlays")
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        self.buttons: dict[str, QPushButton] = {}
        for index, (key, title, icon) in enumerate(rows):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setProperty("variant", "toggle")
            button.setProperty("kind", key)
            ButtonIcon(button, icon)
            button.clicked.connect(self._switch)
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
            self.buttons[key] = button
        self.column.addLayout(grid)

    def show_switch(self, key: str, name: str, shown: bool, tip: str, reason: str) -> None:
        """Show whether it is on; ``reason`` says why it cannot be, '' if it can."""
        button = self.buttons[key]
        button.setEnabled(not reason)
        button.setToolTip(reason or tip)
        button.setChecked(shown)
        button.setAccessibleName(name)
        button.setAccessibleDescription(reason or tip)

    def switch(self, key: str, shown: bool) -> None:
        """Turn an overlay on or off."""

    def _switch(self, shown: bool) -> None:
        self.switch(self.sender().property("kind"), shown)
