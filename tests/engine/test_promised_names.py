"""What scripts, lecture notes and other people's tests hold on to is there, under its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import engine
from engine.commands.group import commands
from engine.shared import catalogue
from engine.shared.config import ModelConfig
from engine.training import trainer

OPTIONS = {
    "train": "dataset data schedule timesteps steps batch-size seed device data-root resume out",
    "sample": "checkpoint sampler steps eta count latents seed keep out",
    "interpolate": "checkpoint from to points path side through sampler out",
    "invert": "checkpoint data out",
    "evaluate": "checkpoint json",
    "fetch": "data-root",
    "serve": "",
}
NAMES = {
    "sampler": ("ddpm", "ddpm-shared", "ddim", "heun", "dpmpp2m"),
    "path": ("linear", "spherical", "prior-preserving", "norm-guided", "geodesic", "drawn"),
    "schedule": ("linear", "quadratic", "cosine"),
    "data_set": (
        *("v", "gaussians8", "moons", "spiral", "rings", "checkerboard", "s-curve", "pinwheel"),
        *("digits", "mnist", "fashion", "cifar10"),
    ),
}


@pytest.mark.parametrize("name", engine.__all__)
def test_every_name_of_the_package_leads_somewhere(name):
    assert getattr(engine, name) is not None


@pytest.mark.parametrize("name", OPTIONS)
def test_every_command_takes_its_options(name):
    there = {option for parameter in commands.commands[name].params for option in parameter.opts}
    assert {f"--{option}" for option in OPTIONS[name].split()} <= there


@pytest.mark.parametrize("table", NAMES)
def test_every_choice_is_there(table):
    for name in NAMES[table]:
        assert getattr(catalogue, table)(name).name == name


def test_a_model_is_trained_and_judged_by_the_names_of_the_package():
    config = engine.TrainingConfig(
        dataset="v", points=200, batch_size=16, model=ModelConfig(width=8, depth=1, embedding=8)
    )
    training = engine.Trainer(config, torch.device("cpu"))
    assert isinstance(training, trainer.Trainer)
    steps = [training.step() for _ in range(2)]
    assert [step.step for step in steps] == [1, 2]
    assert training.done == 2
    noise = training.denoiser().predict_noise(torch.zeros(3, 2), torch.tensor([1, 100, 250]))
    assert noise.shape == (3, 2)

    data = engine.datasets.load("v", n=8000, seed=0)
    judge = engine.judge_for("v", data.transform)
    assert judge.distance(data.points) < 0.1 < judge.distance(data.points + 1)
    assert judge.off_data(data.points) < 0.01 < 0.99 < judge.off_data(data.points + 100)
    assert data.points.dtype == np.float32
