"""The way-points of a drawn path: added by a double click, dragged, taken away."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.canvas.drag_handle import DECIMALS, DragHandle, Place
from toydiff_gui.modes.points.canvas.plot import PlotView
from toydiff_gui.modes.points.drawing.marks import WAY_POINT_RADIUS
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.store import Store


def insertion(place: Place, a: Place, b: Place, through: tuple[Place, ...]) -> int:
    """Where among ``through`` a new way-point makes the way from A to B least longer."""
    stops = (a, *through, b)

    def detour(index: int) -> float:
        before, after = stops[index], stops[index + 1]
        return math.dist(before, place) + math.dist(place, after) - math.dist(before, after)

    return min(range(len(stops) - 1), key=detour)


class WayPointHandle(DragHandle):
    """Moves one way-point.

    Signals:
        removal_asked: it is to go (by Delete, a double click or the right button).
    """

    removal_asked = Signal()

    def __init__(self, index: int, state: Store, plot: PlotView) -> None:
        super().__init__(WAY_POINT_RADIUS, "text", state, plot)
        self.index = index
        self.setObjectName(f"way-point-{index + 1}")
        self.setAccessibleName(f"Way-point {index + 1}")
        self.setToolTip(
            f"Way-point {index + 1} of the drawn path. Drag it, or use the arrow keys. "
            "Delete, a double click or the right button takes it away."
        )

    def place_now(self) -> Place:
        """Where the state has it."""
        return self._state.get(SAMPLING).through[self.index]

    def write(self, place: Place) -> None:
        """Put it there in the state."""
        through = list(self._state.get(SAMPLING).through)
        through[self.index] = place
        self._state.update(SAMPLING, through=tuple(through))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take it away."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.removal_asked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Take it away."""
        self.removal_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes it away; the rest is as for any handle."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removal_asked.emit()
        else:
            super().keyPressEvent(event)


class WayPoints(QObject):
    """All way-points of a latent lane.

    Signals:
        changed: there are more of them or fewer.
    """

    changed = Signal()

    def __init__(self, state: Store, plot: PlotView) -> None:
        super().__init__(plot)
        self._state = state
        self._plot = plot
        self._style: LaneStyle | None = None
        self.handles: list[WayPointHandle] = []

    def show_places(self, places: tuple[Place, ...]) -> None:
        """Lie over the way-points as they are drawn."""
        count = len(self.handles)
        while len(self.handles) > len(places):
            self._drop(self.handles.pop())
        while len(self.handles) < len(places):
            self._add(len(self.handles))
        for handle, place in zip(self.handles, places, strict=True):
            handle.show_place(place)
        if len(places) != count:
            self.changed.emit()

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        for handle in self.handles:
            handle.set_style(style)

    def insert(self, x: float, y: float) -> None:
        """Add a way-point at (x, y), where it lengthens the path least."""
        sampling = self._state.get(SAMPLING)
        place = (round(x, DECIMALS) + 0.0, round(y, DECIMALS) + 0.0)
        index = insertion(place, sampling.a, sampling.b, sampling.through)
        through = (*sampling.through[:index], place, *sampling.through[index:])
        try:
            self._state.update(SAMPLING, through=through)
        except ValueError as error:
            self._state.post(str(error), error=True)

    def remove(self, index: int) -> None:
        """Take a way-point away; the keyboard goes on to the next one."""
        focused = any(handle.hasFocus() for handle in self.handles)
        through = self._state.get(SAMPLING).through
        self._state.update(SAMPLING, through=through[:index] + through[index + 1 :])
        if focused and self.handles:
            self.handles[min(index, len(self.handles) - 1)].setFocus()

    def _add(self, index: int) -> None:
        handle = WayPointHandle(index, self._state, self._plot)
        handle.removal_asked.connect(lambda: self.remove(index))
        if self._style is not None:
            handle.set_style(self._style)
        self.handles.append(handle)

    def _drop(self, handle: WayPointHandle) -> None:
        handle.hide()
        handle.deleteLater()
