"""Cards on a page, painted one by one: which are waited for, which is alone, what is pinned."""

from __future__ import annotations

import itertools
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, PINNED
from toydiff_gui.style import theme


class CardPage(QWidget):
    """Shows the cards in ``_cards`` at a time; a subclass makes them and gives them their places.

    ``set_t`` is cheap: a card that looks the same is not painted again, and any number of calls
    between two frames is painted once. A card has ``show_time``, ``set_hovered`` and ``stops``, and
    tells ``painted``, ``entered`` and ``cursor_text``.

    Signals:
        frame_painted: all visible cards show this t now.
        cursor_text: what the pointer is on, in words; empty when it is on nothing.
    """

    frame_painted = Signal(int)
    cursor_text = Signal(str)
    _card_painted = Signal(str, int)

    def __init__(self, name: str, state: Store, t: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._t = t
        self._cards: dict[str, Any] = {}
        self._waiting: set[str] = set()
        self._pictures: dict[str, int] = {}
        """How many pictures each card was asked for: a late word of an older one is no news."""
        self._announced = True
        self.frames_painted = 0
        self.setAccessibleName(name)
        self.setMinimumSize(240, 200)
        # Told after painting has ended: whoever listens may change the scene at once.
        self._card_painted.connect(self._count_painted, Qt.ConnectionType.QueuedConnection)
        state.changed(LOOK).connect(self._arrange)
        theme.notifier().changed.connect(self._arrange)

    @property
    def t(self) -> int:
        """The time that is shown."""
        return self._t

    def set_t(self, t: int) -> None:
        """Show the scene at ``t``."""
        self._t = int(t)
        self._announced = False
        for key, card in self._cards.items():
            if card.show_time(self._t):
                self._expect(key, card)
        self._wait_for(self._waiting)

    def _arrange(self) -> None:
        """Give the cards their places, and ``_wait_for`` those that are shown."""
        raise NotImplementedError

    def _unpin(self) -> None:
        """Let go of what is pinned."""
        self._state.set(PINNED, None)

    def _watch(self, key: str, card: Any) -> None:
        """Hear what a new card tells."""
        card.painted.connect(lambda: self._card_painted.emit(key, self._pictures.get(key, 0)))
        card.entered.connect(lambda: self._leave_all_but(key))
        card.cursor_text.connect(self.cursor_text)

    def _leave_all_but(self, key: str) -> None:
        # The pointer is in one place, but not every platform tells when it leaves a widget that
        # appeared beneath it.
        for other, card in self._cards.items():
            if other != key:
                card.set_hovered(False)

    def _expect(self, key: str, card: QWidget) -> None:
        """The card will be painted anew, if it can be seen."""
        self._pictures[key] = self._pictures.get(key, 0) + 1
        if card.isVisible():
            self._waiting.add(key)

    def _count_painted(self, key: str, picture: int) -> None:
        # Not compared with t: a card of few steps looks the same at many times and is painted once.
        if picture == self._pictures.get(key, 0):
            self._wait_for(self._waiting - {key})

    def _wait_for(self, keys: set[str]) -> None:
        """Wait for none but these; when there are none left, the frame is painted."""
        self._waiting &= keys
        if not self._waiting and not self._announced:
            self._announced = True
            self.frames_painted += 1
            self.frame_painted.emit(self._t)

    def _shown_keys(self) -> list[str]:
        alone = self._state.get(LOOK).maximised_lane
        return [alone] if alone in self._cards else list(self._cards)

    def _chain_tab_stops(self) -> None:
        stops = [stop for card in self._cards.values() for stop in card.stops]
        for first, second in itertools.pairwise(stops):
            QWidget.setTabOrder(first, second)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give every card its place."""
        self._arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody waits for what is not painted."""
        self._wait_for(set())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape lets go of what is pinned, or returns from one card to all."""
        if event.key() == Qt.Key.Key_Escape and self._state.get(PINNED) is not None:
            self._unpin()
        elif event.key() == Qt.Key.Key_Escape and self._state.get(LOOK).maximised_lane:
            self._state.update(LOOK, maximised_lane="")
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground between the cards."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.current().palette.window))
        painter.end()
