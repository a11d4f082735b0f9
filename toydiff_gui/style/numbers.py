"""Numbers as people write them."""

from __future__ import annotations

_THIN_SPACE = "\u2009"


def grouped(number: int) -> str:
    """6000 as 6 000, with a thin space."""
    return f"{number:,}".replace(",", _THIN_SPACE)
