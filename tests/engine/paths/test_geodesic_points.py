"""The geodesic: what it must reach on the V, wherever that lies, and how the search behaves."""

from __future__ import annotations

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import engine
from engine.analysis.points import nearness_steps
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser, Prediction
from engine.diffusion.exact import GaussianDenoiser, IdealDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DPMSolverPP2M, sample
from engine.diffusion.schedules import make_schedule
from engine.paths import geodesic_points, roadmap
from engine.paths.curves import linear, make_path, positions_like
from engine.paths.decoded_paths import Geodesic, Improvement
from engine.paths.geodesic_points import evenly_decoded, search
from engine.paths.terrain import Terrain, weighted_lengths
from engine.shared.config import sampler_times
from tests.engine.finished_work import finished


class Counted(Denoiser):
    """Another denoiser for a world turned by ``turn`` (D, D); ``asked`` counts its evaluations."""

    def __init__(self, inner: Denoiser, turn: torch.Tensor | None = None) -> None:
        self.inner, self.schedule = inner, inner.schedule
        self.turn = turn
        self.asked = 0

    def predict(self, x_t, t):
        self.asked += 1
        if self.turn is None:
            return self.inner.predict(x_t, t)
        there = self.inner.predict(x_t @ self.turn, t)
        return Prediction(there.x0 @ self.turn.T, there.eps @ self.turn.T)


def turn_by(degrees):
    angle = math.radians(degrees)
    return torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float32,
    )


def gaps(states):
    return (states[1:] - states[:-1]).flatten(1).norm(dim=1)


def decoded(denoiser, latents, steps=50):
    *_, last = sample(denoiser, denoiser.schedule, latents, sampler=DDIM(steps=steps))
    return last.x


@pytest.fixture(scope="module")
def v():
    return engine.load_checkpoint("v")


# The bundled V from (-2, 0) to (2, 0): the straight line tears


@pytest.fixture(scope="module", params=[0, 70], ids="turned by {}".format)
def found(request, v):
    """A search in the V turned by some degrees, with all that could be noted of it."""
    torch.set_num_threads(1)  # as the engine; the fixture for it comes later
    turn = turn_by(request.param)
    denoiser = Counted(v.denoiser, turn)
    start, end = torch.tensor([[-2.0, 0.0], [2.0, 0.0]]) @ turn.T
    terrain = Terrain(torch.from_numpy(v.training_points()) @ turn.T)
    work = search(denoiser, v.schedule, start, end, terrain)
    asked, seen = [], []
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        route = geodesic_points.route
        roads = []

        def noted(*arguments):
            roads.append(len([item for item in seen if item is not None]))
            return route(*arguments)

        patch.setattr(geodesic_points, "route", noted)
        while True:
            before = denoiser.asked
            try:
                seen.append(next(work))
            except StopIteration as stop:
                result = stop.value
                break
            finally:
                asked.append(denoiser.asked - before)
                assert not torch.is_grad_enabled()
    latents, _ = finished(evenly_decoded(denoiser, v.schedule, result.curve, 500, start))
    return SimpleNamespace(
        turn=turn,
        denoiser=denoiser,
        start=start,
        end=end,
        terrain=terrain,
        result=result,
        asked=asked,
        improvements=[item for item in seen if item is not None],
        before_the_roadmap=roads[0],
        latents=latents,
    )


def share_off_data(found, v, states) -> float:
    """The canonical one, which the search does not know."""
    nearness, _ = finished(nearness_steps(v.config.dataset, v.transform))
    return nearness.off_data((states @ found.turn).numpy())


def test_it_stays_on_the_data_without_a_tear(found, v):
    line = decoded(found.denoiser, make_path("linear", found.start, found.end, 500))
    at_equal_steps = found.result.curve(positions_like(500, found.start))
    for latents in (found.latents, at_equal_steps):
        states = decoded(found.denoiser, latents)
        assert share_off_data(found, v, states) <= 0.005
        assert gaps(states).max() <= gaps(line).max() / 8
    even = gaps(decoded(found.denoiser, found.latents))
    assert even.max() <= 3 * even.median()
    assert even.max() <= 1.1 * even.min()


def test_it_keeps_the_ends_to_the_bit(found):
    curves = [found.result.curve(positions_like(7, found.start)), found.latents]
    curves += [item.curve(positions_like(7, found.start)) for item in found.improvements]
    for latents in curves:
        assert torch.equal(latents[[0, -1]], torch.stack([found.start, found.end]))


def test_an_item_costs_at_most_one_evaluation(found):
    assert max(found.asked) == 1


def test_the_first_improvement_does_not_wait_for_the_roadmap(found):
    assert found.before_the_roadmap == 1
    # It is the best of the simple starts, after the evaluations of a few steps.
    assert found.improvements[0].step == 0


def test_improvements_improve_and_are_what_they_say(found):
    energies = [item.energy for item in found.improvements]
    assert all(later < former for former, later in pairwise(energies))
    assert len(energies) > 5
    passes = [item.step for item in found.improvements]
    assert passes == sorted(passes)
    assert {item.total for item in found.improvements} == {80}
    for item in found.improvements[:: len(passes) // 4]:
        latents = item.curve(positions_like(geodesic_points.POINTS, found.start))
        assert [frame.t for frame in item.frames] == sampler_times(250, geodesic_points.STEPS)
        sampler = DPMSolverPP2M(steps=geodesic_points.STEPS)
        frames = sample(found.denoiser, found.denoiser.schedule, latents, sampler=sampler)
        for ours, frame in zip(item.frames, frames, strict=True):
            torch.testing.assert_close(ours.x, frame.x, atol=1e-3, rtol=0)
            torch.testing.assert_close(ours.x0, frame.x0, atol=1e-2, rtol=0)
            assert not ours.x.requires_grad
        lengths = weighted_lengths(item.frames[-1].x[None], found.terrain, geodesic_points.INNER)
        way = gaps(item.frames[0].x).sum()
        assert item.energy == pytest.approx(
            float(lengths + geodesic_points.TIDINESS * way), rel=1e-4
        )


def test_energies_of_the_passes_never_rise(found):
    energies = found.result.energies
    assert len(energies) == sum(passes for _, passes in geodesic_points.STAGES) == 80
    assert all(later <= former for former, later in pairwise(energies))
    assert energies[-1] == found.improvements[-1].energy
    for item in found.improvements[1:]:
        assert energies[item.step] <= item.energy


def test_its_share_off_the_data_is_that_of_its_curve(found):
    states = decoded(found.denoiser, found.result.curve(positions_like(500, found.start)))
    assert found.result.off_data == found.terrain.off_data(states)
    assert found.result.coefficients == 2 * geodesic_points.HARMONICS


# How a search behaves, with few passes


@pytest.fixture
def short(monkeypatch):
    """A search that takes a tenth of the time."""
    monkeypatch.setattr(geodesic_points, "STAGES", ((3, 2), (1, 3)))
    monkeypatch.setattr(geodesic_points, "POINTS", 40)
    monkeypatch.setattr(geodesic_points, "JUDGE_POINTS", 60)
    monkeypatch.setattr(geodesic_points, "JUDGE_STEPS", 20)
    monkeypatch.setattr(roadmap, "NODES", 60)


START, END = torch.tensor([-2.0, 0.3]), torch.tensor([1.6, 1.0])


@pytest.fixture(scope="module")
def terrain(v):
    return Terrain(v.training_points())


def searched(v, terrain, seed=0, start=START, end=END, denoiser=None):
    return search(denoiser or v.denoiser, v.schedule, start, end, terrain, seed=seed)


def bytes_of(result: Geodesic) -> bytes:
    return result.curve(positions_like(99, START)).numpy().tobytes()


@pytest.mark.usefixtures("short")
def test_the_same_seed_gives_the_same_bytes(v, terrain):
    one, items = finished(searched(v, terrain, seed=3))
    with torch.no_grad():
        other, others = finished(searched(v, terrain, seed=3))
    assert bytes_of(one) == bytes_of(other)
    assert (one.energies, one.off_data) == (other.energies, other.off_data)
    for item, same in zip(items, others, strict=True):
        assert (item is None) == (same is None)
        if item is not None:
            assert item.energy == same.energy
            assert torch.equal(item.curve.coefficients, same.curve.coefficients)


@pytest.mark.usefixtures("short")
def test_the_seed_feeds_all_that_is_drawn(monkeypatch):
    """The roadmap's nodes, the sides of opposite ends, and the bulges' directions."""
    seeds = {"route": [], "make_curve": [], "draw_latents": []}

    def note(name, seed_of):
        call = getattr(geodesic_points, name)

        def noted(*arguments, **options):
            seeds[name].append(seed_of(arguments, options))
            return call(*arguments, **options)

        monkeypatch.setattr(geodesic_points, name, noted)

    note("route", lambda arguments, options: arguments[-1])
    note("make_curve", lambda arguments, options: options.get("seed", 11))
    note("draw_latents", lambda arguments, options: arguments[0])
    denoiser, data = gaussian((3,))
    at = torch.ones(3)
    finished(search(denoiser, denoiser.schedule, at, -at, Terrain(data), seed=11))
    assert all(set(noted) == {11} for noted in seeds.values()), seeds


@pytest.mark.usefixtures("short")
def test_only_the_descent_asks_for_gradients(v, terrain):
    class Watched(Counted):
        with_gradient = 0

        def predict(self, x_t, t):
            self.with_gradient += torch.is_grad_enabled()
            return super().predict(x_t, t)

    denoiser = Watched(v.denoiser)
    result, _ = finished(searched(v, terrain, denoiser=denoiser))
    finished(evenly_decoded(denoiser, v.schedule, result.curve, 20, START))
    assert denoiser.with_gradient == 5 * geodesic_points.STEPS < denoiser.asked / 2


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("grad", [True, False])
def test_the_callers_gradient_mode_is_left_alone(v, terrain, grad):
    with torch.set_grad_enabled(grad):
        for _ in searched(v, terrain):
            assert torch.is_grad_enabled() is grad
        assert torch.is_grad_enabled() is grad
        result, _ = finished(searched(v, terrain))
        for _ in evenly_decoded(v.denoiser, v.schedule, result.curve, 20, START):
            assert torch.is_grad_enabled() is grad
        assert torch.is_grad_enabled() is grad


@pytest.mark.usefixtures("short")
def test_dropping_a_search_is_harmless(v, terrain):
    whole, items = finished(searched(v, terrain))
    for after in range(1, len(items), 16):
        work = searched(v, terrain)
        for _ in range(after):
            next(work)
        work.close()
        assert torch.is_grad_enabled()
    again, _ = finished(searched(v, terrain))
    assert bytes_of(again) == bytes_of(whole)


@pytest.mark.usefixtures("short")
def test_weights_and_endpoints_gather_no_gradient(v, terrain):
    start, end = START.clone(), END.clone()
    finished(searched(v, terrain, start=start, end=end))
    network = v.denoiser.network
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(start, START)
    assert torch.equal(end, END)
    assert not start.requires_grad
    assert not end.requires_grad


def test_a_network_with_trainable_weights_is_left_alone(terrain, network_denoiser, short):
    denoiser = network_denoiser(make_schedule("linear", 20))
    denoiser.network.requires_grad_(True)
    finished(search(denoiser, denoiser.schedule, START, END, terrain))
    assert all(parameter.grad is None for parameter in denoiser.network.parameters())


def test_equal_ends_are_a_path_of_one_point(v, terrain):
    counted = Counted(v.denoiser)
    for point, off_data in (([0.0, -1.6], 0.0), ([0.0, 1.5], 1.0)):
        at = torch.tensor(point)
        result, items = finished(searched(v, terrain, start=at, end=at.clone(), denoiser=counted))
        assert items == []
        assert (result.energies, result.coefficients) == ([], 0)
        assert result.off_data == off_data
        latents, _ = finished(evenly_decoded(v.denoiser, v.schedule, result.curve, 9, at))
        for path in (latents, result.curve(positions_like(9, at))):
            torch.testing.assert_close(path, at.expand(9, 2))
        assert counted.asked == 0


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (START * math.nan, END, "start must be finite"),
        (START, END / 0, "end must be finite"),
        (START, torch.zeros(3), r"differ in shape: \(2,\) and \(3,\)"),
    ],
)
def test_endpoints_that_no_path_can_have_are_refused(v, terrain, start, end, message):
    with pytest.raises(ValueError, match=message):
        next(searched(v, terrain, start=start, end=end))


@pytest.mark.usefixtures("short")
def test_a_network_that_has_diverged_is_named_as_such(v, terrain, monkeypatch):
    ask = NetworkDenoiser.predict

    def predict(self, x_t, t):
        there = ask(self, x_t, t)
        return Prediction(there.x0 * math.inf, there.eps)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    with pytest.raises(ValueError, match="finite states: this network has learned nothing"):
        finished(searched(v, terrain))


@pytest.mark.usefixtures("short")
def test_starts_that_blow_up_do_not_spoil_the_others(v, terrain):
    class Narrow(Denoiser):
        """Knows no latents above the straight line."""

        schedule = v.schedule

        def predict(self, x_t, t):
            there = v.denoiser.predict(x_t, t)
            known = (x_t[:, 1:] < 1.3).float() if t > 200 else 1.0
            return Prediction(there.x0 / known, there.eps)

    result, items = finished(searched(v, terrain, denoiser=Narrow()))
    improvements = [item for item in items if item is not None]
    assert all(math.isfinite(item.energy) for item in improvements)
    assert bool(torch.isfinite(result.curve(positions_like(99, START))).all())
    assert result.energies[-1] < math.inf


class Still(Denoiser):
    """Decodes a latent to itself, but for a constant factor."""

    schedule = make_schedule("linear", 100)

    def predict(self, x_t, t):
        return Prediction(x_t / self.schedule.signal(t, x_t), torch.zeros_like(x_t))


class Strip:
    """No place is dearer than another; off the data is what has |y| < 0.2 of its largest."""

    def weight(self, x):
        return torch.ones(len(x))

    def off_data(self, x):
        return float((x[:, 1].abs() < 0.2 * x[:, 0].abs().max()).float().mean())


def test_of_paths_that_cost_little_more_the_one_with_fewest_points_off_the_data_is_taken():
    """The straight line lies off the data; a roof leaves them sooner the higher it is."""

    def roof(height):
        def curve(s):
            return torch.stack([2 * s - 1, height * (1 - (2 * s - 1).abs())], dim=1)

        return curve

    curves = {height: roof(height) for height in (0.0, 0.4, 0.7, 2.5, 0.3)}
    lengths = {height: math.hypot(1, height) for height in curves}
    assert lengths[0.7] < geodesic_points.SLACK < lengths[2.5]
    still = Still()
    work = geodesic_points._best_on_data(
        still, still.schedule, Strip(), list(curves.values()), START
    )
    (curve, share), _ = finished(work)
    assert curve is curves[0.7]
    assert share == pytest.approx(0.2 / 0.7, abs=0.01)


# States that are no points in the plane


def gaussian(shape, seed=1):
    """An exact denoiser for states of this shape, and a sample of its data."""
    size = math.prod(shape)
    root = np.random.default_rng(seed).normal(size=(size, size)) / size**0.5
    covariance = root @ root.T + 0.3 * np.eye(size)
    mean = np.linspace(-1, 1, size)
    data = np.random.default_rng(0).multivariate_normal(mean, covariance, 500)
    denoiser = GaussianDenoiser(mean, covariance, make_schedule("linear", 100))
    return denoiser, data.reshape(500, *shape)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("shape", [(3,), (1, 4, 4)], ids=str)
def test_states_of_any_shape(shape, monkeypatch):
    monkeypatch.setattr(geodesic_points, "STAGES", ((4, 10), (1, 15)))
    routes = []
    route = geodesic_points.route
    monkeypatch.setattr(
        geodesic_points, "route", lambda *arguments: (routes.append(1), route(*arguments))[1]
    )
    denoiser, data = gaussian(shape)
    ground = Terrain(data)
    start, end = draw_latents(0, 2, shape)
    result, items = finished(search(denoiser, denoiser.schedule, start, end, ground))
    improvements = [item for item in items if item is not None]
    for path in (result.curve, *(item.curve for item in improvements)):
        latents = path(positions_like(30, start))
        assert latents.shape == (30, *shape)
        assert torch.equal(latents[0], start)
        assert torch.equal(latents[-1], end)

    def cost(latents):
        return float(
            weighted_lengths(decoded(denoiser, latents)[None], ground, geodesic_points.INNER)
        )

    ours = cost(result.curve(positions_like(60, start)))
    for name in ("linear", "prior-preserving", "spherical", "norm-guided"):
        assert ours < 1.02 * geodesic_points.SLACK * cost(make_path(name, start, end, 60))
    assert improvements[-1].energy < improvements[0].energy
    # In many dimensions neighbours mean nothing.
    assert len(routes) == (1 if math.prod(shape) <= 6 else 0)
    even, _ = finished(evenly_decoded(denoiser, denoiser.schedule, result.curve, 40, start))
    assert even.shape == (40, *shape)
    # As far as lengths along it go: across a sharp turn neighbours are nearer.
    steps = gaps(decoded(denoiser, even))
    assert steps.max() < 1.05 * steps.median()


# Evenly decoded


def test_even_points_of_a_gaussian_are_where_the_closed_form_says():
    """Its flow is a linear map: a line that is walked unevenly is decoded as unevenly."""
    denoiser, _ = gaussian((2,))

    def hurried(positions):
        return linear(START, END, positions**3)

    latents, items = finished(evenly_decoded(denoiser, denoiser.schedule, hurried, 50, START))
    expected = linear(START, END, positions_like(50, START))
    torch.testing.assert_close(latents, expected, atol=2e-3, rtol=0)
    assert torch.equal(latents[[0, -1]], torch.stack([START, END]))
    assert items == [None] * len(items)


BELOW = ([-2.0, -0.5], [1.0, -1.5])
"""Nothing tears between these."""


@pytest.mark.parametrize(
    ("path", "start", "end"),
    [
        ("spherical", *BELOW),
        ("prior-preserving", *BELOW),
        ("norm-guided", *BELOW),
        ("linear", [-2.0, 0.0], [2.0, 0.0]),
    ],
)
def test_points_are_evenly_decoded_on_any_path(v, path, start, end):
    counted = Counted(v.denoiser)
    start, end = torch.tensor(start), torch.tensor(end)

    def curve(positions):
        return geodesic_points.make_curve(path, start, end)(positions)

    work = evenly_decoded(counted, v.schedule, curve, 150, start)
    for k, item in enumerate(work, 1):
        assert item is None
        assert counted.asked <= k
    latents, _ = finished(evenly_decoded(v.denoiser, v.schedule, curve, 150, start))
    steps = gaps(decoded(v.denoiser, latents))
    assert steps.max() < 1.05 * steps.min()
    before = gaps(decoded(v.denoiser, curve(positions_like(150, start))))
    assert before.max() > 1.3 * before.min()
    assert torch.equal(latents[[0, -1]], torch.stack([start, end]))
    # They lie on the path.
    fine = curve(positions_like(5000, start))
    assert torch.cdist(latents, fine).min(1).values.max() < 1e-3


def test_a_path_decoded_to_one_point_is_left_as_it_is():
    denoiser = IdealDenoiser([[0.5, -1.0]], make_schedule("linear", 100))

    def line(positions):
        return linear(START, END, positions)

    latents, _ = finished(evenly_decoded(denoiser, denoiser.schedule, line, 20, START))
    assert float(gaps(decoded(denoiser, latents)).max()) == 0
    torch.testing.assert_close(latents, line(positions_like(20, START)))


# In one go


@pytest.mark.usefixtures("short")
def test_finding_a_geodesic_in_one_go_is_search_and_even_points(v, terrain):
    points = v.training_points()
    latents = engine.find_geodesic(v.denoiser, v.schedule, START, END, points, points=70, seed=2)
    result, items = finished(searched(v, terrain, seed=2))
    assert any(isinstance(item, Improvement) for item in items)
    expected, _ = finished(evenly_decoded(v.denoiser, v.schedule, result.curve, 70, START))
    assert torch.equal(latents, expected)


@pytest.mark.usefixtures("short")
def test_finding_a_geodesic_in_one_go_takes_one_thread_and_gives_the_others_back(v):
    threads = set()

    class Watched(Counted):
        def predict(self, x_t, t):
            threads.add(torch.get_num_threads())
            return super().predict(x_t, t)

    torch.set_num_threads(3)
    watched, points = Watched(v.denoiser), v.training_points()
    engine.find_geodesic(watched, v.schedule, START, END, points, points=20)
    assert threads == {1}
    assert torch.get_num_threads() == 3
    with pytest.raises(ValueError, match="finite"):
        engine.find_geodesic(watched, v.schedule, START * math.nan, END, points)
    assert torch.get_num_threads() == 3
