"""Where sets of images lie on a disk. Only looks; free of torch.

A root is a folder in torchvision's layout (``ROOT/MNIST/raw``, ``ROOT/FashionMNIST/raw``,
``ROOT/cifar-10-batches-py``). The folder with the files themselves serves as well, and files may
still be as they were published: gzipped, CIFAR-10 as its archive.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import platformdirs

from engine.shared.config import require_choice

ROOT_VARIABLE = "TOYDIFF_DATA"
"""The environment variable that names a root."""

DEBIAN = {"fashion": Path("/usr/share/datasets/fashion-mnist")}
"""Folders of Debian's packages (here dataset-fashion-mnist), by the name of the set."""

FETCHED = ("mnist", "fashion", "cifar10")
"""The sets that are not bundled: they are found, or fetched."""

IDX_FOLDERS = {"mnist": "MNIST", "fashion": "FashionMNIST"}
"""torchvision's folder in a root, for sets that come as IDX files."""
IDX_SPLITS = {"train": "train", "test": "t10k"}

CIFAR_FOLDER = "cifar-10-batches-py"
CIFAR_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR_FIRST = "data_batch_1"


@dataclass(frozen=True)
class Place:
    """The ``folder`` where the set ``name`` lies; it may itself be named as a root."""

    name: str
    folder: Path

    def files(self) -> list[Path]:
        """Its files by name, for telling whether they have changed."""
        if self.name in IDX_FOLDERS:
            found = [path for split in IDX_SPLITS for path in self.idx_files(split)]
        elif self.folder.name == CIFAR_FOLDER:
            found = sorted(self.folder.iterdir())
        else:
            found = [self.folder / CIFAR_ARCHIVE]
        return [path for path in found if path.is_file()]

    def idx_files(self, split: str) -> tuple[Path, Path]:
        """Images and labels of a split; gzipped where there is no other file."""
        prefix = IDX_SPLITS[split]
        images, labels = (
            self.folder / f"{prefix}-{part}-ubyte" for part in ("images-idx3", "labels-idx1")
        )
        return _given_form(images), _given_form(labels)


def root_of(text: str) -> Path | None:
    """The folder that a request names, '~' being the engine's user; None for ''."""
    return Path(text).expanduser() if text else None


def default_root() -> Path:
    """The user's own folder for data."""
    return platformdirs.user_data_path("toydiff", appauthor=False) / "data"


def download_root(root: Path | None = None) -> Path:
    """Where fetched sets are put: ``root``, else what the environment names, else the user's."""
    return next(_roots(root))


def find(name: str, *roots: Path | None) -> Place | None:
    """The set ``name``, in the first of ``roots`` that has it or else where sets usually are.

    None if it is nowhere.

    Raises ``ValueError`` for an unknown name.
    """
    require_choice("set of images", name, FETCHED, ())
    places = (find_in(name, folder) for folder in _folders(name, *roots))
    return next((place for place in places if place is not None), None)


def find_in(name: str, root: Path) -> Place | None:
    """The set ``name`` in ``root`` itself, None if it is not there."""
    if name in IDX_FOLDERS:
        candidates = [root / IDX_FOLDERS[name] / "raw"]
        # Both sets have files of the same names: a folder of files says by its name which it is.
        candidates += [
            folder
            for folder in (root / "raw", root)
            if _says_fashion(folder) == (name == "fashion")
        ]
    else:
        candidates = [root / CIFAR_FOLDER, root] if root.name != CIFAR_FOLDER else [root]
    return next((Place(name, folder) for folder in candidates if _holds(Place(name, folder))), None)


def require(name: str, root: Path | None = None) -> Place:
    """``find``, or a ``ValueError`` that says where it looked and what to do."""
    if root is not None and not root.is_dir():
        raise ValueError(f"the data root {root} is not a folder")
    if place := find(name, root):
        return place
    looked = ", ".join(map(str, _folders(name, root)))
    raise ValueError(
        f"the data set {name!r} is not here: looked in {looked}; fetch it with `toydiff fetch "
        f"{name}` or in the window, or name its folder with --data-root"
    )


def places(*roots: Path | None) -> dict[str, str]:
    """The folder of each set by its name, '' where it was not found; ``roots`` as in ``find``."""
    found = {name: find(name, *roots) for name in FETCHED}
    return {
        "digits": str(resources.files("resources") / "data"),
        **{name: str(place.folder) if place else "" for name, place in found.items()},
    }


def _roots(*roots: Path | None) -> Iterator[Path]:
    yield from (root for root in roots if root is not None)
    if named := os.environ.get(ROOT_VARIABLE):
        yield Path(named).expanduser()
    yield default_root()


def _folders(name: str, *roots: Path | None) -> list[Path]:
    folders = list(_roots(*roots))
    if name in DEBIAN:
        folders.append(DEBIAN[name])
    return list(dict.fromkeys(folders))


def _given_form(path: Path) -> Path:
    zipped = path.with_name(f"{path.name}.gz")
    return path if path.is_file() or not zipped.is_file() else zipped


def _says_fashion(folder: Path) -> bool:
    """By the folder's own name or, where that tells nothing (``raw``), by the one around it."""
    names = [part.lower() for part in reversed(folder.absolute().parts[-2:])]
    telling = next((name for name in names if "fashion" in name or "mnist" in name), "")
    return "fashion" in telling


def _holds(place: Place) -> bool:
    if place.name in IDX_FOLDERS:
        return all(path.is_file() for path in place.idx_files("train"))
    first = CIFAR_FIRST if place.folder.name == CIFAR_FOLDER else CIFAR_ARCHIVE
    return (place.folder / first).is_file()
