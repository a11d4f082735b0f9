"""What tiles and film strips ask the engine for."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.shared import catalogue, messages
from engine.shared.messages import Arrays
from toydiff_gui.controllers.geodesic import Between, GeodesicSearch
from toydiff_gui.controllers.lanes import lane_key, run_collector, shower
from toydiff_gui.controllers.models import Models
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Unavailable, Wanted
from toydiff_gui.modes.images.class_weights import asked_arrays, one_hot, path_weights
from toydiff_gui.modes.images.endpoints import (
    CLASSES,
    SAMPLER,
    SAMPLES_KEY,
    follow_tiles,
    place_defaults,
    tile_classes,
)
from toydiff_gui.modes.images.image_sets import root_of
from toydiff_gui.modes.images.kind import makes_images
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, ImageEnd
from toydiff_gui.state.lanes import LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import SEED

TILES = "tiles"
"""The exchange's key for them."""
STOPPED = "Stopped before the first images had come."


class ImageLanes(QObject):
    """Wants tiles first, then the strips of the lanes on show.

    What the user changes meanwhile about the path is not kept waiting for the tiles. Ends that are
    missing are taken from the tiles as soon as the first of them have come.

    Signals:
        busy_changed: whether tiles or strips are on their way, the first frame or not.
    """

    busy_changed = Signal(bool)

    def __init__(
        self,
        store: Store,
        exchange: Exchange,
        models: Models,
        geodesic: GeodesicSearch,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._exchange = store, exchange
        self._models, self._geodesic = models, geodesic
        self._tiles: Hashable = None
        self._hurried = self._placing = self._told_busy = False
        exchange.began.connect(self._on_came)
        exchange.ended.connect(self._on_came)
        exchange.changed.connect(self._tell_busy)
        store.changed(IMAGE_SAMPLING).connect(self._on_settings)
        store.changed(MODEL).connect(self._on_model)

    @property
    def busy(self) -> bool:
        """Whether tiles or strips are being computed or about to be."""
        return any(self._exchange.is_coming(key) for key in self._keys())

    def _keys(self) -> list[str]:
        return [TILES, *(lane_key(lane.key) for lane in shown_lanes(self._store))]

    def stop(self) -> None:
        """End all that is under way; what has come stays until the user changes something."""
        self._geodesic.stop()  # first: the strips would be asked along what it has found
        self._exchange.stop(self._keys(), STOPPED)

    # Changes

    def _on_model(self) -> None:
        """Ends and classes that do not suit another model go at once."""
        if makes_images(self._store.get(MODEL)):
            self._store.update(IMAGE_SAMPLING, **_suitable(self._store))

    def _on_settings(self) -> None:
        if self._placing or not makes_images(self._store.get(MODEL)):
            return
        if self._tiles == self._wanted_tiles().content:
            self._hurried = True  # the user has changed something about the strips
        self._place_ends()

    def _on_came(self, key: str) -> None:
        if key == TILES:
            self._place_ends()

    def _place_ends(self) -> None:
        self._placing = True
        follow_tiles(self._store)
        place_defaults(self._store)
        self._placing = False

    def _tell_busy(self) -> None:
        if self.busy != self._told_busy:
            self._told_busy = self.busy
            self.busy_changed.emit(self._told_busy)

    # What is wanted

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The tiles, and a strip for each lane that is drawn."""
        tiles = self._wanted_tiles()
        if tiles.content != self._tiles:
            self._tiles, self._hurried = tiles.content, False
        yield tiles
        for lane in shown_lanes(self._store):
            yield self._strip(lane)

    def _wanted_tiles(self) -> Wanted:
        store = self._store
        images, model = store.get(IMAGE_SAMPLING), store.get(MODEL)
        classes = tile_classes(store)
        told = any(number is not None for number in classes)
        lane = LaneSpec(SAMPLES_KEY, sampler=images.sampler)
        sampler = lane.sampler_config(images, model.schedule.timesteps)
        request = messages.Sample(
            checkpoint=model.ref,
            sampler=sampler,
            count=images.count,
            seed=images.seed,
            guidance=images.guidance if told else 1.0,
        )
        meta = {SEED: images.seed, SAMPLER: sampler.name, CLASSES: list(classes)}
        return Wanted(
            TILES,
            request,
            shower(store, SAMPLES_KEY),
            slot=SAMPLES_KEY,
            arrays=asked_arrays(one_hot(classes, len(model.labels))),
            revision=model.revision,
            collect=run_collector(meta),
            kin=model.ref,
        )

    def _strip(self, lane: LaneSpec) -> Wanted | Unavailable:
        store, key = self._store, lane_key(lane.key)
        images = store.get(IMAGE_SAMPLING)
        if images.a is None or images.b is None:
            return Unavailable(key)
        if (model := self._models.of_lane(lane)) is None:
            return Unavailable(key, partial(self._models.show_why_not, lane))
        given = self._given_latents(lane)
        if given is None:
            return Unavailable(key, partial(self._geodesic.show_in, lane))
        request, arrays = self._strip_request(lane, model, images.a, images.b, given)
        return Wanted(
            key,
            request,
            shower(store, lane.key),
            slot=lane.key,
            arrays=arrays,
            revision=model.revision,
            collect=run_collector({SEED: request.seed, "path": lane.path_name(images)}),
            kin=lane.reference(model),
            after=() if self._hurried else (TILES,),
        )

    def _given_latents(self, lane: LaneSpec) -> Arrays | None:
        """A geodesic to send along; None while it is not there, empty where none is needed."""
        images = self._store.get(IMAGE_SAMPLING)
        if images.fixed_noise or not catalogue.path(lane.path_name(images)).searched:
            return {}
        latents = self._geodesic.latents()
        return None if latents is None else {"latents": latents}

    def _strip_request(
        self, lane: LaneSpec, model: ModelInfo, a: ImageEnd, b: ImageEnd, given: Arrays
    ) -> tuple[messages.Sample | messages.Interpolate, Arrays]:
        store = self._store
        images, shown = store.get(IMAGE_SAMPLING), store.get(MODEL)
        path = "linear" if images.fixed_noise else lane.path_name(images)
        # An exact denoiser knows the images, and no classes.
        known = bool(model.labels) and model.labels == shown.labels and not lane.exact
        told = known and (images.class_a, images.class_b) != (None, None)
        arrays = asked_arrays(path_weights(store)) if told else {}
        common: dict[str, Any] = {
            "checkpoint": lane.reference(model),
            "sampler": lane.sampler_config(images, model.schedule.timesteps),
            "seed": images.seed if lane.seed is None else lane.seed,
            "guidance": images.guidance if told else 1.0,
            "data_root": root_of(store, model) if lane.exact else "",
        }
        if given:
            sample = messages.Sample(count=len(given["latents"]), **common)
            return sample, {**arrays, **given}
        arrays |= {"start": a.latents, "end": (a if images.fixed_noise else b).latents}
        row = catalogue.path(path)
        if images.c is not None and (row.way_points or row.sided):
            arrays["through"] = images.c.latents[None]
        interpolate = messages.Interpolate(
            points=images.path_images,
            path=path,
            even=images.even and not row.searched and not images.fixed_noise,
            **common,
        )
        return interpolate, arrays

    def between(self) -> Between | None:
        """What a geodesic would lead from and to; None while an end is missing."""
        images, model = self._store.get(IMAGE_SAMPLING), self._store.get(MODEL)
        if images.a is None or images.b is None:
            return None
        told = asked_arrays(path_weights(self._store))
        return Between(
            model.ref,
            model.revision,
            images.a.latents,
            images.b.latents,
            images.path_images,
            (images.a, images.b),
            told,
            images.guidance if told else 1.0,
        )

    def looks_at_geodesic(self) -> bool:
        """Whether a strip needs it."""
        images = self._store.get(IMAGE_SAMPLING)
        lanes = shown_lanes(self._store)
        return not images.fixed_noise and any(
            catalogue.path(lane.path_name(images)).searched for lane in lanes
        )


def _suitable(state: Store) -> dict[str, Any]:
    """Changes to the settings that make them fit the model: ends of its shape, classes it knows."""
    images, model = state.get(IMAGE_SAMPLING), state.get(MODEL)
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
