"""The checkpoints that come with ToyDiff, as far as this installation has them."""

from __future__ import annotations

from functools import cache
from importlib import resources

from engine import catalogue

NAMES = catalogue.names(catalogue.BUNDLED)


@cache
def _is_there(name: str) -> bool:
    return (resources.files("resources") / "checkpoints" / f"{name}.safetensors").is_file()


def bundled_points() -> tuple[tuple[str, str], ...]:
    """Those for points: name and title, the usual one first."""
    return _those_of(catalogue.POINTS)


def bundled_images() -> tuple[tuple[str, str], ...]:
    """Those for images."""
    return _those_of(catalogue.IMAGES)


def _those_of(kind: str) -> tuple[tuple[str, str], ...]:
    return tuple((row.name, row.title) for row in catalogue.bundled(kind) if _is_there(row.name))
