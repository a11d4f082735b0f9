"""Sets of images found and read, from small files in the real formats."""

from __future__ import annotations

import gzip
import pickle
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

from engine import devices
from engine.checkpoints.checkpoint import Checkpoint, Description
from engine.datasets import Standardisation
from engine.datasets.images import image_training, to_pixels
from engine.image_files import idx
from engine.image_files import places as data_places
from engine.image_files.loading import load_for, load_images
from engine.image_files.places import find, places
from engine.shared.config import TrainingConfig, UNetConfig
from engine.training.trainer import Trainer
from tests.engine import small_image_sets
from tests.engine.small_image_sets import write_all


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path) -> Path:
    """No data in the usual places; returns the user's data folder, which does not exist."""
    monkeypatch.delenv("TOYDIFF_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(data_places, "DEBIAN", {"fashion": tmp_path / "debian/fashion-mnist"})
    return tmp_path / "home" / "toydiff" / "data"


@pytest.fixture
def files() -> dict[str, bytes]:
    return small_image_sets.idx_files()


@pytest.fixture
def root(tmp_path, files) -> Path:
    """A root in torchvision's layout, with MNIST."""
    write_all(tmp_path / "root" / "MNIST" / "raw", files)
    return tmp_path / "root"


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


# The same as torchvision's own classes


@pytest.mark.parametrize(("name", "kind"), [("mnist", MNIST), ("fashion", FashionMNIST)])
@pytest.mark.parametrize("split", ["train", "test"])
def test_idx_files_read_as_by_torchvision(tmp_path, files, name, kind, split):
    write_all(tmp_path / "root" / kind.__name__ / "raw", files)
    found = load_images(name, tmp_path / "root", split)
    theirs = kind(tmp_path / "root", train=split == "train", download=False)
    assert found.images.dtype == np.uint8
    np.testing.assert_array_equal(found.images, theirs.data[:, None])
    np.testing.assert_array_equal(found.labels, theirs.targets)
    assert found.labels.dtype == np.int64


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("split", ["train", "test"])
def test_cifar_reads_as_by_torchvision(tmp_path, monkeypatch, packed, split):
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    write_all(tmp_path / "theirs" / "cifar-10-batches-py", batches)
    theirs = CIFAR10(tmp_path / "theirs", train=split == "train", download=False)
    if packed:
        archive = {"cifar-10-python.tar.gz": small_image_sets.cifar_archive(batches)}
        root = write_all(tmp_path / "packed", archive)
    else:
        root = tmp_path / "theirs"
    before = listing(root)
    found = load_images("cifar10", root, split)
    np.testing.assert_array_equal(found.images, theirs.data.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(found.labels, theirs.targets)
    assert found.shape == (3, 32, 32)
    assert listing(root) == before


def test_a_training_with_cifar_falls(tmp_path, monkeypatch, tiny_unet):
    monkeypatch.setattr(devices, "ALL_THREADS", 1)  # two would wait for each other
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    root = write_all(tmp_path / "cifar-10-batches-py", batches).parent
    config = TrainingConfig(dataset="cifar10", unet=tiny_unet, batch_size=8, rate=1e-2)
    trainer = Trainer(config, torch.device("cpu"), data_root=root)
    losses = [trainer.step().loss for _ in range(60)]
    assert np.mean(losses[:10]) == pytest.approx(1, abs=0.1)
    assert np.mean(losses[-10:]) < 0.8


@pytest.fixture
def tiny_unet():
    return UNetConfig(width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8)


# Units


@pytest.mark.parametrize("split", ["train", "test"])
def test_both_halves_are_standardised_as_the_training_half(root, files, split):
    levels = small_image_sets.idx_images(files) / 255
    found = load_images("mnist", root, split)
    assert found.transform.mean.item() == pytest.approx(levels.mean(), rel=1e-12)
    assert found.transform.std.item() == pytest.approx(levels.std(), rel=1e-9)


def test_standardised_images_become_the_same_pixels_again(root):
    found = load_images("mnist", root)
    assert found.standardised().dtype == np.float32
    np.testing.assert_array_equal(to_pixels(found.standardised(), found.transform), found.images)


# Where they are looked for


def test_a_root_goes_before_the_environment_and_that_before_the_users_folder(
    tmp_path, monkeypatch, nowhere
):
    roots = {name: tmp_path / name for name in ("given", "environment")} | {"own": nowhere}
    for seed, folder in enumerate(roots.values()):
        write_all(folder / "MNIST" / "raw", small_image_sets.idx_files(seed))
    monkeypatch.setenv("TOYDIFF_DATA", str(roots["environment"]))
    assert find("mnist", roots["given"]).folder == roots["given"] / "MNIST/raw"
    assert find("mnist").folder == roots["environment"] / "MNIST/raw"
    assert find("mnist", tmp_path).folder == roots["environment"] / "MNIST/raw"
    monkeypatch.delenv("TOYDIFF_DATA")
    assert find("mnist").folder == roots["own"] / "MNIST/raw"
    np.testing.assert_array_equal(
        load_images("mnist").images, small_image_sets.idx_images(small_image_sets.idx_files(2))
    )


def test_gzipped_files_are_read_and_nothing_is_written_beside_them(tmp_path, files, monkeypatch):
    folder = write_all(tmp_path / "root" / "MNIST" / "raw", small_image_sets.zipped(files))
    folder.chmod(0o555)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = listing(folder)
    found = load_images("mnist", tmp_path / "root")
    np.testing.assert_array_equal(found.images, small_image_sets.idx_images(files))
    assert listing(folder) == before
    assert list(temporary.iterdir()) == []


def test_debians_folder_serves_as_it_is(tmp_path, files):
    folder = write_all(tmp_path / "debian" / "fashion-mnist", small_image_sets.zipped(files))
    assert find("fashion").folder == folder
    assert find("mnist") is None
    assert len(load_images("fashion").images) == 30


@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(),
    reason="Debian's dataset-fashion-mnist is not installed",
)
def test_the_real_package_is_complete(monkeypatch):
    folder = Path("/usr/share/datasets/fashion-mnist")
    found = load_images("fashion", folder, "test")
    assert found.images.shape == (10_000, 1, 28, 28)
    np.testing.assert_array_equal(np.bincount(found.labels), [1000] * 10)
    assert found.transform.mean.item() == pytest.approx(0.2860, abs=1e-4)  # published
    assert found.transform.std.item() == pytest.approx(0.3530, abs=1e-4)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("MNIST/raw", "mnist"),
        ("FashionMNIST/raw", "fashion"),
        ("my-fashion", "fashion"),
        ("plain", "mnist"),
        ("fashion/mnist", "mnist"),
        ("mnist/fashion", "fashion"),
    ],
)
def test_a_folder_of_files_is_the_set_that_its_name_says(tmp_path, files, folder, name):
    found = write_all(tmp_path / folder, files)
    other = {"mnist": "fashion", "fashion": "mnist"}[name]
    assert find(name, found).folder == found
    assert find(other, found) is None
    if folder.endswith("raw"):
        assert find(name, found.parent).folder == found


def test_where_sets_are_is_told_by_name(root, tmp_path, monkeypatch):
    write_all(tmp_path / "more", {"cifar-10-python.tar.gz": b"not looked into"})
    monkeypatch.setenv("TOYDIFF_DATA", str(tmp_path / "more"))
    found = places(root)
    assert found.pop("digits").endswith("data")
    assert found == {
        "mnist": str(root / "MNIST/raw"),
        "fashion": "",
        "cifar10": str(tmp_path / "more"),
    }


def test_each_set_is_found_in_the_first_root_that_has_it(root, tmp_path, nowhere):
    newer = tmp_path / "newer"
    for name in ("MNIST", "FashionMNIST"):
        shutil.copytree(root / "MNIST", newer / name)
    (newer / "MNIST/raw/train-labels-idx1-ubyte").unlink()
    found = places(newer, root)
    assert found["mnist"] == str(root / "MNIST/raw")
    assert found["fashion"] == str(newer / "FashionMNIST/raw")
    assert places(tmp_path / "gone", newer)["fashion"] == found["fashion"]
    assert places(newer)["mnist"] == ""


def test_a_set_that_is_missing_is_said_with_the_places(tmp_path, monkeypatch, nowhere):
    monkeypatch.setenv("TOYDIFF_DATA", str(tmp_path / "there"))
    with pytest.raises(ValueError, match="the data set 'fashion' is not here") as complaint:
        load_images("fashion", tmp_path)
    for place in (tmp_path, tmp_path / "there", nowhere, tmp_path / "debian/fashion-mnist"):
        assert str(place) in str(complaint.value)
    assert "toydiff fetch fashion" in str(complaint.value)
    assert "--data-root" in str(complaint.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("w",), "unknown set of images 'w'"),
        (("mnist", Path("/no/such/folder")), "data root /no/such/folder is not a folder"),
        (("digits", None, "half"), "unknown split 'half'"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        load_images(*arguments)


def test_digits_are_bundled():
    found = load_images("digits")
    assert found.images.shape == (1618, 1, 8, 8)


# Damaged and foreign files


def spoil(root: Path, name: str, data: bytes) -> Path:
    path = root / "MNIST" / "raw" / name
    path.write_bytes(data)
    return path


def images_idx(*sizes: int, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(sizes)]) + b"".join(n.to_bytes(4, "big") for n in sizes)


IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
SPOILT = {
    "empty": (IMAGES, b"", "does not begin like one"),
    "foreign": (IMAGES, b"\x89PNG and more than a header", "does not begin like one"),
    "other type": (IMAGES, images_idx(1, 28, 28, kind=13) + bytes(3136), "does not begin"),
    "no image": (IMAGES, images_idx(0, 28, 28), "claims 0 entries"),
    "vast": (IMAGES, images_idx(2**32 - 1, 28, 28), "claims 4294967295 entries"),
    "wide": (IMAGES, images_idx(1, 2**31, 2**31), "2147483648 x 2147483648, not 28 x 28"),
    "short": (IMAGES, images_idx(30, 28, 28) + bytes(100), "116 bytes, its header says 23536"),
    "long": (IMAGES, images_idx(1, 28, 28) + bytes(785), "801 bytes, its header says 800"),
    "other count": (LABELS, small_image_sets.idx_bytes(np.zeros(29, np.uint8)), "29 labels for 30"),
    "label": (LABELS, small_image_sets.idx_bytes(np.full(30, 10, np.uint8)), "the label 10, but"),
    "labels of images": (LABELS, images_idx(30, 28, 28), "does not begin like one"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_file_is_named(root, case):
    name, data, message = SPOILT[case]
    path = spoil(root, name, data)
    with pytest.raises(ValueError, match=message) as complaint:
        load_images("mnist", root)
    assert str(complaint.value).startswith(f"{path} is not a usable IDX file: ")
    assert "\n" not in str(complaint.value)


ZIPPED = gzip.compress(small_image_sets.idx_bytes(np.zeros((30, 28, 28), np.uint8)), mtime=0)
SPOILT_ZIPPED = {
    "not zipped": (
        small_image_sets.idx_bytes(np.zeros((30, 28, 28), np.uint8)),
        "Not a gzipped file",
    ),
    "cut off": (ZIPPED[:-20], "ended before"),
    "short": (gzip.compress(images_idx(30, 28, 28) + bytes(9)), "ends 23511 bytes early"),
    "long": (gzip.compress(images_idx(1, 28, 28) + bytes(10**6)), "longer than the 800 bytes"),
    "damaged": (ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:], "CRC check failed"),
    "garbled": (ZIPPED[:12] + b"\xff" * 8 + ZIPPED[20:], "while decompressing"),
}


@pytest.mark.parametrize("case", SPOILT_ZIPPED)
def test_a_spoilt_gzipped_file_is_named(root, case):
    data, message = SPOILT_ZIPPED[case]
    (root / "MNIST" / "raw" / IMAGES).unlink()
    path = spoil(root, f"{IMAGES}.gz", data)
    with pytest.raises(ValueError, match=message) as complaint:
        load_images("mnist", root)
    assert str(complaint.value).startswith(f"{path} is not a usable IDX file: ")


def test_half_a_set_is_read_for_training_and_refused_for_a_test(root):
    for path in (root / "MNIST" / "raw").glob("t10k*"):
        path.unlink()
    assert len(load_images("mnist", root).images) == 30
    with pytest.raises(
        ValueError, match=r"t10k-images-idx3-ubyte is not a usable .*: No such file"
    ):
        load_images("mnist", root, "test")


def test_a_changed_file_is_read_again(root):
    first = load_images("mnist", root)
    assert load_images("mnist", root).images is first.images  # read once
    other = small_image_sets.idx_files(seed=9)
    spoil(root, IMAGES, other[IMAGES] + b"")
    (root / "MNIST" / "raw" / IMAGES).touch()
    np.testing.assert_array_equal(
        load_images("mnist", root).images, small_image_sets.idx_images(other)
    )


# Pickles


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["data_batch_1", "data_batch_5", "test_batch", "batches.meta"])
@pytest.mark.parametrize("packed", [False, True])
def test_no_batch_is_unpickled_unless_all_sums_are_right(tmp_path, monkeypatch, name, packed):
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    batches[name] = pickle.dumps(Trap(tmp_path / "ran"))
    if packed:
        write_all(tmp_path, {"cifar-10-python.tar.gz": small_image_sets.cifar_archive(batches)})
    else:
        write_all(tmp_path / "cifar-10-batches-py", batches)
    unpickled = []
    monkeypatch.setattr(pickle, "load", lambda *_, **__: unpickled.append(1))
    with pytest.raises(ValueError, match=rf"{name} is not the file of CIFAR-10: its md5 sum is"):
        load_images("cifar10", tmp_path)
    assert not unpickled
    assert not (tmp_path / "ran").exists()


def test_torchvision_itself_checks_sums_before_it_unpickles(tmp_path, monkeypatch):
    """What ``cifar_files`` relies on, beyond its own check."""
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    batches["test_batch"] = pickle.dumps(Trap(tmp_path / "ran"))
    write_all(tmp_path / "cifar-10-batches-py", batches)
    with pytest.raises(RuntimeError, match="corrupted"):
        CIFAR10(tmp_path, train=False, download=False)
    assert not (tmp_path / "ran").exists()


def test_a_missing_batch_is_named(tmp_path, monkeypatch):
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    batches.pop("data_batch_3")
    write_all(tmp_path / "cifar-10-batches-py", batches)
    with pytest.raises(ValueError, match=r"cannot read .*data_batch_3: No such file"):
        load_images("cifar10", tmp_path)


def test_a_spoilt_archive_is_named(tmp_path, monkeypatch):
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    whole = small_image_sets.cifar_archive(batches)
    for data, message in {
        b"no archive": "not a gzip file",
        whole[: len(whole) // 2]: "ended before",
        whole[:50] + b"garble" * 12 + whole[122:]: "while decompressing",
        small_image_sets.cifar_archive({}): "batches.meta is missing",
    }.items():
        path = write_all(tmp_path, {"cifar-10-python.tar.gz": data}) / "cifar-10-python.tar.gz"
        with pytest.raises(ValueError, match=message) as complaint:
            load_images("cifar10", tmp_path)
        assert str(complaint.value).startswith(f"{path} is not a usable archive of CIFAR-10: ")


# What uses them


def test_the_exact_denoiser_knows_the_training_images(root, monkeypatch, tiny_unet):
    config = TrainingConfig(dataset="mnist", unet=tiny_unet)
    found = load_for(config, root)
    own = Standardisation(found.transform.mean + 0.1, found.transform.std * 1.5)
    description = Description(
        config=config,
        step=1,
        mean=own.mean.flatten().tolist(),
        std=own.std.flatten().tolist(),
        shape=[1, 28, 28],
    )
    checkpoint = Checkpoint(description, None, None, "here", torch.device("cpu"))
    with pytest.raises(ValueError, match="'mnist' is not here: looked in"):
        checkpoint.training_points()
    monkeypatch.setenv("TOYDIFF_DATA", str(root))
    points = checkpoint.training_points()
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, own.apply(found.images / 255), atol=1e-6)
    monkeypatch.setattr("engine.image_files.loading.MOST_STATE_BYTES", points.nbytes - 1)
    with pytest.raises(ValueError, match=f"30 images .* {points.nbytes} bytes"):
        checkpoint.training_points()


def test_a_training_names_what_is_missing():
    with pytest.raises(ValueError, match="'cifar10' is not here"):
        Trainer(image_training("cifar10", "small"), torch.device("cpu"))


def test_the_bounds_let_the_real_sets_pass():
    assert idx.MOST_IMAGES >= 60_000
    assert re.fullmatch("[A-Z_]+", data_places.ROOT_VARIABLE)
