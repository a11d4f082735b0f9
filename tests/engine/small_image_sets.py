"""Sets of images of a few pictures in the formats they are published in, for tests."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from engine.image_files import downloads, published
from engine.image_files.published import Published, RemoteFile

COUNTS = {"train": 30, "test": 10}


def grey_images(count: int, seed: int = 0, side: int = 28) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), np.uint8)


def labels_of(count: int, classes: int = 10) -> np.ndarray:
    return (np.arange(count) * 7 % classes).astype(np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    """An array of bytes as an IDX file: zeros, type, dimensions, sizes, then the bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def idx_files(seed: int = 0) -> dict[str, bytes]:
    """The four files of MNIST, by name."""
    files = {}
    for split, count in COUNTS.items():
        prefix = {"train": "train", "test": "t10k"}[split]
        images = grey_images(count, seed + len(prefix))
        files[f"{prefix}-images-idx3-ubyte"] = idx_bytes(images)
        files[f"{prefix}-labels-idx1-ubyte"] = idx_bytes(labels_of(count))
    return files


def idx_images(files: dict[str, bytes], prefix: str = "train") -> np.ndarray:
    """The images in one of ``idx_files``, (n, 1, 28, 28)."""
    return np.frombuffer(files[f"{prefix}-images-idx3-ubyte"][16:], np.uint8).reshape(-1, 1, 28, 28)


def zipped(files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in files.items()}


def write_all(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def cifar_pixels(number: int, count: int = 4) -> np.ndarray:
    """The images of a batch, (count, 3, 32, 32)."""
    return np.random.default_rng(number).integers(0, 256, (count, 3, 32, 32), np.uint8)


def cifar_files() -> dict[str, bytes]:
    """The seven files of CIFAR-10, four images a batch, as pickled dictionaries."""
    files = {}
    for number, (name, _) in enumerate(CIFAR10.train_list + CIFAR10.test_list):
        batch = {
            "batch_label": name,
            "labels": [(number + image) % 10 for image in range(4)],
            "data": cifar_pixels(number).reshape(4, 3072),
            "filenames": [f"{image}.png" for image in range(4)],
        }
        files[name] = pickle.dumps(batch, protocol=2)
    names = {"label_names": ["airplane"] * 10, "num_cases_per_batch": 4, "num_vis": 3072}
    files[CIFAR10.meta["filename"]] = pickle.dumps(names, protocol=2)
    return files


def cifar_archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in {"readme.html": b"<p>", **files}.items():
            member = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def publish_cifar(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> None:
    """Let torchvision expect these files."""

    def sums(names: list[list[str]]) -> list[list[str]]:
        return [[name, md5(files[name])] for name, _ in names]

    meta = CIFAR10.meta | {"md5": md5(files[CIFAR10.meta["filename"]])}
    for name, value in {
        "train_list": sums(CIFAR10.train_list),
        "test_list": sums(CIFAR10.test_list),
        "meta": meta,
    }.items():
        monkeypatch.setattr(CIFAR10, name, value)


def publish(monkeypatch: pytest.MonkeyPatch, url: str, files: dict[str, bytes]) -> None:
    """Let ToyDiff expect MNIST with these zipped files, and CIFAR-10 if there is its archive."""
    monkeypatch.setattr(published, "PUBLISHED", dict(published.PUBLISHED))
    names = [file.name for file in published.PUBLISHED["mnist"].files]
    remote = [RemoteFile(name, (url + name,), md5(files[name]), 100) for name in names]
    published.PUBLISHED["mnist"] = Published(tuple(remote), {})
    if data := files.get(CIFAR10.filename):
        archive = RemoteFile(CIFAR10.filename, (url + CIFAR10.filename,), md5(data), 100)
        sums = {name: md5(batch) for name, batch in cifar_files().items()}
        published.PUBLISHED["cifar10"] = Published((archive,), sums)
    monkeypatch.setattr(downloads, "PUBLISHED", published.PUBLISHED)


CHILD = """
import sys
from engine.image_files import downloads, published
from engine.image_files.published import Published, RemoteFile
downloads.PUBLISHED["mnist"] = {mnist!r}
downloads.PAUSE = 0
from engine.commands.group import main
sys.argv[0] = "engine"
main()
"""


def patched_fetch() -> list[str]:
    """The command 'fetch' in a process of its own, which expects the same MNIST as this one."""
    script = CHILD.format(mnist=published.PUBLISHED["mnist"])
    return [sys.executable, "-c", script, "fetch"]
