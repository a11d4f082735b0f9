"""The modes that the window has, in the order of the switch: one line."""

from __future__ import annotations

from toydiff_gui.modes.contract import Mode
from toydiff_gui.modes.images.mode import MODE as IMAGES
from toydiff_gui.modes.points.mode import MODE as POINTS
from toydiff_gui.modes.tasks import Task

MODES: tuple[Mode, ...] = (POINTS, IMAGES)


def mode_of(kind: str) -> Mode:
    """The mode that shows states of a kind; raises ``KeyError`` for a kind that none shows."""
    return {mode.kind: mode for mode in MODES}[kind]


def task(key: str) -> Task:
    """The exercise's task called ``key``; raises ``KeyError``."""
    return {task.key: task for mode in MODES for task in mode.tasks}[key]
