"""Requests to look into a checkpoint: what it is, its quality, its noise, its attention."""

from __future__ import annotations

import time

import numpy as np

from engine.analysis.attention_maps import attention_layers, attention_maps, chosen_layer
from engine.analysis.evaluation import Stage, evaluate
from engine.image_files.places import root_of
from engine.service.held_checkpoints import HeldCheckpoints
from engine.service.jobs.answers import Work, as_array, sent_array, sent_classes, sent_states
from engine.service.jobs.diagnosis import diagnose
from engine.shared import messages
from engine.shared.messages import Arrays, Packet
from engine.shared.work import reported


def describe(request: messages.Open, held: HeldCheckpoints) -> Work:
    """What a checkpoint is."""
    yield None
    return Packet(messages.Result(job=request.job, info=held.get(request.checkpoint).describe()))


def measure_quality(request: messages.Evaluate, held: HeldCheckpoints) -> Work:
    """Quality, with its progress."""
    checkpoint = held.get(request.checkpoint)
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


def look_at_noise(request: messages.Diagnose, held: HeldCheckpoints) -> Work:
    """What the noise that is predicted is like."""
    started = time.perf_counter()
    checkpoint = held.get(request.checkpoint)
    yield None
    yield from diagnose(request, checkpoint)
    return Packet(messages.Result(job=request.job, seconds=time.perf_counter() - started))


def look_at_attention(request: messages.Attend, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """Maps of attention."""
    began = time.perf_counter()
    checkpoint = held.get(request.checkpoint)
    layer = chosen_layer(checkpoint, request.layer)
    x = sent_states(sent_array(arrays, "x"), checkpoint.shape, "x", checkpoint.device)
    classes = sent_classes(checkpoint, arrays)
    maps = attention_maps(checkpoint, x, request.times, layer=layer.name, classes=classes)
    yield None
    for index, weights in enumerate(maps):
        t = request.times[index]
        at = messages.AttentionAt(
            job=request.job, index=index, t=t, layer=layer.name, side=layer.side
        )
        yield Packet(at, {"weights": as_array(weights)})
    info = {"layers": [vars(each) for each in attention_layers(checkpoint)]}
    seconds = time.perf_counter() - began
    return Packet(messages.Result(job=request.job, info=info, seconds=seconds))
