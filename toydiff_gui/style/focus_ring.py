"""A ring around whatever has the keyboard focus, outside of it and without moving anything.

A style sheet can only draw inside a widget; this is a transparent widget above it.
"""

from __future__ import annotations

import atexit

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFocusFrame,
    QLineEdit,
    QProxyStyle,
    QStyle,
    QStyleHintReturn,
    QStyleOption,
    QWidget,
)
from shiboken6 import isValid

from toydiff_gui.style import theme

WIDTH = 2
RADIUS = 6


class FocusRing(QObject):
    """Follows the focus of the application; one serves all windows.

    A button that is clicked shows no ring: whoever clicks knows where. A widget with the property
    ``focusRing`` False draws its focus itself.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("focus-ring")
        self._app = app
        self._ring: _Ring | None = None
        app.focusChanged.connect(self._follow)
        theme.notifier().changed.connect(self._renew)
        # Windows that die with the interpreter lose their focus when Python can no longer answer.
        atexit.register(self._stop)

    @classmethod
    def install(cls, app: QApplication) -> None:
        """Give the application its ring, once."""
        if app.findChild(QObject, "focus-ring") is None:
            cls(app)

    def _stop(self) -> None:
        if isValid(self) and isValid(self._app):
            self._app.focusChanged.disconnect(self._follow)

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._ring is not None and not isValid(self._ring):
            self._ring = None  # it went with its window
        if new is None or not _wants_ring(new):
            if self._ring is not None:
                self._ring.setWidget(None)  # type: ignore[arg-type]
            return
        # A field inside a spin or combo box stands for the whole box.
        parent = new.parentWidget()
        target = parent if isinstance(parent, QAbstractSpinBox | QComboBox) else new
        if self._ring is None:
            self._ring = _Ring(target)
        self._ring.setWidget(target)

    def _renew(self) -> None:
        """Show the ring again: a new style sheet hides Qt's focus frame."""
        if self._ring is None or not isValid(self._ring):
            return
        if (widget := self._ring.widget()) is not None:
            self._ring.setWidget(None)  # type: ignore[arg-type]
            self._ring.setWidget(widget)


def _wants_ring(widget: QWidget) -> bool:
    if widget.property("focusRing") is False or widget.isWindow():
        return False
    if isinstance(widget, QLineEdit | QAbstractSpinBox):
        return True
    if not isinstance(widget, QAbstractButton | QAbstractSlider | QComboBox):
        return widget.property("focusRing") is True
    return QApplication.mouseButtons() == Qt.MouseButton.NoButton


class _AboveWidgets(QProxyStyle):
    """Has Qt's focus frame lie high up in the window, or in what scrolls.

    As a child of the widget's parent, which it is otherwise, it is cut off at the parent's edges.
    """

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returnData: QStyleHintReturn | None = None,
    ) -> int:
        """Answer as the style beneath, but for the place of the frame."""
        if hint == QStyle.StyleHint.SH_FocusFrame_AboveWidget:
            return 1
        return super().styleHint(hint, option, widget, returnData)


class _Ring(QFocusFrame):
    """Qt's focus frame, which knows how to follow a widget, with the ring's looks."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._style = _AboveWidgets("fusion")
        self.setStyle(self._style)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.current().palette.accent), WIDTH))
        inset = WIDTH / 2
        radius = theme.current().px(RADIUS)
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius
        )
        painter.end()
