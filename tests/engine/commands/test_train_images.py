"""Trainings that read images, from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from engine import devices
from engine.checkpoints.checkpoint import load_tensors
from engine.commands.group import commands
from engine.image_files import places
from engine.shared.command_line import run
from tests.engine import small_image_sets

SMALL = ["--width", "8", "--preset", "small", "--steps", "1", "--batch-size", "2"]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path) -> None:
    """No data in the usual places, one thread, a folder of its own."""
    monkeypatch.delenv("TOYDIFF_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "DEBIAN", {})
    monkeypatch.setattr(devices, "ALL_THREADS", 1)
    monkeypatch.chdir(tmp_path)


def train(dataset: str, *options: str) -> int:
    return run(commands, ["train", "--dataset", dataset, *SMALL, "--out", "run", *options])


@pytest.fixture
def pictures(tmp_path) -> Path:
    (tmp_path / "mine").mkdir()
    for level in range(3):
        Image.new("RGB", (12, 9), (80 * level, 0, 0)).save(f"mine/{level}.png")
    (tmp_path / "mine" / "none.png").write_bytes(b"")
    return tmp_path / "mine"


def test_resuming_may_name_the_data_again_and_keeps_the_network(capsys):
    assert train("digits") == 0
    again = ["train", "--dataset", "digits", "--resume", "--steps", "2", "--out", "run"]
    assert run(commands, again) == 0
    capsys.readouterr()
    resumed = ["train", "--resume", "--no-classes", "--steps", "3", "--out", "run"]
    assert run(commands, resumed) == 2
    assert "--no-classes: it learns them" in capsys.readouterr().err


def test_a_root_may_be_in_the_home_of_whoever_runs_the_engine(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    assert places.root_of("~/pictures") == Path("/home/ada/pictures")
    assert places.root_of("") is None


def test_images_are_read_from_the_data_root(tmp_path, capsys):
    small_image_sets.write_all(
        tmp_path / "data" / "MNIST" / "raw", small_image_sets.zipped(small_image_sets.idx_files())
    )
    assert train("mnist", "--data-root", "data") == 0
    found = load_tensors(Path("run/checkpoint.safetensors"))[0]
    levels = small_image_sets.idx_images(small_image_sets.idx_files()) / 255
    assert found.mean == [pytest.approx(levels.mean())]
    assert found.std == [pytest.approx(levels.std())]


def test_a_folder_of_pictures_is_read_and_what_is_left_out_is_said(pictures, capsys):
    size = ["--image-size", "8", "--channels", "1"]
    assert train("folder", "--data-root", "mine", *size) == 0
    read, trained = capsys.readouterr().out.splitlines()
    assert read.startswith("mine: 3 images; left out 1 unusable files, the first: cannot use mine")
    assert trained.startswith("run: 1 of 1 updates")
    assert load_tensors(Path("run/checkpoint.safetensors"))[0].shape == [1, 8, 8]


BAD = {
    "missing": (["mnist"], r"'mnist' is not here: looked in .*/home/toydiff/data; fetch it with "),
    "missing in the root": (["cifar10", "--data-root", "mine"], "not here: looked in mine, .*home"),
    "no such root": (["fashion", "--data-root", "none"], "the data root none is not a folder"),
    "a file as root": (["fashion", "--data-root", "mine/0.png"], "root mine/0.png is not a folder"),
    "bundled": (["digits", "--data-root", "mine"], "--data-root is not for the data set 'digits'"),
    "folder without one": (["folder"], "'folder' needs its folder of images: .* --data-root"),
    "no such folder": (["folder", "--data-root", "none"], "no folder of images none"),
    "empty folder": (["folder", "--data-root", "home"], "the folder home holds no image"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_in_one_line(case, pictures, tmp_path, capsys):
    (tmp_path / "home").mkdir()
    arguments, message = BAD[case]
    assert train(*arguments) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"toydiff: .*{message}.*\n", error), error
    assert not Path("run").exists()


def test_a_spoilt_file_is_named(tmp_path, capsys):
    raw = small_image_sets.write_all(tmp_path / "data/MNIST/raw", small_image_sets.idx_files())
    (raw / "train-labels-idx1-ubyte").write_bytes(b"no labels")
    assert train("mnist", "--data-root", "data") == 2
    error = capsys.readouterr().err
    assert error.startswith("toydiff: data/MNIST/raw/train-labels-idx1-ubyte is not a usable IDX")
    assert not Path("run").exists()
