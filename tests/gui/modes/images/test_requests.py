"""Tiles, strips, slice, attention, costs and data of mode Images: what is asked, and when."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QTimer

from engine.analysis.attention_maps import MAX_MAP_BYTES
from engine.datasets.images import folder_training, image_training
from engine.shared import catalogue, messages
from engine.shared.config import TrainingConfig
from tests.hands.window import settle, wait_until
from toydiff_gui.modes.images import attention, endpoints
from toydiff_gui.modes.images.compose import compose_images
from toydiff_gui.modes.images.settings import (
    ATTENTION,
    COSTS,
    IMAGE_CARD,
    IMAGE_DATA,
    IMAGE_POINTER,
    IMAGE_SAMPLING,
    SLICE,
)
from toydiff_gui.modes.images.slice import map_places, shares_at
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneRun, LaneSpec, shown_lanes, update_lane
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import DRAGGING, LOOK, PINNED

KINDS = (messages.Sample, messages.Interpolate)


def slots(packets):
    return [packet.message.slot for packet in packets]


def latents_of(desk, index):
    return desk.tiles().trajectory.x[0][index]


def test_a_model_of_images_is_known_by_its_shape(image_desk):
    model = image_desk.state.get(MODEL)
    assert model.kind == catalogue.IMAGES
    assert model.attends
    assert model.shape == (1, 8, 8)
    assert model.labels == tuple("0123456789")
    assert (model.mean, model.std) == ((0.3,), (0.4,))


def test_tiles_come_first_and_strips_when_they_are_there(image_desk):
    link = image_desk.link
    image_desk.open_images("again")
    (tiles,) = image_desk.heard(*KINDS)
    assert tiles.message.slot == "samples"
    assert (tiles.message.count, tiles.message.seed) == (64, 5)
    assert tiles.message.sampler.steps == 50
    link.frames(tiles, 0, 1)
    assert len(image_desk.tiles().trajectory.x) == 1  # at once, not after a pause
    assert not image_desk.heard(*KINDS)
    link.frames(tiles, 1)
    link.finish(tiles)
    strips = image_desk.heard(*KINDS)
    assert slots(strips) == ["ddpm", "ddpm-shared", "ddim"]
    assert {packet.message.points for packet in strips} == {12}


def test_the_lanes_of_points_are_left_alone(image_desk):
    state = image_desk.state
    state.update(SAMPLING, a=(0.0, 1.0))
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(0.5, 1.0))
    state.set(DRAGGING, False)
    assert not image_desk.heard(*KINDS, messages.FindPath, messages.ComparePaths, messages.Field)


def test_back_in_2d_the_images_are_left_alone(image_desk):
    image_desk.open("v")
    settle()
    assert image_desk.heard(*KINDS) == []  # what was there before is there at once
    assert {image_desk.run(key).trajectory.x[0].shape for key in ("ddpm", "ddim")} == {(500, 2)}
    image_desk.state.update(IMAGE_SAMPLING, seed=9)
    assert not image_desk.heard(*KINDS)
    assert image_desk.tiles().trajectory is None


def test_the_first_samples_give_the_endpoints(image_desk):
    images = image_desk.state.get(IMAGE_SAMPLING)
    assert images.a.tile == 0
    assert images.b.tile == 32
    assert np.array_equal(images.a.latents, latents_of(image_desk, 0))


def test_a_tile_becomes_an_endpoint_and_only_the_strips_are_asked(image_desk):
    endpoints.place_tile(image_desk.state, 7)
    strips = image_desk.heard(*KINDS)
    assert slots(strips) == ["ddpm", "ddpm-shared", "ddim"]
    for packet in strips:
        assert np.array_equal(packet.arrays["start"], latents_of(image_desk, 7))
        assert np.array_equal(packet.arrays["end"], latents_of(image_desk, 32))
        assert "classes" not in packet.arrays
    endpoints.place_tile(image_desk.state, 9)
    (first, *_) = image_desk.heard(*KINDS)
    assert np.array_equal(first.arrays["start"], latents_of(image_desk, 7))
    assert np.array_equal(first.arrays["end"], latents_of(image_desk, 9))
    endpoints.place_tile(image_desk.state, 11)
    (first, *_) = image_desk.heard(*KINDS)
    assert np.array_equal(first.arrays["start"], latents_of(image_desk, 11))


def test_an_equal_wish_asks_nothing(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, guidance=3.0)  # no class is asked for: it does nothing
    state.update(IMAGE_SAMPLING, c=endpoints.tile_end(state, 4))  # no path goes by it
    state.update(IMAGE_SAMPLING, class_a=None)
    state.update(IMAGE_CARD, pinned_tile=3)
    state.update(IMAGE_POINTER, hovered_tile=5)
    assert not image_desk.heard(*KINDS)


def test_other_settings_of_the_path_do_not_wait_for_the_tiles(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    sent = image_desk.heard(*KINDS)
    assert slots(sent) == ["samples"]
    link.frames(sent[0], 0, 3)
    endpoints.place_tile(state, 2)
    strips = image_desk.heard(*KINDS)
    assert slots(strips) == ["ddpm", "ddpm-shared", "ddim"]
    assert np.array_equal(strips[0].arrays["start"], latents_of(image_desk, 2))


def test_only_the_newest_tiles_count(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    (old,) = image_desk.heard(*KINDS)
    state.update(IMAGE_SAMPLING, seed=10)
    new, cancel = None, None
    for packet in image_desk.heard(messages.Sample, messages.Cancel):
        if isinstance(packet.message, messages.Cancel):
            cancel = packet
        else:
            new = packet
    assert cancel.message.job == old.message.job
    before = image_desk.tiles().trajectory
    link.frames(old)
    link.finish(old)
    settle()
    assert image_desk.tiles().trajectory is before
    link.frames(new)
    link.finish(new)
    assert image_desk.tiles().trajectory.meta[endpoints.SEED] == 10


def test_what_is_of_another_model_is_dropped(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    (old,) = image_desk.heard(*KINDS)
    image_desk.open_images("other", "mnist")
    assert state.get(MODEL).shape == (1, 28, 28)
    assert state.get(IMAGE_SAMPLING).a is None
    assert state.get(IMAGE_SAMPLING).b is None
    assert image_desk.tiles().trajectory is None
    link.frames(old)
    assert image_desk.tiles().trajectory is None
    link.answer_all()
    assert image_desk.tiles().trajectory.x[0].shape == (64, 1, 28, 28)
    assert state.get(IMAGE_SAMPLING).a.latents.shape == (1, 28, 28)


def test_endpoints_stay_when_the_other_model_makes_images_of_the_same_size(image_desk):
    state = image_desk.state
    a = state.get(IMAGE_SAMPLING).a
    image_desk.open_images("trained again")
    assert state.get(IMAGE_SAMPLING).a is a


def test_a_class_is_asked_of_tiles_and_of_the_path(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(
        IMAGE_SAMPLING, count=12, tile_class="each", tile_classes=((1, 7), (2, None)), guidance=2.0
    )
    (tiles,) = image_desk.heard(*KINDS)
    rows = tiles.arrays["classes"]
    assert rows.shape == (12, 10)
    assert rows.argmax(axis=1).tolist() == [0, 7, 0, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert rows.sum(axis=1).tolist() == [1, 1, 0] + 9 * [1]  # none for the third
    assert tiles.message.guidance == 2.0
    assert not any(compose_images(state).tiles.classes)  # those of before are there still
    link.frames(tiles)
    assert compose_images(state).tiles.classes == (*"07", "", *"345678901")
    link.finish(tiles)
    image_desk.heard()
    endpoints.place_tile(state, 3)
    endpoints.place_tile(state, 4)
    strip = image_desk.heard(*KINDS)[-1]
    path = strip.arrays["classes"]
    assert path.shape == (12, 10)
    s = np.linspace(0, 1, 12)
    assert path[:, 3] == pytest.approx(1 - s, abs=1e-6)
    assert path[:, 4] == pytest.approx(s, abs=1e-6)
    assert (state.get(IMAGE_SAMPLING).class_a, state.get(IMAGE_SAMPLING).class_b) == (3, 4)
    assert "3, tile 4" in state.get(IMAGE_SAMPLING).a.label


def test_ends_ask_for_what_their_tiles_are_asked_for(image_desk):
    """Or the strip would not end in what the tile shows."""
    state = image_desk.state
    endpoints.place_tile(state, 7, "C")
    state.update(IMAGE_SAMPLING, tile_class="each")
    image_desk.heard()
    images = state.get(IMAGE_SAMPLING)
    assert (images.class_a, images.class_b) == (images.a.tile % 10, images.b.tile % 10)
    assert images.a.label == "0, tile 1"
    assert images.c.asked_class == 7
    state.update(IMAGE_SAMPLING, class_b=9)  # chosen for the path, which stays
    state.update(IMAGE_SAMPLING, tile_classes=((images.a.tile, 4), (images.b.tile, 3)))
    image_desk.heard()
    assert (state.get(IMAGE_SAMPLING).class_a, state.get(IMAGE_SAMPLING).class_b) == (4, 9)
    state.update(IMAGE_SAMPLING, tile_class=None, tile_classes=())
    image_desk.heard()
    assert (state.get(IMAGE_SAMPLING).class_a, state.get(IMAGE_SAMPLING).class_b) == (None, 9)
    assert state.get(IMAGE_SAMPLING).a.label == "Tile 1"


def test_only_the_class_changes_at_fixed_noise(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, class_a=1, class_b=2, fixed_noise=True, path="prior-preserving")
    for packet in image_desk.heard(*KINDS):
        assert packet.message.path == "linear"  # any other would leave the latent
        assert np.array_equal(packet.arrays["start"], packet.arrays["end"])


def test_an_exact_lane_is_told_no_classes_but_where_its_images_are(image_desk):
    state = image_desk.state
    state.set(LANES, (LaneSpec("exact", exact=True), LaneSpec("ddim")))
    state.update(IMAGE_SAMPLING, class_a=3, class_b=4, guidance=2.0)
    exact, network = image_desk.heard(*KINDS)
    assert exact.message.checkpoint == "exact:digits"
    assert "classes" not in exact.arrays
    assert exact.message.guidance == 1.0
    assert network.arrays["classes"].any()
    state.update(IMAGE_DATA, places={"digits": "/bundled"})
    (again,) = image_desk.heard(*KINDS)
    assert (again.message.slot, again.message.data_root) == ("exact", "/bundled")


def test_classes_that_another_model_does_not_know_go(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, class_a=3, tile_class=4, tile_classes=((0, 2),))
    image_desk.link.answer_all()
    image_desk.heard()
    image_desk.models.open("plain")
    opening = image_desk.link.asked(messages.Open)[-1]
    config = image_training("digits", classes=False)
    image_desk.link.describe(opening.job, config)
    images = state.get(IMAGE_SAMPLING)
    assert (images.class_a, images.tile_class, images.tile_classes) == (None, None, ())
    assert not any("classes" in packet.arrays for packet in image_desk.heard(*KINDS))


@pytest.mark.parametrize("path", ["spherical", "drawn"])
def test_c_is_sent_where_the_path_knows_it(image_desk, path):
    state = image_desk.state
    endpoints.place_tile(state, 4, "C")
    assert not image_desk.heard(*KINDS)
    state.update(IMAGE_SAMPLING, path=path)
    strip = image_desk.heard(*KINDS)[0]
    assert np.array_equal(strip.arrays["through"], latents_of(image_desk, 4)[None])


def test_a_geodesic_is_searched_when_wanted_and_shown_on_the_way(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, path="geodesic")
    (search,) = image_desk.heard(messages.FindPath, *KINDS)
    assert search.message.points == 12
    assert np.array_equal(search.arrays["start"], latents_of(image_desk, 0))
    found = np.linspace(search.arrays["start"], search.arrays["end"], 12, dtype=np.float32)
    some = np.stack([found, found])
    link.report(
        messages.PathFound(job=search.message.job, step=1, total=9, energy=2.0, elapsed=0.1),
        {"latents": found, "t": np.array([250, 0]), "x": some, "x0": some},
    )
    settle()
    assert state.at(LANE_RUNS, "ddim").coarse
    assert state.at(LANE_RUNS, "ddim").trajectory.t == (250, 0)
    assert state.get(GEODESIC).ends == (state.get(IMAGE_SAMPLING).a, state.get(IMAGE_SAMPLING).b)
    link.report(
        messages.Result(
            job=search.message.job, info={"energies": [2.0], "coefficients": 3, "off_data": 0.0}
        ),
        {"latents": found},
    )
    strips = image_desk.heard(*KINDS)
    assert len(strips) == 3
    for packet in strips:
        assert np.array_equal(packet.arrays["latents"], found)


def test_a_geodesic_is_searched_among_the_classes_of_the_path(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, path="geodesic", class_a=3, class_b=4, guidance=2.0)
    (search,) = image_desk.heard(messages.FindPath, *KINDS)
    assert search.message.guidance == 2.0
    s = np.linspace(0, 1, 12)
    assert search.arrays["classes"][:, 3] == pytest.approx(1 - s, abs=1e-6)
    assert search.arrays["classes"][:, 4] == pytest.approx(s, abs=1e-6)
    state.update(IMAGE_SAMPLING, class_b=5)  # another path then
    (again,) = image_desk.heard(messages.FindPath, *KINDS)
    assert again.arrays["classes"][-1].argmax() == 5
    state.update(IMAGE_SAMPLING, class_a=None, class_b=None)
    (plain,) = image_desk.heard(messages.FindPath, *KINDS)
    assert "classes" not in plain.arrays
    assert plain.message.guidance == 1.0


def test_a_search_that_fails_says_so_in_the_strips(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, path="geodesic")
    (search,) = image_desk.heard(messages.FindPath)
    link.report(messages.Failure(job=search.message.job, message="there are no data"))
    settle()
    assert state.at(LANE_RUNS, "ddim").status == "failed"
    assert state.at(LANE_RUNS, "ddim").message == "there are no data"


def test_a_failure_is_one_sentence_and_takes_nothing_else_away(image_desk):
    state, link = image_desk.state, image_desk.link
    kept = state.at(LANE_RUNS, "ddim").trajectory
    state.update(IMAGE_SAMPLING, seed=9)
    (tiles,) = image_desk.heard(*KINDS)
    link.report(messages.Failure(job=tiles.message.job, message="too many images"))
    assert image_desk.messages[-1] == ("Too many images.", True)
    assert image_desk.tiles().status == "failed"
    assert state.at(LANE_RUNS, "ddim").trajectory is kept


def test_after_a_death_everything_is_asked_for_again(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    (tiles,) = image_desk.heard(*KINDS)
    link.frames(tiles, 0, 3)
    link.die("the engine was ended by signal 9")
    assert image_desk.tiles().status == "failed"
    assert len(image_desk.tiles().trajectory.x) == 3
    image_desk.controllers.engine.start_again()
    link.get_ready()
    link.describe(link.asked(messages.Open)[-1].job, image_training("digits"))
    (tiles,) = image_desk.heard(*KINDS)
    link.frames(tiles)
    link.finish(tiles)
    assert slots(image_desk.heard(*KINDS)) == ["ddpm", "ddpm-shared", "ddim"]


def test_a_lane_with_a_model_of_points_says_why_it_is_empty(image_desk):
    state, link = image_desk.state, image_desk.link
    update_lane(state, "ddim", checkpoint="v")
    settle()
    link.describe(link.asked(messages.Open)[-1].job, TrainingConfig())
    settle()
    assert state.at(LANE_RUNS, "ddim").status == "failed"
    assert (
        state.at(LANE_RUNS, "ddim").message
        == "v makes points in the plane, not grey images of 8 x 8"
    )


def test_the_tiles_take_the_sampler_that_they_are_told(image_desk):
    image_desk.state.update(IMAGE_SAMPLING, sampler="ddpm", steps=None, eta=0.5)
    (tiles,) = image_desk.heard(*KINDS)
    assert (tiles.message.sampler.name, tiles.message.sampler.steps) == ("ddpm", 250)
    assert tiles.message.sampler.eta == 0.0


# Slice


def test_shares_keep_the_norm_of_independent_corners():
    shares = shares_at(map_places())
    assert shares.shape == (63, 3)
    assert (shares**2).sum(axis=1) == pytest.approx(np.ones(63), abs=1e-6)
    corners = shares_at(np.array([(0, 0), (1, 0), (0, 1)]))
    assert corners == pytest.approx(np.eye(3))


def test_the_slice_is_decoded_only_while_it_is_shown(image_desk):
    state, link = image_desk.state, image_desk.link
    assert not image_desk.heard(*KINDS)
    state.update(IMAGE_CARD, face="slice")
    plane, dot = image_desk.heard(*KINDS)
    assert (plane.message.slot, plane.message.last) == ("slice", True)
    assert plane.arrays["latents"].shape == (63, 1, 8, 8)
    corners = np.stack([latents_of(image_desk, n) for n in (0, 32, 1)])  # tile 2 stands in for C
    expected = np.tensordot(shares_at(map_places()), corners, 1)
    assert plane.arrays["latents"] == pytest.approx(expected, abs=1e-5)
    assert (dot.message.slot, dot.message.sampler.steps) == ("dot", 8)
    link.frames(plane)
    link.finish(plane)
    assert state.get(SLICE).status == "done"
    assert (state.get(SLICE).columns, state.get(SLICE).rows) == (9, 7)
    state.update(IMAGE_CARD, face="picture")
    settle()
    assert state.get(SLICE).images is None
    state.update(IMAGE_SAMPLING, seed=8)
    assert slots(image_desk.heard(*KINDS)) == ["samples"]


def test_a_dot_that_is_dragged_asks_for_itself_alone_one_place_at_a_time(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_CARD, face="slice")
    plane, dot = image_desk.heard(*KINDS)
    for packet in (plane, dot):
        link.frames(packet)
        link.finish(packet)
    (fine,) = image_desk.heard(*KINDS)
    assert fine.message.sampler.steps == 50  # it rests: with all steps
    link.frames(fine)
    link.finish(fine)
    state.set(DRAGGING, True)
    state.update(IMAGE_CARD, dot=(0.1, 0.2))
    (first,) = image_desk.heard(*KINDS)
    state.update(IMAGE_CARD, dot=(0.2, 0.2))
    state.update(IMAGE_CARD, dot=(0.3, 0.2))
    assert not image_desk.heard(*KINDS)
    link.frames(first)
    link.finish(first)
    (newest,) = image_desk.heard(*KINDS)
    assert newest.message.sampler.steps == 8
    corners = np.stack([latents_of(image_desk, n) for n in (0, 32, 1)])
    at = np.tensordot(shares_at(np.array([(0.3, 0.2)])), corners, 1)
    assert newest.arrays["latents"] == pytest.approx(at, abs=1e-6)
    link.frames(newest)
    link.finish(newest)
    assert not image_desk.heard(*KINDS)  # the hand may go on
    state.set(DRAGGING, False)
    (fine,) = image_desk.heard(*KINDS)
    assert fine.message.sampler.steps == 50


# Attention


def attend(desk, packet, side=4, heads=2):
    """Answer a request for attention: every pixel looks everywhere alike."""
    job, size = packet.message.job, side * side
    weights = np.full((heads, size, size), 1 / size, np.float32)
    for index, t in enumerate(packet.message.times):
        message = messages.AttentionAt(job=job, index=index, t=t, layer="middle", side=side)
        desk.link.report(message, {"weights": weights})
    layers = [{"name": "middle", "side": side, "heads": heads}]
    desk.link.report(messages.Result(job=job, info={"layers": layers}))


def test_attention_is_asked_for_only_while_it_is_looked_at(image_desk):
    state, playback = image_desk.state, image_desk.playback
    playback.set_t(100)
    assert not image_desk.heard(messages.Attend)
    state.update(IMAGE_CARD, face="attention", pinned_tile=6)
    (asked,) = image_desk.heard(messages.Attend)
    assert asked.message.times == [100]
    trajectory = image_desk.tiles().trajectory
    step = trajectory.t.index(100)
    assert np.array_equal(asked.arrays["x"], trajectory.x[step][6][None])
    attend(image_desk, asked)
    assert state.get(ATTENTION).status == "done"
    assert state.get(ATTENTION).layers == (("middle", 4, 2),)
    assert list(state.get(ATTENTION).weights) == [100]
    playback.set_t(98)  # nearest to the same time that was visited
    assert not image_desk.heard(messages.Attend)
    playback.set_t(0)  # where the network is never asked
    (asked,) = image_desk.heard(messages.Attend)
    assert asked.message.times == [5]
    state.update(IMAGE_CARD, face="picture")
    settle()
    playback.set_t(50)
    assert not image_desk.heard(messages.Attend)
    assert not state.get(ATTENTION).weights


def test_while_playing_the_next_time_is_asked_when_the_last_has_come(image_desk):
    state, playback = image_desk.state, image_desk.playback
    state.update(IMAGE_CARD, face="attention")
    (asked,) = image_desk.heard(messages.Attend)
    for t in (240, 230, 220):
        playback.set_t(t)
    assert not image_desk.heard(messages.Attend)
    attend(image_desk, asked)
    (asked,) = image_desk.heard(messages.Attend)
    assert asked.message.times == [220]


def test_an_average_asks_for_the_rest(image_desk):
    state = image_desk.state
    state.update(IMAGE_CARD, face="attention", averaged=True)
    (first,) = image_desk.heard(messages.Attend)
    assert first.message.times == [250]
    attend(image_desk, first)
    (rest,) = image_desk.heard(messages.Attend)
    assert sorted(rest.message.times) == list(range(5, 250, 5))
    attend(image_desk, rest)
    assert len(state.get(ATTENTION).weights) == 50
    assert not image_desk.heard(messages.Attend)


def test_an_average_of_the_largest_maps_comes_to_an_end(image_desk, monkeypatch):
    """Else the times of the average and the one that is shown push each other out for ever."""
    shown, largest = 120, 2 * 16 * 16 * 4  # bytes of what ``attend`` sends for a time
    room = attention.MAX_BYTES // MAX_MAP_BYTES
    monkeypatch.setattr(attention, "MAX_BYTES", room * largest)
    image_desk.playback.set_t(shown)
    image_desk.state.update(IMAGE_CARD, face="attention", averaged=True)
    for _ in range(5):
        for asked in image_desk.heard(messages.Attend):
            attend(image_desk, asked)
    assert not image_desk.heard(messages.Attend)
    assert shown in image_desk.state.get(ATTENTION).weights
    assert len(image_desk.state.get(ATTENTION).weights) >= 3


def test_attention_of_a_strip_with_the_class_of_its_place(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, class_a=2, class_b=3)
    image_desk.link.answer_all()
    image_desk.heard()
    state.update(IMAGE_CARD, face="attention", attention_of="ddim")
    state.set(PINNED, 11)
    asked = image_desk.heard(messages.Attend)[-1]
    assert np.array_equal(asked.arrays["x"][0], state.at(LANE_RUNS, "ddim").trajectory.x[0][11])
    assert asked.arrays["classes"].argmax() == 3


def test_attention_that_fails_is_not_asked_again_and_again(image_desk):
    state = image_desk.state
    state.update(IMAGE_CARD, face="attention")
    (asked,) = image_desk.heard(messages.Attend)
    image_desk.link.report(messages.Failure(job=asked.message.job, message="no attention"))
    assert state.get(ATTENTION).message == "no attention"
    image_desk.playback.set_t(100)
    assert not image_desk.heard(messages.Attend)
    state.update(IMAGE_CARD, layer="down.1.attention.heads")
    (asked,) = image_desk.heard(messages.Attend)
    assert asked.message.layer == "down.1.attention.heads"


# Costs


def cost_of(desk):
    wait_until(lambda: desk.link.asked(messages.MeasureCost), "a cost")
    (packet,) = desk.heard(messages.MeasureCost)
    return packet


def test_the_presets_are_measured_one_by_one_the_chosen_first(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(TRAINING_CONFIG, **vars(image_training("mnist")))
    widths = []
    for number in range(3):
        packet = cost_of(image_desk)
        widths.append(packet.message.config.unet.width)
        info = {"parameters": number, "seconds_per_step": 0.5, "bytes": 1}
        link.report(messages.Result(job=packet.message.job, info=info))
    assert widths == [24, 16, 48]
    assert state.at(COSTS, "mnist/medium").parameters == 0
    assert state.at(COSTS, "mnist/large").seconds_per_step == 0.5
    wait_until(lambda: not image_desk.exchange.busy, "rest")
    assert not image_desk.heard(messages.MeasureCost)
    state.update(TRAINING_CONFIG, batch_size=128)
    settle()
    assert state.at(COSTS, "mnist/medium").parameters is None
    assert cost_of(image_desk).message.config.batch_size == 128


def test_a_measurement_that_fails_is_not_waited_for(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(TRAINING_CONFIG, **vars(image_training("mnist")))
    packet = cost_of(image_desk)
    link.report(messages.Failure(job=packet.message.job, message="out of memory"))
    assert image_desk.messages[-1] == ("Out of memory.", True)
    assert state.at(COSTS, "mnist/medium").failed
    assert not state.at(COSTS, "mnist/small").failed
    state.update(TRAINING_CONFIG, batch_size=16)  # which may do: it is measured again
    settle()
    assert not state.at(COSTS, "mnist/medium").failed
    assert cost_of(image_desk).message.config.batch_size == 16


def test_nothing_is_measured_beside_a_training(image_desk):
    state = image_desk.state
    state.set(TRAINING, replace(state.get(TRAINING), status="running"))
    state.update(TRAINING_CONFIG, **vars(image_training("mnist")))
    wait_until(lambda: not image_desk.exchange.busy, "rest")
    assert not image_desk.heard(messages.MeasureCost)


# Data


def test_the_data_are_looked_for_when_the_engine_comes_up(image_desk):
    state, link = image_desk.state, image_desk.link
    link.die("gone")
    image_desk.controllers.engine.start_again()
    link.get_ready()
    (find,) = image_desk.heard(messages.FindData)
    info = {"mnist": "", "fashion": "/usr/share/fashion", "download_root": "/home/x/data"}
    link.report(messages.Result(job=find.message.job, info=info))
    assert state.get(IMAGE_DATA).places == {"mnist": "", "fashion": "/usr/share/fashion"}
    assert state.get(IMAGE_DATA).download_root == "/home/x/data"


def test_folders_of_another_machine_are_kept_apart(image_desk):
    state, data = image_desk.state, image_desk.image_sets
    data.set_root("/here")
    data.use_folder("/here/pictures")
    state.set(ENGINE, replace(state.get(ENGINE), host="ada@far"))
    assert (state.get(IMAGE_DATA).root, state.get(IMAGE_DATA).places) == ("", {})
    data.set_root("/there")
    assert image_desk.heard(messages.FindData)[-1].message.data_roots == ["/there"]
    state.set(ENGINE, replace(state.get(ENGINE), host=""))
    assert state.get(IMAGE_DATA).root == "/here"
    assert state.get(IMAGE_DATA).places == {"folder": "/here/pictures"}
    state.set(ENGINE, replace(state.get(ENGINE), host="ada@far"))
    assert state.get(IMAGE_DATA).root == "/there"


def test_a_download_counts_bytes_and_can_be_cancelled(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    data.fetch("mnist")
    (asked,) = image_desk.heard(messages.DownloadData)
    assert asked.message.dataset == state.get(IMAGE_DATA).fetching == "mnist"
    link.report(
        messages.Progress(job=asked.message.job, done=3, total=12, elapsed=1.0, remaining=9.0)
    )
    shown = state.get(IMAGE_DATA)
    assert (shown.done, shown.total, shown.remaining) == (3, 12, 9.0)
    data.fetch("cifar10")  # one at a time
    assert not image_desk.heard(messages.DownloadData)
    data.cancel_fetch()
    assert state.get(IMAGE_DATA).fetching == ""
    (cancel,) = image_desk.heard(messages.Cancel)
    assert cancel.message.job == asked.message.job


def test_a_download_that_fails_says_why(image_desk):
    state, link = image_desk.state, image_desk.link
    image_desk.image_sets.fetch("mnist")
    (asked,) = image_desk.heard(messages.DownloadData)
    link.report(messages.Failure(job=asked.message.job, message="the connection broke"))
    assert state.get(IMAGE_DATA).fetching == ""
    assert state.get(IMAGE_DATA).message == "the connection broke"
    image_desk.image_sets.fetch("mnist")
    (asked,) = image_desk.heard(messages.DownloadData)
    link.report(messages.Result(job=asked.message.job, info={"root": "/data"}))
    assert image_desk.heard(messages.FindData)  # where it is now


def test_images_to_choose_from_are_others_each_time(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    data.browse("digits")
    (first,) = image_desk.heard(messages.BrowseImages)
    images, labels = np.zeros((3, 1, 8, 8), np.uint8), np.arange(3)
    arrays = {"images": images, "labels": labels, "rows": labels}
    link.report(messages.Result(job=first.message.job, info={"count": 3}), arrays)
    assert state.get(IMAGE_DATA).browsed is images
    assert state.get(IMAGE_DATA).browsed_set == "digits"
    data.browse("digits")
    (second,) = image_desk.heard(messages.BrowseImages)
    assert second.message.seed != first.message.seed


def test_images_that_cannot_be_browsed_are_no_failed_download(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    assert state.get(IMAGE_DATA).places["mnist"] == ""
    data.browse("mnist")
    (asked,) = image_desk.heard(messages.BrowseImages)
    why = "the data set 'mnist' is not here: name its folder with --data-root"
    link.report(messages.Failure(job=asked.message.job, message=why))
    told = state.get(IMAGE_DATA).browse_message
    assert told.startswith("MNIST is not on this computer: download it in the panel Train")
    assert state.get(IMAGE_DATA).message == ""
    data.browse("digits")
    assert state.get(IMAGE_DATA).browse_message == ""
    (asked,) = image_desk.heard(messages.BrowseImages)
    link.report(messages.Failure(job=asked.message.job, message="its file is damaged"))
    assert state.get(IMAGE_DATA).browse_message == "its file is damaged"


def test_images_of_a_folder_come_in_the_shape_of_the_model(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    state.update(TRAINING_CONFIG, **vars(folder_training(48, 3)))
    image_desk.models.open("own pictures")
    link.describe(link.asked(messages.Open)[-1].job, folder_training(16, 1))
    assert (state.get(MODEL).dataset, state.get(MODEL).shape) == ("folder", (1, 16, 16))
    data.use_folder("/x/pictures")
    data.browse("folder")
    (asked,) = image_desk.heard(messages.BrowseImages)
    assert (asked.message.config.image_size, asked.message.config.channels) == (16, 1)
    assert asked.message.data_root == "/x/pictures"


def test_images_of_another_folder_are_forgotten(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    arrays = {"images": np.zeros((3, 1, 8, 8), np.uint8), "labels": np.arange(3)}

    def answer():
        (asked,) = image_desk.heard(messages.BrowseImages)
        link.report(messages.Result(job=asked.message.job), arrays)

    data.use_folder("/x/one")
    data.browse("folder")
    answer()
    assert state.get(IMAGE_DATA).browsed_set == "folder"
    data.use_folder("/x/two")
    shown = state.get(IMAGE_DATA)
    assert (shown.browsed, shown.labels, shown.browsed_set) == (None, None, "")
    assert shown.places["folder"] == "/x/two"
    data.browse("folder")
    data.use_folder("/x/three")  # before those of the second have come
    answer()
    assert state.get(IMAGE_DATA).browsed is None
    data.browse("digits")
    answer()
    data.use_folder("/x/four")
    assert state.get(IMAGE_DATA).browsed_set == "digits"


def test_a_chosen_folder_without_the_set_is_told_once(image_desk):
    state, link, data = image_desk.state, image_desk.link, image_desk.image_sets
    state.update(TRAINING_CONFIG, **vars(image_training("mnist")))

    def answer(mnist):
        (find,) = image_desk.heard(messages.FindData)
        link.report(messages.Result(job=find.message.job, info={"mnist": mnist, "fashion": ""}))

    before = len(image_desk.messages)
    data.find()
    answer("")
    assert len(image_desk.messages) == before  # nobody has chosen anything
    data.set_root("/x/y")
    answer("")
    assert image_desk.messages[before:] == [("There is no MNIST in '/x/y'.", True)]
    data.find()
    answer("")
    data.set_root("/x/z")
    answer("/x/z")
    state.update(TRAINING_CONFIG, **vars(image_training("digits")))
    data.set_root("/x/y")  # these are never looked for
    answer("")
    assert len(image_desk.messages) == before + 1


def test_the_folder_of_the_data_is_kept_and_sent_along(image_desk):
    image_desk.image_sets.set_root("/my/data")
    (find,) = image_desk.heard(messages.FindData)
    assert find.message.data_roots == ["/my/data"]
    state = image_desk.state
    state.update(TRAINING_CONFIG, **vars(image_training("mnist")))
    image_desk.training.train()
    (train,) = image_desk.heard(messages.Train)
    assert train.message.data_root == "/my/data"
    assert train.message.config.unet is not None
    assert state.get(TRAINING).config == train.message.config
    data = image_desk.image_sets
    again = type(data)(Store(), image_desk.link, image_desk.settings, data)
    assert again._state.get(IMAGE_DATA).roots == ("/my/data",)


def test_a_folder_for_another_set_leaves_those_found_before(image_desk):
    link, data = image_desk.link, image_desk.image_sets

    def answer(**info):
        (find,) = image_desk.heard(messages.FindData)
        link.report(messages.Result(job=find.message.job, info=info))
        return find.message.data_roots

    data.set_root("/digits")
    assert answer(mnist="/digits/MNIST/raw", fashion="") == ["/digits"]
    data.set_root("/clothes")
    found = {"mnist": "/digits/MNIST/raw", "fashion": "/clothes"}
    assert answer(**found) == ["/clothes", "/digits"]
    data.set_root("/digits")
    assert answer(**found) == ["/digits", "/clothes"]
    for dataset, place in found.items():
        data.browse(dataset)
        (browse,) = image_desk.heard(messages.BrowseImages)
        assert browse.message.data_root == place
    data.fetch("cifar10")
    (fetch,) = image_desk.heard(messages.DownloadData)
    assert fetch.message.data_root == "/digits"
    again = type(data)(Store(), link, image_desk.settings, data)
    assert again._state.get(IMAGE_DATA).roots == ("/digits", "/clothes")


def test_a_training_of_the_other_mode_takes_nobody_with_it(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(TRAINING_CONFIG, **vars(image_training("digits")))
    image_desk.training.train()
    (train,) = image_desk.heard(messages.Train)
    image_desk.open("v")
    link.answer_all()
    folder = state.get(TRAINING).folder
    (image_desk.runs._root / folder / "checkpoint.safetensors").write_bytes(b"x")
    image_desk.heard()
    link.report(messages.Result(job=train.message.job))
    assert not image_desk.heard(messages.Open)
    assert state.get(MODEL).ref == "v"
    assert folder in image_desk.runs.recent()
    assert "The training has ended" in image_desk.messages[-1][0]


def test_stopped_tiles_keep_what_has_come_until_something_is_changed(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    (tiles,) = image_desk.heard(*KINDS)
    link.frames(tiles, 0, 3)
    settle()
    assert image_desk.tiles().status == "running"
    image_desk.images.stop()
    (cancel,) = image_desk.heard(*KINDS, messages.Cancel)
    assert cancel.message.job == tiles.message.job
    run = image_desk.tiles()
    assert run.status == "empty"
    assert run.trajectory.meta[endpoints.SEED] == 9
    link.frames(tiles, 3)
    link.finish(tiles)
    settle()
    assert image_desk.tiles() is run
    assert len(run.trajectory.x) == 3
    state.update(IMAGE_SAMPLING, c=endpoints.tile_end(state, 4))  # nothing goes by it
    state.update(LOOK, selected_lane="ddim")
    state.changed(LANES).emit()
    assert not image_desk.heard(*KINDS)
    assert not image_desk.images.busy
    assert not [timer for timer in image_desk.images.findChildren(QTimer) if timer.isActive()]
    state.update(IMAGE_SAMPLING, seed=10)
    (other,) = image_desk.heard(*KINDS)
    assert other.message.slot == "samples"
    link.frames(other)
    link.finish(other)
    link.answer_all()
    image_desk.images.stop()  # nothing is under way
    assert image_desk.tiles().status == "done"
    image_desk.heard()
    state.update(IMAGE_SAMPLING, seed=9)
    assert slots(image_desk.heard(*KINDS)) == ["samples"]


def test_after_a_stop_the_path_can_be_changed_without_the_tiles(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, seed=9)
    (tiles,) = image_desk.heard(*KINDS)
    link.frames(tiles, 0, 3)
    image_desk.images.stop()
    image_desk.heard()
    endpoints.place_tile(state, 3)
    assert slots(image_desk.heard(*KINDS)) == ["ddpm", "ddpm-shared", "ddim"]
    assert image_desk.tiles().status == "empty"


def test_strips_that_are_stopped_keep_their_frames(image_desk):
    state, link = image_desk.state, image_desk.link
    endpoints.place_tile(state, 7)
    strips = image_desk.heard(*KINDS)
    link.frames(strips[0], 0, 3)
    link.frames(strips[1])  # all of it, but for the word that it was all
    settle()
    before = image_desk.run().trajectory
    image_desk.images.stop()
    cancelled = {packet.message.job for packet in image_desk.heard(messages.Cancel)}
    assert cancelled == {packet.message.job for packet in strips}
    assert state.at(LANE_RUNS, "ddpm").status == "empty"
    assert len(state.at(LANE_RUNS, "ddpm").trajectory.x) == 3
    assert state.at(LANE_RUNS, "ddpm-shared").status == "done"
    assert image_desk.run().trajectory is before  # nothing newer has come
    for packet in strips:
        link.frames(packet, 3, 5)
        link.finish(packet)
    assert len(state.at(LANE_RUNS, "ddpm").trajectory.x) == 3
    assert not image_desk.heard(*KINDS)
    endpoints.place_tile(state, 8)
    assert len(image_desk.heard(*KINDS)) == 3


def test_strips_that_wait_for_stopped_tiles_wait_no_longer(image_desk):
    state, link = image_desk.state, image_desk.link
    image_desk.open_images("again")
    (tiles,) = image_desk.heard(*KINDS)
    state.put(LANE_RUNS, "ddim", LaneRun())  # as for a lane that has never been shown
    link.frames(tiles, 0, 3)
    state.changed(LANES).emit()
    settle()
    assert image_desk.run().status == "running"
    image_desk.images.stop()
    state.changed(LANES).emit()
    settle()
    keys = [endpoints.SAMPLES_KEY, *(lane.key for lane in shown_lanes(state))]
    assert not [key for key in keys if state.at(LANE_RUNS, key).status == "running"]
    assert not image_desk.heard(*KINDS)


def test_tiles_stopped_before_the_first_say_so(image_desk):
    state, link = image_desk.state, image_desk.link
    image_desk.open_images("other", "mnist")
    (tiles,) = image_desk.heard(*KINDS)
    assert image_desk.tiles().status == "running"
    image_desk.images.stop()
    assert image_desk.tiles().status == "empty"
    assert image_desk.tiles().message.startswith("Stopped")
    link.frames(tiles)
    assert image_desk.tiles().trajectory is None
    assert not image_desk.heard(*KINDS)
    state.update(IMAGE_SAMPLING, count=16)
    assert slots(image_desk.heard(*KINDS)) == ["samples"]


def test_a_stop_ends_the_search_for_the_strips(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_SAMPLING, path="geodesic")
    (search,) = image_desk.heard(messages.FindPath)
    found = np.linspace(search.arrays["start"], search.arrays["end"], 12, dtype=np.float32)
    some = np.stack([found, found])
    better = messages.PathFound(job=search.message.job, step=1, total=9, energy=2.0, elapsed=0.1)
    arrays = {"latents": found, "t": np.array([250, 0]), "x": some, "x0": some}
    link.report(better, arrays)
    settle()
    assert image_desk.run().status == "running"
    image_desk.images.stop()
    (cancel,) = image_desk.heard(messages.Cancel, messages.FindPath, *KINDS)
    assert cancel.message.job == search.message.job
    assert state.get(GEODESIC).status == "stopped"
    run = image_desk.run()
    assert (run.status, run.trajectory.t) == ("empty", (250, 0))
    link.report(better, arrays)
    assert image_desk.run() is run
    assert not image_desk.heard(messages.FindPath, *KINDS)
    state.update(IMAGE_SAMPLING, path="spherical")
    assert len(image_desk.heard(*KINDS)) == 3


def test_a_stop_leaves_2d_alone(image_desk):
    image_desk.open("v")
    settle()
    image_desk.heard()
    image_desk.images.stop()
    assert not image_desk.heard(messages.Cancel)
