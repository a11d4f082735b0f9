"""Sees to it that the answers which are wanted are there: asks, supersedes, cancels, remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from engine.shared import messages
from engine.shared.messages import AnyReport, Arrays
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.remembered import Remembered
from toydiff_gui.engine_client.wanted import Answer, Part, Unavailable, Wanted
from toydiff_gui.state.timers import single_shot

FLUSH_MS = 15
"""What arrives within this time is shown together: there is no point in more repaints."""
STAGES = 4
"""So many answers that depend on one another are shown in one go, if all are remembered."""


@dataclass
class _Place:
    """How it stands at a key."""

    wanted: Wanted | None = None
    """What was asked for last, or served; None where it is to be asked for again."""
    job: int | None = None
    value: Any = None
    """Of ``wanted``, as far as it has come."""
    held: bool = False
    """What stands in is shown meanwhile."""
    failed: bool = False
    """It is not asked for again, by this engine."""
    shown: Wanted | None = None
    """What is to be seen there belongs to this."""
    newest: Wanted | None = None
    """What is wanted now, asked for or not; None while nothing can be."""
    settling: QTimer | None = None
    """Goes off when what is wanted has been the same for long enough."""


class Exchange(QObject):
    """Compares what is wanted with what is there and under way, whenever it is told to look.

    Signals:
        began: the first of an answer has come; its key.
        ended: an answer is complete or has failed; its key.
        changed: something has been asked for, or is not awaited any more.
        batch_ended: all coarse answers that were asked for together are complete; the key of the
            last, and the milliseconds they took.
        failed: a failure to tell the user.
    """

    began = Signal(str)
    ended = Signal(str)
    changed = Signal()
    batch_ended = Signal(str, float)
    failed = Signal(str)

    def __init__(
        self, client: Client, parent: QObject | None = None, remembered: Remembered | None = None
    ) -> None:
        super().__init__(parent)
        self._client = client
        self._remembered = Remembered() if remembered is None else remembered
        self._parts: tuple[Part, ...] = ()
        self._places: dict[str, _Place] = {}
        self._engine_ready = self._model_open = False
        self._showing = False
        self._dirty: set[str] = set()
        self._batch_began = QElapsedTimer()
        self._look_timer = single_shot(self, 0, self._look)
        self._flush_timer = single_shot(self, FLUSH_MS, self._flush)
        client.ready.connect(self._on_ready)
        client.died.connect(self._on_died)

    # Who wants what

    def set_parts(self, parts: Sequence[Part]) -> None:
        """From now on these say what is wanted; what no part wants any more is given up."""
        self._parts = tuple(parts)
        self.look_at_once()

    def look(self, *_: object) -> None:
        """See soon what is wanted now: something has changed."""
        if not self._showing and not self._look_timer.isActive():
            self._look_timer.start()

    def look_at_once(self) -> None:
        """What is there now belongs to something that is no more: it must not be seen again."""
        self._look_timer.stop()
        self._look()

    def set_model_open(self, is_open: bool) -> None:
        """Say whether the engine has opened the model on show."""
        self._model_open = is_open
        self.look_at_once()

    @property
    def busy(self) -> bool:
        """Whether something is on its way or about to be asked for."""
        timers = (self._look_timer, self._flush_timer)
        return (
            bool(self.under_way) or any(timer.isActive() for timer in timers) or bool(self.settling)
        )

    @property
    def settling(self) -> frozenset[str]:
        """Keys of what is asked for when it has been the same for a while."""
        timers = {key: place.settling for key, place in self._places.items()}
        return frozenset(key for key, timer in timers.items() if timer and timer.isActive())

    @property
    def under_way(self) -> frozenset[str]:
        """Keys of what has been asked for and has not ended."""
        return frozenset(key for key, place in self._places.items() if place.job is not None)

    def is_coming(self, key: str) -> bool:
        """Whether the answer at ``key`` is on its way or about to be asked for."""
        return key in self.under_way or self._look_timer.isActive()

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys at which anything is wanted."""
        return tuple(self._places)

    def leave(self, keys: Iterable[str]) -> None:
        """Give up what was wanted at ``keys``, whose owners are no more."""
        for key in list(keys):
            self._leave(key)

    def shown(self, key: str) -> Wanted | None:
        """What the answer that is to be seen at ``key`` belongs to."""
        place = self._places.get(key)
        return None if place is None else place.shown

    def remembers(self, want: Wanted) -> bool:
        """Whether an answer can be shown without asking."""
        return self._remembered.find(want.content) is not None

    def forget(self, keys: Iterable[str] | None = None) -> None:
        """Ask again for what stands at ``keys`` (None: everywhere), though nothing has changed."""
        for key in list(self._places) if keys is None else keys:
            if key in self._places:
                self._places[key].wanted = None
        self.look()

    def stop(self, keys: Iterable[str], why: str = "") -> None:
        """The user wants no more at ``keys`` until something changes; what has come stays."""
        wants = {want.key: want for part in self._parts for want in part.wanted()}
        for key in keys:
            want = wants.get(key)
            if not isinstance(want, Wanted):
                continue
            place = self._places.setdefault(key, _Place())
            before = place.wanted
            own = before is not None and before.content == want.content
            value = place.value if own and not place.held else None
            self._cancel(key)
            self._clean(key)
            place.wanted = place.newest = want
            if value is not None:
                place.shown = want
            self._tell(want, Answer("stopped", value, message=why))
        self.changed.emit()

    # Looking

    def _look(self) -> None:
        """What is remembered is shown at once, and what is wanted because of it as well."""
        for _ in range(STAGES):
            if not self._look_once():
                break
        else:
            self.look()
        self.changed.emit()

    def _look_once(self) -> bool:
        """Returns whether something remembered has been shown: others may depend on it."""
        wants = [want for part in self._parts for want in part.wanted()]
        keys = {want.key for want in wants}
        for key in [key for key in self._places if key not in keys]:
            self._leave(key)
        batch = self._coarse_under_way()
        found = False
        for want in wants:
            place = self._places.setdefault(want.key, _Place())
            if isinstance(want, Unavailable):
                self._cancel(want.key)
                place.wanted = place.newest = None
                self._guarded(want.show)
            elif self._serve(want, place, batch):
                found = True
        return found

    def _serve(self, want: Wanted, place: _Place, batch: bool) -> bool:
        """Returns whether something remembered has been shown."""
        if place.newest is None or place.newest.content != want.content:
            self._unsettle(place)
        place.newest = want
        before = place.wanted
        if before is not None and before.content == want.content:
            return False
        if want.coarse and before is not None and before.place == want.place is not None:
            return False  # a hand that rests needs no other steps
        if (known := self._remembered.find(want.content)) is not None:
            self._cancel(want.key)
            place.wanted = place.shown = want
            place.value, place.held = known.value, False
            self._tell(want, known)
            self.ended.emit(want.key)
            return True
        if not self._engine_ready or (want.needs_model and not self._model_open):
            return False
        if want.coarse and batch:
            return False  # one batch at a time, or a fast hand would starve the picture
        if before is not None and (want.kin is None or before.kin != want.kin):
            self._cancel(want.key)  # what still comes of it must not be seen
        if place.shown is not None and (want.kin is None or place.shown.kin != want.kin):
            place.shown = None
            self._tell(want, Answer("empty"))
        if any(key in self.under_way for key in want.after):
            self._cancel(want.key)
            place.wanted = None
            self._tell(want, Answer("running"))
            return False
        if want.idle and self._somebody_waits():
            self._cancel(want.key)
            return False
        if want.pause_ms and not self._has_settled(want, place):
            return False
        self._ask(want, place)
        return False

    def _ask(self, want: Wanted, place: _Place) -> None:
        self._cancel(want.key)
        if not want.idle:
            self._give_up_idle()
        if want.coarse and not self._coarse_under_way():
            self._batch_began.start()
        before = place.shown
        same_place = before is not None and before.coarse and before.place == want.place
        place.wanted, place.value, place.failed = want, None, False
        place.held = want.coarse or (want.holds is not None and same_place)
        key = want.key
        if before is None:
            self._tell(want, Answer("running"))
        place.job = self._client.ask(
            msgspec.structs.replace(want.request, slot=want.slot or key),
            want.arrays,
            report=lambda message, arrays: self._on_report(key, message, arrays),
            done=lambda message, arrays: self._on_done(key, message, arrays),
            failed=lambda message: self._on_failed(key, message),
        )

    def _cancel(self, key: str) -> None:
        place = self._places[key]
        if place.job is not None:
            job, place.job = place.job, None
            place.wanted = None
            self._client.cancel(job)

    def _leave(self, key: str) -> None:
        """Nobody wants to see it any more."""
        self._cancel(key)
        place = self._places.pop(key)
        self._unsettle(place)
        self._clean(key)
        last = place.newest or place.shown
        if last is not None:
            self._guarded(last.gone)

    def _coarse_under_way(self) -> bool:
        return any(
            place.job is not None and place.wanted is not None and place.wanted.coarse
            for place in self._places.values()
        )

    # Pauses, and work for idle moments

    def _somebody_waits(self) -> bool:
        return any(
            place.job is not None and place.wanted is not None and not place.wanted.idle
            for place in self._places.values()
        )

    def _give_up_idle(self) -> None:
        for key, place in self._places.items():
            if place.job is not None and place.wanted is not None and place.wanted.idle:
                self._cancel(key)  # it is asked for again when nobody waits any more

    def _has_settled(self, want: Wanted, place: _Place) -> bool:
        if place.settling is None:
            place.settling = single_shot(self, want.pause_ms, self.look)
            place.settling.start()
        return not place.settling.isActive()

    def _unsettle(self, place: _Place) -> None:
        if place.settling is not None:
            place.settling.stop()
            place.settling.deleteLater()
            place.settling = None

    # Answers

    def _on_report(self, key: str, message: AnyReport, arrays: Arrays) -> None:
        place = self._places[key]
        want = place.wanted
        if want is None:
            return
        first = place.value is None
        place.value = want.collect(place.value, message, arrays)
        if place.held and not want.coarse and want.holds is not None:
            place.held = want.holds(place.value)
        if first:
            if not place.held:
                self._show(place)
            self.began.emit(key)
            self.look()
        elif not place.held:
            self._dirty.add(key)
            if not self._flush_timer.isActive():
                self._flush_timer.start()

    def _tell(self, want: Wanted, answer: Answer) -> None:
        self._guarded(lambda: want.show(answer))

    def _guarded(self, show: Callable[[], None]) -> None:
        """What is put into the store meanwhile is no reason to look again."""
        before, self._showing = self._showing, True
        try:
            show()
        finally:
            self._showing = before

    def _show(self, place: _Place) -> None:
        if place.wanted is not None:
            place.shown = place.wanted
            self._tell(place.wanted, Answer("running", place.value))
            if place.wanted.stirs:
                self.look()

    def _clean(self, key: str) -> None:
        """Nothing of it waits to be shown any more."""
        self._dirty.discard(key)
        if not self._dirty:
            self._flush_timer.stop()  # or it would go off for nothing

    def _flush(self) -> None:
        """Show what has arrived since the last time."""
        dirty, self._dirty = self._dirty, set()
        for key in dirty:
            place = self._places.get(key)
            if place is not None and place.job is not None and not place.held:
                self._show(place)

    def _on_done(self, key: str, message: messages.Result, arrays: Arrays) -> None:
        place = self._places[key]
        want, place.job = place.wanted, None
        if message.cancelled or want is None:  # by the engine, for a newer one
            place.wanted = None
            self.changed.emit()
            return
        place.value = want.collect(place.value, message, arrays)
        answer = Answer("done", place.value, message.seconds)
        if want.keep and not want.coarse:
            self._remembered.add(want.content, answer)
        place.shown, place.held = want, False
        self._clean(key)
        self._tell(want, answer)
        self._end(key, want)

    def _on_failed(self, key: str, failure: messages.Failure) -> None:
        place = self._places[key]
        want, place.job = place.wanted, None
        if want is None:
            return
        place.failed = True
        place.shown, place.held = want, False
        self._clean(key)
        self._tell(want, Answer("failed", None, message=failure.message))
        if not want.quiet:
            self.failed.emit(failure.message)
        self._end(key, want)

    def _end(self, key: str, want: Wanted) -> None:
        if want.coarse and not self._coarse_under_way():
            self.batch_ended.emit(key, float(self._batch_began.elapsed()))
        self.ended.emit(key)
        self.look()

    # The engine

    def _on_ready(self, _: object) -> None:
        self._engine_ready = True
        self.look()

    def _on_died(self, why: str) -> None:
        """What has come stays; what has not is asked for again when the next engine is there."""
        self._engine_ready = self._model_open = False
        self._dirty.clear()
        self._flush_timer.stop()
        for place in self._places.values():
            if place.failed or place.job is not None:
                place.wanted, place.failed, place.job = None, False, None
            if place.newest is not None and place.wanted is None:
                value = None if place.held else place.value
                self._tell(place.newest, Answer("lost", value, message=why))
        self.changed.emit()
