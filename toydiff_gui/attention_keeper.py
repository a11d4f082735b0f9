"""Asks for the attention that is looked at, and for nothing while nobody looks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.protocol import Arrays, Packet
from engine.trajectory import Trajectory
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_classes import asked_arrays, one_hot, path_weights
from toydiff_gui.image_ends import tile_class
from toydiff_gui.image_gaze import Gaze, pinned
from toydiff_gui.modes.images.settings import ATTENTION, IMAGE_SAMPLING, IMAGE_VIEW, AttentionRun
from toydiff_gui.playback import Playback
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES
from toydiff_gui.state.model import MODEL, model_named
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import MARKED, PINNED, VIEW
from toydiff_gui.timers import single_shot

MAX_BYTES = 256 * 2**20
"""What the weights of all times together may take; of more times some are left out.

The average, at least two times, and the time that is shown fit into it however large the engine
lets one be (``engine.attention_maps.MAX_MAP_BYTES``); else they would push each other out for ever.
"""
NONE_THERE = "This network has no attention to look at."


@dataclass(frozen=True, eq=False)
class _Aim:
    """All that the weights depend on, but t."""

    ref: str
    revision: int
    layer: str
    trajectory: Trajectory
    index: int
    classes: NDArray[np.float32]
    timesteps: int

    def same(self, other: _Aim | None) -> bool:
        """Whether both would get the same weights."""
        return (
            other is not None
            and self.trajectory is other.trajectory
            and (self.ref, self.revision, self.layer, self.index)
            == (other.ref, other.revision, other.layer, other.index)
            and np.array_equal(self.classes, other.classes)
        )


class AttentionKeeper(QObject):
    """Asks for the time that is shown, and if an average is wanted for all others after it."""

    def __init__(
        self, state: Store, link: EngineLink, playback: Playback, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._playback = state, link, playback
        self._aim: _Aim | None = None
        self._job: int | None = None
        self._failed = False
        self._layers: dict[str, tuple[str, ...]] = {}
        """Names of each network's layers, once it has answered."""
        self._weights: dict[int, NDArray[np.float32]] = {}
        self._timer = single_shot(self, 0, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        playback.t_changed.connect(self._on_time)
        state.changed(LANE_RUNS).connect(self._on_run)
        state.changed(MODEL).connect(self._on_model)
        self._ref = state.get(MODEL).ref
        for signal in (
            state.changed(IMAGE_SAMPLING),
            state.changed(IMAGE_VIEW),
            state.changed(VIEW),
            state.changed(MARKED),
            state.changed(PINNED),
            state.changed(LANES),
            state.changed(MODEL),
            state.changed(TRAINING),
        ):
            signal.connect(self._timer.start)

    @property
    def busy(self) -> bool:
        """Whether weights are on their way or about to be asked for."""
        return self._job is not None or self._timer.isActive()

    @property
    def _looked_at(self) -> bool:
        state = self._state
        return (
            state.get(MODEL).images
            and state.get(VIEW).page == "explore"
            and state.get(IMAGE_VIEW).face == "attention"
        )

    def _on_time(self, t: int) -> None:
        if self._aim is not None:
            self._next()

    def _on_run(self, key: str) -> None:
        if self._looked_at:
            self._timer.start()

    def _on_model(self) -> None:
        """Layers are another network's: begin with its first."""
        if self._state.get(MODEL).ref != self._ref:
            self._ref = self._state.get(MODEL).ref
            self._state.update(IMAGE_VIEW, layer="", head=0, query=None)

    def _refresh(self) -> None:
        gaze = pinned(self._state) if self._looked_at else None
        why = "" if gaze is None else self._why_not(gaze)
        if gaze is None or why:
            self._drop()
            if why != self._state.get(ATTENTION).message:
                self._state.set(ATTENTION, AttentionRun(message=why))
            return
        aim = self._aim_at(gaze)
        if self._state.get(ENGINE).status != "ready":
            return
        if not aim.same(self._aim):
            layers = self._state.get(ATTENTION).layers if self._same_network(aim) else ()
            self._drop()
            self._aim = aim
            self._state.set(
                ATTENTION,
                AttentionRun("running", layer=aim.layer, layers=layers, weights=self._weights),
            )
        self._next()

    def _same_network(self, aim: _Aim) -> bool:
        return self._aim is not None and self._aim.ref == aim.ref

    def _reference(self, gaze: Gaze) -> str:
        own = self._state.get(MODEL).ref
        return own if gaze.lane is None else gaze.lane.checkpoint or own

    def _why_not(self, gaze: Gaze) -> str:
        """Why there is no attention to look at, '' if there is."""
        model = model_named(self._state, self._reference(gaze))
        if model is None or not model.attends or (gaze.lane is not None and gaze.lane.exact):
            return NONE_THERE
        if gaze.trajectory is self._state.get(TRAINING).preview:
            return "Attention can be looked at when the training has ended."
        return ""

    def _aim_at(self, gaze: Gaze) -> _Aim:
        state, lane, ref = self._state, gaze.lane, self._reference(gaze)
        model = model_named(state, ref) or state.get(MODEL)
        known = len(state.get(MODEL).labels)
        if lane is None:
            classes = one_hot([tile_class(state, gaze.index)], known)
        elif model.labels != state.get(MODEL).labels:  # it knows others, or none
            classes = np.zeros((1, 0), np.float32)
        else:
            rows = path_weights(state)
            classes = rows[[min(gaze.index, len(rows) - 1)]]
        return _Aim(
            ref,
            model.revision,
            self._layer_of(ref),
            gaze.trajectory,
            gaze.index,
            classes,
            model.schedule.timesteps,
        )

    def _layer_of(self, ref: str) -> str:
        """The layer that is wished for, '' for the first where the network has no such layer."""
        wished, known = self._state.get(IMAGE_VIEW).layer, self._layers.get(ref)
        if known is None:
            return wished if ref == self._state.get(MODEL).ref else ""
        return wished if wished in known else ""

    def _drop(self) -> None:
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
        forgotten = self._aim is not None
        self._job, self._aim, self._weights, self._failed = None, None, {}, False
        if forgotten:
            self._state.set(ATTENTION, AttentionRun())

    # One request at a time: first the time that is shown, then what is missing of the average

    def _next(self) -> None:
        aim = self._aim
        if aim is None or self._job is not None or self._failed:
            return
        steps = [k for k, t in enumerate(aim.trajectory.t[: len(aim.trajectory.x)]) if t >= 1]
        if not steps:
            return
        at = self._playback.t * aim.timesteps / self._state.get(MODEL).schedule.timesteps
        shown = min(steps, key=lambda k: abs(aim.trajectory.t[k] - at))
        if self._missing(aim, shown):
            self._ask(aim, [shown])
        elif self._state.get(IMAGE_VIEW).averaged and aim.trajectory.complete:
            rest = [k for k in self._of_average(steps) if self._missing(aim, k)]
            if rest:
                self._ask(aim, rest)

    def _missing(self, aim: _Aim, step: int) -> bool:
        return self._on_timeline(aim.trajectory.t[step]) not in self._weights

    def _of_average(self, steps: list[int]) -> list[int]:
        """The times to average over: all, or where they would take too much memory some."""
        size = max((weights.nbytes for weights in self._weights.values()), default=1)
        # Half of it: the times that are looked at besides must not push these out.
        most = max(2, MAX_BYTES // (2 * size))
        if len(steps) <= most:
            return steps
        return [steps[n] for n in np.linspace(0, len(steps) - 1, most).round().astype(int)]

    def _on_timeline(self, t: int) -> int:
        aim = self._aim
        own = aim.timesteps if aim is not None else self._state.get(MODEL).schedule.timesteps
        return round(t * self._state.get(MODEL).schedule.timesteps / own)

    def _ask(self, aim: _Aim, steps: list[int]) -> None:
        self._job = self._link.next_job()
        request = protocol.Attend(
            job=self._job,
            slot="attention",
            checkpoint=aim.ref,
            times=[aim.trajectory.t[k] for k in steps],
            layer=aim.layer,
        )
        states = np.stack([aim.trajectory.x[k][aim.index] for k in steps])
        self._link.send(Packet(request, asked_arrays(aim.classes) | {"x": states}))

    # Answers

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if self._job is None or message.job != self._job:
            return
        run = self._state.get(ATTENTION)
        match message:
            case protocol.AttentionAt():
                self._keep(message, packet.arrays)
            case protocol.Result():
                self._job = None
                found = message.info.get("layers", ())
                layers = tuple((each["name"], each["side"], each["heads"]) for each in found)
                if layers and self._aim is not None:
                    self._layers[self._aim.ref] = tuple(name for name, _, _ in layers)
                self._state.set(ATTENTION, replace(run, status="done", layers=layers or run.layers))
                self._next()
            case protocol.Failure():
                self._job, self._failed = None, True
                self._state.set(ATTENTION, replace(run, status="failed", message=message.message))
                self._state.post(message.message, error=True)

    def _keep(self, message: protocol.AttentionAt, arrays: Arrays) -> None:
        weights = arrays["weights"]
        while self._weights and (len(self._weights) + 1) * weights.nbytes > MAX_BYTES:
            del self._weights[next(iter(self._weights))]
        self._weights[self._on_timeline(message.t)] = weights
        self._state.set(
            ATTENTION,
            replace(
                self._state.get(ATTENTION),
                layer=message.layer,
                side=message.side,
                weights=self._weights,
                message="",
            ),
        )

    def _on_died(self, why: str) -> None:
        running = self._job is not None
        self._job, self._aim, self._failed = None, None, False
        if running:
            run = self._state.get(ATTENTION)
            self._state.set(ATTENTION, replace(run, status="failed", message=why))
