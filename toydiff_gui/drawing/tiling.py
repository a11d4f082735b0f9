"""How several lanes share an area: the grid that gives the largest plots."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF


def best_columns(
    count: int, width: float, height: float, gap: float, header: float, least_width: float = 0.0
) -> int:
    """How many columns give ``count`` lanes, with ``header`` above and below, the largest plots.

    A plot is as large as its shorter side, since a unit is as long in x as in y; among equals the
    one with more area wins, then the one with fewer columns. Lanes narrower than ``least_width``,
    whose headers cannot be read, are avoided as long as there is another way.
    """

    def size(columns: int) -> tuple[bool, float, float]:
        rows = math.ceil(count / columns)
        wide = (width - gap * (columns - 1)) / columns
        high = (height - gap * (rows - 1)) / rows - header
        return columns == 1 or wide >= least_width, min(wide, high), wide * high

    return max(range(1, max(count, 1) + 1), key=lambda columns: (*size(columns), -columns))


def tile(
    count: int, area: QRectF, gap: float, header: float, least_width: float = 0.0
) -> list[QRectF]:
    """The cells of ``count`` lanes in reading order; a last row that is not full stays open."""
    if count <= 0:
        return []
    columns = best_columns(count, area.width(), area.height(), gap, header, least_width)
    rows = math.ceil(count / columns)
    wide = (area.width() - gap * (columns - 1)) / columns
    high = (area.height() - gap * (rows - 1)) / rows
    return [
        QRectF(
            area.left() + (index % columns) * (wide + gap),
            area.top() + (index // columns) * (high + gap),
            wide,
            high,
        )
        for index in range(count)
    ]
