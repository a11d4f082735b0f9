"""The engine behind a window: a loop over generators.

Every job is a generator that yields after at most one evaluation of a network. The loop takes one
item from a running job at a time and reads messages in between, so cancelling is dropping a
generator, and there are no locks. Jobs share the time, not the turns: whoever has had least of it
goes on, and what only adorns a picture gets less. Requests that somebody waits for go before
training, which still keeps a fifth of the time.
"""

from __future__ import annotations

import math
import queue
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import engine
from engine.analysis.attention_maps import attention_layers, attention_maps, chosen_layer
from engine.analysis.evaluation import Stage, evaluate, nearness_of
from engine.checkpoints.checkpoint import Checkpoint, asdict_plain, load_checkpoint, locate
from engine.checkpoints.classes import AlongPath
from engine.checkpoints.networks import NETWORKS
from engine.devices import available_devices, choose_device
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser, Prediction
from engine.diffusion.inversion import invert_stepwise
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import (
    DDIM,
    Frame,
    check_finite,
    check_states,
    make_sampler,
    sample,
    sample_stepwise,
)
from engine.image_files.places import root_of
from engine.paths.latents import path_latents
from engine.service.jobs import image_sets
from engine.service.jobs.diagnosis import diagnose
from engine.service.jobs.paths import compare_paths, find_path
from engine.service.remote_files import RemoteFiles
from engine.shared import messages
from engine.shared.config import (
    EXACT,
    MAX_POINTS,
    MAX_TIMESTEPS,
    SamplerConfig,
    require_between,
    sampler_times,
)
from engine.shared.messages import Arrays, Packet
from engine.shared.trajectory import check_sizes, packed
from engine.shared.work import reported, silently
from engine.training.preview import Values, preview_for
from engine.training.runs import open_run, train_stepwise
from engine.training.trainer import Trainer

TRAINING_SHARE = 0.2
NO_FILES = "this engine sends and takes no files: its window is on the same machine"

MICRO_BATCH = 16
"""Images that a training takes at once, so that a request is answered between them."""

Work = Generator[Packet | image_sets.Waiting | None, None, Packet]
"""A job: reports on the way (None: nothing to report), the final report at the end."""

Inbox = queue.SimpleQueue["Packet | None"]
"""What the window has sent; None is the end of its input."""


SEARCH_WEIGHT, BACKGROUND_WEIGHT = 3.0, 0.2
"""The share of a search, which lanes wait for, and of what adorns a picture (fields, maps, tables),
where that of a lane is 1."""
MOST_LAG = 0.05
"""Seconds that others may catch up with a job that has had a long item."""


@dataclass
class _Job:
    request: messages.Request
    work: Work
    turn: float
    """The time it has had, over its weight: the job with the least goes on."""
    started: float = field(default_factory=time.perf_counter)
    begun: bool = False
    paused: bool = False
    waiting: bool = False
    """Somebody else works for it, and will wake it by a ``Resume``."""

    @property
    def weight(self) -> float:
        match self.request:
            case messages.FindPath():
                return SEARCH_WEIGHT
            case messages.Field() | messages.ComparePaths() | messages.Diagnose():
                return BACKGROUND_WEIGHT
            case messages.Sample(last=True):
                return BACKGROUND_WEIGHT
        return 1.0

    @property
    def training(self) -> bool:
        return isinstance(self.request, messages.Train)


class _GoneError(Exception):
    """Nobody listens any more."""


class Service:
    """Runs the requests that come into ``inbox`` and reports to ``send``, until the input ends.

    ``send`` may raise ``OSError`` when nobody listens any more: the service then saves what runs
    and ends.
    """

    def __init__(
        self,
        inbox: Inbox,
        send: Callable[[Packet], None],
        device: torch.device | None = None,
        files: RemoteFiles | None = None,
    ) -> None:
        self._inbox, self._write, self._files = inbox, send, files
        self._device = device or choose_device()
        self._jobs: dict[int, _Job] = {}
        self._turn: deque[int] = deque()
        self._owed = 0.0  # seconds that training must still get for those that others took
        self._open = True
        self._checkpoints: dict[tuple[str, str], tuple[float, Checkpoint]] = {}
        self._live: tuple[Trainer, int, Checkpoint] | None = None
        self._trainer: Trainer | None = None

    def run(self) -> None:
        """The loop; returns when the input has ended and everything is saved."""
        try:
            self._send(
                Packet(
                    messages.Ready(
                        version=engine.__version__,
                        device=str(self._device),
                        devices=available_devices(),
                    )
                )
            )
            while self._read_messages():
                if job := self._next_job():
                    self._advance(job)
        except _GoneError:
            pass  # what runs is saved below
        finally:
            self._close_all()

    def _send(self, packet: Packet) -> None:
        try:
            self._write(packet)
        except OSError as error:
            raise _GoneError from error

    # Messages

    def _read_messages(self) -> bool:
        """Handle what has come in, waiting if nothing runs; False when it is time to end."""
        while self._open:
            try:
                packet = self._inbox.get(block=self._next_job() is None)
            except queue.Empty:
                return True
            if packet is None:
                self._open = False
            else:
                self._handle(packet)
        return False

    def _handle(self, packet: Packet) -> None:
        match packet.message:
            case messages.Shutdown():
                self._open = False
            case messages.Cancel(job=number):
                if number in self._jobs:
                    self._end_early(number)
            case messages.Pause(job=number) | messages.Resume(job=number):
                held = isinstance(packet.message, messages.Pause)
                if number in self._jobs and self._jobs[number].training:
                    self._jobs[number].paused = held
                elif number in self._jobs and not held:
                    self._jobs[number].waiting = False
            case messages.Deliver() as message:
                self._deliver(message, packet.arrays)
            case messages.Request() as request:
                self._start(request, packet.arrays)
            case other:
                self._fail(other.job, f"not a request: {type(other).__name__}")

    def _deliver(self, message: messages.Deliver, arrays: Arrays) -> None:
        """Keep a file at once: requests that come after it need it."""
        try:
            if self._files is None:
                raise ValueError(NO_FILES)
            self._files.deliver(message.path, _sent(arrays, "content"))
        except (ValueError, OSError) as error:
            self._fail(message.job, str(error))

    def _fetch(self, request: messages.Fetch) -> Work:
        if self._files is None:
            raise ValueError(NO_FILES)
        yield None
        content = self._files.fetch(request.path)
        found = {} if content is None else {"content": content}
        return Packet(messages.Result(job=request.job), found)

    def _start(self, request: messages.Request, arrays: Arrays) -> None:
        if request.job in self._jobs:
            self._fail(request.job, f"job {request.job} is running: a request needs its own number")
            return
        if self._files is not None:
            try:
                request = self._files.resolved(request)
            except (ValueError, OSError) as error:
                self._fail(request.job, str(error))
                return
        training = any(job.training for job in self._jobs.values())
        if isinstance(request, messages.Train) and training:
            self._fail(request.job, "a training is already running; stop it first")
            return
        for number, job in list(self._jobs.items()):
            if type(job.request) is type(request) and job.request.slot == request.slot:
                self._end_early(number)
        begin = min((job.turn for job in self._jobs.values()), default=0.0)
        self._jobs[request.job] = _Job(request, self._work(request, arrays), begin)
        self._turn.append(request.job)

    def _work(self, request: messages.Request, arrays: Arrays) -> Work:
        match request:
            case messages.Open():
                return self._describe(request)
            case messages.Train():
                return self._train(request)
            case messages.Sample():
                return self._sample(request, arrays)
            case messages.Interpolate():
                return self._interpolate(request, arrays)
            case messages.FindPath():
                return self._find_path(request, arrays)
            case messages.ComparePaths():
                return self._compare_paths(request, arrays)
            case messages.Invert():
                return self._invert(request, arrays)
            case messages.Field():
                return self._field(request, arrays)
            case messages.Evaluate():
                return self._evaluate(request)
            case messages.Diagnose():
                return self._diagnose(request)
            case messages.Attend():
                return self._attend(request, arrays)
            case messages.FindData():
                return image_sets.find_data(request)
            case messages.BrowseImages():
                return image_sets.browse_images(request)
            case messages.MeasureCost():
                return image_sets.measure(request, self._device, MICRO_BATCH)
            case messages.DownloadData():
                wake = Packet(messages.Resume(job=request.job))
                return image_sets.download(request, lambda: self._inbox.put(wake))
            case messages.Fetch():
                return self._fetch(request)
            case other:
                raise TypeError(f"no work for {other!r}")

    # The loop over generators

    def _next_job(self) -> _Job | None:
        """Whose turn it is: those that somebody waits for in turn, training with its share."""
        jobs = [self._jobs[number] for number in self._turn]
        runnable = [job for job in jobs if not job.paused and not job.waiting]
        training = [job for job in runnable if job.training]
        others = [job for job in runnable if not job.training]
        if training and (self._owed > 0 or not others):
            return training[0]
        # Among equals the one that has waited longest: the first in turn.
        return min(others, key=lambda job: job.turn, default=None)

    def _advance(self, job: _Job) -> None:
        number = job.request.job
        self._turn.remove(number)
        self._turn.append(number)
        started = time.perf_counter()
        try:
            report = next(job.work)
        except StopIteration as end:
            self._drop(number)
            self._send(end.value)
        except (ValueError, OSError) as error:
            self._drop(number)
            self._fail(number, str(error))
        except Exception as error:
            self._drop(number)
            detail = traceback.format_exc()
            message = f"the engine met a defect: {type(error).__name__}: {error}"
            self._send(
                Packet(messages.Failure(job=number, message=message, internal=True, detail=detail))
            )
        else:
            job.waiting = report is image_sets.WAITING
            if isinstance(report, Packet):
                self._send(report)
        spent = time.perf_counter() - started
        if job.begun:
            job.turn += spent / job.weight
        job.begun = True  # the first item may have had to load a checkpoint: that is nobody's fault
        for other in self._jobs.values():
            other.turn = max(other.turn, job.turn - MOST_LAG)
        if job.training:
            self._owed = max(0.0, self._owed - spent)
        elif any(other.training and not other.paused for other in self._jobs.values()):
            self._owed += spent * TRAINING_SHARE / (1 - TRAINING_SHARE)
        else:
            self._owed = 0.0

    def _drop(self, number: int) -> None:
        self._jobs.pop(number, None)
        if number in self._turn:
            self._turn.remove(number)

    def _end_early(self, number: int) -> None:
        """Drop a job; closing its generator lets a training save itself."""
        job = self._jobs[number]
        self._drop(number)
        try:
            job.work.close()
        except OSError as error:
            self._fail(number, _saving_failed(job.request, error))
            return
        info = {"out": job.request.out} if isinstance(job.request, messages.Train) else {}
        seconds = time.perf_counter() - job.started
        self._send(Packet(messages.Result(job=number, cancelled=True, seconds=seconds, info=info)))

    def _close_all(self) -> None:
        for job in list(self._jobs.values()):
            try:
                job.work.close()
            except OSError as error:  # nobody is left to tell but the log
                print(_saving_failed(job.request, error))
        self._jobs.clear()
        self._turn.clear()

    def _fail(self, number: int, message: str) -> None:
        self._send(Packet(messages.Failure(job=number, message=message)))

    # Jobs

    def _checkpoint(self, name: str, data_root: str = "") -> Checkpoint:
        """A checkpoint by name, loaded once for each version of its file.

        The images of an exact denoiser are looked for in ``data_root`` first.
        """
        if name == messages.LIVE:
            return self._live_checkpoint()
        path = locate(name.removeprefix(EXACT))
        # Of a folder, what lies in it: writing a file anew does not change the folder.
        held = path.glob("*/*") if path.is_dir() else ()
        changed = max(file.stat().st_mtime for file in (path, *held))
        key = name, data_root
        kept = self._checkpoints.get(key)
        if kept is None or kept[0] != changed:
            if len(self._checkpoints) >= 8:
                self._checkpoints.pop(next(iter(self._checkpoints)))
            root = root_of(data_root)
            kept = (changed, load_checkpoint(name, device=self._device, data_root=root))
            self._checkpoints[key] = kept
        return kept[1]

    def _live_checkpoint(self) -> Checkpoint:
        trainer = self._trainer
        if trainer is None:
            raise ValueError("no training is running")
        if self._live is None or self._live[:2] != (trainer, trainer.done):
            # A denoiser of its own keeps the weights of now while training goes on: those of a
            # folded network, or a whole copy.
            checkpoint = Checkpoint(
                trainer.description(),
                trainer.denoiser(frozen=not NETWORKS[trainer.config.resolved_kind].folds),
                trainer.schedule,
                messages.LIVE,
                self._device,
            )
            self._live = trainer, trainer.done, checkpoint
        return self._live[2]

    def _describe(self, request: messages.Open) -> Work:
        yield None
        return Packet(
            messages.Result(job=request.job, info=self._checkpoint(request.checkpoint).describe())
        )

    def _sample(self, request: messages.Sample, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint, request.data_root)
        if "latents" in arrays:
            latents = self._states(arrays["latents"], checkpoint.latent_shape, "latents")
        else:
            require_between("number of samples", request.count, 1, MAX_POINTS)
            shape = checkpoint.latent_shape
            check_sizes(request.count, [math.prod(shape)])
            latents = draw_latents(request.seed, request.count, shape).to(self._device)
        denoiser = told_classes(checkpoint, arrays, request.guidance)
        yield None
        return (yield from self._frames(request, checkpoint, denoiser, latents, last=request.last))

    def _interpolate(self, request: messages.Interpolate, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint, request.data_root)
        start, end = self._path_ends(arrays, checkpoint, request.points)
        path = path_latents(
            checkpoint,
            request.path,
            start,
            end,
            request.points,
            side=request.side,
            through=self._optional(arrays, "through", checkpoint),
            even=request.even or None,
            seed=request.seed,
            along=told_along(checkpoint, arrays, request.guidance),
        )
        denoiser = told_classes(checkpoint, arrays, request.guidance)
        latents = yield from silently(path)
        return (yield from self._frames(request, checkpoint, denoiser, latents))

    def _find_path(self, request: messages.FindPath, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint)
        start, end = self._path_ends(arrays, checkpoint, request.points)
        along = told_along(checkpoint, arrays, request.guidance)
        yield None
        return (yield from find_path(request, checkpoint, start, end, along))

    def _compare_paths(self, request: messages.ComparePaths, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint)
        start, end = self._path_ends(arrays, checkpoint, request.points)
        through = self._optional(arrays, "through", checkpoint)
        geodesic = self._optional(arrays, "geodesic", checkpoint)
        along = told_along(checkpoint, arrays, request.guidance)
        yield None
        return (yield from compare_paths(request, checkpoint, start, end, through, geodesic, along))

    def _path_ends(self, arrays: Arrays, checkpoint: Checkpoint, points: int) -> Tensor:
        """Both ends of a path, of which ``points`` states can be held."""
        require_between("number of points", points, 2, MAX_POINTS)
        check_sizes(points, [math.prod(checkpoint.latent_shape)])
        return self._ends(arrays, checkpoint)

    def _ends(self, arrays: Arrays, checkpoint: Checkpoint) -> Tensor:
        ends = np.stack([_sent(arrays, "start"), _sent(arrays, "end")])
        return self._states(ends, checkpoint.latent_shape, "endpoints")

    def _optional(self, arrays: Arrays, name: str, checkpoint: Checkpoint) -> Tensor | None:
        if name not in arrays or len(arrays[name]) == 0:
            return None
        return self._states(arrays[name], checkpoint.latent_shape, name)

    def _frames(
        self,
        request: messages.Sample | messages.Interpolate,
        checkpoint: Checkpoint,
        denoiser: Denoiser,
        latents: Tensor,
        *,
        last: bool = False,
    ) -> Work:
        schedule, config = checkpoint.schedule, request.sampler
        steps = config.resolved_steps(schedule.timesteps)
        times = [0] if last else sampler_times(schedule.timesteps, steps)
        check_sizes(len(latents), checkpoint.sizes_at(times))
        frames: Iterator[Frame | None] = sample_stepwise(
            denoiser,
            schedule,
            latents,
            sampler=make_sampler(config),
            seed=request.seed,
        )
        if last:
            frames = (frame if frame is not None and frame.t == 0 else None for frame in frames)
        states, seconds = yield from self._stream(request, frames, times)
        info = {}
        if (nearness := (yield from nearness_of(checkpoint))) is not None:
            info["off_data"] = nearness.off_data(states)
        return Packet(messages.Result(job=request.job, info=info, seconds=seconds))

    def _stream(
        self, request: messages.Request, frames: Iterator[Frame | None], times: list[int]
    ) -> Generator[Packet | None, None, tuple[NDArray[np.float32], float]]:
        """Send the frames; returns the last state, and the seconds of computing.

        Other jobs have their turn in between: their time is not counted.
        """
        seconds, index = 0.0, 0
        x = np.empty(0, np.float32)
        while True:
            began = time.perf_counter()
            try:
                frame = next(frames)
            except StopIteration:
                return x, seconds
            finally:
                seconds += time.perf_counter() - began
            if frame is None:
                yield None
                continue
            check_finite(frame)
            message = messages.Frame(
                job=request.job, index=index, times=times if index == 0 else []
            )
            x = _array(frame.x)
            yield Packet(message, {"x": x, "x0": _array(frame.x0)})
            index += 1

    def _invert(self, request: messages.Invert, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint)
        schedule = checkpoint.schedule
        data = self._states(_sent(arrays, "data"), checkpoint.shape, "data")
        steps = SamplerConfig(steps=request.steps).resolved_steps(schedule.timesteps)
        times = sampler_times(schedule.timesteps, steps)[::-1]
        check_sizes(len(data), checkpoint.sizes_at(times))
        denoiser = told_classes(checkpoint, arrays, request.guidance)
        yield None
        frames = invert_stepwise(denoiser, schedule, data, steps=steps)
        found, seconds = yield from self._stream(request, frames, times)
        answer: dict[str, NDArray[Any]] = {}
        if request.replay:
            latents = torch.from_numpy(found).to(self._device)
            for frame in sample(denoiser, schedule, latents, sampler=DDIM(steps=steps)):
                check_finite(frame)
                yield None
            errors = (frame.x - data).flatten(1).norm(dim=1)
            answer = {"latents": found, "errors": _array(errors)}
        return Packet(messages.Result(job=request.job, seconds=seconds), answer)

    def _field(self, request: messages.Field, arrays: Arrays) -> Work:
        checkpoint = self._checkpoint(request.checkpoint)
        require_between("number of times", len(request.times), 1, MAX_TIMESTEPS)
        shapes = {checkpoint.shape_at(t) for t in request.times}
        if len(shapes) > 1:
            raise ValueError(f"states have other shapes at other times: {sorted(shapes)}")
        (shape,) = shapes
        points = self._states(_sent(arrays, "points"), shape, "points")
        began = time.perf_counter()
        yield None
        for t in request.times:
            prediction = _prediction(checkpoint, points, t)
            yield Packet(
                messages.FieldAt(job=request.job, t=t),
                {"x0": _array(prediction.x0), "eps": _array(prediction.eps)},
            )
        return Packet(messages.Result(job=request.job, seconds=time.perf_counter() - began))

    def _evaluate(self, request: messages.Evaluate) -> Work:
        checkpoint = self._checkpoint(request.checkpoint)
        begun = started = told = time.perf_counter()
        data_root = root_of(request.data_root)
        stages = evaluate(checkpoint, quick=request.quick, data_root=data_root)
        what = ""

        def progress(stage: Stage) -> Packet | None:
            nonlocal what, started, told
            now = time.perf_counter()
            if stage.what != what:  # another kind of work, with a pace of its own
                what, started = stage.what, now
            if now - told < 0.1:
                return None
            told, elapsed = now, now - started
            remaining = elapsed / stage.done * (stage.total - stage.done) if stage.done else None
            return Packet(
                messages.Progress(
                    job=request.job,
                    done=stage.done,
                    total=stage.total,
                    elapsed=elapsed,
                    remaining=remaining,
                )
            )

        quality = yield from reported(stages, progress)
        info = {**vars(quality), "distance_ratio": quality.ratio}
        info = {key: value for key, value in info.items() if np.isfinite(value)}
        seconds = time.perf_counter() - begun
        return Packet(messages.Result(job=request.job, info=info, seconds=seconds))

    def _diagnose(self, request: messages.Diagnose) -> Work:
        started = time.perf_counter()
        checkpoint = self._checkpoint(request.checkpoint)
        yield None
        yield from diagnose(request, checkpoint)
        return Packet(messages.Result(job=request.job, seconds=time.perf_counter() - started))

    def _attend(self, request: messages.Attend, arrays: Arrays) -> Work:
        began = time.perf_counter()
        checkpoint = self._checkpoint(request.checkpoint)
        layer = chosen_layer(checkpoint, request.layer)
        x = self._states(_sent(arrays, "x"), checkpoint.shape, "x")
        classes = sent_classes(checkpoint, arrays)
        maps = attention_maps(checkpoint, x, request.times, layer=layer.name, classes=classes)
        yield None
        for index, weights in enumerate(maps):
            t = request.times[index]
            at = messages.AttentionAt(
                job=request.job, index=index, t=t, layer=layer.name, side=layer.side
            )
            yield Packet(at, {"weights": _array(weights)})
        info = {"layers": [vars(each) for each in attention_layers(checkpoint)]}
        seconds = time.perf_counter() - began
        return Packet(messages.Result(job=request.job, info=info, seconds=seconds))

    def _states(self, array: NDArray[Any], shape: tuple[int, ...], what: str) -> Tensor:
        if array.dtype.kind != "f":
            raise ValueError(f"{what} must be floating point, got {array.dtype}")
        states = torch.tensor(array, dtype=torch.float32, device=self._device)
        if states.shape[1:] != shape:
            raise ValueError(
                f"{what} must have shape (N, {', '.join(map(str, shape))}), "
                f"got {tuple(states.shape)}"
            )
        check_states(states, what)
        return states

    def _train(self, request: messages.Train) -> Work:
        folder = Path(request.out)
        steps = None
        try:
            # Files are read now, one by one, and kept.
            yield from image_sets.read_for_window(request.config, request.data_root, request.job)
            trainer = open_run(
                request.config,
                folder,
                device=self._device,
                resume=request.resume,
                data_root=root_of(request.data_root),
                micro_batch=MICRO_BATCH if NETWORKS[request.config.resolved_kind].slow else None,
            )
            self._trainer = trainer
            yield None
            report = _TrainingReport(request, trainer)
            steps = train_stepwise(trainer, folder)
            for item in steps:
                if item is None:
                    yield None
                    continue
                report.add(item.step, item.loss)
                yield None
                if report.due():
                    yield from report.snapshot()
            yield from report.snapshot(drawn=True)
            info = {"out": request.out, **asdict_plain(trainer.description())}
            return Packet(messages.Result(job=request.job, info=info, seconds=report.elapsed()))
        except OSError as error:
            raise ValueError(_saving_failed(request, error)) from error
        finally:
            opened, self._trainer, self._live = self._trainer, None, None
            if steps is not None:
                steps.close()  # saves, unless it is done
            if opened is not None:
                opened.release()


def told_classes(checkpoint: Checkpoint, arrays: Arrays, guidance: float) -> Denoiser:
    """The denoiser of a checkpoint, told the class weights that were sent, if any were.

    Raises ``ValueError`` where they do not suit it.
    """
    told = sent_classes(checkpoint, arrays)
    if told is None:
        return checkpoint.denoiser
    if not isinstance(checkpoint.denoiser, NetworkDenoiser):
        raise ValueError(f"the denoiser of {checkpoint.source!r} knows no classes")
    return checkpoint.denoiser.conditioned(told, guidance)


def sent_classes(checkpoint: Checkpoint, arrays: Arrays) -> Tensor | None:
    """The class weights that were sent; None if none were."""
    weights = arrays.get("classes")
    if weights is None or len(weights) == 0:
        return None
    return torch.tensor(weights, dtype=torch.float32, device=checkpoint.device)


def told_along(checkpoint: Checkpoint, arrays: Arrays, guidance: float) -> AlongPath:
    """The same for a path: the weights (M, K) that were sent lie evenly along it."""
    told_classes(checkpoint, arrays, guidance)  # refuses what it cannot be told
    weights = arrays.get("classes")
    if weights is None or len(weights) == 0:
        return AlongPath(checkpoint.denoiser)
    told = torch.tensor(weights, dtype=torch.float32, device=checkpoint.device)
    return AlongPath(checkpoint.denoiser, told, guidance)


@torch.no_grad()
def _prediction(checkpoint: Checkpoint, points: Tensor, t: int) -> Prediction:
    # A function of its own: a block 'with no_grad' in a generator ends at its first yield.
    return checkpoint.denoiser.predict(points, t)


def _sent(arrays: Arrays, name: str) -> NDArray[Any]:
    if name not in arrays:
        raise ValueError(f"the array {name!r} was not sent")
    return arrays[name]


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().cpu().numpy()


def _saving_failed(request: messages.Request, error: OSError) -> str:
    where = f" in {request.out}" if isinstance(request, messages.Train) else ""
    return f"cannot save{where}: {error.strerror or error}"


class _TrainingReport:
    """What the window is told of a training: losses, pace, samples from fixed latents.

    Samples are drawn no oftener than their cost allows; reports in between have numbers alone.
    """

    def __init__(self, request: messages.Train, trainer: Trainer) -> None:
        self._request, self._trainer = request, trainer
        self._denoiser: NetworkDenoiser = trainer.denoiser()
        self._preview = preview_for(trainer.config, trainer.transform)
        shape = self._denoiser.shape_at(
            trainer.schedule.timesteps, trainer.description().state_shape
        )
        latents = draw_latents(trainer.config.seed, self._preview.samples, shape)
        self._latents = latents.to(trainer.device)
        self._steps: list[int] = []
        self._losses: list[float] = []
        self._spent = 0.0
        self._mark = self._told = time.perf_counter()
        self._pace: deque[tuple[float, int]] = deque([(0.0, trainer.done)], maxlen=20)
        self._values: Values = {}
        self._drawn, self._cost = -math.inf, 0.0

    def add(self, step: int, loss: float) -> None:
        """Note an update."""
        self._steps.append(step)
        self._losses.append(loss)
        now = time.perf_counter()
        # A pause or a visitor is a long gap between two items; it is not training time.
        self._spent += min(now - self._mark, 1.0)
        self._mark = now

    def elapsed(self) -> float:
        """Seconds of training so far in this run."""
        return self._spent

    def due(self) -> bool:
        """Whether it is time for the next snapshot."""
        return time.perf_counter() - self._told >= self._request.snapshot_seconds

    def _remaining(self) -> float | None:
        since, step = self._pace[0]
        if self._trainer.done == step:
            return None
        pace = (self._spent - since) / (self._trainer.done - step)
        return pace * (self._trainer.config.steps - self._trainer.done)

    def snapshot(self, *, drawn: bool = False) -> Iterator[Packet | None]:
        """The report, with samples if they are due or must be ``drawn``."""
        arrays: dict[str, NDArray[Any]] = {}
        share = self._preview.most_share
        if drawn or time.perf_counter() - self._drawn >= self._cost * (1 / share - 1):
            arrays = yield from self._draw()
        trainer = self._trainer
        remaining = self._remaining()
        self._pace.append((self._spent, trainer.done))
        message = messages.Snapshot(
            job=self._request.job,
            step=trainer.done,
            total=trainer.config.steps,
            elapsed=self._spent,
            remaining=remaining,
            values=self._values,
        )
        arrays |= {
            "steps": np.array(self._steps, np.int64),
            "losses": np.array(self._losses, np.float32),
        }
        self._steps.clear()
        self._losses.clear()
        self._told = time.perf_counter()
        yield Packet(message, arrays)

    def _draw(self) -> Generator[None, None, dict[str, NDArray[Any]]]:
        """Sample with the averaged weights of now, an evaluation at a time, and measure."""
        preview, schedule, cost = self._preview, self._trainer.schedule, 0.0
        self._denoiser.refresh()
        sampler = DDIM(steps=min(preview.steps, schedule.timesteps))
        frames = sample(self._denoiser, schedule, self._latents, sampler=sampler)
        times, x, x0 = [], [], []
        while True:
            began = time.perf_counter()
            frame = next(frames, None)
            cost += time.perf_counter() - began  # of others' turns in between it knows nothing
            if frame is None:
                break
            times.append(frame.t)
            x.append(_array(frame.x))
            x0.append(_array(frame.x0))
            yield None
        self._values = yield from preview.quality(x[-1])
        self._cost, self._drawn = cost, time.perf_counter()
        transform = self._trainer.transform
        return {
            "t": np.array(times, np.int64),
            **packed(x, x0),
            "mean": transform.mean.ravel(),
            "std": transform.std.ravel(),
        }
