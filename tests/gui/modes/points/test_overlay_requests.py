"""Fields, differences, grids and the basin map: when they are asked for, and what is shown."""

import numpy as np
import pytest

from engine.shared import messages
from engine.shared.config import ScheduleConfig, TrainingConfig
from tests.hands.window import settle, wait_until
from toydiff_gui.modes.points.compose import LATENT_KEY, compose
from toydiff_gui.modes.points.overlays.field import COLUMNS, ROWS
from toydiff_gui.modes.points.settings import LAYERS, SAMPLING, layer_of
from toydiff_gui.state.lanes import duplicate_lane, remove_lane, update_lane
from toydiff_gui.state.view import LOOK, VIEW, show_overlay

FIELD, SAMPLES, CANCEL = messages.Field, messages.Sample, messages.Cancel
SHORT = {"schedule": ScheduleConfig(timesteps=20)}
REQUESTS = (FIELD, SAMPLES)


def flow(packet, t):
    """What the pretended denoiser sees: to be recognised by t."""
    return (packet.arrays["points"] * np.float32(t)).astype(np.float32)


def see(desk, packet, times=None, scale=1.0):
    """Answer a field, or as much of it as there is time for."""
    for t in packet.message.times if times is None else times:
        eps = scale * flow(packet, t)
        desk.link.report(messages.FieldAt(job=packet.message.job, t=t), {"x0": eps, "eps": eps})
    if times is None:
        desk.link.report(messages.Result(job=packet.message.job))


def land(desk, packet, timesteps=250):
    """Answer a request for samples: the last frame alone, or all of them."""
    latents = packet.arrays["latents"]
    if packet.message.last:
        frame = messages.Frame(job=packet.message.job, index=0, times=[0])
        desk.link.report(frame, {"x": 0.5 * latents, "x0": 0.5 * latents})
    else:
        desk.link.frames(packet, timesteps=timesteps)
    desk.link.report(messages.Result(job=packet.message.job))


def shown(desk, key="ddim"):
    settle()
    return compose(desk.state).lane(key)


def fail(desk, packet, message="no room"):
    desk.link.report(messages.Failure(job=packet.message.job, message=message))


def jobs(packets):
    return [packet.message.job for packet in packets]


# What is asked for


def test_nothing_is_computed_while_nobody_looks(resting):
    state = resting.state
    for kind in ("trajectories", "density", "preview", "forward"):  # the engine is not needed
        show_overlay(state, "ddim", kind, True)
    show_overlay(state, "ddim-few", "field", True)  # is not shown
    resting.layers.set_view((-1.0, 1.0, -1.0, 1.0))
    wait_until(resting.at_rest, "the pause after zooming")
    resting.playback.set_reached(0)
    resting.playback.set_t(100)
    assert resting.heard(*REQUESTS) == []
    assert resting.at_rest()


def test_a_field_is_asked_for_at_all_times_that_of_the_timeline_first(resting):
    resting.playback.set_reached(0)
    resting.playback.set_t(123)
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(*REQUESTS)
    times = packet.message.times
    assert times[0] == 123
    assert sorted(times) == list(range(1, 251))
    assert max(np.diff(sorted(times[:20]))) <= 32  # coarse to fine
    assert packet.message.checkpoint == "v"
    assert packet.arrays["points"].shape == (COLUMNS * ROWS, 2)
    see(resting, packet, [123])
    layer = shown(resting).layers["field"]
    assert list(layer.eps) == [123]
    np.testing.assert_array_equal(layer.eps[123], flow(packet, 123))
    np.testing.assert_array_equal(layer.points, packet.arrays["points"])
    assert not resting.at_rest()
    see(resting, packet)
    wait_until(resting.at_rest, "the last of it")
    assert set(shown(resting).layers["field"].eps) == set(range(1, 251))
    assert "field" not in shown(resting, "ddpm").layers
    # All is there: neither time nor endpoints nor seeds matter.
    resting.playback.set_t(7)
    resting.state.update(SAMPLING, seed=9, a=(0.0, 0.0), steps=30)
    resting.state.update(LOOK, selected_lane="ddpm")
    assert resting.heard(FIELD) == []


def test_a_layer_that_grows_is_told_again_and_what_was_there_stays_as_it_is(resting):
    told = []
    resting.state.changed(LAYERS).connect(told.append)
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(FIELD)
    see(resting, packet, [123])
    settle()
    assert told == [("ddim", "field")]
    first = shown(resting).layers["field"]
    see(resting, packet)
    wait_until(resting.at_rest, "the last of it")
    assert len(told) > 1
    assert set(told) == {("ddim", "field")}
    assert list(first.eps) == [123]


def test_the_exact_lane_has_a_field_of_its_own(resting):
    update_lane(resting.state, "ddim", exact=True)
    resting.heard()
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(FIELD)
    assert packet.message.checkpoint == "exact:v"
    see(resting, packet, [250])
    update_lane(resting.state, "ddim", exact=False)
    assert shown(resting).layers.get("field") is None
    (network,) = resting.heard(FIELD)
    assert network.message.checkpoint == "v"
    see(resting, packet, [125])  # late
    assert shown(resting).layers.get("field") is None


def test_a_difference_is_computed_at_the_timelines_t_the_newest_first(resting):
    resting.playback.set_reached(0)
    resting.playback.set_t(200)
    show_overlay(resting.state, "ddim", "difference", True)
    own, exact = resting.heard(FIELD)
    assert (own.message.checkpoint, exact.message.checkpoint) == ("v", "exact:v")
    assert own.message.times == exact.message.times == [200]
    for t in (199, 198, 100):
        resting.playback.set_t(t)
    assert resting.heard(FIELD) == []  # one at a time
    see(resting, own)
    assert shown(resting).layers["difference"].values == {}
    see(resting, exact, scale=0.0)
    layer = shown(resting).layers["difference"]
    assert list(layer.values) == [200]
    height, width = layer.values[200].shape
    expected = np.linalg.norm(flow(own, 200), axis=1).reshape(height, width) / 2**0.5
    np.testing.assert_allclose(layer.values[200], expected, rtol=1e-6)
    assert layer.values[200][0, 0] == pytest.approx(layer.values[200].max(), rel=1e-4)  # a corner
    own, exact = resting.heard(FIELD)
    assert own.message.times == [100]
    see(resting, own)
    see(resting, exact)
    assert not shown(resting).layers["difference"].values[100].any()
    resting.playback.set_t(200)
    assert resting.heard(FIELD) == []  # it is known
    resting.playback.set_t(0)
    own, exact = resting.heard(FIELD)
    assert own.message.times == [1]  # a network is not asked at 0
    see(resting, own)
    see(resting, exact)
    assert shown(resting).layers["difference"].time_at(0) == 0
    assert resting.at_rest()


def test_a_grid_is_carried_along(resting):
    show_overlay(resting.state, "ddim", "warp", True)
    (packet,) = resting.heard(SAMPLES)
    assert packet.message.sampler.steps == 50
    land(resting, packet)
    wait_until(resting.at_rest, "the last of it")
    warp = shown(resting).layers["warp"]
    lines = warp.trajectory.x[0].reshape(2, 13, warp.points_per_line, 2)
    assert np.ptp(lines[0, :, :, 0], axis=1).max() == 0  # upright
    assert np.ptp(lines[1, :, :, 1], axis=1).max() == 0  # level
    assert warp.trajectory.t[0] == 250
    assert warp.trajectory.complete
    resting.layers.set_view((-0.1, 0.1, -0.1, 0.1))
    wait_until(resting.at_rest, "the pause after zooming")
    assert resting.heard(*REQUESTS) == []  # it does not depend on the view


def test_the_basin_map_comes_quickly_and_then_well(resting):
    state = resting.state
    show_overlay(state, LATENT_KEY, "basin", True)
    (coarse,) = resting.heard(SAMPLES)
    assert (coarse.message.sampler.name, coarse.message.sampler.steps) == ("ddim", 20)
    assert coarse.message.last
    land(resting, coarse)
    first = shown(resting, LATENT_KEY).layers["basin"]
    assert first.landings.shape[1] == 48
    (fine,) = resting.heard(SAMPLES)
    land(resting, fine)
    basin = shown(resting, LATENT_KEY).layers["basin"]
    assert basin.landings.shape[1] == 150
    x0, _, _, y1 = basin.box
    assert basin.landings[0, 0, 0] == pytest.approx(0.5 * x0, abs=0.05)
    assert basin.landings[0, 0, 1] == pytest.approx(0.5 * y1, abs=0.05)
    assert resting.at_rest()
    state.update(SAMPLING, a=(0.0, 0.0), seed=8)
    assert [p for p in resting.heard(SAMPLES) if p.message.slot == "basin latent"] == []
    state.update(SAMPLING, steps=10)
    (fewer,) = [p for p in resting.heard(SAMPLES) if p.message.slot == "basin latent"]
    assert fewer.message.sampler.steps == 10
    assert shown(resting, LATENT_KEY).layers.get("basin") is None  # it was of another sampler


def test_zooming_in_asks_again_and_keeps_what_is_there_until_then(resting):
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(FIELD)
    see(resting, packet)
    old = shown(resting).layers["field"]
    for half in (2.5, 2.0, 1.9):
        resting.layers.set_view((-half, half, -half, half))
    wait_until(resting.at_rest, "the pause after zooming")
    assert resting.heard(FIELD) == []  # it lies within what was computed
    resting.layers.set_view((0.2, 0.8, -0.3, 0.3))
    packet = resting.until_sent(FIELD)
    assert shown(resting).layers["field"] is old
    see(resting, packet, [250])
    layer = shown(resting).layers["field"]
    x0, x1, y0, y1 = layer.box
    assert x0 < 0.2 < 0.8 < x1
    assert y0 < -0.3 < 0.3 < y1 < 0.6
    resting.layers.set_view((10.0, 11.0, 0.0, 1.0))
    assert resting.until_sent(FIELD).arrays["points"][:, 0].min() > 8


def test_very_wide_plots_are_not_computed_over_and_over(resting):
    resting.layers.set_view((-6.0, 6.0, -0.5, 0.5))
    wait_until(resting.at_rest, "the pause")
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(FIELD)
    see(resting, packet)
    resting.layers.set_view((-5.9, 6.1, -0.5, 0.5))  # panned a little
    wait_until(lambda: resting.at_rest() or resting.link.asked(FIELD), "the pause")
    assert resting.heard(FIELD) == []


# What is never shown


@pytest.mark.parametrize("kind", ["field", "difference", "warp", "basin"])
def test_nothing_of_another_model_is_shown(resting, kind):
    state, key = resting.state, LATENT_KEY if kind == "basin" else "ddim"
    show_overlay(state, key, kind, True)
    packets = resting.heard(*REQUESTS)
    answer(resting, packets[0])
    packets += resting.heard(SAMPLES)  # the basin map once more, and better
    resting.open("/short", **SHORT)
    assert layer_of(state, key, kind) is None or kind == "difference"
    for packet in packets:  # late
        answer(resting, packet)
    layer = layer_of(state, key, kind)
    assert layer is None or layer.values == {}
    sent = resting.heard(*REQUESTS, CANCEL)
    cancelled = jobs(p for p in sent if isinstance(p.message, CANCEL))
    assert packets[-1].message.job in cancelled
    new = [p for p in sent if isinstance(p.message, REQUESTS) and p.message.slot.startswith(kind)]
    assert new
    assert {p.message.checkpoint.removeprefix("exact:") for p in new} == {"/short"}
    for packet in new:
        if isinstance(packet.message, FIELD):
            assert set(packet.message.times) <= set(range(1, 21))
        else:
            assert packet.message.sampler.steps <= 20


def answer(desk, packet):
    if isinstance(packet.message, FIELD):
        see(desk, packet, packet.message.times[:1])
    elif packet.message.last:
        land(desk, packet)
    else:
        desk.link.frames(packet, 0, 3)


def test_a_lane_with_a_longer_model_is_seen_at_the_right_times(resting):
    """T = 250 in the lane, 20 on the timeline: each of its times is that of the denoiser."""
    resting.open("/short", **SHORT)
    resting.heard()
    update_lane(resting.state, "ddim", checkpoint="v")
    (opening,) = resting.heard(messages.Open)
    resting.link.describe(opening.message.job)
    resting.heard()
    show_overlay(resting.state, "ddim", "field", True)
    (packet,) = resting.heard(FIELD)
    assert packet.message.checkpoint == "v"
    see(resting, packet)
    wait_until(lambda: "field:ddim" not in resting.exchange.under_way, "the last of it")
    eps = shown(resting).layers["field"].eps
    assert sorted(eps) == list(range(1, 21))
    for t in eps:
        np.testing.assert_array_equal(eps[t], flow(packet, round(12.5 * t)))
    show_overlay(resting.state, "ddim", "difference", True)
    own, _ = resting.heard(FIELD)
    assert own.message.times == [250]
    # The timeline gets longer: what is there is of other times now.
    resting.open("/long", schedule=ScheduleConfig(timesteps=500))
    assert shown(resting).layers.get("field") is None
    packet = next(p for p in resting.heard(FIELD) if p.message.slot == "field ddim")
    assert sorted(packet.message.times) == list(range(1, 251))
    see(resting, packet)
    eps = shown(resting).layers["field"].eps
    assert sorted(eps) == list(range(2, 501, 2))
    np.testing.assert_array_equal(eps[500], flow(packet, 250))


def test_a_lane_with_another_checkpoint_has_layers_of_that_one(resting):
    state = resting.state
    show_overlay(state, "ddim", "field", True)
    (old,) = resting.heard(FIELD)
    see(resting, old)
    update_lane(state, "ddim", checkpoint="gaussians8")
    assert shown(resting).layers.get("field") is None  # before anything is known of it
    (opening,) = resting.heard(messages.Open)
    assert resting.heard(FIELD) == []
    resting.link.describe(opening.message.job, TrainingConfig(dataset="gaussians8"))
    (new,) = resting.heard(FIELD)
    assert new.message.checkpoint == "gaussians8"
    update_lane(state, "ddim", checkpoint=None)
    see(resting, new, [250])
    eps = shown(resting).layers["field"].eps
    np.testing.assert_array_equal(eps[250], flow(old, 250))
    assert len(eps) == 250  # what was there a moment ago
    assert resting.heard(FIELD) == []


def test_lanes_that_go_take_their_layers_along(resting):
    state = resting.state
    show_overlay(state, "ddim", "field", True)
    resting.heard()
    copy = duplicate_lane(state, "ddim")
    (packet,) = resting.heard(FIELD)
    assert packet.message.slot == f"field {copy}"
    see(resting, packet, [250])
    remove_lane(state, copy)
    assert packet.message.job in jobs(resting.heard(CANCEL))
    see(resting, packet)
    assert layer_of(state, copy, "field") is None
    assert duplicate_lane(state, "ddim") == copy  # the key is used again
    assert layer_of(state, copy, "field") is None
    (again,) = resting.heard(FIELD)
    see(resting, again)
    update_lane(state, copy, shown=False)
    settle()
    assert layer_of(state, copy, "field") is None
    update_lane(state, copy, shown=True)
    assert resting.heard(FIELD) == []
    assert len(shown(resting, copy).layers["field"].eps) == 250


def test_a_lane_that_is_replaced_within_one_turn_has_its_field(resting):
    state = resting.state
    show_overlay(state, "ddim", "field", True)
    copy = duplicate_lane(state, "ddim")
    for packet in resting.heard(FIELD):
        see(resting, packet)
    remove_lane(state, copy)
    assert duplicate_lane(state, "ddim") == copy
    assert resting.heard(FIELD) == []
    assert len(shown(resting, copy).layers["field"].eps) == 250


@pytest.mark.parametrize("kind", ["field", "difference", "warp", "basin"])
def test_an_overlay_that_is_taken_away_is_computed_no_more(resting, kind):
    key = LATENT_KEY if kind == "basin" else "ddim"
    show_overlay(resting.state, key, kind, True)
    packets = resting.heard(*REQUESTS)
    show_overlay(resting.state, key, kind, False)
    assert set(jobs(packets)) <= set(jobs(resting.heard(CANCEL)))
    for packet in packets:
        answer(resting, packet)
    assert layer_of(resting.state, key, kind) is None
    assert resting.at_rest()


# Ends


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("other_first", [False, True])
def test_a_difference_that_fails_is_said_once_and_not_at_every_t(resting, which, other_first):
    resting.playback.set_reached(0)
    show_overlay(resting.state, "ddim", "difference", True)
    packets = resting.heard(FIELD)
    if other_first:
        see(resting, packets[1 - which])
    fail(resting, packets[which])
    if not other_first:
        see(resting, packets[1 - which])
    for t in (200, 100):
        resting.playback.set_t(t)
        assert resting.heard(FIELD) == []
    assert resting.messages == [("No room.", True)]
    assert resting.at_rest()
    show_overlay(resting.state, "ddim", "difference", False)
    settle()
    show_overlay(resting.state, "ddim", "difference", True)
    assert len(resting.heard(FIELD)) == 2


@pytest.mark.parametrize("kind", ["field", "warp", "basin"])
def test_what_fails_is_said_once(resting, kind):
    key = LATENT_KEY if kind == "basin" else "ddim"
    show_overlay(resting.state, key, kind, True)
    (packet,) = resting.heard(*REQUESTS)
    fail(resting, packet, "no such file: /gone")
    resting.state.update(VIEW, theme="light")
    assert resting.heard(*REQUESTS) == []
    assert resting.messages == [("No such file: /gone.", True)]
    assert resting.at_rest()


def test_after_the_death_of_an_engine_all_of_it_is_computed_again(resting):
    state = resting.state
    kinds = {"ddim": ("field", "difference", "warp"), LATENT_KEY: ("basin",)}
    for key, several in kinds.items():
        for kind in several:
            show_overlay(state, key, kind, True)
    old = resting.heard(*REQUESTS)
    answer(resting, old[0])
    resting.link.die("the engine was ended by signal 9")
    resting.playback.set_reached(0)
    resting.playback.set_t(100)
    wait_until(resting.at_rest, "the end of it")
    assert resting.heard(*REQUESTS) == []
    resting.restart()
    new = [p for p in resting.heard(*REQUESTS) if not p.message.slot.startswith("ddpm")]
    assert {p.message.slot.split()[0] for p in new} >= {"field", "difference", "warp", "basin"}
    for packet in old:
        answer(resting, packet)
    for key, several in kinds.items():
        for kind in several:
            layer = layer_of(state, key, kind)
            assert layer is None or layer.values == {}


def test_a_lane_that_is_removed_without_an_engine_leaves_nothing_to_its_successor(resting):
    state = resting.state
    own = duplicate_lane(state, "ddim")
    show_overlay(state, own, "field", True)
    (packet,) = resting.heard(FIELD)
    answer(resting, packet)
    assert shown(resting, own).layers.get("field") is not None
    resting.link.die("the engine was ended by signal 9")
    remove_lane(state, own)
    assert duplicate_lane(state, "ddim") == own
    show_overlay(state, own, "field", True)
    assert shown(resting, own).layers.get("field") is None
