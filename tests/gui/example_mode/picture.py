"""The histogram as a value, and how it is drawn."""

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from tests.gui.example_mode.settings import Bars
from toydiff_gui.export.picture_contract import Part, WholePicture
from toydiff_gui.state.lanes import LaneRun

KEY, EDGE = "histogram", 4.0


@dataclass(frozen=True)
class Histogram(WholePicture):
    """What is seen at each t: both the scene of the page and the picture of an export."""

    title: str
    timesteps: int
    run: LaneRun
    bars: Bars

    def reached(self):
        run = self.run.trajectory
        return self.timesteps if run is None or run.reached is None else run.reached

    def parts(self):
        return [Part(KEY, "Histogram", self.run.trajectory, self.run.status)]

    def heights(self, t):
        """How many samples there are in each bar at ``t``, from -EDGE to EDGE."""
        run = self.run.trajectory
        k = None if run is None else run.index_at(t)
        x = np.empty(0) if k is None else run.x[k][:, self.bars.axis]
        return np.histogram(x, self.bars.bars, (-EDGE, EDGE))[0]

    def paint(self, painter, rect, t, style, *, vector=False, cache=None):
        painter.fillRect(rect, QColor(style.palette.canvas))
        heights, wide = self.heights(t), rect.width() / self.bars.bars
        for n, count in enumerate(heights):
            high = rect.height() * count / max(1, heights.max())
            bar = QRectF(rect.left() + n * wide, rect.bottom() - high, wide, high)
            painter.fillRect(bar, QColor(style.palette.accent))
