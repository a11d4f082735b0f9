"""The engine as the window sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toydiff_gui.state.slots import Kind, Slot


@dataclass(frozen=True)
class EngineStatus:
    """``device`` and ``devices`` are known from 'ready' on; ``message`` says why it is 'dead'.

    ``host`` is the other machine on which it is; a ``message`` while 'starting' says how the
    connection there is tried again.
    """

    status: Literal["starting", "ready", "dead"] = "starting"
    device: str = ""
    devices: tuple[str, ...] = ()
    message: str = ""
    host: str = ""


ENGINE = Slot("engine", EngineStatus, Kind.RESULT)
