"""Lines of equal value on a grid (marching squares), all cells at once.

pyqtgraph's ``isocurve`` walks the cells one by one, which is too slow for every frame of a film.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NONE = -1
# Which two edges of a cell a line crosses, by the corners above the level: 8 upper left, 4 upper
# right, 2 lower right, 1 lower left. Edges: 0 top, 1 right, 2 bottom, 3 left. 5 and 10 have two.
_HALF = [(_NONE, _NONE), (3, 2), (2, 1), (3, 1), (0, 1), (3, 0), (0, 2), (3, 0)]
_FIRST = np.array([*_HALF, *reversed(_HALF)])
_FIRST[10] = (0, 1)
_SECOND = np.full((16, 2), _NONE)
_SECOND[5], _SECOND[10] = (2, 1), (3, 2)


def contour_segments(values: NDArray[np.floating], level: float) -> NDArray[np.float64]:
    """The pieces of the line where ``values`` (rows, columns) equal ``level``.

    Returns (N, 4): x1, y1, x2, y2 with x in columns and y in rows, in no order.
    """
    above = values > level
    corners = above.astype(np.intp)
    case = 8 * corners[:-1, :-1] + 4 * corners[:-1, 1:] + 2 * corners[1:, 1:] + corners[1:, :-1]
    rows, columns = np.nonzero((case > 0) & (case < 15))
    if len(rows) == 0:
        return np.empty((0, 4))
    case = case[rows, columns]
    upper_left, upper_right = values[rows, columns], values[rows, columns + 1]
    lower_left, lower_right = values[rows + 1, columns], values[rows + 1, columns + 1]

    def share(start: NDArray[np.floating], end: NDArray[np.floating]) -> NDArray[np.float64]:
        apart = np.asarray(end, np.float64) - start
        return (level - start) / np.where(apart == 0, 1.0, apart)

    crossings = np.stack(
        [
            np.stack([columns + share(upper_left, upper_right), rows + 0.0], axis=1),
            np.stack([columns + 1.0, rows + share(upper_right, lower_right)], axis=1),
            np.stack([columns + share(lower_left, lower_right), rows + 1.0], axis=1),
            np.stack([columns + 0.0, rows + share(upper_left, lower_left)], axis=1),
        ]
    )
    pieces = []
    for table in (_FIRST, _SECOND):
        edges = table[case]
        kept = np.flatnonzero(edges[:, 0] != _NONE)
        one, other = crossings[edges[kept, 0], kept], crossings[edges[kept, 1], kept]
        pieces.append(np.concatenate([one, other], axis=1))
    return np.concatenate(pieces)
