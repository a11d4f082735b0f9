"""The laboratory with a true engine: what stands in the scene against the denoisers themselves."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

import engine
from engine.shared.config import ModelConfig, ScheduleConfig, TrainingConfig
from engine.training.runs import open_run, train
from tests.hands.window import lanes_done, settle, wait_until
from tests.hands.workshop import active_timers
from toydiff_gui.modes.points.compose import LATENT_KEY
from toydiff_gui.modes.points.settings import COMPARISON, INVERSION, SAMPLING, Sampling, layer_of
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneSpec, update_lane
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import GEODESIC, Inversion
from toydiff_gui.state.view import LOOK, VIEW, show_overlay

STEPS = 20
KINDS = ("field", "difference", "warp")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A checkpoint with T = 20, hardly trained."""
    folder = tmp_path_factory.mktemp("short") / "T 20"
    config = TrainingConfig(
        dataset="moons",
        steps=30,
        batch_size=64,
        schedule=ScheduleConfig(timesteps=20),
        model=ModelConfig(width=16, depth=1, embedding=8),
    )
    for _ in train(open_run(config, folder, device=torch.device("cpu")), folder):
        pass
    return str(folder)


@pytest.fixture(scope="module")
def lasting(lasting_workshop):
    window = lasting_workshop.open()
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    wait_until(lambda: lanes_done(window), "the lanes")
    window.playback.pause()
    return window


def at_rest(window):
    settle()
    waiting = (window.controllers, window.mode("2d").overlays)
    return not any(one.busy for one in waiting) and lanes_done(window)


@pytest.fixture
def live(lasting):
    """The window with the V and one lane of DDIM with few steps; nothing is laid over it."""
    window, state = lasting, lasting.state
    state.set(INVERSION, Inversion())
    state.update(VIEW, lab=False, presentation=False)
    state.update(LOOK, overlays={}, selected_lane="one")
    state.set(LANES, (LaneSpec("one"),))
    default = Sampling(steps=STEPS)
    state.update(SAMPLING, **{name: getattr(default, name) for name in vars(default)})
    if state.get(MODEL).ref != "v":
        window.models.open("v")
        wait_until(lambda: state.get(MODEL).ref == "v", "the model")
    window.reset_view()
    window.playback.to_data()
    wait_until(lambda: at_rest(window), "the lanes")
    window.messages.clear()
    return window


def texts(window):
    return [message.text for message in window.messages.messages]


def eps_of(ref, points, t):
    with torch.no_grad():
        found = engine.load_checkpoint(ref).denoiser.predict_noise(torch.tensor(points), t)
    return found.numpy()


def middles(box, width, height):
    """The middle of every pixel of ``box``, the first row at the top, (height * width, 2)."""
    x0, x1, y0, y1 = box
    x = np.linspace(x0, x1, 2 * width + 1)[1::2]
    y = np.linspace(y1, y0, 2 * height + 1)[1::2]
    return np.stack(np.meshgrid(x, y), axis=2).reshape(-1, 2).astype(np.float32)


def assert_idle(window, monkeypatch):
    """Nothing ticks, and nothing is asked for although somebody looks again."""
    wait_until(lambda: not active_timers(window), "the last timers")
    with monkeypatch.context() as patch:
        sent = []
        patch.setattr(window.link, "send", sent.append)
        state = window.state
        for signal_ in (state.changed(VIEW), state.changed(LANES), state.changed(SAMPLING)):
            signal_.emit()
        wait_until(lambda: not active_timers(window), "the last timers")
        assert at_rest(window)
        assert sent == []


def test_arrows_and_heat_are_what_the_denoiser_says_where_they_are_drawn(live):
    state, times = live.state, (250, 90, 10)
    refs = {"one": "v", "exact": "exact:v", "other": "gaussians8"}
    live.playback.set_t(90)
    exact, other = LaneSpec("exact", exact=True), LaneSpec("other", checkpoint="gaussians8")
    state.set(LANES, (LaneSpec("one"), exact, other))
    for key in refs:
        show_overlay(state, key, "field", True)

    def arrived():
        layers = [layer_of(state, key, "field") for key in refs]
        return all(layer is not None and {*times} <= {*layer.eps} for layer in layers)

    settle()
    wait_until(arrived, "the arrows")
    settle()
    lanes = {key: live.mode("2d").page.scene.lane(key) for key in refs}
    rng = np.random.default_rng(0)
    for key, ref in refs.items():
        field = lanes[key].layers["field"]
        for t in times:
            some = rng.integers(0, len(field.points), 100)
            expected = eps_of(ref, field.points[some], t)
            np.testing.assert_allclose(field.eps[t][some], expected, atol=2e-3, rtol=1e-3)
            assert np.abs(expected).max() > 0.3
        show_overlay(state, key, "field", False)
        show_overlay(state, key, "difference", True)
    settle()
    wait_until(lambda: at_rest(live), "the heat")
    live.playback.set_t(30)
    wait_until(lambda: at_rest(live), "the heat at another time")
    for key, ref in refs.items():
        difference = live.mode("2d").page.scene.lane(key).layers["difference"]
        for t in (30, 90):
            heat = difference.values[t]
            points = middles(difference.box, heat.shape[1], heat.shape[0])
            some = rng.integers(0, len(points), 100)
            best = eps_of(f"exact:{ref.removeprefix('exact:')}", points[some], t)
            apart = eps_of(ref, points[some], t) - best
            expected = np.linalg.norm(apart, axis=1) / 2**0.5
            np.testing.assert_allclose(heat.ravel()[some], expected, atol=2e-3, rtol=1e-3)
            assert (heat.max() > 0.05) == (key != "exact")
    assert texts(live) == []


def test_the_basin_map_is_where_ddim_takes_its_pixels(live):
    show_overlay(live.state, LATENT_KEY, "basin", True)
    checkpoint = engine.load_checkpoint("v")
    boxes = []
    for half in (None, 0.4):
        if half is not None:
            live.mode("2d").overlays.set_view((0.2 - half, 0.2 + half, -half, half))
        settle()
        wait_until(lambda: at_rest(live), "the map")
        basin = live.mode("2d").page.scene.lane(LATENT_KEY).layers["basin"]
        height, width = basin.landings.shape[:2]
        assert width == 150
        pixels = middles(basin.box, width, height)
        some = np.random.default_rng(1).integers(0, len(pixels), 200)
        *_, last = engine.sample(
            checkpoint.denoiser,
            checkpoint.schedule,
            torch.tensor(pixels[some]),
            sampler=engine.DDIM(steps=STEPS),
        )
        landed = basin.landings.reshape(-1, 2)[some]
        # At the tear itself rounding decides on the side.
        same = np.abs(landed - last.x.numpy()).max(axis=1) < 2e-3
        assert same.mean() > 0.985
        assert np.ptp(landed, axis=0).max() > 0.5
        boxes.append(basin.box)
    assert boxes[1][1] - boxes[1][0] < 0.5 * (boxes[0][1] - boxes[0][0])


@pytest.mark.parametrize(
    ("model", "a", "b"),
    [
        ("v", (-1.0, 0.5), (1.0, -0.5)),
        ("v", (0.5, 0.5), (0.5, 0.5)),
        ("T = 20", (0.0, 0.0), (1.0, 0.0)),
    ],
    ids=["apart", "equal", "from the origin"],
)
def test_a_geodesic_is_found_shown_and_compared(live, short, monkeypatch, model, a, b):
    state = live.state
    if model != "v":
        live.models.open(short)
        wait_until(lambda: state.get(MODEL).ref == short, "the model")
        assert live.playback.timesteps == 20
    state.update(SAMPLING, a=a, b=b, path_points=40, steps=50)
    update_lane(state, "one", path="geodesic")
    state.update(VIEW, lab=True)
    settle()
    wait_until(lambda: at_rest(live), "the path")
    assert texts(live) == []
    assert state.get(GEODESIC).status == "done"
    latents = state.get(GEODESIC).latents
    np.testing.assert_allclose(latents[[0, -1]], [a, b], atol=1e-5)
    assert latents.shape == (40, 2)
    assert np.isfinite(latents).all()
    np.testing.assert_array_equal(state.at(LANE_RUNS, "one").trajectory.x[0], latents)
    np.testing.assert_array_equal(live.mode("2d").page.scene.lane(LATENT_KEY).latents, latents)
    comparison = state.get(COMPARISON)
    assert comparison.status == "done"
    assert comparison.steps == (50 if model == "v" else 20)
    assert set(comparison.figures) == {
        "linear",
        "spherical",
        "prior-preserving",
        "norm-guided",
        "geodesic",
    }
    last = state.at(LANE_RUNS, "one").trajectory.x[-1].astype(float)
    length = np.linalg.norm(np.diff(last, axis=0), axis=1).sum()
    assert comparison.figures["geodesic"].length == pytest.approx(length, rel=0.02, abs=1e-4)
    assert_idle(live, monkeypatch)


def test_a_search_that_is_stopped_hands_over_what_it_has(live):
    state = live.state
    state.update(SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.0), path_points=60)
    update_lane(state, "one", path="geodesic")
    wait_until(lambda: live.geodesic.preview is not None, "the first path")
    live.geodesic.stop()
    best = state.get(GEODESIC).latents
    settle()
    wait_until(lambda: at_rest(live), "the lane")
    assert state.get(GEODESIC).status == "stopped"
    np.testing.assert_array_equal(state.at(LANE_RUNS, "one").trajectory.x[0], best)
    assert texts(live) == []


def test_points_come_back_as_near_as_is_said(live, tmp_path):
    points = engine.datasets.load("v").points[::800]
    path = tmp_path / "points.csv"
    np.savetxt(path, points, delimiter=";", header="x;y", comments="")
    live.mode("2d").inversion.invert_file(str(path))
    wait_until(lambda: live.state.get(SAMPLING).mode == "inverted", "the latents")
    live.state.update(SAMPLING, steps=250)  # as many as the inversion
    settle()
    wait_until(lambda: at_rest(live), "the lane")
    inversion, run = live.state.get(INVERSION), live.state.at(LANE_RUNS, "one")
    np.testing.assert_allclose(inversion.data, points, atol=1e-6)
    np.testing.assert_array_equal(run.trajectory.x[0], inversion.latents)
    apart = np.linalg.norm(run.trajectory.x[-1] - inversion.data, axis=1)
    np.testing.assert_allclose(inversion.errors, apart, atol=1e-4)
    assert 0 < inversion.errors.max() < 0.2
    assert texts(live) == []


def test_lanes_of_a_model_with_fewer_steps_and_of_a_file_that_goes(live, short, tmp_path):
    """Beside the V; with everything laid over it; and then its file is no more."""
    state = live.state
    copy = tmp_path / "gone.safetensors"
    shutil.copy(Path(short) / "checkpoint.safetensors", copy)
    update_lane(state, "one", checkpoint=str(copy))
    for kind in KINDS:
        show_overlay(state, "one", kind, True)
    settle()
    wait_until(lambda: at_rest(live), "the lane")
    lane = live.mode("2d").page.scene.lane("one")
    assert lane.trajectory.t[0] == lane.layers["warp"].trajectory.t[0] == 250
    assert sorted(lane.layers["field"].eps) == sorted(round(12.5 * t) for t in range(1, 21))
    for t in (1, 10, 20):
        found = lane.layers["field"].eps[round(12.5 * t)]
        expected = eps_of(str(copy), lane.layers["field"].points, t)
        np.testing.assert_allclose(found, expected, atol=2e-3)
    assert texts(live) == []
    copy.unlink()
    state.update(SAMPLING, seed=9, a=(0.5, 0.5))
    live.playback.set_t(125)
    settle()
    wait_until(lambda: not live.controllers.busy, "the end of it")
    assert state.at(LANE_RUNS, "one").status == "failed"
    assert "gone.safetensors" in state.at(LANE_RUNS, "one").message
    live.playback.set_t(60)
    live.playback.set_t(30)
    settle()
    assert not live.exchange.busy
    assert 1 <= len(texts(live)) <= 2  # of the lane and of its heat map
    live.messages.clear()
    update_lane(state, "one", checkpoint=None)
    settle()
    wait_until(lambda: at_rest(live), "the lane of the V")
    assert texts(live) == []


def test_an_engine_that_dies_in_the_midst_of_all_is_asked_for_all_again(live, short, tmp_path):
    state = live.state
    live.models.open(short)
    wait_until(lambda: state.get(MODEL).ref == short, "the model")
    state.update(SAMPLING, path_points=60)
    wait_until(lambda: at_rest(live), "the lane")
    np.save(tmp_path / "points.npy", engine.datasets.load("moons").points[:2])
    update_lane(state, "one", path="geodesic")
    for kind in ("difference", "warp"):
        show_overlay(state, "one", kind, True)
    show_overlay(state, LATENT_KEY, "basin", True)
    state.update(VIEW, lab=True)
    process = live.link.thread_in_charge.process_id
    os.kill(process, signal.SIGSTOP)  # nothing of it will be answered
    live.mode("2d").inversion.invert_file(str(tmp_path / "points.npy"))
    under_way = {"geodesic", "warp:one", "basin:latent"}
    under_way |= {"difference own:one", "difference exact:one"}
    wait_until(lambda: live.exchange.under_way >= under_way, "all of it")
    wait_until(lambda: state.get(INVERSION).status == "running", "the inversion")
    wait_until(lambda: state.get(COMPARISON).status == "running", "the comparison")
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: state.get(ENGINE).status == "dead", "the end of the engine")
    wait_until(lambda: not live.controllers.busy, "the pauses")
    assert not live.exchange.under_way
    assert state.get(INVERSION).status == "failed"
    live.controllers.engine.start_again()
    wait_until(lambda: state.get(ENGINE).status == "ready", "the new engine")
    wait_until(lambda: state.get(INVERSION).status == "done", "the points")
    wait_until(lambda: at_rest(live), "all of it, again")
    assert state.get(GEODESIC).status == "done"
    assert state.get(COMPARISON).status == "done"
    lane = live.mode("2d").page.scene.lane("one")
    assert list(lane.layers["difference"].values) == [0]
    assert lane.layers["warp"].trajectory.complete
    assert live.mode("2d").page.scene.lane(LATENT_KEY).layers.get("basin") is not None
    np.testing.assert_array_equal(lane.trajectory.x[0], state.get(GEODESIC).latents)
