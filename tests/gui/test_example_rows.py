"""A sampler, a kind of path and a set of points that only this file knows, in window and command.

Each is a row of the catalogue and what makes it.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from tqdm import tqdm

from engine.commands import group
from engine.datasets import points
from engine.diffusion import samplers
from engine.paths import curves
from engine.shared import catalogue
from engine.shared.catalogue import PathRow, PointSetRow, SamplerRow
from engine.shared.config import ModelConfig, SamplerConfig, ScheduleConfig
from tests.hands.mouse_and_keys import click
from tests.hands.window import lanes_done, settle, wait_until
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneSpec, lane_of, update_lane
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import icons


@dataclass(frozen=True)
class Halves:
    """Halves the state in every step, and with eta adds as much to it."""

    steps: int | None = None
    eta: float = 0.0

    @property
    def config(self):
        return SamplerConfig(name="halves", steps=self.steps, eta=self.eta)

    def step(self, step):
        return step.x / 2 + self.eta


def corner(start, end, positions):
    """From the start to the origin, and on to the end."""
    s = positions.view(-1, *([1] * start.ndim))
    return (1 - 2 * s).clamp(min=0) * start + (2 * s - 1).clamp(min=0) * end


def cross(n, rng, draw):
    """The two axes."""
    along = rng.normal(size=n)
    upright = rng.integers(0, 2, n)
    return np.stack([along * upright, along * (1 - upright)], axis=1)


SAMPLER = SamplerRow(name="halves", title="Halves", tip="Halves x.", made_by="Halves", has_eta=True)
PATH = PathRow(name="corner", title="Corner", tip="Round a corner.", curve="corner")
POINT_SET = PointSetRow(name="cross", title="Cross", generator="cross")


@pytest.fixture(autouse=True)
def _no_monitor(monkeypatch):
    """Progress bars of the command are drawn without a thread, which would stay."""
    monkeypatch.setattr(tqdm, "monitor_interval", 0)


@pytest.fixture
def add(monkeypatch):
    """Puts a row into a table and what makes it into its module; ``add.undo()`` takes both out."""

    def add(table, row, module, made):
        monkeypatch.setattr(catalogue, table, (*getattr(catalogue, table), row))
        monkeypatch.setattr(module, made.__name__, made, raising=False)

    add.undo = monkeypatch.undo
    add.icon = lambda name: monkeypatch.setitem(icons._SHAPES, name, '<path d="M2 2v12h12"/>')
    return add


def opened(workshop):
    window = workshop.open(engine="inline")
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    window.playback.pause()
    return window


def at_rest(window):
    settle()
    wait_until(lambda: lanes_done(window), "the lanes")
    settle()


def command(*arguments):
    return group.run(group.commands, [str(argument) for argument in arguments])


def states(path):
    with np.load(path) as content:
        return content["x"]


def frames(window, lane):
    return np.stack(window.state.at(LANE_RUNS, lane).trajectory.x)


def test_a_sampler(workshop, tmp_path, add):
    add("SAMPLERS", SAMPLER, samplers, Halves)
    window = opened(workshop)
    state = window.state
    state.set(LANES, ())
    state.update(SAMPLING, mode="samples", count=20, steps=3)
    window.mode("2d").sample_dock.lanes.add_actions["Halves"].trigger()
    (lane,) = state.get(LANES)
    at_rest(window)
    x = frames(window, lane.key)
    np.testing.assert_allclose(x[-1], x[0] / 8, rtol=1e-6)
    file, sampling = tmp_path / "a.npz", ("sample", "--checkpoint", "v", "--sampler", "halves")
    sampling = (*sampling, "--steps", 3, "--count", 20, "--seed", state.get(SAMPLING).seed)
    assert command(*sampling, "--out", file) == 0
    np.testing.assert_array_equal(states(file), x)
    update_lane(state, lane.key, eta=0.5)
    at_rest(window)
    x = frames(window, lane.key)
    np.testing.assert_allclose(x[-1], x[0] / 8 + 0.875, rtol=1e-5)
    assert "η = 0.5" in window.current_scene().lane(lane.key).detail
    workshop.close(window)

    again = opened(workshop)
    assert lane_of(again.state, lane.key).sampler == "halves"  # remembered
    at_rest(again)
    np.testing.assert_array_equal(frames(again, lane.key), x)
    workshop.close(again)

    add.undo()
    last = opened(workshop)
    assert "halves" not in {lane.sampler for lane in last.state.get(LANES)}
    assert "Halves" not in last.mode("2d").sample_dock.lanes.add_actions
    at_rest(last)
    assert command(*sampling, "--out", tmp_path / "b.npz") == 2


def test_a_kind_of_path(workshop, tmp_path, add):
    add("PATHS", PATH, curves, corner)
    add.icon("path-corner")
    window = opened(workshop)
    state, dock = window.state, window.mode("2d").sample_dock
    state.set(LANES, (LaneSpec("ddim"),))
    state.update(SAMPLING, steps=10, path_points=5, a=(-1.0, 2.0), b=(1.0, 2.0))
    click(dock.path.kind.button("corner"))
    assert state.get(SAMPLING).path == "corner"
    at_rest(window)
    x = frames(window, "ddim")
    way = [[-1, 2], [-0.5, 1], [0, 0], [0.5, 1], [1, 2]]
    np.testing.assert_allclose(x[0], way, atol=1e-6)
    state.update(VIEW, lab=True)
    wait_until(lambda: "corner" in state.get(COMPARISON).figures, "the comparison")
    assert dock.comparison.rows["corner"].text() == "Corner"
    assert not dock.comparison.rows["corner"].grab().isNull()
    state.update(VIEW, lab=False)
    file, leading = tmp_path / "a.npz", ("interpolate", "--checkpoint", "v", "--path", "corner")
    leading = (*leading, "--from=-1,2", "--to=1,2", "--points", 5, "--steps", 10)
    leading = (*leading, "--sampler", "ddim", "--seed", state.get(SAMPLING).seed)
    assert command(*leading, "--out", file) == 0
    np.testing.assert_array_equal(states(file), x)
    workshop.close(window)

    again = opened(workshop)
    assert again.state.get(SAMPLING).path == "corner"  # remembered
    workshop.close(again)

    add.undo()
    last = opened(workshop)
    assert last.state.get(SAMPLING).path == "linear"
    assert "corner" not in last.mode("2d").sample_dock.path.kind._segments
    at_rest(last)
    assert command(*leading, "--out", tmp_path / "b.npz") == 2


def test_a_set_of_points(workshop, tmp_path, add):
    add("DATA_SETS", POINT_SET, points, cross)
    window = opened(workshop)
    state, dock = window.state, window.mode("2d").train_dock
    state.set(LANES, (LaneSpec("exact", exact=True),))
    state.update(SAMPLING, mode="samples", count=50, steps=20)
    dock.data.cards["cross"].click()
    assert state.get(TRAINING_CONFIG).dataset == "cross"
    state.update(
        TRAINING_CONFIG,
        steps=2,
        points=200,
        batch_size=16,
        model=ModelConfig(width=8, depth=1, embedding=8),
        schedule=ScheduleConfig(timesteps=20),
    )
    click(dock.run.train_button)
    wait_until(lambda: state.get(TRAINING).status == "done", "the training")
    folder = state.get(TRAINING).folder
    wait_until(lambda: state.get(MODEL).ref == folder, "its model")
    assert state.get(MODEL).dataset == "cross"
    assert "Cross" in window.windowTitle()
    at_rest(window)
    # The exact denoiser ends on the data, which lie on the axes.
    transform = points.load("cross", 200).transform
    x = frames(window, "exact")
    assert np.abs(transform.undo(x[-1])).min(axis=1).max() < 0.05
    file, seed = tmp_path / "a.npz", state.get(SAMPLING).seed
    sampling = ("sample", "--checkpoint", f"exact:{folder}", "--steps", 20, "--count", 50)
    sampling = (*sampling, "--sampler", "ddim", "--seed", seed)
    assert command(*sampling, "--out", file) == 0
    np.testing.assert_array_equal(states(file), x)
    training = ("train", "--dataset", "cross", "--steps", 2, "--width", 8)
    assert command(*training, "--out", tmp_path / "run") == 0
    workshop.close(window)

    add.undo()
    last, said = opened(workshop), []
    assert last.state.get(TRAINING_CONFIG).dataset == "v"  # as at first: what was kept is unknown
    assert "cross" not in last.mode("2d").train_dock.data.cards
    last.state.message_posted.connect(lambda text, error: said.append(text))
    last.choose_model(folder)
    wait_until(lambda: bool(said), "why it cannot be opened")
    assert "'cross'" in said[0]
    assert last.state.get(MODEL).ref == "v"
    assert command(*training, "--out", tmp_path / "other") == 2
