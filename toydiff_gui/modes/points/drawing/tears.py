"""Tears: places where a sampler has carried neighbours of a path far apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from engine.shared.polyline import neighbour_gaps
from toydiff_gui.drawing import figures
from toydiff_gui.drawing.plates import around, best_place, covered_share, paint_plate, plate_size
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import PlotTransform
from toydiff_gui.modes.points.scene import LaneScene

LEAST_RATIO = 8.0
"""A tear is so many times the median gap at least ..."""
LEAST_SHARE = 0.03
"""... and this share of the shorter side of what is shown."""
MOST_HIDDEN = 0.01
"""Share of the data that the plate above or below a tear may cover."""
RING = 4.6


@dataclass(frozen=True)
class Tear:
    """The gap between the points ``index`` and ``index + 1`` of a path."""

    index: int
    gap: float


def find_tear(points: Points, side: float) -> Tear | None:
    """The largest gap of a path (N, ...), if it stands out where a stretch of ``side`` is shown."""
    if len(points) < 3:
        return None
    gaps = neighbour_gaps(points)
    finite = np.isfinite(gaps)
    if not finite.any():
        return None
    index = int(np.where(finite, gaps, -1.0).argmax())
    largest = float(gaps[index])
    outstanding = largest > LEAST_RATIO * float(np.median(gaps[finite]))
    return Tear(index, largest) if outstanding and largest > LEAST_SHARE * side else None


def paint_tear(
    painter: QPainter,
    transform: PlotTransform,
    lane: LaneScene,
    points: Points,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> QRectF | None:
    """Dashes, rings and a plate where the path of ``lane`` is torn; returns the plate's place."""
    view = transform.view
    tear = find_tear(points, min(view.x1 - view.x0, view.y1 - view.y0))
    if tear is None:
        return None
    ends = [transform.point(*map(float, points[tear.index + k])) for k in (0, 1)]
    rect = transform.rect
    if not any(rect.contains(end) for end in ends):
        return None
    colour = QColor(style.palette.text)
    _dashes(painter, transform, ends, colour, style)
    for end in ends:
        if rect.contains(end):
            ring(painter, end, style, radius=RING)
    middle = (ends[0] + ends[1]) / 2
    if not rect.contains(middle):
        return None
    lines = [f"tear {figures.gap(tear.gap)}"]
    size = plate_size(lines, style)
    bounds = rect.adjusted(style.px(6), style.px(6), -style.px(6), -style.px(20))
    own = transform.to_pixels(points[np.isfinite(points).all(axis=1)])
    # What the path misses is as telling as the tear: the plate lies on the data only if it must.
    data = None if lane.data is None else transform.to_pixels(lane.data)
    far = style.px(20)
    plate = best_place(size, around(middle, size, far, sides="ns"), bounds, points=own, faint=data)
    hidden = 0.0 if data is None or not len(data) else covered_share(plate, data)
    if covered_share(plate, own) > 0.0 or hidden > MOST_HIDDEN:
        # To the side its line runs along the path, so that comes second.
        everywhere = around(middle, size, far, sides="nsew")
        plate = best_place(size, everywhere, bounds, points=own, faint=data)
    painter.setPen(QPen(QColor(style.palette.label), style.scale))
    painter.drawLine(QLineF(_edge_towards(plate, middle), middle))
    paint_plate(painter, plate, lines, style, vector=vector)
    return plate


def _dashes(
    painter: QPainter,
    transform: PlotTransform,
    ends: list[QPointF],
    colour: QColor,
    style: LaneStyle,
) -> None:
    line = QLineF(ends[0], ends[1])
    radius = style.stroke(RING)
    if line.length() <= 2 * radius:
        return
    inner = QLineF(line.pointAt(radius / line.length()), line.pointAt(1 - radius / line.length()))
    pen = QPen(colour, style.stroke(1.3))
    pen.setDashPattern([3.0, 2.5])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.save()
    painter.setClipRect(transform.rect)
    painter.setPen(pen)
    painter.drawLine(inner)
    painter.restore()


def ring(painter: QPainter, centre: QPointF, style: LaneStyle, *, radius: float) -> None:
    """A ring in the main text colour, set off from what is beneath."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(style.palette.canvas), style.stroke(3.4)))
    painter.drawEllipse(centre, style.stroke(radius), style.stroke(radius))
    painter.setPen(QPen(QColor(style.palette.text), style.stroke(1.7)))
    painter.drawEllipse(centre, style.stroke(radius), style.stroke(radius))


def _edge_towards(plate: QRectF, place: QPointF) -> QPointF:
    """The point of the plate's edge next to ``place``."""
    return QPointF(
        min(max(place.x(), plate.left()), plate.right()),
        min(max(place.y(), plate.top()), plate.bottom()),
    )
