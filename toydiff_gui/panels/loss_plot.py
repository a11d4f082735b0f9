"""The loss while a training runs: every value faint, their mean on top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from toydiff_gui.style import theme
from toydiff_gui.widgets.small_plot import SmallPlot

Values = NDArray[np.float64]

MEMORY = 4
"""The mean forgets over so many pixels."""


def in_columns(
    steps: NDArray[np.int64], losses: NDArray[np.float32], total: int, columns: int
) -> tuple[NDArray[np.intp], Values, Values, Values]:
    """The values by the pixel column they fall in: columns, lowest, highest, mean.

    However many values there are, there is no more to draw than there are pixels. Values that are
    not finite (a training that diverged) are left out.
    """
    finite = np.isfinite(losses)
    steps, values = steps[finite], np.asarray(losses[finite], np.float64)
    if not len(steps):
        empty = np.empty(0)
        return np.empty(0, np.intp), empty, empty, empty
    last = max(total, int(steps[-1]), 1)
    column = np.minimum(steps * columns // (last + 1), columns - 1).astype(np.intp)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(column)) + 1])
    counts = np.diff(np.concatenate([starts, [len(column)]]))
    lowest = np.minimum.reduceat(values, starts)
    highest = np.maximum.reduceat(values, starts)
    return column[starts], lowest, highest, np.add.reduceat(values, starts) / counts


def smoothed(means: Values) -> Values:
    """An exponential mean along the columns, without the pull of its start."""
    keep = 1.0 - 1.0 / MEMORY
    result = np.empty_like(means)
    total = weight = 0.0
    for index, value in enumerate(means.tolist()):
        total, weight = keep * total + value, keep * weight + 1.0
        result[index] = total / weight
    return result


def ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers between ``low`` and ``high``."""
    span = high - low
    if not span > 0:
        return []
    unit = 10.0 ** np.floor(np.log10(span))
    step = next(s * unit for s in (0.1, 0.2, 0.5, 1.0, 2.0) if span / (s * unit) < 5)
    first = np.ceil(low / step)
    return [float(round(step * k, 10)) for k in np.arange(first, np.floor(high / step) + 1)]


class LossPlot(SmallPlot):
    """Loss over training steps, on a plain scale that leaves out single spikes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(64, parent)
        self._steps = np.empty(0, np.int64)
        self._losses = np.empty(0, np.float32)
        self._total = 0
        self.setAccessibleName("Loss")
        self.setToolTip(
            "The mean squared error of the network's prediction, batch by batch (faint), and its "
            "running mean. It stays above 0: the noise in a point cannot be known exactly."
        )

    def set_data(self, steps: NDArray[np.int64], losses: NDArray[np.float32], total: int) -> None:
        """Show ``losses`` (n,) over ``steps`` (n,) of ``total``."""
        self._steps, self._losses, self._total = steps, losses, total
        latest = self.latest
        self.setAccessibleDescription("no value yet" if latest is None else f"now {latest:.3f}")
        self.update()

    @property
    def latest(self) -> float | None:
        """The running mean's last value; None before the first."""
        _, _, _, mean = in_columns(self._steps, self._losses, self._total, self._columns())
        return float(smoothed(mean)[-1]) if len(mean) else None

    def _columns(self) -> int:
        return max(self.width() - 2, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw frame, grid, values, mean and ticks."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        column, lowest, highest, mean = in_columns(
            self._steps, self._losses, self._total, self._columns()
        )
        if not len(column):
            self._paint_frame(painter, "The loss appears here in training")
            return
        frame = self._paint_frame(painter)
        painter.setFont(theme.font(10, 500, tabular=True))
        curve = smoothed(mean)
        # Single spikes may leave the plot, the curve may not.
        low = min(float(np.percentile(lowest, 5)), float(curve.min()))
        high = max(float(np.percentile(highest, 95)), float(curve.max()))
        room = max(high - low, 1e-6 + 0.02 * abs(high)) * 0.08
        low, high = low - room, high + room
        top, bottom = frame.top() + 4, frame.bottom() - 4

        def y_of(value: Values) -> Values:
            return np.asarray(bottom - (value - low) / (high - low) * (bottom - top))

        marks = ticks(low, high)
        painter.setPen(QPen(QColor(palette.divider), 1))
        levels = y_of(np.array(marks))
        for level in levels.tolist():
            painter.drawLine(QPointF(frame.left() + 1, level), QPointF(frame.right() - 1, level))
        x = column + 1.5
        painter.save()
        painter.setClipRect(frame.adjusted(1, 1, -1, -1))
        painter.setPen(QPen(theme.with_alpha(palette.accent, 0.35), 1))
        bars = zip(x.tolist(), y_of(lowest).tolist(), y_of(highest).tolist(), strict=True)
        painter.drawLines([QLineF(at, down, at, up) for at, down, up in bars])
        painter.setPen(QPen(QColor(palette.accent), 1.6 * now.line_scale))
        painter.drawPolyline(
            QPolygonF([QPointF(*p) for p in zip(x.tolist(), y_of(curve).tolist(), strict=True)])
        )
        painter.restore()
        painter.setPen(QColor(palette.label))
        line = now.px(12)
        for mark, level in zip(marks, levels.tolist(), strict=True):
            below = QRectF(frame.left(), level + 1, frame.width() - 5, line)
            if below.bottom() < frame.bottom():
                painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{mark:g}")
