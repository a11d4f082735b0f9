"""Points of a lane: the faint data, the states, and the lines that join neighbours of a path."""

from __future__ import annotations

import math
import threading
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from shiboken6 import wrapInstance

from toydiff_gui.drawing.device import device_pixels, device_rect, pixel_ratio
from toydiff_gui.drawing.geometry import Segments, clip_segments, inside, near
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.sprites import Sprite, draw_sprites
from toydiff_gui.drawing.view import Pixels, PlotTransform, ViewRange
from toydiff_gui.style.theme import with_alpha

JOIN_COLOURS = 64
"""Steps of the path map for lines; each costs a call."""
MAX_JOIN_PIXELS = 1_000_000
"""Total length of the lines of one frame; beyond it only every second, fourth ... is drawn."""

Steps = NDArray[np.intp]


def check_plane(points: Points) -> None:
    """Raise ``ValueError`` unless ``points`` are points of the plane."""
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"the point canvas draws points of shape (N, 2), got {points.shape}")


def paint_points(
    painter: QPainter,
    rect: QRectF,
    view: ViewRange,
    points: Points,
    *,
    diameter: float,
    opacity: float,
    colours: tuple[str, ...],
    steps: Steps | None = None,
    stroke: float = 0.0,
    vector: bool = False,
) -> None:
    """Discs of ``diameter``, or rings if ``stroke`` is given.

    Points that are not finite are left out. ``steps`` (N,) picks the colours;
    sizes are in the painter's units.
    """
    check_plane(points)
    if vector:
        pixels = PlotTransform(rect, view).to_pixels(points)
        kept = inside(pixels, rect, 0.0)
        _vector_points(painter, pixels, kept, diameter, opacity, colours, steps, stroke)
        return
    area, ratio = device_rect(painter, rect), pixel_ratio(painter)
    pixels = PlotTransform(area, view).to_pixels(points)
    # Quarters of a pixel, so that a window being resized does not fill the cache.
    sprite = Sprite(max(1.0, round(4 * diameter * ratio) / 4), round(opacity, 3), stroke * ratio)
    kept = inside(pixels, area, sprite.diameter)
    if not kept.all():
        pixels = pixels[kept]
        steps = None if steps is None else steps[kept]
    with device_pixels(painter, area):
        draw_sprites(painter, pixels, sprite, colours, steps)


def _vector_points(
    painter: QPainter,
    pixels: Pixels,
    kept: NDArray[np.bool_],
    diameter: float,
    opacity: float,
    colours: tuple[str, ...],
    steps: Steps | None,
    stroke: float,
) -> None:
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    last = -1
    for index in np.flatnonzero(kept):
        step = 0 if steps is None else int(steps[index])
        if step != last:
            last = step
            # In the colour: the painter's opacity would belong to all points as a group.
            colour = with_alpha(colours[step], opacity)
            if stroke:
                painter.setPen(QPen(colour, stroke))
            else:
                painter.setBrush(colour)
        x, y = pixels[index]
        painter.drawEllipse(QPointF(x, y), diameter / 2, diameter / 2)
    painter.restore()


def paint_joins(
    painter: QPainter,
    rect: QRectF,
    view: ViewRange,
    points: Points,
    *,
    width: float,
    opacity: float,
    colours: tuple[str, ...],
    steps: Steps,
    shortest: float,
    vector: bool = False,
) -> None:
    """Lines between neighbours; those shorter than ``shortest`` lie under their points anyway."""
    check_plane(points)
    area = rect if vector else device_rect(painter, rect)
    ratio = 1.0 if vector else pixel_ratio(painter)
    pixels = PlotTransform(area, view).to_pixels(points)
    segments = np.concatenate([pixels[:-1], pixels[1:]], axis=1)
    paint_segments(
        painter,
        area,
        segments,
        steps[:-1],
        colours,
        width * ratio,
        opacity,
        shortest * ratio,
        vector,
    )


def paint_links(
    painter: QPainter,
    rect: QRectF,
    view: ViewRange,
    first: Points,
    second: Points,
    *,
    width: float,
    opacity: float,
    colours: tuple[str, ...],
    steps: Steps,
    vector: bool = False,
) -> None:
    """Lines from each of ``first`` to the same of ``second``."""
    check_plane(first)
    check_plane(second)
    area = rect if vector else device_rect(painter, rect)
    ratio = 1.0 if vector else pixel_ratio(painter)
    transform = PlotTransform(area, view)
    segments = np.concatenate([transform.to_pixels(first), transform.to_pixels(second)], axis=1)
    paint_segments(painter, area, segments, steps, colours, width * ratio, opacity, 0.0, vector)


def paint_segments(
    painter: QPainter,
    area: QRectF,
    segments: Segments,
    steps: Steps,
    colours: tuple[str, ...],
    width: float,
    opacity: float,
    shortest: float,
    vector: bool,
) -> None:
    """Straight lines inside ``area``: device pixels, or the painter's units in a vector picture."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is left out below
        lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    kept = near(segments, area)
    kept &= lengths >= shortest
    index = np.flatnonzero(kept)
    copies = max(1, round(width))
    stride = _stride(float(np.minimum(lengths[index], area.width() + area.height()).sum()) * copies)
    if stride > 1:
        index = index[index % stride == 0]
    if len(index) == 0:
        return
    chosen, inside_area = clip_segments(segments[index], area)
    index = index[inside_area]
    if len(index) == 0:  # near the area, but all pass by its corners
        return
    # Neighbouring colours share a call.
    bucket = steps[index] * JOIN_COLOURS // max(len(colours), 1) if len(colours) > 1 else index * 0
    if vector:
        _vector_lines(painter, chosen, colours, steps[index], width, opacity)
        return
    with device_pixels(painter, area):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _thin_lines(painter, chosen, bucket, colours, steps[index], width, opacity, copies)


def _stride(pixels: float) -> int:
    """Draw every how many-th line: a power of two, so that few lines come and go between frames."""
    return 1 << max(0, math.ceil(math.log2(max(pixels, 1.0) / MAX_JOIN_PIXELS)))


class _Lines(threading.local):
    """The lines on their way to Qt, which reads them from this memory."""

    def __init__(self) -> None:
        self.memory = np.empty((0, 4))


_lines = _Lines()


def _thin_lines(
    painter: QPainter,
    segments: Segments,
    bucket: Steps,
    colours: tuple[str, ...],
    steps: Steps,
    width: float,
    opacity: float,
    copies: int,
) -> None:
    """Lines of one pixel, which Qt draws fast; a wider line is several of them side by side."""
    if copies > 1:
        along = segments[:, 2:] - segments[:, :2]
        along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
        aside = np.stack([-along[:, 1], along[:, 0]] * 2, axis=1)
        shifts = (np.arange(copies) - (copies - 1) / 2) * (width / copies)
        segments = (segments[:, None, :] + shifts[None, :, None] * aside[:, None, :]).reshape(-1, 4)
    _lines.memory = memory = np.ascontiguousarray(segments)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(bucket) != 0]))
    ends = np.append(starts[1:], len(bucket))
    share = min(1.0, width)  # a line cannot be thinner than a pixel, but fainter
    pens = _pens(colours, round(opacity * share, 3))
    first, size = memory.ctypes.data, copies * memory.strides[0]
    middles = steps[(starts + ends) // 2]
    for start, end, step in zip(starts.tolist(), ends.tolist(), middles.tolist(), strict=True):
        painter.setPen(pens[step])
        lines = cast(QLineF, wrapInstance(first + start * size, QLineF))
        painter.drawLines(lines, (end - start) * copies)


@lru_cache(maxsize=32)
def _pens(colours: tuple[str, ...], opacity: float) -> tuple[QPen, ...]:
    return tuple(QPen(with_alpha(colour, opacity), 1.0) for colour in colours)


def _vector_lines(
    painter: QPainter,
    segments: Segments,
    colours: tuple[str, ...],
    steps: Steps,
    width: float,
    opacity: float,
) -> None:
    painter.save()
    last = -1
    for segment, step in zip(segments.tolist(), steps.tolist(), strict=True):
        if step != last:
            last = step
            painter.setPen(QPen(with_alpha(colours[step], opacity), width))
        painter.drawLine(QLineF(*segment))
    painter.restore()
