"""Sets of images through torchvision: found where they are, never downloaded unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torchvision.datasets import MNIST, FashionMNIST

from engine.config import TrainingConfig
from engine.datasets.images import INFOS, ImageSet, Split, load_digits, standardisation_of


def load_images(name: str, *, root: Path | None, split: Split = "train") -> ImageSet:
    """The set ``name`` from the folder ``root``."""
    if name == "digits":
        return load_digits(split)
    kind = {"mnist": MNIST, "fashion": FashionMNIST}[name]
    found = kind(root, train=split == "train", download=False)
    images = found.data.numpy()[:, None]
    labels = found.targets.numpy().astype(np.int64)
    return ImageSet(name, images, labels, INFOS[name].labels, standardisation_of(images))


def load_for(config: TrainingConfig, *, root: Path | None, split: Split = "train") -> ImageSet:
    """The images that a training with ``config`` uses."""
    return load_images(config.dataset, root=root, split=split)
