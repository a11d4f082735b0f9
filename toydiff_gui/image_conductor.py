"""Keeps tiles and film strips true to the state while the model makes images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine import catalogue, protocol
from engine.config import PathName, SamplerConfig
from engine.protocol import Packet
from toydiff_gui.conductor import Conductor
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_classes import asked_arrays, one_hot, path_weights, tile_classes
from toydiff_gui.image_data import root_of
from toydiff_gui.image_ends import CLASSES, SAMPLER, SAMPLES_KEY, SEED, follow_tiles, place_defaults
from toydiff_gui.playback import Playback
from toydiff_gui.state import AppState, ImageEnd, LaneRun, LaneSpec, ModelInfo
from toydiff_gui.streams import Stream, Streams
from toydiff_gui.timers import single_shot

STOPPED = "Stopped before the first images had come."


@dataclass(frozen=True)
class _Tiles:
    """All that the tiles depend on."""

    ref: str
    revision: int
    sampler: SamplerConfig
    count: int
    seed: int
    classes: tuple[int | None, ...]
    guidance: float


@dataclass(frozen=True)
class _Strip:
    """All that a strip depends on; ``given`` is the number of the geodesic that it starts from.

    ``data_root``: where the images of an exact denoiser are.
    """

    ref: str
    revision: int
    sampler: SamplerConfig
    seed: int
    a: ImageEnd
    b: ImageEnd
    c: ImageEnd | None
    path: PathName
    points: int
    even: bool
    classes: tuple[int | None, int | None]
    guidance: float
    given: int = 0
    data_root: str = ""


class ImageConductor(QObject):
    """Asks for tiles first, then for strips, and again when something they depend on has changed.

    What the user changes meanwhile about the path is not kept waiting for the tiles.

    Signals:
        busy_changed: whether tiles or strips are on their way, the first frame or not.
    """

    busy_changed = Signal(bool)

    def __init__(
        self,
        state: AppState,
        link: EngineLink,
        playback: Playback,
        conductor: Conductor,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._conductor = state, link, conductor
        self._pathfinder = conductor.pathfinder
        self._streams = Streams(state, link, playback, self)
        self._ref = ""
        self._strips_wait = False
        self._placing = False
        self._told_busy = False
        self._timer = single_shot(self, 0, self._on_timer)
        self._streams.began.connect(self._on_began)
        self._streams.ended.connect(self._on_ended)
        self._streams.under_way_changed.connect(self._tell_busy)
        link.received.connect(self._streams.handle)
        link.died.connect(self._streams.on_died)
        self._pathfinder.preview_changed.connect(self._show_preview)
        self._pathfinder.path_changed.connect(self._timer.start)
        state.images_changed.connect(self._on_images)
        state.lanes_changed.connect(self._forget_removed)
        state.model_changed.connect(self._on_model)
        # Not when an engine comes up: it opens the model first.
        for signal in (
            state.lanes_changed,
            state.model_changed,
            state.others_changed,
            state.image_data_changed,  # for the images of an exact denoiser
        ):
            signal.connect(self._timer.start)

    @property
    def busy(self) -> bool:
        """Whether tiles or strips are being computed or about to be."""
        return bool(self._streams.under_way) or self._timer.isActive()

    def stop(self) -> None:
        """End all that is under way; what has come stays until the user changes something."""
        state = self._state
        if not state.model.images:
            return
        self._pathfinder.stop()  # first: the strips would be asked along what it has found
        shown = {lane.key for lane in state.shown_lanes}
        for key in self._streams.keys - shown - {SAMPLES_KEY}:
            self._streams.cancel(key)
        self._streams.stop(SAMPLES_KEY, self._tiles_wish(), STOPPED)
        self._strips_wait = False
        for lane in state.shown_lanes:
            # Those that waited for the tiles as well: they would begin now.
            self._streams.stop(lane.key, self._present_wish(lane), STOPPED)

    # Changes

    def _on_model(self) -> None:
        """What is there of another model goes at once; ends and classes that do not suit as well.

        New weights behind the same name are asked again, whatever is on its way.
        """
        model = self._state.model
        if model.ref != self._ref or not model.images:
            for key in self._streams.keys:
                self._streams.cancel(key)
            self._state.set_run(SAMPLES_KEY, LaneRun())
        self._ref = model.ref
        self._streams.forget_all()
        if model.images:
            self._state.update_images(**_suitable(self._state))

    def _on_images(self) -> None:
        if not self._placing and self._streams.wish(SAMPLES_KEY) == self._tiles_wish():
            self._strips_wait = False  # the user has changed something about the strips
        self._timer.start()

    def _forget_removed(self) -> None:
        self._streams.remove_others({SAMPLES_KEY, *(lane.key for lane in self._state.lanes)})

    def _on_timer(self) -> None:
        self._refresh()
        self._tell_busy()

    def _tell_busy(self) -> None:
        if self.busy != self._told_busy:
            self._told_busy = self.busy
            self.busy_changed.emit(self._told_busy)

    def _refresh(self) -> None:
        """Ask for what has changed since it was last asked for."""
        if self._state.engine.status != "ready" or not self._state.model.images:
            return
        self._ask_tiles()
        self._place_defaults()
        shown = {lane.key for lane in self._state.shown_lanes}
        for key in self._streams.keys - shown - {SAMPLES_KEY}:
            self._streams.cancel(key)
        for lane in self._state.shown_lanes:
            self._ask_strip(lane)

    # Tiles

    def _tiles_wish(self) -> _Tiles:
        state, images, model = self._state, self._state.images, self._state.model
        timesteps = model.schedule.timesteps
        classes = tile_classes(state)
        told = any(number is not None for number in classes)
        lane = LaneSpec(SAMPLES_KEY, sampler=images.sampler)
        sampler = lane.sampler_config(images, timesteps)
        guidance = images.guidance if told else 1.0
        return _Tiles(
            model.ref, model.revision, sampler, images.count, images.seed, classes, guidance
        )

    def _ask_tiles(self) -> None:
        wish = self._tiles_wish()
        if self._streams.wish(SAMPLES_KEY) == wish:
            return
        self._strips_wait = True
        request = protocol.Sample(
            job=self._link.next_job(),
            slot=SAMPLES_KEY,
            checkpoint=wish.ref,
            sampler=wish.sampler,
            count=wish.count,
            seed=wish.seed,
            guidance=wish.guidance,
        )
        arrays = asked_arrays(one_hot(wish.classes, len(self._state.model.labels)))
        meta = {SEED: wish.seed, SAMPLER: wish.sampler.name, CLASSES: list(wish.classes)}
        stream = Stream(SAMPLES_KEY, wish, meta=meta)
        self._streams.ask(stream, Packet(request, arrays))

    def _on_began(self, stream: Stream) -> None:
        """The first frame is shown at once, and has what A and B may be taken from."""
        run = LaneRun(trajectory=stream.trajectory, status="running")
        self._state.set_run(stream.key, run)
        if stream.key == SAMPLES_KEY:
            self._place_defaults()

    def _place_defaults(self) -> None:
        self._placing = True
        follow_tiles(self._state)
        place_defaults(self._state)
        self._placing = False

    def _on_ended(self, stream: Stream) -> None:
        if stream.key == SAMPLES_KEY:
            self._strips_wait = False
            self._timer.start()

    # Strips

    def _ask_strip(self, lane: LaneSpec) -> None:
        images, key = self._state.images, lane.key
        if images.a is None or images.b is None:
            self._streams.cancel(key)
            return
        if (model := self._conductor.model_of(lane)) is None:
            self._streams.cancel(key)
            return
        if self._strips_wait and key not in self._streams.keys:
            if self._state.run(key).trajectory is None:
                self._state.set_run(key, LaneRun(status="running"))
            return
        wish, latents = self._strip_wish(lane, model, images.a, images.b)
        if wish is None:
            self._streams.cancel(key)
            search = self._state.geodesic
            if search.status in ("failed", "stopped") and search.message:
                self._state.set_run(key, LaneRun(status="failed", message=search.message))
            return
        before = self._streams.wish(key)
        if before == wish:
            return
        if self._strips_wait:  # the one on its way is of older settings
            self._streams.cancel(key)
            return
        if before is not None and before.ref != wish.ref:
            self._state.set_run(key, LaneRun())  # it is of another model
        meta = {SEED: wish.seed, "path": wish.path}
        stream = Stream(key, wish, meta=meta)
        self._streams.ask(stream, self._strip_request(key, wish, latents))

    def _present_wish(self, lane: LaneSpec) -> _Strip | None:
        """What a strip would be asked for now; None for nothing."""
        a, b, model = self._state.images.a, self._state.images.b, self._conductor.model_of(lane)
        if a is None or b is None or model is None:
            return None
        return self._strip_wish(lane, model, a, b)[0]

    def _strip_wish(
        self, lane: LaneSpec, model: ModelInfo, a: ImageEnd, b: ImageEnd
    ) -> tuple[_Strip | None, NDArray[np.float32] | None]:
        """What a strip is to show, and the latents to send if it starts from a geodesic.

        None while those are not there.
        """
        images = self._state.images
        path = lane.path_name(images)
        # An exact denoiser knows the images, and no classes.
        known = bool(model.labels) and model.labels == self._state.model.labels and not lane.exact
        classes = (images.class_a, images.class_b) if known else (None, None)
        latents, given = None, 0
        if images.fixed_noise:
            path, b = "linear", a
        elif catalogue.path(path).searched:
            latents, given = self._pathfinder.latents(), self._pathfinder.version
            if latents is None:
                return None, None
        row = catalogue.path(path)
        wish = _Strip(
            lane.reference(model),
            model.revision,
            lane.sampler_config(images, model.schedule.timesteps),
            images.seed if lane.seed is None else lane.seed,
            a,
            b,
            images.c if row.way_points or row.sided else None,
            path,
            images.path_images,
            images.even and not row.searched and not images.fixed_noise,
            classes,
            images.guidance if classes != (None, None) else 1.0,
            given,
            root_of(self._state, model) if lane.exact else "",
        )
        return wish, latents

    def _strip_request(self, key: str, wish: _Strip, latents: NDArray[np.float32] | None) -> Packet:
        arrays: dict[str, NDArray[np.float32]] = {}
        if wish.classes != (None, None):
            arrays = asked_arrays(path_weights(self._state))
        job = self._link.next_job()
        if latents is not None:
            sample = protocol.Sample(
                job=job,
                slot=key,
                checkpoint=wish.ref,
                sampler=wish.sampler,
                count=len(latents),
                seed=wish.seed,
                guidance=wish.guidance,
                data_root=wish.data_root,
            )
            return Packet(sample, arrays | {"latents": latents})
        arrays |= {"start": wish.a.latents, "end": wish.b.latents}
        if wish.c is not None:
            arrays["through"] = wish.c.latents[None]
        interpolate = protocol.Interpolate(
            job=job,
            slot=key,
            checkpoint=wish.ref,
            sampler=wish.sampler,
            points=wish.points,
            path=wish.path,
            even=wish.even,
            seed=wish.seed,
            guidance=wish.guidance,
            data_root=wish.data_root,
        )
        return Packet(interpolate, arrays)

    def _show_preview(self) -> None:
        """What a few steps make of the best geodesic so far, in the strips that wait for it."""
        preview, state = self._pathfinder.preview, self._state
        if preview is None or not state.model.images:
            return
        for lane in state.shown_lanes:
            waits = (
                lane.path_name(state.images) == "geodesic" and lane.key not in self._streams.keys
            )
            own = lane.reference(state.model) == state.model.ref
            # Of a random sampler a few steps of DDIM are no preview.
            if waits and own and not catalogue.sampler(lane.sampler).random:
                run = LaneRun(trajectory=preview, status="running", coarse=True)
                state.set_run(lane.key, run)


def _suitable(state: AppState) -> dict[str, Any]:
    """Changes to the settings that make them fit the model: ends of its shape, classes it knows."""
    images, model = state.images, state.model
    known = len(model.labels)
    changes: dict[str, Any] = {}
    for name in ("a", "b", "c"):
        end = getattr(images, name)
        if end is None or end.latents.shape == model.shape:
            continue
        changes[name] = None
    for name in ("class_a", "class_b"):
        number = getattr(images, name)
        if number is not None and number >= known:
            changes[name] = None
            end = changes.get(name[-1], getattr(images, name[-1]))
            if end is not None and end.asked_class is not None:
                changes[name[-1]] = replace(end, asked_class=None)
    if images.tile_class is not None and (
        not known or (images.tile_class != "each" and images.tile_class >= known)
    ):
        changes["tile_class"] = None
    kept = tuple(
        (tile, number) for tile, number in images.tile_classes if number is None or number < known
    )
    if kept != images.tile_classes:
        changes["tile_classes"] = kept
    return changes
