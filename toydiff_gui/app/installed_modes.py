"""The modes that the window has, in the order of the switch: one line."""

from __future__ import annotations

from toydiff_gui.modes.contract import Mode
from toydiff_gui.modes.images.mode import MODE as IMAGES
from toydiff_gui.modes.points.mode import MODE as POINTS
from toydiff_gui.modes.tasks import Task

MODES: tuple[Mode, ...] = (POINTS, IMAGES)


def mode(key: str) -> Mode:
    """The mode called ``key``; raises ``KeyError``."""
    return {mode.key: mode for mode in MODES}[key]


def mode_of(kind: str, chosen: str = "") -> Mode:
    """The mode that shows states of a kind: the one called ``chosen``, or else the first of them.

    Raises ``KeyError`` for a kind that none shows.
    """
    showing = {mode.key: mode for mode in MODES if mode.kind == kind}
    if not showing:
        raise KeyError(kind)
    return showing.get(chosen) or next(iter(showing.values()))


def task(key: str) -> Task:
    """The exercise's task called ``key``; raises ``KeyError``."""
    return {task.key: task for mode in MODES for task in mode.tasks}[key]
