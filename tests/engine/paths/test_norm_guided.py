"""The cheapest path by norm against closed forms, a relaxation and Clairaut's relation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize
from scipy.stats import chi

from engine.paths import norm_guided
from engine.paths.norm_guided import cheapest_arc

PLANE = [(2.0, 2.0, math.pi), (2.0, 3.0, 1.0), (0.2, 2.5, 2.5), (0.5, 0.5, 2.0), (1.0, 1.0, 3.0)]
SPACE = [
    (1.0, 2.0, 3.0, 3),
    (0.3, 0.3, math.pi, 3),  # turns back near the origin
    (8.5, 7.0, 0.5, 64),
    (8.1, 8.1, 0.3, 64),  # turns back before the shell
    (27.0, 27.0, 0.02, 784),  # turns back inside of it
    (28.0, 28.0, math.pi, 784),
    (10.0, 40.0, 2.0, 784),
    (5.0, 5.0, 2.0, 784),  # stays far inside
    (6.5, 6.5, 3.0, 784),  # goes out to the shell and back
    (110.0, 112.0, 1.5, 12288),
]
CASES = [(*case, 2) for case in PLANE] + SPACE


def cost_at(norms, dimension):
    constant = -float(chi(dimension).logpdf(1.0)) - 0.5
    return norms**2 / 2 - (dimension - 1) * np.log(norms) + constant


def lengths(chain):
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))])


def between(chain, count):
    """``count`` places on every step of the chain, by Gauss' rule, and what goes along at each:
    the tangent by the weight."""
    along = lengths(chain)
    curve = CubicSpline(along, chain)
    nodes, weights = np.polynomial.legendre.leggauss(count)
    step = np.diff(along)[:, None]
    at = (along[:-1, None] + step * (nodes + 1) / 2).ravel()
    return curve(at), curve(at, 1) * (step * weights / 2).reshape(-1, 1)


def cost_of(chain, dimension):
    places, steps = between(chain, 4)
    norms = np.linalg.norm(places, axis=1)
    return float(cost_at(norms, dimension) @ np.linalg.norm(steps, axis=1))


def rotated(norms, angles):
    return np.stack([norms * np.cos(angles), norms * np.sin(angles)], axis=1)


def relaxed(first, last, angle, points):
    """The cheapest polyline of the plane, by L-BFGS from the even arc; D = 2."""
    s = np.linspace(0, 1, points)
    chain = rotated((1 - s) * first + s * last, s * angle)

    def energy(inner):
        whole = np.concatenate([chain[:1], inner.reshape(-1, 2), chain[-1:]])
        steps, middles = np.diff(whole, axis=0), (whole[1:] + whole[:-1]) / 2
        squares, r2 = (steps**2).sum(1), (middles**2).sum(1)
        f = r2 / 2 - np.log(r2) / 2
        pull = (squares * f * (1 - 1 / r2))[:, None] * middles
        slope = np.zeros_like(whole)
        slope[:-1] += pull - 2 * (f**2)[:, None] * steps
        slope[1:] += pull + 2 * (f**2)[:, None] * steps
        return points * f**2 @ squares, points * slope[1:-1].ravel()

    found = minimize(
        energy, chain[1:-1].ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": 3000, "maxfun": 6000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-10},
    )  # fmt: skip
    return np.concatenate([chain[:1], found.x.reshape(-1, 2), chain[-1:]])


@pytest.mark.parametrize("case", CASES)
def test_clairauts_invariant_is_the_same_all_along(case):
    places, steps = between(cheapest_arc(*case), 1)
    across = places[:, 0] * steps[:, 1] - places[:, 1] * steps[:, 0]
    norms = np.linalg.norm(places, axis=1)
    f = cost_at(norms, case[-1])
    invariant = f * across / np.linalg.norm(steps, axis=1)
    # By an angle of 1e-4 between the path and the circle, for the places are interpolated.
    assert (np.abs(invariant - np.median(invariant)) < 1e-4 * norms * f).all()
    assert np.median(invariant) < (norms * f).min() * (1 + 1e-6)


@pytest.mark.parametrize("ends", PLANE)
def test_costs_what_a_relaxed_chain_costs(ends):
    ours = cost_of(cheapest_arc(*ends, 2), 2)
    coarse, fine = (cost_of(relaxed(*ends, points), 2) for points in (33, 65))
    assert ours <= fine * (1 + 1e-7)
    assert fine - ours <= coarse - ours  # which comes closer the finer it is
    assert fine == pytest.approx(ours, rel=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_costs_less_than_line_slerp_and_anything_near(case):
    first, last, angle, dimension = case
    chain = cheapest_arc(*case)
    least = cost_of(chain, dimension)
    s = np.linspace(0, 1, 1002)[:, None]  # even, for the line may meet the origin half-way
    assert least < cost_of((1 - s) * chain[0] + s * chain[-1], dimension)
    even = (1 - s[:, 0]) * first + s[:, 0] * last
    assert least < cost_of(rotated(even, s[:, 0] * angle), dimension) * (1 + 1e-9)

    places, steps = between(chain, 2)
    along = np.cumsum(np.linalg.norm(steps, axis=1)) - np.linalg.norm(steps, axis=1) / 2
    waves = np.pi * np.arange(1, 9)
    phases = (along / lengths(chain)[-1])[:, None] * waves
    pace = np.linalg.norm(steps, axis=1)[:, None] / lengths(chain)[-1]
    sizes = np.geomspace(1e-4, 0.2, 1000)[:, None, None] * lengths(chain)[-1]
    bends = sizes * np.random.default_rng(0).normal(size=(1000, 8, 2)) / waves[:, None]

    def cost_with(bends):
        norms = np.linalg.norm(places + np.sin(phases) @ bends, axis=-1)
        turned = steps + pace * ((np.cos(phases) * waves) @ bends)
        return (cost_at(norms, dimension) * np.linalg.norm(turned, axis=-1)).sum(axis=-1)

    assert cost_with(bends).min() > cost_with(np.zeros((8, 2))) * (1 - 1e-7)


def test_opposite_ends_of_the_plane_go_around_the_origin():
    chain = cheapest_arc(2.0, 2.0, math.pi, 2)
    assert np.linalg.norm(chain, axis=1).min() == pytest.approx(0.784, abs=5e-4)
    assert cost_of(chain, 2) == pytest.approx(2.821, abs=5e-4)  # the straight line: 3.89
    assert (chain[1:-1, 1] > 0).all()


def test_on_a_half_line_the_way_leads_through_the_origin():
    chain = cheapest_arc(1.0, 2.0, math.pi, 1)
    assert np.abs(chain[:, 1]).max() < 1e-8
    # The integral of r^2 / 2 - log sqrt(2 / pi) from 0 to 1 and from 0 to 2.
    assert cost_of(chain, 1) == pytest.approx(9 / 6 + 3 * math.log(math.pi / 2) / 2, rel=1e-6)


def test_far_out_it_is_a_straight_line_in_the_cubes():
    # f is r^2 / 2 there, and |z^2 dz| = |d z^3| / 3.
    for angle in (0.02, 0.5, 1.0):
        chain = cheapest_arc(1e9, 1e9, angle, 3)
        least = 1e9 * math.cos(3 * angle / 2) ** (1 / 3)
        assert np.linalg.norm(chain, axis=1).min() == pytest.approx(least, rel=1e-4)
    wide = cheapest_arc(1e9, 2e9, 1.2, 3)  # beyond pi / 3 it goes in to the shell and out again
    norms = np.linalg.norm(wide, axis=1)
    assert norms.min() < 1e5
    assert lengths(wide)[-1] == pytest.approx(3e9, rel=1e-4)


@pytest.mark.parametrize("dimension", [3, 64, 784, 12288])
def test_a_wider_angle_costs_the_arc_on_the_shell(dimension):
    # The circle of least weight r f(r) near the most likely norm is a geodesic.
    shell = math.sqrt(dimension - 1)
    circles = np.linspace(0.8 * shell, shell, 20001)
    neck = (circles * cost_at(circles, dimension)).min()
    first, last = 0.99 * shell, shell + 1
    costs = [cost_of(cheapest_arc(first, last, angle, dimension), dimension) for angle in (2.6, 3)]
    rel = 1e-2 if dimension == 3 else 1e-5  # where the shell is no sharper than the path
    assert costs[1] - costs[0] == pytest.approx(0.4 * neck, rel=rel)


@pytest.mark.parametrize("case", CASES)
def test_swapped_ends_mirror_the_chain(case):
    first, last, angle, dimension = case
    chain, swapped = cheapest_arc(*case), cheapest_arc(last, first, angle, dimension)
    mirror = np.array([[math.cos(angle), math.sin(angle)], [math.sin(angle), -math.cos(angle)]])
    np.testing.assert_allclose(swapped[::-1] @ mirror, chain, atol=1e-9 * max(first, last))


@pytest.mark.parametrize("dimension", [3, 64, 784, 12288])
@pytest.mark.parametrize("angle", [0.3, 1.5, math.pi])
def test_norms_stay_between_the_ends_and_the_shell(dimension, angle):
    shell = math.sqrt(dimension - 1)
    neck = norm_guided.Weight(dimension).neck / shell
    for first in (0.9, 1.0, 1.1, 3.0, neck * (1 + 1e-11), neck * (1 - 1e-9)):
        for last in (0.95, 1.0, 1.0 + 1e-12, 2.0, neck * (1 + 7e-9)):
            norms = np.linalg.norm(
                cheapest_arc(first * shell, last * shell, angle, dimension), axis=1
            )
            # The neck lies a little inside of the most likely norm.
            assert norms.min() >= min(first, last, 1 - 0.35 / shell**2) * shell * (1 - 1e-5)
            assert norms.max() <= max(first, last, 1) * shell * (1 + 1e-5)


def test_equal_steps_along_the_chain_are_equal_steps_along_the_curve(monkeypatch):
    for case in CASES:
        chain = cheapest_arc(*case)
        assert 129 <= len(chain) <= 257
        with monkeypatch.context() as patch:
            patch.setattr(norm_guided, "POINTS", 20001)
            patch.setattr(norm_guided, "KNOTS", 400)
            curve = cheapest_arc.__wrapped__(*case)
        s = np.linspace(0, 1, 101)
        places = [
            [np.interp(s * lengths(line)[-1], lengths(line), line[:, axis]) for axis in (0, 1)]
            for line in (chain, curve)
        ]
        assert np.abs(np.subtract(*places)).max() < 1e-4 * lengths(curve)[-1]


@pytest.mark.parametrize(
    ("start", "dimension", "towards"),
    [
        ((27.9, 28.1, 2.0), 784, (0.2, -0.2, 0.5)),  # both ends across the shell
        ((8.0, 8.0, 0.1), 64, (0.0, 0.0, 3.0)),  # until the path comes to lie on it
        ((1.0, 2.0, 0.2), 2, (0.5, -0.5, 2.0)),  # from no turning point to one
        ((5.0, 5.0, 0.1), 784, (0.3, 0.0, 1.5)),
    ],
)
def test_changes_little_when_the_ends_change_little(start, dimension, towards):
    def chain_at(s):
        return cheapest_arc(*(np.array(start) + s * np.array(towards)).tolist(), dimension)

    whole = np.linspace(0, 1, 41)
    jumps = [np.abs(chain_at(s + 1e-6) - chain_at(s)).max() for s in whole[:-1]]
    assert max(jumps) < 1e-4


@pytest.mark.parametrize("dimension", [1, 2, 3, 64, 784, 12288])
def test_is_finite_and_meets_its_ends_everywhere(dimension):
    shell = math.sqrt(max(dimension - 1, 1))
    norms = [0.0, 5e-324, 1e-300, 1e-12, 1e-3, shell, math.nextafter(shell, 9e9), 1e4, 1e150]
    weight = norm_guided.Weight(dimension)
    norms += [r for r in (weight.bulge, weight.neck) if r < math.inf]
    for angle in (0.0, 1e-300, 1.01e-6, 1.0, math.pi):
        for first in norms:
            for last in norms:
                chain = cheapest_arc(first, last, angle, dimension)
                assert np.isfinite(chain).all()
                np.testing.assert_array_equal(chain[0], (first, 0))
                np.testing.assert_array_equal(
                    chain[-1], (last * math.cos(angle), last * math.sin(angle))
                )


def test_without_an_angle_it_is_the_ray():
    for first, last in [(0.0, 3.0), (5.0, 1.0), (2.0, 2.0)]:
        chain = cheapest_arc(first, last, 0.0, 784)
        np.testing.assert_array_equal(chain[:, 1], 0)
        np.testing.assert_allclose(np.diff(chain[:, 0]), (last - first) / 256, atol=1e-14)


def test_chain_is_shared_and_cannot_be_written_to():
    chain = cheapest_arc(2.0, 3.0, 1.0, 2)
    assert chain.dtype == np.float64
    assert cheapest_arc(2.0, 3.0, 1.0, 2) is chain
    with pytest.raises(ValueError, match="read-only"):
        chain[0, 0] = 1.0
