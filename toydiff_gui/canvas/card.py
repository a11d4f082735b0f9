"""A card: it lightens beneath the pointer, shows its buttons then, and can be shown alone."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QEnterEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK
from toydiff_gui.style import theme
from toydiff_gui.widgets import ShyButton
from toydiff_gui.widgets.keys import RingedByKeyboard


class ExpandButton(ShyButton):
    """Shows a lane or a card alone, or all again."""

    def __init__(self, thing: str, parent: QWidget) -> None:
        super().__init__("expand", thing, parent=parent)
        self._thing = thing
        self.show_maximised(False)

    def show_maximised(self, maximised: bool) -> None:
        """Offer to return instead of to expand."""
        name = f"Show all {self._thing}s" if maximised else f"Show this {self._thing} alone"
        self.glyph.show("shrink" if maximised else "expand")
        self.setAccessibleName(name)
        self.setToolTip(f"{name} (Escape)" if maximised else f"{name}; Escape returns")


class ButtonHeader(QWidget):
    """Has buttons at the right of its header, seen while it is hovered or one has the focus."""

    buttons: tuple[ShyButton, ...] = ()
    """From left to right."""
    _hovered = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = LaneStyle.of(theme.current())

    def _add_buttons(self, *buttons: ShyButton) -> None:
        """Before those that are there."""
        self.buttons = (*buttons, *self.buttons)
        for button in buttons:
            button.focus_changed.connect(self._reveal)

    @property
    def _inset(self) -> float:
        """Room that the buttons take, while they are seen."""
        if not self._buttons_seen():
            return 0.0
        return sum(button.width() for button in self.buttons) + self._style.px(4)

    def _buttons_seen(self) -> bool:
        return self._hovered or any(button.hasFocus() for button in self.buttons)

    def _reveal(self) -> None:
        for button in self.buttons:
            button.reveal(self._buttons_seen())
        self._update_header()

    def _update_header(self) -> None:
        self.update(0, 0, self.width(), round(self._header_height()) + 1)

    def _header_height(self) -> float:
        return self._style.header_height

    def _place_buttons(self) -> None:
        right = self.width() - round(self._style.px(8))
        two_lines = self._header_height() > self._style.px(40)
        middle = self._style.px(17) if two_lines else self._header_height() / 2
        for button in reversed(self.buttons):
            right -= button.width()
            button.move(right, round(middle - button.height() / 2))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the buttons at the right."""
        self._place_buttons()

    def changeEvent(self, event: QEvent) -> None:
        """Buttons may have another size after a change of type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._place_buttons()


class Card(RingedByKeyboard):
    """A card of a ``CardPage``.

    Signals:
        painted: the picture that it was last asked for is on the canvas.
        entered: the pointer has come to it.
        cursor_text: what the pointer is on, in words; empty when it is on nothing.
    """

    painted = Signal()
    entered = Signal()
    cursor_text = Signal(str)
    _hovered = False

    def __init__(self, key: str, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self._state = state

    def toggle_maximised(self) -> None:
        """Show this card alone, or all again."""
        alone = self._state.get(LOOK).maximised_lane == self.key
        self._state.update(LOOK, maximised_lane="" if alone else self.key)

    def set_hovered(self, hovered: bool) -> None:
        """Whether the pointer is on the card."""
        if hovered != self._hovered:
            self._hovered = hovered
            self._show_state()

    def _show_state(self) -> None:
        """Look as one that is hovered, or not."""
        raise NotImplementedError

    def enterEvent(self, event: QEnterEvent) -> None:
        """Lighten the border and show the buttons."""
        self.set_hovered(True)
        self.entered.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Take that back."""
        self.set_hovered(False)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep clicks on the card from what lies behind it."""
        event.accept()
