"""The checkpoints that come with ToyDiff, as far as this installation has them."""

from __future__ import annotations

from functools import cache
from importlib import resources

from engine.shared import catalogue

NAMES = catalogue.names(catalogue.BUNDLED)


@cache
def _is_there(name: str) -> bool:
    return (resources.files("resources") / "checkpoints" / f"{name}.safetensors").is_file()


def bundled(kind: str) -> tuple[tuple[str, str], ...]:
    """Those for states of a kind: name and title, the usual one first."""
    return tuple((row.name, row.title) for row in catalogue.bundled(kind) if _is_there(row.name))


def all_bundled() -> tuple[tuple[str, str], ...]:
    """Those for every kind of state."""
    return tuple(item for kind in catalogue.KINDS for item in bundled(kind.name))
