"""What the foot of the dock 'Train' says about the quality of a training, in each mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from toydiff_gui.controls import QualityBar, Text

UNKNOWN = "–"


@dataclass(frozen=True)
class Figure:
    """A measure of quality: its key in ``TrainingRun.quality``, that of its floor ('' for none).

    ``bar``: it is drawn as well.
    """

    title: str
    measure: str
    key: str
    floor: str
    tip: str
    written: Callable[[float], str]
    bar: bool = False


def decimals(digits: int) -> Callable[[float], str]:
    """Writes a figure with so many decimals."""
    return lambda value: f"{value:.{digits}f}"


def percent(value: float) -> str:
    """Writes a share of 0 to 1."""
    return f"{100 * value:.1f} %"


POINTS = (
    Figure(
        "Distance to data",
        "sliced W₂",
        "distance",
        "distance_floor",
        "Sliced 2-Wasserstein distance of fresh samples to the data: how far the points would have "
        "to be moved. The floor is what true data reach.",
        decimals(3),
        bar=True,
    ),
    Figure(
        "Off the data",
        "",
        "off_data",
        "off_data_floor",
        "Share of samples that lie farther from the data than all but one in a thousand true "
        "points do. The floor is that of true points.",
        percent,
    ),
)
IMAGES = (
    Figure(
        "Distance to data",
        "Fréchet",
        "distance",
        "distance_floor",
        "Fréchet distance between samples and real images, in what a small classifier sees in "
        "them. The floor is what as many other real images reach.",
        decimals(2),
        bar=True,
    ),
    Figure(
        "Recognised",
        "",
        "recognised",
        "recognised_floor",
        "Share of samples that the classifier is at least 90 % sure of. The floor is that of "
        "real images.",
        percent,
    ),
)


def figures_of(images: bool) -> tuple[Figure, ...]:
    """What is measured of a training of images, or of points."""
    return IMAGES if images else POINTS


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
