"""Brings home what trainings have saved on another machine while nobody was connected to it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine import protocol
from engine.protocol import Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.runs import Runs
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.timers import single_shot

AGAIN_MS = 10_000
"""After this long what could not be fetched is asked for again."""


class Fetcher(QObject):
    """Asks for it as soon as the engine over there is ready.

    A training whose end was reported is here already (see ``toydiff_gui.courier``). This is for
    those that ended with the connection, or with the window. An engine that has not yet noticed
    that its connection broke goes on with them: then it is tried again a little later.

    Signals:
        fetched: a training is here now; its folder.
    """

    fetched = Signal(object)

    def __init__(
        self, state: Store, link: EngineLink, runs: Runs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._runs = state, link, runs
        self._under_way: dict[int, Path] = {}
        self._told: set[Path] = set()
        self.again_timer = single_shot(self, AGAIN_MS, self._ask)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if isinstance(message, protocol.Ready):
            self._ask()
        elif message.job not in self._under_way:
            return
        elif isinstance(message, protocol.Result):
            self._arrived(self._under_way.pop(message.job))
        elif isinstance(message, protocol.Failure):
            folder = self._under_way.pop(message.job)
            if folder not in self._told:
                self._state.post(message.message, error=True)
            self._told.add(folder)
            self.again_timer.start()

    def _ask(self) -> None:
        if self._link.address is None or self._state.get(ENGINE).status == "dead":
            return
        training = self._state.get(TRAINING)
        busy = {Path(training.folder)} if training.active else set()
        for folder in self._runs.away(str(self._link.address)):
            if folder in busy or folder in self._under_way.values():
                continue
            job = self._link.next_job()
            self._under_way[job] = folder
            self._link.send(Packet(protocol.Fetch(job=job, slot=str(job), path=str(folder))))

    def _arrived(self, folder: Path) -> None:
        self._runs.mark_home(folder)
        if not self._runs.has_checkpoint(folder):
            self._runs.discard(folder)
            return
        self._runs.remember(folder)
        self._state.post(f"The training {folder.name!r} is here now and in the list of models.")
        self.fetched.emit(folder)

    def _on_died(self, why: str) -> None:
        self._under_way.clear()
        self._told.clear()
        self.again_timer.stop()
