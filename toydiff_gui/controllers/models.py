"""Opens checkpoints: the one on show, and those that single lanes use."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QObject, Signal

from engine.datasets.images import info_of
from engine.shared import messages
from engine.shared.config import TrainingConfig
from engine.shared.messages import AnyReport, Arrays
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneRun, LaneSpec, shown_lanes
from toydiff_gui.state.model import (
    MODEL,
    MODEL_FAULTS,
    MODEL_REF,
    ModelInfo,
    model_named,
    remember_model,
    show_model,
)
from toydiff_gui.state.model_refs import program_file, state_on_disk
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.programs import may_open
from toydiff_gui.state.store import Settings, Store
from toydiff_gui.state.training import TRAINING

NOT_RUN = "Not opened: {} is a program. To run it, choose it again as this lane's denoiser."


class Models(QObject):
    """Opens the model on show when it is told to, and others as lanes name them.

    Signals:
        opened: another model is shown, or the same with new weights; its reference.
        could_not_open: a reference that opens nothing.
    """

    opened = Signal(str)
    could_not_open = Signal(str)

    def __init__(
        self,
        store: Store,
        client: Client,
        exchange: Exchange,
        playback: Playback,
        *,
        describe: Callable[[ModelInfo], str],
        elsewhere: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """``describe`` says in words what states a model makes.

        ``elsewhere``: the engine is on another machine, whose files are not seen from here.
        """
        super().__init__(parent)
        self._store, self._client, self._exchange = store, client, exchange
        self._playback, self._elsewhere, self._describe = playback, elsewhere, describe
        self._opening: dict[int, str] = {}
        self._last_opening: int | None = None
        self._lost = ""
        """What the engine was opening to be shown when it died."""
        self._shown_is_open = False
        """Whether this engine has opened the model on show."""
        self._known: dict[str, tuple[object, dict[str, Any]]] = {}
        """What the engine said of a reference, and what was on the disk then."""
        self._revisions: dict[str, int] = {}
        self._asked: set[str] = set()
        """Programs of lanes about which the user was asked."""
        self._chosen = store.get(MODEL_REF)
        """What is on show, or the last that is to be opened instead."""
        store.prepare = self._prepare
        store.changed(MODEL_REF).connect(self._on_chosen)
        client.ready.connect(self._on_ready)
        client.died.connect(self._on_died)

    @property
    def is_opening(self) -> bool:
        """Whether a model is being opened to be shown."""
        return bool(self._opening)

    def open(self, ref: str) -> None:
        """Sample from the checkpoint ``ref`` when the engine has opened it.

        The one that was asked for last counts, in whatever order they come. What the engine has
        opened before, and what has not changed since, is shown at once. A program that the user has
        not let run is not opened.
        """
        if not may_open(self._store, ref):
            self._store.program_asked.emit(ref, True)
            return
        self._choose(ref)
        found = self._on_disk(ref)
        known = self._known.get(ref)
        if found is not None and known is not None and known[0] == found:
            self._last_opening = None
            self._show(ref, known[1])
            return
        self._last_opening = job = self._client.ask(
            messages.Open(checkpoint=ref),
            done=lambda message, _: self._on_opened(message, found),
            failed=self._on_failed,
        )
        self._opening[job] = ref

    def _choose(self, ref: str) -> None:
        self._chosen = ref
        coming = self._store.coming
        if coming is not None and coming.get(MODEL_REF) != ref:
            self._store.drop()  # another model is wanted instead
        self._store.set(MODEL_REF, ref)

    def _keep_shown(self) -> None:
        """What was chosen cannot be opened."""
        self._last_opening = None
        self._choose(self._store.get(MODEL).ref)

    def _on_chosen(self) -> None:
        """Open what somebody else has set, once there is an engine."""
        ref = self._store.get(MODEL_REF)
        if ref == self._chosen:
            return
        if not may_open(self._store, ref):
            self._keep_shown()
            self._store.program_asked.emit(ref, True)
        elif self._store.get(ENGINE).status == "starting":
            self._chosen = ref
        elif self._store.get(ENGINE).status == "dead":
            self._keep_shown()
            self._store.post("Opening needs the engine, which is not ready.", error=True)
        else:
            self.open(ref)

    def _prepare(self, settings: Settings) -> bool:
        """Settings are of a model: it is opened before they hold."""
        ref = settings.get(MODEL_REF)
        self._store.set(MODEL_REF, ref)
        return self._store.coming is not None and ref == self._store.get(MODEL).ref

    def _on_disk(self, ref: str) -> object:
        """What tells whether the weights behind ``ref`` are still the same; None: nothing does."""
        return state_on_disk(ref, is_here=not self._elsewhere)

    def _on_opened(self, message: messages.Result, found: object) -> None:
        ref = self._opening.pop(message.job)
        if message.cancelled:
            if message.job == self._last_opening:
                self._keep_shown()
            return
        self._known[ref] = (found, message.info)
        self._revisions[ref] = self._revisions.get(ref, -1) + 1
        if message.job == self._last_opening:
            self._show(ref, message.info)

    def _show(self, ref: str, info: dict[str, Any]) -> None:
        """With the settings that come for it, if any do."""
        self._store.proceed(lambda: self._put_on_show(ref, info))
        self._learn_last_step(self._store.get(MODEL))
        self._exchange.set_model_open(True)
        self.opened.emit(ref)

    def _put_on_show(self, ref: str, info: dict[str, Any]) -> None:
        model = model_info(ref, info, self._revisions[ref])
        self._playback.set_timesteps(model.schedule.timesteps)
        if ref != self._store.get(MODEL).ref:
            for lane in self._store.get(LANES):
                self._store.put(LANE_RUNS, lane.key, None)  # what is there is of another model
        self._lost, self._shown_is_open = "", True
        show_model(self._store, model)

    def _learn_last_step(self, model: ModelInfo) -> None:
        """A training that is stopped has gone on since its last report; its model says how far."""
        training = self._store.get(TRAINING)
        if model.ref == training.folder and not training.active:
            self._store.set(TRAINING, replace(training, step=model.trained_steps))

    def _on_failed(self, failure: messages.Failure) -> None:
        ref = self._opening.pop(failure.job)
        was_last = failure.job == self._last_opening
        if was_last:
            self._keep_shown()
        self._store.post(failure.message, error=True)
        self.could_not_open.emit(ref)
        shown = self._store.get(MODEL).ref
        if was_last and self._last_opening is None and not self._shown_is_open and ref != shown:
            self.open(shown)

    def _on_ready(self, _: object) -> None:
        self._asked.clear()
        self.open(self._store.get(MODEL_REF))

    def _on_died(self, why: str) -> None:
        lost = "" if self._last_opening is None else self._opening.get(self._last_opening, "")
        if lost and lost == self._lost:
            # What two engines have died of in a row would end the next one as well.
            self._lost = ""
            self._keep_shown()
        else:
            self._lost = lost
        self._shown_is_open = False
        self._opening.clear()
        self._known.clear()

    # Models of single lanes

    def wanted(self) -> Iterable[Wanted | Unavailable]:
        """What lanes need to know of checkpoints of their own."""
        store = self._store
        refs = {lane.checkpoint for lane in shown_lanes(store) if lane.checkpoint is not None}
        for ref in sorted(refs - {store.get(MODEL).ref}):
            key = f"model:{ref}"
            if self._may_not_run(ref):
                self._ask_once(ref)
                continue
            if model_named(store, ref) is not None and key not in self._exchange.keys:
                continue  # it has been on show

            def show(answer: Answer, ref: str = ref) -> None:
                if answer.status == "done":
                    revision = self._revisions.setdefault(ref, 0)
                    remember_model(store, model_info(ref, answer.value, revision))
                store.put(MODEL_FAULTS, ref, answer.message or None)

            yield Wanted(
                key,
                messages.Open(checkpoint=ref),
                show,
                slot=ref,
                collect=_info,
                keep=False,
                needs_model=False,
                gone=partial(store.put, MODEL_FAULTS, ref, None),
            )

    def _may_not_run(self, ref: str) -> bool:
        return model_named(self._store, ref) is None and not may_open(self._store, ref)

    def _ask_once(self, ref: str) -> None:
        """Ask whether a lane's program may run, once for each engine."""
        if ref not in self._asked:
            self._asked.add(ref)
            self._store.program_asked.emit(ref, False)

    def of_lane(self, lane: LaneSpec) -> ModelInfo | None:
        """What a lane samples from; None while that is being opened, or if it cannot be."""
        shown = self._store.get(MODEL)
        model = model_named(self._store, lane.checkpoint or shown.ref)
        return model if model is not None and model.shape == shown.shape else None

    def show_why_not(self, lane: LaneSpec) -> None:
        """Say in the lane's run why it samples from nothing."""
        shown, ref = self._store.get(MODEL), lane.checkpoint or ""
        model = model_named(self._store, ref)
        why = self._store.at(MODEL_FAULTS, ref)
        if self._may_not_run(ref):
            why = NOT_RUN.format(program_file(ref).name)
        elif model is not None and model.shape != shown.shape:
            why = f"{Path(ref).name} makes {self._describe(model)}, not {self._describe(shown)}"
        run = LaneRun(status="failed", message=why) if why else LaneRun(status="running")
        before = self._store.at(LANE_RUNS, lane.key)
        if (before.status, before.message, before.trajectory) != (run.status, run.message, None):
            self._store.put(LANE_RUNS, lane.key, run)


def _info(value: Any, message: AnyReport, arrays: Arrays) -> Any:
    return message.info if isinstance(message, messages.Result) else value


def _labels(config: TrainingConfig) -> tuple[str, ...]:
    """The classes that a network knows; numbers where their names are not known."""
    known = config.unet.classes if config.unet is not None else 0
    named = info_of(config).labels if known else ()
    return named if len(named) == known else tuple(f"Class {n}" for n in range(known))


def model_info(ref: str, info: dict[str, Any], revision: int) -> ModelInfo:
    """What the engine has said of a checkpoint."""
    config = msgspec.convert(info["config"], TrainingConfig)
    return ModelInfo(
        ref=ref,
        dataset=config.dataset,
        schedule=config.schedule,
        trained_steps=info["step"],
        mean=tuple(info["mean"]),
        std=tuple(info["std"]),
        revision=revision,
        shape=tuple(info.get("shape") or (len(info["mean"]),)),
        labels=_labels(config),
        attends=config.unet is not None and not info.get("network"),  # which is none of ours
        network=str(info.get("network", "")),
        kind=str(info.get("kind") or config.resolved_kind),
    )
