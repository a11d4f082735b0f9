"""What a training draws its batches from, and what is known of the data by the kind of state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import datasets
from engine.datasets import Standardisation
from engine.datasets.images import ImageSet, info_of
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES, POINTS
from engine.shared.config import LEAST_SIZE, MOST_SIZE, TrainingConfig
from engine.shared.work import silently

MOST_IMAGES, MOST_NUMBERS = 4096, 16_000_000
"""Of images at most so many are drawn from, with no more numbers in all."""


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


@dataclass(frozen=True)
class FoundImages:
    """What has been read of a user's own files: how many, and what to know of it."""

    count: int
    note: str = ""


class DataOfKind(ABC):
    """What there is to know of states of one kind and of the data they come from."""

    plain: ClassVar[bool]
    """Whether a state is a few numbers, which can be typed."""
    pictures: ClassVar[bool]
    """Whether a picture's file holds a state."""

    # Of a configuration

    @abstractmethod
    def shape(self, config: TrainingConfig) -> tuple[int, ...]:
        """Of a state of the data that ``config`` names."""

    def labels(self, config: TrainingConfig) -> tuple[str, ...]:
        """The names of the classes of the data; () where there are none."""
        return ()

    @abstractmethod
    def bytes_held(self, config: TrainingConfig) -> int:
        """What a training keeps of the data in memory, where it is worth counting."""

    # Of a checkpoint's description

    @abstractmethod
    def written_shape(self, shape: tuple[int, ...]) -> list[int] | None:
        """How a description says it; None where the mean says it all."""

    @abstractmethod
    def read_shape(
        self, config: TrainingConfig, written: Sequence[int] | None, channels: int
    ) -> tuple[int, ...]:
        """The shape of a state with a mean of so many ``channels``.

        Raises ``ValueError`` for a shape that no state of this kind has.
        """

    # The data

    @abstractmethod
    def load(self, config: TrainingConfig, device: torch.device, root: Path | None) -> TrainingData:
        """The data that ``config`` names; see ``load_training_data``."""

    @abstractmethod
    def held(self, data: Any, device: torch.device) -> TrainingData:
        """Data that are there already: a ``PointSet``, or an ``ImageSet``."""

    @abstractmethod
    def read_steps(
        self, config: TrainingConfig, root: Path | None
    ) -> Generator[tuple[int, int], None, FoundImages]:
        """Read files that ``load`` then finds read: how many are read, of how many."""

    @abstractmethod
    def states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
    ) -> NDArray[np.float32]:
        """All training data (M, ...) in the units of ``transform``.

        Raises ``ValueError`` for data that are not to be found, or of another shape, or too many.
        """

    @abstractmethod
    def some_states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
        seed: int,
    ) -> Generator[None, None, NDArray[np.float32]]:
        """Enough of the training data to draw x0 from: all of them, or some that ``seed`` draws."""

    def read_picture(
        self, path: Path, shape: tuple[int, ...], transform: Standardisation
    ) -> NDArray[np.float32]:
        """The state in a picture's file, where it has one."""
        raise ValueError(f"{path} holds no such state")

    # A network of the user's own

    @property
    @abstractmethod
    def own_shapes(self) -> str:
        """The shapes that such a network may have, in words."""

    @abstractmethod
    def may_be(self, shape: tuple[int, ...]) -> bool:
        """Whether states of such a network may have this ``shape``."""

    @abstractmethod
    def usual_units(self, dataset: str, shape: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """Mean and deviation where nobody says other ones."""


class Points(DataOfKind):
    """Points, drawn when they are needed."""

    plain, pictures = True, False
    own_shapes = "(2,)"

    def shape(self, config: TrainingConfig) -> tuple[int, ...]:
        """All sets are of the plane."""
        return (2,)

    def bytes_held(self, config: TrainingConfig) -> int:
        """Next to nothing."""
        return 0

    def written_shape(self, shape: tuple[int, ...]) -> list[int] | None:
        """As many numbers as the mean has."""
        return None

    def read_shape(
        self, config: TrainingConfig, written: Sequence[int] | None, channels: int
    ) -> tuple[int, ...]:
        """See ``DataOfKind.read_shape``."""
        if written is not None:
            raise ValueError(f"shape {written} does not suit {config.dataset!r}")
        return (channels,)

    def load(self, config: TrainingConfig, device: torch.device, root: Path | None) -> TrainingData:
        """See ``load_training_data``."""
        return PointData(datasets.load(config.dataset, config.points, config.seed), device)

    def held(self, data: Any, device: torch.device) -> TrainingData:
        """See ``DataOfKind.held``."""
        return PointData(data, device)

    def read_steps(
        self, config: TrainingConfig, root: Path | None
    ) -> Generator[tuple[int, int], None, FoundImages]:
        """There is nothing to read."""
        yield from ()
        return FoundImages(config.points)

    def states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
    ) -> NDArray[np.float32]:
        """They are drawn anew, and standardised as they were."""
        return datasets.load(config.dataset, config.points, config.seed).points

    def some_states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
        seed: int,
    ) -> Generator[None, None, NDArray[np.float32]]:
        """All of them."""
        yield from ()
        return self.states(config, transform, shape, root)

    def may_be(self, shape: tuple[int, ...]) -> bool:
        """Points of the plane."""
        return shape == (2,)

    def usual_units(self, dataset: str, shape: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """Those of the set of points."""
        known = datasets.load(dataset).transform
        return known.mean.tolist(), known.std.tolist()


class Images(DataOfKind):
    """Images (C, H, W), read from files."""

    plain, pictures = False, True
    own_shapes = f"(1 or 3, H, W) with sides of {LEAST_SIZE} to {MOST_SIZE}"

    def shape(self, config: TrainingConfig) -> tuple[int, ...]:
        """(C, H, W)."""
        return info_of(config).shape

    def labels(self, config: TrainingConfig) -> tuple[str, ...]:
        """See ``DataOfKind.labels``."""
        return info_of(config).labels

    def bytes_held(self, config: TrainingConfig) -> int:
        """A byte for each number of the usual count of images."""
        info = info_of(config)
        return info.count * math.prod(info.shape)

    def written_shape(self, shape: tuple[int, ...]) -> list[int] | None:
        """(C, H, W), of which the mean says C alone."""
        return list(shape)

    def read_shape(
        self, config: TrainingConfig, written: Sequence[int] | None, channels: int
    ) -> tuple[int, ...]:
        """See ``DataOfKind.read_shape``."""
        if written is None:
            raise ValueError(f"shape None does not suit {config.dataset!r}")
        shape = tuple(written)
        sized = all(LEAST_SIZE <= side <= MOST_SIZE for side in shape[1:])
        if not (len(shape[1:]) == 2 and shape[0] == channels and sized):
            raise ValueError(f"shape {written} with {channels} means")
        return shape

    def load(self, config: TrainingConfig, device: torch.device, root: Path | None) -> TrainingData:
        """See ``load_training_data``."""
        from engine.image_files.loading import load_for  # torchvision takes a second to load

        return ImageData(load_for(config, root=root), device)

    def held(self, data: Any, device: torch.device) -> TrainingData:
        """See ``DataOfKind.held``."""
        return ImageData(data, device)

    def read_steps(
        self, config: TrainingConfig, root: Path | None
    ) -> Generator[tuple[int, int], None, FoundImages]:
        """See ``DataOfKind.read_steps``."""
        from engine.image_files.loading import load_steps

        images = yield from load_steps(config, root)
        return FoundImages(len(images.images), images.note)

    def states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
    ) -> NDArray[np.float32]:
        """They are looked for in ``root`` first."""
        from engine.image_files.loading import training_states

        return training_states(config, transform, shape, root)

    def some_states(
        self,
        config: TrainingConfig,
        transform: Standardisation,
        shape: tuple[int, ...],
        root: Path | None,
        seed: int,
    ) -> Generator[None, None, NDArray[np.float32]]:
        """Some of them, since as floats they need not all be held."""
        from engine.image_files.loading import load_steps, require_shape

        images = yield from silently(load_steps(config, root))
        require_shape(images, shape)
        random = np.random.default_rng([seed, len(images.images)])
        most = min(MOST_IMAGES, max(MOST_NUMBERS // images.images[0].size, 1))
        rows = random.permutation(len(images.images))[:most]
        return transform.apply(images.images[rows].astype(np.float32) / 255)

    def read_picture(
        self, path: Path, shape: tuple[int, ...], transform: Standardisation
    ) -> NDArray[np.float32]:
        """Scaled to its size."""
        from engine.image_files.folder import read_picture

        channels, height, width = shape
        if height != width:
            raise ValueError(f"{path}: pictures are cut to squares, not to {height} x {width}")
        pixels = read_picture(path, height, channels)
        return transform.apply(pixels.astype(np.float32) / 255)

    def may_be(self, shape: tuple[int, ...]) -> bool:
        """Images in grey or colour, of a size that a UNet is made for."""
        return (
            len(shape[1:]) == 2
            and shape[0] in (1, 3)
            and all(type(side) is int and LEAST_SIZE <= side <= MOST_SIZE for side in shape[1:])
        )

    def usual_units(self, dataset: str, shape: tuple[int, ...]) -> tuple[list[float], list[float]]:
        """-1..1."""
        half = [0.5] * shape[0]
        return half, half


DATA: dict[str, DataOfKind] = {POINTS: Points(), IMAGES: Images()}
catalogue.require_all("DATA", DATA, catalogue.KINDS)


def load_training_data(
    config: TrainingConfig, device: torch.device, *, data_root: Path | None = None
) -> TrainingData:
    """The data that ``config`` names; images are looked for in ``data_root`` and where they
    usually are. Raises ``ValueError`` if they are not there or not what they should be.
    """
    return DATA[config.resolved_kind].load(config, device, data_root)
