"""What the export, and whoever shows it, needs of a picture: each mode gives its own.

A picture is a function of t: nothing in the window changes it any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.export.errors import ExportError


class Numbers(Protocol):
    """Numbers for NumPy that are no trajectory."""

    def described(self) -> str:
        """What their file will hold, in words."""

    def check(self) -> None:
        """Raise ``ExportError`` if they would not fit into a file that can be read again."""

    def save(self, path: Path) -> None:
        """Write an .npz file. Raises ``OSError`` when it cannot be written."""


@dataclass(frozen=True)
class Part:
    """A part of a picture that can be exported alone."""

    key: str
    title: str
    trajectory: Trajectory | None = None
    status: str = "done"
    numbers: Numbers | None = None
    stands: bool = False
    """There is something to see although it has no trajectory of its own."""
    unfinished: str = ""
    """Why it cannot be exported yet, where its trajectory does not tell."""
    jumps: str = ""
    """Why a film or a sheet of it would stand still between some times; '' if it would not."""

    @property
    def has_frames(self) -> bool:
        """Whether its trajectory has at least one frame."""
        return self.trajectory is not None and bool(self.trajectory.x)

    @property
    def has_numbers(self) -> bool:
        """Whether there is something to save for NumPy."""
        return self.has_frames or self.numbers is not None


@dataclass(frozen=True)
class SheetCell:
    """A small picture on a contact sheet: ``paint(painter, rect, vector)`` fills it."""

    name: str
    t: int
    place: QRectF
    paint: Callable[[QPainter, QRectF, bool], None]


class Picture(Protocol):
    """What is seen at each t from ``timesteps``, noise, to 0, data."""

    @property
    def title(self) -> str:
        """The model in a line."""

    @property
    def timesteps(self) -> int:
        """T."""

    def reached(self) -> int:
        """The smallest t that all of it has arrived at."""

    def parts(self) -> list[Part]:
        """What can be exported alone, in the order in which it is offered."""

    def only(self, key: str) -> Picture:
        """The picture of one of its parts."""

    def cache(self) -> Any:
        """What ``paint`` may keep from frame to frame; for one thread. None where it is nothing."""

    def paint(
        self,
        painter: QPainter,
        rect: QRectF,
        t: float,
        style: LaneStyle,
        *,
        vector: bool = False,
        cache: Any = None,
    ) -> None:
        """Paint all of it at ``t``; with ``vector`` as shapes, but for images.

        Safe in a worker thread, on a ``QImage`` with a ``cache`` that no other thread uses.
        """

    def sheet(
        self, times: Sequence[int], area: QRectF, style: LaneStyle, caption: float, gap: float
    ) -> list[SheetCell]:
        """The cells of a contact sheet in ``area``, row by row, each row with all ``times``.

        Above each there is room for a caption; ``gap`` lies between them.
        """


class WholePicture(ABC):
    """What a ``Picture`` of a single part needs not say itself."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """That part."""

    @abstractmethod
    def paint(
        self,
        painter: QPainter,
        rect: QRectF,
        t: float,
        style: LaneStyle,
        *,
        vector: bool = False,
        cache: Any = None,
    ) -> None:
        """See ``Picture.paint``."""

    def only(self, key: str) -> Self:
        """All of it."""
        return self

    def cache(self) -> Any:
        """Nothing is kept from frame to frame."""
        return None

    def sheet(
        self, times: Sequence[int], area: QRectF, style: LaneStyle, caption: float, gap: float
    ) -> list[SheetCell]:
        """The times share the sheet."""
        name = self.parts()[0].title
        places = tile(len(times), area, gap, caption)
        return [
            SheetCell(name, t, place, partial(self._paint_cell, t, style))
            for t, place in zip(times, places, strict=True)
        ]

    def _paint_cell(
        self, t: int, style: LaneStyle, painter: QPainter, rect: QRectF, vector: bool
    ) -> None:
        self.paint(painter, rect, t, style, vector=vector)


def only(picture: Picture, key: str | None) -> Picture:
    """``picture`` with the part ``key`` alone; None keeps all. Raises ``ExportError``."""
    if key is None:
        return picture
    known = [part.key for part in picture.parts()]
    if key not in known:
        names = ", ".join(known) or "none"
        raise ExportError(f"there is no lane {key!r}; lanes: {names}")
    return picture.only(key)


def check_complete(picture: Picture, *, every_time: bool = True) -> None:
    """Raise ``ExportError`` unless there is something to show and all of it has arrived.

    With ``every_time``, for a film or a sheet, no part may stand still between times.
    """
    found = picture.parts()
    if not any(part.has_frames or part.stands for part in found):
        raise ExportError("there is nothing to export yet: no lane has samples")
    for part in found:
        run = part.trajectory
        if run is not None and not run.complete:
            if part.status == "failed":
                raise ExportError(f"lane {part.title!r} has failed; switch it off or run it again")
            if part.status == "empty":
                raise ExportError(
                    f"lane {part.title!r} was stopped before it was complete; run it again"
                )
            raise ExportError(
                f"lane {part.title!r} is still being sampled; wait until it is complete"
            )
        if part.unfinished:
            raise ExportError(part.unfinished)
        if part.jumps and every_time:
            raise ExportError(part.jumps)
