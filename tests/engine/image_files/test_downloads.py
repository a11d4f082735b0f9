"""Fetching sets, from a web server on this machine and with files of a few images."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

from engine.commands.group import commands
from engine.image_files import downloads, places
from engine.image_files.downloads import fetch
from engine.image_files.loading import load_images
from engine.image_files.published import PUBLISHED, Published
from engine.shared.files import staging_folder
from engine.shared.work import finish
from tests.engine import small_image_sets
from tests.engine.web import Web, serving

ROOT = Path(__file__).resolve().parents[3]
IMAGES = "train-images-idx3-ubyte"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path) -> None:
    """No data in the usual places, no proxy, and no time between attempts."""
    monkeypatch.delenv("TOYDIFF_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "DEBIAN", {})
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "PAUSE", 0)


@pytest.fixture
def files() -> dict[str, bytes]:
    return small_image_sets.idx_files()


@pytest.fixture
def web(files) -> Iterator[Web]:
    with serving(Web(small_image_sets.zipped(files))) as running:
        yield running


@pytest.fixture
def mnist(web, monkeypatch) -> Web:
    """MNIST, published on this machine."""
    small_image_sets.publish(monkeypatch, web.url, web.files)
    return web


@pytest.fixture
def cifar(web, monkeypatch) -> Web:
    """CIFAR-10, published on this machine."""
    batches = small_image_sets.cifar_files()
    small_image_sets.publish_cifar(monkeypatch, batches)
    web.files[CIFAR10.filename] = small_image_sets.cifar_archive(batches)
    small_image_sets.publish(monkeypatch, web.url, web.files)
    return web


def at_mirrors(monkeypatch, *urls: str) -> None:
    """Publish MNIST at other places, too."""
    files = tuple(
        replace(file, urls=tuple(url + file.name for url in urls))
        for file in downloads.PUBLISHED["mnist"].files
    )
    monkeypatch.setitem(downloads.PUBLISHED, "mnist", Published(files, {}))


def fetched(name: str, root: Path) -> Path:
    with staging_folder(root, name) as staging:
        return finish(fetch(name, root, staging))


def contents(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


# What comes


@pytest.mark.parametrize("silent_length", [False, True])
def test_mnist_comes_into_torchvisions_layout(tmp_path, mnist, files, silent_length):
    mnist.silent_length = silent_length
    root = tmp_path / "data"
    assert fetched("mnist", root) == root / "MNIST" / "raw"
    assert contents(root) == {f"MNIST/raw/{name}" for name in files}
    theirs = MNIST(root, download=False)
    np.testing.assert_array_equal(theirs.data[:, None], small_image_sets.idx_images(files))
    np.testing.assert_array_equal(load_images("mnist", root).images, theirs.data[:, None])
    assert sorted(mnist.asked) == sorted(mnist.files)


def test_cifar_comes_into_torchvisions_layout(tmp_path, cifar):
    root = tmp_path / "data"
    assert fetched("cifar10", root) == root / "cifar-10-batches-py"
    assert contents(root) == {
        f"cifar-10-batches-py/{name}" for name in small_image_sets.cifar_files()
    }
    theirs = CIFAR10(root, download=False)
    np.testing.assert_array_equal(
        load_images("cifar10", root).images, theirs.data.transpose(0, 3, 1, 2)
    )


def test_the_bytes_are_counted_to_the_end(tmp_path, mnist):
    with staging_folder(tmp_path, "mnist") as staging:
        items = list(fetch("mnist", tmp_path, staging))
    assert items[0].done == 0
    assert all(before.done <= after.done for before, after in pairwise(items))
    assert all(item.done <= item.total for item in items)
    whole = sum(len(data) for data in mnist.files.values())
    assert (items[-1].done, items[-1].total) == (whole, whole)


def test_what_is_there_is_not_fetched_again_but_what_is_damaged_is(tmp_path, mnist, files):
    place = fetched("mnist", tmp_path)
    mnist.asked.clear()
    assert fetched("mnist", tmp_path) == place
    assert mnist.asked == []
    (place / IMAGES).write_bytes(b"damaged")
    (place / "mine.txt").write_text("stays")
    assert fetched("mnist", tmp_path) == place
    assert len(mnist.asked) == 4
    assert (place / IMAGES).read_bytes() == files[IMAGES]
    assert (place / "mine.txt").read_text() == "stays"


def test_a_set_elsewhere_does_not_count_as_there(tmp_path, mnist, files, monkeypatch):
    small_image_sets.write_all(tmp_path / "other" / "MNIST" / "raw", files)
    monkeypatch.setenv("TOYDIFF_DATA", str(tmp_path / "other"))
    assert fetched("mnist", tmp_path / "data") == tmp_path / "data/MNIST/raw"


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_addresses_and_sums_are_torchvisions(kind):
    found = PUBLISHED[{MNIST: "mnist", FashionMNIST: "fashion"}[kind]]
    assert [(file.name, file.md5) for file in found.files] == kind.resources
    for file in found.files:
        assert file.urls == tuple(f"{mirror}{file.name}" for mirror in kind.mirrors)


def test_those_of_cifar_too():
    (archive,) = PUBLISHED["cifar10"].files
    assert (archive.name, archive.urls) == (CIFAR10.filename, (CIFAR10.url,))
    assert archive.md5 == CIFAR10.tgz_md5
    batches = dict(CIFAR10.train_list + CIFAR10.test_list)
    meta = {CIFAR10.meta["filename"]: CIFAR10.meta["md5"]}
    assert PUBLISHED["cifar10"].members == batches | meta
    assert CIFAR10.base_folder == places.CIFAR_FOLDER


# What does not come


def refused(name: str, root: Path, message: str) -> str:
    """The complaint; nothing must be left in ``root`` that was not there before."""
    before = contents(root)
    with pytest.raises(ValueError, match=message) as complaint:
        fetched(name, root)
    assert contents(root) == before
    assert not list(root.glob(".*"))
    assert "\n" not in str(complaint.value)
    return str(complaint.value)


def test_a_broken_connection_is_tried_again(tmp_path, mnist):
    mnist.breaks[f"{IMAGES}.gz"] = 2
    fetched("mnist", tmp_path)
    assert mnist.asked.count(f"{IMAGES}.gz") == 3
    assert len(load_images("mnist", tmp_path).images) == 30


@pytest.mark.parametrize("there", [False, True])
def test_a_connection_that_keeps_breaking_leaves_nothing(tmp_path, mnist, files, there):
    if there:  # half a set, of the user's own
        small_image_sets.write_all(tmp_path / "MNIST" / "raw", {IMAGES: files[IMAGES]})
    name = "t10k-images-idx3-ubyte.gz"
    mnist.breaks[name] = 100
    size = len(mnist.files[name])
    message = f"cannot fetch {name} from 127.0.0.1:.*: the connection broke after {size // 2} of"
    refused("mnist", tmp_path, message)
    assert mnist.asked.count(name) == 3


def test_half_an_archive_leaves_nothing(tmp_path, cifar):
    cifar.breaks[CIFAR10.filename] = 100
    refused("cifar10", tmp_path, "the connection broke after")


def test_an_end_that_nobody_announced_is_noticed(tmp_path, mnist):
    mnist.silent_length = True
    mnist.breaks[f"{IMAGES}.gz"] = 100
    refused("mnist", tmp_path, "the md5 sum is .*, not ")


def test_a_wrong_sum_is_refused(tmp_path, mnist):
    name = f"{IMAGES}.gz"
    right = small_image_sets.md5(mnist.files[name])
    mnist.files[name] = small_image_sets.zipped(small_image_sets.idx_files(seed=1))[name]
    wrong = small_image_sets.md5(mnist.files[name])
    refused("mnist", tmp_path, f"{name} from .*: the md5 sum is {wrong}, not {right}")
    assert mnist.asked.count(name) == 1  # it would be wrong again


def test_another_mirror_helps(tmp_path, mnist, files, monkeypatch):
    with serving(Web(small_image_sets.zipped(small_image_sets.idx_files(seed=1)))) as wrong:
        wrong.status[f"{IMAGES}.gz"] = 404
        at_mirrors(monkeypatch, wrong.url, mnist.url)
        fetched("mnist", tmp_path)
    np.testing.assert_array_equal(
        load_images("mnist", tmp_path).images, small_image_sets.idx_images(files)
    )


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (403, 1), (503, 3)])
def test_a_refusal_is_said(tmp_path, mnist, status, attempts):
    mnist.status[f"{IMAGES}.gz"] = status
    refused("mnist", tmp_path, f"{IMAGES}.gz from 127.0.0.1:.*: it answers {status} ")
    assert mnist.asked == [f"{IMAGES}.gz"] * attempts


def test_hosts_out_of_reach_are_named(tmp_path, mnist, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        at_mirrors(monkeypatch, f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/")
        message = refused("mnist", tmp_path, f"127.0.0.1:{port}: Connection refused; ")
    assert "no-such-host.invalid: " in message


def test_a_new_root_goes_again_with_a_failure(tmp_path, mnist):
    mnist.status[f"{IMAGES}.gz"] = 404
    with pytest.raises(ValueError, match="404"):
        fetched("mnist", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_too_much_is_refused_before_it_is_kept(tmp_path, mnist, monkeypatch):
    size = len(mnist.files[f"{IMAGES}.gz"])
    monkeypatch.setattr(downloads, "MOST_BYTES", size - 1)
    refused("mnist", tmp_path, f"it sends {size} bytes, more than {size - 1}")


def test_a_batch_with_another_sum_is_not_kept(tmp_path, cifar, monkeypatch):
    """The archive is the published one, but there is another batch in it."""
    batches = small_image_sets.cifar_files()
    batches["data_batch_2"] = pickle.dumps({"labels": [], "data": []})
    cifar.files[CIFAR10.filename] = small_image_sets.cifar_archive(batches)
    small_image_sets.publish(monkeypatch, cifar.url, cifar.files)
    refused("cifar10", tmp_path, "data_batch_2 is not the file of CIFAR-10: its md5 sum is")


def test_an_archive_that_is_there_is_not_fetched_again(tmp_path, cifar):
    data = cifar.files[CIFAR10.filename]
    small_image_sets.write_all(tmp_path, {CIFAR10.filename: data})
    assert fetched("cifar10", tmp_path) == tmp_path
    (tmp_path / CIFAR10.filename).write_bytes(data[:-9])
    assert fetched("cifar10", tmp_path) == tmp_path / "cifar-10-batches-py"


def test_fetching_does_without_torch():
    code = (
        "import sys; from engine.commands import group; from engine.image_files import downloads; "
        "print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(ValueError, match=f"cannot write to folder {tmp_path}/file"),
        staging_folder(tmp_path / "file", "mnist"),
    ):
        pass


def test_a_full_disk_is_said(tmp_path, mnist, monkeypatch):
    def full(self: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    refused("mnist", tmp_path, f"cannot put 'mnist' into {tmp_path}: No space left on device")


def test_closing_removes_what_has_come(tmp_path, mnist):
    with staging_folder(tmp_path, "mnist") as staging:
        work = fetch("mnist", tmp_path, staging)
        while next(work).done < len(mnist.files[f"{IMAGES}.gz"]):
            pass
        assert contents(tmp_path)
        work.close()
    assert contents(tmp_path) == set()


# The command


def run(*arguments: str):
    return CliRunner().invoke(commands, ["fetch", *arguments])


def test_the_command_says_where_the_set_is(tmp_path, mnist, monkeypatch):
    done = run("mnist", "--data-root", str(tmp_path / "data"))
    assert done.exit_code == 0
    assert done.stdout == f"{tmp_path}/data/MNIST/raw: mnist is here\n"
    monkeypatch.setenv("TOYDIFF_DATA", str(tmp_path / "named"))
    assert run("mnist").stdout.startswith(f"{tmp_path}/named/MNIST/raw: ")
    monkeypatch.delenv("TOYDIFF_DATA")
    assert run("mnist").stdout.startswith(f"{tmp_path}/home/toydiff/data/MNIST/raw: ")


@pytest.mark.parametrize("name", ["digits", "folder", "v"])
def test_the_command_refuses_what_is_not_published(name):
    done = run(name)
    assert isinstance(done.exception, ValueError)
    assert f"unknown set of images to fetch {name!r}; known: mnist" in str(done.exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(tmp_path, mnist, number):
    mnist.held.add(f"{IMAGES}.gz")
    process = subprocess.Popen(
        [*small_image_sets.patched_fetch(), "mnist", "--data-root", str(tmp_path / "data")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not mnist.reached_half.wait(0.05):
        assert process.poll() is None, process.stderr.read()
    process.send_signal(number)
    _, error = process.communicate()
    assert process.returncode == 130
    assert error.strip() == ""
    assert not (tmp_path / "data").exists()
