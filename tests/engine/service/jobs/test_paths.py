"""Paths through the service: every kind, the search for a geodesic, the comparison."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import engine
from engine.analysis.points import nearness_steps
from engine.diffusion.samplers import DDIM, sample
from engine.paths import geodesic_points
from engine.paths.curves import make_path
from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.work import finish

DDIM_20 = SamplerConfig(name="ddim")
START, END = np.float32([-2, 0.1]), np.float32([1.5, 1])
THROUGH = np.float32([[0.5, -1.5], [1.5, -0.5]])
ENDS = {"start": START, "end": END}


@pytest.fixture
def checkpoint(trained) -> str:
    return str(trained)


@pytest.fixture
def short_search(monkeypatch):
    """A search of a few passes on few points."""
    monkeypatch.setattr(geodesic_points, "STAGES", ((3, 2), (1, 3)))
    monkeypatch.setattr(geodesic_points, "POINTS", 30)
    monkeypatch.setattr(geodesic_points, "JUDGE_POINTS", 60)


def interpolate(checkpoint, job=1, **changes):
    values = {"job": job, "checkpoint": checkpoint, "sampler": DDIM_20, "points": 41}
    return messages.Interpolate(**(values | changes))


def gaps(states) -> np.ndarray:
    return np.linalg.norm(np.diff(states, axis=0), axis=1)


def share_off_data(checkpoint, states) -> float:
    loaded = engine.load_checkpoint(checkpoint)
    return finish(nearness_steps(loaded.config.dataset, loaded.transform)).off_data(states)


@pytest.mark.parametrize(
    "path", ["linear", "spherical", "prior-preserving", "norm-guided", "drawn"]
)
def test_every_path_is_that_of_the_library(talk, checkpoint, path):
    talk.put(interpolate(checkpoint, path=path, side="right"), **ENDS, through=THROUGH)
    talk.run()
    expected = make_path(
        path,
        torch.from_numpy(START),
        torch.from_numpy(END),
        41,
        side="right",
        through=torch.from_numpy(THROUGH),
    )
    np.testing.assert_array_equal(talk.frames(1)[0], expected)
    info = talk.last(1).info
    assert info["off_data"] == share_off_data(checkpoint, talk.frames(1)[-1])


@pytest.mark.parametrize("side", ["left", "right"])
def test_opposite_ends_take_the_side_that_was_asked_for(talk, checkpoint, side):
    talk.put(interpolate(checkpoint, path="spherical", side=side), start=START, end=-START)
    talk.run()
    middle = talk.frames(1)[0][20]
    assert (middle[1] > 0) == (side == "left")


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_path_may_be_evenly_spaced_where_it_is_decoded(talk, checkpoint, path):
    talk.put(interpolate(checkpoint, path=path, even=True), **ENDS)
    talk.put(interpolate(checkpoint, job=2, slot="b", path=path), **ENDS)
    talk.run()
    even, plain = talk.frames(1), talk.frames(2)
    for frames in (even, plain):
        np.testing.assert_array_equal(frames[0][[0, -1]], [START, END])
    spread, spread_plain = (gaps(f[-1]).max() / np.median(gaps(f[-1])) for f in (even, plain))
    assert spread < 1.2
    assert spread < spread_plain
    # The same path: each point lies on the finely drawn one.
    line = make_path(path, torch.from_numpy(START), torch.from_numpy(END), 4001).numpy()
    apart = np.linalg.norm(even[0][:, None] - line, axis=2).min(1)
    assert apart.max() < 2e-3


def test_a_search_improves_and_gives_an_even_path(talk, checkpoint, short_search):
    talk.put(messages.FindPath(job=1, checkpoint=checkpoint, points=60), **ENDS)
    talk.run()
    found = talk.of(1, messages.PathFound)
    energies = [packet.message.energy for packet in found]
    assert len(found) >= 2
    assert energies == sorted(energies, reverse=True)
    assert [packet.message.step for packet in found] == sorted(
        packet.message.step for packet in found
    )
    for packet in found:
        assert packet.message.total == 5
        latents, states = packet.arrays["latents"], packet.arrays["x"]
        assert latents.shape == (60, 2)
        np.testing.assert_array_equal(latents[[0, -1]], [START, END])
        assert packet.arrays["t"][0] == 20
        assert packet.arrays["t"][-1] == 0
        assert states.shape == packet.arrays["x0"].shape == (len(packet.arrays["t"]), 30, 2)
        np.testing.assert_allclose(states[0][[0, -1]], [START, END], atol=1e-6)
    result = talk.of(1)[-1]
    assert len(result.message.info["energies"]) == 5
    assert result.message.info["energies"][-1] == energies[-1]
    assert 0 <= result.message.info["off_data"] <= 1
    np.testing.assert_array_equal(result.arrays["latents"][[0, -1]], [START, END])
    loaded = engine.load_checkpoint(checkpoint)
    latents = torch.from_numpy(result.arrays["latents"])
    *_, last = sample(loaded.denoiser, loaded.schedule, latents, sampler=DDIM())
    decoded = gaps(last.x.numpy())
    assert decoded.max() / np.median(decoded) < 1.5


def test_a_geodesic_may_be_asked_for_by_name(talk, checkpoint, short_search):
    talk.put(interpolate(checkpoint, path="geodesic", points=60), **ENDS)
    talk.put(messages.FindPath(job=2, checkpoint=checkpoint, points=60), **ENDS)
    talk.run()
    np.testing.assert_array_equal(talk.frames(1)[0], talk.of(2)[-1].arrays["latents"])


@pytest.mark.parametrize("after", [1, 7, 25, 60])
def test_cancelling_a_search_takes_at_most_one_evaluation(
    talk, checkpoint, short_search, evaluations, monkeypatch, after
):
    request = messages.FindPath(job=1, checkpoint=checkpoint, points=60)
    predict = engine.diffusion.denoiser.NetworkDenoiser.predict

    def cancelling(self, x_t, t):
        if len(evaluations) + 1 == after:
            talk.put(messages.Cancel(job=1))
        return predict(self, x_t, t)

    monkeypatch.setattr(engine.diffusion.denoiser.NetworkDenoiser, "predict", cancelling)
    talk.put(request, **ENDS)
    talk.run()
    assert len(evaluations) == after
    assert talk.last(1).cancelled


def test_compared_paths_are_measured(talk, checkpoint):
    paths = ["linear", "spherical", "geodesic", "drawn"]
    request = messages.ComparePaths(
        job=1, checkpoint=checkpoint, sampler=DDIM_20, paths=paths, points=41, side="right"
    )
    talk.put(request, **ENDS, through=THROUGH)
    talk.run()
    measured = [packet.message for packet in talk.of(1, messages.PathMeasured)]
    assert [one.path for one in measured] == ["linear", "spherical", "drawn"]  # none was found
    loaded = engine.load_checkpoint(checkpoint)
    for one in measured:
        latents = make_path(
            one.path,
            torch.from_numpy(START),
            torch.from_numpy(END),
            41,
            side="right",
            through=torch.from_numpy(THROUGH),
        )
        *_, last = sample(loaded.denoiser, loaded.schedule, latents, sampler=DDIM())
        states = last.x.numpy()
        assert one.length == pytest.approx(gaps(states).sum(), rel=1e-5)
        assert one.gap == pytest.approx(gaps(states).max(), rel=1e-4)
        assert one.gap_ratio == pytest.approx(gaps(states).max() / np.median(gaps(states)), 1e-4)
        assert one.off_data == share_off_data(checkpoint, states)


def test_a_found_geodesic_is_compared_as_it_is_sent(talk, checkpoint):
    # Points along the line, crowded at its start: as long a way, in larger steps at its end.
    share = np.linspace(0, 1, 41, dtype=np.float32)[:, None] ** 3
    crowded = (1 - share) * START + share * END
    request = messages.ComparePaths(
        job=1, checkpoint=checkpoint, sampler=DDIM_20, paths=["geodesic"], points=41
    )
    talk.put(request, **ENDS, geodesic=crowded)
    talk.run()
    (measured,) = (packet.message for packet in talk.of(1, messages.PathMeasured))
    loaded = engine.load_checkpoint(checkpoint)
    *_, last = sample(
        loaded.denoiser, loaded.schedule, torch.from_numpy(crowded), sampler=DDIM(steps=20)
    )
    assert measured.path == "geodesic"
    assert measured.gap == pytest.approx(gaps(last.x.numpy()).max(), rel=1e-5)


def test_compared_paths_take_the_side_that_was_asked_for(talk, checkpoint):
    for job, side in enumerate(("left", "right"), 1):
        request = messages.ComparePaths(
            job=job,
            slot=side,
            checkpoint=checkpoint,
            sampler=DDIM_20,
            paths=["spherical"],
            points=41,
            side=side,
        )
        talk.put(request, start=START, end=-START)
    talk.run()
    loaded = engine.load_checkpoint(checkpoint)
    for job, side in enumerate(("left", "right"), 1):
        (measured,) = (packet.message for packet in talk.of(job, messages.PathMeasured))
        start = torch.from_numpy(START)
        latents = make_path("spherical", start, -start, 41, side=side)
        *_, last = sample(loaded.denoiser, loaded.schedule, latents, sampler=DDIM())
        assert measured.length == pytest.approx(gaps(last.x.numpy()).sum(), rel=1e-5)
