"""Small plates with words over a plot, put where they cover least."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, text_width
from toydiff_gui.drawing.view import Pixels
from toydiff_gui.style import theme as themes

TYPE = 11
PAD_X, PAD_Y = 7.0, 3.5
OFF_SIGHT = 1e6
"""Cost of a place that is partly outside; it is taken only where all are."""


def plate_size(lines: Sequence[str], style: LaneStyle) -> QSizeF:
    """The room that a plate with ``lines`` takes."""
    font = style.font(TYPE, 600)
    high = QFontMetricsF(font).lineSpacing() * len(lines) + 2 * style.px(PAD_Y)
    wide = max(text_width(line, font) for line in lines) + 2 * style.px(PAD_X)
    return QSizeF(wide, high)


def paint_plate(
    painter: QPainter,
    rect: QRectF,
    lines: Sequence[str],
    style: LaneStyle,
    *,
    strong: bool = True,
    vector: bool = False,
) -> None:
    """A plate with ``lines``, centred; ``strong`` in the main text colour."""
    palette = style.palette
    painter.setPen(
        QPen(QColor(palette.control_border), style.scale) if strong else Qt.PenStyle.NoPen
    )
    painter.setBrush(themes.with_alpha(palette.selected, 0.94 if strong else 0.8))
    painter.drawRoundedRect(rect, style.px(4), style.px(4))
    font = style.font(TYPE, 600 if strong else 500)
    metrics = QFontMetricsF(font)
    colour = palette.text if strong else palette.text_secondary
    top = rect.center().y() - metrics.lineSpacing() * len(lines) / 2
    for index, line in enumerate(lines):
        base = top + index * metrics.lineSpacing() + metrics.ascent()
        left = rect.center().x() - text_width(line, font) / 2
        draw_text(painter, QPointF(left, base), line, font, colour, vector=vector)


def best_place(
    size: QSizeF,
    centres: Sequence[QPointF],
    bounds: QRectF,
    avoid: Sequence[QRectF] = (),
    points: Pixels | None = None,
    faint: Pixels | None = None,
) -> QRectF:
    """The plate about that one of ``centres`` that covers least; earlier ones win among equals.

    ``avoid`` are plates and marks, which count by their area; ``points`` (N, 2) count by their
    share, ``faint`` ones less. Places that leave ``bounds`` are pushed in.
    """
    best, least = QRectF(), np.inf
    for centre in centres:
        rect = QRectF(0.0, 0.0, size.width(), size.height())
        rect.moveCenter(centre)
        pushed = _pushed(rect, bounds)
        cost = 1e-3 * (pushed.center() - centre).manhattanLength()
        cost += 0.0 if bounds.contains(pushed) else OFF_SIGHT
        for other in avoid:
            common = pushed.intersected(other)
            cost += 8.0 * max(0.0, common.width()) * max(0.0, common.height()) / _area(size)
        for known, weight in ((points, 4.0), (faint, 1.0)):
            if known is not None and len(known):
                cost += weight * covered_share(pushed, known)
        if cost < least - 1e-9:
            best, least = pushed, cost
    return best


def covered_share(plate: QRectF, points: Pixels) -> float:
    """The share of ``points`` (N, 2) that lie under a plate."""
    x, y = points[:, 0], points[:, 1]
    covered = (x > plate.left()) & (x < plate.right())
    covered &= (y > plate.top()) & (y < plate.bottom())
    return float(covered.mean())


def _area(size: QSizeF) -> float:
    return max(size.width() * size.height(), 1.0)


def _pushed(rect: QRectF, bounds: QRectF) -> QRectF:
    moved = QRectF(rect)
    moved.moveLeft(max(bounds.left(), min(rect.left(), bounds.right() - rect.width())))
    moved.moveTop(max(bounds.top(), min(rect.top(), bounds.bottom() - rect.height())))
    return moved


def around(
    place: QPointF, size: QSizeF, far: float, *, sides: str = "nswe", rounds: int = 2
) -> list[QPointF]:
    """Middles of plates about ``place``: above, below, left, right, then the same farther off."""
    steps = {"n": (0.0, -1.0), "s": (0.0, 1.0), "w": (-1.0, 0.0), "e": (1.0, 0.0)}
    centres = []
    for turn in range(1, rounds + 1):
        for side in sides:
            x, y = steps[side]
            centres.append(
                place
                + QPointF(x * (turn * far + size.width() / 2), y * (turn * far + size.height() / 2))
            )
    return centres
