"""Requests for states: drawn, on a path, from data to latents, and what a denoiser sees of some."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.analysis.evaluation import nearness_of
from engine.checkpoints.checkpoint import Checkpoint
from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.inversion import invert_stepwise
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import (
    DDIM,
    Frame,
    check_finite,
    make_sampler,
    sample,
    sample_stepwise,
)
from engine.paths.latents import path_latents
from engine.service.held_checkpoints import HeldCheckpoints
from engine.service.jobs.answers import (
    Work,
    as_array,
    optional_states,
    path_ends,
    sent_array,
    sent_states,
    told_along,
    told_classes,
)
from engine.shared import messages
from engine.shared.config import (
    MAX_POINTS,
    MAX_TIMESTEPS,
    SamplerConfig,
    require_between,
    sampler_times,
)
from engine.shared.messages import Arrays, Packet
from engine.shared.trajectory import check_sizes
from engine.shared.work import silently


def draw(request: messages.Sample, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """Frames from drawn latents, or from those that were sent."""
    checkpoint = held.get(request.checkpoint, request.data_root)
    if "latents" in arrays:
        latents = sent_states(
            arrays["latents"], checkpoint.latent_shape, "latents", checkpoint.device
        )
    else:
        require_between("number of samples", request.count, 1, MAX_POINTS)
        shape = checkpoint.latent_shape
        check_sizes(request.count, [math.prod(shape)])
        latents = draw_latents(request.seed, request.count, shape).to(checkpoint.device)
    denoiser = told_classes(checkpoint, arrays, request.guidance)
    yield None
    return (yield from _frames(request, checkpoint, denoiser, latents, last=request.last))


def interpolate(request: messages.Interpolate, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """Frames from a path of latents."""
    checkpoint = held.get(request.checkpoint, request.data_root)
    start, end = path_ends(arrays, checkpoint, request.points)
    path = path_latents(
        checkpoint,
        request.path,
        start,
        end,
        request.points,
        side=request.side,
        through=optional_states(arrays, "through", checkpoint),
        even=request.even or None,
        seed=request.seed,
        along=told_along(checkpoint, arrays, request.guidance),
    )
    denoiser = told_classes(checkpoint, arrays, request.guidance)
    latents = yield from silently(path)
    return (yield from _frames(request, checkpoint, denoiser, latents))


def invert(request: messages.Invert, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """Frames from data to its latents."""
    checkpoint = held.get(request.checkpoint)
    schedule = checkpoint.schedule
    data = sent_states(sent_array(arrays, "data"), checkpoint.shape, "data", checkpoint.device)
    steps = SamplerConfig(steps=request.steps).resolved_steps(schedule.timesteps)
    times = sampler_times(schedule.timesteps, steps)[::-1]
    check_sizes(len(data), checkpoint.sizes_at(times))
    denoiser = told_classes(checkpoint, arrays, request.guidance)
    yield None
    frames = invert_stepwise(denoiser, schedule, data, steps=steps)
    found, seconds = yield from _stream(request, frames, times)
    answer: dict[str, NDArray[Any]] = {}
    if request.replay:
        latents = torch.from_numpy(found).to(checkpoint.device)
        for frame in sample(denoiser, schedule, latents, sampler=DDIM(steps=steps)):
            check_finite(frame)
            yield None
        errors = (frame.x - data).flatten(1).norm(dim=1)
        answer = {"latents": found, "errors": as_array(errors)}
    return Packet(messages.Result(job=request.job, seconds=seconds), answer)


def see_field(request: messages.Field, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """What a denoiser makes of points at some times."""
    checkpoint = held.get(request.checkpoint)
    require_between("number of times", len(request.times), 1, MAX_TIMESTEPS)
    shapes = {checkpoint.shape_at(t) for t in request.times}
    if len(shapes) > 1:
        raise ValueError(f"all times must have states of one shape, got {sorted(shapes)}")
    (shape,) = shapes
    points = sent_states(sent_array(arrays, "points"), shape, "points", checkpoint.device)
    began = time.perf_counter()
    yield None
    for t in request.times:
        prediction = _prediction(checkpoint, points, t)
        yield Packet(
            messages.FieldAt(job=request.job, t=t),
            {"x0": as_array(prediction.x0), "eps": as_array(prediction.eps)},
        )
    return Packet(messages.Result(job=request.job, seconds=time.perf_counter() - began))


def _frames(
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
    states, seconds = yield from _stream(request, frames, times)
    info = {}
    if (nearness := (yield from nearness_of(checkpoint))) is not None:
        info["off_data"] = nearness.off_data(states)
    return Packet(messages.Result(job=request.job, info=info, seconds=seconds))


def _stream(
    request: messages.Request, frames: Iterator[Frame | None], times: list[int]
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
        message = messages.Frame(job=request.job, index=index, times=times if index == 0 else [])
        x = as_array(frame.x)
        yield Packet(message, {"x": x, "x0": as_array(frame.x0)})
        index += 1


@torch.no_grad()
def _prediction(checkpoint: Checkpoint, points: Tensor, t: int) -> Prediction:
    # A function of its own: a block 'with no_grad' in a generator ends at its first yield.
    return checkpoint.denoiser.predict(points, t)
