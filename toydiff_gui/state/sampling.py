"""What lanes need to know of a mode's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from toydiff_gui.state.slots import Slot


class LaneSettings(Protocol):
    """Settings that hold for all lanes which have none of their own; ``steps`` None means T."""

    @property
    def steps(self) -> int | None:
        """Steps of the sampler."""

    @property
    def seed(self) -> int:
        """What noise is drawn from."""

    @property
    def eta(self) -> float:
        """Share of fresh noise in DDIM."""

    @property
    def path(self) -> str:
        """The path from A to B."""


@dataclass(frozen=True, eq=False)
class LaneMode:
    """How a mode's lanes are set: the slot with what they have in common, and what it says.

    ``follows_path``: they start between A and B; ``has_drawn``: a drawn path has something to go
    through. ``to_follow_path`` are changes of the settings after which they start there.
    """

    settings: Slot[Any]
    follows_path: Callable[[Any], bool] = lambda settings: True
    has_drawn: Callable[[Any], bool] = lambda settings: False
    to_follow_path: Mapping[str, Any] = field(default_factory=dict)
