"""What lies beneath a lane's points: grid or circles of sigma, tick labels, the faint data.

It changes with the view, not with time, so it is painted once and kept as a picture.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QLineF, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPen,
    QRadialGradient,
    QTransform,
)

from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.device import device_pixels, device_rect
from toydiff_gui.drawing.figures import plain
from toydiff_gui.drawing.geometry import arcs_inside
from toydiff_gui.drawing.plates import covered_share
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.style import LaneStyle, blend
from toydiff_gui.drawing.text import draw_centred, draw_text, text_width
from toydiff_gui.drawing.view import Pixels, PlotTransform, ViewRange, tick_step, ticks
from toydiff_gui.modes.points.scene import LaneScene

LABEL_ROOM = 60
"""Least distance between tick labels, in design pixels."""
MAX_DATA = 4000
"""Points of the data that are drawn; more would be a blot."""
SIGMA_LABEL_ANGLE = -36.0
SIGMA_LABEL_SIZE = 11.0
MAX_CACHE_BYTES = 96 * 2**20


class BackgroundCache:
    """Finished backgrounds, the latest ones, up to some memory; lanes of one size share them."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        # The data come along, so that their id is not given to another array meanwhile.
        self._pictures: OrderedDict[tuple[object, ...], tuple[QImage, Points | None]] = (
            OrderedDict()
        )
        self.painted = 0
        """How many backgrounds have been painted: a view that rests paints none."""

    def paint(
        self, painter: QPainter, rect: QRectF, lane: LaneScene, view: ViewRange, style: LaneStyle
    ) -> None:
        """Paint the background of ``lane`` from the picture kept for it, made first if need be."""
        area = device_rect(painter, rect)
        target = area.toAlignedRect()
        data = _shown_data(lane)
        key = (
            (target.width(), target.height()),
            (round(area.left() - target.left(), 3), round(area.top() - target.top(), 3)),
            painter.deviceTransform().m11(),
            lane.kind,
            view,
            style,
            id(data),
        )
        if key in self._pictures:
            self._pictures.move_to_end(key)
        else:
            image = QImage(target.size(), QImage.Format.Format_RGB32)
            image.fill(QColor(style.palette.canvas))
            shifted = painter.deviceTransform() * QTransform.fromTranslate(
                -target.left(), -target.top()
            )
            below = QPainter(image)
            below.setTransform(shifted)
            paint_background(below, rect, lane, view, style)
            below.end()
            self._pictures[key] = (image, data)
            self.painted += 1
            self._forget()
        with device_pixels(painter, area):
            painter.drawImage(target.topLeft(), self._pictures[key][0])

    def _forget(self) -> None:
        used = sum(image.sizeInBytes() for image, _ in self._pictures.values())
        while used > self._max_bytes and len(self._pictures) > 1:
            _, (image, _) = self._pictures.popitem(last=False)
            used -= image.sizeInBytes()


def _shown_data(lane: LaneScene) -> Points | None:
    if lane.kind == "latent" or ("forward" in lane.overlays and lane.forward is not None):
        return None
    return lane.data


def paint_background(
    painter: QPainter,
    rect: QRectF,
    lane: LaneScene,
    view: ViewRange,
    style: LaneStyle,
    *,
    vector: bool = False,
) -> None:
    """Paint the canvas, the grid or the circles of sigma, the labels and the faint data."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(rect)
    painter.fillRect(rect, QColor(style.palette.canvas))
    transform = PlotTransform(rect, view)
    step = tick_step(transform.unit, style.px(LABEL_ROOM))
    if lane.kind == "latent":
        _paint_sigma(painter, transform, style)
    else:
        _paint_grid(painter, transform, style, step)
    _paint_axes(painter, transform, style)
    _paint_labels(painter, transform, style, step, vector)
    data = _shown_data(lane)
    if data is not None and len(data):
        thinned = data[:: math.ceil(len(data) / MAX_DATA)]
        colour = style.data
        paint_points(
            painter,
            rect,
            view,
            thinned,
            diameter=style.stroke(1.5) * style.zoom(min(rect.width(), rect.height())),
            opacity=colour.alphaF(),
            colours=(colour.name(),),
            vector=vector,
        )
    painter.restore()


def _sharp(position: float, width: float) -> float:
    """Where a thin line must run to fill whole pixels."""
    position = round(position, 3)  # 199.9999 is meant as 200
    return math.floor(position) + 0.5 if round(width) % 2 else float(round(position))


def _line(painter: QPainter, rect: QRectF, place: float, vertical: bool, width: float) -> None:
    place = _sharp(place, width)
    if vertical:
        painter.drawLine(QLineF(place, rect.top(), place, rect.bottom()))
    else:
        painter.drawLine(QLineF(rect.left(), place, rect.right(), place))


def _paint_grid(painter: QPainter, transform: PlotTransform, style: LaneStyle, step: float) -> None:
    width = style.stroke(1.0)
    painter.setPen(QPen(style.grid, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    view = transform.view
    for x in ticks(view.x0, view.x1, step / 2):
        _line(painter, transform.rect, transform.point(x, 0.0).x(), True, width)
    for y in ticks(view.y0, view.y1, step / 2):
        _line(painter, transform.rect, transform.point(0.0, y).y(), False, width)


def _paint_axes(painter: QPainter, transform: PlotTransform, style: LaneStyle) -> None:
    width = style.stroke(1.0)
    painter.setPen(QPen(style.axis, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    origin, rect = transform.point(0.0, 0.0), transform.rect
    if rect.left() <= origin.x() <= rect.right():
        _line(painter, rect, origin.x(), True, width)
    if rect.top() <= origin.y() <= rect.bottom():
        _line(painter, rect, origin.y(), False, width)


def _paint_sigma(painter: QPainter, transform: PlotTransform, style: LaneStyle) -> None:
    """The density of the latents as soft shading, with circles of 0.5 to 3 sigma."""
    origin, rect = transform.point(0.0, 0.0), transform.rect
    canvas, centre = style.palette.canvas, style.palette.hover
    reach = 3.0
    gradient = QRadialGradient(origin, reach * transform.unit)
    for index in range(13):
        sigma = reach * index / 12
        density = math.exp(-(sigma**2) / 2) if index < 12 else 0.0
        gradient.setColorAt(index / 12, blend(canvas, centre, density))
    # Only the disc: a gradient is slow to fill, and outside the canvas is there already.
    disc = QRectF(origin.x(), origin.y(), 0.0, 0.0).marginsAdded(_margins(reach * transform.unit))
    painter.fillRect(disc.intersected(rect), gradient)

    paint_rings(painter, transform, style, style.ring)


def paint_rings(
    painter: QPainter,
    transform: PlotTransform,
    style: LaneStyle,
    ink: QColor,
) -> None:
    """Circles of 0.5 to 3 sigma about the origin, with room for ``paint_ring_labels``."""
    origin, rect = transform.point(0.0, 0.0), transform.rect
    width = style.stroke(1.0)
    for half_sigmas in range(1, 7):
        radius = half_sigmas / 2 * transform.unit
        labelled = half_sigmas % 2 == 0
        gap = None
        if labelled and radius > 1.5 * _label_room(half_sigmas // 2, style):
            half = math.degrees(_label_room(half_sigmas // 2, style) / radius)
            gap = (SIGMA_LABEL_ANGLE - half, SIGMA_LABEL_ANGLE + half)
        colour = QColor(ink)
        colour.setAlphaF(ink.alphaF() * (1.0 if labelled else 0.4))
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        circle = QRectF(origin.x() - radius, origin.y() - radius, 2 * radius, 2 * radius)
        for angle, span in arcs_inside(origin, radius, rect, gap):
            painter.drawArc(circle, round(16 * angle), round(16 * span))


def paint_ring_labels(
    painter: QPainter,
    transform: PlotTransform,
    style: LaneStyle,
    taken: Sequence[QRectF],
    paths: Pixels | None = None,
    *,
    vector: bool = False,
) -> None:
    """'1σ' to '3σ' on their circles, where nothing of ``taken`` is and no path runs (N, 2)."""
    origin, rect = transform.point(0.0, 0.0), transform.rect
    font, angle = style.font(SIGMA_LABEL_SIZE), math.radians(SIGMA_LABEL_ANGLE)
    half_text = QFontMetricsF(font).height() / 2
    for sigmas in (1, 2, 3):
        radius, room = sigmas * transform.unit, _label_room(sigmas, style)
        place = QPointF(
            origin.x() + radius * math.cos(angle), origin.y() - radius * math.sin(angle)
        )
        around = QRectF(place.x() - room, place.y() - half_text, 2 * room, 2 * half_text)
        seen = rect.marginsRemoved(_margins(half_text)).contains(place)
        free = not any(around.intersects(each) for each in taken)
        free = free and (paths is None or not len(paths) or covered_share(around, paths) == 0.0)
        if radius > 1.5 * room and seen and free:
            draw_centred(
                painter, place, _sigma_label(sigmas), font, style.palette.label, vector=vector
            )


def _sigma_label(sigmas: int) -> str:
    return f"{sigmas}\N{GREEK SMALL LETTER SIGMA}"


def _label_room(sigmas: int, style: LaneStyle) -> float:
    """Half of what the label of a circle takes of it."""
    return text_width(_sigma_label(sigmas), style.font(SIGMA_LABEL_SIZE)) / 2 + style.px(5)


def _margins(size: float) -> QMarginsF:
    return QMarginsF(size, size, size, size)


def _paint_labels(
    painter: QPainter, transform: PlotTransform, style: LaneStyle, step: float, vector: bool
) -> None:
    """Ticks at the left and the lower edge; 0 goes without saying, it has the axes."""
    rect, view = transform.rect, transform.view
    font = style.font(10)
    metrics = QFontMetricsF(font)
    digits = max(0, -math.floor(math.log10(step)))
    inset, pad = style.px(8), style.px(3)
    colour, canvas = style.palette.text_secondary, QColor(style.palette.canvas)
    foot = rect.bottom() - style.px(8)
    for y in ticks(view.y0, view.y1, step):
        middle = transform.point(0.0, y).y()
        if abs(y) < step / 2 or not rect.top() + inset < middle < foot - style.px(20):
            continue
        text = plain(y, digits)
        width = metrics.horizontalAdvance(text)
        box = QRectF(
            rect.left(), middle - metrics.height() / 2, inset + width + pad, metrics.height()
        )
        painter.fillRect(box, canvas)
        base = middle + metrics.capHeight() / 2
        draw_text(painter, QPointF(rect.left() + inset, base), text, font, colour, vector=vector)
    for x in ticks(view.x0, view.x1, step):
        middle = transform.point(x, 0.0).x()
        text = plain(x, digits)
        width = metrics.horizontalAdvance(text)
        if abs(x) < step / 2 or not (
            rect.left() + inset + width / 2 < middle < rect.right() - inset - width / 2
        ):
            continue
        box = QRectF(
            middle - width / 2 - pad, foot - metrics.ascent(), width + 2 * pad, metrics.height()
        )
        painter.fillRect(box, canvas)
        draw_text(painter, QPointF(middle - width / 2, foot), text, font, colour, vector=vector)
