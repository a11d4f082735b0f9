"""Cutting lines and circles at a plot's edge by calculation: SVG Tiny knows no clipping."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

Segments = NDArray[np.float64]
"""(N, 4): x1, y1, x2, y2."""


def inside(pixels: NDArray[np.float64], rect: QRectF, margin: float) -> NDArray[np.bool_]:
    """Which of ``pixels`` (N, 2) lie in ``rect`` widened by ``margin``; NaN never does."""
    x, y = pixels[:, 0], pixels[:, 1]
    kept = x >= rect.left() - margin
    kept &= x <= rect.right() + margin
    kept &= y >= rect.top() - margin
    kept &= y <= rect.bottom() + margin
    return np.asarray(kept)


def near(segments: Segments, rect: QRectF) -> NDArray[np.bool_]:
    """Which of ``segments`` are finite and may touch ``rect``, judged by their bounding boxes."""
    x1, y1, x2, y2 = segments.T
    kept = np.isfinite(segments).all(axis=1)
    kept &= np.minimum(x1, x2) <= rect.right()
    kept &= np.maximum(x1, x2) >= rect.left()
    kept &= np.minimum(y1, y2) <= rect.bottom()
    kept &= np.maximum(y1, y2) >= rect.top()
    return np.asarray(kept)


def clip_segments(segments: Segments, rect: QRectF) -> tuple[Segments, NDArray[np.bool_]]:
    """The parts of ``segments`` inside ``rect``, and which of them have any (Liang and Barsky)."""
    start, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    low = np.array([rect.left(), rect.top()])
    high = np.array([rect.right(), rect.bottom()])
    still = along == 0
    step = np.where(still, 1.0, along)
    first, last = (low - start) / step, (high - start) / step
    outside = still & ((start < low) | (start > high))
    enter = np.where(still, -np.inf, np.minimum(first, last)).max(axis=1).clip(0.0, 1.0)
    leave = np.where(still, np.inf, np.maximum(first, last)).min(axis=1).clip(0.0, 1.0)
    kept = (enter < leave) & ~outside.any(axis=1)
    clipped = np.concatenate(
        [start + enter[:, None] * along, start + leave[:, None] * along], axis=1
    )
    return clipped[kept], kept


def arcs_inside(
    centre: QPointF, radius: float, rect: QRectF, gap: tuple[float, float] | None = None
) -> list[tuple[float, float]]:
    """The parts of a circle inside ``rect`` as (angle, span) in degrees, counter-clockwise.

    ``gap`` leaves out the part between two angles.
    """
    cuts = {0.0, 360.0}
    for edge, middle in ((rect.left(), centre.x()), (rect.right(), centre.x())):
        if abs(edge - middle) < radius:
            angle = math.degrees(math.acos((edge - middle) / radius))
            cuts |= {angle, 360.0 - angle}
    for edge, middle in ((rect.top(), centre.y()), (rect.bottom(), centre.y())):
        if abs(edge - middle) < radius:
            angle = math.degrees(math.asin((middle - edge) / radius))
            cuts |= {angle % 360.0, (180.0 - angle) % 360.0}
    if gap is not None:
        cuts |= {gap[0] % 360.0, gap[1] % 360.0}
    ordered = sorted(cuts)
    parts: list[tuple[float, float]] = []
    for begin, end in itertools.pairwise(ordered):
        middle_angle = math.radians((begin + end) / 2)
        place = QPointF(
            centre.x() + radius * math.cos(middle_angle),
            centre.y() - radius * math.sin(middle_angle),
        )
        in_gap = gap is not None and ((begin + end) / 2 - gap[0]) % 360.0 < gap[1] - gap[0]
        if end - begin < 1e-9 or in_gap or not rect.contains(place):
            continue
        if parts and abs(sum(parts[-1]) - begin) < 1e-9:
            parts[-1] = (parts[-1][0], end - parts[-1][0])
        else:
            parts.append((begin, end - begin))
    return parts
