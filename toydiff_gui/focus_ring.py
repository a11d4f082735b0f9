"""A ring around whatever has the keyboard focus, outside of it and without moving anything.

A style sheet can only draw inside a widget; this is a transparent widget above it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QWidget,
)
from shiboken6 import isValid

from toydiff_gui import theme

WIDTH, GAP = 2, 1
RADIUS = 6


class FocusRing(QObject):
    """Follows the focus of the application; one serves all windows.

    A button that is clicked shows no ring: whoever clicks knows where. A widget with the property
    ``focusRing`` False draws its focus itself.
    """

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.setObjectName("focus-ring")
        self._ring: _Ring | None = None
        app.focusChanged.connect(self._follow)

    @classmethod
    def install(cls, app: QApplication) -> None:
        """Give the application its ring, once."""
        if app.findChild(QObject, "focus-ring") is None:
            cls(app)

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._ring is not None and isValid(self._ring):
            self._ring.hide()
            self._ring.deleteLater()
        self._ring = None
        if new is None or not _wants_ring(new):
            return
        self._ring = _Ring(new)


def _wants_ring(widget: QWidget) -> bool:
    if widget.property("focusRing") is False or widget.isWindow():
        return False
    if isinstance(widget, QLineEdit | QAbstractSpinBox):
        return True
    if not isinstance(widget, QAbstractButton | QAbstractSlider | QComboBox):
        return widget.property("focusRing") is True
    return QApplication.mouseButtons() == Qt.MouseButton.NoButton


def _frame_of(widget: QWidget) -> QWidget:
    """The ancestor to draw in: what scrolls, so that the ring scrolls along, else the window."""
    ancestor = widget
    while True:
        parent = ancestor.parentWidget()
        if parent is None:
            return ancestor
        if ancestor is not widget:
            grand = parent.parentWidget()
            if isinstance(grand, QScrollArea) and grand.viewport() is parent:
                return ancestor
            if ancestor.isWindow() or isinstance(parent, QAbstractScrollArea):
                return ancestor
        ancestor = parent


class _Ring(QWidget):
    """The ring around one widget, for as long as that has the focus."""

    def __init__(self, widget: QWidget) -> None:
        # A field inside a spin or combo box stands for the whole box.
        parent = widget.parentWidget()
        if isinstance(parent, QAbstractSpinBox | QComboBox):
            widget = parent
        frame = _frame_of(widget)
        super().__init__(frame)
        self._widget = widget
        self._frame = frame
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        ancestor: QWidget | None = widget
        while ancestor is not None and ancestor is not frame:
            ancestor.installEventFilter(self)
            ancestor = ancestor.parentWidget()
        self._place()

    def _place(self) -> None:
        if not isValid(self._widget) or not self._widget.isVisibleTo(self._frame):
            self.hide()
            return
        corner = self._widget.mapTo(self._frame, self._widget.rect().topLeft())
        around = WIDTH + GAP
        target = QRect(corner, self._widget.size()).adjusted(-around, -around, around, around)
        if target != self.geometry():
            self.setGeometry(target)
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move along when the widget or what it lies in moves."""
        if event.type() in (
            QEvent.Type.Move,
            QEvent.Type.Resize,
            QEvent.Type.Show,
            QEvent.Type.Hide,
        ):
            self._place()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.current().palette.accent), WIDTH))
        inset = WIDTH / 2
        radius = theme.current().px(RADIUS) + GAP
        painter.drawRoundedRect(
            QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius
        )
