"""Paths of a checkpoint: which points they have, and the figures by which they are compared."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import engine
from engine.analysis.evaluation import nearness_of
from engine.diffusion.samplers import DDIM, sample
from engine.paths import geodesic_points
from engine.paths.curves import make_path
from engine.paths.decoded_paths import Improvement
from engine.paths.latents import (
    MOST_TERRAINS,
    _terrains,
    evenly_spaced,
    find_geodesic,
    gap_figures,
    path_latents,
    terrain_of,
)
from engine.shared.work import silently
from tests.engine.finished_work import finished

START, END = torch.tensor([-2.0, 0.1]), torch.tensor([1.5, 1.0])
THROUGH = torch.tensor([[0.5, -1.5], [1.5, -0.5]])


@pytest.fixture
def checkpoint(trained):
    return engine.load_checkpoint(trained)


@pytest.fixture
def short_search(monkeypatch):
    monkeypatch.setattr(geodesic_points, "STAGES", ((3, 2), (1, 3)))
    monkeypatch.setattr(geodesic_points, "POINTS", 30)
    monkeypatch.setattr(geodesic_points, "JUDGE_POINTS", 60)


def gaps(states):
    return (states[1:] - states[:-1]).norm(dim=1)


def decoded(checkpoint, latents):
    *_, last = sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=DDIM())
    return last.x


SIMPLE = ["linear", "spherical", "prior-preserving", "norm-guided", "drawn"]


@pytest.mark.parametrize("path", SIMPLE)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_simple_path_is_that_of_its_function_and_asks_no_denoiser(
    checkpoint, evaluations, path, side
):
    options = {"side": side, "through": THROUGH, "seed": 3}
    work = path_latents(checkpoint, path, START, -START, 20, **options)
    latents, items = finished(work)
    assert torch.equal(latents, make_path(path, START, -START, 20, **options))
    assert items == []
    assert evaluations == []


@pytest.mark.parametrize("path", SIMPLE)
def test_an_even_path_has_the_same_ends_and_even_gaps_where_it_is_decoded(checkpoint, path):
    latents, items = finished(
        path_latents(checkpoint, path, START, END, 80, through=THROUGH, even=True)
    )
    assert torch.equal(latents[[0, -1]], torch.stack([START, END]))
    steps = gaps(decoded(checkpoint, latents))
    assert steps.max() < 1.1 * steps.min()
    assert items == [None] * len(items)


@pytest.mark.usefixtures("short_search")
def test_a_geodesic_is_evenly_decoded_unless_asked_otherwise(checkpoint):
    def ask(**options):
        return finished(path_latents(checkpoint, "geodesic", START, END, 60, seed=4, **options))

    latents, items = ask()
    improvements = [item for item in items if item is not None]
    assert improvements
    assert all(isinstance(item, Improvement) for item in improvements)
    assert torch.equal(ask(even=True)[0], latents)
    (found, even), _ = finished(find_geodesic(checkpoint, START, END, 60, 4))
    assert torch.equal(even, latents)
    steps = gaps(decoded(checkpoint, latents))
    assert steps.max() < 1.1 * steps.min()

    in_the_latent = ask(even=False)[0]
    assert torch.equal(in_the_latent[[0, -1]], torch.stack([START, END]))
    steps, before = gaps(in_the_latent), gaps(latents)
    assert steps.max() < 1.02 * steps.min()  # chords of a bent line
    assert before.max() > 1.05 * before.min()
    # It is the same curve.
    fine = found.curve(torch.linspace(0, 1, 4001))
    assert torch.cdist(in_the_latent, fine).min(1).values.max() < 2e-3


@pytest.mark.parametrize(
    ("path", "options", "message"),
    [
        ("zigzag", {}, "unknown path 'zigzag'"),
        ("geodesic", {"side": "up"}, "unknown side 'up'"),
        ("linear", {"points": 1}, "number of points .* got 1"),
        ("linear", {"points": 600_000, "even": True}, "evenly decoded points .* got 600000"),
        ("geodesic", {"points": 600_000}, "evenly decoded points .* got 600000"),
        ("linear", {"end": END * math.nan}, "end must be finite"),
        ("geodesic", {"start": END * math.inf}, "start must be finite"),
    ],
)
def test_what_is_no_path_is_refused_before_anything_is_evaluated(
    checkpoint, evaluations, path, options, message
):
    asked = {"start": START, "end": END, "points": 20} | options
    with pytest.raises(ValueError, match=message):
        finished(path_latents(checkpoint, path, **asked))
    assert evaluations == []


def test_a_terrain_is_made_once_for_the_data_of_a_checkpoint(checkpoint, trained):
    ours = terrain_of(checkpoint)
    assert terrain_of(engine.load_checkpoint(trained)) is ours
    assert terrain_of(checkpoint.exact()) is ours
    assert ours.off_data(torch.from_numpy(checkpoint.training_points())) == 0
    config = replace(checkpoint.config, seed=9)
    other = replace(checkpoint, description=_with_config(checkpoint, config))
    assert terrain_of(other) is not ours
    for seed in range(2 * MOST_TERRAINS):
        config = replace(checkpoint.config, seed=seed)
        terrain_of(replace(checkpoint, description=_with_config(checkpoint, config)))
    assert len(_terrains) == MOST_TERRAINS


def _with_config(checkpoint, config):
    description = checkpoint.description
    return type(description)(
        config=config, step=description.step, mean=description.mean, std=description.std
    )


def test_off_data_is_known_in_the_plane_alone(checkpoint):
    nearness, _ = finished(nearness_of(checkpoint))
    assert nearness.off_data(checkpoint.training_points()) < 0.02
    assert nearness.off_data(np.float32([[0, 3], [0, 0.9]])) == 1
    description = type(checkpoint.description)(
        config=checkpoint.config, step=0, mean=[0.0] * 3, std=[1.0] * 3
    )
    assert finished(nearness_of(replace(checkpoint, description=description))) == (None, [])


# Figures


def test_gaps_of_known_states():
    states = np.float32([[0, 0], [3, 4], [3, 5], [3, 7], [3, 7]])  # 5, 1, 2, 0
    assert gap_figures(states) == pytest.approx((8, 5, 5 / 1.5))
    assert gap_figures(states.reshape(5, 1, 2, 1)) == gap_figures(states)


def test_gaps_of_states_that_fall_together():
    still = np.ones((5, 2), np.float32)
    assert gap_figures(still) == (0, 0, 1)
    still[-1] += [3, 4]
    assert gap_figures(still) == (5, 5, math.inf)


@pytest.mark.parametrize("shape", [(2,), (1, 2, 1)], ids=str)
def test_equal_steps_along_a_known_polyline(shape):
    corners = torch.tensor([[0.0, 0], [3, 0], [3, 0], [3, 1]]).view(4, *shape)
    spaced = evenly_spaced(corners, 5)
    expected = torch.tensor([[0.0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]).view(5, *shape)
    torch.testing.assert_close(spaced, expected)
    assert torch.equal(spaced[[0, -1]], corners[[0, -1]])
    assert evenly_spaced(corners.double(), 7).dtype == torch.float64


def test_silently_is_the_same_work_without_its_reports():
    def work():
        yield 1
        yield 2
        return 3

    assert finished(silently(work())) == (3, [None, None])
