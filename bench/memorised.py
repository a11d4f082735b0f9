"""Whether a checkpoint of images draws its training images again: the nearest ones of its samples.

    python -m bench.memorised [--checkpoint mnist] [--data-root DIR] [--count 500] [--told]
                              [--picture FILE.png] [--json]

The distances of samples to their nearest training images, in pixels and in the features of the
classifier, beside those of test images, which no one can have memorised. A network that copies puts
many samples nearer than nearly all test images are: at most 5 % of them may be nearer than 1 % of
the test images. The picture shows the closest pairs, sample above training image.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engine.analysis.classifier import load_classifier
from engine.checkpoints.checkpoint import Checkpoint, load_checkpoint
from engine.datasets.images import to_pixels
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.image_files.loading import load_for

STEPS, BATCH, SEED = 50, 64, 1_000
NEAR, LIMIT = 0.01, 0.05
PAIRS, ENLARGED = 16, 3


@dataclass(frozen=True)
class Nearest:
    """Distances (N,) to the nearest training images, and their ``rows`` (N,)."""

    distances: NDArray[np.float64]
    rows: NDArray[np.int64]


def draw(checkpoint: Checkpoint, count: int, *, told: bool) -> NDArray[np.uint8]:
    """``count`` samples by DDIM, as pixels (N, C, H, W)."""
    latents = draw_latents(SEED, count, checkpoint.shape)
    drawn = []
    for first, part in zip(range(0, count, BATCH), latents.split(BATCH), strict=True):
        denoiser = checkpoint.denoiser
        if told:
            kinds = denoiser.classes
            weights = F.one_hot(torch.arange(first, first + len(part)) % kinds, kinds).float()
            denoiser = denoiser.conditioned(weights, 1.0)
        *_, last = sample(denoiser, checkpoint.schedule, part, sampler=DDIM(steps=STEPS))
        drawn.append(to_pixels(last.x.numpy(), checkpoint.transform))
    return np.concatenate(drawn)


def nearest(states: Tensor, training: Tensor) -> Nearest:
    """For each of ``states`` (N, D), among ``training`` (M, D)."""
    distances, rows = [], []
    for block in states.split(100):
        found = torch.cdist(block, training).min(dim=1)
        distances.append(found.values)
        rows.append(found.indices)
    return Nearest(torch.cat(distances).double().numpy(), torch.cat(rows).numpy())


def flat(pixels: NDArray[np.uint8]) -> Tensor:
    """Pixels in 0..1, a row an image."""
    return torch.from_numpy(pixels).float().flatten(1) / 255


def compared(samples: Nearest, test: Nearest) -> dict[str, float]:
    """Quantiles of both, and the share of samples that are nearer than 1 % of the test images."""
    near = np.quantile(test.distances, NEAR)
    return {
        "samples_least": float(samples.distances.min()),
        "samples_median": float(np.median(samples.distances)),
        "test_least": float(test.distances.min()),
        "test_median": float(np.median(test.distances)),
        "nearer": float(np.mean(samples.distances < near)),
    }


def picture(samples: NDArray[np.uint8], training: NDArray[np.uint8], found: Nearest) -> Image.Image:
    """The closest pairs side by side, the sample above its training image."""
    order = np.argsort(found.distances)[:PAIRS]
    pairs = np.concatenate([samples[order], training[found.rows[order]]], axis=2)
    strip = np.concatenate(list(pairs.transpose(0, 2, 3, 1)), axis=1)
    large = strip.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    return Image.fromarray(large.squeeze())


def measure(
    name: str, root: Path | None, count: int, *, told: bool, file: Path | None
) -> dict[str, dict[str, float]]:
    """The comparison in pixels and in features; writes the picture to ``file``."""
    checkpoint = load_checkpoint(name)
    training, test = (
        load_for(checkpoint.config, root=root, split=split) for split in ("train", "test")
    )
    classifier = load_classifier(checkpoint.config.dataset)
    samples, unseen = draw(checkpoint, count, told=told), test.images[:count]
    in_pixels = [flat(images) for images in (samples, unseen, training.images)]
    by_pixels = [nearest(states, in_pixels[-1]) for states in in_pixels[:2]]

    def features(images: NDArray[np.uint8]) -> Tensor:
        parts = np.array_split(images, 1 + len(images) // 4096)
        own = classifier.description.transform
        return torch.from_numpy(
            np.concatenate([classifier.features(own.apply(part / 255)) for part in parts])
        )

    seen = [features(images) for images in (samples, unseen, training.images)]
    by_features = [nearest(states, seen[-1]) for states in seen[:2]]
    if file is not None:
        picture(samples, training.images, by_pixels[0]).save(file)
    return {"pixels": compared(*by_pixels), "features": compared(*by_features)}


def main() -> int:
    """Measure, print, and say by the exit status whether the limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checkpoint", default="mnist")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--told", action="store_true", help="tell the network a class for each")
    parser.add_argument("--picture", type=Path, metavar="FILE.png")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measure(
        given.checkpoint, given.data_root, given.count, told=given.told, file=given.picture
    )
    kept = all(of["nearer"] <= LIMIT for of in figures.values())
    if given.json:
        print(json.dumps({**figures, "limit": LIMIT}))
    else:
        for space, of in figures.items():
            print(
                f"{space}: median distance to the training images {of['samples_median']:.2f} for "
                f"samples, {of['test_median']:.2f} for test images; least "
                f"{of['samples_least']:.2f}, {of['test_least']:.2f}; {of['nearer']:.1%} of the "
                f"samples nearer than {NEAR:.0%} of the test images, limit {LIMIT:.0%}"
            )
        print("" if kept else "MISSED")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
