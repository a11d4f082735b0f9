"""Everything that speaks to the engine for all modes, put together."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject

from engine.shared.config import TrainingConfig
from toydiff_gui.controllers.engine_status import EngineKeeper
from toydiff_gui.controllers.geodesic import GeodesicSearch
from toydiff_gui.controllers.models import Models
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.controllers.training import Training
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.link import EngineLink
from toydiff_gui.state.lanes import LANE_RUNS, LANES
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store


class ModeWords(Protocol):
    """What the controllers ask of the modes, without knowing one."""

    def describe(self, model: ModelInfo) -> str:
        """What states a model makes, in words."""

    def is_on_show(self, config: TrainingConfig) -> bool:
        """Whether what a configuration trains is of the mode of now."""

    def data_root(self, config: TrainingConfig) -> str:
        """Where the engine is to look first for what it trains with; '' for the usual places."""


class Controllers(QObject):
    """All controllers. Lets the exchange look whenever the store has changed."""

    def __init__(
        self,
        store: Store,
        link: EngineLink,
        playback: Playback,
        runs: Runs,
        words: ModeWords,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._lanes = {lane.key for lane in store.get(LANES)}
        self.client = Client(link, self)
        self.engine = EngineKeeper(store, link, self.client, self)
        self.exchange = Exchange(self.client, self)
        self.geodesic = GeodesicSearch(store, self.exchange)
        elsewhere = link.address is not None
        self.models = Models(
            store,
            self.client,
            self.exchange,
            playback,
            describe=words.describe,
            elsewhere=elsewhere,
            parent=self,
        )
        self.training = Training(
            store,
            self.client,
            self.models,
            runs,
            link,
            is_on_show=words.is_on_show,
            data_root=words.data_root,
            parent=self,
        )
        self.models.could_not_open.connect(runs.forget)
        self.client.failed_unasked.connect(self._post)
        self.exchange.failed.connect(self._post)
        store.slot_changed.connect(self.exchange.look)
        store.changed(LANES).connect(self._leave_removed)

    @property
    def busy(self) -> bool:
        """Whether something is on its way or about to be asked for."""
        return self.exchange.busy

    def _leave_removed(self) -> None:
        """At once: a lane that is made within the same turn may have the key of a removed one."""
        known = {lane.key for lane in self._store.get(LANES)}
        removed, self._lanes = self._lanes - known, known
        for key in removed:
            self._store.put(LANE_RUNS, key, None)
        keys = self.exchange.keys
        self.exchange.leave(key for key in keys if key.partition(":")[2] in removed)

    def _post(self, message: str) -> None:
        self._store.post(message, error=True)
