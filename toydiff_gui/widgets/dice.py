"""The button that throws a new seed or new places."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from toydiff_gui.widgets.icon_button import IconButton

LARGEST = 10_000


class DiceButton(IconButton):
    """Throws a number that is short enough to be written on a blackboard.

    Signals:
        thrown: a new number, 0 to 9999.
    """

    thrown = Signal(int)

    def __init__(self, name: str, tooltip: str = "", *, parent: QWidget | None = None) -> None:
        super().__init__("dice", name, tooltip, side=22, parent=parent)
        # What the dice shows may differ each time; what follows from its number may not.
        self._random = np.random.default_rng()
        self.clicked.connect(self._throw)

    def _throw(self) -> None:
        self.thrown.emit(int(self._random.integers(LARGEST)))
