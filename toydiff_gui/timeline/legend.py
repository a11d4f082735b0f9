"""What the path's colours mean: from A to B."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from toydiff_gui.style import icons, theme

STOPS = 24


class PathLegend(QWidget):
    """The colours along the path from A to B."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colours along the path from A to B")
        self.setToolTip("A point's colour tells where on the path from A to B it started.")
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """The two letters and the bar between them."""
        return QSize(theme.current().px(168), theme.current().px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint A, the bar and B."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        y, radius = self.height() / 2, now.px(10)
        bar = QRectF(2 * radius + now.px(8), y - now.px(2), 0, now.px(4))
        bar.setRight(self.width() - 2 * radius - now.px(8))
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        for index, colour in enumerate(theme.path_colours(STOPS, palette).tolist()):
            gradient.setColorAt(index / (STOPS - 1), QColor(*colour))
        painter.fillRect(bar, gradient)
        painter.setFont(theme.font(12, 700))
        for letter, colour, x in (
            ("A", palette.endpoint_a, radius),
            ("B", palette.endpoint_b, self.width() - radius),
        ):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawEllipse(QPointF(x, y), radius, radius)
            painter.setPen(QColor(theme.text_on(colour)))
            place = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, letter)
        painter.end()


class StepLock(QWidget):
    """Says that all lanes show the same t. Nothing to press."""

    TEXT = "Lanes in step"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.TEXT)
        self.setToolTip("All lanes show the same time t, however many steps their samplers take.")
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """The lock and the words."""
        now = theme.current()
        width = QFontMetricsF(theme.font(12, 500)).horizontalAdvance(self.TEXT)
        return QSize(round(width) + now.px(22), now.px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lock and the words."""
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = now.px(14)
        place = QRectF(0, (self.height() - side) / 2, side, side)
        icons.paint(painter, "lock", place, now.palette.accent)
        painter.setPen(QColor(now.palette.text_secondary))
        painter.setFont(theme.font(12, 500))
        rect = QRectF(self.rect()).adjusted(now.px(20), 0, 0, 0)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, self.TEXT)
        painter.end()
