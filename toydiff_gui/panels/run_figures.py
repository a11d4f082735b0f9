"""What the foot of the dock 'Train' says about the quality of a training."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from toydiff_gui.state.figures import Figure
from toydiff_gui.widgets import QualityBar, Text

UNKNOWN = "–"


class FigureRow(QWidget):
    """A figure with its name, its floor and, where it is drawn, its bar."""

    def __init__(self, figure: Figure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading, self.caption = Text("", weight=600), Text("", size=11, ink="label")
        self.value, self.floor = Text("", size=11, weight=600), Text("", size=11, ink="label")
        self.bar = QualityBar(figure.title) if figure.bar else None
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.heading)
        row.addStretch(1)
        for label in (self.caption, self.value, self.floor):
            row.addWidget(label)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        if self.bar is not None:
            column.addWidget(self.bar)
        self.show_figure(figure, {})

    def show_figure(self, figure: Figure, quality: Mapping[str, float]) -> None:
        """Show a figure, which may be another one than before, as far as it is known."""
        value, floor = quality.get(figure.key), quality.get(figure.floor)
        self.heading.setText(figure.title)
        self.caption.setText(figure.measure)
        self.value.setText(UNKNOWN if value is None else figure.written(value))
        self.value.setAccessibleName(figure.title)
        self.floor.setText("" if floor is None else f"· floor {figure.written(floor)}")
        for label in (self.heading, self.caption, self.value, self.floor):
            label.setToolTip(figure.tip)
        if self.bar is not None:
            self.bar.set_values(value, floor)
