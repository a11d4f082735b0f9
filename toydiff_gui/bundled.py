"""The checkpoints that come with ToyDiff, as far as this installation has them."""

from __future__ import annotations

from functools import cache
from importlib import resources

POINTS = (("v", "V"), ("gaussians8", "8 Gaussians"), ("moons", "Moons"))
IMAGES = (("mnist", "MNIST"), ("fashion", "Fashion"), ("digits", "Digits 8"))
NAMES = tuple(name for name, _ in (*POINTS, *IMAGES))


@cache
def _is_there(name: str) -> bool:
    return (resources.files("resources") / "checkpoints" / f"{name}.safetensors").is_file()


def bundled_points() -> tuple[tuple[str, str], ...]:
    """Those for points: name and title, the usual one first."""
    return tuple(item for item in POINTS if _is_there(item[0]))


def bundled_images() -> tuple[tuple[str, str], ...]:
    """Those for images."""
    return tuple(item for item in IMAGES if _is_there(item[0]))
