"""Training the classifier that judges samples of a set of images."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.analysis.classifier import (
    Classifier,
    ClassifierDescription,
    ClassifierNetwork,
    check_judged,
    classifier_path,
    known_classifier,
    look_with,
    save_classifier,
)
from engine.analysis.images import Features, recognised, reference_of
from engine.datasets.images import ImageSet
from engine.devices import threads_for
from engine.shared.config import TrainingConfig
from engine.shared.files import make_folder

STEPS, BATCH, PEAK_RATE, WEIGHT_DECAY, WARM_UP = 2500, 128, 3e-3, 0.02, 100
LOOKED_AT = 256
"""Images in a block: there may be others who wait for the processor."""
MOST_SHIFT = 1 / 14
"""Of the side of an image: so far training images are shifted at most, either way."""


@dataclass(frozen=True)
class ClassifierStep:
    """Update ``step`` of ``total``; ``loss`` is the cross-entropy of its batch."""

    step: int
    total: int
    loss: float


def train_classifier(
    images: ImageSet, seed: int = 0, *, test: ImageSet, steps: int = STEPS, command: str = ""
) -> Generator[ClassifierStep, None, Classifier]:
    """Train a classifier with ``images``, rate it with ``test``, and measure its reference.

    An item an update, and one for each block of images that is looked at afterwards; the
    classifier is returned. The weights are rounded to half precision before anything is measured,
    so that a stored classifier sees what this one sees. Raises ``ValueError`` for images without
    classes.
    """
    check_judged(images.name)
    if len(images.labels) == 0:
        raise ValueError(f"the data set {images.name!r} has no classes")
    began = time.process_time()
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ClassifierNetwork(images.shape, len(images.names))
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, steps)
        rows = torch.randint(len(images.images), (BATCH,), generator=random).numpy()
        batch = _shifted(torch.from_numpy(images.standardised(rows)), images, random)
        with threads_for(batch):
            loss = F.cross_entropy(network(batch), torch.from_numpy(images.labels[rows]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        last = ClassifierStep(step, steps, float(loss.detach()))
        yield last
    network.requires_grad_(False)
    _scale_features(network, (yield from look(network, images, images, last))[0])
    network.half().float().to(memory_format=torch.contiguous_format)
    features, _ = yield from look(network, images, images, last)
    _, probabilities = yield from look(network, test, images, last)
    sure, _ = recognised(probabilities)
    reference = reference_of(features, sure)
    description = ClassifierDescription(
        dataset=images.name,
        shape=images.shape,
        classes=len(images.names),
        mean=images.transform.mean.flatten().tolist(),
        std=images.transform.std.flatten().tolist(),
        images=len(images.images),
        seed=seed,
        steps=steps,
        seconds=round(time.process_time() - began, 1),
        accuracy=float(np.mean(probabilities.argmax(1) == test.labels)),
        recognised=sure,
        test_images=len(test.images),
        reference_images=reference.moments.count,
        floors=dict(reference.floors),
        command=command,
    )
    return Classifier(description, network, reference.moments)


def rate_at(step: int, steps: int) -> float:
    """The learning rate of update ``step`` (from 1): a warm-up, then half a cosine to zero."""
    warm = min(1.0, step / WARM_UP)
    return PEAK_RATE * warm * (1 + math.cos(math.pi * step / steps)) / 2


def _shifted(batch: Tensor, images: ImageSet, random: torch.Generator) -> Tensor:
    """The batch (B, C, H, W), shifted as a whole by some pixels; what comes in is the margin's
    colour.
    """
    most = max(1, round(MOST_SHIFT * images.shape[1]))
    down, right = (int(v) for v in torch.randint(2 * most + 1, (2,), generator=random))
    padded = F.pad(batch, (most,) * 4, mode="replicate")
    height, width = batch.shape[-2:]
    part = padded[..., down : down + height, right : right + width]
    return part.contiguous(memory_format=torch.channels_last)


def _scale_features(network: ClassifierNetwork, features: Features) -> None:
    """Give the features (N, F) a variance of 1 on average, without changing a probability.

    A distance then has the same units for every set. Scaling commutes with the rectifier.
    """
    scale = float(np.var(features.astype(np.float64), axis=0).mean() ** -0.5)
    network.inner.weight.mul_(scale)
    network.inner.bias.mul_(scale)
    network.last.weight.div_(scale)


def look(
    network: ClassifierNetwork, images: ImageSet, trained_with: ImageSet, item: ClassifierStep
) -> Generator[ClassifierStep, None, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Features and probabilities of all ``images``; ``item`` comes once for each block of them."""
    found = []
    for start in range(0, len(images.images), LOOKED_AT):
        part = torch.from_numpy(images.standardised(slice(start, start + LOOKED_AT)))
        found.append(look_with(network, part, images.transform, trained_with.transform))
        yield item
    features, probabilities = zip(*found, strict=True)
    return np.concatenate(features), np.concatenate(probabilities)


def find_classifier(
    config: TrainingConfig, data_root: Path | None = None
) -> Generator[ClassifierStep, None, Classifier]:
    """The classifier for the data of ``config``; trained first, and kept, where there is none.

    Raises ``ValueError`` if the images that this needs are not there, or have no classes.
    """
    check_judged(config.dataset)
    if (known := known_classifier(config.dataset)) is not None:
        return known
    from engine.image_files.loading import load_for  # torchvision takes a second to load

    images, test = (load_for(config, root=data_root, split=split) for split in ("train", "test"))
    trained = yield from train_classifier(images, test=test)
    path = classifier_path(config.dataset)
    make_folder(path.parent)
    save_classifier(trained, path)
    return trained
