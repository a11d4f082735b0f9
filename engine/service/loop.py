"""The engine behind a window: a loop over generators.

Every job is a generator that yields after at most one evaluation of a network. The loop takes one
item from a running job at a time and reads messages in between, so cancelling is dropping a
generator, and there are no locks. Jobs share the time, not the turns: whoever has had least of it
goes on, and what only adorns a picture gets less. Requests that somebody waits for go before
training, which still keeps a fifth of the time.
"""

from __future__ import annotations

import queue
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

import engine
from engine.devices import available_devices, choose_device
from engine.service.held_checkpoints import HeldCheckpoints
from engine.service.jobs import analysis, image_sets, paths, sampling, training
from engine.service.jobs.answers import WAITING, Work, sent_array
from engine.service.remote_files import RemoteFiles
from engine.shared import messages
from engine.shared.messages import Arrays, Packet

TRAINING_SHARE = 0.2
NO_FILES = "this engine sends and takes no files: its window is on the same machine"

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
        self._held = HeldCheckpoints(self._device)

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
            self._files.deliver(message.path, sent_array(arrays, "content"))
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
            self._fail(
                request.job, f"job {request.job} is running: a new request needs another number"
            )
            return
        if self._files is not None:
            try:
                request = self._files.resolved(request)
            except (ValueError, OSError) as error:
                self._fail(request.job, str(error))
                return
        in_training = any(job.training for job in self._jobs.values())
        if isinstance(request, messages.Train) and in_training:
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
                return analysis.describe(request, self._held)
            case messages.Train():
                return training.train(request, self._held)
            case messages.Sample():
                return sampling.draw(request, arrays, self._held)
            case messages.Interpolate():
                return sampling.interpolate(request, arrays, self._held)
            case messages.FindPath():
                return paths.find_path(request, arrays, self._held)
            case messages.ComparePaths():
                return paths.compare_paths(request, arrays, self._held)
            case messages.Invert():
                return sampling.invert(request, arrays, self._held)
            case messages.Field():
                return sampling.see_field(request, arrays, self._held)
            case messages.Evaluate():
                return analysis.measure_quality(request, self._held)
            case messages.Diagnose():
                return analysis.look_at_noise(request, self._held)
            case messages.Attend():
                return analysis.look_at_attention(request, arrays, self._held)
            case messages.FindData():
                return image_sets.find_data(request)
            case messages.BrowseImages():
                return image_sets.browse_images(request)
            case messages.MeasureCost():
                return image_sets.measure(request, self._device, training.MICRO_BATCH)
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
        trainings = [job for job in runnable if job.training]
        others = [job for job in runnable if not job.training]
        if trainings and (self._owed > 0 or not others):
            return trainings[0]
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
            job.waiting = report is WAITING
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
            self._fail(number, training.saving_failed(job.request, error))
            return
        info = {"out": job.request.out} if isinstance(job.request, messages.Train) else {}
        seconds = time.perf_counter() - job.started
        self._send(Packet(messages.Result(job=number, cancelled=True, seconds=seconds, info=info)))

    def _close_all(self) -> None:
        for job in list(self._jobs.values()):
            try:
                job.work.close()
            except OSError as error:  # nobody is left to tell but the log
                print(training.saving_failed(job.request, error))
        self._jobs.clear()
        self._turn.clear()

    def _fail(self, number: int, message: str) -> None:
        self._send(Packet(messages.Failure(job=number, message=message)))
