"""From the state to the scene of mode Images."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi

from engine.datasets.images import image_training
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.compose import compose_images, image_thumbnails
from toydiff_gui.modes.images.settings import (
    ATTENTION,
    IMAGE_CARD,
    IMAGE_POINTER,
    IMAGE_SAMPLING,
    SLICE,
    AttentionRun,
    ImageEnd,
    SliceRun,
)
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun, shown_lanes, update_lane
from toydiff_gui.state.model import MODEL, ModelInfo, show_model
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TrainingRun
from toydiff_gui.state.view import MARKED, PINNED
from toydiff_gui.timeline.thumbnails import thumbnail_times

SHAPE = (1, 8, 8)
DIGITS = ModelInfo(
    "digits", "digits", mean=(0.3,), std=(0.4,), shape=SHAPE, labels=tuple("0123456789"),
    attends=True,
)  # fmt: skip


def run_of(count, seed=5, times=(250, 125, 0), **changes):
    """A run whose images fade from noise to a level of their own."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, *SHAPE)).astype(np.float32)
    target = np.linspace(-0.75, 1.75, count, dtype=np.float32)[:, None, None, None]
    target = np.broadcast_to(target, noise.shape)
    x = [noise * (t / 250) + target * (1 - t / 250) for t in times]
    trajectory = Trajectory(list(times), x, [target for _ in times], {endpoints.SEED: seed})
    return LaneRun(trajectory=trajectory, status="done", **changes)


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    show_model(state, DIGITS)
    state.update(IMAGE_SAMPLING, count=9, path_images=4)
    state.put(LANE_RUNS, "samples", run_of(9, seconds=1.9))
    for lane in shown_lanes(state):
        state.put(LANE_RUNS, lane.key, run_of(4))
    endpoints.place_defaults(state)
    return state


def test_tiles_with_their_endpoints(state):
    scene = compose_images(state)
    assert scene.shape == SHAPE
    assert scene.tiles.note == "9 images · DDIM · 2 steps · 1.9 s"
    assert scene.tiles.marks == {0: "A", 4: "B"}
    assert scene.tiles.pinned == 0
    endpoints.place_tile(state, 7, "C")
    scene = compose_images(state)
    assert scene.tiles.marks == {0: "A", 4: "B", 7: "C"}
    assert scene.tiles.pinned == 7
    assert [(end.mark, end.label) for end in scene.endpoints] == [
        ("A", "Tile 1"),
        ("B", "Tile 5"),
        ("C", "Tile 8"),
    ]
    last = state.at(LANE_RUNS, "samples").trajectory.x0[-1]
    assert np.array_equal(scene.endpoints[2].image, last[7])


def test_pixels_are_those_of_the_data(state):
    scene = compose_images(state)
    # Standardised -0.75 is black, 1.75 white: (pixel / 255 - 0.3) / 0.4.
    pixels = scene.pixels(scene.tiles.states_at(0))
    assert pixels[0].max() == 0
    assert pixels[8].min() == 255


def test_tiles_of_another_seed_are_no_endpoints(state):
    state.update(IMAGE_SAMPLING, seed=6)
    state.put(LANE_RUNS, "samples", run_of(9, seed=6))
    scene = compose_images(state)
    assert scene.tiles.marks == {}
    assert scene.endpoints[0].label == "Tile 1 of seed 5"
    # It is still known what it shows: the strip begins there.
    assert np.array_equal(
        scene.endpoints[0].image, state.at(LANE_RUNS, "ddim").trajectory.x0[-1][0]
    )


def test_strips_with_the_norms_of_their_latents(state):
    scene = compose_images(state)
    assert [(s.key, s.number, s.title) for s in scene.strips] == [
        ("ddpm", 2, "DDPM"),
        ("ddpm-shared", 3, "DDPM, shared noise"),
        ("ddim", 4, "DDIM"),
    ]
    assert [strip.detail for strip in scene.strips] == ["η = 1", "η = 1", "η = 0"]
    latents = state.at(LANE_RUNS, "ddim").trajectory.x[0]
    assert scene.strips[2].latent_norms == pytest.approx(
        np.sqrt((latents.astype(np.float64) ** 2).sum(axis=(1, 2, 3)))
    )
    assert scene.prior_norms == pytest.approx(chi.ppf([0.025, 0.5, 0.975], 64))
    assert scene.path_label == "Linear"


def test_paths_of_lanes_are_named_where_they_differ(state):
    update_lane(state, "ddim", path="spherical")
    scene = compose_images(state)
    assert scene.path_label == "Several paths"
    assert [strip.detail for strip in scene.strips] == [
        "linear, η = 1",
        "linear, η = 1",
        "spherical, η = 0",
    ]


def test_strips_say_what_is_missing(state):
    state.put(LANE_RUNS, "ddim", LaneRun())
    state.update(IMAGE_SAMPLING, b=None)
    assert compose_images(state).strips[-1].message == "Click a tile for A, another for B."


def test_without_tiles_strips_do_not_ask_for_a_click_on_one(state):
    state.update(IMAGE_SAMPLING, a=None, b=None)
    state.put(LANE_RUNS, "ddim", LaneRun(status="running"))
    state.put(LANE_RUNS, "samples", LaneRun(status="running"))
    drawn = "The tiles are being drawn: A and B are taken from them."
    assert compose_images(state).strips[-1].message == drawn
    state.put(LANE_RUNS, "samples", LaneRun(message="Stopped before the first images had come."))
    assert compose_images(state).strips[-1].message.startswith("Stopped before")
    state.put(LANE_RUNS, "samples", LaneRun())
    state.set(ENGINE, EngineStatus("dead", message="it is gone"))
    assert compose_images(state).strips[-1].message == "The engine is not running."


def test_what_is_pointed_at_goes_before_what_is_pinned(state):
    state.update(IMAGE_CARD, pinned_tile=3)
    assert compose_images(state).looked_at.title == "Tile 4"
    state.update(IMAGE_CARD, attention_of="ddpm")
    state.set(PINNED, 2)
    looked_at = compose_images(state).looked_at
    assert looked_at.title == "DDPM, image 3 of 4"
    assert looked_at.index == 2
    state.update(IMAGE_POINTER, hovered_strip="ddim")
    state.set(MARKED, 1)
    assert compose_images(state).looked_at.title == "DDIM, image 2 of 4"
    state.update(IMAGE_POINTER, hovered_tile=8)
    assert compose_images(state).looked_at.title == "Tile 9"
    state.update(IMAGE_POINTER, hovered_tile=80)
    assert compose_images(state).looked_at.title == "Tile 9"  # there are no more


def test_classes_are_named(state):
    assert compose_images(state).tiles.classes == ()
    state.update(IMAGE_SAMPLING, tile_class=3, tile_classes=((1, None), (2, 7)))
    scene = compose_images(state)
    assert scene.tiles.classes == ("3", "", "7", "3", "3", "3", "3", "3", "3")
    assert scene.looked_at.detail == "asked for 3 · DDIM · seed 5"


def test_tiles_are_described_as_they_were_made_until_others_come(state):
    run = run_of(9)
    meta = {**run.trajectory.meta, "classes": [3, None, *range(7)], "sampler": "ddpm"}
    run = replace(run, trajectory=replace(run.trajectory, meta=meta))
    state.put(LANE_RUNS, "samples", run)
    state.update(IMAGE_SAMPLING, count=12, sampler="ddim", seed=6, tile_class="each")
    scene = compose_images(state)
    assert scene.tiles.classes == ("3", "", "0", "1", "2", "3", "4", "5", "6")
    assert scene.tiles.note == "9 images · DDPM · 2 steps"
    assert scene.looked_at.detail == "asked for 3 · DDPM · seed 5"


def test_attention_by_layer_head_and_query(state):
    weights = np.random.default_rng(0).dirichlet(np.ones(4), (2, 4)).astype(np.float32)
    layers = (("down.1.attention.heads", 2, 2), ("middle_attention.heads", 2, 2))
    state.update(IMAGE_CARD, face="attention", query=(5, 1), head=7)
    state.set(ATTENTION, AttentionRun("done", layers[1][0], 2, layers, {100: weights}))
    card = compose_images(state).attention
    assert [layer.title for layer in card.layers] == ["down  2 × 2", "middle  2 × 2"]
    assert card.layer == card.layers[1]
    assert (card.query, card.head) == ((1, 1), 1)  # held within what there is
    assert card.maps_at(90) == pytest.approx(weights[:, 3].reshape(2, 2, 2))
    assert card.image.title == "Tile 1"


def test_the_slice_says_what_stands_in_for_c(state):
    images = np.zeros((4, *SHAPE), np.float32)
    state.set(SLICE, SliceRun("running"))
    assert compose_images(state).slice.message.startswith("Waiting for the map. Tile 2 stands in")
    state.set(SLICE, SliceRun("done", 2, 2, (0, 1, 0, 1), images))
    card = compose_images(state).slice
    assert card.message.startswith("Tile 2 stands in for C")
    endpoints.place_tile(state, 7, "C")
    assert compose_images(state).slice.message == ""
    state.set(SLICE, SliceRun("running"))
    assert compose_images(state).slice.message == "Waiting for the map."


def test_without_an_engine_no_map_is_waited_for(state):
    state.set(SLICE, SliceRun())
    state.set(ENGINE, EngineStatus("dead", message="it is gone"))
    assert compose_images(state).slice.message == "The engine is not running."
    state.set(SLICE, SliceRun("failed", message="ended by signal 9"))
    assert compose_images(state).slice.message == "ended by signal 9"
    state.set(SLICE, SliceRun("done", 2, 2, (0, 1, 0, 1), np.zeros((4, *SHAPE), np.float32)))
    assert compose_images(state).slice.message.startswith("Tile 2 stands in for C")


def test_empty_cards_say_what_they_wait_for(state):
    nothing = LaneRun(trajectory=Trajectory((250, 0)), status="running")
    state.put(LANE_RUNS, "samples", nothing)
    for lane in shown_lanes(state):
        state.put(LANE_RUNS, lane.key, nothing)

    def said():
        scene = compose_images(state)
        return [scene.tiles.message, scene.attention.message, scene.strips[-1].message]

    assert said() == ["Waiting for the first samples"] * 3
    state.set(ENGINE, EngineStatus("starting"))
    assert said()[1] == "The engine is starting"
    state.set(ENGINE, EngineStatus("dead", message="it is gone"))
    assert said() == ["The engine is not running."] * 3
    state.set(ENGINE, EngineStatus("ready"))
    state.put(LANE_RUNS, "samples", run_of(9))
    image = "Waiting for the attention of this image"
    assert said() == ["", image, "Waiting for the images between A and B"]
    state.update(IMAGE_CARD, attention_of="gone")
    show_model(state, replace(DIGITS, attends=False))
    assert said()[1] == "This network has no attention to look at"
    state.set(ATTENTION, AttentionRun(message="It failed."))
    assert said()[1] == "It failed."


def test_what_is_being_trained_is_shown_in_the_units_of_the_model(state):
    """Pixels are the same whatever the mean and deviation of the training."""
    pixels = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, *SHAPE)
    states = (pixels - 0.1) / 0.2
    preview = Trajectory([100, 50, 0], [states] * 3, [states] * 3, {endpoints.SEED: 0})
    state.set(
        TRAINING,
        TrainingRun(
            status="running",
            step=700,
            preview=preview,
            config=image_training("digits"),
            mean=(0.1,),
            std=(0.2,),
        ),
    )
    scene = compose_images(state)
    assert scene.tiles.trajectory.t == (250, 125, 0)  # on the model's timeline
    assert scene.tiles.note == "in training · step 700"
    shown = scene.pixels(scene.tiles.states_at(0))
    assert np.array_equal(shown, np.round(pixels * 255).astype(np.uint8))
    assert scene.looked_at.detail == "in training · step 700"
    state.set(
        TRAINING, TrainingRun(status="done", preview=preview, config=image_training("digits"))
    )
    assert compose_images(state).tiles.trajectory is state.at(LANE_RUNS, "samples").trajectory


def test_a_training_of_points_shows_no_tiles(state):
    preview = Trajectory([250, 0], [np.zeros((3, 2), np.float32)] * 2, [])
    state.set(TRAINING, TrainingRun(status="running", preview=preview))
    assert compose_images(state).tiles.trajectory is state.at(LANE_RUNS, "samples").trajectory


def test_thumbnails_are_the_tile_becoming_an_image(state):
    state.update(IMAGE_CARD, pinned_tile=8)
    pictures = image_thumbnails(state, thumbnail_times(250, 4))
    assert len(pictures) == 4
    assert pictures[0].shape == (8, 8)
    assert pictures[-1] == pytest.approx(
        np.clip(state.at(LANE_RUNS, "samples").trajectory.x[1][8, 0] * 0.4 + 0.3, 0, 1)
    )
    state.put(LANE_RUNS, "samples", LaneRun(status="running"))
    assert image_thumbnails(state, thumbnail_times(250, 4)) == []


def test_thumbnails_of_a_model_of_colours_have_them(state):
    colours = np.random.default_rng(0).normal(size=(2, 4, 3, 8, 8)).astype(np.float32)
    trajectory = Trajectory([250, 0], list(colours), list(colours))
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    show_model(state, replace(state.get(MODEL), shape=(3, 8, 8), mean=mean, std=std))
    state.put(LANE_RUNS, "samples", LaneRun(trajectory, status="done"))
    state.update(IMAGE_CARD, pinned_tile=2)
    (picture,) = image_thumbnails(state, np.array([0.0]))
    assert picture.shape == (8, 8, 3)
    assert picture[..., 1] == pytest.approx((colours[1, 2, 1] * 0.3 + 0.4).clip(0, 1), abs=1e-6)


def test_an_inverted_image_shows_itself(state):
    image = np.ones(SHAPE, np.float32)
    end = ImageEnd(np.zeros(SHAPE, np.float32), "photo.png", image=image)
    endpoints.place_end(state, "B", end)
    scene = compose_images(state)
    assert scene.endpoints[1].label == "photo.png"
    assert scene.endpoints[1].image is image
    assert scene.tiles.marks == {0: "A"}


def test_what_a_lane_made_of_points_is_not_shown_as_images(state):
    """A lane that comes back under its old key may have run in the other mode before."""
    images = state.get(MODEL)
    show_model(state, ModelInfo(ref="v", dataset="v"))
    points = np.zeros((5, 2), np.float32)
    state.put(LANE_RUNS, "ddim", LaneRun(trajectory=Trajectory([1, 0], [points] * 2, [points] * 2)))
    show_model(state, images)
    assert all(strip.trajectory is None for strip in compose_images(state).strips)
