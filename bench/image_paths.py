"""What is seen half-way between two images, on every kind of path, as a classifier sees it.

    python -m bench.image_paths [--checkpoint mnist] [--data-root DIR] [--pairs 20] [--out FILE.md]

Latents are drawn from seeds, paths are made between pairs of them, and what DDIM makes of their
middles is shown to the classifier of the data set (``engine.analysis.classifier``), which says how
sure it is of a class. A classifier that is not at hand is trained with the images in DIR. Without
``--out`` the tables are printed.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import chi
from torch import Tensor
from tqdm import tqdm

from engine.analysis.classifier import Classifier
from engine.analysis.classifier_training import find_classifier
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.checkpoints.classes import AlongPath
from engine.devices import use_one_thread
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.paths.curves import Curve, make_curve, positions_like
from engine.paths.geodesic_images import evenly_decoded_images, search_images
from engine.paths.latents import evenly_spaced
from engine.shared.files import write_atomically
from engine.training.trainer import finish

STEPS = 50
IMAGES = 13
"""On a path; the middle one is looked at. 12 of them are as many as the program shows."""
SHOWN = 12
FINE = 201
SIMPLE = ("linear", "spherical", "prior-preserving", "norm-guided")
GEODESIC, EVEN = "geodesic", "geodesic, evenly decoded"
SURE = 0.9
LOW, HIGH = 0.025, 0.975

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Middles:
    """The middles of one kind of path: for each pair the norm, the confidence, the seconds."""

    norms: Array
    confidence: Array
    seconds: list[float]
    """Of finding the path, before anything is decoded."""

    @property
    def sure(self) -> float:
        """The share of which the classifier is at least ``SURE``."""
        return float(np.mean(self.confidence >= SURE))


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured with one checkpoint; ``run``: the seconds of plain DDIM."""

    checkpoint: Checkpoint
    classifier: Classifier
    pairs: int
    middles: dict[str, Middles]
    ends: Middles
    run: float


def middle_of(curve: Curve, start: Tensor) -> Tensor:
    """The point half-way along a path, by its length in the latent, (1, ...)."""
    return evenly_spaced(curve(positions_like(FINE, start)), 3)[1:2]


def paths_of(
    checkpoint: Checkpoint, start: Tensor, end: Tensor
) -> Generator[tuple[str, Tensor, float], None, None]:
    """The middle of each kind of path between two latents, and the seconds to find it."""
    for name in SIMPLE:
        began = time.perf_counter()
        curve = make_curve(name, start, end)
        curve(positions_like(SHOWN, start))
        seconds = time.perf_counter() - began
        yield name, middle_of(curve, start), seconds
    along = AlongPath(checkpoint.denoiser)
    began = time.perf_counter()
    found = finish(search_images(along, checkpoint.schedule, start, end))
    seconds = time.perf_counter() - began
    yield GEODESIC, middle_of(found.curve, start), seconds
    began = time.perf_counter()
    even = finish(evenly_decoded_images(along, checkpoint.schedule, found.curve, IMAGES, start))
    seconds += time.perf_counter() - began
    yield EVEN, even[IMAGES // 2 : IMAGES // 2 + 1], seconds


def decoded(checkpoint: Checkpoint, latents: Tensor) -> Tensor:
    """Where DDIM leads ``latents`` (N, ...), (N, ...)."""
    sampler = DDIM(steps=min(STEPS, checkpoint.schedule.timesteps))
    *_, last = sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=sampler)
    return last.x


def judged(
    checkpoint: Checkpoint, classifier: Classifier, latents: Tensor, seconds: list[float]
) -> Middles:
    """The figures of ``latents`` (N, ...)."""
    states = decoded(checkpoint, latents)
    sure = classifier.probabilities(states, checkpoint.transform).max(axis=1)
    norms = latents.flatten(1).double().norm(dim=1).cpu().numpy()
    return Middles(norms, sure.astype(np.float64), seconds)


def measure(checkpoint: Checkpoint, classifier: Classifier, pairs: int) -> Outcome:
    """All paths between ``pairs`` pairs of latents: pair k has the draws k of the seeds 0 and 1."""
    starts, ends = (
        draw_latents(seed, pairs, checkpoint.shape).to(checkpoint.device) for seed in (0, 1)
    )
    latents: dict[str, list[Tensor]] = {}
    seconds: dict[str, list[float]] = {}
    runs = []
    bar = tqdm(range(pairs), "pairs", leave=False, disable=not sys.stderr.isatty())
    for pair in bar:
        for name, middle, spent in paths_of(checkpoint, starts[pair], ends[pair]):
            latents.setdefault(name, []).append(middle)
            seconds.setdefault(name, []).append(spent)
        began = time.perf_counter()  # beside each search: the machine's pace drifts
        decoded(checkpoint, starts[:1].expand(SHOWN, *checkpoint.shape).contiguous())
        runs.append(time.perf_counter() - began)
    middles = {
        name: judged(checkpoint, classifier, torch.cat(found), seconds[name])
        for name, found in latents.items()
    }
    at_ends = judged(checkpoint, classifier, torch.cat([starts, ends]), [])
    return Outcome(checkpoint, classifier, pairs, middles, at_ends, median(runs))


# What is written


def report(outcomes: Sequence[Outcome]) -> str:
    """The whole of docs/image-paths.md."""
    parts = [
        "# What is seen half-way between two images\n\n",
        _paragraph("Made by `python -m bench.image_paths`. Do not edit it by hand."),
        _paragraph(
            f"Pairs of latents are drawn from N(0, I). DDIM with {STEPS} steps decodes the middle "
            "of each path (by its length in the latent), and a small classifier that was trained "
            "with real images says how sure it is of a class: the largest of its probabilities. "
            "*Time* is what it takes to find a path, over that of decoding the "
            f"{SHOWN} images that the program shows with plain DDIM in {STEPS} steps, in the same "
            "run. The geodesic is also looked at as the program shows it, evenly spaced where it "
            "is decoded: there its middle lies where the images change most."
        ),
        *(_section(outcome) for outcome in outcomes),
    ]
    return "".join(parts).removesuffix("\n")


def _section(outcome: Outcome) -> str:
    described, checkpoint = outcome.classifier.description, outcome.checkpoint
    rows = [
        f"| {name} | {_row(found)} | {_time(found, outcome.run)} |"
        for name, found in outcome.middles.items()
    ]
    header = (
        "| path | norm | mean | median | at least 90 % sure | time |\n|---|---|---|---|---|---|"
    )
    ends = f"| *the ends themselves* | {_row(outcome.ends)} | |"
    return (
        f"## {checkpoint.config.dataset}\n\n"
        + _paragraph(
            f"{outcome.pairs} pairs; the network after {checkpoint.description.step} updates. Of "
            f"real images that it has not seen, the classifier is at least 90 % sure of "
            f"{described.recognised:.0%}."
        )
        + "\n".join([header, *rows, ends])
        + "\n\n"
        + _norms(outcome)
    )


def _row(found: Middles) -> str:
    sure = found.confidence
    return (
        f"{found.norms.mean():.1f} | {sure.mean():.3f} | {np.median(sure):.3f} | {found.sure:.0%}"
    )


def _time(found: Middles, run: float) -> str:
    ratio = median(found.seconds) / run
    return f"{ratio:.1f}" if ratio >= 0.05 else "0"


def _norms(outcome: Outcome) -> str:
    """Where the linear midpoints lie, and where the prior's latents do."""
    size = int(np.prod(outcome.checkpoint.shape))
    low, mean, high = chi.ppf(LOW, size), chi.mean(size), chi.ppf(HIGH, size)
    found = outcome.middles["linear"].norms
    below = int((found < low).sum())
    first, last = np.quantile(found, [LOW, HIGH])
    return _paragraph(
        f"A latent of {size} numbers from N(0, I) has a norm of {mean:.2f} on average, and in 95 "
        f"of 100 cases between {low:.2f} and {high:.2f}. The linear midpoints have "
        f"{found.mean():.2f} ({first:.2f} to {last:.2f}): {below} of {len(found)} lie below that, "
        "where a network has hardly ever been trained."
    )


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False) + "\n\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", nargs="+", default=["mnist"], help="names or paths")
    parser.add_argument("--data-root", type=Path, help="where images for the classifier are")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        parser.error(f"--pairs must be at least 1, got {options.pairs}")
    use_one_thread()  # images take as many as suit them
    outcomes = []
    for name in options.checkpoint:
        checkpoint = load_checkpoint(name)
        if len(checkpoint.shape) != 3:
            parser.error(f"the checkpoint {name!r} is of points, not of images")
        classifier = finish(find_classifier(checkpoint.config, options.data_root))
        outcomes.append(measure(checkpoint, classifier, options.pairs))
    text = report(outcomes)
    if options.out is None:
        print(text)
    else:
        write_atomically(options.out, lambda stream: stream.write(text.encode()))


if __name__ == "__main__":
    main()
