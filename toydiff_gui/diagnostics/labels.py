"""Where the names of curves stand: beside their own curve, away from the others."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from toydiff_gui.diagnostics.chart import Values

CANDIDATES = 28


def place_labels(
    lines: list[Values], sizes: list[tuple[float, float]], plot: QRectF, gap: float
) -> list[QPointF | None]:
    """The middle of a label for each of ``lines`` (n, 2) of pixels; None where there is no room.

    ``sizes`` are widths and heights. A label touches neither a curve nor another label; of the
    places beside its curve it takes the one farthest from everything else.
    """
    finite = [line[np.isfinite(line).all(axis=1)] for line in lines]
    dense = [_dense(line) for line in finite]
    taken: list[QRectF] = []
    result: list[QPointF | None] = []
    for index, (line, (width, height)) in enumerate(zip(dense, sizes, strict=True)):
        best: tuple[float, QPointF] | None = None
        for x in np.linspace(plot.left() + width, plot.right() - width, CANDIDATES):
            if len(line) == 0:
                break
            y = float(line[int(np.abs(line[:, 0] - x).argmin()), 1])
            for side in (-1.0, 1.0):
                middle = QPointF(float(x), y + side * (height / 2 + gap))
                box = QRectF(0, 0, width, height)
                box.moveCenter(middle)
                if not plot.adjusted(gap, gap, -gap, -gap).contains(box):
                    continue
                if any(box.adjusted(-gap, -gap, gap, gap).intersects(other) for other in taken):
                    continue
                own = _apart(line, box)
                if own < gap / 3:
                    continue
                others = [_apart(other, box) for k, other in enumerate(dense) if k != index]
                nearest = min(others, default=6 * gap)
                if nearest < gap / 2:
                    continue
                score = min(nearest, 6 * gap) - own
                if best is None or score > best[0] + 1e-9:
                    best = score, middle
        result.append(best[1] if best else None)
        if best is not None:
            box = QRectF(0, 0, width, height)
            box.moveCenter(best[1])
            taken.append(box)
    return result


def _dense(line: Values) -> Values:
    """``line`` with points no farther apart than some pixels, so that distances are true."""
    if len(line) < 2:
        return line
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    where = np.linspace(0.0, along[-1], int(min(max(along[-1] / 4, 2), 2000)))
    return np.stack([np.interp(where, along, line[:, k]) for k in range(2)], axis=1)


def _apart(line: Values, box: QRectF) -> float:
    """The distance of ``line`` from ``box``."""
    if len(line) == 0:
        return float("inf")
    x = np.abs(line[:, 0] - box.center().x()) - box.width() / 2
    y = np.abs(line[:, 1] - box.center().y()) - box.height() / 2
    return float(np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0)).min())
