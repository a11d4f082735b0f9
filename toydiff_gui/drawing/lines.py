"""Curves as areas: Qt fills faster than it strokes, and SVG knows gradients in areas only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.functions import arrayToQPath
from PySide6.QtGui import QPainterPath


def band(x: NDArray[np.float64], y: NDArray[np.float64], width: float) -> QPainterPath:
    """The curve through (x, y), as wide across itself everywhere; x grows."""
    slope = np.gradient(y, x) if len(x) > 1 else np.zeros(len(x))
    half = 0.5 * width * np.hypot(1.0, slope)
    outline_x, outline_y = np.append(x, x[::-1]), np.append(y - half, (y + half)[::-1])
    path: QPainterPath = arrayToQPath(outline_x, outline_y, connect="all", finiteCheck=False)
    return path
