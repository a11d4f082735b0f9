"""What the header of a lane says about its points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.shared.polyline import neighbour_gaps
from toydiff_gui.drawing.figures import NONE, gap, length, share
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style.numbers import grouped

Measures = tuple[tuple[str, str], ...]
"""Names with their values, such as (('path length', '3.8'), ...)."""


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
