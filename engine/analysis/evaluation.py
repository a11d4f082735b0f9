"""The quality of a checkpoint, measured bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch.nn import functional as F

from engine.analysis.classifier_training import find_classifier
from engine.analysis.images import ImageQuality
from engine.analysis.points import (
    CANONICAL,
    LIVE,
    SAMPLE_SETS,
    SAMPLES,
    Nearness,
    Quality,
    judge_steps,
    nearness_steps,
)
from engine.checkpoints.checkpoint import Checkpoint
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, Sampler, check_finite, sample
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES as IMAGE_KIND
from engine.shared.catalogue import POINTS
from engine.shared.work import reported

Done = TypeVar("Done")

IMAGES, QUICK_IMAGES, IMAGE_STEPS = 500, 128, 50
"""Samples of a canonical and of a quick evaluation with images, and the steps of DDIM."""
IMAGE_BATCH = 64


@dataclass(frozen=True)
class Stage:
    """``done`` of ``total`` pieces of ``what``: evaluations of the network, or updates of the
    classifier that has to be trained first.
    """

    done: int
    total: int
    what: str = "evaluations"


@dataclass(frozen=True)
class Drawing:
    """How images are drawn for an evaluation.

    ``told``: the network is told a class for each, all in turn, with ``guidance``. ``sampler`` and
    ``count``: other ones than those of a canonical evaluation.
    """

    told: bool = False
    guidance: float = 1.0
    sampler: Sampler | None = None
    count: int | None = None


def evaluate(
    checkpoint: Checkpoint,
    *,
    quick: bool = False,
    data_root: Path | None = None,
    drawing: Drawing | None = None,
) -> Generator[Stage, None, Quality | ImageQuality]:
    """Sample, and compare with the data; the figures are returned.

    ``data_root`` and ``drawing`` are for images: see ``evaluate_images``, and ``evaluate_points``.
    """
    evaluation = EVALUATIONS[checkpoint.config.resolved_kind]
    return evaluation.evaluate(checkpoint, quick, data_root, drawing or Drawing())


def evaluate_points(
    checkpoint: Checkpoint, *, quick: bool = False
) -> Generator[Stage, None, Quality]:
    """Sample with DDPM, all T steps, and compare with the data; the figures are returned.

    Canonical (see ``engine.analysis.points``): ten sets of 8,000 samples. ``quick``: one set, and a
    coarser distance. The seeds of the sets are 0 to 9.
    """
    sets, precision = (1, LIVE) if quick else (SAMPLE_SETS, CANONICAL)
    timesteps = checkpoint.schedule.timesteps
    total = sets * timesteps
    judging = judge_steps(checkpoint.config.dataset, checkpoint.transform, precision)
    judge = yield from _at_stage(Stage(0, total), judging)
    sample_sets = []
    for seed in range(sets):
        latents = draw_latents(seed, SAMPLES, checkpoint.latent_shape).to(checkpoint.device)
        frames = sample(
            checkpoint.denoiser, checkpoint.schedule, latents, sampler=DDPM(), seed=seed
        )
        for k, frame in enumerate(frames):  # noqa: B007 - the last one is used below
            yield Stage(seed * timesteps + k, total)
        sample_sets.append(frame.x.float().cpu().numpy())
    return (yield from _at_stage(Stage(total, total), judge.quality_steps(sample_sets)))


def evaluate_images(
    checkpoint: Checkpoint,
    *,
    quick: bool = False,
    data_root: Path | None = None,
    drawing: Drawing = Drawing(),
) -> Generator[Stage, None, ImageQuality]:
    """Sample with DDIM, 50 steps, and compare with the data; the figures are returned.

    Canonical (see ``engine.analysis.images``): 500 samples of seed 0, or as many as there is a
    floor for; ``quick``: 128. A classifier that is not there yet is trained first, with the data
    from ``data_root`` or where they usually are. Raises ``ValueError`` if those are missing or have
    no classes.
    """
    training = find_classifier(checkpoint.config, data_root)
    classifier = yield from reported(
        training, lambda item: Stage(item.step, item.total, "updates of the classifier")
    )
    wanted = drawing.count or (QUICK_IMAGES if quick else IMAGES)
    count = classifier.reference.size(wanted)
    schedule = checkpoint.schedule
    sampler = drawing.sampler or DDIM(steps=min(IMAGE_STEPS, schedule.timesteps))
    latents = draw_latents(0, count, checkpoint.latent_shape)
    steps = sampler.config.resolved_steps(schedule.timesteps)
    done, total = 0, -(-count // IMAGE_BATCH) * steps
    samples = []
    for batch, part in enumerate(torch.split(latents, IMAGE_BATCH)):
        part = part.to(checkpoint.device)
        denoiser = _told(checkpoint, drawing, batch * IMAGE_BATCH, len(part))
        # A seed for each batch: noise goes by the index within it.
        for frame in sample(denoiser, schedule, part, sampler=sampler, seed=batch):
            yield Stage(done, total)
            done += frame.t > 0
        samples.append(check_finite(frame).x.float().cpu())
    yield Stage(total, total)
    return classifier.quality(torch.cat(samples), checkpoint.transform)


def _told(checkpoint: Checkpoint, drawing: Drawing, first: int, count: int) -> Denoiser:
    """The denoiser for samples ``first`` and after, told their classes where that was asked for."""
    if not drawing.told:
        return checkpoint.denoiser
    denoiser = checkpoint.denoiser
    if not isinstance(denoiser, NetworkDenoiser) or denoiser.classes == 0:
        raise ValueError(f"the network of {checkpoint.source!r} was trained without classes")
    classes = torch.arange(first, first + count) % denoiser.classes
    weights = F.one_hot(classes, denoiser.classes).float().to(checkpoint.device)
    return denoiser.conditioned(weights, drawing.guidance)


def _at_stage(stage: Stage, work: Generator[None, None, Done]) -> Generator[Stage, None, Done]:
    """The same stage for every item of ``work``; returns what it returns."""
    return reported(work, lambda item: stage)


def no_nearness(checkpoint: Checkpoint) -> Generator[None, None, None]:
    """Nobody has said what is off the data."""
    yield from ()


def plane_nearness(checkpoint: Checkpoint) -> Generator[None, None, Nearness | None]:
    """What counts as off a set of the plane."""
    if checkpoint.shape != (2,):
        return None
    return (yield from nearness_steps(checkpoint.config.dataset, checkpoint.transform))


@dataclass(frozen=True)
class Evaluation:
    """How states of one kind are judged.

    ``nearness`` makes what tells which of them lie off the data, or None. ``heeds_drawing``: their
    evaluation reads data and heeds how samples are drawn (see ``Drawing``).
    """

    evaluate: Callable[
        [Checkpoint, bool, Path | None, Drawing], Generator[Stage, None, Quality | ImageQuality]
    ]
    nearness: Callable[[Checkpoint], Generator[None, None, Nearness | None]]
    heeds_drawing: bool


EVALUATIONS = {
    POINTS: Evaluation(
        lambda checkpoint, quick, root, drawing: evaluate_points(checkpoint, quick=quick),
        plane_nearness,
        heeds_drawing=False,
    ),
    IMAGE_KIND: Evaluation(
        lambda checkpoint, quick, root, drawing: evaluate_images(
            checkpoint, quick=quick, data_root=root, drawing=drawing
        ),
        no_nearness,
        heeds_drawing=True,
    ),
}
catalogue.require_all("EVALUATIONS", EVALUATIONS, catalogue.KINDS)


def nearness_of(checkpoint: Checkpoint) -> Generator[None, None, Nearness | None]:
    """What counts as off the data of a checkpoint; None where nobody has said what does."""
    return EVALUATIONS[checkpoint.config.resolved_kind].nearness(checkpoint)
