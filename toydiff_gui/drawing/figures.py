"""Numbers as the canvas writes them: a true minus sign, no needless digits."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def plain(value: float, digits: int = 2) -> str:
    """``value`` with at most ``digits`` decimals: 2, −1.25, 0.5."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text in ("-0", "") else text
    return text.replace("-", MINUS)


def length(value: float) -> str:
    """A summed length: 884, 3.8."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def gap(value: float) -> str:
    """A distance between neighbours: 4.20, 0.55, 0.011."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def pair(x: float, y: float, digits: int = 2) -> str:
    """A point: (−1, 2)."""
    return f"({plain(x, digits)}, {plain(y, digits)})"


def share(value: float | None) -> str:
    """A share as per cent: 0 %, 0.6 %, 42 %; a dash where it is not known."""
    return NONE if value is None or not math.isfinite(value) else f"{plain(100 * value, 1)} %"


def seconds(value: float) -> str:
    """A duration: 52 ms, 1.3 s."""
    return f"{value * 1e3:.0f} ms" if value < 1 and math.isfinite(value) else f"{value:.1f} s"
