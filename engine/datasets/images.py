"""Sets of images as plain arrays, and what is known of each by name. Free of torch.

Pixels are uint8, channels first. The networks see them standardised: divided by 255, then zero mean
and unit deviation in each channel over the whole training set.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.datasets.points import Standardisation
from engine.shared import catalogue
from engine.shared.catalogue import DIGITS, ImageSetRow
from engine.shared.config import ScheduleConfig, TrainingConfig, require_choice, unet_preset

Split = Literal["train", "test"]
Pixels = NDArray[np.uint8]

BLOCK = 4096
"""Images that are counted at a time."""


IMAGE_DEFAULTS: dict[str, Any] = {
    "schedule": ScheduleConfig(name="cosine"),
    "batch_size": 64,
    "rate": 1e-3,
    "clip": 1.0,
    "checkpoint_every": 500,
}

INFOS = catalogue.View(lambda: catalogue.image_sets(own=False))
"""The sets whose images have a shape of their own, by name."""


def info_of(config: TrainingConfig) -> ImageSetRow:
    """What is known of the set that a training with images uses."""
    row = catalogue.image_set(config.dataset)
    shape = (config.channels, config.image_size, config.image_size)
    return replace(row, shape=shape) if row.own else row


def image_training(dataset: str, preset: str = "medium", *, classes: bool = True) -> TrainingConfig:
    """A training with images that suits a laptop; ``classes``: the network learns them as well.

    Raises ``ValueError`` for an unknown set or preset, and for 'folder', which needs its own size
    (see ``folder_training``).
    """
    require_choice("set of images", dataset, tuple(INFOS), ())
    info = INFOS[dataset]
    unet = unet_preset(preset, info.shape[1], len(info.labels) if classes else 0)
    return TrainingConfig(dataset=dataset, unet=unet, **IMAGE_DEFAULTS)


def folder_training(size: int, channels: int, preset: str = "medium") -> TrainingConfig:
    """The same for a folder of images, cut and scaled to ``size`` x ``size``."""
    unet = unet_preset(preset, size)
    return TrainingConfig(
        dataset="folder", unet=unet, image_size=size, channels=channels, **IMAGE_DEFAULTS
    )


@dataclass(frozen=True)
class ImageSet:
    """``images`` uint8 (n, C, H, W) and ``labels`` int64 (n,); ``names`` are those of the classes.

    ``transform`` leads from pixels / 255 to standardised units; its ``mean`` and ``std`` have
    shape (C, 1, 1).
    """

    name: str
    images: Pixels
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    transform: Standardisation
    note: str = ""
    """What a user should know of how they were read, such as files that were left out."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        _, *shape = self.images.shape
        return (shape[0], shape[1], shape[2])

    def standardised(self, rows: NDArray[np.integer] | slice = slice(None)) -> NDArray[np.float32]:
        """Some images (or all) as the networks see them, float32 (m, C, H, W)."""
        return self.transform.apply(self.images[rows].astype(np.float32) / 255)


def standardisation_of(images: Pixels) -> Standardisation:
    """The transform that gives ``images`` / 255 zero mean and unit deviation in each channel."""
    levels = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = np.zeros(256, np.int64)
        for start in range(0, len(images), BLOCK):  # counting takes eight times the memory
            block = images[start : start + BLOCK, channel]
            counts += np.bincount(block.ravel(), minlength=256)
        share = counts / images[:, channel].size
        mean = float(share @ levels)
        means.append(mean)
        deviations.append(max(float(share @ (levels - mean) ** 2) ** 0.5, 1e-3))
    return Standardisation.by_channel(means, deviations, images.shape[1:])


def to_pixels(states: NDArray[np.floating], transform: Standardisation) -> Pixels:
    """Standardised images (..., C, H, W) as pixels, uint8, cut off at black and white."""
    levels = np.asarray(states, np.float32) * transform.std.astype(np.float32)
    levels += transform.mean.astype(np.float32)
    return np.round(levels.clip(0, 1) * 255).astype(np.uint8)


def load_digits(split: Split = "train") -> ImageSet:
    """The 1,797 bundled digits of 8 x 8 pixels; every tenth is kept for 'test'.

    From scikit-learn's copy of the UCI set 'Optical Recognition of Handwritten Digits'.
    """
    data = (resources.files("resources") / "data" / "digits.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    transform = standardisation_of(images)
    test = np.arange(len(images)) % 10 == 9
    rows = test if split == "test" else ~test
    return ImageSet("digits", images[rows], labels[rows], DIGITS, transform)
