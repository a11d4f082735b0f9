"""The quality of a checkpoint, measured bit by bit."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from engine.checkpoint import Checkpoint
from engine.metrics import (
    CANONICAL,
    LIVE,
    SAMPLE_SETS,
    SAMPLES,
    Quality,
    judge_steps,
)
from engine.noise import draw_latents
from engine.samplers import DDPM, sample

Done = TypeVar("Done")


@dataclass(frozen=True)
class Stage:
    """``done`` of ``total`` evaluations of the network."""

    done: int
    total: int


def evaluate(checkpoint: Checkpoint, *, quick: bool = False) -> Generator[Stage, None, Quality]:
    """Sample with DDPM, all T steps, and compare with the data; the figures are returned.

    Canonical (see ``engine.metrics``): ten sets of 8,000 samples. ``quick``: one set, and a coarser
    distance. The seeds of the sets are 0 to 9.
    """
    sets, precision = (1, LIVE) if quick else (SAMPLE_SETS, CANONICAL)
    timesteps = checkpoint.schedule.timesteps
    total = sets * timesteps
    judging = judge_steps(checkpoint.config.dataset, checkpoint.transform, precision)
    judge = yield from _at_stage(Stage(0, total), judging)
    sample_sets = []
    for seed in range(sets):
        latents = draw_latents(seed, SAMPLES, checkpoint.shape).to(checkpoint.device)
        frames = sample(
            checkpoint.denoiser, checkpoint.schedule, latents, sampler=DDPM(), seed=seed
        )
        for k, frame in enumerate(frames):  # noqa: B007 - the last one is used below
            yield Stage(seed * timesteps + k, total)
        sample_sets.append(frame.x.float().cpu().numpy())
    return (yield from _at_stage(Stage(total, total), judge.quality_steps(sample_sets)))


def _at_stage(stage: Stage, work: Generator[None, None, Done]) -> Generator[Stage, None, Done]:
    """The same stage for every item of ``work``; returns what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            done: Done = end.value
            return done
        yield stage
