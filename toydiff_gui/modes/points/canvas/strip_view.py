"""The strips under a lane's plot, as something to point at: with the mouse or the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from toydiff_gui.canvas.path_marker import PathMarker
from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.path_strips import StripScales
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.drawing.lane_strips import (
    StripLayout,
    paint_strips,
    path_count,
    strip_rows,
    strips_height,
)
from toydiff_gui.modes.points.drawing.path_marks import card_lines
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import MARKED, PINNED
from toydiff_gui.style import theme
from toydiff_gui.widgets.keys import RingedByKeyboard

FAST = 10
"""Points that an arrow goes with Shift."""
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_Up: 1}
_MOVES = {*_STEPS, Qt.Key.Key_Home, Qt.Key.Key_End}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
TOOLTIP = (
    "Gap: how far apart neighbours on the path are at this time, on one logarithmic scale for all "
    "lanes; the number is the largest. A peak is a tear.\n"
    "Norm: how far each latent is from the origin. Latents from the prior lie in the shaded band, "
    "half of them above the dashed line; the number is the smallest norm, or that of the point "
    "pointed at.\n"
    "Point at a place to see it in all lanes; click to keep its whole trajectory."
)


class StripView(PathMarker, RingedByKeyboard):
    """Shows the strips of a lane; pointing at them marks a point of the path in ``state``.

    A click pins the point, a second one or Escape lets it go. Arrow keys move the mark by one
    point, with Shift by ten; Enter pins.

    Signals:
        looked_at: whether the user is looking at a point here, by pointer or keyboard.
        pressed: it was clicked.
    """

    looked_at = Signal(bool)
    pressed = Signal()
    _keys = frozenset({*_MOVES, *_ENTER})

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._lane: LaneScene | None = None
        self._t = 0.0
        self._rows: tuple[str, ...] = ()
        self._scales = StripScales()
        self._style = LaneStyle.of(theme.current())
        self._selected = self._hovered = False
        self._looking = False
        self._press_x = 0.0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setObjectName("strips")
        self.setAccessibleName("Gaps and norms along the path")
        self.setToolTip(TOOLTIP)
        self.hide()

    @property
    def rows(self) -> tuple[str, ...]:
        """The strips there is room for."""
        return self._rows

    def layout_of_strips(self) -> StripLayout | None:
        """Where the points lie; None while there are none."""
        count = 0 if self._lane is None else path_count(self._lane, self._t)
        if count < 2 or not self._rows:
            return None
        return StripLayout(QRectF(self.rect()), self._rows, count, self._style)

    def show_lane(self, lane: LaneScene, t: float) -> None:
        """Show the strips of ``lane`` at ``t``."""
        only_time = lane is self._lane
        self._lane, self._t = lane, t
        marked = lane.marked
        points = lane.points_at(t)
        seen = self._looking and marked is not None and points is not None
        if seen and marked is not None and points is not None and marked < len(points):
            words = ", ".join(card_lines(lane, points, marked))
            self.setAccessibleDescription(f"Point {marked + 1} of {len(points)}: {words}")
        if only_time and "norm" in self._rows:
            self.update(0, 0, self.width(), self.height() // 2 + 1)  # norms are those of t = T
        else:
            self.update()

    def show_scales(self, scales: StripScales) -> None:
        """Use these scales."""
        if scales != self._scales:
            self._scales = scales
            self.update()

    def show_frame(self, *, selected: bool, hovered: bool) -> None:
        """How the border looks."""
        if (selected, hovered) != (self._selected, self._hovered):
            self._selected, self._hovered = selected, hovered
            self.update()

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        self.update()

    def fit(self, card_height: float) -> None:
        """Take the room that there is in a card of this height."""
        rows = () if self._lane is None else strip_rows(self._lane, card_height, self._style)
        self._rows = rows
        self.setFixedHeight(max(1, round(strips_height(rows, self._style))))
        self.setVisible(bool(rows))

    def _mark_at(self, x: float) -> int | None:
        layout = self.layout_of_strips()
        if layout is None:
            return None
        index = layout.index_at(x)
        self._look(True)
        self._state.set(MARKED, index)
        return index

    def _look(self, looking: bool) -> None:
        if looking != self._looking:
            self._looking = looking
            self.looked_at.emit(looking)

    def _look_away(self) -> None:
        if self._looking:
            self._look(False)
            self._state.set(MARKED, None)

    def _pin(self, index: int) -> None:
        self._state.set(PINNED, None if self._state.get(PINNED) == index else index)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Mark the point; where the button comes up again decides whether it is pinned."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.pressed.emit()
        self._press_x = event.position().x()
        self._mark_at(self._press_x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark what the pointer is on."""
        self._mark_at(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Pin the point, or let it go."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        if abs(x - self._press_x) <= 3 and (index := self._mark_at(x)) is not None:
            layout = self.layout_of_strips()
            pinned = self._state.get(PINNED)
            # A finger's breadth: at 500 points no one hits the same one twice.
            if layout is not None and pinned is not None and abs(layout.x_of(pinned) - x) <= 3:
                index = pinned
            self._pin(index)
        if not self.rect().contains(event.position().toPoint()) and not self.hasFocus():
            self._look_away()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Mark at once."""
        self._mark_at(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End move the mark, Enter pins, Escape unpins."""
        layout, key = self.layout_of_strips(), Qt.Key(event.key())
        if layout is None:
            event.ignore()
        elif key in _MOVES:
            fast = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = _STEPS.get(key, 0) * (FAST if fast else 1)
            self._look(True)
            self._state.set(MARKED, self._place_after(key, step, layout.count))
        elif key in _ENTER and self._place is not None:
            self._pin(self._place)
        elif key == Qt.Key.Key_Escape and self._state.get(PINNED) is not None:
            self._state.set(PINNED, None)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        if self._lane is not None:
            paint_strips(painter, rect, self._lane, self._t, self._rows, self._scales, self._style)
        card = rect.adjusted(0.0, -200.0, 0.0, 0.0)  # only its lower part is seen
        paint_card_frame(painter, card, self._style, selected=self._selected, hovered=self._hovered)
        painter.end()
