"""Diagnostics for states of many numbers, against what is known of them in closed form."""

from __future__ import annotations

import itertools
import queue

import numpy as np
import pytest
import torch
from scipy.stats import norm

from engine.analysis.noise_errors import (
    DENSITY_CELLS,
    DENSITY_REACH,
    error_maps,
    loss_by_time,
    noise_density,
)
from engine.datasets.images import load_digits
from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.schedules import make_schedule
from engine.service.loop import Service
from engine.shared import messages
from engine.shared.messages import Packet
from engine.training.runs import open_run, train
from tests.engine.small_unet import digits_config

SCHEDULE = make_schedule("linear", 100)
SHAPE = (3, 8, 9)
DATA = torch.zeros(5, *SHAPE)


class Scaled(Denoiser):
    """Predicts a multiple of the true noise: the data are zero, so x_t is nothing else."""

    schedule = SCHEDULE

    def __init__(self, scale: float | torch.Tensor = 0.0, shift: float = 0.0) -> None:
        self.scale, self.shift = scale, shift
        self.asked: list[int] = []

    def predict(self, x_t, t):
        self.asked.append(len(x_t))
        eps = x_t / self.schedule.noise(t, x_t)
        return Prediction(x_t, self.scale * eps + self.shift)


def maps(denoiser, times=(100, 40, 1), count=40, seed=0):
    return [
        item for item in error_maps(denoiser, DATA, list(times), count=count, seed=seed) if item
    ]


def test_whoever_predicts_no_noise_is_wrong_by_one_everywhere():
    for item in maps(Scaled(0.0)):
        assert item.error.shape == SHAPE
        assert item.error == pytest.approx(np.ones(SHAPE), abs=1e-5)


def test_whoever_is_right_has_no_error_anywhere():
    for item in maps(Scaled(1.0)):
        assert np.abs(item.error).max() < 1e-9


def test_a_map_shows_where_the_error_is():
    scale = torch.ones(SHAPE)
    scale[1, 2:5, 3:7] = 0.5
    (item,) = maps(Scaled(scale), times=[40], count=4000)
    expected = np.zeros(SHAPE)
    expected[1, 2:5, 3:7] = 0.25
    assert item.error == pytest.approx(expected, abs=0.03)


def test_the_mean_of_a_map_is_the_loss():
    denoiser = Scaled(0.6, 0.2)
    (item,) = maps(denoiser, times=[40], count=2000)
    (loss,) = [at for at in loss_by_time(denoiser, DATA, [40], count=2000) if at]
    assert item.error.mean() == pytest.approx(0.16 + 0.04, abs=0.005)
    assert item.error.mean() == pytest.approx(loss.loss, abs=0.005)


def test_maps_ask_for_few_images_at_a_time_and_yield_in_between():
    denoiser = Scaled(0.0)
    items = list(error_maps(denoiser, DATA, [40, 20], count=40))
    assert [item is not None for item in items] == [False, False, True] * 2
    assert max(denoiser.asked) <= 16


def whole(denoiser, count=600, seed=0):
    *_, last = noise_density(denoiser, DATA, count=count, seed=seed)
    return last


def test_density_of_a_perfect_denoiser_lies_on_the_diagonal():
    found = whole(Scaled(1.0))
    total = found.counts.sum(axis=0)
    off = np.abs(np.subtract.outer(np.arange(DENSITY_CELLS), np.arange(DENSITY_CELLS))) > 1
    assert total[off].sum() == 0  # rounding may move a value into the next cell
    assert (found.r, found.mse, found.bias) == pytest.approx((1, 0, 0), abs=1e-6)


def test_density_of_a_known_denoiser_has_its_figures_and_its_place():
    found = whole(Scaled(0.5, 1.0))
    assert found.r == pytest.approx(1.0, abs=1e-6)
    assert found.mse == pytest.approx(0.25 + 1.0, rel=0.02)
    assert found.bias == pytest.approx(1.0, abs=0.02)
    centres = (np.arange(DENSITY_CELLS) + 0.5) / DENSITY_CELLS * 2 * DENSITY_REACH - DENSITY_REACH
    total = found.counts.sum(axis=0)
    for column in (20, 40, 60):
        middle = (total[:, column] * centres).sum() / total[:, column].sum()
        assert middle == pytest.approx(0.5 * centres[column] + 1.0, abs=0.06)


def test_density_counts_every_number_once_and_the_true_noise_is_normal():
    found = whole(Scaled(0.0))
    inside = 2 * norm.cdf(DENSITY_REACH) - 1
    numbers = 600 * np.prod(SHAPE)
    assert found.draws == 600
    assert found.counts.sum() == pytest.approx(numbers * inside, rel=3e-4)
    edges = np.linspace(-DENSITY_REACH, DENSITY_REACH, DENSITY_CELLS + 1)
    expected = np.diff(norm.cdf(edges)) * numbers
    columns = found.counts.sum(axis=(0, 1))
    assert np.abs(columns - expected).max() < 6 * np.sqrt(expected.max())


def test_density_is_told_apart_by_time():
    found = whole(Scaled(0.0))
    assert found.edges.tolist() == list(range(0, 101, 10))
    shares = found.counts.sum(axis=(1, 2)) / found.counts.sum()
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.05)


def test_density_grows_and_stays_as_large(monkeypatch):
    items = list(noise_density(Scaled(0.3), DATA, count=40))
    assert [item.draws for item in items] == [16, 32, 40]
    assert all(np.all(b.counts >= a.counts) for a, b in itertools.pairwise(items))
    assert {item.counts.shape for item in items} == {(10, DENSITY_CELLS, DENSITY_CELLS)}


def test_few_steps_have_few_bins():
    denoiser = Scaled(0.0)
    denoiser.schedule = make_schedule("linear", 4)
    *_, found = noise_density(denoiser, DATA, count=64)
    assert found.edges.tolist() == [0, 1, 2, 3, 4]
    assert np.all(found.counts.sum(axis=(1, 2)) > 0)


def test_a_network_that_has_diverged_is_said_to_have():
    for run in (noise_density, error_maps):
        arguments = ([40],) if run is error_maps else ()
        with pytest.raises(ValueError, match="diverged"):
            list(run(Scaled(float("nan")), DATA, *arguments, count=10))


# Through the service, with a real network


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    for _ in train(open_run(digits_config(), folder, device=torch.device("cpu")), folder):
        pass
    return str(folder)


def serve(*requests):
    inbox: queue.Queue = queue.Queue()
    reports = []
    left = {message.job for message in requests}

    def send(packet):
        reports.append(packet)
        if isinstance(packet.message, messages.Result | messages.Failure):
            left.discard(packet.message.job)
            if not left:
                inbox.put(None)

    for message in requests:
        inbox.put(Packet(message))
    Service(inbox, send, torch.device("cpu")).run()
    return reports


def ask(kind, checkpoint, **changes):
    values = {
        "job": 1,
        "slot": kind,
        "checkpoint": checkpoint,
        "kind": kind,
        "count": 20,
        "times": 3,
    }
    return messages.Diagnose(**(values | changes))


def pieces(reports):
    assert isinstance(reports[-1].message, messages.Result), reports[-1].message
    return [p for p in reports if isinstance(p.message, messages.Diagnosis)]


def test_the_service_maps_the_errors_of_images(trained):
    found = pieces(serve(ask("error_map", trained)))
    assert [int(piece.arrays["t"][0]) for piece in found] == [11, 5, 1]
    assert [piece.message.done for piece in found] == [1, 2, 3]
    for piece in found:
        assert piece.arrays["error"].shape == (1, 8, 8)
        assert np.all(piece.arrays["error"] >= 0)
    again = pieces(serve(ask("error_map", trained)))
    assert np.array_equal(found[0].arrays["error"], again[0].arrays["error"])


def test_the_service_counts_pairs_of_images(trained):
    found = pieces(serve(ask("density", trained)))
    assert [piece.message.done for piece in found] == [16, 20]
    counts = found[-1].arrays["counts"]
    assert counts.dtype == np.int32
    assert counts.sum() == pytest.approx(20 * 64, rel=0.01)
    assert np.isfinite(found[-1].arrays["r"][0])


def test_the_service_follows_the_loss_of_images(trained):
    network = pieces(serve(ask("loss", trained)))
    exact = pieces(serve(ask("exact_loss", trained)))
    for mine, best in zip(network, exact, strict=True):
        assert best.arrays["loss"][0] <= mine.arrays["loss"][0] + 3 * mine.arrays["error"][0]
    # At t = 1 whoever knows every digit by heart is hardly wrong.
    assert exact[-1].arrays["loss"][0] < 0.3
    assert len(load_digits().images) < 4096  # all of them are known


def test_images_that_are_nowhere_are_named(tmp_path, monkeypatch, trained):
    from engine.image_files import loading

    def nowhere(*arguments, **options):
        raise ValueError("no MNIST in /nowhere")

    monkeypatch.setattr(loading, "load_images", nowhere)
    reports = serve(ask("density", trained, data_root="/nowhere"))
    failure = reports[-1].message
    assert isinstance(failure, messages.Failure)
    assert not failure.internal
    assert failure.message == "no MNIST in /nowhere"
