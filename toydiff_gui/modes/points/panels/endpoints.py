"""A and B in numbers."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from toydiff_gui.modes.points.settings import Point
from toydiff_gui.panels.endpoint_mark import EndpointMark
from toydiff_gui.widgets import NumberBox

FARTHEST = 1000.0


class EndpointFields(QWidget):
    """Two fields for each endpoint; shows more digits nowhere than the fields have.

    Signals:
        changed: the user entered another number.
        rejected: what was typed cannot be; the sentence says why.
    """

    changed = Signal()
    rejected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.boxes: dict[tuple[str, int], NumberBox] = {}
        for row, letter in enumerate("AB"):
            grid.addWidget(EndpointMark(letter), row, 0)
            for axis, name in enumerate("xy"):
                box = NumberBox(
                    f"{letter} {name}",
                    minimum=-FARTHEST,
                    maximum=FARTHEST,
                    decimals=2,
                    step=0.1,
                    prefix=name,
                )
                box.setToolTip(
                    f"The {name} coordinate of the latent {letter}, in standard deviations; "
                    "it can be dragged in lane 1 as well."
                )
                box.value_changed.connect(self.changed)
                box.rejected.connect(self.rejected)
                grid.addWidget(box, row, 1 + axis)
                grid.setColumnStretch(1 + axis, 1)
                self.boxes[letter, axis] = box

    @property
    def points(self) -> tuple[Point, Point]:
        """A and B as they are entered."""
        a = self._coordinate("A", 0), self._coordinate("A", 1)
        return a, (self._coordinate("B", 0), self._coordinate("B", 1))

    def show_points(self, a: Point, b: Point) -> None:
        """Show other endpoints; emits nothing."""
        for letter, point in (("A", a), ("B", b)):
            for axis in (0, 1):
                self.boxes[letter, axis].set_number(point[axis])

    def _coordinate(self, letter: str, axis: int) -> float:
        value = self.boxes[letter, axis].number
        assert value is not None  # these fields cannot be blank
        return float(value)
