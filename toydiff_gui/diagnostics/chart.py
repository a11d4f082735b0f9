"""A plot as plain data: axes, curves, dots, figures, and the numbers behind it. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.datasets.images import Pixels

Values = NDArray[np.float64]
Role = Literal["main", "reference", "plain", "dotted"]
"""The curve that matters, what it is compared with (dashed), and others."""


@dataclass(frozen=True)
class Axis:
    """From ``low`` (left, bottom) to ``high``; time falls: from T to 0.

    ``group`` names axes that pan and zoom together, '' for none.
    """

    label: str
    low: float
    high: float
    log: bool = False
    group: str = ""

    def coordinate(self, values: Values) -> Values:
        """Where ``values`` lie on the axis, before scaling: their logarithm on a log axis."""
        if not self.log:
            return np.asarray(values, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log10(values))

    @property
    def ends(self) -> tuple[float, float]:
        """``low`` and ``high`` as coordinates."""
        if self.log:
            return math.log10(self.low), math.log10(self.high)
        return self.low, self.high


@dataclass(frozen=True)
class Curve:
    """``y`` over ``x``; values that are not finite are left out. ``error``: standard errors."""

    name: str
    x: Values
    y: Values
    role: Role = "plain"
    error: Values | None = None

    def at(self, x: float) -> float | None:
        """The value at ``x``, between neighbours on a straight line; None outside."""
        known = np.isfinite(self.y)
        xs, ys = self.x[known], self.y[known]
        if len(xs) == 0:
            return None
        order = np.argsort(xs)
        xs, ys = xs[order], ys[order]
        if not xs[0] - 0.5 <= x <= xs[-1] + 0.5:
            return None
        return float(np.interp(x, xs, ys))


@dataclass(frozen=True)
class Dots:
    """Points (n,) with the time of each, which their colour shows."""

    x: Values
    y: Values
    t: NDArray[np.int64]


@dataclass(frozen=True)
class Density:
    """How often x (columns, rightwards) and y (rows, upwards) fell together, from low to high.

    ``counts`` (bins, n, n): for times in ``edges[b] < t <= edges[b + 1]``; the colour of a place is
    that of its mean time.
    """

    counts: NDArray[np.int32]
    edges: NDArray[np.int64]
    low: float
    high: float

    @property
    def middles(self) -> Values:
        """The middle time of each bin."""
        return np.asarray((self.edges[:-1] + 1 + self.edges[1:]) / 2)

    def at(self, x: float, y: float) -> tuple[int, float]:
        """How many values fell at (x, y), and their mean time."""
        cells = self.counts.shape[1]
        column, row = (int((v - self.low) / (self.high - self.low) * cells) for v in (x, y))
        if not (0 <= column < cells and 0 <= row < cells):
            return 0, 0.0
        counts = self.counts[:, row, column]
        total = int(counts.sum())
        return total, float(counts @ self.middles) / total if total else 0.0


@dataclass(frozen=True)
class HeatMap:
    """Values (H, W) from 0 on, the first row at the top, of time ``t``; below stand ``notes``."""

    t: int
    values: Values
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Film:
    """Images uint8 (n, C, H, W) at ``times`` (n,) that fall from T to 0."""

    name: str
    times: NDArray[np.int64]
    pixels: Pixels

    def index_at(self, t: float) -> int:
        """The image nearest to ``t``."""
        return int(np.abs(self.times - t).argmin())


@dataclass(frozen=True)
class Bar:
    """A row of a table: a name, a length from 0 to 1, the figures beside it."""

    name: str
    length: float
    figures: tuple[str, ...]
    role: Role = "plain"


@dataclass(frozen=True)
class Table:
    """The numbers behind a chart: columns of one length, their names with units."""

    names: tuple[str, ...]
    columns: tuple[NDArray[np.generic], ...]


@dataclass(frozen=True)
class Chart:
    """One card.

    ``timesteps`` is T of what is drawn. With ``over_time`` the x axis is t. ``symbol`` is what a
    value is called in a tag. ``figures`` stand in a column beside the plot. ``message`` is shown in
    place of a plot that has nothing to show, or below the title while it is not complete.
    """

    key: str
    title: str
    subtitle: str = ""
    x: Axis = field(default_factory=lambda: Axis("", 0.0, 1.0))
    y: Axis = field(default_factory=lambda: Axis("", 0.0, 1.0))
    curves: tuple[Curve, ...] = ()
    dots: Dots | None = None
    density: Density | None = None
    maps: tuple[HeatMap, ...] = ()
    films: tuple[Film, ...] = ()
    bars: tuple[Bar, ...] = ()
    bar_columns: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    timesteps: int = 0
    over_time: bool = False
    labelled: bool = False
    """Names stand beside the curves; otherwise in a legend."""
    symbol: str = ""
    identity: bool = False
    """Show the line y = x."""
    table: Table | None = None
    message: str = ""
    help: str = ""
    """What the plot shows, in a sentence or two."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw yet."""
        shown = self.dots or self.density or self.maps or self.films or self.bars
        return not (shown or any(len(curve.x) for curve in self.curves))

    @property
    def timed(self) -> bool:
        """Whether colours show time, so that there is a bar of them."""
        return self.dots is not None or self.density is not None

    @property
    def still(self) -> bool:
        """Whether there is nothing to zoom."""
        return bool(self.bars or self.maps or self.films)

    @property
    def main(self) -> Curve | None:
        """The curve whose value the time's tag shows."""
        return next((curve for curve in self.curves if curve.role == "main"), None)


def fixed(value: float, digits: int) -> str:
    """A value with so many decimals: 0.50, −1.25; never −0.00."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\N{MINUS SIGN}")


def short(value: float) -> str:
    """A value in a tag: two or three significant digits, plain where that is short."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    size = abs(value)
    if size >= 100 or size < 1e-9:
        text = f"{value:.0f}".replace("-0", "0")
    elif size >= 0.01:
        text = f"{value:.2f}"
    elif size >= 1e-4:
        text = f"{value:.2g}" if size < 1e-3 else f"{value:.4f}"
    else:
        text = f"{value:.1e}"
    return text.replace("-", "\N{MINUS SIGN}")
