"""Numbers as the canvas writes them: a true minus sign, no needless digits."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.shared.polyline import neighbour_gaps
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.state.wording import grouped

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"

Measures = tuple[tuple[str, str], ...]
"""Names with their values, such as (('path length', '3.8'), ...)."""


def plain(value: float, digits: int = 2) -> str:
    """``value`` with at most ``digits`` decimals: 2, −1.25, 0.5."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text in ("-0", "") else text
    return text.replace("-", MINUS)


def length(value: float) -> str:
    """A summed length: 884, 3.8."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def gap(value: float) -> str:
    """A distance between neighbours: 4.20, 0.55, 0.011."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def pair(x: float, y: float, digits: int = 2) -> str:
    """A point: (−1, 2)."""
    return f"({plain(x, digits)}, {plain(y, digits)})"


def share(value: float | None) -> str:
    """A share as per cent: 0 %, 0.6 %, 42 %; a dash where it is not known."""
    return NONE if value is None or not math.isfinite(value) else f"{plain(100 * value, 1)} %"


def gap_ratio(gaps: NDArray[np.float64]) -> float:
    """The largest gap over the median one; NaN without gaps, infinite where most are none."""
    if len(gaps) == 0:
        return math.nan
    median = float(np.median(gaps))
    return float(gaps.max()) / median if median > 0 else math.inf


def measures(lane: LaneScene, t: float) -> Measures:
    """What the header says about the points that ``lane`` shows at ``t``; empty without points."""
    return measure_variants(lane, t)[0]


def measure_variants(lane: LaneScene, t: float) -> tuple[Measures, ...]:
    """The same from the most explicit to the shortest wording, for headers of any width."""
    points = lane.points_at(t)
    if points is None or len(points) == 0:
        return ((),)
    # A dash while it may still come; a trajectory from a file has none.
    unknown = lane.off_data is None and lane.status == "done"
    off_data = () if unknown else (("off-data", share(lane.off_data)),)
    count = (("points", grouped(len(points))),)
    if not lane.joined:
        known = lane.kind != "latent" and lane.off_data is not None
        return (count + off_data if known else count,)
    gaps = neighbour_gaps(points)
    gaps = gaps[np.isfinite(gaps)]
    total = length(float(gaps.sum())) if len(gaps) else NONE
    largest = gap(float(gaps.max())) if len(gaps) else NONE
    if lane.kind == "latent":
        spaced = (("length", total), ("spacing", largest))
        return (count + spaced, spaced)
    ratio = gap_ratio(gaps)
    both = f"{largest} ({ratio:.0f}\N{MULTIPLICATION SIGN})" if math.isfinite(ratio) else largest
    return (
        (("path length", total), ("largest gap", both), *off_data),
        (("path length", total), ("largest gap", largest), *off_data),
        (("length", total), ("gap", both), *off_data),
        (("length", total), ("gap", largest), *off_data),
        (("gap", largest), *off_data),
    )


def time_shown(lane: LaneScene, t: float) -> str:
    """The time of the state that ``lane`` shows at ``t``: a sampler with few steps lags behind."""
    if lane.kind == "latent" or lane.trajectory is None:
        return ""
    k = lane.trajectory.index_at(t)
    return "" if k is None else f"t = {lane.trajectory.t[k]}"


def seconds(value: float) -> str:
    """A duration: 52 ms, 1.3 s."""
    return f"{value * 1e3:.0f} ms" if value < 1 and math.isfinite(value) else f"{value:.1f} s"
