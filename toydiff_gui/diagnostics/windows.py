"""Which part of each axis is shown: axes of one group pan and zoom together."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.chart_layout import Window

Span = tuple[float, float]
WHOLE: Span = (0.0, 1.0)


class Windows(QObject):
    """The spans of all axes, as fractions; an axis without a group has a span of its own.

    Signals:
        changed: some charts show another part.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._spans: dict[str, Span] = {}

    def window(self, chart: Chart) -> Window:
        """What is shown of ``chart``."""
        across = self._spans.get(_name(chart, "x"), WHOLE)
        up = self._spans.get(_name(chart, "y"), WHOLE)
        return Window(*across, *up)

    def show(self, chart: Chart, across: Span, up: Span) -> None:
        """Show another part of ``chart``, and of whatever shares an axis with it."""
        before = dict(self._spans)
        self._spans[_name(chart, "x")] = across
        self._spans[_name(chart, "y")] = up
        if self._spans != before:
            self.changed.emit()

    def reset(self, chart: Chart) -> None:
        """Show all of ``chart`` again."""
        self.show(chart, WHOLE, WHOLE)

    def reset_all(self) -> None:
        """Show all of every chart."""
        if self._spans:
            self._spans.clear()
            self.changed.emit()


def _name(chart: Chart, axis: str) -> str:
    group = chart.x.group if axis == "x" else chart.y.group
    # The quantity is in the key: another one has another scale.
    return group or f"{chart.key}:{chart.symbol}:{axis}"
