"""What lanes need to know of a mode's settings."""

from __future__ import annotations

from typing import Protocol

from engine.config import PathName


class LaneSettings(Protocol):
    """Settings that hold for all lanes which have none of their own; ``steps`` None means T."""

    @property
    def steps(self) -> int | None:
        """Steps of the sampler."""

    @property
    def eta(self) -> float:
        """Share of fresh noise in DDIM."""

    @property
    def path(self) -> PathName:
        """The path from A to B."""
