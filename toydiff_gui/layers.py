"""Keeps what is laid over the lanes, as far as the engine has to compute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.config import EXACT, SamplerConfig
from engine.protocol import Arrays, Message, Packet
from engine.trajectory import Trajectory
from toydiff_gui.composer import LATENT_KEY
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.modes.points.settings import LAYERS, SAMPLING, layer_of
from toydiff_gui.playback import Playback
from toydiff_gui.scene import BasinLayer, Box, FieldLayer, HeatLayer, WarpLayer
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANES, LaneSpec, lane_of, shown_lanes
from toydiff_gui.state.model import MODEL, OTHER_MODELS, model_named
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW, overlays_of
from toydiff_gui.timers import single_shot

COLUMNS, ROWS = 38, 24
"""Arrows of a field over the box."""
HEAT = 64
"""Pixels of a heat map along the box' longer side."""
BASIN_COARSE, BASIN_FINE = (48, 20), (150, 50)
"""Pixels along the longer side of the basin map and steps of DDIM: first quickly, then well."""
WARP_LINES, WARP_POINTS, WARP_STEPS, WARP_HALF = 13, 61, 50, 3.0
ROOM = 1.25
"""How much more than the visible part of the plane is computed, so that one can pan a little."""
WIDE = 2.0
"""Of a box, width over height: plots are seldom wider."""
FLUSH_MS, SETTLE_MS = 40, 150

Aim = tuple[Any, ...]
Points = NDArray[np.float32]


@dataclass
class _Errand:
    """A request on its way: who wants what, and what is done with an answer."""

    lane: str
    kind: str
    receive: Callable[[Message, Arrays], None]
    done: Callable[[], None] = field(default=lambda: None)


class LayerKeeper(QObject):
    """Asks for fields, differences, warped grids and the basin map that the state wants to see.

    A layer is asked for again when the model, the lane or the visible part of the plane changes,
    and not otherwise. Differences are computed at the timeline's t, the newest one first.
    """

    def __init__(
        self, state: Store, link: EngineLink, playback: Playback, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._playback = state, link, playback
        self._view: Box = (-3.0, 3.0, -3.0, 3.0)
        self._box = _around(self._view)
        self._errands: dict[int, _Errand] = {}
        self._aims: dict[tuple[str, str], Aim] = {}
        self._failed: set[tuple[str, str]] = set()
        self._dirty: set[tuple[str, str]] = set()
        self._refresh_timer = single_shot(self, 0, self._refresh)
        self._flush_timer = single_shot(self, FLUSH_MS, self._flush)
        self._settle_timer = single_shot(self, SETTLE_MS, self._settle)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        playback.t_changed.connect(self._on_time)
        # At once: what is of another model or of a lane that is no more must not be shown.
        state.changed(LANES).connect(self._forget_removed)
        state.changed(LANES).connect(self._refresh)
        state.changed(MODEL).connect(self._refresh)
        for signal in (
            state.changed(VIEW),
            state.changed(SAMPLING),
            state.changed(ENGINE),
        ):
            signal.connect(self._refresh_timer.start)
        state.changed(OTHER_MODELS).connect(self._refresh_later)

    @property
    def busy(self) -> bool:
        """Whether layers are on their way or about to be asked for."""
        waiting = self._refresh_timer.isActive() or self._settle_timer.isActive()
        return bool(self._errands) or waiting or self._flush_timer.isActive()

    def _refresh_later(self) -> None:
        self._refresh_timer.start()

    def set_view(self, view: Box) -> None:
        """The lanes show another part of the plane; taken up when it has come to rest."""
        self._view = view
        self._settle_timer.start()

    def _settle(self) -> None:
        x0, x1, y0, y1 = self._view
        bx0, bx1, by0, by1 = self._box
        covered = bx0 <= x0 and x1 <= bx1 and by0 <= y0 and y1 <= by1
        box = _around(self._view)
        if covered and (by1 - by0) < 2 * (box[3] - box[2]):
            return
        self._box = box
        self._refresh()

    def _forget_removed(self) -> None:
        """Even without an engine: a lane that is added may get the key of a removed one."""
        there = {LATENT_KEY, *(lane.key for lane in self._state.get(LANES))}
        for lane, kind in self._state.keys(LAYERS):
            if lane not in there:
                self._state.put(LAYERS, (lane, kind), None)

    # What is wanted

    def _refresh(self) -> None:
        if self._state.get(ENGINE).status != "ready":
            return
        wanted: set[tuple[str, str]] = set()
        plane = not self._state.get(MODEL).images  # they are laid over points in the plane
        for lane in shown_lanes(self._state) if plane else ():
            for kind in ("field", "difference", "warp"):
                if kind in overlays_of(self._state, lane.key):
                    wanted.add((lane.key, kind))
                    self._want(lane, kind)
        if plane and "basin" in overlays_of(self._state, LATENT_KEY):
            wanted.add((LATENT_KEY, "basin"))
            self._want_basin()
        for place in set(self._aims) - wanted:
            self._drop(place)

    def _want(self, lane: LaneSpec, kind: str) -> None:
        model = model_named(self._state, lane.checkpoint or self._state.get(MODEL).ref)
        if model is None or model.images:  # it is being opened, or is no model of points
            self._drop((lane.key, kind))
            return
        ref, timesteps = lane.reference(model), model.schedule.timesteps
        aim: Aim = (ref, model.revision, timesteps, self._state.get(MODEL).schedule.timesteps)
        aim += (None if kind == "warp" else self._box,)
        if not self._is_new((lane.key, kind), aim):
            return
        if kind == "field":
            self._ask_field(lane.key, ref, timesteps)
        elif kind == "warp":
            self._ask_warp(lane.key, ref, timesteps)
        else:
            if layer_of(self._state, lane.key, kind) is None:
                layer = HeatLayer(self._box, {}, "error of the noise")
                self._state.put(LAYERS, (lane.key, kind), layer)
            self._ask_difference(lane.key)

    def _is_new(self, place: tuple[str, str], aim: Aim) -> bool:
        if self._aims.get(place) == aim:
            return False
        before = self._aims.get(place)
        self._drop(place, keep=before is not None and before[:-1] == aim[:-1])
        self._aims[place] = aim
        return True

    def _drop(self, place: tuple[str, str], *, keep: bool = False) -> None:
        """Forget what was asked for; what is shown stays if ``keep``, until its successor comes."""
        self._aims.pop(place, None)
        self._end(place)
        if not keep:
            self._state.put(LAYERS, place, None)

    def _end(self, place: tuple[str, str]) -> None:
        """Wait no longer for what is on its way."""
        self._failed.discard(place)
        self._dirty.discard(place)
        for job, errand in list(self._errands.items()):
            if (errand.lane, errand.kind) == place:
                del self._errands[job]
                self._link.send(Packet(protocol.Cancel(job=job)))

    def _send(self, errand: _Errand, request: protocol.AnyRequest, arrays: Arrays) -> None:
        self._errands[request.job] = errand
        self._link.send(Packet(request, arrays))

    # Kinds of layers

    def _ask_field(self, key: str, ref: str, timesteps: int) -> None:
        points = _grid(self._box, COLUMNS, ROWS)
        eps: dict[int, Points] = {}
        layer = FieldLayer(self._box, COLUMNS, points, eps)
        places = self._times(timesteps)

        def receive(message: Message, arrays: Arrays) -> None:
            if isinstance(message, protocol.FieldAt):
                eps[places[message.t]] = arrays["eps"]
                self._grew(key, "field", layer)

        request = protocol.Field(
            job=self._link.next_job(),
            slot=f"field {key}",
            checkpoint=ref,
            times=list(places),
        )
        self._send(_Errand(key, "field", receive), request, {"points": points})

    def _ask_warp(self, key: str, ref: str, timesteps: int) -> None:
        sampler = SamplerConfig(name="ddim", steps=min(WARP_STEPS, timesteps))
        layers: list[WarpLayer] = []

        def receive(message: Message, arrays: Arrays) -> None:
            if isinstance(message, protocol.Frame):
                if message.times:
                    times = [self._on_timeline(t, timesteps) for t in message.times]
                    layers.append(WarpLayer(Trajectory(times), WARP_POINTS))
                layers[0].trajectory.append(arrays["x"], arrays["x0"])
                self._grew(key, "warp", layers[0])

        request = protocol.Sample(
            job=self._link.next_job(), slot=f"warp {key}", checkpoint=ref, sampler=sampler
        )
        self._send(_Errand(key, "warp", receive), request, {"latents": _lines()})

    def _ask_difference(self, key: str) -> None:
        """The next time that is missing: that of the timeline."""
        lane = lane_of(self._state, key)
        place = (key, "difference")
        if lane is None or place not in self._aims or place in self._failed:
            return
        ref, _, timesteps, _, box = self._aims[place]
        if any((e.lane, e.kind) == (key, "difference") for e in self._errands.values()):
            return  # one at a time; the next is asked for when it has come
        layer = layer_of(self._state, key, "difference")
        shown_at = round(self._playback.t)
        t = self._own_time(timesteps)
        if not isinstance(layer, HeatLayer) or (layer.box == box and shown_at in layer.values):
            return
        values: dict[int, Points] = dict(layer.values) if layer.box == box else {}
        width, height = _pixels(box, HEAT)
        points = _grid(box, width, height)
        halves: dict[str, Points] = {}

        def receive(name: str, message: Message, arrays: Arrays) -> None:
            if isinstance(message, protocol.FieldAt):
                halves[name] = arrays["eps"]

        def done() -> None:
            if len(halves) == 2:
                error = np.linalg.norm(halves["own"] - halves["exact"], axis=1) / 2**0.5
                values[shown_at] = error.reshape(height, width).astype(np.float32)
                layer = HeatLayer(box, values, "error of the noise")
                self._state.put(LAYERS, (key, "difference"), layer)
            self._ask_difference(key)

        for name, checkpoint in (("own", ref), ("exact", f"{EXACT}{ref.removeprefix(EXACT)}")):
            request = protocol.Field(
                job=self._link.next_job(),
                slot=f"difference {key} {name}",
                checkpoint=checkpoint,
                times=[t],
            )
            errand = _Errand(key, "difference", partial(receive, name), done)
            self._send(errand, request, {"points": points})

    def _want_basin(self) -> None:
        model, sampling = self._state.get(MODEL), self._state.get(SAMPLING)
        steps = min(sampling.steps or model.schedule.timesteps, model.schedule.timesteps)
        aim = (model.ref, model.revision, steps, self._box)
        if self._is_new((LATENT_KEY, "basin"), aim):
            self._ask_basin(model.ref, steps, [BASIN_COARSE, BASIN_FINE])

    def _ask_basin(self, ref: str, steps: int, stages: list[tuple[int, int]]) -> None:
        (side, most), *later = stages
        box = self._box
        width, height = _pixels(box, side)

        def receive(message: Message, arrays: Arrays) -> None:
            if isinstance(message, protocol.Frame):
                landings = arrays["x"].reshape(height, width, 2)
                self._state.put(LAYERS, (LATENT_KEY, "basin"), BasinLayer(box, landings))

        def done() -> None:
            if later:
                self._ask_basin(ref, steps, later)

        request = protocol.Sample(
            job=self._link.next_job(),
            slot="basin",
            checkpoint=ref,
            sampler=SamplerConfig(name="ddim", steps=min(most, steps)),
            last=True,
        )
        errand = _Errand(LATENT_KEY, "basin", receive, done)
        self._send(errand, request, {"latents": _grid(box, width, height)})

    # Time: a lane's own model may have another T than the timeline

    def _times(self, timesteps: int) -> dict[int, int]:
        """The own times to ask for, coarse to fine, and where each is on the timeline."""
        shown = self._state.get(MODEL).schedule.timesteps
        if timesteps <= shown:
            first = self._own_time(timesteps)
            return {t: self._on_timeline(t, timesteps) for t in _coarse_to_fine(timesteps, first)}
        scale = timesteps / shown
        first = max(1, round(self._playback.t))
        return {round(t * scale): t for t in _coarse_to_fine(shown, first)}

    def _own_time(self, timesteps: int) -> int:
        scale = timesteps / self._state.get(MODEL).schedule.timesteps
        return min(max(1, round(self._playback.t * scale)), timesteps)

    def _on_timeline(self, t: int, timesteps: int) -> int:
        return round(t * self._state.get(MODEL).schedule.timesteps / timesteps)

    def _on_time(self, t: int) -> None:
        for key, kind in list(self._aims):
            if kind == "difference":
                self._ask_difference(key)

    # Answers

    def _grew(self, lane: str, kind: str, layer: FieldLayer | WarpLayer) -> None:
        if layer_of(self._state, lane, kind) is not layer:
            self._state.put(LAYERS, (lane, kind), layer)
            return
        self._dirty.add((lane, kind))
        if not self._flush_timer.isActive():
            self._flush_timer.start()

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, set()
        for lane, kind in dirty:
            self._state.put(LAYERS, (lane, kind), layer_of(self._state, lane, kind))

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        errand = self._errands.get(message.job)
        if errand is None:
            return
        match message:
            case protocol.Result() | protocol.Failure():
                del self._errands[message.job]
                if isinstance(message, protocol.Failure):
                    place = (errand.lane, errand.kind)
                    self._end(place)
                    self._failed.add(place)  # until something else is asked for
                    self._state.post(message.message, error=True)
                elif not message.cancelled:
                    errand.done()
            case _:
                errand.receive(message, packet.arrays)

    def _on_died(self, why: str) -> None:
        self._errands.clear()
        self._aims.clear()
        self._failed.clear()


def _around(view: Box) -> Box:
    """A box with room about ``view``, as wide as the widest plots."""
    x0, x1, y0, y1 = view
    half = ROOM * max(y1 - y0, (x1 - x0) / WIDE) / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return (x - WIDE * half, x + WIDE * half, y - half, y + half)


def _pixels(box: Box, side: int) -> tuple[int, int]:
    """Width and height in pixels, the longer one being ``side``."""
    wide, high = box[1] - box[0], box[3] - box[2]
    return (side, max(2, round(side * high / wide)))


def _grid(box: Box, columns: int, rows: int) -> Points:
    """The middles of the cells of a grid, (rows * columns, 2), the first row at the top."""
    x0, x1, y0, y1 = box
    x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    y = y1 - (np.arange(rows) + 0.5) * (y1 - y0) / rows
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1).astype(np.float32)


def _lines() -> Points:
    """The points of an upright and a level family of lines, (2 * lines * points, 2)."""
    at = np.linspace(-WARP_HALF, WARP_HALF, WARP_LINES)
    along = np.linspace(-WARP_HALF, WARP_HALF, WARP_POINTS)
    fixed, running = np.meshgrid(at, along, indexing="ij")
    upright = np.stack([fixed, running], axis=2)
    level = np.stack([running, fixed], axis=2)
    return np.concatenate([upright, level]).reshape(-1, 2).astype(np.float32)


def _coarse_to_fine(timesteps: int, first: int) -> list[int]:
    """All t in 1..T, the one that is looked at first, then ever finer steps through all of them."""
    times = [first]
    step = 1 << max(0, timesteps.bit_length() - 4)
    while step:
        times += range(timesteps, 0, -step)
        step //= 2
    return list(dict.fromkeys(times))
