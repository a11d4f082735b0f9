"""What a picture depends on, to be compared with what it depended on before."""

from __future__ import annotations


class Identity:
    """Equal to another one of the same object: for what is large, or grows in place.

    It keeps the object, so that no other can take its place in memory meanwhile.
    """

    __slots__ = ("_of",)

    def __init__(self, of: object) -> None:
        self._of = of

    def __eq__(self, other: object) -> bool:
        """Whether both are of one object."""
        return isinstance(other, Identity) and other._of is self._of

    def __hash__(self) -> int:
        """By the object."""
        return id(self._of)
