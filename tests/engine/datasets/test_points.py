"""The data sets are those of the exercise, repeatable, with a transform that can be undone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons

from engine import datasets
from engine.datasets import Standardisation, fresh_draws, load, reference_draws
from engine.shared.config import POINT_SETS

every_set = pytest.mark.parametrize("name", POINT_SETS)
NOTHING = Standardisation(np.zeros(2), np.ones(2))
CENTRES = 4 * np.array(
    [[0, 1], [1, 0], [0, -1], [-1, 0], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5], [-0.5, -0.5]]
)


@every_set
def test_sets_are_standardised_float32(name):
    points = load(name).points
    assert points.shape == (8000, 2)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(points.std(0), 1, atol=1e-5)


@every_set
def test_the_transform_goes_there_and_back(name):
    data = load(name, n=500, seed=3)
    raw = data.transform.undo(data.points)
    assert raw.dtype == np.float64
    np.testing.assert_allclose(data.transform.apply(raw), data.points, atol=1e-6)
    np.testing.assert_allclose(raw.mean(0), data.transform.mean, atol=1e-5)
    np.testing.assert_allclose(raw.std(0), data.transform.std, atol=1e-5)


@every_set
def test_the_same_seed_gives_the_same_points(name):
    assert np.array_equal(load(name, n=100, seed=4).points, load(name, n=100, seed=4).points)
    for draw in (fresh_draws, reference_draws):
        assert np.array_equal(draw(name, 100, 4, NOTHING), draw(name, 100, 4, NOTHING))


@every_set
def test_no_draw_repeats_another(name):
    transform = load(name, n=100, seed=0).transform
    training = {tuple(point) for point in load(name, n=100, seed=0).points}
    if name != "moons":  # a fixed grid, in which the ends of the moons are on it for every seed
        assert not training & {tuple(point) for point in load(name, n=100, seed=1).points}
    others = [
        {tuple(point) for point in draw(name, 100, seed, transform)}
        for draw in (fresh_draws, reference_draws)
        for seed in (0, 1)
    ]
    for k, one in enumerate(others):
        assert len(one) == 100
        assert not one & training
        assert not any(one & other for other in others[:k])


@every_set
def test_fresh_and_reference_points_come_from_the_same_place(name):
    transform = load(name).transform
    fresh, reference = (
        draw(name, 40_000, 11, transform).astype(float) for draw in (fresh_draws, reference_draws)
    )
    np.testing.assert_allclose(fresh.mean(0), reference.mean(0), atol=0.04)
    np.testing.assert_allclose(np.cov(fresh.T), np.cov(reference.T), atol=0.06)
    np.testing.assert_allclose(reference.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(reference.std(0), 1, atol=0.05)


def nearest_centre(points):
    return np.argmin(np.linalg.norm(points[:, None] - CENTRES, axis=2), axis=1)


@pytest.mark.parametrize("draw", [fresh_draws, reference_draws])
def test_only_fresh_draws_have_random_component_counts(draw):
    counts = np.bincount(nearest_centre(draw("gaussians8", 8000, 2, NOTHING)), minlength=8)
    assert counts.sum() == 8000
    assert (counts.tolist() == [1000] * 8) == (draw is reference_draws)
    # Multinomial: within five standard deviations.
    assert np.all(abs(counts - 1000) < 5 * np.sqrt(8000 * 7 / 64))


def test_gaussians8_are_the_exercise_ones_in_order():
    data = load("gaussians8")
    raw = data.transform.undo(data.points)
    assert nearest_centre(raw).tolist() == np.repeat(np.arange(8), 1000).tolist()
    for k, centre in enumerate(CENTRES):
        cloud = raw[1000 * k : 1000 * (k + 1)]
        np.testing.assert_allclose(cloud.mean(0), centre, atol=5 * 0.1 / 1000**0.5)
        np.testing.assert_allclose(cloud.std(0), 0.1, atol=5 * 0.1 / 2000**0.5)


def test_v_is_two_noisy_segments_in_order():
    data = load("v")
    raw = data.transform.undo(data.points)
    for arm, tip in ((raw[:4000], [2, 3]), (raw[4000:], [-2, 3])):
        along = arm @ tip / np.dot(tip, tip)
        across = arm @ [-tip[1], tip[0]] / np.linalg.norm(tip)
        assert abs(along.mean() - 0.5) < 5 * 0.29 / 4000**0.5
        # Uniform on the segment plus noise of 0.1 along and across it.
        variance = 1 / 12 + 0.01 / np.dot(tip, tip)
        assert along.var() == pytest.approx(variance, rel=0.05)
        assert across.std() == pytest.approx(0.1, rel=0.06)
        assert abs(across.mean()) < 5 * 0.1 / 4000**0.5


@pytest.mark.parametrize("n", [2, 101, 8000])
def test_moons_are_those_of_scikit_learn(n):
    peer = make_moons(n, shuffle=False)[0]
    expected = (peer - peer.mean(0)) / peer.std(0)
    np.testing.assert_allclose(load("moons", n=n).points, expected, atol=1e-6)


def test_fresh_moons_lie_on_the_moons_at_random_angles():
    raw = fresh_draws("moons", 2000, 0, NOTHING).astype(float)
    outer = np.hypot(raw[:, 0], raw[:, 1])
    inner = np.hypot(raw[:, 0] - 1, raw[:, 1] - 0.5)
    assert np.all(np.minimum(abs(outer - 1), abs(inner - 1)) < 1e-6)
    grid = make_moons(8000, shuffle=False)[0]
    assert not {tuple(p) for p in raw.round(6)} >= {tuple(p) for p in grid[:100].round(6)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "w"}, "unknown data set 'w'; known: v, gaussians8"),
        ({"name": "mnist"}, "'mnist' has images, not points"),
        ({"name": "v", "n": 1}, "number of points must be between 2 and 1000000, got 1"),
        ({"name": "v", "n": 10**9}, "got 1000000000"),
        ({"name": "v", "seed": -1}, "seed must be .* got -1"),
        ({"name": "v", "n": float("nan")}, "got nan"),
    ],
)
def test_impossible_sets_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(**arguments)
