"""CIFAR-10, read through torchvision.

Its batches are pickles, which could run code when they are loaded. They are loaded by torchvision
alone, and only after every one of them has the md5 sum of the published file: nobody is known to
be able to make another file for a given sum.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.datasets.images import Pixels, Split
from engine.image_files.places import CIFAR_ARCHIVE, CIFAR_FOLDER

MOST_BYTES = 2**26
"""Of one file; a batch of 10,000 images has 31 million."""
MOST_MEMBERS = 100


def read_cifar(folder: Path, split: Split) -> tuple[Pixels, NDArray[np.int64]]:
    """uint8 (n, 3, 32, 32) and labels int64 (n,) from the batches, or their archive, in ``folder``.

    Raises ``ValueError`` naming the file that is missing or not the published one.
    """
    from torchvision.datasets import CIFAR10  # takes seconds to load

    batches = dict(CIFAR10.train_list + CIFAR10.test_list)
    sums = {**batches, CIFAR10.meta["filename"]: CIFAR10.meta["md5"]}
    with _root(folder, sums) as root:
        check(root / CIFAR_FOLDER, sums)
        found = CIFAR10(root, train=split == "train", download=False)
    images = np.ascontiguousarray(found.data.transpose(0, 3, 1, 2))
    return images, np.array(found.targets, np.int64)


def check(folder: Path, sums: Mapping[str, str]) -> None:
    """Raise a ``ValueError`` that names a file unless all have the md5 ``sums`` that their name
    leads to.
    """
    for name, md5 in sums.items():
        path = folder / name
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"{path} is not of CIFAR-10: it has {path.stat().st_size} bytes")
            found = md5_of(path)
        except OSError as error:
            raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
        if found != md5:
            raise ValueError(
                f"{path} is not the file of CIFAR-10: its md5 sum is {found}, not {md5}"
            )


def unpack(archive: Path, root: Path, names: Iterable[str]) -> None:
    """Write the files ``names`` of ``archive`` to torchvision's folder in ``root``, nothing else.

    Raises ``ValueError`` naming the archive if it is damaged or claims an improbable size.
    """
    wanted = {f"{CIFAR_FOLDER}/{name}" for name in names}
    (root / CIFAR_FOLDER).mkdir(parents=True)
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


def md5_of(path: Path) -> str:
    """The md5 sum of a file's content."""
    with path.open("rb") as stream:
        # Some machines forbid md5 for what they take for security.
        return hashlib.file_digest(stream, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


@contextmanager
def _root(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """A root in torchvision's layout; the archive is unpacked into a temporary one."""
    if folder.name == CIFAR_FOLDER:
        yield folder.parent
        return
    with tempfile.TemporaryDirectory(prefix="toydiff-") as temporary:
        unpack(folder / CIFAR_ARCHIVE, Path(temporary), names)
        yield Path(temporary)
