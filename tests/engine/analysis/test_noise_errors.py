"""Predicted noise and loss by time against what is known of them in closed form."""

from __future__ import annotations

import itertools
import queue

import numpy as np
import pytest
import torch

from engine.analysis.noise_errors import (
    NoisePairs,
    join_pairs,
    loss_by_time,
    loss_times,
    noise_pairs,
    pair_statistics,
)
from engine.checkpoints.checkpoint import load_checkpoint
from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.exact import GaussianDenoiser, IdealDenoiser
from engine.diffusion.schedules import make_schedule
from engine.service.loop import Service
from engine.shared import messages
from engine.shared.messages import Packet

COVARIANCE = np.array([[1.0, 0.6], [0.6, 0.5]])
MEAN = np.array([0.3, -0.2])
SCHEDULE = make_schedule("linear", 100)
TIMES = [100, 60, 25, 8, 1]


@pytest.fixture(scope="module")
def gaussian() -> torch.Tensor:
    draws = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, 400_000)
    return torch.from_numpy(draws.astype(np.float32))


@pytest.fixture
def evaluations(monkeypatch) -> list:
    """The time of every evaluation of a network."""
    times = []
    ask = NetworkDenoiser.predict

    def predict(self, x_t, t):
        times.append(t)
        return ask(self, x_t, t)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    return times


def exact_denoiser() -> GaussianDenoiser:
    return GaussianDenoiser(MEAN, COVARIANCE, SCHEDULE)


def left_over(t: int) -> np.ndarray:
    """Covariance of eps given x_t, for Gaussian data: what no denoiser can know."""
    bar = SCHEDULE.alpha_bar(t)
    gain = bar * COVARIANCE @ np.linalg.inv(bar * COVARIANCE + (1 - bar) * np.eye(2))
    return bar / (1 - bar) * (COVARIANCE - gain @ COVARIANCE)


def test_the_loss_of_the_exact_denoiser_is_the_variance_that_is_left_over(gaussian):
    found = [item for item in loss_by_time(exact_denoiser(), gaussian, TIMES, count=20_000) if item]
    assert [item.t for item in found] == TIMES
    for item in found:
        expected = np.trace(left_over(item.t)) / 2
        assert item.error < 0.02 * expected + 1e-4
        assert abs(item.loss - expected) < 4 * item.error


def test_the_standard_error_is_the_spread_of_repeated_estimates(gaussian):
    runs = [
        next(
            item
            for item in loss_by_time(exact_denoiser(), gaussian, [25], count=400, seed=s)
            if item
        )
        for s in range(200)
    ]
    spread = np.std([run.loss for run in runs])
    assert np.mean([run.error for run in runs]) == pytest.approx(spread, rel=0.2)


def test_pairs_have_the_moments_of_the_exact_denoiser(gaussian):
    pairs = join_pairs(list(noise_pairs(exact_denoiser(), gaussian, count=60_000, seed=3)))
    found = pair_statistics(pairs)
    expected = np.mean([left_over(t).diagonal() for t in range(1, 101)], axis=0)
    assert np.all(abs(found.mse - expected) < 0.02 * expected)
    assert np.all(abs(found.bias) < 5 * np.sqrt(expected / 60_000))
    # eps_hat = E[eps | x_t] leaves an error that it is not correlated with.
    assert found.r == pytest.approx(np.sqrt(1 - expected), abs=0.01)
    assert np.all((pairs.t >= 1) & (pairs.t <= 100))
    counts = np.bincount(pairs.t, minlength=101)[1:]
    assert abs(counts - 600).max() < 5 * np.sqrt(600)
    assert pairs.eps.std(axis=0) == pytest.approx([1, 1], abs=0.02)


def test_statistics_of_known_pairs():
    eps = np.random.default_rng(1).standard_normal((50_000, 3)).astype(np.float32)
    guess = np.stack([0.5 * eps[:, 0] + 0.25, -eps[:, 1], np.zeros(len(eps))], axis=1)
    t = np.ones(len(eps), np.int64)
    found = pair_statistics(NoisePairs(t, eps, guess.astype(np.float32), np.arange(3)))
    assert found.r[:2] == pytest.approx([1, -1], abs=1e-6)
    assert np.isnan(found.r[2])
    assert found.mse == pytest.approx([0.25 + 0.0625, 4, 1], rel=0.03)
    assert found.bias == pytest.approx([0.25, 0, 0], abs=0.03)


def test_more_pairs_leave_the_first_ones_where_they_were(trained):
    checkpoint = load_checkpoint(str(trained))
    data = torch.from_numpy(checkpoint.training_points())

    def run(count: int, seed: int = 2):
        return join_pairs(list(noise_pairs(checkpoint.denoiser, data, count=count, seed=seed)))

    few, many = run(100), run(5000)
    for name in ("t", "eps", "eps_hat"):
        assert np.array_equal(getattr(few, name), getattr(many, name)[:100])
    assert not np.array_equal(few.eps, run(100, seed=3).eps)
    # No two pieces may repeat each other's noise.
    assert len(np.unique(many.eps[:, 0])) > 4990


def test_states_of_any_shape_and_a_selection_of_their_dimensions():
    data = torch.randn(40, 3, 4, generator=torch.Generator().manual_seed(0))
    denoiser = IdealDenoiser(data, SCHEDULE)
    pairs = join_pairs(list(noise_pairs(denoiser, data, count=70, dimensions=5, seed=1)))
    assert pairs.eps.shape == pairs.eps_hat.shape == (70, 5)
    assert len(set(pairs.dimensions.tolist())) == 5
    assert pairs.dimensions.min() >= 0
    assert pairs.dimensions.max() < 12
    other = next(noise_pairs(denoiser, data, count=70, dimensions=5, seed=2))
    assert not np.array_equal(pairs.dimensions, other.dimensions)
    everything = next(noise_pairs(denoiser, data, count=70, dimensions=12, seed=1))
    assert everything.dimensions.tolist() == list(range(12))
    # The chosen columns are those of the whole.
    assert np.array_equal(everything.eps[:, pairs.dimensions], pairs.eps)
    assert np.array_equal(everything.eps_hat[:, pairs.dimensions], pairs.eps_hat)
    assert [item.t for item in loss_by_time(denoiser, data, [50], count=20) if item] == [50]


def test_nothing_is_evaluated_twice_between_two_items(evaluations, trained):
    checkpoint = load_checkpoint(str(trained))
    data = torch.from_numpy(checkpoint.training_points())
    seen = 0
    for _ in loss_by_time(checkpoint.denoiser, data, [20, 10, 1], count=1300):
        assert len(evaluations) == seen + 1
        seen = len(evaluations)
    assert evaluations == [20] * 3 + [10] * 3 + [1] * 3
    evaluations.clear()
    for number, _ in enumerate(noise_pairs(checkpoint.denoiser, data, count=9000), start=1):
        assert len(evaluations) == number


def test_the_gradients_of_whoever_listens_are_left_alone(gaussian):
    for _ in noise_pairs(exact_denoiser(), gaussian, count=10):
        assert torch.is_grad_enabled()


@pytest.mark.parametrize(("timesteps", "count"), [(250, 80), (1000, 80), (20, 80), (2, 2)])
def test_times_fall_from_noise_to_data(timesteps, count):
    times = loss_times(timesteps, count)
    assert times[0] == timesteps
    assert times[-1] == 1
    assert all(a > b for a, b in itertools.pairwise(times))
    assert min(timesteps, 0.9 * count) <= len(times) <= min(timesteps, count)


def test_numbers_out_of_range_are_refused(gaussian):
    with pytest.raises(ValueError, match="number of pairs must be between 1 and 200000, got 0"):
        next(noise_pairs(exact_denoiser(), gaussian, count=0))
    with pytest.raises(ValueError, match="number of draws must be between 2 and 200000, got 1"):
        next(loss_by_time(exact_denoiser(), gaussian, TIMES, count=1))
    with pytest.raises(ValueError, match="number of times must be between 2 and 10000, got 1"):
        loss_times(250, 1)
    with pytest.raises(ValueError, match="this network has diverged"):
        next(noise_pairs(exact_denoiser(), gaussian * torch.nan, count=5))


# The service


def request(kind: str, checkpoint: str, job: int = 1, **changes) -> messages.Diagnose:
    values = {"job": job, "slot": kind, "checkpoint": checkpoint, "kind": kind, "count": 600}
    return messages.Diagnose(**(values | changes))


def serve(*requests: messages.Message, react=lambda packet, inbox: None) -> list[Packet]:
    """What a service answers to ``requests``; ends when all jobs have ended."""
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    reports: list[Packet] = []
    open_jobs = {message.job for message in requests if isinstance(message, messages.Request)}

    def send(packet: Packet) -> None:
        reports.append(packet)
        react(packet, inbox)
        if isinstance(packet.message, messages.Result | messages.Failure):
            open_jobs.discard(packet.message.job)
            if not open_jobs:
                inbox.put(None)

    for message in requests:
        inbox.put(Packet(message))
    Service(inbox, send, torch.device("cpu")).run()
    return reports


def of(reports: list[Packet], job: int, kind: type) -> list[Packet]:
    return [p for p in reports if p.message.job == job and isinstance(p.message, kind)]


def test_the_service_streams_pairs_and_losses(trained):
    name = str(trained)
    reports = serve(
        request("pairs", name, 1), request("loss", name, 2), request("exact_loss", name, 3)
    )
    (pairs,) = of(reports, 1, messages.Diagnosis)
    assert (pairs.message.done, pairs.message.total, pairs.message.timesteps) == (600, 600, 20)
    checkpoint = load_checkpoint(name)
    data = torch.from_numpy(checkpoint.training_points())
    expected = join_pairs(list(noise_pairs(checkpoint.denoiser, data, count=600)))
    assert np.array_equal(pairs.arrays["eps_hat"], expected.eps_hat)
    assert np.array_equal(pairs.arrays["mse"], pair_statistics(expected).mse)
    curves = {}
    for job in (2, 3):
        pieces = of(reports, job, messages.Diagnosis)
        assert [p.message.done for p in pieces] == list(range(1, 21))
        assert [int(p.arrays["t"][0]) for p in pieces] == list(range(20, 0, -1))
        curves[job] = np.array([[p.arrays[n][0] for n in ("loss", "error")] for p in pieces])
        assert not of(reports, job, messages.Result)[0].message.cancelled
    # The same draws for both, so their difference is far less uncertain than either.
    assert np.all(curves[3][:, 0] < curves[2][:, 0] + 2 * curves[2][:, 1])
    assert curves[3][:, 0].mean() < curves[2][:, 0].mean()


def test_the_exact_loss_is_below_that_of_a_trained_network():
    checkpoint = load_checkpoint("v")
    data = torch.from_numpy(checkpoint.training_points())
    times = [250, 150, 60, 20, 5, 1]
    exact = IdealDenoiser(data, checkpoint.schedule)
    best, network = (
        [item for item in loss_by_time(denoiser, data, times, count=800) if item]
        for denoiser in (exact, checkpoint.denoiser)
    )
    for low, high in zip(best, network, strict=True):
        assert low.loss <= high.loss + 0.5 * high.error
    assert best[-1].loss < network[-1].loss - 3 * network[-1].error  # it knows every point
    assert best[1].loss == pytest.approx(network[1].loss, rel=0.05)


def test_a_cancelled_diagnosis_ends_after_one_evaluation(evaluations, trained):
    seen = []

    def react(packet, inbox):
        if isinstance(packet.message, messages.Diagnosis) and not seen:
            seen.append(len(evaluations))
            inbox.put(Packet(messages.Cancel(job=1)))

    reports = serve(request("loss", str(trained)), react=react)
    assert reports[-1].message.cancelled
    assert len(evaluations) - seen[0] <= 1


def test_a_newer_diagnosis_supersedes_the_older_of_its_kind_alone(trained):
    name = str(trained)
    reports = serve(
        request("loss", name, 1), request("pairs", name, 2), request("loss", name, 3, seed=1)
    )
    assert of(reports, 1, messages.Result)[0].message.cancelled
    assert not of(reports, 2, messages.Result)[0].message.cancelled
    assert len(of(reports, 3, messages.Diagnosis)) == 20


def test_the_running_training_can_be_diagnosed(tmp_path, config_for):
    def react(packet, inbox):
        if isinstance(packet.message, messages.Snapshot) and not sent:
            sent.append(True)
            inbox.put(Packet(request("pairs", "live", 2)))
        if packet.message.job == 2 and isinstance(packet.message, messages.Result):
            inbox.put(Packet(messages.Cancel(job=1)))

    sent: list[bool] = []
    config = config_for(steps=100_000)
    training = messages.Train(job=1, config=config, out=str(tmp_path), snapshot_seconds=0.0)
    reports = serve(training, react=react)
    (piece,) = of(reports, 2, messages.Diagnosis)
    assert piece.arrays["eps_hat"].shape == (600, 2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"count": 1}, "number of draws must be between 2 and 200000, got 1"),
        ({"times": 1}, "number of times must be between 2 and 10000, got 1"),
        ({"dimensions": 0}, "number of dimensions must be between 1 and 64, got 0"),
        ({"seed": -1}, "seed must be between 0 and"),
        ({"checkpoint": "live"}, "no training is running"),
        ({"checkpoint": "nowhere"}, "nowhere"),
    ],
)
def test_a_bad_request_is_answered_with_a_sentence(trained, changes, sentence):
    reports = serve(request("loss", **({"checkpoint": str(trained)} | changes)))
    failure = reports[-1].message
    assert isinstance(failure, messages.Failure)
    assert not failure.internal
    assert sentence in failure.message
