"""What is laid over the lanes, as far as the engine has to compute it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.config import EXACT, SamplerConfig
from engine.protocol import AnyReport, Arrays
from engine.trajectory import Trajectory
from toydiff_gui.composer import LATENT_KEY
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.modes.points.settings import LAYERS, SAMPLING
from toydiff_gui.playback import Playback
from toydiff_gui.scene import BasinLayer, Box, FieldLayer, HeatLayer, WarpLayer
from toydiff_gui.state.lanes import LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL, ModelInfo, model_named
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import overlays_of
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
SETTLE_MS = 150

Points = NDArray[np.float32]


@dataclass(frozen=True)
class _Subject:
    """What a lane's overlays are of; ``timesteps`` are its own, ``shown`` those of the timeline."""

    lane: str
    ref: str
    revision: int
    timesteps: int
    shown: int


@dataclass
class _Heat:
    """Differences that are known of a lane, by the time on the timeline."""

    subject: _Subject
    box: Box
    values: Mapping[int, Points] = field(default_factory=dict)
    halves: dict[str, tuple[int, Points]] = field(default_factory=dict)
    asked: tuple[Wanted, ...] = ()
    failed: bool = False


class OverlayRequests(QObject):
    """Wants the fields, differences, warped grids and the basin map that are looked at.

    A layer is asked for again when the model, the lane or the visible part of the plane changes,
    and not otherwise. Differences are computed at the timeline's t, the newest one first.
    """

    def __init__(
        self, store: Store, exchange: Exchange, playback: Playback, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._exchange, self._playback = store, exchange, playback
        self._view: Box = (-3.0, 3.0, -3.0, 3.0)
        self._box = _around(self._view)
        self._heats: dict[str, _Heat] = {}
        self._kinds: dict[str, Callable[[_Subject], Iterable[Wanted | Unavailable]]] = {
            "field": self._field,
            "warp": self._warp,
            "difference": self._difference,
        }
        self._settle_timer = single_shot(self, SETTLE_MS, self._settle)
        playback.t_changed.connect(self._on_time)

    @property
    def busy(self) -> bool:
        """Whether another part of the plane is about to be taken up."""
        return self._settle_timer.isActive()

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
        self._exchange.look()

    def _on_time(self, t: int) -> None:
        if self._heats:
            self._exchange.look()

    # What is wanted

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The layers of all lanes on show, and the map below the latents."""
        seen: set[str] = set()
        for lane in shown_lanes(self._store):
            subject = self._subject_of(lane)
            for kind, asked in self._kinds.items():
                if subject is not None and kind in overlays_of(self._store, lane.key):
                    seen.add(f"{kind}:{lane.key}")
                    yield from asked(subject)
        for key in [key for key in self._heats if f"difference:{key}" not in seen]:
            del self._heats[key]
        if "basin" in overlays_of(self._store, LATENT_KEY):
            yield self._basin()

    def _subject_of(self, lane: LaneSpec) -> _Subject | None:
        """None while its model is being opened, or has no states of the plane."""
        shown = self._store.get(MODEL)
        model = model_named(self._store, lane.checkpoint or shown.ref)
        if model is None or model.shape != shown.shape:
            return None
        own, timeline = model.schedule.timesteps, shown.schedule.timesteps
        return _Subject(lane.key, lane.reference(model), model.revision, own, timeline)

    def _wanted(
        self,
        kind: str,
        subject: _Subject,
        request: protocol.Request,
        arrays: Arrays,
        collect: Callable[[Any, AnyReport, Arrays], Any],
        **options: Any,
    ) -> Wanted:
        place = (subject.lane, kind)
        return Wanted(
            f"{kind}:{subject.lane}",
            request,
            partial(self._show, place),
            slot=f"{kind} {subject.lane}",
            arrays=arrays,
            revision=subject.revision,
            collect=collect,
            kin=(kind, subject),
            gone=partial(self._store.put, LAYERS, place, None),
            **options,
        )

    def _show(self, place: tuple[str, str], answer: Answer) -> None:
        if answer.status == "empty":
            self._store.put(LAYERS, place, None)
        elif answer.value is not None:
            self._store.put(LAYERS, place, answer.value)

    # Kinds of layers

    def _field(self, subject: _Subject) -> Iterable[Wanted]:
        points = _grid(self._box, COLUMNS, ROWS)
        places = self._times(subject)
        empty = FieldLayer(self._box, COLUMNS, points, {})

        def collect(layer: FieldLayer | None, message: AnyReport, arrays: Arrays) -> FieldLayer:
            layer = layer or empty
            if isinstance(message, protocol.FieldAt):
                return replace(layer, eps={**layer.eps, places[message.t]: arrays["eps"]})
            return layer

        request = protocol.Field(checkpoint=subject.ref, times=list(places))
        arrays = {"points": points}
        in_order = protocol.Field(checkpoint=subject.ref, times=sorted(places))
        same = (content_of(in_order, arrays, subject.revision), subject.shown)
        yield self._wanted("field", subject, request, arrays, collect, identity=same)

    def _warp(self, subject: _Subject) -> Iterable[Wanted]:
        steps = min(WARP_STEPS, subject.timesteps)

        def collect(layer: WarpLayer | None, message: AnyReport, arrays: Arrays) -> Any:
            if not isinstance(message, protocol.Frame):
                return layer
            if layer is None:
                times = tuple(self._on_timeline(t, subject) for t in message.times)
                layer = WarpLayer(Trajectory(times), WARP_POINTS)
            grown = layer.trajectory.with_frame(arrays["x"], arrays["x0"])
            return replace(layer, trajectory=grown)

        request = protocol.Sample(
            checkpoint=subject.ref, sampler=SamplerConfig(name="ddim", steps=steps)
        )
        arrays = {"latents": _lines()}
        same = (content_of(request, arrays, subject.revision), subject.shown)
        yield self._wanted("warp", subject, request, arrays, collect, identity=same)

    def _difference(self, subject: _Subject) -> Iterable[Wanted | Unavailable]:
        """Both halves at the time of the timeline, once the last ones have come."""
        key, box = subject.lane, self._box
        heat = self._heats.get(key)
        if heat is None or heat.subject != subject or heat.box != box:
            if heat is None or heat.subject != subject:
                empty = HeatLayer(box, {}, "error of the noise")
                self._store.put(LAYERS, (key, "difference"), empty)
            heat = self._heats[key] = _Heat(subject, box)
        halves = (f"difference:{key}", f"exact difference:{key}")
        if any(half in self._exchange.under_way for half in halves):
            yield from heat.asked
            return
        shown_at = round(self._playback.t)
        if shown_at in heat.values or heat.failed:
            yield from (Unavailable(half) for half in halves)
            return
        t = self._own_time(subject)
        width, height = _pixels(box, HEAT)
        exact = f"{EXACT}{subject.ref.removeprefix(EXACT)}"
        gone = partial(self._store.put, LAYERS, (key, "difference"), None)
        heat.asked = tuple(
            Wanted(
                half,
                protocol.Field(checkpoint=ref, times=[t]),
                partial(self._show_half, heat, half, shown_at),
                slot=f"difference {key} {name}",
                arrays={"points": _grid(box, width, height)},
                revision=subject.revision,
                collect=_eps,
                kin=subject,
                gone=gone,
            )
            for half, name, ref in zip(halves, ("own", "exact"), (subject.ref, exact), strict=True)
        )
        yield from heat.asked

    def _show_half(self, heat: _Heat, half: str, shown_at: int, answer: Answer) -> None:
        if answer.status == "failed":
            heat.failed = True  # until something else is asked for
        if answer.status != "done" or self._heats.get(heat.subject.lane) is not heat:
            return
        heat.halves[half] = (shown_at, answer.value)
        if len(heat.halves) < 2 or any(at != shown_at for at, _ in heat.halves.values()):
            return
        (_, one), (_, other) = heat.halves.values()
        heat.halves.clear()
        width, height = _pixels(heat.box, HEAT)
        error = np.linalg.norm(one - other, axis=1) / 2**0.5
        found = error.reshape(height, width).astype(np.float32)
        heat.values = {**heat.values, shown_at: found}
        layer = HeatLayer(heat.box, heat.values, "error of the noise")
        self._store.put(LAYERS, (heat.subject.lane, "difference"), layer)

    def _basin(self) -> Wanted:
        """A coarse map first, then a fine one; the fine one at once where it is known."""
        model, sampling = self._store.get(MODEL), self._store.get(SAMPLING)
        steps = min(sampling.steps or model.schedule.timesteps, model.schedule.timesteps)
        place = (model.ref, model.revision, steps, self._box)
        coarse, fine = (
            replace(self._basin_of(model, side, min(most, steps)), kin=place[:-1], place=place)
            for side, most in (BASIN_COARSE, BASIN_FINE)
        )
        shown = self._exchange.shown("basin")
        there = shown is not None and shown.place == place and self._has_basin
        return fine if there or self._exchange.remembers(fine) else coarse

    @property
    def _has_basin(self) -> bool:
        return self._store.at(LAYERS, (LATENT_KEY, "basin")) is not None

    def _basin_of(self, model: ModelInfo, side: int, steps: int) -> Wanted:
        box = self._box
        width, height = _pixels(box, side)

        def collect(layer: BasinLayer | None, message: AnyReport, arrays: Arrays) -> Any:
            if isinstance(message, protocol.Frame):
                return BasinLayer(box, arrays["x"].reshape(height, width, 2))
            return layer

        place = (LATENT_KEY, "basin")
        return Wanted(
            "basin",
            protocol.Sample(
                checkpoint=model.ref, sampler=SamplerConfig(name="ddim", steps=steps), last=True
            ),
            partial(self._show, place),
            arrays={"latents": _grid(box, width, height)},
            revision=model.revision,
            collect=collect,
            gone=partial(self._store.put, LAYERS, place, None),
        )

    # Time: a lane's own model may have another T than the timeline

    def _times(self, subject: _Subject) -> dict[int, int]:
        """The own times to ask for, coarse to fine, and where each is on the timeline."""
        if subject.timesteps <= subject.shown:
            first = self._own_time(subject)
            times = _coarse_to_fine(subject.timesteps, first)
            return {t: self._on_timeline(t, subject) for t in times}
        scale = subject.timesteps / subject.shown
        first = max(1, round(self._playback.t))
        return {round(t * scale): t for t in _coarse_to_fine(subject.shown, first)}

    def _own_time(self, subject: _Subject) -> int:
        scale = subject.timesteps / subject.shown
        return min(max(1, round(self._playback.t * scale)), subject.timesteps)

    def _on_timeline(self, t: int, subject: _Subject) -> int:
        return round(t * subject.shown / subject.timesteps)


def _eps(value: Any, message: AnyReport, arrays: Arrays) -> Any:
    return arrays["eps"] if isinstance(message, protocol.FieldAt) else value


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
