"""The best energy of the search for the geodesic, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from toydiff_gui.style import theme
from toydiff_gui.widgets.small_plot import SmallPlot


class EnergyPlot(SmallPlot):
    """A falling curve with a dot where it has come to, and its ends in numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(42, parent)
        self._energies: NDArray[np.float64] = np.empty(0)
        self._total = 0
        self._text = ""
        self.setAccessibleName("Energy of the geodesic")
        self.setToolTip(
            "The energy of the best path so far: its decoded length, weighted by how improbable "
            "the places are that it passes. The search makes it small."
        )

    def show_energies(self, energies: tuple[float, ...], total: int, text: str) -> None:
        """Show ``energies`` over ``total`` steps, and ``text`` in the corner."""
        values = np.asarray(energies, np.float64)
        self._energies, self._total, self._text = values[np.isfinite(values)], total, text
        self.setAccessibleDescription(f"energy {text}" if text else "no value yet")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frame, curve, dot and numbers."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        if not len(self._energies):
            self._paint_frame(painter, "The energy appears here in a search")
            return
        frame = self._paint_frame(painter)
        inner = frame.adjusted(now.px(7), now.px(7), -now.px(7), -now.px(7))
        low, high = float(self._energies.min()), float(self._energies.max())
        span = (high - low) or 1.0
        steps = max(self._total, len(self._energies), 2) - 1
        x = inner.left() + np.arange(len(self._energies)) / steps * inner.width()
        y = inner.bottom() - (self._energies - low) / span * inner.height()
        points = [QPointF(*p) for p in zip(x.tolist(), y.tolist(), strict=True)]
        painter.setPen(QPen(QColor(palette.accent), 1.6 * now.line_scale))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.accent))
        painter.drawEllipse(points[-1], now.px(3), now.px(3))
        # The numbers are read over the curve, where it may still be high.
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        corner = frame.adjusted(0, now.px(4), -now.px(8), 0)
        painter.setFont(theme.font(10, 500))
        painter.setPen(QColor(palette.label))
        painter.drawText(corner, right, "energy")
        painter.setFont(theme.font(11, 600, tabular=True))
        painter.setPen(QColor(palette.text))
        painter.drawText(corner.adjusted(0, now.px(13), 0, 0), right, self._text)
