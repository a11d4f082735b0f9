"""Brings home what trainings have saved on another machine while nobody was connected to it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engine.shared import messages
from engine.shared.messages import Arrays
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.link import EngineLink
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.store import Store
from toydiff_gui.state.timers import single_shot
from toydiff_gui.state.training import TRAINING

AGAIN_MS = 10_000
"""After this long what could not be fetched is asked for again."""


class FetchHome(QObject):
    """Asks for what they have saved as soon as the engine over there is ready.

    A training whose end was reported is here already (see
    ``toydiff_gui.engine_client.file_transfer``). This is for those that ended with the connection,
    or with the window. An engine that has not yet noticed that its connection broke goes on with
    them: then it is tried again a little later.

    Signals:
        fetched: a training is here now; its folder.
    """

    fetched = Signal(object)

    def __init__(
        self,
        state: Store,
        client: Client,
        runs: Runs,
        link: EngineLink,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._client, self._runs = state, client, runs
        self._link = link
        self._under_way: dict[int, Path] = {}
        self._told: set[Path] = set()
        self.again_timer = single_shot(self, AGAIN_MS, self._ask)
        client.ready.connect(self._on_ready)
        client.died.connect(self._on_died)

    def _on_ready(self, message: messages.Ready) -> None:
        self._ask()

    def _on_done(self, message: messages.Result, arrays: Arrays) -> None:
        self._arrived(self._under_way.pop(message.job))

    def _on_failed(self, failure: messages.Failure) -> None:
        folder = self._under_way.pop(failure.job)
        if folder not in self._told:
            self._state.post(failure.message, error=True)
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
            request = messages.Fetch(slot=f"fetch {folder}", path=str(folder))
            job = self._client.ask(request, done=self._on_done, failed=self._on_failed)
            self._under_way[job] = folder

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
