"""The geodesic between images: its gradient, what it keeps, how the search behaves; the service."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch

import engine
from engine.checkpoints.checkpoint import Description, save_tensors
from engine.checkpoints.classes import AlongPath
from engine.checkpoints.networks import build_network
from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.exact import GaussianDenoiser
from engine.diffusion.inversion import invert
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.diffusion.schedules import make_schedule
from engine.paths import decoded_paths, geodesic_images
from engine.paths.curves import make_curve, make_path, positions_like
from engine.paths.geodesic_images import SphereBend, _Chain, evenly_decoded_images, search_images
from engine.paths.latents import path_latents
from engine.shared import messages
from engine.shared.config import SamplerConfig, ScheduleConfig, TrainingConfig, UNetConfig
from tests.engine.finished_work import finished

SHAPE = (1, 4, 4)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A search of a few passes on few images."""
    monkeypatch.setattr(geodesic_images, "POINTS", 6)
    monkeypatch.setattr(geodesic_images, "STEPS", 4)
    monkeypatch.setattr(geodesic_images, "BENDS", 3)
    monkeypatch.setattr(geodesic_images, "PASSES", 4)


def gaussian(shape=SHAPE, seed=1) -> GaussianDenoiser:
    """The exact denoiser of images whose pixels are correlated and differ in variance."""
    size = math.prod(shape)
    root = np.random.default_rng(seed).normal(size=(size, size)) / size**0.5
    covariance = root @ root.T * np.linspace(0.2, 2, size) + 0.1 * np.eye(size)
    covariance = (covariance + covariance.T) / 2 + 0.5 * np.eye(size)
    return GaussianDenoiser(np.linspace(-1, 1, size), covariance, make_schedule("cosine", 40))


class Counted(Denoiser):
    """Another denoiser, with ``asked`` its evaluations."""

    def __init__(self, inner: Denoiser) -> None:
        self.inner, self.schedule = inner, inner.schedule
        self.asked = 0

    def predict(self, x_t, t):
        self.asked += 1
        return self.inner.predict(x_t, t)


def ends(dtype=torch.float32):
    start, end = draw_latents(3, 2, SHAPE).to(dtype)
    return start, end


def searched(denoiser, seed=0, dtype=torch.float32):
    return search_images(AlongPath(denoiser), denoiser.schedule, *ends(dtype), seed=seed)


# The gradient


def test_the_gradient_is_that_of_the_whole_chain():
    """Found backwards, step by step, it is what finite differences of the energy say."""
    denoiser = gaussian()
    start, end = ends(torch.float64)
    chain = _Chain(AlongPath(denoiser), denoiser.schedule, positions_like(6, start))
    base = make_curve("spherical", start, end)

    def energy(coefficients):
        curve = SphereBend(base, start, end, coefficients)
        with torch.no_grad():
            frames, _ = finished(chain.decode(curve))
            value, _ = finished(chain.energy(frames[-1].x))
        return value, frames, curve

    at = 0.3 * draw_latents(5, 2, SHAPE).double().flatten(1)
    value, frames, curve = energy(at)
    with torch.no_grad():
        (same, upstream), _ = finished(chain.slope(frames[-1].x))
        latents, _ = finished(chain.backwards(frames, upstream))
    assert same == pytest.approx(value, rel=1e-12)
    gradient = geodesic_images._through(curve, chain.positions, latents)
    for k, pixel in ((0, 0), (0, 7), (1, 3), (1, 15)):
        step = torch.zeros_like(at)
        step[k, pixel] = 1e-5
        slope = (energy(at + step)[0] - energy(at - step)[0]) / 2e-5
        assert float(gradient[k, pixel]) == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_images_are_those_of_the_sampler():
    denoiser = gaussian()
    start, end = ends()
    chain = _Chain(AlongPath(denoiser), denoiser.schedule, positions_like(6, start))
    with torch.no_grad():
        frames, _ = finished(chain.decode(make_curve("spherical", start, end)))
    latents = make_path("spherical", start, end, 6)
    sampler = type(decoded_paths.SAMPLER)(steps=4)
    expected = list(sample(denoiser, denoiser.schedule, latents, sampler=sampler))
    assert [frame.t for frame in frames] == [frame.t for frame in expected]
    for ours, theirs in zip(frames, expected, strict=True):
        torch.testing.assert_close(ours.x, theirs.x, rtol=0, atol=1e-5)
        torch.testing.assert_close(ours.x0, theirs.x0, rtol=0, atol=1e-5)


def test_the_energy_is_a_weighted_length():
    """With the same strangeness everywhere the weight is that of the usual place: 1 + SCALE."""

    class Shifting(Denoiser):
        """Brings everything back at the same distance from where it was."""

        schedule = make_schedule("cosine", 40)

        def predict(self, x_t, t):
            noise = draw_latents(0, 1, SHAPE).expand_as(x_t)
            x0 = (x_t - self.schedule.noise(t, x_t) * noise) / self.schedule.signal(t, x_t)
            return Prediction(x0 + 0.5, noise)

    denoiser = Shifting()
    corners = torch.zeros(6, *SHAPE)
    corners[1:, 0, 0, 0] = 3
    corners[3:, 0, 1, 1] = 4
    chain = _Chain(AlongPath(denoiser), denoiser.schedule, positions_like(6, corners[0]))
    with torch.no_grad():
        energy, _ = finished(chain.energy(corners))
    assert energy == pytest.approx((1 + geodesic_images.SCALE) * 7, rel=1e-4)


# The search


def test_it_keeps_ends_and_norms_and_costs_no_more_than_the_sphere():
    denoiser = gaussian()
    start, end = ends()
    result, items = finished(searched(denoiser))
    improvements = [item for item in items if item is not None]
    fine = positions_like(50, start)
    for curve in (result.curve, *(item.curve for item in improvements)):
        latents = curve(fine)
        assert torch.equal(latents[[0, -1]], torch.stack([start, end]))
        norms = latents.flatten(1).norm(dim=1)
        wanted = (1 - fine) * start.norm() + fine * end.norm()
        torch.testing.assert_close(norms, wanted, rtol=1e-5, atol=0)
    assert improvements[0].energy > improvements[-1].energy == result.energies[-1]
    assert all(before >= after for before, after in pairwise(result.energies))
    assert len(result.energies) == improvements[-1].total == 3 + 1 + 4
    assert result.off_data is None
    assert result.coefficients == geodesic_images.HARMONICS * 16
    # The first path is the plain one, without a bend.
    plain = make_path("spherical", start, end, 50)
    torch.testing.assert_close(improvements[0].curve(fine), plain, rtol=0, atol=1e-5)
    last = improvements[-1]
    torch.testing.assert_close(
        last.frames[0].x, last.curve(positions_like(6, start)), rtol=0, atol=0
    )


def test_an_item_costs_at_most_one_evaluation():
    denoiser = Counted(gaussian())
    work = searched(denoiser)
    before = 0
    for _ in work:
        assert denoiser.asked - before <= 1
        before = denoiser.asked
    # Three bends and the plain path on the way there, four passes there and back, and places.
    # A pass that went too far is not followed back.
    back = (denoiser.asked - 4 * (4 + 2) - 4 * (4 + 2)) / 4
    assert back in (1, 2, 3, 4)


def test_the_same_seed_gives_the_same_bytes_and_another_other_bends():
    one, other = (finished(searched(gaussian()))[0] for _ in range(2))
    fine = positions_like(9, ends()[0])
    assert torch.equal(one.curve(fine), other.curve(fine))
    assert one.energies == other.energies
    bends = [torch.stack(geodesic_images._bends(*ends(), seed)) for seed in (0, 0, 1)]
    assert torch.equal(bends[0], bends[1])
    assert float((bends[0] - bends[2]).norm(dim=2)[:, 0].min()) > 1


@pytest.mark.parametrize("grad", [True, False])
def test_the_callers_gradient_mode_is_left_alone_and_dropping_is_harmless(grad):
    denoiser = gaussian()
    with torch.set_grad_enabled(grad):
        work = searched(denoiser)
        for _ in range(45):
            next(work)
            assert torch.is_grad_enabled() is grad
        work.close()
        assert torch.is_grad_enabled() is grad


def test_equal_ends_are_a_path_of_one_image():
    denoiser = gaussian()
    start, _ = ends()
    result, items = finished(
        search_images(AlongPath(denoiser), denoiser.schedule, start, start.clone())
    )
    assert items == []
    assert torch.equal(result.curve(positions_like(4, start)), start.expand(4, *SHAPE))


def test_a_denoiser_without_gradient_is_refused():
    class Closed(Denoiser):
        schedule = make_schedule("cosine", 40)

        def predict(self, x_t, t):
            return Prediction(x_t.detach() * 0.5, x_t.detach())

    with pytest.raises(ValueError, match="needs a denoiser with a gradient"):
        finished(searched(Closed()))


def test_a_network_that_has_diverged_is_named_as_such():
    class Wild(Denoiser):
        schedule = make_schedule("cosine", 40)

        def predict(self, x_t, t):
            return Prediction(x_t * math.inf, x_t)

    with pytest.raises(ValueError, match="this network has learned nothing usable"):
        finished(searched(Wild()))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_endpoints_that_no_path_can_have_are_refused(bad):
    denoiser = gaussian()
    start, end = ends()
    with pytest.raises(ValueError, match="end must be finite"):
        finished(search_images(AlongPath(denoiser), denoiser.schedule, start, end * bad))


@pytest.mark.parametrize("path", ["spherical", "norm-guided"])
def test_images_are_evenly_spaced_where_they_are_decoded(path):
    denoiser = gaussian()
    start, end = ends()
    curve = make_curve(path, start, 3 * end)
    latents, items = finished(
        evenly_decoded_images(AlongPath(denoiser), denoiser.schedule, curve, 9, start)
    )
    assert set(items) == {None}
    assert torch.equal(latents[[0, -1]], torch.stack([start, 3 * end]))

    def spread(latents):
        sampler = type(decoded_paths.SAMPLER)(steps=geodesic_images.EVEN_STEPS)
        *_, last = sample(denoiser, denoiser.schedule, latents, sampler=sampler)
        gaps = (last.x[1:] - last.x[:-1]).flatten(1).norm(dim=1)
        return float(gaps.max() / gaps.min())

    assert spread(latents) < 1.1 < spread(curve(positions_like(9, start)))


# Through the service


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a small untrained UNet that knows three classes."""
    config = TrainingConfig(
        dataset="digits",
        unet=UNetConfig(
            width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8, classes=10
        ),
        schedule=ScheduleConfig(name="cosine", timesteps=20),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(config, (1, 8, 8))
        weights = {
            f"averaged.{name}": value + 0.1 * torch.randn(value.shape)
            for name, value in network.state_dict().items()
        }
    folder = tmp_path_factory.mktemp("images")
    description = Description(config=config, step=1, mean=[0.3], std=[0.4], shape=[1, 8, 8])
    save_tensors(folder / "checkpoint.safetensors", weights, description)
    return str(folder)


STEPS_4 = SamplerConfig(name="ddim", steps=4)
A, B, C = draw_latents(7, 3, (1, 8, 8)).numpy()
CLASSES = np.eye(10, dtype=np.float32)


def loaded(folder):
    return engine.load_checkpoint(folder)


def last_of(checkpoint, latents, told=None, guidance=1.0):
    denoiser = checkpoint.denoiser
    if told is not None:
        denoiser = denoiser.conditioned(torch.from_numpy(told), guidance)
    *_, last = sample(denoiser, checkpoint.schedule, latents, sampler=DDIM(4))
    return last.x.numpy()


@pytest.mark.parametrize(
    "path", ["linear", "spherical", "prior-preserving", "norm-guided", "drawn"]
)
def test_the_service_carries_every_path_of_images(talk, folder, path):
    request = messages.Interpolate(job=1, checkpoint=folder, sampler=STEPS_4, points=5, path=path)
    through = C[None] if path in ("drawn", "spherical", "norm-guided") else C[:0]
    talk.put(request, start=A, end=B, through=through)
    talk.run()
    latents = make_path(
        path, torch.from_numpy(A), torch.from_numpy(B), 5, through=torch.from_numpy(C)[None]
    )
    frames = talk.frames(1)
    assert frames.shape == (5, 5, 1, 8, 8)
    np.testing.assert_array_equal(frames[0], latents)
    np.testing.assert_array_equal(frames[-1], last_of(loaded(folder), latents))
    assert talk.last(1).info == {}  # nobody has said what is off the data of images


def test_the_service_tells_classes_on_the_way(talk, folder):
    told = np.linspace(CLASSES[2], CLASSES[5], 5).astype(np.float32)
    for job, even in ((1, False), (2, True)):
        request = messages.Interpolate(
            job=job, slot=str(job), checkpoint=folder, sampler=STEPS_4, points=5, even=even,
            guidance=2.0,
        )  # fmt: skip
        talk.put(request, start=A, end=B, classes=told)
    talk.run()
    checkpoint = loaded(folder)
    ends_of = torch.from_numpy(A), torch.from_numpy(B)
    along = AlongPath(checkpoint.denoiser, torch.from_numpy(told), 2.0)
    for job, even in ((1, False), (2, True)):
        latents, _ = finished(path_latents(checkpoint, "linear", *ends_of, 5, even=even,
                                           along=along))  # fmt: skip
        np.testing.assert_array_equal(talk.frames(job)[0], latents)
        np.testing.assert_array_equal(
            talk.frames(job)[-1], last_of(checkpoint, latents, told, guidance=2.0)
        )


def test_the_service_finds_a_geodesic_and_compares_it(talk, folder):
    found = messages.FindPath(job=1, checkpoint=folder, points=5, guidance=2.0)
    talk.put(found, start=A, end=B, classes=CLASSES[[3]])
    talk.run()
    *reports, result = talk.of(1)
    assert all(isinstance(packet.message, messages.PathFound) for packet in reports)
    energies = [packet.message.energy for packet in reports]
    assert energies == sorted(energies, reverse=True)
    for packet in reports:
        assert packet.arrays["latents"].shape == (5, 1, 8, 8)
        assert packet.arrays["x"].shape == packet.arrays["x0"].shape == (5, 6, 1, 8, 8)
        np.testing.assert_array_equal(packet.arrays["latents"][[0, -1]], [A, B])
    latents = result.arrays["latents"]
    np.testing.assert_array_equal(latents[[0, -1]], [A, B])
    info = result.message.info
    assert "off_data" not in info
    assert info["energies"][-1] == energies[-1]

    again = type(talk)()
    request = messages.ComparePaths(
        job=2, checkpoint=folder, sampler=STEPS_4, paths=["linear", "geodesic"], points=5,
        guidance=2.0,
    )  # fmt: skip
    again.put(request, start=A, end=B, geodesic=latents, classes=CLASSES[[3]])
    again.run()
    linear, ours = again.of(2, messages.PathMeasured)
    assert (linear.message.path, ours.message.path) == ("linear", "geodesic")
    assert linear.message.off_data is ours.message.off_data is None
    states = last_of(loaded(folder), torch.from_numpy(latents), CLASSES[[3]], guidance=2.0)
    gaps = np.linalg.norm(np.diff(states.reshape(5, -1), axis=0), axis=1)
    assert ours.message.length == pytest.approx(gaps.sum(), rel=1e-5)
    assert ours.message.gap == pytest.approx(gaps.max(), rel=1e-5)


def test_cancelling_a_search_takes_at_most_one_evaluation(talk, folder, evaluations):
    seen = []

    def react(packet):
        if isinstance(packet.message, messages.PathFound) and not seen:
            seen.append(len(evaluations))
            talk.put(messages.Cancel(job=1))

    talk.react = react
    talk.put(messages.FindPath(job=1, checkpoint=folder, points=5), start=A, end=B)
    talk.run()
    assert talk.last(1).cancelled
    assert len(evaluations) <= seen[0] + 1


@pytest.mark.parametrize("classes", [None, CLASSES[[4]]], ids=["without", "with a class"])
def test_the_service_inverts_images(talk, folder, classes):
    data = np.stack([A, B]) * 0.5
    arrays = {} if classes is None else {"classes": classes}
    request = messages.Invert(job=1, checkpoint=folder, steps=4, replay=True)
    talk.put(request, data=data, **arrays)
    talk.run()
    checkpoint = loaded(folder)
    denoiser = checkpoint.denoiser
    if classes is not None:
        denoiser = denoiser.conditioned(torch.from_numpy(classes))
    frames = list(invert(denoiser, checkpoint.schedule, torch.from_numpy(data), steps=4))
    np.testing.assert_array_equal(talk.frames(1), np.stack([frame.x for frame in frames]))
    result = talk.of(1)[-1]
    np.testing.assert_array_equal(result.arrays["latents"], frames[-1].x)
    back = last_of(checkpoint, frames[-1].x, classes)
    errors = np.linalg.norm((back - data).reshape(2, -1), axis=1)
    np.testing.assert_allclose(result.arrays["errors"], errors, rtol=1e-4)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"start": A[0], "end": B[0]}, r"endpoints must have shape \(N, 1, 8, 8\)"),
        ({"start": A * np.float32(np.nan), "end": B}, "endpoints must be finite"),
        ({"start": A, "end": B, "classes": CLASSES[:, :3]}, r"shape \(N, 10\), got \(10, 3\)"),
    ],
    ids=["shape", "NaN", "classes"],
)
def test_what_no_search_can_use_is_refused(talk, folder, arrays, message):
    talk.put(messages.FindPath(job=1, checkpoint=folder, points=5), **arrays)
    talk.run()
    failure = talk.last(1)
    assert isinstance(failure, messages.Failure)
    assert not failure.internal
    assert re.search(message, failure.message)
