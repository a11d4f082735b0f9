"""A line of text that takes the room there is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy

from toydiff_gui.drawing.text import elided
from toydiff_gui.style import theme
from toydiff_gui.widgets import Text


class StatusText(Text):
    """Written at the right, shortened where room is short; nothing rather than a few letters."""

    LEAST = 60

    def __init__(self) -> None:
        super().__init__("", size=11, ink="label")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write what fits."""
        now = theme.current()
        if self.width() < now.px(self.LEAST):
            return
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(theme.with_alpha(now.palette.label, 1.0))
        end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect(), end, elided(self.text(), self.font(), self.width()))
        painter.end()
