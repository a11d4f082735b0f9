"""Turns what the user sets into requests, and the engine's answers into what is seen.

Lanes are asked for when something they depend on has changed. While an endpoint is dragged they
are asked for with few steps, one batch at a time and always for the newest position; on release
with all steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QObject, Signal

from engine import catalogue, protocol
from engine.config import SamplerConfig, TrainingConfig
from engine.datasets.images import info_of
from engine.protocol import Arrays, Packet
from engine.trajectory import Trajectory
from toydiff_gui.composer import LATENT_KEY
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_data import data_root
from toydiff_gui.image_ends import SEED
from toydiff_gui.pathfinder import Pathfinder
from toydiff_gui.playback import Playback
from toydiff_gui.runs import Runs
from toydiff_gui.state import (
    AppState,
    EngineStatus,
    LaneRun,
    LaneSpec,
    ModelInfo,
    Sampling,
    TrainingRun,
)
from toydiff_gui.streams import Stream, Streams
from toydiff_gui.timers import single_shot

COARSE_STEPS, FEWEST_COARSE_STEPS, FIRST_COARSE_STEPS = 20, 6, 12
"""While dragging: evaluations for a lane at most, at least, and before the pace is known."""
BATCH_MS = 50.0
"""What all lanes together may take: the picture follows the hand within a tenth of a second."""


@dataclass(frozen=True)
class _Wish:
    """All that a lane's trajectory depends on: an equal wish needs no new request."""

    ref: str
    revision: int
    sampler: SamplerConfig
    sampling: Sampling
    given: int = 0
    """Which of the latents that are sent along: the geodesic's or the user's own."""

    def same_but_steps(self, other: _Wish) -> bool:
        """Whether both are the same place, in however many steps."""
        sampler = replace(self.sampler, steps=other.sampler.steps)
        return replace(self, sampler=sampler) == other


class Conductor(QObject):
    """Keeps the lanes true to the state, and runs trainings.

    Signals:
        model_opened: another model is shown; its reference.
        runs_changed: there is another training to choose from, which is not opened.
        jobs_finished: counts up with every request that has ended (for tests and benchmarks).
    """

    model_opened = Signal(str)
    runs_changed = Signal()
    jobs_finished = Signal(int)

    def __init__(
        self,
        state: AppState,
        link: EngineLink,
        playback: Playback,
        runs: Runs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._playback, self._runs = state, link, playback, runs
        self.pathfinder = Pathfinder(state, link, self)
        self._streams = Streams(state, link, playback, self)
        self._opening: dict[int, str] = {}
        self._last_opening: int | None = None
        self._opening_other: dict[int, str] = {}
        self._not_there: dict[str, str] = {}
        self._training_job: int | None = None
        self._training_folder: Path | None = None
        self._coarse_evaluations = FIRST_COARSE_STEPS
        self._batch_began = QElapsedTimer()
        self._finished = 0
        self._refresh_timer = single_shot(self, 0, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        link.reconnecting.connect(self._on_reconnecting)
        state.set_engine(EngineStatus(host=self._host))
        self._streams.began.connect(self._on_began)
        self._streams.ended.connect(self._on_ended)
        self.pathfinder.preview_changed.connect(self._show_preview)
        self.pathfinder.path_changed.connect(self._refresh_timer.start)
        state.inversion_changed.connect(self._refresh_timer.start)
        state.sampling_changed.connect(self._refresh_timer.start)
        state.lanes_changed.connect(self._forget_removed)
        state.lanes_changed.connect(self._refresh_timer.start)
        state.model_changed.connect(self._refresh_timer.start)
        state.dragging_changed.connect(self._refresh_timer.start)

    @property
    def busy(self) -> bool:
        """Whether lanes are being computed or about to be."""
        return bool(self._streams.under_way) or self._refresh_timer.isActive()

    # Models

    def open_model(self, ref: str) -> None:
        """Ask the engine for the checkpoint ``ref`` and sample from it when it is there.

        The one that was asked for last counts, in whatever order they come.
        """
        job = self._last_opening = self._link.next_job()
        self._opening[job] = ref
        self._link.send(Packet(protocol.Open(job=job, checkpoint=ref)))

    def _open_other(self, ref: str) -> None:
        """Ask what a checkpoint is that a single lane uses."""
        if ref not in self._opening_other.values():
            job = self._link.next_job()
            self._opening_other[job] = ref
            self._link.send(Packet(protocol.Open(job=job, checkpoint=ref)))

    def _opened_other(self, ref: str, info: dict[str, Any]) -> None:
        known = self._state.other_model(ref)
        self._state.set_other_model(_model_info(ref, info, 0 if known is None else known.revision))
        self._refresh_timer.start()

    def _opened(self, ref: str, info: dict[str, Any]) -> None:
        model = _model_info(ref, info, 0)
        if ref == self._state.model.ref:
            model = replace(model, revision=self._state.model.revision + 1)
        if ref != self._state.model.ref:
            for lane in self._state.lanes:
                self._streams.cancel(lane.key)
                self._state.set_run(lane.key, LaneRun())  # what is there is of another model
        self._not_there.pop(ref, None)
        self._playback.set_timesteps(model.schedule.timesteps)
        self._streams.forget_all()
        self._state.set_model(model)
        self._learn_last_step(model)
        self._refresh_timer.start()
        self.model_opened.emit(ref)

    def _learn_last_step(self, model: ModelInfo) -> None:
        """A training that is stopped has gone on since its last report; its model says how far."""
        training = self._state.training
        if model.ref == training.folder and not training.active:
            self._state.set_training(replace(training, step=model.trained_steps))

    # Lanes

    def _refresh(self) -> None:
        """Ask for what has changed since it was last asked for."""
        if self._state.engine.status != "ready" or self._state.model.images:
            return
        dragging = self._state.dragging
        if dragging and any(stream.coarse for stream in self._streams.under_way):
            return  # one batch at a time, or a fast hand would starve the picture
        shown = {lane.key for lane in self._state.shown_lanes}
        for key in self._streams.keys - shown:
            self._streams.cancel(key)
        if dragging:
            self._batch_began.start()
        for lane in self._state.shown_lanes:
            self._ask_for(lane, dragging)

    def _ask_for(self, lane: LaneSpec, coarse: bool) -> None:
        sampling = self._state.sampling
        if (model := self.model_of(lane)) is None:
            self._streams.cancel(lane.key)
            return
        sampler = lane.sampler_config(sampling, model.schedule.timesteps)
        if coarse:
            sampler = self._coarse(sampler)
        latents, given = self._given_latents(lane)
        if given is None:  # they are being looked for, or were not found
            self._streams.cancel(lane.key)
            if why := self._why_not_given():
                self._state.set_run(lane.key, LaneRun(status="failed", message=why))
            return
        relevant = _relevant(lane, sampling)
        wish = _Wish(lane.reference(model), model.revision, sampler, relevant, given)
        before, run = self._streams.wish(lane.key), self._state.run(lane.key)
        if before == wish or (coarse and before is not None and before.same_but_steps(wish)):
            return  # a hand that rests needs no other steps
        if before is not None and before.sampling.mode != sampling.mode:
            run = LaneRun()  # a path is no set of samples: show nothing rather than one as both
        if before is not None and before.ref != wish.ref:
            run = LaneRun()  # it is of another model
        # After a drag the same places come again in full: do not fall back to noise meanwhile.
        same_place = before is not None and run.coarse and before.sampling == relevant
        if run.trajectory is None and self._state.run(lane.key).trajectory is not None:
            self._state.set_run(lane.key, run)
        stream = Stream(lane.key, wish, coarse, held=coarse or same_place)
        self._streams.ask(stream, self._request(self._link.next_job(), lane.key, wish, latents))

    def model_of(self, lane: LaneSpec) -> ModelInfo | None:
        """What a lane samples from; None while that is being opened, or if it cannot be.

        The lane's run says so then.
        """
        ref = lane.checkpoint or self._state.model.ref
        model, why = self._state.other_model(ref), self._not_there.get(ref)
        if model is not None and model.shape != self._state.model.shape:
            why = f"{Path(ref).name} makes {_states_of(model)}, not {_states_of(self._state.model)}"
            model = None
        elif model is None and why is None:  # not asked again at every move
            self._open_other(ref)
            self._state.set_run(lane.key, LaneRun(status="running"))
            return None
        if model is None:
            self._state.set_run(lane.key, LaneRun(status="failed", message=why or ""))
        return model

    def _coarse(self, sampler: SamplerConfig) -> SamplerConfig:
        """The same sampler with so few steps that the lanes keep up with the hand."""
        most = self._coarse_evaluations
        each = catalogue.sampler(sampler.name).evaluations  # of a step
        most = (most + each - 1) // each
        return replace(sampler, steps=min(sampler.steps or most, most))

    def _learn_pace(self) -> None:
        """Fit the number of steps to what the batch that has just been shown has taken."""
        took = max(1.0, self._batch_began.elapsed())
        if took > BATCH_MS:
            fitting = int(self._coarse_evaluations * BATCH_MS / took)
            self._coarse_evaluations = max(FEWEST_COARSE_STEPS, fitting)
        elif took < 0.8 * BATCH_MS:
            self._coarse_evaluations = min(COARSE_STEPS, self._coarse_evaluations + 1)

    def _given_latents(self, lane: LaneSpec) -> tuple[NDArray[np.float32] | None, int | None]:
        """Latents to send along with the request, and their number; (None, None): not yet there.

        (None, 0) where the engine draws them or finds the path.
        """
        sampling = self._state.sampling
        if sampling.mode == "inverted":
            latents = self._state.inversion.latents
            return (latents, None if latents is None else id(latents))
        if sampling.mode == "interpolation" and lane.path_name(sampling) == "geodesic":
            latents = self.pathfinder.latents()
            return (latents, None if latents is None else self.pathfinder.version)
        return None, 0

    def _request(
        self, job: int, key: str, wish: _Wish, latents: NDArray[np.float32] | None
    ) -> Packet:
        sampling = wish.sampling
        if latents is None and sampling.mode == "interpolation":
            arrays = {
                "start": np.asarray(sampling.a, np.float32),
                "end": np.asarray(sampling.b, np.float32),
            }
            if sampling.through:
                arrays["through"] = np.asarray(sampling.through, np.float32)
            request = protocol.Interpolate(
                job=job,
                slot=key,
                checkpoint=wish.ref,
                sampler=wish.sampler,
                points=sampling.path_points,
                path=sampling.path,
                side=sampling.side,
                even=sampling.even,
                seed=sampling.seed,
            )
            return Packet(request, arrays)
        return Packet(
            protocol.Sample(
                job=job,
                slot=key,
                checkpoint=wish.ref,
                sampler=wish.sampler,
                count=sampling.count,
                seed=sampling.seed,
            ),
            {} if latents is None else {"latents": latents},
        )

    def _show_preview(self) -> None:
        """What a few steps make of the best path so far, in the lanes that wait for it."""
        preview, sampling, model = self.pathfinder.preview, self._state.sampling, self._state.model
        if preview is None or sampling.mode != "interpolation" or model.images:
            return
        for lane in self._state.shown_lanes:
            if catalogue.sampler(lane.sampler).random:
                continue  # the preview is of a deterministic sampler
            if lane.path_name(sampling) == "geodesic" and lane.reference(model) == model.ref:
                run = LaneRun(trajectory=preview, status="running", coarse=True)
                self._state.set_run(lane.key, run)

    def _forget_removed(self) -> None:
        """A lane that comes later may have the same key."""
        known = {lane.key for lane in self._state.lanes}
        self._streams.remove_others(known)
        used = {lane.checkpoint for lane in self._state.lanes}
        for ref in set(self._not_there) - used:  # whoever chooses it again may have put it back
            del self._not_there[ref]

    def _on_began(self, stream: Stream) -> None:
        if stream.wish.sampling.mode != "interpolation" and stream.trajectory is not None:
            self._state.set_run(LATENT_KEY, LaneRun(latents=stream.trajectory.x[0], status="done"))

    def _on_ended(self, stream: Stream) -> None:
        if self._ends_batch(stream) and self._state.run(stream.key).status == "done":
            self._learn_pace()

    def _ends_batch(self, stream: Stream) -> bool:
        """Whether no coarse lane is left on its way; then the hand may have moved on meanwhile."""
        if not stream.coarse or any(other.coarse for other in self._streams.under_way):
            return False
        self._refresh_timer.start()
        return True

    def _why_not_given(self) -> str:
        """Why there will be no latents to start from; empty while they may yet come."""
        if self._state.sampling.mode == "inverted":
            inversion = self._state.inversion
            return inversion.message if inversion.status == "failed" else ""
        search = self._state.geodesic
        return search.message if search.status in ("failed", "stopped") else ""

    def _other_failed(self, ref: str, message: str) -> None:
        self._not_there[ref] = message
        for lane in self._state.lanes:
            if lane.checkpoint == ref:
                self._state.set_run(lane.key, LaneRun(status="failed", message=message))
        self._state.post(message, error=True)

    # Training

    @property
    def can_continue(self) -> bool:
        """Whether 'Train' would go on with the training that the current model comes from."""
        if self._state.training.active:
            return False
        config = self._state.training_config
        folder = self._runs.known(self._state.model.ref)
        if folder is None:
            return False
        stored = self._runs.config(folder)
        return stored is not None and replace(config, steps=stored.steps) == stored

    def train(self) -> None:
        """Train with the state's configuration: on from the current model where that fits."""
        if self._state.engine.status != "ready" or self._training_job is not None:
            return
        config, resume = self._state.training_config, self.can_continue
        try:
            if resume:
                folder = Path(self._state.model.ref)
                self._require_all_of(folder)
                total = self._state.model.trained_steps + config.steps
                asked = replace(config, steps=total)
            else:
                folder, asked = self._runs.new_folder(config), config
            if self._link.address is not None:
                self._runs.mark_away(folder, str(self._link.address))
        except (OSError, ValueError) as error:
            self._state.post(f"cannot begin a training: {error}", error=True)
            return
        job = self._link.next_job()
        self._training_job, self._training_folder = job, folder
        before = self._state.training if resume else TrainingRun()
        self._state.set_training(
            replace(
                before,
                status="starting",
                total=asked.steps,
                elapsed=0.0,
                remaining=None,
                preview=None,
                folder=str(folder),
                config=asked,
                beside=self._state.model.ref,
            )
        )
        request = protocol.Train(
            job=job,
            config=asked,
            out=str(folder),
            resume=resume,
            data_root=data_root(self._state, asked) if asked.images else "",
        )
        self._link.send(Packet(request))

    def _require_all_of(self, folder: Path) -> None:
        """Raises ``ValueError`` while the engine has more of a training than there is here.

        What is here would replace it. Whoever goes on elsewhere wants that no more.
        """
        there = self._runs.away_at(folder)
        if there and there == str(self._link.address):
            raise ValueError(
                f"what the engine on {self._host} has learned meanwhile in {folder.name!r} has not "
                "been fetched yet"
            )
        if there:
            self._runs.mark_home(folder)

    def pause(self) -> None:
        """Hold the training."""
        self._tell_training(protocol.Pause, "running", "paused")

    def resume(self) -> None:
        """Let the training go on."""
        self._tell_training(protocol.Resume, "paused", "running")

    def stop(self) -> None:
        """End the training; what was learned is saved."""
        if self._training_job is not None and self._state.training.status != "stopping":
            self._link.send(Packet(protocol.Cancel(job=self._training_job)))
            self._state.set_training(replace(self._state.training, status="stopping"))

    def _tell_training(self, message: Any, expected: str, status: Any) -> None:
        if self._training_job is not None and self._state.training.status == expected:
            self._link.send(Packet(message(job=self._training_job)))
            self._state.set_training(replace(self._state.training, status=status))

    def _on_snapshot(self, message: protocol.Snapshot, arrays: Arrays) -> None:
        if message.job != self._training_job:
            return
        before = self._state.training
        preview = before.preview
        if "x" in arrays:  # costly samples do not come with every report
            times = [int(t) for t in arrays["t"]]
            preview = Trajectory(times, list(arrays["x"]), list(arrays["x0"]), self._preview_meta())
        self._state.set_training(
            replace(
                before,
                status="running" if before.status == "starting" else before.status,
                step=message.step,
                total=message.total,
                elapsed=message.elapsed,
                remaining=message.remaining,
                steps=np.concatenate([before.steps, arrays["steps"]]),
                losses=np.concatenate([before.losses, arrays["losses"]]),
                quality=message.values,
                preview=preview,
                mean=tuple(np.asarray(arrays.get("mean", before.mean)).tolist()),
                std=tuple(np.asarray(arrays.get("std", before.std)).tolist()),
            )
        )

    def _preview_meta(self) -> dict[str, Any]:
        """The latents of the preview are drawn from the training's seed."""
        config = self._state.training.config
        return {} if config is None else {SEED: config.seed}

    def _training_ended(self, status: Any, message: str = "") -> None:
        folder, self._training_job = self._training_folder, None
        self._state.set_training(replace(self._state.training, status=status, remaining=None))
        if message:
            self._state.post(message, error=status == "failed")
        config = self._state.training.config
        if folder is not None and status == "done":
            self._runs.mark_home(folder)
        if folder is not None and self._runs.has_checkpoint(folder):
            self._runs.remember(folder)
            same_mode = config is None or config.images == self._state.model.images
            if same_mode and not self._opening:
                self.open_model(str(folder))
            else:  # nobody is taken to the other mode unasked, or away from what was just chosen
                self.runs_changed.emit()
                self._state.post(f"The training has ended; its model is in the list: {folder.name}")
        elif folder is not None and not self._runs.is_away(folder):
            self._runs.discard(folder)

    # The engine

    def restart_engine(self) -> None:
        """Start a new engine after the old one has died."""
        if self._state.engine.status == "dead":
            self._state.set_engine(EngineStatus("starting", host=self._host))
            self._link.start()

    def give_up(self) -> None:
        """Try no more to reach an engine on another machine."""
        self._link.give_up()

    @property
    def _host(self) -> str:
        return "" if self._link.address is None else self._link.address.login

    def _on_reconnecting(self, how: str) -> None:
        self._state.set_engine(EngineStatus("starting", message=how, host=self._host))

    def _on_packet(self, packet: Packet) -> None:
        match packet.message:
            case protocol.Frame():
                self._streams.handle(packet)
            case protocol.Snapshot() as message:
                self._on_snapshot(message, packet.arrays)
            case protocol.Result() as message:
                self._on_result(message, packet)
            case protocol.Failure() as message:
                self._on_failure(message, packet)
            case protocol.Ready() as message:
                devices = tuple(message.devices)
                self._state.set_engine(
                    EngineStatus("ready", message.device, devices, host=self._host)
                )
                self.open_model(self._state.model.ref)

    def _on_result(self, message: protocol.Result, packet: Packet) -> None:
        if message.job == self._training_job:
            self._training_ended("done")
        elif message.job in self._opening:
            ref = self._opening.pop(message.job)
            if not message.cancelled and message.job == self._last_opening:
                self._opened(ref, message.info)
        elif message.job in self._opening_other:
            ref = self._opening_other.pop(message.job)
            if not message.cancelled:
                self._opened_other(ref, message.info)
        else:
            self._streams.handle(packet)
        self._count_finished()

    def _on_failure(self, message: protocol.Failure, packet: Packet) -> None:
        if message.job == self._training_job:
            self._training_ended("failed", f"The training has ended: {message.message}")
        elif message.job in self._opening:
            ref = self._opening.pop(message.job)
            self._runs.forget(ref)
            self._state.post(message.message, error=True)
        elif message.job in self._opening_other:
            self._other_failed(self._opening_other.pop(message.job), message.message)
        elif not self._streams.handle(packet) and message.internal:
            self._state.post(message.message, error=True)
        self._count_finished()

    def _count_finished(self) -> None:
        self._finished += 1
        self.jobs_finished.emit(self._finished)

    def _on_died(self, why: str) -> None:
        self._opening.clear()
        self._opening_other.clear()
        self._not_there.clear()
        self._state.set_engine(EngineStatus("dead", message=why, host=self._host))
        self._streams.on_died(why)
        for lane in self._state.lanes:  # those that waited for their model
            run = self._state.run(lane.key)
            if run.status == "running":
                self._state.set_run(lane.key, replace(run, status="failed", message=why))
        if self._training_job is not None:
            folder, self._training_job = self._training_folder, None
            if folder is not None and self._runs.is_away(folder):
                self._state.post(
                    f"The training on {self._host} has ended with the connection. The engine there "
                    "saves it, and it is fetched when the connection stands again.",
                    error=True,
                )
            elif folder is not None and self._runs.has_checkpoint(folder):
                self._runs.remember(folder)  # as far as it was saved, it can be opened
                self.runs_changed.emit()
            elif folder is not None:
                self._runs.discard(folder)
            self._state.set_training(replace(self._state.training, status="failed", remaining=None))


def _relevant(lane: LaneSpec, sampling: Sampling) -> Sampling:
    """Only what a lane depends on: eta or the count of the other mode must not wake it."""
    seed = sampling.seed if lane.seed is None else lane.seed
    relevant = replace(sampling, steps=None, eta=0.0, seed=seed)
    if sampling.mode != "interpolation":
        return replace(
            relevant,
            count=sampling.count if sampling.mode == "samples" else 1,
            path_points=2,
            a=(0.0, 0.0),
            b=(0.0, 0.0),
            path="linear",
            side="left",
            even=False,
            through=(),
        )
    path = lane.path_name(sampling)
    row = catalogue.path(path)
    return replace(
        relevant,
        count=1,
        path=path,
        side=sampling.side if row.sided else "left",
        even=sampling.even and not row.searched,
        through=sampling.through if row.way_points else (),
    )


def _states_of(model: ModelInfo) -> str:
    if not model.images:
        return "points in the plane"
    channels, height, width = model.shape
    return f"{'grey' if channels == 1 else 'colour'} images of {height} x {width}"


def _labels(config: TrainingConfig) -> tuple[str, ...]:
    """The classes that a network knows; numbers where their names are not known."""
    known = config.unet.classes if config.unet is not None else 0
    named = info_of(config).labels if known else ()
    return named if len(named) == known else tuple(f"Class {n}" for n in range(known))


def _model_info(ref: str, info: dict[str, Any], revision: int) -> ModelInfo:
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
    )
