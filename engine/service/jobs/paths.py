"""Requests about paths: the search for a geodesic, and the comparison."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from engine.analysis.evaluation import nearness_of
from engine.diffusion.samplers import check_finite, make_sampler, sample_stepwise
from engine.paths.curves import positions_like
from engine.paths.decoded_paths import Improvement
from engine.paths.latents import find_geodesic, gap_figures, path_latents
from engine.service.held_checkpoints import HeldCheckpoints
from engine.service.jobs.answers import Work, as_array, optional_states, path_ends, told_along
from engine.shared import catalogue, messages
from engine.shared.messages import Arrays, Packet
from engine.shared.trajectory import packed
from engine.shared.work import reported, silently


def find_path(request: messages.FindPath, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """The geodesic: a ``PathFound`` for every improvement, and the result."""
    checkpoint = held.get(request.checkpoint)
    start, end = path_ends(arrays, checkpoint, request.points)
    along = told_along(checkpoint, arrays, request.guidance)
    yield None
    began = time.perf_counter()
    positions = positions_like(request.points, start)
    work = find_geodesic(checkpoint, start, end, request.points, request.seed, along)

    def packet(item: Improvement | None) -> Packet | None:
        if item is None:
            return None
        message = messages.PathFound(
            job=request.job,
            step=item.step,
            total=item.total,
            energy=item.energy,
            elapsed=time.perf_counter() - began,
        )
        return Packet(
            message,
            {
                "latents": as_array(item.curve(positions)),
                "t": np.array([frame.t for frame in item.frames], np.int64),
                **packed(
                    [as_array(frame.x) for frame in item.frames],
                    [as_array(frame.x0) for frame in item.frames],
                ),
            },
        )

    geodesic, latents = yield from reported(work, packet)
    info: dict[str, Any] = {
        "energies": geodesic.energies,
        "coefficients": geodesic.coefficients,
    }
    if geodesic.off_data is not None:
        info["off_data"] = geodesic.off_data
    return Packet(
        messages.Result(job=request.job, info=info, seconds=time.perf_counter() - began),
        {"latents": as_array(latents)},
    )


def compare_paths(request: messages.ComparePaths, arrays: Arrays, held: HeldCheckpoints) -> Work:
    """A ``PathMeasured`` for each path, and the result."""
    checkpoint = held.get(request.checkpoint)
    start, end = path_ends(arrays, checkpoint, request.points)
    through = optional_states(arrays, "through", checkpoint)
    geodesic = optional_states(arrays, "geodesic", checkpoint)
    along = told_along(checkpoint, arrays, request.guidance)
    yield None
    began = time.perf_counter()
    nearness = yield from nearness_of(checkpoint)
    for name in request.paths:
        if catalogue.path(name).searched:
            if geodesic is None:
                continue
            latents = geodesic
        else:
            latents = yield from silently(
                path_latents(
                    checkpoint,
                    name,
                    start,
                    end,
                    request.points,
                    side=request.side,
                    through=through,
                    even=request.even,
                    seed=request.seed,
                    along=along,
                )
            )
        items = sample_stepwise(
            along.rows(len(latents)),
            checkpoint.schedule,
            latents,
            sampler=make_sampler(request.sampler),
            seed=request.seed,
        )
        for item in items:
            if item is not None:
                frame = check_finite(item)
            yield None
        states = as_array(frame.x)
        length, gap, ratio = gap_figures(states)
        off_data = None if nearness is None else nearness.off_data(states)
        yield Packet(
            messages.PathMeasured(
                job=request.job,
                path=name,
                length=length,
                gap=gap,
                gap_ratio=ratio,
                off_data=off_data,
            )
        )
    return Packet(messages.Result(job=request.job, seconds=time.perf_counter() - began))
