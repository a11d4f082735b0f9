"""The part of the plane that is shown, and where it lands on the paper. No painting here."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class ViewRange:
    """The rectangle of the plane that a lane shows at least, in standardised units."""

    x0: float
    x1: float
    y0: float
    y1: float

    def fitted(self, width: float, height: float) -> ViewRange:
        """This range widened about its centre so that a unit is as long in x as in y."""
        if width <= 0 or height <= 0:
            return self
        unit = max((self.x1 - self.x0) / width, (self.y1 - self.y0) / height)
        x, y = (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2
        half_x, half_y = unit * width / 2, unit * height / 2
        return ViewRange(x - half_x, x + half_x, y - half_y, y + half_y)


class PlotTransform:
    """Maps between the plane and a plot area ``rect`` that shows ``view``, y upwards."""

    def __init__(self, rect: QRectF, view: ViewRange) -> None:
        self.rect = rect
        self.view = view.fitted(rect.width(), rect.height())
        self.unit = rect.width() / (self.view.x1 - self.view.x0)
        """The length of one unit in pixels."""

    def to_pixels(self, points: NDArray[np.floating]) -> Pixels:
        """Positions of ``points`` (N, 2) on the paper, float64 (N, 2)."""
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = points[:, 0]
        pixels[:, 1] = points[:, 1]
        pixels -= (self.view.x0, self.view.y1)
        pixels *= (self.unit, -self.unit)
        pixels += (self.rect.left(), self.rect.top())
        return pixels

    def point(self, x: float, y: float) -> QPointF:
        """Where (x, y) lies on the paper."""
        return QPointF(
            self.rect.left() + (x - self.view.x0) * self.unit,
            self.rect.top() + (self.view.y1 - y) * self.unit,
        )

    def to_data(self, position: QPointF) -> tuple[float, float]:
        """The coordinates of a place on the paper."""
        return (
            self.view.x0 + (position.x() - self.rect.left()) / self.unit,
            self.view.y1 - (position.y() - self.rect.top()) / self.unit,
        )


def tick_step(unit: float, room: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that takes ``room`` pixels or more."""
    least = room / unit
    power = 10.0 ** math.floor(math.log10(least))
    for factor in (1.0, 2.0, 5.0, 10.0):
        if factor * power >= least * (1 - 1e-9):
            return factor * power
    raise AssertionError(f"no tick step for {unit} pixels a unit")


def ticks(low: float, high: float, step: float) -> list[float]:
    """The multiples of ``step`` in [low, high]."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]
