"""What the networks that can be trained would cost here, measured before anybody asks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from engine import protocol
from engine.config import PRESETS, TrainingConfig
from engine.protocol import Packet
from toydiff_gui import names
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_ends import SAMPLES_KEY
from toydiff_gui.modes.images.settings import ATTENTION, COSTS, SLICE, Cost
from toydiff_gui.panels.images.configs import with_network
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, shown_lanes
from toydiff_gui.state.results import INVERSION
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.timers import single_shot

PAUSE_MS = 300
"""A batch size that is still being typed is not measured."""


class CostKeeper(QObject):
    """Measures the presets for the images that are chosen, one at a time, the chosen one first.

    Not while a training runs, since both would only measure each other, and never before what the
    user waits for.
    """

    def __init__(self, state: Store, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._known: dict[str, tuple[Any, ...]] = {}
        self._job: int | None = None
        self._measured = ("", ())
        self._timer = single_shot(self, PAUSE_MS, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        for signal in (
            state.changed(TRAINING_CONFIG),
            state.changed(TRAINING),
            state.changed(ENGINE),
        ):
            signal.connect(self._look_later)
        state.changed(TRAINING_CONFIG).connect(self._forget)
        state.changed(LANE_RUNS).connect(self._on_run)
        for other in (state.changed(SLICE), state.changed(ATTENTION), state.changed(INVERSION)):
            other.connect(self._look_later)

    @property
    def busy(self) -> bool:
        """Whether something is being measured or about to be."""
        return self._job is not None or self._timer.isActive()

    def _on_run(self, key: str) -> None:
        if self._state.at(LANE_RUNS, key).status == "running" and self._job is not None:
            self._end()  # somebody waits for this now; it is measured again after it
        if not self._timer.isActive():
            self._look_later()

    def _end(self) -> None:
        self._link.send(Packet(protocol.Cancel(job=self._job or 0)))
        self._job = None

    @property
    def _at_rest(self) -> bool:
        """Whether nobody waits for anything."""
        state = self._state
        keys = [SAMPLES_KEY, *(lane.key for lane in shown_lanes(state))]
        running = any(state.at(LANE_RUNS, key).status == "running" for key in keys)
        runs = (state.get(SLICE), state.get(ATTENTION), state.get(INVERSION))
        return not running and all(run.status != "running" for run in runs)

    def _wanted(self) -> list[tuple[str, TrainingConfig]]:
        """Each preset by its key, the one that is chosen first."""
        config = self._state.get(TRAINING_CONFIG)
        if not config.images:
            return []
        found = [
            (names.cost_key(config, preset), with_network(config, preset)) for preset in PRESETS
        ]
        return sorted(found, key=lambda item: item[1].unet != config.unet)

    def _forget(self) -> None:
        """What was measured with another batch is not true any more."""
        for key, config in self._wanted():
            if key in self._known and self._known[key] != _aim(config):
                del self._known[key]
                self._state.put(COSTS, key, Cost())
        key, aim = self._measured
        if self._job is not None and (key, aim) not in [(k, _aim(c)) for k, c in self._wanted()]:
            self._end()

    def _missing(self) -> list[tuple[str, TrainingConfig]]:
        return [(key, c) for key, c in self._wanted() if self._known.get(key) != _aim(c)]

    def _look_later(self) -> None:
        if self._missing():  # or a timer would run for nothing
            self._timer.start()
        else:
            self._timer.stop()

    def _refresh(self) -> None:
        state = self._state
        if (
            state.get(ENGINE).status != "ready"
            or state.get(TRAINING).active
            or self._job is not None
        ):
            return
        missing = self._missing()
        if not missing or not self._at_rest:
            return  # asked again when something has come
        key, config = missing[0]
        self._measured = (key, _aim(config))
        self._job = self._link.next_job()
        request = protocol.MeasureCost(job=self._job, slot="cost", config=config)
        self._link.send(Packet(request))

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if self._job is None or message.job != self._job:
            return
        if isinstance(message, protocol.Result | protocol.Failure):
            self._job = None
            key, aim = self._measured
            if isinstance(message, protocol.Failure):
                self._known[key] = aim  # it is not asked again and again
                self._state.put(COSTS, key, Cost(failed=True))
                self._state.post(message.message, error=True)
            elif not message.cancelled:
                self._known[key] = aim
                info = message.info
                self._state.put(COSTS, key, Cost(info["parameters"], info["seconds_per_step"]))
            self._look_later()

    def _on_died(self, why: str) -> None:
        self._job = None


def _aim(config: TrainingConfig) -> tuple[Any, ...]:
    """All that the cost depends on."""
    return (config.dataset, config.image_size, config.channels, config.unet, config.batch_size)
