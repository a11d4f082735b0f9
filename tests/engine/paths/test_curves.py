"""Every stated property of the paths, in the plane and for images."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import chi

from engine.diffusion.noise import draw_latents
from engine.paths.curves import (
    drawn,
    linear,
    make_curve,
    make_path,
    norm_guided,
    prior_preserving,
    spherical,
)

PLANE, IMAGE = (2,), (1, 28, 28)
shapes = pytest.mark.parametrize("shape", [PLANE, IMAGE], ids=["plane", "image"])
types = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])


def drawn_through_two(start, end, positions):
    way = draw_latents(77, 2, start.shape).to(start.dtype)
    return drawn(start, end, positions, through=way)


def drawn_straight(start, end, positions):
    return drawn(start, end, positions, through=None)


PATHS = {
    "linear": linear,
    "spherical": spherical,
    "prior-preserving": prior_preserving,
    "norm-guided": norm_guided,
    "drawn": drawn_through_two,
    "drawn without way-points": drawn_straight,
}
paths = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
OF_ENDS_ALONE = {name: path for name, path in PATHS.items() if name != "drawn"}
of_ends_alone = pytest.mark.parametrize("path", OF_ENDS_ALONE.values(), ids=OF_ENDS_ALONE)
ROUND = {"spherical": spherical, "norm-guided": norm_guided}
"""The two that go round the origin."""
round_paths = pytest.mark.parametrize("path", ROUND.values(), ids=ROUND)


def even(count: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.linspace(0, 1, count, dtype=dtype)


def pair(shape, dtype=torch.float64, seed=0):
    """Two independent draws from the prior."""
    return draw_latents(seed, 2, shape).to(dtype).unbind()


def point(*coordinates: float) -> torch.Tensor:
    return torch.tensor(coordinates, dtype=torch.float64)


def norms(latents):
    return latents.flatten(1).norm(dim=1)


def close(actual, expected, atol=1e-9):
    torch.testing.assert_close(actual, expected, atol=atol, rtol=0)


def turn(degrees: float) -> torch.Tensor:
    angle = math.radians(degrees)
    return point(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle)).view(2, 2)


# All paths


def endpoints(shape, dtype):
    """Pairs from the prior, and all that is special about a pair."""
    a, b = pair(shape, dtype)
    zero, tiny = torch.zeros(shape, dtype=dtype), 1e-7 * b
    return {
        "drawn": (a, b),
        "opposite": (a, -a),
        "opposite, of other norms": (a, -0.3 * a),
        "nearly opposite": (a, -a + 1e-4 * b),
        "equal": (a, a.clone()),
        "nearly equal": (a, a + 1e-7 * b),
        "one direction": (a, 2.5 * a),
        "from the origin": (zero, b),
        "to the origin": (a, zero),
        "both at the origin": (zero, zero.clone()),
        "from near the origin": (tiny, b),
        "both near the origin, opposite": (tiny, -tiny),
        "far away": (300 * a, -200 * b),
    }


@paths
@shapes
@types
@pytest.mark.parametrize("name", endpoints(PLANE, torch.float32))
def test_ends_are_met_to_the_bit_and_nothing_is_nan(path, shape, dtype, name):
    start, end = endpoints(shape, dtype)[name]
    before = start.clone(), end.clone()
    latents = path(start, end, even(50, dtype))
    assert latents.shape == (50, *shape)
    assert latents.dtype == dtype
    assert bool(torch.isfinite(latents).all())
    assert torch.equal(latents[0], start)
    assert torch.equal(latents[-1], end)
    assert torch.equal(start, before[0])
    assert torch.equal(end, before[1])


@paths
@shapes
def test_positions_may_come_in_any_order_and_number(path, shape):
    start, end = pair(shape)
    positions = even(30)
    latents = path(start, end, positions)
    shuffled = torch.randperm(30, generator=torch.Generator().manual_seed(0))
    close(path(start, end, positions[shuffled]), latents[shuffled])
    for at in (0, 7, 29):
        close(path(start, end, positions[at : at + 1]), latents[at : at + 1])


@of_ends_alone
@shapes
def test_the_way_back_is_the_way_there(path, shape):
    start, end = pair(shape)
    close(path(end, start, 1 - even(41)), path(start, end, even(41)), atol=1e-6)


@of_ends_alone
@pytest.mark.parametrize("degrees", [70, 180, -35])
def test_a_turned_pair_has_the_turned_path(path, degrees):
    start, end = point(-2.0, 0.3), point(1.1, 1.4)
    turned = path(turn(degrees) @ start, turn(degrees) @ end, even(41))
    close(turned, path(start, end, even(41)) @ turn(degrees).T, atol=1e-6)


@paths
def test_nearby_pairs_have_nearby_paths(path):
    """No path jumps from one kind of answer to another, except between opposite ends."""
    start, end = point(-2.0, 0.3), point(1.1, 1.4)
    for scale in (1.0, 1e-3, 1e-5):
        base = path(scale * start, end, even(41))
        moved = path(scale * start * (1 + 1e-4), end, even(41))
        assert (moved - base).norm(dim=1).max() < 1e-2


# Linear and prior-preserving


@shapes
def test_linear_is_the_straight_line(shape):
    start, end = pair(shape)
    for s, latent in zip(even(11), linear(start, end, even(11)), strict=True):
        close(latent, start + s * (end - start))


@shapes
def test_prior_preserving_is_the_formula(shape):
    start, end = pair(shape)
    for s, latent in zip(even(11).tolist(), prior_preserving(start, end, even(11)), strict=True):
        close(latent, ((1 - s) * start + s * end) / math.sqrt((1 - s) ** 2 + s**2))


@shapes
def test_prior_preserving_keeps_no_norm_of_a_given_pair(shape):
    start, _ = pair(shape)
    close(prior_preserving(start, start, even(3))[1], math.sqrt(2) * start)
    close(prior_preserving(start, -start, even(3))[1], torch.zeros(shape, dtype=torch.float64))


# Spherical


@shapes
def test_spherical_turns_evenly_and_changes_its_norm_evenly(shape):
    start, end = pair(shape)
    end = 1.7 * end
    s = even(21)
    latents = spherical(start, end, s).flatten(1)
    close(latents.norm(dim=1), (1 - s) * start.norm() + s * end.norm(), atol=1e-9)
    a, b = start.flatten() / start.norm(), end.flatten() / end.norm()
    whole = math.acos(float(a @ b))
    directions = latents / latents.norm(dim=1, keepdim=True)
    close((directions @ a).clamp(-1, 1).arccos(), s * whole, atol=1e-6)
    close((directions @ b).clamp(-1, 1).arccos(), (1 - s) * whole, atol=1e-6)
    # Both angles add up to the whole one on the great circle alone, on its shorter half.


def opposite_with_third(shape):
    """Opposite ends, and how each kind of space chooses the two halves of a circle."""
    if shape == PLANE:
        ends = point(-2.0, 0.5), point(2.0, -0.5)
        return *ends, {"side": "left"}, {"side": "right"}
    start, third = pair(shape)
    return start, -start, {"through": third}, {"through": -third}


@shapes
@round_paths
@pytest.mark.parametrize("stretch", [1.0, 0.4])
def test_the_two_sides_of_opposite_ends_are_mirrored(path, shape, stretch):
    start, end, one, other = opposite_with_third(shape)
    end = stretch * end
    first, second = (path(start, end, even(51), **side) for side in (one, other))
    axis = start.flatten() / start.norm()

    def parts(latents):
        flat = latents.flatten(1)
        along = flat @ axis
        return along, flat - along[:, None] * axis

    (along, across), (along_other, across_other) = parts(first), parts(second)
    close(along, along_other, atol=1e-9)
    close(across, -across_other, atol=1e-9)
    assert across[25].norm() > 0.3 * end.norm()  # they do go round


@round_paths
@pytest.mark.parametrize("degrees", [0, 70, 180, 250])
def test_left_is_left_seen_from_the_start(path, degrees):
    start, end = turn(degrees) @ point(-2.0, 0.0), turn(degrees) @ point(2.0, 0.0)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        middle = path(start, end, even(3), side=side)[1]
        assert torch.equal(torch.sign((turn(-degrees) @ middle)[1:]), point(sign))
        assert abs(float((turn(-degrees) @ middle)[0])) < 1e-6


def test_spherical_between_opposite_ends_is_the_half_circle():
    latents = spherical(point(-2.0, 0.0), point(2.0, 0.0), even(9), side="right")
    angles = torch.pi + torch.pi * even(9)
    close(latents, 2 * torch.stack([angles.cos(), angles.sin()], dim=1))


@round_paths
def test_a_third_point_or_a_seed_chooses_the_half_circle_in_high_dimension(path):
    start, third = pair(IMAGE)
    latents = path(start, -start, even(21), through=third).flatten(1)
    basis, _ = torch.linalg.qr(torch.stack([start.flatten(), third.flatten()], dim=1))
    outside = latents - (latents @ basis) @ basis.T
    assert outside.abs().max() < 1e-9
    towards = third.flatten() - (third.flatten() @ basis[:, 0]) * basis[:, 0]
    assert float(latents[10] @ towards) > 0
    # The side is of the plane alone.
    close(path(start, -start, even(21), through=third, side="right").flatten(1), latents)

    seeded = path(start, -start, even(21), seed=3)
    assert torch.equal(seeded, path(start, -start, even(21), seed=3))
    assert (seeded - path(start, -start, even(21), seed=4)).abs().max() > 0.1
    close(norms(spherical(start, -start, even(21), seed=3)), start.norm().expand(21))
    # The start may itself be the draw of that seed.
    assert norms(path(start, -start, even(21), seed=0)).min() > 0.5 * start.norm()


@round_paths
def test_a_third_point_on_the_line_of_opposite_ends_is_refused(path):
    start, _ = pair(IMAGE)
    with pytest.raises(ValueError, match="lies on the line of the opposite endpoints"):
        path(start, -start, even(5), through=0.5 * start)


@round_paths
def test_opposite_numbers_have_no_circle(path):
    with pytest.raises(ValueError, match="one dimension have no great circle"):
        path(point(1.0), point(-2.0), even(5))
    close(path(point(1.0), point(2.0), point(0.0, 1.0)), point(1.0, 2.0).view(2, 1))


@round_paths
@shapes
def test_an_endpoint_at_the_origin_takes_the_direction_of_the_other(path, shape):
    start, _ = pair(shape)
    zero = torch.zeros(shape, dtype=torch.float64)
    for latents, expected in (
        (path(start, zero, even(21)), linear(start, zero, even(21))),
        (path(zero, start, even(21)), linear(zero, start, even(21))),
    ):
        close(latents, expected, atol=1e-6 * float(start.norm()))
    assert torch.equal(path(zero, zero, even(4)), torch.zeros(4, *shape, dtype=torch.float64))


@round_paths
@shapes
def test_equal_endpoints_are_that_point_everywhere(path, shape):
    start, _ = pair(shape)
    latents = path(start, start.clone(), even(21))
    close(latents, start.expand(21, *shape), atol=1e-12 * float(start.norm()) + 1e-12)


@round_paths
def test_nearly_opposite_ends_go_round_on_their_own_side(path):
    for lift, sign in ((1e-3, 1.0), (-1e-3, -1.0)):
        for side in ("left", "right"):  # they have a side of their own
            middle = path(point(-2.0, lift), point(2.0, lift), even(3), side=side)[1]
            assert float(middle[1]) * sign > 0.5


# Norm-guided; that it is the cheapest is in test_norm_guided


def cost(latents: torch.Tensor) -> float:
    """The integral of -log p(|z|) |dz| along a polyline, by Simpson's rule on each piece."""
    flat = latents.flatten(1).numpy()
    before, after = flat[:-1], flat[1:]
    pieces = np.linalg.norm(after - before, axis=1)

    def at(z):
        return -chi(flat.shape[1]).logpdf(np.maximum(np.linalg.norm(z, axis=1), 1e-12))

    return float(pieces @ (at(before) + 4 * at((before + after) / 2) + at(after)) / 6)


@shapes
@pytest.mark.parametrize("scale", [1.0, 0.3, 1.5])
def test_norm_guided_costs_less_than_the_others(shape, scale):
    start, end = pair(shape)
    ends = scale * start, -scale * start + 0.2 * end
    ours = cost(norm_guided(*ends, even(2001)))
    for other in (linear, spherical, prior_preserving):
        assert ours <= cost(other(*ends, even(2001))) * (1 + 1e-5)
    assert ours < cost(linear(*ends, even(2001))) * 0.99


def test_norm_guided_between_images_keeps_to_the_likely_norms():
    start, end = pair(IMAGE)
    likely = 784**0.5
    assert norms(norm_guided(start, end, even(101))).sub(likely).abs().max() < 1.5
    assert norms(linear(start, end, even(101))).min() < 0.8 * likely
    # Ends of an unlikely norm are joined by way of the likely ones.
    middle = norms(norm_guided(0.7 * start, 0.7 * end, even(101)))[50]
    assert abs(middle - likely) < 1


@shapes
def test_norm_guided_keeps_to_the_plane_of_the_ends_and_the_origin(shape):
    start, end = pair(shape)
    basis, _ = torch.linalg.qr(torch.stack([start.flatten(), end.flatten()], dim=1))
    latents = norm_guided(start, end, even(21)).flatten(1)
    assert (latents - (latents @ basis) @ basis.T).abs().max() < 1e-9


@shapes
def test_norm_guided_and_drawn_go_at_equal_steps_of_length(shape):
    start, end = pair(shape)
    for path in (norm_guided, drawn_through_two):
        steps = norms(path(start, end, even(501)).diff(dim=0))
        assert steps.max() / steps.min() < 1.02


# Drawn


def distance_to(latents, point):
    return float((latents - point).flatten(1).norm(dim=1).min())


@shapes
@pytest.mark.parametrize("count", [1, 2, 5])
def test_drawn_passes_its_way_points_in_order(shape, count):
    start, end, *way = draw_latents(5, count + 2, shape).double()
    latents = drawn(start, end, even(4001), through=torch.stack(way))
    step = float(norms(latents.diff(dim=0)).max())
    for point_on_it in way:
        assert distance_to(latents, point_on_it) < step
    order = [int(norms(latents - place).argmin()) for place in (start, *way, end)]
    assert order == sorted(order)
    back = drawn(end, start, even(4001), through=torch.stack(way[::-1]))
    close(back.flip(0), latents, atol=1e-3 * float(start.norm()))


def test_drawn_turns_with_its_points():
    start, end, *way = draw_latents(5, 5, PLANE).double()
    way, turned = torch.stack(way), turn(70)
    there = drawn(turned @ start, turned @ end, even(101), through=way @ turned.T)
    close(there, drawn(start, end, even(101), through=way) @ turned.T, atol=1e-9)


def test_drawn_has_no_corners():
    way = point(0.0, 1.5, 0.5, -1.5).view(2, 2)
    latents = drawn(point(-2.0, 0.0), point(2.0, 0.0), even(4001), through=way)
    tangents = torch.nn.functional.normalize(latents.diff(dim=0), dim=1)
    bends = (tangents[1:] * tangents[:-1]).sum(dim=1).clamp(-1, 1).arccos()
    # A corner would turn by as much in one step, however many steps there are.
    assert bends.max() < 0.02


@shapes
def test_drawn_without_way_points_is_the_line(shape):
    start, end = pair(shape)
    line = linear(start, end, even(31))
    close(drawn(start, end, even(31), through=None), line)
    close(drawn(start, end, even(31), through=torch.empty(0, *shape).double()), line)
    on_it = torch.stack([start + (end - start) * s for s in (0.2, 0.7)])
    close(drawn(start, end, even(31), through=on_it), line, atol=1e-5 * float(start.norm()))


@shapes
def test_way_points_that_repeat_are_passed_once(shape):
    start, end, way = draw_latents(5, 3, shape).double()
    once = drawn(start, end, even(31), through=way[None])
    repeated = torch.stack([start, way, way, end])
    close(drawn(start, end, even(31), through=repeated), once)
    # A loop from a point to itself is no line.
    loop = drawn(start, start, even(31), through=way[None])
    assert distance_to(loop, way) < 0.2 * float((way - start).norm())


def test_drawn_refuses_way_points_that_do_not_fit():
    start, end = pair(PLANE)
    with pytest.raises(ValueError, match=r"must have shape \(2,\), got \(3,\)"):
        drawn(start, end, even(5), through=torch.zeros(1, 3))
    with pytest.raises(ValueError, match="at most 100 way-points, got 101"):
        drawn(start, end, even(5), through=torch.zeros(101, 2))


# By name

NAMES = ("linear", "spherical", "prior-preserving", "norm-guided", "drawn")


@pytest.mark.parametrize("name", NAMES)
def test_paths_are_made_by_name(name):
    start, end = point(-2.0, 0.0), point(2.0, 0.0)
    through = point(0.5, 1.0).view(1, 2)
    latents = make_path(name, start, end, 41, side="right", through=through)
    expected = {
        "linear": linear(start, end, even(41)),
        "spherical": spherical(start, end, even(41), side="right"),
        "prior-preserving": prior_preserving(start, end, even(41)),
        "norm-guided": norm_guided(start, end, even(41), side="right"),
        "drawn": drawn(start, end, even(41), through=through),
    }
    assert torch.equal(latents, expected[name])
    assert torch.equal(
        make_curve(name, start, end, side="right", through=through)(even(41)), latents
    )
    # In float32 as well, which is what the window sends.
    single = make_path(name, start.float(), end.float(), 41, side="right", through=through.float())
    close(single.double(), latents, atol=1e-5)


def test_the_names_give_different_paths():
    start, end, way = point(-2.0, 0.1), point(1.0, 1.5), point(0.3, -1.0).view(1, 2)
    made = [make_path(name, start, end, 41, through=way) for name in NAMES]
    for one, other in itertools.combinations(made, 2):
        assert (one - other).abs().max() > 0.01


@pytest.mark.parametrize("name", ["spherical", "norm-guided"])
def test_a_side_in_high_dimension_by_name(name):
    start, third = pair(IMAGE)
    by_point = make_path(name, start, -start, 9, through=third[None])
    close(by_point, ROUND[name](start, -start, even(9), through=third))
    assert torch.equal(
        make_path(name, start, -start, 9, seed=3), make_path(name, start, -start, 9, seed=3)
    )
    assert not torch.equal(
        make_path(name, start, -start, 9, seed=3), make_path(name, start, -start, 9, seed=4)
    )


BAD = {
    "path": ({"name": "zigzag"}, "path 'zigzag'"),
    "side": ({"side": "up"}, "side 'up'"),
    "points": ({"points": 1}, "number of points .* got 1"),
    "many points": ({"points": 10**9}, "number of points .* got 1000000000"),
    "start": ({"start": point(math.nan, 0.0)}, r"start must be finite, got \[nan, 0.0\]"),
    "end": ({"end": point(math.inf, 0.0)}, r"end must be finite, got \[inf, 0.0\]"),
    "way-point": ({"through": point(math.nan, 1.0).view(1, 2)}, "way-point must be finite"),
    "shapes": ({"end": point(0.0, 0.0, 1.0)}, r"differ in shape: \(2,\) and \(3,\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_path_is_named(name):
    changes, message = BAD[name]
    asked = {"name": "linear", "start": point(0.0, 1.0), "end": point(1.0, 1.0), "points": 5}
    with pytest.raises(ValueError, match=message):
        make_path(**(asked | changes))
