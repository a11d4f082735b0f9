"""CIFAR-10, read through torchvision.

Its batches are pickles, which could run code when they are loaded. They are loaded by torchvision
alone, and only after every one of them has the md5 sum of the published file: nobody is known to
be able to make another file for a given sum.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import calculate_md5

from engine.data_places import CIFAR_ARCHIVE
from engine.datasets.images import Pixels, Split

MOST_BYTES = 2**26
"""Of one file; a batch of 10,000 images has 31 million."""
MOST_MEMBERS = 100


def read_cifar(folder: Path, split: Split) -> tuple[Pixels, NDArray[np.int64]]:
    """uint8 (n, 3, 32, 32) and labels int64 (n,) from the batches, or their archive, in ``folder``.

    Raises ``ValueError`` naming the file that is missing or not the published one.
    """
    with _root(folder) as root:
        for name, md5 in _files():
            _check(root / CIFAR10.base_folder / name, md5)
        found = CIFAR10(root, train=split == "train", download=False)
    images = np.ascontiguousarray(found.data.transpose(0, 3, 1, 2))
    return images, np.array(found.targets, np.int64)


def unpack(archive: Path, root: Path) -> None:
    """Write the batches of ``archive`` into their folder in ``root``; anything else is left out.

    Raises ``ValueError`` naming the archive if it is damaged or claims an improbable size.
    """
    wanted = {f"{CIFAR10.base_folder}/{name}" for name, _ in _files()}
    (root / CIFAR10.base_folder).mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:gz") as file:
            for number, member in enumerate(file):
                if member.size > MOST_BYTES or number >= MOST_MEMBERS:
                    raise ValueError(f"{member.name!r} has {member.size} bytes")
                content = file.extractfile(member) if member.name in wanted else None
                if content is None:  # also what is no plain file
                    continue
                wanted.remove(member.name)
                with content, (root / member.name).open("wb") as out:
                    shutil.copyfileobj(content, out)
                if not wanted:
                    return
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise ValueError(f"{archive} is not a usable archive of CIFAR-10: {error}") from error
    raise ValueError(f"{archive} is not a usable archive of CIFAR-10: {min(wanted)} is missing")


def _files() -> list[tuple[str, str]]:
    """Names and md5 sums of all that torchvision reads."""
    batches = [(name, md5) for name, md5 in CIFAR10.train_list + CIFAR10.test_list]
    return [*batches, (CIFAR10.meta["filename"], CIFAR10.meta["md5"])]


@contextmanager
def _root(folder: Path) -> Iterator[Path]:
    """A root in torchvision's layout; the archive is unpacked into a temporary one."""
    if folder.name == CIFAR10.base_folder:
        yield folder.parent
        return
    with tempfile.TemporaryDirectory(prefix="toydiff-") as temporary:
        unpack(folder / CIFAR_ARCHIVE, Path(temporary))
        yield Path(temporary)


def _check(path: Path, md5: str) -> None:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} is not of CIFAR-10: it has {path.stat().st_size} bytes")
        found = calculate_md5(path)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    if found != md5:
        raise ValueError(f"{path} is not the file of CIFAR-10: its md5 sum is {found}, not {md5}")
