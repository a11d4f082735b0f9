"""Which path is the best: the figures of all kinds, compared."""

from __future__ import annotations

from collections.abc import Mapping

from toydiff_gui.drawing import figures
from toydiff_gui.modes.points.drawing.tears import LEAST_RATIO
from toydiff_gui.modes.points.settings import PathFigures

ON_DATA = 0.005
"""A path is on the data if no larger share of its points lies off them."""

NONE = figures.NONE


def torn(path: PathFigures) -> bool:
    """Whether a gap stands out as far as those that are marked as tears."""
    return not path.gap_ratio <= LEAST_RATIO


def sound(path: PathFigures) -> bool:
    """Whether the path is both even and on the data, as far as is known."""
    return not torn(path) and (path.off_data is None or path.off_data <= ON_DATA)


def cells(path: PathFigures | None) -> tuple[str, str, str]:
    """Share off the data in per cent, largest gap, length, as they are written."""
    if path is None:
        return NONE, NONE, NONE
    share = NONE if path.off_data is None else f"{100 * path.off_data:.1f}"
    return share, figures.gap(path.gap), figures.length(path.length)


def best_cells(known: Mapping[str, PathFigures]) -> set[tuple[str, int]]:
    """The best value of each column among the paths without a tear, as (kind, column).

    Values that are written alike are equally good.
    """
    whole = {kind: path for kind, path in known.items() if not torn(path)}
    result = set()
    for column, value in enumerate((_off_data, _gap, _length)):
        values = {kind: value(path) for kind, path in whole.items()}
        least = min((v for v in values.values() if v is not None), default=None)
        if least is None:
            continue
        written = {kind: cells(path)[column] for kind, path in whole.items()}
        first = next(kind for kind, v in values.items() if v == least)
        result |= {(kind, column) for kind in whole if written[kind] == written[first]}
    return result


def verdict(known: Mapping[str, PathFigures], complete: bool) -> tuple[str, bool]:
    """A sentence on the figures, and whether a good path is among them."""
    if any(sound(path) for path in known.values()):
        return "best of the paths without a tear", True
    if complete and known:
        return "no path is both even and on the data here", False
    return "", False


def _off_data(path: PathFigures) -> float | None:
    return path.off_data


def _gap(path: PathFigures) -> float | None:
    return path.gap


def _length(path: PathFigures) -> float | None:
    return path.length
