"""How far a model is from the data, against how near it could come."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.style import theme

FULL_AT = 5.5
"""The bar is full at so many times the floor."""


class QualityBar(QWidget):
    """The filled length is the distance, the tick is the floor; shorter is better."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value: float | None = None
        self._floor: float | None = None
        self.setAccessibleName(name)
        self.setToolTip(
            "The filled length is the distance between samples and data; the tick is its floor, "
            "what a second set of true data would reach. The bar is full at "
            f"{FULL_AT:g} times the floor."
        )
        theme.notifier().changed.connect(self.updateGeometry)
        self.set_values(None, None)

    def set_values(self, value: float | None, floor: float | None) -> None:
        """Show a distance and its floor; None while they are not known."""
        self._value, self._floor = value, floor
        if value is None or floor is None:
            self.setAccessibleDescription("not measured yet")
        else:
            self.setAccessibleDescription(f"{value:.3f}, floor {floor:.3f}")
        self.update()

    @property
    def fraction(self) -> float:
        """The filled share of the bar, 0 to 1."""
        if self._value is None or not self._floor:
            return 0.0
        return min(max(self._value / (FULL_AT * self._floor), 0.0), 1.0)

    def sizeHint(self) -> QSize:
        """As wide as it gets, high enough for the tick."""
        return QSize(theme.current().px(120), theme.current().px(12))

    def minimumSizeHint(self) -> QSize:
        """The height is fixed."""
        return QSize(theme.current().px(40), theme.current().px(12))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the track, the filled length and the tick."""
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(0, 0, 0, 0))
        high = now.px(6)
        track = QRectF(0, (self.height() - high) / 2, self.width(), high)
        painter.setBrush(QColor(now.palette.divider))
        painter.drawRoundedRect(track, high / 2, high / 2)
        if self.fraction:
            filled = QRectF(track)
            filled.setWidth(max(self.fraction * track.width(), high))
            painter.setBrush(QColor(now.palette.accent))
            painter.drawRoundedRect(filled, high / 2, high / 2)
        if self._floor:
            tick = max(2, now.px(2))
            x = track.width() / FULL_AT - tick / 2
            painter.fillRect(QRectF(x, 0, tick, self.height()), QColor(now.palette.text))
