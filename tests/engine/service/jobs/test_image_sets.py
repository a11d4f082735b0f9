"""What a window asks the service about sets of images."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from engine import devices
from engine.checkpoints.checkpoint import load_checkpoint
from engine.checkpoints.networks import build_network
from engine.datasets.images import folder_training, image_training
from engine.diffusion.exact import IdealDenoiser
from engine.diffusion.samplers import DDIM, sample
from engine.image_files import downloads, places
from engine.image_files.loading import load_images
from engine.service import loop
from engine.service.jobs import image_sets
from engine.shared import messages
from engine.shared.config import SamplerConfig, TrainingConfig, UNetConfig
from engine.training import cost as training_cost
from engine.training.trainer import Trainer
from tests.engine import small_image_sets
from tests.engine.web import Web, serving

TINY = UNetConfig(width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8)
DIGITS = TrainingConfig(dataset="digits", unet=TINY, batch_size=32)
FIRST = "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path) -> None:
    """No data in the usual places, no proxy, and one thread."""
    monkeypatch.delenv("TOYDIFF_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(places, "DEBIAN", {})
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(downloads, "PAUSE", 0)
    monkeypatch.setattr(devices, "ALL_THREADS", 1)


@pytest.fixture
def root(tmp_path) -> Path:
    small_image_sets.write_all(tmp_path / "root" / "MNIST" / "raw", small_image_sets.idx_files())
    return tmp_path / "root"


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A folder of 12 pictures and a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for level in range(12):
        Image.new("RGB", (10, 9), (20 * level, 0, 0)).save(folder / f"{level:02}.png")
    (folder / "13.png").write_bytes(b"no picture")
    return folder


# Finding and browsing


def test_where_the_sets_are(talk, root, tmp_path):
    talk.put(messages.FindData(job=1, data_roots=[str(root)]))
    talk.put(messages.FindData(job=2, slot="other"))
    talk.run()
    info = talk.last(1).info
    assert info["mnist"] == str(root / "MNIST" / "raw")
    assert info["fashion"] == info["cifar10"] == ""
    assert info["digits"]
    assert info["download_root"] == str(root)
    assert talk.last(2).info["mnist"] == ""
    assert talk.last(2).info["download_root"] == str(tmp_path / "home" / "toydiff" / "data")


def test_an_exact_denoiser_of_images_that_lie_elsewhere(talk, root):
    config = SamplerConfig(steps=2)
    model = {"checkpoint": "exact:mnist", "sampler": config, "data_root": str(root)}
    talk.put(messages.Sample(job=1, slot="a", count=2, **model))
    start, end = np.random.default_rng(0).normal(size=(2, 1, 28, 28)).astype(np.float32)
    talk.put(messages.Interpolate(job=2, slot="b", points=3, **model), start=start, end=end)
    talk.put(messages.Sample(job=3, count=2, checkpoint="exact:mnist", sampler=config))
    talk.run()
    network = load_checkpoint("mnist")
    images = network.transform.apply(load_images("mnist", root).images / 255).astype(np.float32)
    exact = IdealDenoiser(torch.from_numpy(images), network.schedule)
    for job in (1, 2):
        made = talk.frames(job)
        latents = torch.from_numpy(made[0])
        *_, last = sample(exact, network.schedule, latents, sampler=DDIM(steps=2))
        np.testing.assert_allclose(made[-1], last.x, atol=1e-4)
    assert "'mnist' is not here" in talk.last(3).message


def test_images_of_a_set_with_their_labels(talk, root):
    config = TrainingConfig(dataset="mnist", unet=TINY)
    for job, changes in enumerate([{"count": 20}, {"count": 7}, {"seed": 1}, {"count": 100}]):
        request = messages.BrowseImages(job=job, config=config, slot=str(job), data_root=str(root))
        fields = {name: getattr(request, name) for name in request.__struct_fields__}
        talk.put(messages.BrowseImages(**fields | changes))
    talk.run()
    whole = load_images("mnist", root)
    many, few, other, everything = (talk.of(job, messages.Result)[0] for job in range(4))
    assert many.message.info["count"] == 30
    assert many.message.info["names"] == [str(digit) for digit in range(10)]
    for packet in (many, few, other, everything):
        rows = packet.arrays["rows"]
        np.testing.assert_array_equal(packet.arrays["images"], whole.images[rows])
        np.testing.assert_array_equal(packet.arrays["labels"], whole.labels[rows])
        assert packet.arrays["images"].dtype == np.uint8
        assert len(set(rows)) == len(rows)
    np.testing.assert_array_equal(few.arrays["rows"], many.arrays["rows"][:7])
    assert not np.array_equal(other.arrays["rows"], everything.arrays["rows"])
    assert sorted(everything.arrays["rows"]) == list(range(30))


def test_a_folder_is_read_picture_by_picture(talk, pictures, monkeypatch):
    monkeypatch.setattr(image_sets, "REPORT_SECONDS", 0)
    config = folder_training(8, 3, "small")
    talk.put(messages.BrowseImages(job=1, config=config, data_root=str(pictures)))
    talk.run()
    done = [packet.message.done for packet in talk.of(1, messages.Progress)]
    assert done == list(range(1, 14))
    result = talk.of(1, messages.Result)[0]
    assert result.message.info["count"] == 11  # every tenth is for a test
    assert "left out 1 unusable files" in result.message.info["note"]
    assert result.arrays["images"].shape == (11, 3, 8, 8)
    assert result.arrays["labels"].shape == (0,)
    assert result.arrays["labels"].dtype == np.int64


def test_reading_a_folder_can_be_cancelled(talk, pictures, monkeypatch):
    monkeypatch.setattr(image_sets, "REPORT_SECONDS", 0)

    def react(packet):
        if isinstance(packet.message, messages.Progress):
            talk.put(messages.Cancel(job=1))

    talk.react = react
    config = folder_training(8, 3, "small")
    talk.put(messages.BrowseImages(job=1, config=config, data_root=str(pictures)))
    talk.run()
    assert talk.last(1).cancelled
    assert len(talk.of(1, messages.Progress)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "number of images .* got 0"),
        ({"count": 10_001}, "got 10001"),
        ({"seed": -1}, "seed .* got -1"),
        ({"config": TrainingConfig(dataset="v")}, "'v' has no images"),
        ({"config": image_training("cifar10")}, "'cifar10' is not here: looked in"),
        ({"config": folder_training(8, 3, "small")}, "'folder' needs its folder"),
        ({"config": image_training("mnist"), "data_root": "/none/at/all"}, "/none/at/all is not"),
    ],
)
def test_what_cannot_be_browsed_is_said(talk, changes, message):
    talk.put(messages.BrowseImages(**{"job": 1, "config": DIGITS} | changes))
    talk.run()
    failure = talk.last(1)
    assert not failure.internal
    assert re.search(message, failure.message), failure.message


def test_a_training_reads_its_folder_first(talk, pictures, tmp_path):
    config = TrainingConfig(
        dataset="folder", unet=TINY, image_size=8, batch_size=4, steps=2, checkpoint_every=2
    )
    out = tmp_path / "run"
    talk.put(messages.Train(job=1, config=config, out=str(out), data_root=str(pictures)))
    talk.run()
    assert isinstance(talk.last(1), messages.Result), talk.last(1)
    assert talk.last(1).info["shape"] == [3, 8, 8]


# Fetching


@pytest.fixture
def mnist(monkeypatch) -> Iterator[Web]:
    """MNIST, published on this machine, for the child that fetches."""
    with serving(Web(small_image_sets.zipped(small_image_sets.idx_files()))) as web:
        small_image_sets.publish(monkeypatch, web.url, web.files)
        monkeypatch.setattr(image_sets, "FETCH", small_image_sets.patched_fetch())
        yield web


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_set_is_fetched_with_its_bytes_counted(talk, mnist, tmp_path):
    mnist.breaks[FIRST] = 1
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    result = talk.last(1)
    assert isinstance(result, messages.Result), result
    assert result.info["root"] == str(tmp_path / "data")
    np.testing.assert_array_equal(
        load_images("mnist", tmp_path / "data").images,
        small_image_sets.idx_images(small_image_sets.idx_files()),
    )
    assert not list((tmp_path / "data").glob(".*"))
    told = [packet.message for packet in talk.of(1, messages.Progress)]
    whole = sum(len(data) for data in mnist.files.values())
    assert (told[-1].done, told[-1].total) == (whole, whole)
    assert all(before.elapsed <= after.elapsed for before, after in pairwise(told))


def test_cancelling_kills_the_child_and_removes_what_has_come(talk, mnist, tmp_path):
    mnist.held.add(FIRST)
    seen = {}

    def react(packet):
        if isinstance(packet.message, messages.Progress) and not seen:
            seen["children"] = psutil.Process().children()
            seen["files"] = contents(tmp_path / "data")
            talk.put(messages.Cancel(job=1))

    talk.react = react
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    assert talk.last(1).cancelled
    assert len(seen["children"]) == 1
    assert any(name.endswith(FIRST) for name in seen["files"])
    assert not seen["children"][0].is_running()
    assert not (tmp_path / "data").exists()  # it was not there before


def test_other_requests_are_answered_while_a_set_comes(talk, mnist, tmp_path):
    mnist.held.add(FIRST)

    def react(packet):
        if packet.message.job == 1 and isinstance(packet.message, messages.Progress):
            if not talk.of(2):
                talk.put(messages.BrowseImages(job=2, config=DIGITS))
        elif packet.message.job == 2:
            mnist.go.set()  # the rest comes only now

    talk.react = react
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    assert isinstance(talk.last(2), messages.Result)
    assert isinstance(talk.last(1), messages.Result), talk.last(1)


def test_a_download_takes_no_turns_while_it_waits(talk, mnist, tmp_path, monkeypatch):
    """Only what the child says wakes it, so a training beside it loses nothing."""
    turns = []
    advance = loop.Service._advance

    def counted(self, job):
        turns.append(job.request.job)
        advance(self, job)

    monkeypatch.setattr(loop.Service, "_advance", counted)
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    said = len(talk.of(1, messages.Progress))
    assert len(turns) <= 2 * (said + 1) + 3


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda web: web.breaks.update({FIRST: 9}), "the connection broke after"),
        (lambda web: web.files.update({FIRST: b"other"}), "the md5 sum is"),
        (lambda web: web.status.update({FIRST: 404}), "it answers 404"),
    ],
)
def test_what_does_not_come_is_said_and_leaves_nothing(talk, mnist, tmp_path, spoil, message):
    spoil(mnist)
    (tmp_path / "data").mkdir()
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    failure = talk.last(1)
    assert message in failure.message
    assert failure.message.startswith(f"cannot fetch {FIRST} from ")
    assert not failure.internal
    assert contents(tmp_path / "data") == set()


def test_a_child_that_dies_is_said(talk, tmp_path, monkeypatch):
    dying = (sys.executable, "-c", "import sys; sys.exit(7)")
    monkeypatch.setattr(image_sets, "FETCH", dying)
    talk.put(messages.DownloadData(job=1, dataset="mnist", data_root=str(tmp_path / "data")))
    talk.run()
    assert talk.last(1).message == "cannot fetch 'mnist': the process ended with status 7"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("dataset", "place", "message"),
    [("digits", "data", "fetch 'digits'; known: mnist"), ("mnist", "file", "cannot write to")],
)
def test_what_cannot_be_fetched_is_said(talk, tmp_path, dataset, place, message):
    (tmp_path / "file").write_text("in the way")
    talk.put(messages.DownloadData(job=1, dataset=dataset, data_root=str(tmp_path / place)))
    talk.run()
    assert message in talk.last(1).message
    assert not talk.last(1).internal


def test_a_child_whose_engine_has_died_ends_and_tidies_up(mnist, tmp_path):
    mnist.held.add(FIRST)
    staging = tmp_path / "data" / "staging"
    staging.mkdir(parents=True)
    child = subprocess.Popen(
        [
            *image_sets.FETCH,
            "mnist",
            "--data-root",
            tmp_path / "data",
            "--report-to-engine",
            staging,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[4])},
    )
    with child:
        assert json.loads(child.stdout.readline())["done"] == 0
        child.stdin.close()
        assert child.wait() == 1
    assert contents(tmp_path / "data") == set()


# What a training costs


def test_the_cost_of_a_training(talk):
    talk.put(messages.MeasureCost(job=1, config=DIGITS))
    talk.run()
    info = talk.last(1).info
    trainer = Trainer(DIGITS, torch.device("cpu"))
    assert info["parameters"] == sum(p.numel() for p in trainer.network.parameters())
    assert 0 < info["seconds_per_step"] < 60
    assert info["bytes"] > 20 * info["parameters"] + 1797 * 64


@pytest.mark.parametrize(
    ("of_a_pass", "of_a_row", "passes", "seconds"),
    [
        (0.004, 0.001, [1, 1, 4, 8, 8, 8, 8], 4 * 0.012),  # four micro-batches of 8 an update
        (0.0, 0.1, [1, 1, 4, 8], 3.2),
        (0.0, 1.0, [1, 1], 32.0),  # nothing longer than it must be
    ],
)
def test_the_time_is_that_of_the_whole_batch(monkeypatch, of_a_pass, of_a_row, passes, seconds):
    """On a clock that moves while a network works."""
    clock = [0.0]
    monkeypatch.setattr(training_cost.time, "perf_counter", lambda: clock[0])
    loss, rows = Trainer._loss, []

    def slow(self, part):
        rows.append(len(part.t))
        clock[0] += of_a_pass + of_a_row * len(part.t)
        return loss(self, part)

    monkeypatch.setattr(Trainer, "_loss", slow)
    work = training_cost.measure_cost(DIGITS, torch.device("cpu"), micro_batch=8)
    cost = None
    while cost is None:
        before = len(rows)
        try:
            next(work)
        except StopIteration as end:
            cost = end.value
        assert len(rows) <= before + 1  # one pass an item
        clock[0] += 100  # the time of others
    assert rows == passes
    assert cost.seconds_per_step == pytest.approx(seconds)


def test_what_is_kept_for_gradients_is_counted_without_computing():
    """The same, counted while a real network keeps it."""
    network = build_network(DIGITS, (1, 8, 8))
    own = {value.data_ptr() for value in (*network.parameters(), *network.buffers())}
    kept = {}

    def keep(value):
        if value.data_ptr() not in own:
            kept[value.untyped_storage().data_ptr()] = value
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        out = network(torch.randn(4, 1, 8, 8), torch.ones(4, dtype=torch.int64))
    real = sum(value.untyped_storage().nbytes() for value in kept.values())
    assert out.requires_grad
    assert training_cost.bytes_kept(DIGITS, 4) == pytest.approx(real, rel=0.2)


def test_points_have_a_cost_too(talk, config_for):
    config = config_for()
    talk.put(messages.MeasureCost(job=1, config=config))
    talk.run()
    network = build_network(config, (2,))
    assert talk.last(1).info["parameters"] == sum(p.numel() for p in network.parameters())


def test_an_enormous_network_is_refused_before_it_is_built(talk, monkeypatch):
    def never(*_, **__):
        raise AssertionError("it was built")

    monkeypatch.setattr(training_cost, "Trainer", never)
    vast = UNetConfig(width=512, multipliers=(16, 16, 16), attention=(), heads=8, blocks=4)
    config = TrainingConfig(dataset="mnist", unet=vast)
    talk.put(messages.MeasureCost(job=1, config=config))
    talk.run()
    failure = talk.last(1)
    assert not failure.internal
    with torch.device("meta"):
        network = build_network(config, (1, 28, 28))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert failure.message == f"the network has {count} parameters, more than 100000000"
