"""Mode Images where more than one network is at work: lanes of others, trainings, other shapes."""

from dataclasses import replace

import numpy as np
import pytest

from engine.datasets.images import image_training
from engine.shared import messages
from engine.shared.config import unet_preset
from engine.shared.trajectory import Trajectory
from tests.hands.window import settle
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.compose import compose_images
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_INVERSION, IMAGE_SAMPLING, ImageEnd
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneRun
from toydiff_gui.state.model import MODEL, ModelInfo, remember_model, show_model
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import PINNED

SHAPE = (1, 8, 8)
KINDS = (messages.Sample, messages.Interpolate)


def other(ref="other", **changes):
    model = ModelInfo(ref, "digits", mean=(0.5,), std=(0.5,), shape=SHAPE, attends=True)
    return replace(model, **changes)


def lane_with(state, checkpoint):
    """The last lane is of another network."""
    lanes = list(state.get(LANES))
    at = next(n for n, lane in enumerate(lanes) if lane.key == "ddim")
    lanes[at] = replace(lanes[at], checkpoint=checkpoint)
    state.set(LANES, tuple(lanes))


def white_run(model):
    """White in the units of ``model``."""
    white = (1 - model.mean[0]) / model.std[0]
    states = np.full((4, *model.shape), white, np.float32)
    return LaneRun(trajectory=Trajectory([250, 0], [states] * 2, [states]), status="done")


def test_white_is_white_whatever_the_units_of_the_network(image_desk):
    state, model = image_desk.state, other()
    remember_model(state, model)
    lane_with(state, "other")
    run = white_run(model)
    state.put(LANE_RUNS, "ddim", run)
    state.set(PINNED, 1)
    state.update(IMAGE_CARD, attention_of="ddim")
    scene = compose_images(state)
    strip = next(strip for strip in scene.strips if strip.key == "ddim")
    assert (scene.pixels(strip.trajectory.x[-1]) == 255).all()
    assert (scene.pixels(scene.looked_at.state_at(0)) == 255).all()
    # Norms stay those of the latents that the network was given.
    assert strip.latent_norms == pytest.approx([8.0] * 4)
    assert scene.looked_at.made is run.trajectory


def test_frames_of_another_network_are_seen_as_they_come(image_desk):
    state, model = image_desk.state, other()
    remember_model(state, model)
    lane_with(state, "other")
    whole = white_run(model).trajectory
    for frames in (1, 2):
        growing = Trajectory(whole.t, whole.x[:frames])
        state.put(LANE_RUNS, "ddim", LaneRun(trajectory=growing, status="running"))
        strip = next(strip for strip in compose_images(state).strips if strip.key == "ddim")
        assert len(strip.trajectory.x) == frames


def train_digits_beside(image_desk, ref="mnist"):
    """A training of 8x8 images that was begun while a model of 28x28 was shown."""
    state = image_desk.state
    image_desk.open_images(ref, "mnist")
    image_desk.link.answer_all()
    state.update(TRAINING_CONFIG, **vars(image_training("digits")))
    image_desk.training.train()
    (train,) = image_desk.heard(messages.Train)
    states = np.zeros((64, *SHAPE), np.float32)
    image_desk.link.report(
        messages.Snapshot(
            job=train.message.job, step=10, total=100, elapsed=1.0, remaining=9.0, values={}
        ),
        {
            "steps": np.arange(10),
            "losses": np.ones(10, np.float32),
            "t": np.array([250, 0]),
            "x": np.stack([states, states]),
            "x0": np.stack([states, states]),
        },
    )
    settle()
    return train


def test_a_model_opened_while_another_is_trained_shows_its_own_samples(image_desk):
    state = image_desk.state
    train_digits_beside(image_desk)
    assert endpoints.shown_tiles(state) is state.get(TRAINING).preview
    image_desk.open_images("digits", "digits")
    image_desk.link.answer_all()
    settle()
    assert endpoints.shown_tiles(state) is state.at(LANE_RUNS, "samples").trajectory
    assert state.get(IMAGE_SAMPLING).a is not None
    assert state.get(IMAGE_SAMPLING).a.label == "Tile 1"


def test_ends_are_of_the_samples_even_while_others_are_trained(image_desk):
    state = image_desk.state
    train_digits_beside(image_desk)
    state.update(IMAGE_SAMPLING, a=None, b=None)
    settle()
    assert state.get(IMAGE_SAMPLING).a.latents.shape == (1, 28, 28)
    assert not state.get(IMAGE_SAMPLING).a.in_training


def test_classes_go_to_networks_that_know_them_only(image_desk):
    state, link = image_desk.state, image_desk.link
    remember_model(state, other())  # without classes
    lane_with(state, "other")
    link.answer_all()
    state.update(IMAGE_SAMPLING, class_a=3, class_b=4)
    state.put(LANE_RUNS, "ddim", white_run(other()))
    image_desk.heard()
    state.update(IMAGE_CARD, face="attention", attention_of="ddim", layer="down.2.1")
    (asked,) = image_desk.heard(messages.Attend)
    assert asked.message.checkpoint == "other"
    assert "classes" not in asked.arrays
    assert asked.message.layer == ""  # that one is the other network's


def test_ends_are_called_what_the_model_of_now_calls_their_class(image_desk):
    state = image_desk.state
    state.update(IMAGE_SAMPLING, tile_class="each")
    image_desk.link.answer_all()
    image_desk.heard()
    assert state.get(IMAGE_SAMPLING).a.label == "0, tile 1"
    show_model(state, replace(state.get(MODEL), labels=tuple("abcdefghij"), revision=1))
    image_desk.link.answer_all()
    settle()
    assert state.get(IMAGE_SAMPLING).a.label == "a, tile 1"


def test_an_inversion_ends_with_a_model_of_another_size(image_desk):
    state = image_desk.state
    pixels = np.zeros((1, 8, 8), np.uint8)
    image_desk.image_inverter.invert_image("A", pixels, "mine")
    assert state.get(IMAGE_INVERSION).status == "running"
    image_desk.open_images("mnist", "mnist")
    settle()
    assert state.get(IMAGE_INVERSION).status != "running"


def test_an_inverted_image_is_inverted_again_though_its_class_is_forgotten(image_desk):
    state, link = image_desk.state, image_desk.link
    pixels = np.zeros((1, 8, 8), np.uint8)
    image_desk.image_inverter.invert_image("A", pixels, "mine")
    (invert,) = image_desk.heard(messages.Invert)
    latents = np.ones((1, *SHAPE), np.float32)
    link.report(
        messages.Result(job=invert.message.job), {"latents": latents, "errors": np.zeros(1)}
    )
    assert state.get(IMAGE_SAMPLING).a.label == "mine"
    state.update(IMAGE_SAMPLING, class_a=7)
    image_desk.heard()
    config = image_training("digits")
    config = replace(config, unet=unet_preset("small", 8))
    image_desk.models.open("plain")
    (opening,) = image_desk.heard(messages.Open)
    link.describe(opening.message.job, config)
    assert image_desk.heard(messages.Invert)


def test_another_tile_that_stands_in_for_c_is_another_slice(image_desk):
    state, link = image_desk.state, image_desk.link
    state.update(IMAGE_CARD, face="slice")
    link.answer_all()
    image_desk.heard()
    state.update(IMAGE_SAMPLING, seed=9)
    (tiles,) = (packet for packet in image_desk.heard(*KINDS) if packet.message.slot == "samples")
    link.frames(tiles)
    link.finish(tiles)
    assert "slice" in {packet.message.slot for packet in image_desk.heard(*KINDS)}


def test_a_geodesic_moves_along_whatever_the_shape_of_its_latents():
    from toydiff_gui.controllers.geodesic import _moved

    ends = np.zeros(SHAPE, np.float32), np.ones(SHAPE, np.float32)
    path = np.linspace(*ends, 5, dtype=np.float32)
    moved = _moved(path, ends, (ends[0], 2 * ends[1]))
    assert moved == pytest.approx(2 * path)


def test_a_training_that_is_not_opened_is_offered(image_desk):
    heard = []
    image_desk.training.runs_changed.connect(lambda: heard.append(image_desk.runs.recent()))
    train = train_digits_beside(image_desk)
    image_desk.open("v")
    image_desk.link.answer_all()
    folder = image_desk.state.get(TRAINING).folder
    (image_desk.runs._root / folder / "checkpoint.safetensors").write_bytes(b"x")
    image_desk.link.report(messages.Result(job=train.message.job))
    assert heard == [[folder]]


def test_ends_that_were_placed_stay_what_they_are(image_desk):
    """An image that was inverted is no tile and follows none."""
    state = image_desk.state
    end = ImageEnd(np.ones(SHAPE, np.float32), "mine")
    endpoints.place_end(state, "A", end)
    state.update(IMAGE_SAMPLING, tile_class="each")
    settle()
    assert state.get(IMAGE_SAMPLING).a is end
