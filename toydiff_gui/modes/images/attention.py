"""Asks for the attention that is looked at, and for nothing while nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shared import messages
from engine.shared.messages import AnyReport, Arrays
from engine.shared.trajectory import Trajectory
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted
from toydiff_gui.modes.images.class_weights import asked_arrays, one_hot, path_weights
from toydiff_gui.modes.images.endpoints import tile_class
from toydiff_gui.modes.images.looked_at import LookedAtImage, pinned
from toydiff_gui.modes.images.settings import ATTENTION, IMAGE_CARD, AttentionRun
from toydiff_gui.state.model import MODEL, model_named
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import VIEW

MAX_BYTES = 256 * 2**20
"""What the weights of all times together may take; of more times some are left out.

The average, at least two times, and the time that is shown fit into it however large the engine
lets one be (``engine.analysis.attention_maps.MAX_MAP_BYTES``); else they would push each other out
for ever.
"""
NONE_THERE = "This network has no attention to look at."


KEY = "attention"
"""The exchange's key."""
Weights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Subject:
    """All that the weights depend on, but t."""

    ref: str
    revision: int
    layer: str
    trajectory: Trajectory
    index: int
    classes: NDArray[np.float32]
    timesteps: int

    def same(self, other: _Subject | None) -> bool:
        """Whether both would get the same weights; a run that has grown is the same run."""
        return (
            other is not None
            and self.trajectory.x[0] is other.trajectory.x[0]
            and self.trajectory.t == other.trajectory.t
            and (self.ref, self.revision, self.layer, self.index)
            == (other.ref, other.revision, other.layer, other.index)
            and np.array_equal(self.classes, other.classes)
        )


@dataclass(frozen=True)
class _Found:
    """What has come of a request: weights by the network's own t, and the layers that it has."""

    weights: Mapping[int, Weights] = field(default_factory=dict)
    layer: str = ""
    side: int = 0
    layers: tuple[tuple[str, int, int], ...] = ()


def _collect(found: _Found | None, message: AnyReport, arrays: Arrays) -> _Found:
    found = found or _Found()
    match message:
        case messages.AttentionAt():
            weights = {**found.weights, message.t: arrays["weights"]}
            return replace(found, weights=weights, layer=message.layer, side=message.side)
        case messages.Result():
            layers = message.info.get("layers", ())
            told = tuple((each["name"], each["side"], each["heads"]) for each in layers)
            return replace(found, layers=told)
    return found


class AttentionRequests:
    """Wants the time that is shown, and if an average is looked at all others after it.

    One request at a time: while the film plays, the time shown by then is asked for when the
    last has come.
    """

    def __init__(self, store: Store, exchange: Exchange, playback: Playback) -> None:
        self._store, self._exchange, self._playback = store, exchange, playback
        self._subject: _Subject | None = None
        self._asked: Wanted | None = None
        self._failed = False
        self._layers: dict[str, tuple[str, ...]] = {}
        """Names of each network's layers, once it has answered."""
        self._weights: dict[int, Weights] = {}
        self._ref = store.get(MODEL).ref
        playback.t_changed.connect(self._on_time)
        store.changed(MODEL).connect(self._on_model)

    @property
    def _looked_at(self) -> bool:
        store = self._store
        return store.get(VIEW).page == "explore" and store.get(IMAGE_CARD).face == "attention"

    def _on_time(self, t: int) -> None:
        if self._subject is not None:
            self._exchange.look()

    def _on_model(self) -> None:
        """Layers are another network's: begin with its first."""
        if self._store.get(MODEL).ref != self._ref:
            self._ref = self._store.get(MODEL).ref
            self._store.update(IMAGE_CARD, layer="", head=0, query=None)

    # What is wanted

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """Weights that are missing, those of the time that is shown first."""
        image = pinned(self._store) if self._looked_at else None
        if image is None:
            return
        if why := self._why_not(image):
            yield Unavailable(KEY, partial(self._say, why))
            return
        self._turn_to(self._subject_of(image))
        yield self._next() or Unavailable(KEY)

    def _reference(self, image: LookedAtImage) -> str:
        own = self._store.get(MODEL).ref
        return own if image.lane is None else image.lane.checkpoint or own

    def _why_not(self, image: LookedAtImage) -> str:
        """Why there is no attention to look at, '' if there is."""
        model = model_named(self._store, self._reference(image))
        if model is None or not model.attends or (image.lane is not None and image.lane.exact):
            return NONE_THERE
        if image.trajectory is self._store.get(TRAINING).preview:
            return "Attention can be looked at when the training has ended."
        return ""

    def _say(self, why: str) -> None:
        self._subject = None
        if self._store.get(ATTENTION).message != why:
            self._store.set(ATTENTION, AttentionRun(message=why))

    def _turn_to(self, subject: _Subject) -> None:
        """Begin anew where it is another that is looked at."""
        before, self._subject = self._subject, subject
        if subject.same(before):
            return
        known = before is not None and before.ref == subject.ref
        layers = self._store.get(ATTENTION).layers if known else ()
        self._weights, self._failed, self._asked = {}, False, None
        self._exchange.forget([KEY])  # an answer may be the same, and has to be shown once more
        self._store.set(ATTENTION, AttentionRun("running", layer=subject.layer, layers=layers))

    def _subject_of(self, image: LookedAtImage) -> _Subject:
        store, lane, ref = self._store, image.lane, self._reference(image)
        shown = store.get(MODEL)
        model = model_named(store, ref) or shown
        known = len(shown.labels)
        if lane is None:
            classes = one_hot([tile_class(store, image.index)], known)
        elif model.labels != shown.labels:  # it knows others, or none
            classes = np.zeros((1, 0), np.float32)
        else:
            rows = path_weights(store)
            classes = rows[[min(image.index, len(rows) - 1)]]
        return _Subject(
            ref,
            model.revision,
            self._layer_of(ref),
            image.trajectory,
            image.index,
            classes,
            model.schedule.timesteps,
        )

    def _layer_of(self, ref: str) -> str:
        """The layer that is wished for, '' for the first where the network has no such layer."""
        wished, known = self._store.get(IMAGE_CARD).layer, self._layers.get(ref)
        if known is None:
            return wished if ref == self._store.get(MODEL).ref else ""
        return wished if wished in known else ""

    def _next(self) -> Wanted | None:
        """First the time that is shown, then what is missing of the average."""
        subject = self._subject
        if subject is None or self._failed:
            return None
        if self._asked is not None and KEY in self._exchange.under_way:
            return self._asked
        trajectory = subject.trajectory
        steps = [k for k, t in enumerate(trajectory.t[: len(trajectory.x)]) if t >= 1]
        if not steps:
            return None
        shown_timesteps = self._store.get(MODEL).schedule.timesteps
        at = self._playback.t * subject.timesteps / shown_timesteps
        shown = min(steps, key=lambda k: abs(trajectory.t[k] - at))
        if self._missing(subject, shown):
            return self._ask(subject, [shown])
        if self._store.get(IMAGE_CARD).averaged and trajectory.complete:
            rest = [k for k in self._of_average(steps) if self._missing(subject, k)]
            if rest:
                return self._ask(subject, rest)
        return None

    def _missing(self, subject: _Subject, step: int) -> bool:
        return self._on_timeline(subject.trajectory.t[step]) not in self._weights

    def _of_average(self, steps: list[int]) -> list[int]:
        """The times to average over: all, or where they would take too much memory some."""
        size = max((weights.nbytes for weights in self._weights.values()), default=1)
        # Half of it: the times that are looked at besides must not push these out.
        most = max(2, MAX_BYTES // (2 * size))
        if len(steps) <= most:
            return steps
        return [steps[n] for n in np.linspace(0, len(steps) - 1, most).round().astype(int)]

    def _on_timeline(self, t: int) -> int:
        shown = self._store.get(MODEL).schedule.timesteps
        own = shown if self._subject is None else self._subject.timesteps
        return round(t * shown / own)

    def _ask(self, subject: _Subject, steps: list[int]) -> Wanted:
        request = messages.Attend(
            checkpoint=subject.ref,
            times=[subject.trajectory.t[k] for k in steps],
            layer=subject.layer,
        )
        states = np.stack([subject.trajectory.x[k][subject.index] for k in steps])
        self._asked = Wanted(
            KEY,
            request,
            partial(self._show, subject),
            arrays={**asked_arrays(subject.classes), "x": states},
            revision=subject.revision,
            collect=_collect,
            kin=KEY,
            gone=self._forget,
        )
        return self._asked

    # Answers

    def _show(self, subject: _Subject, answer: Answer) -> None:
        run = self._store.get(ATTENTION)
        if not subject.same(self._subject):
            return
        match answer.status:
            case "running" | "done" if answer.value is not None:
                self._keep(answer.value, whole=answer.status == "done")
            case "failed":
                self._failed = True
                self._store.set(ATTENTION, replace(run, status="failed", message=answer.message))
            case "lost":
                self._subject = None  # it is begun anew with the next engine
                self._store.set(ATTENTION, replace(run, status="failed", message=answer.message))

    def _keep(self, found: _Found, *, whole: bool) -> None:
        run = self._store.get(ATTENTION)
        for t, weights in found.weights.items():
            place = self._on_timeline(t)
            if self._weights.get(place) is weights:
                continue
            while self._weights and (len(self._weights) + 1) * weights.nbytes > MAX_BYTES:
                del self._weights[next(iter(self._weights))]
            self._weights[place] = weights
        if found.layers and self._subject is not None:
            self._layers[self._subject.ref] = tuple(name for name, _, _ in found.layers)
        changes: dict[str, Any] = {
            "layers": found.layers or run.layers,
            "weights": dict(self._weights),
        }
        if found.weights:
            changes |= {"layer": found.layer, "side": found.side, "message": ""}
        if whole:
            changes["status"] = "done"
        self._store.set(ATTENTION, replace(run, **changes))

    def _forget(self) -> None:
        """Nobody looks any more."""
        self._subject = self._asked = None
        self._weights = {}
        if self._store.get(ATTENTION) != AttentionRun():
            self._store.set(ATTENTION, AttentionRun())
