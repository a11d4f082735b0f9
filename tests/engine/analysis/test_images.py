"""The Frechet distance against closed forms, its invariances and its floors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from engine.analysis.images import (
    FLOOR_SIZES,
    Moments,
    frechet,
    image_quality,
    recognised,
    reference_of,
)


def spd(rng: np.random.Generator, size: int) -> np.ndarray:
    root = rng.normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


def gaussian(mean: np.ndarray, covariance: np.ndarray) -> Moments:
    return Moments(np.asarray(mean, float), np.asarray(covariance, float), 100)


def test_two_gaussians_in_one_dimension():
    # (m1 - m2)^2 + (s1 - s2)^2
    first, second = gaussian([1.0], [[4.0]]), gaussian([-2.0], [[0.25]])
    assert frechet(first, second) == pytest.approx(9 + 1.5**2, rel=1e-12)


def test_covariances_that_commute():
    # With the same axes the distance is that of the deviations along them.
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    one, other = rng.uniform(0.1, 3, size=(2, 6))
    mean = rng.normal(size=(2, 6))
    expected = ((mean[0] - mean[1]) ** 2).sum() + ((one - other) ** 2).sum()
    found = frechet(
        gaussian(mean[0], (axes * one**2) @ axes.T), gaussian(mean[1], (axes * other**2) @ axes.T)
    )
    assert found == pytest.approx(expected, rel=1e-10)


def test_it_is_equation_6_with_scipys_root():
    rng = np.random.default_rng(1)
    one, other, mean = spd(rng, 12), spd(rng, 12), rng.normal(size=12)
    root = scipy.linalg.sqrtm(one @ other).real
    expected = mean @ mean + np.trace(one + other - 2 * root)
    found = frechet(gaussian(mean, one), gaussian(np.zeros(12), other))
    assert found == pytest.approx(expected, rel=1e-9)


def test_it_is_symmetric_and_nothing_from_itself():
    rng = np.random.default_rng(2)
    first = gaussian(rng.normal(size=8), spd(rng, 8))
    second = gaussian(rng.normal(size=8), spd(rng, 8))
    assert frechet(first, second) == pytest.approx(frechet(second, first), rel=1e-10)
    assert frechet(first, first) == pytest.approx(0, abs=1e-10)


def test_it_does_not_see_rotations_and_shifts_of_both():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(300, 5)), rng.normal(1, 2, size=(200, 5))
    turn, shift = np.linalg.qr(rng.normal(size=(5, 5)))[0], rng.normal(size=5)
    before = frechet(Moments.of(one), Moments.of(other))
    after = frechet(Moments.of(one @ turn + shift), Moments.of(other @ turn + shift))
    assert after == pytest.approx(before, rel=1e-9)
    thrice = frechet(Moments.of(3 * one), Moments.of(3 * other))
    assert thrice == pytest.approx(9 * before, rel=1e-9)


def test_moments_are_those_of_numpy():
    features = np.random.default_rng(4).normal(size=(50, 3)).astype(np.float32)
    found = Moments.of(features)
    np.testing.assert_allclose(found.mean, features.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(found.covariance, np.cov(features.T), rtol=1e-6)
    assert found.count == 50


def test_fewer_images_than_features_do_no_harm():
    rng = np.random.default_rng(5)
    real = Moments.of(rng.normal(size=(500, 64)))
    few, same = rng.normal(size=(3, 64)), np.zeros((10, 64))
    assert np.isfinite(frechet(Moments.of(few), real))
    # Images that are all alike: the deviation of the data is what they lack.
    lacking = real.mean @ real.mean + np.trace(real.covariance)
    assert frechet(Moments.of(same), real) == pytest.approx(lacking, rel=1e-9)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.zeros((1, 4)), r"N >= 2 images, got \(1, 4\)"),
        (np.zeros(4), r"got \(4,\)"),
        (np.full((5, 4), np.nan), "NaN"),
    ],
)
def test_moments_of_nothing_usable_are_refused(features, message):
    with pytest.raises(ValueError, match=message):
        Moments.of(features)


def test_real_images_score_their_floor_and_others_do_not():
    rng = np.random.default_rng(6)
    reference = reference_of(rng.normal(size=(4000, 10)), 0.9)
    assert tuple(reference.floors) == FLOOR_SIZES
    floors = list(reference.floors.values())
    assert floors == sorted(floors, reverse=True)  # fewer images, more bias
    sure = np.eye(5)[np.arange(128) % 3]

    def ratios(shift: float) -> list[float]:
        draws = (rng.normal(shift, 1, size=(128, 10)) for _ in range(20))
        return [image_quality(draw, sure, reference).ratio for draw in draws]

    assert np.mean(ratios(0.0)) == pytest.approx(1, abs=0.1)
    # 10 * 0.2^2 = 0.4 on top of the floor.
    expected = 1 + 0.4 / reference.floors[128]
    assert np.mean(ratios(0.2)) == pytest.approx(expected, rel=0.1)


def test_the_standard_error_is_the_spread_of_independent_sets():
    rng = np.random.default_rng(7)
    reference = reference_of(rng.normal(size=(4000, 4)), 0.9)
    sure = np.ones((256, 1))
    sets = [image_quality(rng.normal(0.3, 1, size=(256, 4)), sure, reference) for _ in range(60)]
    spread = np.std([one.distance for one in sets], ddof=1)
    assert np.mean([one.distance_error for one in sets]) == pytest.approx(spread, rel=0.3)


def test_sizes_without_a_floor_are_refused_by_number():
    rng = np.random.default_rng(8)
    reference = reference_of(rng.normal(size=(400, 4)), 0.9)
    assert tuple(reference.floors) == (32, 64, 128)  # the halves have 200 images
    assert [reference.size(wanted) for wanted in (1, 64, 100, 1000)] == [32, 64, 64, 128]
    with pytest.raises(ValueError, match="no floor for 100 samples; known: 32, 64, 128"):
        image_quality(rng.normal(size=(100, 4)), np.ones((100, 1)), reference)
    with pytest.raises(ValueError, match="needs 64 images or more, got 40"):
        reference_of(rng.normal(size=(40, 4)), 0.9)


def test_recognised_counts_the_sure_ones_and_their_classes():
    probabilities = np.array([[0.95, 0.05, 0], [0.9, 0.1, 0], [0.4, 0.3, 0.3], [0, 0.0, 1]])
    assert recognised(probabilities) == (0.75, 2)
    assert recognised(probabilities[2:3]) == (0.0, 0)
