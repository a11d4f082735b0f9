"""Where sets of images are published, and the md5 sums of their files. Free of torch.

The same addresses and sums as torchvision's, which a test holds them against: to ask torchvision
for them would take seconds before the first byte is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.image_files.places import CIFAR_ARCHIVE


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch, from any of ``urls``; ``usual_bytes`` is its expected size."""

    name: str
    urls: tuple[str, ...]
    md5: str
    usual_bytes: int


@dataclass(frozen=True)
class Published:
    """The ``files`` of a set. ``members``: md5 sums by name of those in an archive."""

    files: tuple[RemoteFile, ...]
    members: dict[str, str]


def _idx(mirrors: tuple[str, ...], sums: tuple[tuple[str, int], ...]) -> Published:
    names = (
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    )
    files = (
        RemoteFile(name, tuple(mirror + name for mirror in mirrors), md5, size)
        for name, (md5, size) in zip(names, sums, strict=True)
    )
    return Published(tuple(files), {})


PUBLISHED = {
    "mnist": _idx(
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "http://yann.lecun.com/exdb/mnist/",
        ),
        (
            ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
            ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
            ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
            ("ec29112dd5afa0611ce80d1b7f02629c", 4_542),
        ),
    ),
    "fashion": _idx(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
        (
            ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
            ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
            ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
            ("bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        ),
    ),
    "cifar10": Published(
        (
            RemoteFile(
                CIFAR_ARCHIVE,
                ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
                "c58f30108f718f92721af3b95e74349a",
                170_498_071,
            ),
        ),
        {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
    ),
}
