"""What is measured of a training, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measure of quality: its key in ``TrainingRun.quality``, that of its floor ('' for none).

    ``bar``: it is drawn as well.
    """

    title: str
    measure: str
    key: str
    floor: str
    tip: str
    written: Callable[[float], str]
    bar: bool = False


def decimals(digits: int) -> Callable[[float], str]:
    """Writes a figure with so many decimals."""
    return lambda value: f"{value:.{digits}f}"


def percent(value: float) -> str:
    """Writes a share of 0 to 1."""
    return f"{100 * value:.1f} %"
