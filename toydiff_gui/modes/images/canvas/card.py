"""What the cards of mode Images have in common: a scene at a time, a border, a button."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from engine.shared.values import same
from toydiff_gui.canvas.card import ButtonHeader, Card, ExpandButton
from toydiff_gui.drawing.raster import ImageCache
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK
from toydiff_gui.style import theme


class ImageCard(Card, ButtonHeader):
    """Shows a part of a scene at a time; a subclass says what its picture depends on."""

    def __init__(self, key: str, name: str, state: Store, parent: QWidget) -> None:
        super().__init__(key, state, parent)
        self._scene = ImageScene()
        self._t = 0.0
        self._seen: object = None
        self._cache = ImageCache()
        self.setObjectName(f"images-{key}")
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        # By Tab only: who clicks an image still plays with Space and steps with the arrows.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.expand = ExpandButton("card", self)
        self.expand.clicked.connect(self.toggle_maximised)
        self._add_buttons(self.expand)
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
        return (self, *self.buttons)

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
        super().toggle_maximised()
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

    def _show_maximised(self) -> None:
        self.expand.show_maximised(self._state.get(LOOK).maximised_lane == self.key)

    def _restyle(self) -> None:
        self._style = LaneStyle.of(theme.current())
        self._place_buttons()
        self._arrange()
        self.update()

    def _arrange(self) -> None:
        """Give what lies on the card its place."""

    def _show_state(self) -> None:
        self._reveal()
        self.update()

    # Qt

    def leaveEvent(self, event: QEvent) -> None:
        """Take that back."""
        super().leaveEvent(event)
        self.cursor_text.emit("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep buttons at the right."""
        super().resizeEvent(event)
        self._arrange()
