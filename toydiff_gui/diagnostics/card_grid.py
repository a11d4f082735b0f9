"""Cards in two columns that fill the page, or in one that is scrolled where room is short."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from toydiff_gui.diagnostics.card import ChartCard
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.style import theme

COLUMNS = 2


class CardGrid(QScrollArea):
    """Lays cards out in reading order; a last one that stands alone takes the whole row."""

    def __init__(
        self, cards: Sequence[ChartCard], *, columns: int = COLUMNS, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._columns = columns
        self.cards = list(cards)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._room = QWidget()
        self._room.setProperty("surface", "window")
        self.setWidget(self._room)
        for card in self.cards:
            card.setParent(self._room)
        theme.notifier().changed.connect(self.arrange)

    def arrange(self) -> None:
        """Give every card that is not hidden its place."""
        cards = [card for card in self.cards if not card.isHidden()]
        if not cards:
            return
        gap = round(LaneStyle.of(theme.current()).gap)
        least = cards[0].minimumSizeHint()
        for bar in (0, self.verticalScrollBar().sizeHint().width()):
            width = self.width() - bar
            most = self._columns
            columns = most if width >= most * least.width() + gap * (most - 1) else 1
            rows = -(-len(cards) // columns)
            height = max((self.height() - gap * (rows - 1)) // rows, least.height())
            total = rows * height + gap * (rows - 1)
            if total <= self.height():
                break
        scrolls = total > self.height()
        self._room.resize(width, max(total, self.height()))
        wide = (width - gap * (columns - 1)) / columns
        for index, card in enumerate(cards):
            row, column = divmod(index, columns)
            left = round(column * (wide + gap))
            right = round(column * (wide + gap) + wide)
            if index == len(cards) - 1:
                right = width
            card.setGeometry(QRect(left, row * (height + gap), right - left, height))
            card.wheel_zooms = not scrolls

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Bring the card that gets the focus into view."""
        moved = super().focusNextPrevChild(forward)
        focused = self.focusWidget()
        if moved and focused is not None:
            self.ensureWidgetVisible(focused)
        return moved

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew."""
        super().resizeEvent(event)
        self.arrange()
