"""The line that says where in time we are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from toydiff_gui.state.playback import Playback
from toydiff_gui.style import theme

ALPHA_BAR = "\N{GREEK SMALL LETTER ALPHA WITH MACRON}"
Segment = tuple[str, str, bool]
"""A text, the widest text that its place shall hold, whether it is emphasised."""


class Readout(QWidget):
    """'t = 60 · ᾱ = 0.86 · frame 191/251', each number in a place that keeps its width."""

    def __init__(self, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playback = playback
        self._alphas: NDArray[np.float64] = np.zeros(0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing behind is painted first
        self.setAccessibleName("Time shown")
        self.setToolTip(
            f"t counts the noise steps left, {ALPHA_BAR} is the share of the data's variance "
            "in the state (1 is data, 0 is noise), and frames count from the noise on."
        )
        playback.t_changed.connect(self.update)
        playback.changed.connect(self._refit)
        theme.notifier().changed.connect(self._refit)
        self._refit()

    def set_schedule(self, alphas_cumprod: NDArray[np.float64]) -> None:
        """Read alpha_bar at t = 0..T from this table."""
        self._alphas = np.asarray(alphas_cumprod, np.float64)
        self._refit()

    def text(self) -> str:
        """What is written."""
        return "".join(text for text, _, _ in self._segments())

    def _segments(self) -> list[Segment]:
        t, total = self._playback.t, self._playback.timesteps
        frames = total + 1
        wide = "0" * len(str(frames))
        dot = "  ·  "
        segments: list[Segment] = [("t = ", "t = ", False), (str(t), wide, True)]
        if t < len(self._alphas):
            segments += [
                (f"{dot}{ALPHA_BAR} = ", f"{dot}{ALPHA_BAR} = ", False),
                (f"{self._alphas[t]:.2f}", "0.00", True),
            ]
        segments += [
            (f"{dot}frame ", f"{dot}frame ", False),
            (f"{total - t + 1}/{frames}", f"{wide}/{frames}", True),
        ]
        return segments

    def _fonts(self) -> tuple[QFont, QFont]:
        return theme.font(13, 400, tabular=True), theme.font(13, 600, tabular=True)

    def _refit(self) -> None:
        self.updateGeometry()
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the longest text."""
        plain, strong = (QFontMetricsF(font) for font in self._fonts())
        width = sum(
            (strong if emphasised else plain).horizontalAdvance(widest)
            for _, widest, emphasised in self._segments()
        )
        return QSize(round(width) + 2, theme.current().px(20))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the segments, each at its own place."""
        now = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(now.palette.panel))
        fonts = self._fonts()
        segments = self._segments()
        # What a shorter t leaves free stands before it all, not as a hole in the middle.
        t, widest_t, emphasised_t = segments[1]
        metrics = QFontMetricsF(fonts[emphasised_t])
        x = metrics.horizontalAdvance(widest_t) - metrics.horizontalAdvance(t)
        for index, (text, widest, emphasised) in enumerate(segments):
            painter.setFont(fonts[emphasised])
            painter.setPen(QColor(now.palette.text if emphasised else now.palette.label))
            metrics = QFontMetricsF(painter.font())
            y = (self.height() + metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(x, y), text)
            x += metrics.horizontalAdvance(text if index == 1 else widest)
        painter.end()
