"""Many pairs of values as a density: how solid says how many, the colour says when."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from toydiff_gui.diagnostics.chart import Chart, Density
from toydiff_gui.diagnostics.chart_layout import Frame

LEAST = 0.12
"""How solid a single value is: it must be seen."""


def opacities(density: Density) -> NDArray[np.float64]:
    """How solid each place is, (n, n) in 0..1: the logarithm of the count over that of the most."""
    counts = density.counts.sum(axis=0).astype(np.float64)
    most = float(counts.max(initial=0.0))
    if most <= 0:
        return np.zeros(counts.shape)
    share = np.log1p(counts) / np.log1p(most)
    return np.where(counts > 0, LEAST + (1 - LEAST) * share, 0.0)


def mean_times(density: Density) -> NDArray[np.float64]:
    """The mean time of what fell at each place, (n, n); 0 where nothing did."""
    counts = density.counts.astype(np.float64)
    total = counts.sum(axis=0)
    weighted = np.tensordot(density.middles, counts, axes=1)
    times = np.zeros(total.shape)
    np.divide(weighted, total, out=times, where=total > 0)
    return times


def colour_numbers(density: Density, timesteps: int, colours: int) -> NDArray[np.intp]:
    """Which of so many colours each place has, (n, n)."""
    steps = mean_times(density) * colours / (timesteps + 1)
    return np.asarray(steps.clip(0, colours - 1), np.intp)


def paint_density(
    painter: QPainter, chart: Chart, frame: Frame, colours: tuple[str, ...], *, vector: bool
) -> None:
    """Paint the density of ``chart`` into its plot; as rectangles for a drawing of shapes."""
    density = chart.density
    if density is None:
        return
    solid = opacities(density)
    number = colour_numbers(density, chart.timesteps, len(colours))
    place = QRectF(
        frame.x(density.low),
        frame.y(density.high),
        frame.x(density.high) - frame.x(density.low),
        frame.y(density.low) - frame.y(density.high),
    )
    if vector:
        _paint_cells(painter, place, frame.plot, solid, number, colours)
        return
    table = np.array([_rgb(colour) for colour in colours], np.float64)
    layers = np.concatenate([table[number], np.full((*number.shape, 1), 255.0)], axis=2)
    argb = np.round(layers[::-1] * solid[::-1, :, None]).astype(np.uint32)
    words = argb[..., 3] << 24 | argb[..., 0] << 16 | argb[..., 1] << 8 | argb[..., 2]
    words = np.ascontiguousarray(words)
    size = words.shape[0]
    form = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(cast(bytes, words.data), size, size, 4 * size, form)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(place, image)


def _paint_cells(
    painter: QPainter,
    place: QRectF,
    clip: QRectF,
    solid: NDArray[np.float64],
    number: NDArray[np.intp],
    colours: tuple[str, ...],
) -> None:
    size = len(solid)
    wide, high = place.width() / size, place.height() / size
    for row, column in zip(*np.nonzero(solid), strict=True):
        left = place.left() + float(column) * wide
        top = place.bottom() - (float(row) + 1) * high
        cell = QRectF(left, top, wide, high).intersected(clip)
        if not cell.isEmpty():
            colour = QColor(colours[number[row, column]])
            colour.setAlphaF(float(solid[row, column]))
            painter.fillRect(cell, colour)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
