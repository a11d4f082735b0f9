"""Colours and sizes of a drawn lane: the theme at the scale of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QFont

from toydiff_gui.style import theme as themes
from toydiff_gui.style.theme import Palette, Theme

PATH_COLOURS = 128
"""Steps of the path map that are drawn; neighbours cannot be told apart."""
DESIGN_HEIGHT = 720.0
"""A picture of this height is drawn at the sizes of the design; a larger one grows as a whole."""


@dataclass(frozen=True)
class LaneStyle:
    """How a lane is drawn.

    ``scale`` is the size of a design pixel in the painter's units: 1 on the screen, more on a
    larger picture. ``type_scale`` and ``line_scale`` are those of the theme (presentation).
    """

    palette: Palette
    dark: bool
    scale: float = 1.0
    type_scale: float = 1.0
    line_scale: float = 1.0

    @classmethod
    def of(cls, theme: Theme, scale: float = 1.0) -> LaneStyle:
        """The style of ``theme`` at ``scale`` painter units per design pixel."""
        return cls(theme.palette, theme.dark, scale, theme.type_scale, theme.line_scale)

    # Sizes

    def px(self, size: float) -> float:
        """A distance given in design pixels; it grows with the type."""
        return size * self.scale * self.type_scale

    def stroke(self, width: float) -> float:
        """The width of a line, or the size of a point."""
        return width * self.scale * self.line_scale

    @property
    def header_height(self) -> float:
        """Height of a lane's header, in whole pixels so that the plot below it is sharp."""
        return float(round(self.px(48)))

    @property
    def least_width(self) -> float:
        """Of a lane whose header can be read."""
        return self.px(200)

    @property
    def gap(self) -> float:
        """Room between lanes."""
        return float(round(8 * self.scale))

    @property
    def radius(self) -> float:
        """Of a card's corners."""
        return 8 * self.scale

    def zoom(self, side: float) -> float:
        """How much larger points are in a plot with the shorter ``side`` than in a usual one."""
        return min(1.5, max(0.75, math.pow(max(side, 1.0) / (270 * self.scale), 0.4)))

    def point_diameter(
        self, count: int, side: float, *, joined: bool, latent: bool = False
    ) -> float:
        """Smaller points where there are many or the plot is small; the latent path is thin.

        ``side`` is the shorter one of the plot.
        """
        most = 1.0 if joined else 1.6  # a handful of points must be found on their own
        size = (4.7 if joined else 3.8) * min(most, math.pow(1000 / max(count, 1), 0.25))
        size *= self.zoom(side)
        return self.stroke(max(1.4, 0.68 * size if latent and count > 40 else size))

    def point_opacity(self, count: int, *, joined: bool) -> float:
        """Many points are translucent, so that dense places stay apart from sparse ones."""
        full = 1.0 if joined else 0.85
        return full * min(1.0, max(0.35, math.pow(4000 / max(count, 1), 0.3)))

    def join_opacity(self, count: int) -> float:
        """Of the lines between neighbours: single lines are clear, hundreds a haze."""
        return min(0.7, max(0.1, 0.78 - 0.16 * math.log10(max(count, 1))))

    # Type and colour

    def font(self, size: float, weight: int = 400) -> QFont:
        """Type of ``size`` design pixels, with figures of one width."""
        return _font(size, weight, self.scale * self.type_scale)

    @property
    def samples(self) -> str:
        """Of drawn samples: neutral, since no colour has a meaning for them."""
        return self.palette.text

    @property
    def data(self) -> QColor:
        """Of the faint data beneath."""
        return themes.with_alpha("#8A93A0" if self.dark else "#616A77", 0.36)

    @property
    def grid(self) -> QColor:
        """Of the grid's lines."""
        return blend(self.palette.canvas, self.palette.divider, 0.55 if self.dark else 0.45)

    @property
    def axis(self) -> QColor:
        """Of the two axes."""
        return blend(self.palette.canvas, self.palette.control_border, 0.75)

    @property
    def ring(self) -> QColor:
        """Of the circles of one, two and three standard deviations."""
        return blend(self.palette.canvas, self.palette.control_border, 0.9)

    def path_colours(self, count: int) -> tuple[str, ...]:
        """'#RRGGBB' along the path, at most ``PATH_COLOURS`` steps."""
        return _path_colours(min(max(count, 1), PATH_COLOURS), self.palette)


def path_steps(count: int) -> NDArray[np.intp]:
    """Which of the path's colours each of ``count`` points has."""
    steps = min(max(count, 1), PATH_COLOURS)
    return np.arange(count) * steps // max(count, 1)


def blend(below: str, above: str, share: float) -> QColor:
    """``above`` at the opacity ``share`` over ``below``."""
    first, second = QColor(below), QColor(above)
    return QColor.fromRgbF(
        first.redF() * (1 - share) + second.redF() * share,
        first.greenF() * (1 - share) + second.greenF() * share,
        first.blueF() * (1 - share) + second.blueF() * share,
    )


def picture_style(theme: Theme, height: float) -> LaneStyle:
    """The style for a picture of ``height``: redrawn larger, not stretched."""
    return LaneStyle.of(theme, max(height, 1.0) / DESIGN_HEIGHT)


@lru_cache(maxsize=64)
def _path_colours(count: int, palette: Palette) -> tuple[str, ...]:
    return tuple(
        f"#{red:02X}{green:02X}{blue:02X}"
        for red, green, blue in themes.path_colours(count, palette)
    )


@lru_cache(maxsize=128)
def _font(size: float, weight: int, scale: float) -> QFont:
    return themes.scaled_font(size, weight, scale, tabular=True)
