"""A folder of the user's own pictures as a set of images. Free of torch."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.datasets.images import ImageSet, Split, standardisation_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")
MOST_FILES = 200_000
MOST_BYTES = 2**31
"""Of all images together, once they are cut and scaled."""
MOST_PIXELS = 100_000_000
"""Of one file: a small file can claim a picture that would fill the memory."""
TEST_SHARE = 10
"""One image in so many is kept for 'test'."""


@dataclass(frozen=True)
class Listing:
    """The pictures in ``folder`` by path; ``links`` counts those left out because they are links.

    ``stamps`` are sizes and times, for telling whether something has changed.
    """

    folder: Path
    paths: tuple[Path, ...]
    stamps: tuple[tuple[int, int], ...]
    links: int


@dataclass(frozen=True)
class FolderImages:
    """The images of a folder; every tenth of those that are usable is kept for 'test'."""

    train: ImageSet
    test: ImageSet

    def split(self, split: Split) -> ImageSet:
        """One of the halves; raises ``ValueError`` for 'test' where it is empty."""
        if split == "train":
            return self.train
        if len(self.test.images) == 0:
            raise ValueError(
                f"{len(self.train.images)} images are too few to keep every tenth for a test"
            )
        return self.test


def list_pictures(folder: Path) -> Listing:
    """The pictures in ``folder`` and the folders in it, in the order of their paths.

    Hidden files and folders are passed over, and links are not followed: they may lead anywhere.
    Raises ``ValueError`` if there is no such folder, no picture, or more than ``MOST_FILES``.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder of images {folder}")
    found: list[tuple[Path, tuple[int, int]]] = []
    links = 0
    for entry in _entries(folder):
        if entry.is_symlink():
            links += 1
            continue
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            continue
        found.append((Path(entry.path), (status.st_size, status.st_mtime_ns)))
        if len(found) > MOST_FILES:
            raise ValueError(f"the folder {folder} holds more than {MOST_FILES} images")
    if not found:
        left_out = f" but {links} links, which are not followed" if links else ""
        raise ValueError(f"the folder {folder} holds no image ({' '.join(SUFFIXES)}){left_out}")
    found.sort(key=lambda item: item[0].parts)
    paths, stamps = zip(*found, strict=True)
    return Listing(folder, paths, stamps, links)


def load_pictures(
    listing: Listing, size: int, channels: int
) -> Generator[tuple[int, int], None, FolderImages]:
    """Read all pictures, each cut to its central square and scaled to ``size`` x ``size``.

    An item for each file: how many are done, of how many. What cannot be read is left out and
    counted. Raises ``ValueError`` if nothing is left, or all together is too large.
    """
    count = len(listing.paths)
    total = count * channels * size * size
    if total > MOST_BYTES:
        raise ValueError(
            f"{count} images of {size} x {size} would take {total} bytes, more than {MOST_BYTES}"
        )
    train, test = (
        np.empty((part, channels, size, size), np.uint8)
        for part in (count - count // TEST_SHARE, count // TEST_SHARE)
    )
    kept, first = 0, ""
    for number, path in enumerate(listing.paths, start=1):
        try:
            picture = read_picture(path, size, channels)
        except ValueError as error:
            first = first or str(error)
        else:
            tested, rest = divmod(kept, TEST_SHARE)
            if rest == TEST_SHARE - 1:
                test[tested] = picture
            else:
                train[kept - tested] = picture
            kept += 1
        yield number, count
    if not kept:
        raise ValueError(f"no image in {listing.folder} is usable; the first: {first}")
    test, train = test[: kept // TEST_SHARE], train[: kept - kept // TEST_SHARE]
    transform, note = standardisation_of(train), _note(count - kept, first, listing.links)
    none = np.empty(0, np.int64)
    return FolderImages(
        ImageSet("folder", train, none, (), transform, note),
        ImageSet("folder", test, none, (), transform, note),
    )


def read_picture(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """The central square of a picture, scaled, uint8 (channels, size, size).

    The first frame of a film; upright as the camera said; what is transparent becomes white.
    Raises ``ValueError`` naming the file and what is wrong with it.
    """
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no regular file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about oddities that Pillow copes with
            with Image.open(path, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise ValueError(
                        f"{picture.width} x {picture.height} pixels are more than {MOST_PIXELS}"
                    )
                # JPEG can be decoded at a fraction of its size, which is much faster.
                picture.draft("L" if channels == 1 else "RGB", (4 * size, 4 * size))
                return _square(picture, size, channels)
    except UnidentifiedImageError as error:
        known = ", ".join(FORMATS[:-1])
        raise ValueError(f"cannot use {path}: it is no {known} or {FORMATS[-1]}") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        # The file is named once, here.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ValueError(f"cannot use {path}: {reason.replace(repr(str(path)), 'it')}") from error


def _square(picture: Image.Image, size: int, channels: int) -> NDArray[np.uint8]:
    upright = ImageOps.exif_transpose(picture)
    side = min(upright.size)
    left, top = (upright.width - side) // 2, (upright.height - side) // 2
    square = _flat(upright.crop((left, top, left + side, top + side)))
    square = square.convert("L" if channels == 1 else "RGB")
    scaled = square.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(scaled).reshape(size, size, channels).transpose(2, 0, 1)


def _flat(picture: Image.Image) -> Image.Image:
    """``picture`` without transparency, and with 8 bits a channel."""
    if picture.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255
        levels = np.asarray(picture).clip(0, 65535) / 257
        return Image.fromarray(np.round(levels).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture
    rich = picture.convert("RGBA")
    white = Image.new("RGBA", rich.size, "white")
    return Image.alpha_composite(white, rich)


def _note(unusable: int, first: str, links: int) -> str:
    notes = []
    if unusable:
        notes.append(f"left out {unusable} unusable files, the first: {first}")
    if links:
        notes.append(f"left out {links} links, which are not followed")
    return "; ".join(notes)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """The files in ``folder`` and its folders that are pictures by name; links to folders."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _entries(Path(entry.path))
                elif entry.name.lower().endswith(SUFFIXES) or entry.is_dir():  # a link to one
                    yield entry
    except OSError as error:
        raise ValueError(f"cannot read the folder {folder}: {error.strerror or error}") from error
