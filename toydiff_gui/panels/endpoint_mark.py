"""The letter of an endpoint."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.style import theme


class EndpointMark(QWidget):
    """The disc with A, B or C, in the endpoint's colour; C, which ends no path, has none."""

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = letter
        self.setAccessibleName(f"Endpoint {letter}")
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedSize(theme.current().px(20), theme.current().px(20))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        palette = theme.current().palette
        colours = {"A": palette.endpoint_a, "B": palette.endpoint_b}
        colour = colours.get(self._letter, palette.text)
        if not self.isEnabled():
            colour = palette.disabled
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.with_alpha(colour, 1.0))
        painter.drawEllipse(self.rect())
        painter.setPen(theme.with_alpha(theme.text_on(colour), 1.0))
        painter.setFont(theme.font(11, 700))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._letter)
