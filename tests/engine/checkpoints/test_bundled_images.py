"""The bundled checkpoints of images: small, complete, and what they draw is recognised."""

from __future__ import annotations

import shlex
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch
from torch.nn import functional as F

import engine
from engine.analysis.classifier import load_classifier
from engine.analysis.images import recognised
from engine.checkpoints import checkpoint as checkpoints
from engine.checkpoints.checkpoint import going_on
from engine.commands import group
from engine.datasets.images import INFOS, image_training, load_digits
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.shared.config import IMAGE_SETS, TrainingConfig
from engine.shared.run_files import STATE
from engine.training.trainer import Trainer
from scripts import bundle_checkpoint
from scripts.bundle_checkpoint import Part
from tests.engine.small_unet import digits_config

NAMES = [name for name in checkpoints.BUNDLED if name in IMAGE_SETS]
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", NAMES)
def test_each_is_small_and_complete(name):
    path = checkpoints.locate(name)
    assert path.stat().st_size <= 4_000_000
    stored = safetensors.torch.load_file(path)
    assert all(key.startswith("averaged.") for key in stored)
    assert {value.dtype for value in stored.values()} == {torch.float16}
    weights = sum(value.numel() for value in stored.values())
    assert weights <= 1_500_000
    assert name == "digits" or weights >= 500_000

    loaded = engine.load_checkpoint(name)
    described, info = loaded.description, INFOS[name]
    assert loaded.shape == info.shape
    assert described.step == loaded.config.steps
    assert loaded.config.unet.classes == len(info.labels)
    record = described.record
    assert record.seconds > 0
    assert "2 cores" in record.machine
    assert {"DDIM, 50 steps", "DDIM, 50 steps, told the class"} <= set(record.quality)
    for figures in record.quality.values():
        assert figures["distance_floor"] > 0
        assert figures["classes"] == 10
    with pytest.raises(ValueError, match="only averaged weights"):
        engine.load_checkpoint(name, averaged=False)


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_commands_lead_to_the_recorded_configuration(name, monkeypatch, tmp_path):
    loaded = engine.load_checkpoint(name)
    reached: list[TrainingConfig] = []

    def no_run(config, folder, *, resume, **options):
        # Written down as far as a resumed training looks at it.
        reached.append(going_on(reached[-1], config) if resume else config)
        described = msgspec.structs.replace(loaded.description, config=reached[-1])
        folder.mkdir(exist_ok=True)
        checkpoints.save_tensors(folder / STATE, {}, described)
        raise ValueError("this is far enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.training.runs.open_run", no_run)
    for line in loaded.description.record.command.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "toydiff"
        assert group.run(group.commands, arguments) == 2
    assert len(reached) == len(loaded.description.record.command.splitlines())
    steps = [config.steps for config in reached]
    assert steps == sorted(steps)
    every = loaded.config.checkpoint_every  # how often it is saved changes nothing
    assert replace(reached[-1], checkpoint_every=every) == loaded.config


def test_the_standardisation_is_that_of_the_data():
    transform, data = engine.load_checkpoint("digits").transform, load_digits().transform
    np.testing.assert_allclose(transform.mean, data.mean, atol=1e-12)
    np.testing.assert_allclose(transform.std, data.std, atol=1e-12)


def test_digits_are_drawn_as_they_are_asked_for():
    loaded = engine.load_checkpoint("digits")
    classes = torch.arange(40) % 10
    denoiser = loaded.denoiser.conditioned(F.one_hot(classes, 10).float(), 1.0)
    latents = draw_latents(5, 40, loaded.shape)
    *_, last = sample(denoiser, loaded.schedule, latents, sampler=DDIM(steps=10))
    assert torch.isfinite(last.x).all()
    probabilities = load_classifier("digits").probabilities(last.x, loaded.transform)
    sure, kinds = recognised(probabilities)
    assert sure >= 0.75
    assert kinds == 10
    assert np.mean(probabilities.argmax(axis=1) == classes.numpy()) >= 0.9


# The script


def test_a_training_in_parts_is_recorded_as_several_commands():
    config = replace(image_training("mnist"), steps=900)
    config = replace(config, rate=3e-4, unet=replace(config.unet, unlabelled=0.6))
    assert bundle_checkpoint.command_for(
        config, [Part.of("400:0.15"), Part.of("700:0.9")]
    ).splitlines() == [
        "toydiff train --dataset mnist --data-root DIR --unlabelled 0.15 --steps 400 --out mnist",
        "toydiff train --resume --data-root DIR --unlabelled 0.9 --steps 700 --out mnist",
        "toydiff train --resume --data-root DIR --unlabelled 0.6 --rate 0.0003 --steps 900 "
        "--out mnist",
    ]
    with pytest.raises(ValueError, match="not the usual training with 'mnist'"):
        bundle_checkpoint.command_for(replace(config, clip=0.5))


@pytest.fixture
def run(tmp_path):
    """The folder of a training that was stopped before its end."""
    trainer = Trainer(digits_config(steps=50), CPU)
    for _ in range(3):
        trainer.step()
    folder = tmp_path / "run"
    folder.mkdir()
    trainer.save(folder)
    return folder


def test_what_is_kept_are_the_averaged_weights_in_half(run):
    description, kept = bundle_checkpoint.averaged_half(run)
    assert (description.step, description.config.steps) == (3, 3)
    whole, tensors = checkpoints.load_tensors(run / "checkpoint.safetensors")
    assert whole.config.steps == 50
    averaged = {name: value for name, value in tensors.items() if name.startswith("averaged.")}
    assert kept.keys() == averaged.keys()
    for name, value in averaged.items():
        torch.testing.assert_close(kept[name].float(), value, atol=1e-6, rtol=1e-3)


def test_a_bundle_says_how_it_was_made(run, tmp_path, monkeypatch):
    out = tmp_path / "digits.safetensors"
    with pytest.raises(ValueError, match="not the usual training with 'digits'"):
        bundle_checkpoint.bundle(run, out, seconds=1.0, machine="a machine")
    assert not out.exists()
    monkeypatch.setattr(bundle_checkpoint, "command_for", lambda config, before: "the command")
    record = bundle_checkpoint.bundle(run, out, seconds=1.5, machine="a machine")
    assert engine.load_checkpoint(out).description.record == record
    assert (record.command, record.seconds, record.machine) == ("the command", 1.5, "a machine")
    assert record.quality == {}


def test_figures_are_added_to_a_bundle_and_its_weights_stay(run, tmp_path, monkeypatch):
    out = tmp_path / "digits.safetensors"
    monkeypatch.setattr(bundle_checkpoint, "command_for", lambda config, before: "the command")
    first = {"some way": {"distance": 1.0, "off_data": None}}
    bundle_checkpoint.bundle(run, out, seconds=1.0, machine="a machine", quality=first)
    before = checkpoints.load_tensors(out)[1]
    found = bundle_checkpoint.measure(out, [0, 2], quick=True)
    assert list(found) == ["DDIM, 50 steps", "DDIM, 50 steps, told the class"]
    assert found["DDIM, 50 steps"]["samples"] == 128
    bundle_checkpoint.add_figures(out, found)
    description, after = checkpoints.load_tensors(out)
    assert description.record.quality == first | found
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert msgspec.json.encode(engine.load_checkpoint(out).describe())
