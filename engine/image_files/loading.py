"""Sets of images: found where they are, never downloaded unasked.

What was read last is kept: a training, pictures to look at and the figures of quality use the same
images, and read them once. Nobody may change them.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.datasets import Standardisation
from engine.datasets.images import (
    BLOCK,
    INFOS,
    ImageSet,
    Pixels,
    Split,
    load_digits,
    standardisation_of,
)
from engine.image_files.cifar import read_cifar
from engine.image_files.folder import FolderImages, Listing, list_pictures, load_pictures
from engine.image_files.idx import read_images, read_labels
from engine.image_files.places import IDX_FOLDERS, Place, require
from engine.shared.config import TrainingConfig, require_choice
from engine.shared.work import finish

MOST_STATE_BYTES = 2**31

Stamps = tuple[tuple[str, int, int], ...]
"""Name, size and time of each file of a set: as long as they stay, the set does."""


def load_images(name: str, root: Path | None = None, split: Split = "train") -> ImageSet:
    """The set ``name``, looked for in ``root`` and where sets usually are (see ``data_places``).

    Both halves are standardised as the training half is. Raises ``ValueError`` if the set is
    unknown, not there, or not what it should be; the file is named.
    """
    require_choice("set of images", name, tuple(INFOS), ())
    require_choice("split", split, ("train", "test"), ())
    if name == "digits":
        return load_digits(split)
    return load_from(require(name, root), split)


def load_from(place: Place, split: Split = "train") -> ImageSet:
    """The set at ``place``, as by ``load_images``."""
    stamps = _stamps(place)
    images, labels = _read(place, split, stamps)
    names = INFOS[place.name].labels
    return ImageSet(place.name, images, labels, names, _transform(place, stamps))


def load_for(config: TrainingConfig, root: Path | None = None, split: Split = "train") -> ImageSet:
    """The images that a training with ``config`` uses; for 'folder' they are in ``root``.

    Raises ``ValueError`` as ``load_images`` does.
    """
    return finish(load_steps(config, root, split))


def load_steps(
    config: TrainingConfig, root: Path | None = None, split: Split = "train"
) -> Generator[tuple[int, int], None, ImageSet]:
    """``load_for`` with an item for each file of a folder: how many are read, of how many."""
    if config.dataset != "folder":
        return load_images(config.dataset, root, split)
    if root is None:
        raise ValueError(
            "the data set 'folder' needs its folder of images: name it with --data-root"
        )
    listing = list_pictures(root)
    key = (listing, config.image_size, config.channels)
    if key not in _folders:
        _folders.clear()  # two at once might be too much
        _folders[key] = yield from load_pictures(listing, config.image_size, config.channels)
    return _folders[key].split(split)


def require_shape(images: ImageSet, shape: tuple[int, ...]) -> None:
    """Raises ``ValueError`` for images of another shape than the states (C, H, W) of a network."""
    if images.shape != shape:
        raise ValueError(f"the images have shape {images.shape}, the network's {shape}")


def training_states(
    config: TrainingConfig,
    transform: Standardisation,
    shape: tuple[int, ...],
    root: Path | None = None,
) -> NDArray[np.float32]:
    """All training images of ``config``, float32 (M, C, H, W), in the units of ``transform``.

    Raises ``ValueError`` if they are not to be found (``root`` is as for ``load_for``), have not
    the ``shape`` (C, H, W), or would take too much memory.
    """
    if config.dataset == "folder" and root is None:
        raise ValueError(
            "a model does not record the folder of images that it was trained with: name it with "
            "--data-root"
        )
    images = load_for(config, root)
    require_shape(images, shape)
    pixels = images.images
    if 4 * pixels.size > MOST_STATE_BYTES:
        raise ValueError(
            f"{len(pixels)} images would take {4 * pixels.size} bytes, more than {MOST_STATE_BYTES}"
        )
    states = np.empty(pixels.shape, np.float32)
    for start in range(0, len(pixels), BLOCK):  # in between there are eight bytes a number
        rows = slice(start, start + BLOCK)
        states[rows] = transform.apply(pixels[rows] / 255)
    return states


_folders: dict[tuple[Listing, int, int], FolderImages] = {}


def _stamps(place: Place) -> Stamps:
    found = ((path, path.stat()) for path in place.files())
    return tuple((str(path), status.st_size, status.st_mtime_ns) for path, status in found)


@lru_cache(maxsize=2)
def _read(place: Place, split: Split, stamps: Stamps) -> tuple[Pixels, NDArray[np.int64]]:
    """Images and labels; ``stamps`` are there for the cache alone."""
    if place.name not in IDX_FOLDERS:
        return read_cifar(place.folder, split)
    info = INFOS[place.name]
    files = place.idx_files(split)
    images = read_images(files[0], info.shape[1])
    return images, read_labels(files[1], len(images), len(info.labels))


@lru_cache(maxsize=8)
def _transform(place: Place, stamps: Stamps) -> Standardisation:
    return standardisation_of(_read(place, "train", stamps)[0])
