"""What a training draws its batches from: points or images, of any shape of state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine import datasets
from engine.config import TrainingConfig
from engine.datasets import Standardisation
from engine.datasets.images import ImageSet


class TrainingData(ABC):
    """``count`` states of ``shape``, on the device that a training computes on.

    ``transform`` leads from the data's own units to standardised ones.
    """

    count: int
    shape: tuple[int, ...]
    transform: Standardisation

    @abstractmethod
    def states(self, rows: Tensor) -> Tensor:
        """x0 of some ``rows`` int64 (B,), float32 (B, ...) in standardised units."""

    def classes(self, rows: Tensor) -> Tensor | None:
        """The class of each, int64 (B,); None where there are none."""
        return None

    def figures(self) -> Tensor:
        """Number, shape, mean and deviation, float64 (F,): the same data have the same everywhere.

        Nearly the same, that is: pictures may be decoded by other versions of a library.
        """
        units = np.concatenate([self.transform.mean.ravel(), self.transform.std.ravel()])
        return torch.tensor([self.count, *self.shape, *units.tolist()], dtype=torch.float64)


class PointData(TrainingData):
    """Points, kept standardised."""

    def __init__(self, points: datasets.PointSet, device: torch.device) -> None:
        self.transform = points.transform
        self._points = torch.from_numpy(points.points).to(device)
        self.count, *shape = self._points.shape
        self.shape = tuple(shape)

    def states(self, rows: Tensor) -> Tensor:
        """See ``TrainingData.states``."""
        return self._points[rows.to(self._points.device)]


class ImageData(TrainingData):
    """Images, kept as bytes: as floats they would take four times the memory."""

    def __init__(self, images: ImageSet, device: torch.device) -> None:
        self.transform, self.shape = images.transform, images.shape
        self.count = len(images.images)
        self._pixels = torch.from_numpy(images.images).to(device)
        self._labels = torch.from_numpy(images.labels).to(device)
        # x = (pixel / 255 - mean) / std as one product and one sum.
        deviation = torch.from_numpy(images.transform.std)
        self._scale = (1 / (255 * deviation)).float().to(device)
        self._shift = (-torch.from_numpy(images.transform.mean) / deviation).float().to(device)

    def states(self, rows: Tensor) -> Tensor:
        """See ``TrainingData.states``."""
        pixels = self._pixels[rows.to(self._pixels.device)]
        return pixels.float().mul_(self._scale).add_(self._shift)

    def classes(self, rows: Tensor) -> Tensor | None:
        """See ``TrainingData.classes``."""
        return self._labels[rows.to(self._labels.device)] if len(self._labels) else None


def load_training_data(
    config: TrainingConfig, device: torch.device, *, data_root: Path | None = None
) -> TrainingData:
    """The data that ``config`` names; images are looked for in ``data_root`` and where they
    usually are. Raises ``ValueError`` if they are not there or not what they should be.
    """
    if not config.images:
        return PointData(datasets.load(config.dataset, config.points, config.seed), device)
    from engine.image_data import load_for  # torchvision takes a second to load

    return ImageData(load_for(config, root=data_root), device)
