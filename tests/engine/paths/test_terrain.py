"""The terrain against peers for densities, distances and integrals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import logsumexp
from sklearn.neighbors import NearestNeighbors

from engine import datasets
from engine.paths import terrain
from engine.paths.terrain import Terrain, weighted_lengths

KERNELS = 301
"""An odd number, so that a median is one of the values, and few enough that all are kernels."""


def data(shape=(2,), count=KERNELS, seed=0):
    return np.random.default_rng(seed).normal(size=(count, *shape)) * 0.5


def places(shape=(2,), count=40, dtype=torch.float64):
    """Some among the data, some far away."""
    drawn = torch.from_numpy(np.random.default_rng(9).normal(size=(count, *shape))).to(dtype)
    drawn[::4] *= 6
    return drawn


def neighbour_distances(points, rank):
    """To the neighbour of each point that has this rank, itself not counted."""
    near = NearestNeighbors(n_neighbors=rank + 1).fit(points)
    return near.kneighbors(points)[0][:, rank]


def log_density(points, x, width):
    """Of a mean of equal Gaussians, but for a constant factor."""
    squares = ((x[:, None] - points) ** 2).sum(2)
    return logsumexp(-squares / (2 * width**2), axis=1) - np.log(len(points))


def slow_weight(points, x):
    """By the definition; the usual density is that at a data point, left out itself."""
    width = np.median(neighbour_distances(points, terrain.NEIGHBOUR))
    own = [log_density(np.delete(points, k, 0), points[[k]], width) for k in range(len(points))]
    return 1 + 4 * np.logaddexp(0, np.median(own) - log_density(points, x, width)) ** 3


@pytest.mark.parametrize("shape", [(2,), (3,), (1, 2, 3)], ids=str)
@pytest.mark.parametrize(("dtype", "rel"), [(torch.float64, 1e-5), (torch.float32, 5e-4)])
def test_weight_is_that_of_a_kernel_density(shape, dtype, rel):
    points = data(shape).astype(np.float32)
    x = places(shape, dtype=dtype)
    weight = Terrain(points).weight(x)
    assert weight.shape == (len(x),)
    assert weight.dtype == dtype
    flat = points.reshape(KERNELS, -1).astype(float)
    expected = slow_weight(flat, x.reshape(len(x), -1).double().numpy())
    np.testing.assert_allclose(weight, expected, rtol=rel)
    assert weight.min() < 3 < 50 < weight.max()


def test_weight_grows_with_the_sixth_power_of_the_distance_far_from_all_data():
    """The logarithm of a kernel is a square, and the weight is its cube."""
    far = torch.tensor([[40.0, 0], [80.0, 0]], dtype=torch.float64)
    one, two = Terrain(data()).weight(far)
    assert two / one == pytest.approx(64, rel=0.15)


def test_weight_has_the_gradient_of_finite_differences():
    x = places().requires_grad_()
    assert torch.autograd.gradcheck(Terrain(data()).weight, x, atol=1e-5)


def test_the_way_back_is_known_from_anywhere():
    x = torch.tensor([[300.0, -400.0]], requires_grad=True)
    Terrain(data()).weight(x).sum().backward()
    np.testing.assert_allclose(x.grad[0] / x.grad.norm(), [0.6, -0.8], atol=0.01)


@pytest.mark.parametrize("shape", [(2,), (1, 2, 3)], ids=str)
def test_off_data_share_is_the_slow_one(shape):
    points = data(shape)
    x = places(shape)
    ours = Terrain(points)
    flat = points.reshape(KERNELS, -1)
    threshold = np.quantile(neighbour_distances(flat, 1), 0.999)
    apart = np.linalg.norm(x.reshape(len(x), 1, -1).numpy() - flat, axis=2).min(1)
    assert ours.threshold == pytest.approx(threshold, rel=1e-5)
    assert ours.off_data(x) == np.mean(apart > threshold)
    assert 0.1 < ours.off_data(x) < 0.95
    assert ours.off_data(torch.from_numpy(points)) == 0


def test_data_that_lie_dense_have_the_least_threshold():
    assert Terrain(data(count=2000) / 50).threshold == terrain.LEAST_THRESHOLD == 0.03


def test_many_points_are_thinned_out_by_the_seed():
    points = data(count=3000).astype(np.float32)
    one, same, other = (Terrain(points, seed) for seed in (0, 0, 1))
    x = places(dtype=torch.float32)
    assert torch.equal(one.weight(x), same.weight(x))
    assert not torch.equal(one.weight(x), other.weight(x))
    # All of them still count for what is off the data.
    assert one.off_data(torch.from_numpy(points)) == 0
    assert one.threshold == other.threshold


@pytest.mark.parametrize("points", [[[0.0, 1.0]], [[0.0, 1.0], [np.nan, 0.0]], np.zeros((0, 2))])
def test_what_is_no_sample_is_refused(points):
    with pytest.raises(ValueError, match="two or more finite points"):
        Terrain(points)


def test_data_in_one_place_are_a_terrain_all_the_same():
    ours = Terrain(np.zeros((5, 2)))
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0]], requires_grad=True)
    weight = ours.weight(x)
    weight.sum().backward()
    assert bool(torch.isfinite(weight).all() and torch.isfinite(x.grad).all())
    assert weight[0] < weight[1]


def segments():
    """Across the V, along an arm, and from the vertex to nowhere."""
    across, along, away = [[-1.5, 0.5], [1.5, 0.5]], [[0, -1.5], [1.5, 1.5]], [[0, -1.5], [1, -2]]
    return torch.tensor([across, along, away], dtype=torch.float64)


@pytest.fixture(scope="module")
def v():
    return Terrain(datasets.load("v").points)


def by_quadrature(terrain_of_v, start, end):
    def integrand(s):
        at = torch.from_numpy((1 - s) * start + s * end)[None]
        return float(terrain_of_v.weight(at))

    return quad(integrand, 0, 1, limit=400)[0] * np.linalg.norm(end - start)


@pytest.mark.parametrize(
    ("cuts", "inner", "rel"), [(1, 2000, 1e-4), (400, 5, 1e-4), (100, 1, 0.01)]
)
def test_a_weighted_length_is_the_line_integral(v, cuts, inner, rel):
    lines = segments()
    share = torch.linspace(0, 1, cuts + 1, dtype=torch.float64)[:, None]
    lengths = weighted_lengths(lines[:, :1] + share * (lines[:, 1:] - lines[:, :1]), v, inner)
    expected = [by_quadrature(v, *line.numpy()) for line in lines]
    np.testing.assert_allclose(lengths, expected, rtol=rel)
    assert lengths[0] > 3 * lengths[1]  # across is dear, along is cheap


def test_a_jump_pays_for_what_it_jumps_over(v):
    # Both ends are on the data.
    jump = torch.tensor([[[-0.8, 0.0], [0.8, 0.0]]])
    assert weighted_lengths(jump, v, 2) > 5 * (jump[0, 1] - jump[0, 0]).norm()


def test_neighbours_that_fall_together_have_a_gradient(v):
    line = torch.zeros(1, 5, 2, requires_grad=True)
    weighted_lengths(line, v, 2).sum().backward()
    assert bool(torch.isfinite(line.grad).all())


def test_lengths_of_images_are_those_of_their_numbers():
    points = data((2, 2, 2))
    lines = torch.from_numpy(data((7, 2, 2, 2), count=3))
    ours, flat = Terrain(points), Terrain(points.reshape(KERNELS, -1))
    lengths = weighted_lengths(lines, ours, 3)
    assert torch.equal(lengths, weighted_lengths(lines.flatten(2), flat, 3))
    assert lengths.shape == (3,)
