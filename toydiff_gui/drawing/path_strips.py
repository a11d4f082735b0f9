"""What strips of gaps and norms along a path have in common, be its points in a plane or images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPainterPath, QPen

from engine.shared.polyline import neighbour_gaps
from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.style import theme as themes

Range = tuple[float, float]
SAMPLED_FRAMES = 5

MOST_DECADES = 4.0
"""What the scale of the gaps spans at most; smaller gaps lie on the ground."""


@dataclass(frozen=True)
class StripScales:
    """The scales of all strips of a scene: gaps logarithmic, norms linear, each low to high."""

    gap: Range = (1e-3, 1.0)
    norm: Range = (0.0, 1.0)

    def gap_share(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high ``gaps`` stand, in 0..1."""
        low, high = np.log(self.gap)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (np.log(gaps) - low) / (high - low)
        return _within(share)

    def norm_share(self, norms: NDArray[np.float64]) -> NDArray[np.float64]:
        """How high ``norms`` stand, in 0..1."""
        low, high = self.norm
        return _within((norms - low) / (high - low))

    def norm_heights(
        self, track: QRectF, norms: NDArray[np.float64], inset: float = 0.0
    ) -> NDArray[np.float64]:
        """The y at which ``norms`` lie in ``track``, whose ends stay free by ``inset``."""
        room = track.height() - 2 * inset
        return track.bottom() - inset - self.norm_share(norms) * room


def _within(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is no number lies on the ground."""
    return np.asarray(np.minimum(np.fmax(share, 0.0), 1.0))


def _quantile(ordered: NDArray[np.float64], share: float) -> float:
    """As ``np.quantile`` of what is in order already, which takes a tenth of the time."""
    whole, part = divmod(share * (len(ordered) - 1), 1.0)
    low, high = ordered[int(whole)], ordered[min(int(whole) + 1, len(ordered) - 1)]
    return float(low + part * (high - low))


def measured_scales(
    states: Iterable[NDArray[np.float32]], norms: Iterable[NDArray[np.float64]]
) -> StripScales:
    """Scales that hold the gaps within each of ``states`` (N, ...), and all ``norms``."""
    lows, highs, ends = [], [], []
    for points in states:
        gaps = neighbour_gaps(points)
        gaps = gaps[np.isfinite(gaps) & (gaps > 0)]
        if len(gaps):
            ordered = np.sort(gaps)
            lows.append(_quantile(ordered, 0.05))
            highs.append(float(ordered[-1]))
    for values in norms:
        finite = values[np.isfinite(values)]
        ends += [float(finite.min()), float(finite.max())] if len(finite) else []
    gap_range, norm_range = StripScales().gap, StripScales().norm
    if highs:
        high = max(highs)
        low = max(0.5 * min(lows), high / 10**MOST_DECADES)
        gap_range = (min(low, high / 10), high)
    if ends:
        low, high = min(ends), max(ends)
        norm_range = (low, max(high, low + 1e-6))
    return StripScales(gap_range, norm_range)


def sampled_states(trajectory: Trajectory | None) -> list[NDArray[np.float32]]:
    """A few of the states (N, ...) that have arrived, the first and the last among them."""
    frames = () if trajectory is None else trajectory.x
    picked = np.linspace(0, len(frames) - 1, min(SAMPLED_FRAMES, len(frames)))
    return [frames[round(k)] for k in picked]


@lru_cache(maxsize=64)
def path_gradient(
    left: float, right: float, style: LaneStyle, opacity: float = 1.0
) -> QLinearGradient:
    """The colours along a path, from ``left`` to ``right``."""
    gradient = QLinearGradient(left, 0.0, right, 0.0)
    for index, colour in enumerate(style.path_colours(33)):
        gradient.setColorAt(index / 32, themes.with_alpha(colour, opacity))
    return gradient


def band(x: NDArray[np.float64], y: NDArray[np.float64], width: float) -> QPainterPath:
    """The curve through (x, y) as an area, as wide across itself everywhere; x grows.

    Qt fills much faster than it strokes, and SVG knows gradients in areas only.
    """
    slope = np.gradient(y, x) if len(x) > 1 else np.zeros(len(x))
    half = 0.5 * width * np.hypot(1.0, slope)
    outline_x, outline_y = np.append(x, x[::-1]), np.append(y - half, (y + half)[::-1])
    path: QPainterPath = arrayToQPath(outline_x, outline_y, connect="all", finiteCheck=False)
    return path


def paint_prior(
    painter: QPainter,
    track: QRectF,
    low: float,
    high: float,
    style: LaneStyle,
    *,
    median: float | None = None,
    opacity: float = 0.22,
) -> None:
    """Shade where norms of the prior's latents lie, y ``low`` up to ``high``; dash ``median``."""
    shaded = QRectF(track.left(), high, track.width(), max(low - high, style.scale))
    painter.fillRect(shaded, themes.with_alpha(style.palette.label, opacity))
    if median is not None:
        pen = QPen(QColor(style.palette.label), style.scale)
        pen.setDashPattern([3.0, 3.0])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawLine(QLineF(track.left(), median, track.right(), median))
