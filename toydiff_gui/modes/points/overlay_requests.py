"""What is laid over the lanes, as far as the engine has to compute it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from toydiff_gui.drawing.scene_parts import Box
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, content_of
from toydiff_gui.modes.points.compose import LATENT_KEY
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.overlays.computed import (
    Ask,
    Computed,
    ComputedInTime,
    Overlay,
    Sight,
    Subject,
)
from toydiff_gui.modes.points.scene import Layer
from toydiff_gui.modes.points.settings import LAYERS, SAMPLING, layer_of
from toydiff_gui.state.lanes import LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL, model_named
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.timers import single_shot
from toydiff_gui.state.view import overlays_of

ROOM = 1.25
"""How much more than the visible part of the plane is computed, so that one can pan a little."""
WIDE = 2.0
"""Of a box, width over height: plots are seldom wider."""
SETTLE_MS = 150


@dataclass
class _InTime:
    """A layer that has more and more times of the timeline, and what it waits for."""

    computed: ComputedInTime
    subject: Subject
    box: Box
    layer: Layer
    times: set[int] = field(default_factory=set)
    asked: tuple[Wanted, ...] = ()
    came: dict[int, tuple[int, Any]] = field(default_factory=dict)
    """What has come for a time, by its number among those asked for."""
    failed: bool = False

    def take(self, number: int, t: int, value: Any) -> bool:
        """Returns whether the layer has ``t`` with that."""
        self.came[number] = (t, value)
        if len(self.came) < len(self.asked) or any(at != t for at, _ in self.came.values()):
            return False
        values = tuple(self.came[number][1] for number in range(len(self.asked)))
        self.came.clear()
        self.times.add(t)
        self.layer = self.computed.add(self.layer, t, values)
        return True


class OverlayRequests(QObject):
    """Wants the layers that are looked at, as the table of overlays says.

    A layer is asked for again when the model, the lane or the visible part of the plane changes,
    and not otherwise. Those that are computed in time are at the timeline's t, the newest first.
    """

    def __init__(
        self, store: Store, exchange: Exchange, playback: Playback, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._exchange, self._playback = store, exchange, playback
        self._view: Box = (-3.0, 3.0, -3.0, 3.0)
        self._box = _around(self._view)
        self._in_time: dict[tuple[str, str], _InTime] = {}
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
        if self._in_time:
            self._exchange.look()

    # What is wanted

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """The layers of the latents and of all lanes on show."""
        seen: set[tuple[str, str]] = set()
        sight = self._sight
        for subject in self._subjects():
            kinds = overlays_of(self._store, subject.lane)
            over_latents = subject.lane == LATENT_KEY
            for row in table.OVERLAYS:
                if row.key not in kinds or row.over_latents != over_latents:
                    continue
                seen.add((subject.lane, row.key))
                yield from self._layer(row, subject, sight)
        for place in [place for place in self._in_time if place not in seen]:
            del self._in_time[place]

    @property
    def _sight(self) -> Sight:
        timesteps = self._store.get(MODEL).schedule.timesteps
        steps = self._store.get(SAMPLING).steps or timesteps
        return Sight(self._box, self._playback.t, min(steps, timesteps))

    def _subjects(self) -> Iterable[Subject]:
        shown = self._store.get(MODEL)
        timesteps = shown.schedule.timesteps
        for lane in shown_lanes(self._store):
            if (subject := self._subject_of(lane)) is not None:
                yield subject
        yield Subject(LATENT_KEY, shown.ref, shown.revision, timesteps, timesteps)

    def _subject_of(self, lane: LaneSpec) -> Subject | None:
        """None while its model is being opened, or has no states of the plane."""
        shown = self._store.get(MODEL)
        model = model_named(self._store, lane.checkpoint or shown.ref)
        if model is None or model.shape != shown.shape:
            return None
        own, timeline = model.schedule.timesteps, shown.schedule.timesteps
        return Subject(lane.key, lane.reference(model), model.revision, own, timeline)

    def _layer(
        self, row: Overlay, subject: Subject, sight: Sight
    ) -> Iterable[Wanted | Unavailable]:
        match row.computed:
            case Computed(asks):
                yield self._best_known(row.key, subject, asks(subject, sight))
            case ComputedInTime() as computed:
                yield from self._next_time(row.key, computed, subject, sight)

    def _wanted(self, kind: str, subject: Subject, ask: Ask) -> Wanted:
        place = (subject.lane, kind)
        alike = ask.request if ask.alike is None else ask.alike
        same = content_of(alike, ask.arrays, subject.revision)
        named = f"{kind} {ask.name}" if ask.name else kind
        return Wanted(
            f"{named}:{subject.lane}",
            ask.request,
            partial(self._show, place),
            slot=f"{kind} {subject.lane} {ask.name}".rstrip(),
            arrays=ask.arrays,
            revision=subject.revision,
            collect=ask.collect,
            kin=(kind, subject, ask.of),
            identity=(same, subject.shown),
            gone=partial(self._store.put, LAYERS, place, None),
        )

    def _show(self, place: tuple[str, str], answer: Answer) -> None:
        if answer.status == "empty":
            self._store.put(LAYERS, place, None)
        elif answer.value is not None:
            self._store.put(LAYERS, place, answer.value)

    # Complete with its answer

    def _best_known(self, kind: str, subject: Subject, asks: tuple[Ask, ...]) -> Wanted:
        """The next stage after the one on show; the last at once where it is known."""
        stages = [self._wanted(kind, subject, ask) for ask in asks]
        *coarser, last = stages
        if not coarser or self._exchange.remembers(last):
            return last
        shown = self._exchange.shown(last.key)
        if shown is None or layer_of(self._store, subject.lane, kind) is None:
            return stages[0]
        contents = [stage.content for stage in stages]
        there = contents.index(shown.content) + 1 if shown.content in contents else 0
        return stages[min(there, len(stages) - 1)]

    # One time after the other

    def _next_time(
        self, kind: str, computed: ComputedInTime, subject: Subject, sight: Sight
    ) -> Iterable[Wanted | Unavailable]:
        """All that is needed at the time of the timeline, once the last time has come."""
        place = (subject.lane, kind)
        known = self._in_time.get(place)
        is_other = known is None or known.subject != subject
        if known is None or is_other or known.box != sight.box:
            empty = computed.empty(sight.box)
            known = self._in_time[place] = _InTime(computed, subject, sight.box, empty)
        if is_other or layer_of(self._store, subject.lane, kind) is None:
            # None: it was taken away while another mode was on.
            self._store.put(LAYERS, place, known.layer)
        if any(want.key in self._exchange.under_way for want in known.asked):
            yield from known.asked
            return
        shown_at = round(sight.t)
        asked = tuple(self._wanted(kind, subject, ask) for ask in computed.asks(subject, sight))
        if shown_at in known.times or known.failed:
            yield from (Unavailable(want.key) for want in asked)
            return
        known.asked = tuple(
            replace(want, show=partial(self._show_part, place, known, number, shown_at))
            for number, want in enumerate(asked)
        )
        yield from known.asked

    def _show_part(
        self, place: tuple[str, str], known: _InTime, number: int, t: int, answer: Answer
    ) -> None:
        if answer.status == "failed":
            known.failed = True  # until something else is asked for
        is_newest = self._in_time.get(place) is known
        if answer.status == "done" and is_newest and known.take(number, t, answer.value):
            self._store.put(LAYERS, place, known.layer)


def _around(view: Box) -> Box:
    """A box with room about ``view``, as wide as the widest plots."""
    x0, x1, y0, y1 = view
    half = ROOM * max(y1 - y0, (x1 - x0) / WIDE) / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return (x - WIDE * half, x + WIDE * half, y - half, y + half)
