"""Trajectories on their way from the engine to the state: one for each key, always the newest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from engine import protocol
from engine.protocol import Arrays, Packet
from engine.trajectory import Trajectory
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.playback import Playback
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun
from toydiff_gui.state.store import Store
from toydiff_gui.timers import single_shot

FLUSH_MS = 15
"""Frames that arrive within this time are shown together: there is no point in more repaints."""


@dataclass
class Stream:
    """A trajectory on its way. ``held`` until it has come as far as the picture it replaces.

    ``wish`` is all that it depends on. ``meta`` goes into the trajectory.
    """

    key: str
    wish: Any
    coarse: bool = False
    held: bool = False
    meta: dict[str, Any] = field(default_factory=dict)
    trajectory: Trajectory | None = None


class Streams(QObject):
    """Sends requests for trajectories, and puts what arrives into the state's runs.

    Signals:
        began: the first frame of a ``Stream`` has come.
        ended: a ``Stream`` is complete, or has failed, as the state says.
        under_way_changed: something has been asked for, or is not awaited any more.
    """

    began = Signal(object)
    ended = Signal(object)
    under_way_changed = Signal()

    def __init__(
        self, state: Store, link: EngineLink, playback: Playback, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._playback = state, link, playback
        self._streams: dict[int, Stream] = {}
        self._wishes: dict[str, Any] = {}
        self._dirty: set[str] = set()
        self._flush_timer = single_shot(self, FLUSH_MS, self._flush)

    @property
    def under_way(self) -> list[Stream]:
        """What has been asked for and has not ended."""
        return list(self._streams.values())

    @property
    def keys(self) -> set[str]:
        """Keys that a trajectory is on its way for."""
        return {stream.key for stream in self._streams.values()}

    def wish(self, key: str) -> Any:
        """What was last asked for ``key``, unless that was cancelled; None for nothing."""
        return self._wishes.get(key)

    def ask(self, stream: Stream, packet: Packet) -> None:
        """Send a request; what was asked for the same key is cancelled."""
        self._drop(stream.key)
        self._wishes[stream.key] = stream.wish
        self._streams[packet.message.job] = stream
        run = self._state.at(LANE_RUNS, stream.key)
        if run.trajectory is None:
            self._state.put(LANE_RUNS, stream.key, LaneRun(status="running"))
        self._link.send(packet)
        self.under_way_changed.emit()

    def cancel(self, key: str) -> None:
        """Wait no longer for what is on its way for ``key``."""
        if key in self.keys:
            self._drop(key)
            self.under_way_changed.emit()

    def _drop(self, key: str) -> None:
        for job, stream in list(self._streams.items()):
            if stream.key == key:
                del self._streams[job]
                self._wishes.pop(key, None)
                self._link.send(Packet(protocol.Cancel(job=job)))

    def stop(self, key: str, wish: Any, why: str) -> None:
        """The user wants no more for ``key``: what has come stays, and ``wish`` counts as asked.

        ``why`` is said where nothing has come.
        """
        stream = next((s for s in self._streams.values() if s.key == key), None)
        self.cancel(key)
        self._wishes[key] = wish
        self._dirty.discard(key)
        if not self._dirty:  # or it would go off for nothing
            self._flush_timer.stop()
        run = self._state.at(LANE_RUNS, key)
        if stream is not None and stream.trajectory is not None and not stream.held:
            run = LaneRun(trajectory=stream.trajectory, status="running", coarse=stream.coarse)
        if run.status != "running":
            return  # of older settings, and complete: nothing newer has come
        there = run.trajectory is not None and bool(run.trajectory.x)
        # Neither done nor failed: it holds what has come and waits for nothing.
        whole = run.trajectory is not None and run.trajectory.complete and not run.coarse
        status: Literal["done", "empty"] = "done" if whole else "empty"
        self._state.put(LANE_RUNS, key, replace(run, status=status, message="" if there else why))

    def forget(self, key: str) -> None:
        """Ask for ``key`` again even if the wish is the same."""
        self._wishes.pop(key, None)

    def forget_all(self) -> None:
        """Ask for everything again even where the wish is the same."""
        self._wishes.clear()

    def remove_others(self, known: set[str]) -> None:
        """Cancel and forget all keys but those ``known``: another may come under such a key."""
        for key in self.keys - known:
            self.cancel(key)
        for key in set(self._wishes) - known:
            del self._wishes[key]

    def handle(self, packet: Packet) -> bool:
        """Take an answer; False if it belongs to nothing here."""
        message = packet.message
        stream = self._streams.get(message.job)
        if stream is None:
            return False
        match message:
            case protocol.Frame():
                self._on_frame(stream, message, packet.arrays)
            case protocol.Result():
                del self._streams[message.job]
                self._on_result(stream, message)
                self.under_way_changed.emit()
            case protocol.Failure():
                del self._streams[message.job]
                self._state.put(
                    LANE_RUNS, stream.key, LaneRun(status="failed", message=message.message)
                )
                self._state.post(message.message, error=True)
                self.ended.emit(stream)
                self.under_way_changed.emit()
        return True

    def on_died(self, why: str) -> None:
        """The engine is gone: what has arrived stays; it is only not complete."""
        keys = {key for key in self._wishes if self._state.at(LANE_RUNS, key).status == "running"}
        self._streams.clear()
        self._wishes.clear()
        self._dirty.clear()
        for key in keys:
            self._state.put(
                LANE_RUNS,
                key,
                replace(self._state.at(LANE_RUNS, key), status="failed", message=why),
            )
        self.under_way_changed.emit()

    def _on_frame(self, stream: Stream, message: protocol.Frame, arrays: Arrays) -> None:
        first = stream.trajectory is None
        if stream.trajectory is None:
            stream.trajectory = Trajectory(list(message.times), meta=stream.meta)
        stream.trajectory.append(arrays["x"], arrays["x0"])
        if first:
            self.began.emit(stream)
        if stream.held and not stream.coarse:
            reached = stream.trajectory.reached
            stream.held = reached is not None and reached > self._playback.t
        if not stream.held:
            self._dirty.add(stream.key)
            if not self._flush_timer.isActive():
                self._flush_timer.start()

    def _on_result(self, stream: Stream, message: protocol.Result) -> None:
        if message.cancelled:  # by the engine, for a newer one
            self._wishes.pop(stream.key, None)
            return
        run = LaneRun(
            trajectory=stream.trajectory,
            status="done",
            coarse=stream.coarse,
            seconds=message.seconds,
            off_data=message.info.get("off_data"),
        )
        self._state.put(LANE_RUNS, stream.key, run)
        self.ended.emit(stream)

    def _flush(self) -> None:
        """Show the frames that have arrived since the last time."""
        dirty, self._dirty = self._dirty, set()
        for stream in self._streams.values():
            if stream.key not in dirty or stream.held:  # its predecessor may have set the timer
                continue
            if stream.trajectory is not None:
                run = LaneRun(trajectory=stream.trajectory, status="running", coarse=stream.coarse)
                self._state.put(LANE_RUNS, stream.key, run)
