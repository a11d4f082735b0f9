"""A training as a job, and what the window is told of it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.checkpoints.checkpoint import asdict_plain
from engine.checkpoints.networks import NETWORKS
from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.image_files.places import root_of
from engine.service.held_checkpoints import HeldCheckpoints
from engine.service.jobs.answers import Work, as_array
from engine.service.jobs.image_sets import read_for_window
from engine.shared import messages
from engine.shared.messages import Packet
from engine.shared.trajectory import packed
from engine.training.preview import Values, preview_for
from engine.training.runs import open_run, train_stepwise
from engine.training.trainer import Trainer

MICRO_BATCH = 16
"""Images that a training takes at once, so that a request is answered between them."""


def train(request: messages.Train, held: HeldCheckpoints) -> Work:
    """Train, with snapshots on the way."""
    folder = Path(request.out)
    steps = None
    try:
        # Files are read now, one by one, and kept.
        yield from read_for_window(request.config, request.data_root, request.job)
        trainer = open_run(
            request.config,
            folder,
            device=held.device,
            resume=request.resume,
            data_root=root_of(request.data_root),
            micro_batch=MICRO_BATCH if NETWORKS[request.config.resolved_kind].slow else None,
        )
        held.trainer = trainer
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
        raise ValueError(saving_failed(request, error)) from error
    finally:
        opened = held.end_training()
        if steps is not None:
            steps.close()  # saves, unless it is done
        if opened is not None:
            opened.release()


def saving_failed(request: messages.Request, error: OSError) -> str:
    """What to say of a file that could not be written."""
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
            x.append(as_array(frame.x))
            x0.append(as_array(frame.x0))
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
