"""A text that gives way: it shows as much as there is room for."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from toydiff_gui.style import theme


class ElidedText(QWidget):
    """One line on the right of its room, cut with '…' where that is short.

    ``leading``: on the left, cut in the middle, as suits the path of a file.
    """

    def __init__(
        self, *, size: int = 11, leading: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._size = size
        self._leading = leading
        self._text = ""
        self._ink = "label"
        self._shown = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme.notifier().changed.connect(self.updateGeometry)

    def text(self) -> str:
        """All of the text."""
        return self._text

    def set_text(self, text: str, ink: str = "label") -> None:
        """Show another text, in the colour of a role of the palette."""
        if (text, ink) != (self._text, self._ink):
            self._text, self._ink = text, ink
            self.updateGeometry()
            self.update()

    def reveal(self, shown: bool) -> None:
        """Paint the text, or leave its room to what lies over it."""
        if shown != self._shown:
            self._shown = shown
            self.update()

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(theme.font(self._size, 500, tabular=True))

    def sizeHint(self) -> QSize:
        """Room for all of it."""
        metrics = self._metrics()
        return QSize(metrics.horizontalAdvance(self._text) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        """It needs no width."""
        return QSize(0, self._metrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much as fits."""
        if not self._shown:
            return
        palette = theme.current().palette
        painter = QPainter(self)
        painter.setFont(theme.font(self._size, 500, tabular=True))
        painter.setPen(
            QColor(getattr(palette, self._ink) if self.isEnabled() else palette.disabled)
        )
        cut = Qt.TextElideMode.ElideMiddle if self._leading else Qt.TextElideMode.ElideRight
        text = self._metrics().elidedText(self._text, cut, self.width())
        side = Qt.AlignmentFlag.AlignLeft if self._leading else Qt.AlignmentFlag.AlignRight
        painter.drawText(self.rect(), side | Qt.AlignmentFlag.AlignVCenter, text)
