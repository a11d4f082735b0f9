"""The figures of quality against a slow reference, and their floors against known values."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine import datasets
from engine.analysis import evaluation
from engine.analysis import points as metrics
from engine.analysis.evaluation import evaluate
from engine.analysis.points import CANONICAL, LIVE, Precision, judge_for, nearness_steps
from engine.shared.work import finish
from tests.engine.finished_work import finished

COARSE = Precision(directions=7, quantiles=21, reference=3000)


def drawn(name, count, seed):
    transform = datasets.load(name).transform
    return datasets.fresh_draws(name, count, seed, transform), transform


def slow_distance(samples, reference, directions, levels):
    """Sliced 2-Wasserstein by the definition, a direction and a quantile at a time."""
    gaps = []
    for k in range(directions):
        angle = np.pi * k / directions
        direction = np.array([np.cos(angle), np.sin(angle)])
        for level in np.linspace(0, 1, levels):
            one = np.quantile(samples @ direction, level)
            other = np.quantile(reference @ direction, level)
            gaps.append((one - other) ** 2)
    return np.mean(gaps) ** 0.5


@pytest.mark.parametrize("name", ["v", "gaussians8"])
def test_distance_is_the_slow_one(name):
    samples, transform = drawn(name, 777, 5)
    judge = judge_for(name, transform, COARSE)
    reference = datasets.reference_draws(name, 3000, metrics._FRESH_SEED, transform)
    expected = slow_distance(samples.astype(float), reference.astype(float), 7, 21)
    assert judge.distance(samples) == pytest.approx(expected, abs=1e-5)


def test_distance_of_a_shifted_set_is_the_shift():
    # Along a direction at angle a the quantiles of the shifted set differ by shift * cos(a).
    reference = datasets.reference_draws(
        "v", 3000, metrics._FRESH_SEED, transform := datasets.load("v").transform
    )
    judge = judge_for("v", transform, COARSE)
    assert judge.distance(reference) < 1e-6
    shifted = judge.distance(reference + np.float32([0.5, 0]))
    expected = 0.5 * np.sqrt(np.mean(np.cos(np.pi * np.arange(7) / 7) ** 2))
    assert shifted == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["v", "moons"])
def test_off_data_share_is_the_slow_one(name, monkeypatch):
    monkeypatch.setattr(metrics, "FRESH_POINTS", 3000)
    for kept in ("_nearnesses", "_judges"):
        monkeypatch.setattr(metrics, kept, {})
    samples, transform = drawn(name, 300, 5)
    samples[::3] += 0.2
    judge = judge_for(name, transform, COARSE)
    reference = datasets.reference_draws(name, 20_000, 0, transform).astype(float)

    def nearest(points):
        return np.array(
            [np.min(np.hypot(*(reference - point).T)) for point in points.astype(float)]
        )

    fresh = datasets.fresh_draws(name, 3000, metrics._FRESH_SEED + 1, transform)
    threshold = max(0.03, np.quantile(nearest(fresh), 0.999))
    assert judge.threshold == pytest.approx(threshold, abs=1e-5)
    expected = np.mean(nearest(samples) > threshold)
    assert judge.off_data(samples) == pytest.approx(expected)
    assert 0 < expected < 0.5


def test_nearness_is_that_of_every_judge_and_is_kept(monkeypatch):
    for kept in ("_nearnesses", "_judges"):
        monkeypatch.setattr(metrics, kept, {})
    samples, transform = drawn("v", 300, 5)
    samples[::3] += 0.2
    work = nearness_steps("v", transform)
    nearness, items = finished(work)
    assert len(items) > 5  # nobody waits long for a turn
    assert finish(nearness_steps("v", transform)) is nearness
    for precision in (COARSE, LIVE):
        judge = judge_for("v", transform, precision)
        assert judge.nearness is nearness
        assert judge.threshold == nearness.threshold
        assert judge.off_data(samples) == nearness.off_data(samples)
    other = datasets.Standardisation(transform.mean, 2 * transform.std)
    assert finish(nearness_steps("v", other)) is not nearness


def test_nearness_is_canonical():
    assert (metrics.REFERENCE_POINTS, metrics.FRESH_POINTS) == (20_000, 200_000)
    assert metrics.LEAST_THRESHOLD == 0.03
    transform = datasets.load("v").transform
    nearness = finish(nearness_steps("v", transform))
    reference = datasets.reference_draws("v", 20_000, 0, transform)
    assert nearness.off_data(reference) == 0
    fresh = datasets.fresh_draws("v", 200_000, metrics._FRESH_SEED + 1, transform)
    assert nearness.off_data(fresh) == pytest.approx(0.001, abs=1e-5)
    just_off = reference[:1] + np.float32([3, 0])
    assert nearness.off_data(just_off) == 1


# The contract's floors, with the spread of one sample set over the root of ten sets.
FLOORS = {"v": (0.018, 0.007), "gaussians8": (0.063, 0.015)}


@pytest.mark.parametrize("name", FLOORS)
def test_canonical_floors(name):
    expected, spread = FLOORS[name]
    distance, off_data = judge_for(name, datasets.load(name).transform).floor(metrics.SAMPLES)
    assert abs(distance - expected) < 3 * spread / metrics.SAMPLE_SETS**0.5
    assert 0.0003 < off_data < 0.002


def test_canonical_is_what_the_contract_says():
    assert (CANONICAL.directions, CANONICAL.quantiles, CANONICAL.reference) == (128, 501, 200_000)
    assert (metrics.SAMPLE_SETS, metrics.SAMPLES) == (10, 8000)


def test_live_figures_are_close_to_the_canonical_ones():
    samples, transform = drawn("gaussians8", 8000, 3)
    live, canonical = (judge_for("gaussians8", transform, p) for p in (LIVE, CANONICAL))
    shifted = samples + np.float32([0.1, 0.2])
    assert live.distance(shifted) == pytest.approx(canonical.distance(shifted), rel=0.1)
    assert live.off_data(shifted) == pytest.approx(canonical.off_data(shifted), rel=0.1)


def test_quality_holds_means_and_the_standard_error():
    transform = datasets.load("v").transform
    judge = judge_for("v", transform, COARSE)
    sets = [datasets.fresh_draws("v", 500, seed, transform) for seed in range(4)]
    distances = [judge.distance(points) for points in sets]
    quality = finish(judge.quality_steps(sets))
    assert quality.distance == pytest.approx(np.mean(distances))
    assert quality.distance_error == pytest.approx(np.std(distances, ddof=1) / 2)
    assert quality.off_data == pytest.approx(np.mean([judge.off_data(p) for p in sets]))
    assert (quality.distance_floor, quality.off_data_floor) == judge.floor(500)
    assert quality.ratio == quality.distance / quality.distance_floor
    assert np.isnan(finish(judge.quality_steps(sets[:1])).distance_error)


def test_a_judge_is_kept():
    transform = datasets.load("v").transform
    assert judge_for("v", transform, COARSE) is judge_for("v", transform, COARSE)
    other = datasets.Standardisation(transform.mean + 1, transform.std)
    assert judge_for("v", other, COARSE) is not judge_for("v", transform, COARSE)


def test_evaluating_counts_evaluations_and_returns_the_figures(trained, monkeypatch):
    monkeypatch.setattr(evaluation, "SAMPLES", 200)
    checkpoint = engine.load_checkpoint(trained)
    quality, stages = finished(evaluate(checkpoint, quick=True))
    assert {stage.total for stage in stages} == {20}
    done = [stage.done for stage in stages]
    assert done == sorted(done)
    assert done[-1] == 20
    assert quality.distance > quality.distance_floor  # hardly trained
    assert 0.5 < quality.off_data <= 1


# Distances that the exact denoiser reaches on the same chain; for the moons, the floor.
REACHABLE = {"v": 0.020, "gaussians8": 0.066, "moons": 0.016}


@pytest.mark.slow
@pytest.mark.parametrize("name", REACHABLE)
def test_bundled_models_are_nearly_as_good_as_exact_ones(name):
    quality = finish(evaluate(engine.load_checkpoint(name)))
    assert quality.distance < 1.3 * REACHABLE[name]
    assert quality.off_data < 0.005
