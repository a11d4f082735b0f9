"""A place in the plane of latents that can be taken hold of, with the mouse or the keyboard.

The discs are part of the lane's picture; a handle lies over its disc, invisible but for the halo
and the focus ring. It is a widget, so that Tab and screen readers find it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
)
from PySide6.QtWidgets import QWidget

from toydiff_gui.drawing.discs import paint_halo
from toydiff_gui.drawing.figures import plain
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.canvas.plot import PlotView
from toydiff_gui.modes.points.drawing.marks import handle_position
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING
from toydiff_gui.style import theme
from toydiff_gui.widgets.keys import BY_KEYBOARD

NUDGE, FAST_NUDGE = 0.01, 0.1
DECIMALS = 2
AROUND = 11
"""Room about the disc in design pixels, for its halo and the focus ring."""

_DIRECTIONS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}

Place = tuple[float, float]


class DragHandle(QWidget):
    """Moves one place; a subclass says which (``place_now``) and how it is written (``write``).

    Dragging follows the pointer; Shift keeps to the horizontal or vertical through where the drag
    began; Escape takes it back. Arrow keys move by 0.01, with Shift by 0.1.
    """

    def __init__(self, radius: float, colour: str, state: Store, plot: PlotView) -> None:
        super().__init__(plot.viewport())
        self._radius = radius
        self._colour = colour
        self._state = state
        self._plot = plot
        self._style = LaneStyle.of(theme.current())
        self._shown: Place | None = None
        self._begin: Place | None = None
        """Where it was when the button went down; None when it is up."""
        self._offset = QPointF()
        self._hovered = self._ringed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("focusRing", False)  # it draws its own, round one
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        plot.transformed.connect(self._place)

    @property
    def active(self) -> bool:
        """Whether the pointer holds it or is on it."""
        return self._hovered or self._begin is not None

    def place_now(self) -> Place:
        """Where the state has it."""
        raise NotImplementedError

    def write(self, place: Place) -> None:
        """Put it there in the state; raises ``ValueError`` for a place that is refused."""
        raise NotImplementedError

    def show_place(self, place: Place | None) -> None:
        """Lie over the disc, or vanish where there is none."""
        if place != self._shown:
            self._shown = place
            if place is not None:
                self.setAccessibleDescription(f"x {plain(place[0])}, y {plain(place[1])}")
            self._place()
        self.setVisible(place is not None)

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        side = 2 * round(style.px(self._radius + AROUND))
        self.resize(side, side)
        self.setMask(QRegion(self.rect(), QRegion.RegionType.Ellipse))
        self._place()
        self.update()

    def _place(self) -> None:
        if self._shown is None:
            return
        centre = self._disc()
        corner = QPoint(round(centre.x() - self.width() / 2), round(centre.y() - self.height() / 2))
        if corner != self.pos():
            self.move(corner)
        else:
            self.update()

    def _disc(self) -> QPointF:
        """The middle of the disc in the plot."""
        assert self._shown is not None
        transform = self._plot.transform_of_plot()
        return handle_position(transform, self._shown, self._style)

    def move_to(self, x: float, y: float) -> None:
        """Put it at (x, y), rounded; what the state refuses is told."""
        place = (round(x, DECIMALS) + 0.0, round(y, DECIMALS) + 0.0)
        try:
            self.write(place)
        except ValueError as error:
            self._state.post(str(error), error=True)

    def _drag_to(self, position: QPointF, constrained: bool) -> None:
        assert self._begin is not None
        rect = self._plot.viewport().rect()
        x, y = self._plot.to_data(
            QPointF(
                min(max(position.x(), rect.left()), rect.right()),
                min(max(position.y(), rect.top()), rect.bottom()),
            )
        )
        if constrained:
            across, along = x - self._begin[0], y - self._begin[1]
            x, y = (x, self._begin[1]) if abs(across) >= abs(along) else (self._begin[0], y)
        self._state.set(DRAGGING, True)
        self.move_to(x, y)

    def _let_go(self) -> None:
        if self._begin is not None:
            self._begin = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)
            self._state.set(DRAGGING, False)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        if event.button() != Qt.MouseButton.LeftButton or self._shown is None:
            event.ignore()
            return
        self._begin = self.place_now()
        # The pointer keeps its place on the disc.
        self._offset = self._disc() - self.mapToParent(event.position())
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.raise_()
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self._begin is None:
            event.ignore()
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drag_to(self.mapToParent(event.position()) + self._offset, shift)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click on a handle is nothing but two presses."""
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys move it, Escape takes a drag back."""
        key = Qt.Key(event.key())
        if key in _DIRECTIONS and self._begin is None:
            fast = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            step = FAST_NUDGE if fast else NUDGE
            x, y = self.place_now()
            across, along = _DIRECTIONS[key]
            self.move_to(x + step * across, y + step * along)
        elif key == Qt.Key.Key_Escape and self._begin is not None:
            self.move_to(*self._begin)
            self._let_go()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keep the arrow keys, which step through time elsewhere in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            dragging = self._begin is not None and event.key() == Qt.Key.Key_Escape
            if event.key() in _DIRECTIONS or dragging:
                event.accept()
                return True
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the halo."""
        self._hovered = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the halo."""
        self._hovered = False
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring to whoever came by the keyboard."""
        self._ringed = event.reason() in BY_KEYBOARD
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the ring."""
        self._ringed = False
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is dragged that cannot be seen."""
        self._let_go()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint halo and focus ring around the disc."""
        if self._shown is None or not (self.active or self._ringed):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = self._disc() - QPointF(self.pos())
        if self.active:
            paint_halo(
                painter,
                centre,
                self._radius,
                getattr(self._style.palette, self._colour),
                self._style,
            )
        if self._ringed:
            painter.setPen(QPen(QColor(self._style.palette.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            radius = self._style.px(self._radius + 8)
            painter.drawEllipse(centre, radius, radius)
