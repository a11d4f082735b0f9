"""Cards of which one is chosen; the arrow keys go from one to the next."""

from __future__ import annotations

from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QAbstractButton, QButtonGroup

Shown = TypeVar("Shown", bound=QAbstractButton)


class CardGroup(QButtonGroup, Generic[Shown]):
    """Each card has a key.

    Signals:
        chosen: the user picked the card with this key.
    """

    chosen = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.cards: dict[str, Shown] = {}
        self._current = ""
        self.buttonToggled.connect(self._toggled)

    def add(self, key: str, card: Shown) -> None:
        """Take in one more card, which can be checked."""
        self.cards[key] = card
        self.addButton(card)

    def set_current(self, key: str) -> None:
        """Show the card ``key`` as chosen, '' for none of them; emits nothing."""
        self._current = key
        self.setExclusive(False)
        for name, card in self.cards.items():
            card.setChecked(name == key)
        self.setExclusive(True)

    def _toggled(self, card: QAbstractButton, checked: bool) -> None:
        key = next(key for key, other in self.cards.items() if other is card)
        if checked and key != self._current:
            self._current = key
            self.chosen.emit(key)
