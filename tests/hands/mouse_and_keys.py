"""Hands on a window: mouse and keys as a person uses them, for tests and measurements."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QWidget

from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.points.canvas.handles import EndpointHandle

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NO_MODIFIER = Qt.KeyboardModifier.NoModifier


def mouse(
    widget: QWidget,
    kind: QEvent.Type,
    position: QPointF | QPoint,
    *,
    button: Qt.MouseButton = LEFT,
    held: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NO_MODIFIER,
) -> None:
    """Send one event of the mouse to ``widget``, at a place of its own."""
    local = QPointF(position)
    spot = QPointF(widget.mapToGlobal(QPoint(0, 0))) + local
    QApplication.sendEvent(widget, QMouseEvent(kind, local, spot, button, held, modifiers))


def click(widget: QWidget, position: QPoint | None = None) -> None:
    """Click on ``widget``, in its middle unless told where."""
    QTest.mouseClick(widget, LEFT, NO_MODIFIER, position or widget.rect().center())


def press(button: QAbstractButton) -> None:
    """Press a button, if it is there to be pressed."""
    if button.isVisible():
        button.click()


def key(widget: QWidget, which: Qt.Key, modifiers: Qt.KeyboardModifier = NO_MODIFIER) -> None:
    """Press and release a key."""
    QTest.keyClick(widget, which, modifiers)


def type_number(box: QAbstractSpinBox, text: str) -> None:
    """Replace what a field holds and press Enter."""
    box.setFocus()
    box.selectAll()
    QTest.keyClick(box, Qt.Key.Key_Delete)
    QTest.keyClicks(box.lineEdit(), text)
    QTest.keyClick(box, Qt.Key.Key_Return)


def wheel(widget: QWidget, position: QPoint, steps: int) -> None:
    """Turn the wheel over ``widget``."""
    event = QWheelEvent(
        QPointF(position),
        QPointF(widget.mapToGlobal(position)),
        QPoint(),
        QPoint(0, 120 * steps),
        NONE,
        NO_MODIFIER,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


class Drag:
    """An endpoint (0 is A, 1 is B) in the hand: take it, carry it about, let go."""

    def __init__(self, window: MainWindow, end: int) -> None:
        view = window.mode("2d").page.lane_view("latent")
        if view is None:
            raise ValueError("there is no lane of latents")
        self._plot = view.plot
        self._handle: EndpointHandle = view.handles.handles[end]
        middle = self._handle.rect().center()
        self._at = QPointF(self._viewport.mapFromGlobal(self._handle.mapToGlobal(middle)))
        mouse(self._handle, QEvent.Type.MouseButtonPress, middle)

    @property
    def _viewport(self) -> QWidget:
        viewport: QWidget = self._plot.viewport()
        return viewport

    def to(self, x: float, y: float, moves: int = 1) -> None:
        """Carry it to (x, y) of the plane, in so many moves."""
        target = self._plot.transform_of_plot().point(x, y)
        start = self._at
        for move in range(1, moves + 1):
            self._at = start + (target - start) * (move / moves)
            # The handle moves along, so the place within it does as well.
            local = self._handle.mapFrom(self._viewport, self._at)
            mouse(self._handle, QEvent.Type.MouseMove, local, button=NONE)

    def let_go(self) -> None:
        """Release the button."""
        local = self._handle.mapFrom(self._viewport, self._at)
        mouse(self._handle, QEvent.Type.MouseButtonRelease, local, held=NONE)


def drag_plot(window: MainWindow, lane: str, start: QPoint, by: QPoint, moves: int = 3) -> None:
    """Pan by dragging the plot of ``lane``."""
    view = window.mode("2d").page.lane_view(lane)
    if view is None:
        raise ValueError(f"there is no lane {lane!r}")
    viewport = view.plot.viewport()
    mouse(viewport, QEvent.Type.MouseButtonPress, start)
    for move in range(1, moves + 1):
        spot = QPointF(start) + QPointF(by) * (move / moves)
        mouse(viewport, QEvent.Type.MouseMove, spot, button=NONE)
    mouse(viewport, QEvent.Type.MouseButtonRelease, start + by, held=NONE)
