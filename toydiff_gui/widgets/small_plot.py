"""The frame of a small plot in a dock: as wide as that is, of one height."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from toydiff_gui.style import theme


class SmallPlot(QWidget):
    """A plot ``height`` high, in pixels at a scale of 1."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """As wide as the dock."""
        return QSize(theme.current().px(200), theme.current().px(self._height))

    def minimumSizeHint(self) -> QSize:
        """The height is fixed."""
        return QSize(theme.current().px(120), theme.current().px(self._height))

    def _paint_frame(self, painter: QPainter, empty: str = "") -> QRectF:
        """Paint the frame, with the words of a plot that is empty, and return it."""
        now = theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(now.palette.control_border), 1))
        painter.setBrush(QColor(now.palette.canvas))
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(frame, now.px(6), now.px(6))
        if empty:
            painter.setFont(theme.font(10, 500))
            painter.setPen(QColor(now.palette.label))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, empty)
        return frame
