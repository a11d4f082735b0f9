"""Whether there is an engine, and starting one again."""

from __future__ import annotations

from PySide6.QtCore import QObject

from engine.shared import messages
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.link import EngineLink
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.store import Store


class EngineKeeper(QObject):
    """Keeps ``ENGINE`` true."""

    def __init__(
        self, store: Store, link: EngineLink, client: Client, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._link = store, link
        client.ready.connect(self._on_ready)
        client.died.connect(self._on_died)
        link.reconnecting.connect(self._on_reconnecting)
        store.set(ENGINE, EngineStatus(host=self._host))

    def start_again(self) -> None:
        """Start a new engine after the old one has died."""
        if self._store.get(ENGINE).status == "dead":
            self._store.set(ENGINE, EngineStatus("starting", host=self._host))
            self._link.start()

    def give_up(self) -> None:
        """Try no more to reach an engine on another machine."""
        self._link.give_up()

    @property
    def _host(self) -> str:
        return "" if self._link.address is None else self._link.address.login

    def _on_ready(self, message: messages.Ready) -> None:
        devices = tuple(message.devices)
        self._store.set(ENGINE, EngineStatus("ready", message.device, devices, host=self._host))

    def _on_died(self, why: str) -> None:
        self._store.set(ENGINE, EngineStatus("dead", message=why, host=self._host))

    def _on_reconnecting(self, how: str) -> None:
        self._store.set(ENGINE, EngineStatus("starting", message=how, host=self._host))
