"""Checkpoints of images are measured as it is written down: by command, service and preview."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import engine
from engine.analysis import classifier as image_classifier
from engine.analysis import evaluation
from engine.analysis.classifier import load_classifier
from engine.analysis.images import ImageQuality
from engine.checkpoints import checkpoint as checkpoints
from engine.commands import group
from engine.datasets.images import load_digits
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, sample
from engine.shared import messages
from engine.training import preview
from engine.training.runs import open_run, train
from tests.engine.finished_work import finished
from tests.engine.small_unet import digits_config, lively_unet

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(evaluation, "IMAGES", 70)
    monkeypatch.setattr(evaluation, "QUICK_IMAGES", 32)
    monkeypatch.setattr(evaluation, "IMAGE_STEPS", 4)
    monkeypatch.setattr(evaluation, "IMAGE_BATCH", 24)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A checkpoint of digits with a random network that knows classes."""
    path = tmp_path_factory.mktemp("tiny") / "digits.safetensors"
    config, digits = digits_config(), load_digits()
    network = lively_unet(config.unet, timesteps=config.schedule.timesteps)
    description = checkpoints.Description(
        config=config,
        step=1,
        mean=digits.transform.mean.ravel().tolist(),
        std=digits.transform.std.ravel().tolist(),
        shape=[1, 8, 8],
    )
    weights = {f"averaged.{name}": value for name, value in network.state_dict().items()}
    checkpoints.save_tensors(path, weights, description)
    return path


def last_states(denoiser, schedule, latents, sampler, seed=0):
    *_, last = sample(denoiser, schedule, latents, sampler=sampler, seed=seed)
    return last.x


def test_the_figures_are_those_of_samples_by_ddim(tiny):
    loaded = engine.load_checkpoint(tiny)
    found, stages = finished(evaluation.evaluate(loaded))
    assert isinstance(found, ImageQuality)
    # 64 is the largest number of at most 70 that has a floor: three batches.
    assert found.samples == 64
    assert [(stage.done, stage.total) for stage in (stages[0], stages[-1])] == [(0, 12), (12, 12)]
    states = last_states(
        loaded.denoiser, loaded.schedule, draw_latents(0, 64, (1, 8, 8)), DDIM(steps=4)
    )
    expected = load_classifier("digits").quality(states, loaded.transform)
    assert found.distance == pytest.approx(expected.distance, rel=1e-4)
    assert replace(found, distance=0, distance_error=0) == replace(
        expected, distance=0, distance_error=0
    )
    assert found.ratio > 3  # a network that has learned nothing


def test_told_samples_have_every_class_in_turn(tiny):
    loaded = engine.load_checkpoint(tiny)
    drawing = evaluation.Drawing(told=True, guidance=2.0)
    found, _ = finished(evaluation.evaluate(loaded, quick=True, drawing=drawing))
    weights = F.one_hot(torch.arange(32) % 10, 10).float()
    denoiser = loaded.denoiser.conditioned(weights, 2.0)
    states = last_states(denoiser, loaded.schedule, draw_latents(0, 32, (1, 8, 8)), DDIM(steps=4))
    expected = load_classifier("digits").quality(states, loaded.transform)
    assert found.distance == pytest.approx(expected.distance, rel=1e-4)
    plain, _ = finished(evaluation.evaluate(loaded, quick=True))
    assert found.distance != pytest.approx(plain.distance, rel=1e-3)


def test_another_sampler_and_number(tiny):
    loaded = engine.load_checkpoint(tiny)
    drawing = evaluation.Drawing(sampler=DDPM(steps=3), count=40)
    found, stages = finished(evaluation.evaluate(loaded, drawing=drawing))
    assert found.samples == 32
    assert stages[-1].total == 2 * 3
    again, _ = finished(evaluation.evaluate(loaded, drawing=drawing))
    assert again == found


def test_real_images_in_the_place_of_samples_score_the_floor(tiny, monkeypatch):
    loaded, digits = engine.load_checkpoint(tiny), load_digits()
    monkeypatch.setattr(evaluation, "IMAGES", 256)
    rows = np.random.default_rng(0).permutation(len(digits.images))[:256]
    real = iter(torch.from_numpy(digits.standardised(rows)).split(evaluation.IMAGE_BATCH))

    def no_sample(denoiser, schedule, latents, *, sampler, seed):
        yield engine.Frame(0, x := next(real), x)

    monkeypatch.setattr(evaluation, "sample", no_sample)
    found, _ = finished(evaluation.evaluate(loaded))
    # The floor compares two halves. These 256 are among all the images that they are compared
    # with, and share their noise: (1 / 256 - 1 / 1618) / (2 / 256) of the floor, give or take.
    assert found.ratio == pytest.approx(0.42, abs=0.2)
    assert found.recognised > 0.95
    assert found.classes == 10


def run(*arguments) -> int:
    return group.run(group.commands, [str(argument) for argument in arguments])


def test_the_command_prints_all_figures(tiny, capsys):
    assert run("evaluate", "--checkpoint", tiny, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["dataset"], figures["quick"], figures["told"]) == ("digits", False, False)
    assert figures["distance"] == pytest.approx(
        figures["distance_ratio"] * figures["distance_floor"]
    )
    assert figures["off_data"] is figures["off_data_floor"] is figures["off_data_ratio"] is None
    assert 0 <= figures["recognised"] <= 1
    assert (figures["of_classes"], figures["samples"]) == (10, 64)
    assert run("evaluate", "--checkpoint", tiny) == 0
    said = capsys.readouterr().out
    assert f"distance  {figures['distance']:.4f} ± {figures['distance_error']:.4f}, floor" in said
    assert f"recognised  {figures['recognised']:.2%}, of real images" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--checkpoint", "v", "--told"], "--told: the checkpoint 'v' is of points"),
        (["--checkpoint", "v", "--data-root", "d"], "--data-root d: the checkpoint 'v'"),
        (["--checkpoint", "TINY", "--guidance", "2"], "--guidance 2 needs --told"),
        (["--checkpoint", "TINY", "--told", "--guidance", "99"], "guidance .* got 99"),
    ],
)
def test_bad_input_is_refused_in_one_line(tiny, capsys, arguments, message):
    given = [str(tiny) if word == "TINY" else word for word in arguments]
    assert run("evaluate", *given) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert re.search(message, said)


def test_networks_without_classes_cannot_be_told(tmp_path):
    config = digits_config(unet=replace(digits_config().unet, classes=0), steps=1)
    for _ in train(open_run(config, tmp_path, device=CPU), tmp_path):
        pass
    work = evaluation.evaluate(
        engine.load_checkpoint(tmp_path), drawing=evaluation.Drawing(told=True)
    )
    with pytest.raises(ValueError, match="trained without classes"):
        finished(work)


def test_the_service_measures_images(talk, tiny):
    talk.put(messages.Evaluate(job=1, checkpoint=str(tiny), quick=True))
    talk.run()
    info = talk.last(1).info
    assert info["samples"] == 32
    assert info["distance_ratio"] == pytest.approx(info["distance"] / info["distance_floor"])


# While training


@pytest.fixture
def small_previews(monkeypatch):
    monkeypatch.setattr(preview.ImagePreview, "samples", 32)
    monkeypatch.setattr(preview.ImagePreview, "steps", 3)


def request_train(tmp_path, **changes):
    config = digits_config(**changes)
    return messages.Train(job=1, config=config, out=str(tmp_path / "run"), snapshot_seconds=0)


def test_previews_are_images_with_their_quality(talk, tmp_path, small_previews, monkeypatch):
    monkeypatch.setattr(preview.ImagePreview, "most_share", 1.0)
    talk.put(request_train(tmp_path, steps=4))
    talk.run()
    snapshots = talk.of(1, messages.Snapshot)
    assert len(snapshots) == 5  # one an update, and the last
    digits, classifier = load_digits(), load_classifier("digits")
    for packet in snapshots:
        assert packet.arrays["x"].shape == packet.arrays["x0"].shape == (4, 32, 1, 8, 8)
        assert packet.arrays["t"].tolist() == [20, 13, 7, 0]
        np.testing.assert_allclose(packet.arrays["mean"], digits.transform.mean.ravel())
        found = classifier.quality(packet.arrays["x"][-1], digits.transform)
        assert packet.message.values == {
            "distance": found.distance,
            "distance_floor": classifier.reference.floors[32],
            "recognised": found.recognised,
            "recognised_floor": classifier.description.recognised,
        }


def test_costly_previews_are_drawn_seldom_and_losses_come_all_the_same(
    talk, tmp_path, small_previews, monkeypatch
):
    monkeypatch.setattr(preview.ImagePreview, "most_share", 1e-9)
    talk.put(request_train(tmp_path, steps=5))
    talk.run()
    snapshots = talk.of(1, messages.Snapshot)
    assert ["x" in packet.arrays for packet in snapshots] == [True, *[False] * 4, True]
    steps = np.concatenate([packet.arrays["steps"] for packet in snapshots])
    assert steps.tolist() == [1, 2, 3, 4, 5]
    assert snapshots[3].message.values == snapshots[0].message.values


def test_without_a_classifier_previews_have_no_figures(talk, tmp_path, small_previews, monkeypatch):
    monkeypatch.setattr(image_classifier, "BUNDLED_CLASSIFIERS", ())
    monkeypatch.setattr(image_classifier, "kept_folder", lambda: tmp_path)
    talk.put(request_train(tmp_path, steps=1))
    talk.run()
    packet = talk.of(1, messages.Snapshot)[-1]
    assert packet.message.values == {}
    assert packet.arrays["x"].shape == (4, 32, 1, 8, 8)
