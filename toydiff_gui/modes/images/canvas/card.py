"""What the cards of mode Images have in common: a scene at a time, a border, a button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from engine.shared.values import same
from toydiff_gui.drawing.raster import ImageCache
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK
from toydiff_gui.style import theme
from toydiff_gui.widgets import ShyButton
from toydiff_gui.widgets.keys import BY_KEYBOARD


class ImageCard(QWidget):
    """Shows a part of a scene at a time; a subclass says what its picture depends on.

    Signals:
        painted: the picture that it was last asked for is on the canvas.
        entered: the pointer has come to it.
        cursor_text: what the pointer is on, in words; empty when it is on nothing.
    """

    painted = Signal()
    entered = Signal()
    cursor_text = Signal(str)

    def __init__(self, key: str, name: str, state: Store, parent: QWidget) -> None:
        super().__init__(parent)
        self.key = key
        self._state = state
        self._scene = ImageScene()
        self._t = 0.0
        self._seen: object = None
        self._hovered = False
        self._style = LaneStyle.of(theme.current())
        self._cache = ImageCache()
        self.setObjectName(f"images-{key}")
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        # By Tab only: who clicks an image still plays with Space and steps with the arrows.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.expand = ShyButton("expand", "Show this alone", parent=self)
        self.expand.clicked.connect(self.toggle_maximised)
        self.expand.focus_changed.connect(self._reveal)
        self._shy = [self.expand]
        state.changed(LOOK).connect(self._show_maximised)
        theme.notifier().changed.connect(self._restyle)
        self._show_maximised()

    @property
    def style_of_card(self) -> LaneStyle:
        """How it is painted."""
        return self._style

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        return (self, *self._shy)

    def show_scene(self, scene: ImageScene, t: float) -> bool:
        """Show ``scene`` at ``t``; returns whether that is another picture than before."""
        self._scene, self._t = scene, t
        now = self._depends_on()
        if same(now, self._seen):
            return False
        before, self._seen = self._seen, now
        self._refresh(before, now)
        return True

    def show_time(self, t: float) -> bool:
        """Show the scene at ``t``; returns whether that is another picture than before."""
        return self.show_scene(self._scene, t)

    def toggle_maximised(self) -> None:
        """Show this card alone, or all again."""
        alone = self._state.get(LOOK).maximised_lane == self.key
        self._state.update(LOOK, maximised_lane="" if alone else self.key)
        page = self.parentWidget()
        if page is not None and not self.expand.hasFocus():
            page.setFocus()  # from a field of a dock maybe, which needs Escape itself

    # For the subclasses

    def _depends_on(self) -> object:
        """All that the picture depends on, compared by ``same``."""
        raise NotImplementedError

    def _refresh(self, before: object, now: object) -> None:
        """Have painted what is different; by default all."""
        self.update()

    def _paper(self, painter: QPainter) -> Paper:
        """What the functions are given that exports use as well."""
        return Paper(painter, self._scene, self._t, self._style, cache=self._cache)

    def _ratio(self) -> float:
        return self.devicePixelRatioF()

    def _card(self) -> QRectF:
        return QRectF(self.rect())

    @property
    def _inset(self) -> float:
        """Room that the buttons take at the right of the header, while they are seen."""
        if not self._buttons_seen():
            return 0.0
        return sum(button.width() for button in self._shy) + self._style.px(4)

    def _buttons_seen(self) -> bool:
        return self._hovered or any(button.hasFocus() for button in self._shy)

    def _reveal(self) -> None:
        for button in self._shy:
            button.reveal(self._buttons_seen())
        self._update_header()

    def _update_header(self) -> None:
        self.update(0, 0, self.width(), round(self._header_height()) + 1)

    def _header_height(self) -> float:
        return self._style.header_height

    def _place_buttons(self) -> None:
        right = self.width() - round(self._style.px(8))
        middle = self._style.px(17) if self._header_height() > self._style.px(40) else 0.0
        middle = middle or self._header_height() / 2
        for button in reversed(self._shy):
            right -= button.width()
            button.move(right, round(middle - button.height() / 2))

    def _show_maximised(self) -> None:
        maximised = self._state.get(LOOK).maximised_lane == self.key
        name = "Show all cards" if maximised else "Show this card alone"
        self.expand.glyph.show("shrink" if maximised else "expand")
        self.expand.setAccessibleName(name)
        self.expand.setToolTip(f"{name} (Escape)" if maximised else f"{name}; Escape returns")

    def _restyle(self) -> None:
        self._style = LaneStyle.of(theme.current())
        self._place_buttons()
        self._arrange()
        self.update()

    def _arrange(self) -> None:
        """Give what lies on the card its place."""

    def set_hovered(self, hovered: bool) -> None:
        """Whether the pointer is on the card."""
        if hovered != self._hovered:
            self._hovered = hovered
            self._reveal()
            self.update()

    # Qt

    def enterEvent(self, event: QEnterEvent) -> None:
        """Lighten the border and show the buttons."""
        self.set_hovered(True)
        self.entered.emit()

    def leaveEvent(self, event: QEvent) -> None:
        """Take that back."""
        self.set_hovered(False)
        self.cursor_text.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep clicks on the card from what lies behind it."""
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep buttons at the right."""
        self._place_buttons()
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Buttons may have another size after a change of type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._place_buttons()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A ring for whoever came by the keyboard."""
        self.setProperty("focusRing", event.reason() in BY_KEYBOARD)
        super().focusInEvent(event)
