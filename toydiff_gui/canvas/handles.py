"""The endpoints A and B as something to take hold of, with the mouse or the keyboard.

The discs are part of the lane's picture; a handle lies over its disc, invisible but for the halo
and the focus ring. It is a widget, so that Tab and screen readers find it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
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

from toydiff_gui import theme
from toydiff_gui.canvas.plot import PlotView
from toydiff_gui.drawing import LaneStyle
from toydiff_gui.drawing.figures import plain
from toydiff_gui.drawing.marks import HANDLE_RADIUS, LETTERS, handle_position, paint_halo
from toydiff_gui.state import AppState

NUDGE, FAST_NUDGE = 0.01, 0.1
DECIMALS = 2
ROOM = 21
"""Half the side of a handle in design pixels: the disc, its halo and the focus ring."""

_DIRECTIONS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)

Place = tuple[float, float]


class EndpointHandle(QWidget):
    """Moves one endpoint (0 is A, 1 is B) of the path in ``state``.

    Dragging follows the pointer; Shift keeps to the horizontal or vertical through where the drag
    began; Escape takes it back. Arrow keys move by 0.01, with Shift by 0.1.
    """

    def __init__(self, end: int, state: AppState, plot: PlotView) -> None:
        super().__init__(plot.viewport())
        self._end = end
        self._state = state
        self._plot = plot
        self._style = LaneStyle.of(theme.current())
        self._shown: tuple[Place, Place] | None = None
        self._begin: Place | None = None
        """Where the endpoint was when the button went down; None when it is up."""
        self._offset = QPointF()
        self._hovered = self._ringed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("focusRing", False)  # it draws its own, round one
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        letter = LETTERS[end]
        self.setObjectName(f"endpoint-{letter.lower()}")
        self.setAccessibleName(f"Endpoint {letter}")
        self.setToolTip(
            f"Endpoint {letter} of the path between two latents. Drag it, or use the arrow keys "
            "(0.01, with Shift 0.1). Shift while dragging keeps it on a line."
        )
        plot.transformed.connect(self._place)

    @property
    def active(self) -> bool:
        """Whether the pointer holds it or is on it."""
        return self._hovered or self._begin is not None

    def show_endpoints(self, endpoints: tuple[Place, Place] | None) -> None:
        """Lie over the endpoint, or vanish where there is none."""
        if endpoints != self._shown:
            self._shown = endpoints
            if endpoints is not None:
                x, y = endpoints[self._end]
                self.setAccessibleDescription(f"x {plain(x)}, y {plain(y)}")
            self._place()
        self.setVisible(endpoints is not None)

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        side = 2 * round(style.px(ROOM))
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
        return handle_position(transform, self._shown[self._end], self._style)

    def _now(self) -> Place:
        return self._state.sampling.a if self._end == 0 else self._state.sampling.b

    def move_to(self, x: float, y: float) -> None:
        """Put the endpoint at (x, y), rounded."""
        place = (round(x, DECIMALS) + 0.0, round(y, DECIMALS) + 0.0)
        try:
            self._state.update_sampling(**{"ab"[self._end]: place})
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
        self._state.set_dragging(True)
        self.move_to(x, y)

    def _let_go(self) -> None:
        if self._begin is not None:
            self._begin = None
            self.setCursor(Qt.CursorShape.OpenHandCursor)
            self._state.set_dragging(False)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold."""
        if event.button() != Qt.MouseButton.LeftButton or self._shown is None:
            event.ignore()
            return
        self._begin = self._now()
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
            x, y = self._now()
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
        self._ringed = event.reason() in _KEYBOARD
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
            paint_halo(painter, centre, self._end, self._style)
        if self._ringed:
            painter.setPen(QPen(QColor(self._style.palette.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            radius = self._style.px(HANDLE_RADIUS + 8)
            painter.drawEllipse(centre, radius, radius)


class Handles(QObject):
    """Both endpoints of a latent lane, and what a click between them does."""

    def __init__(self, state: AppState, plot: PlotView) -> None:
        super().__init__(plot)
        self._state = state
        self._plot = plot
        self._before_click: tuple[Place, Place] | None = None
        self.handles = (EndpointHandle(0, state, plot), EndpointHandle(1, state, plot))
        self._endpoints: tuple[Place, Place] | None = None

    def show_endpoints(self, endpoints: tuple[Place, Place] | None) -> None:
        """The endpoints of the lane as it is drawn."""
        self._endpoints = endpoints
        for handle in self.handles:
            handle.show_endpoints(endpoints)

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        for handle in self.handles:
            handle.set_style(style)

    def place_nearer(self, x: float, y: float) -> None:
        """Put the endpoint that is nearer to (x, y) there."""
        if self._endpoints is None:
            return
        sampling = self._state.sampling
        self._before_click = (sampling.a, sampling.b)
        distances = [(x - end[0]) ** 2 + (y - end[1]) ** 2 for end in self._before_click]
        self.handles[0 if distances[0] <= distances[1] else 1].move_to(x, y)

    def take_back_click(self) -> None:
        """Undo the click that turned out to be half of a double click."""
        if self._endpoints is not None and self._before_click is not None:
            a, b = self._before_click
            self._before_click = None
            self._state.update_sampling(a=a, b=b)
