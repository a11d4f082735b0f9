"""What states are is said once, by their kind: in the configuration, in files, in messages."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from engine.analysis import evaluation
from engine.checkpoints import data, networks
from engine.checkpoints.checkpoint import Description, load_checkpoint, load_tensors
from engine.datasets.images import image_training
from engine.paths.latents import GEODESICS, path_latents
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES, POINTS
from engine.shared.config import TrainingConfig, UNetConfig, from_json
from engine.shared.messages import Open, Train
from engine.shared.work import finish
from engine.training import preview
from engine.training.runs import open_run, train

TABLES = {
    "DATA": data.DATA,
    "NETWORKS": networks.NETWORKS,
    "PREVIEWS": preview.PREVIEWS,
    "EVALUATIONS": evaluation.EVALUATIONS,
    "GEODESICS": GEODESICS,
}
DIGITS = replace(image_training("digits", "small"), steps=1, batch_size=4)


# The configuration


def test_the_kind_is_that_of_the_data_set_unless_it_is_said():
    assert TrainingConfig(dataset="v").resolved_kind == POINTS
    assert DIGITS.resolved_kind == IMAGES
    assert TrainingConfig(dataset="v") == TrainingConfig(dataset="v", kind=POINTS)
    # It follows the data.
    assert replace(TrainingConfig(dataset="v", kind=POINTS), dataset="digits", unet=DIGITS.unet)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "sounds"}, "unknown kind of state 'sounds'; known: points, images"),
        ({"kind": IMAGES}, "the data set 'v' has no images"),
        ({"unet": UNetConfig()}, "the data set 'v' needs a network for points, not a UNet"),
        ({"dataset": "digits"}, "the data set 'digits' needs a UNet"),
    ],
)
def test_a_kind_that_does_not_suit_the_rest_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**{"dataset": "v", **changes})


@pytest.mark.parametrize("config", [TrainingConfig(), DIGITS], ids=["points", "images"])
def test_configurations_of_before_have_no_kind(config):
    plain = msgspec.to_builtins(config)
    del plain["kind"]
    assert from_json(json.dumps(plain), TrainingConfig) == config


# Files


@pytest.mark.parametrize("kind", [POINTS, IMAGES])
def test_files_are_what_they_were_before_there_were_kinds(config_for, tmp_path, kind):
    config = config_for(steps=1) if kind == POINTS else DIGITS
    for _ in train(open_run(config, tmp_path, device=torch.device("cpu")), tmp_path):
        pass
    for name in ("checkpoint.safetensors", "state.safetensors"):
        assert b'"kind"' not in (tmp_path / name).read_bytes()
        assert load_tensors(tmp_path / name)[0].config == config
    again = replace(config, steps=2)
    trainer = open_run(again, tmp_path, device=torch.device("cpu"), resume=True)
    trainer.release()
    assert trainer.config.resolved_kind == kind


def test_a_kind_that_the_data_set_does_not_say_is_kept(added_kind, config_for, tmp_path):
    config = config_for(steps=1, kind="moving")
    for _ in train(open_run(config, tmp_path, device=torch.device("cpu")), tmp_path):
        pass
    assert load_checkpoint(tmp_path).config.resolved_kind == "moving"


# A kind more


@pytest.fixture
def added_kind(monkeypatch):
    """A kind whose states are points: a row of the catalogue, and one of each table."""
    row = replace(catalogue.kind(POINTS), name="moving", title="Moving", states="moving points")
    monkeypatch.setattr(catalogue, "KINDS", (*catalogue.KINDS, row))
    for table in TABLES.values():
        monkeypatch.setitem(table, "moving", table[POINTS])


def test_a_kind_is_a_row_and_five_of_tables(added_kind, config_for, tmp_path, talk):
    config = config_for(steps=2, kind="moving")
    talk.put(Train(job=1, config=config, out=str(tmp_path / "run")))
    talk.run()
    assert talk.last(1).info["kind"] == "moving"
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint.training_points().shape == (400, 2)
    for _ in evaluation.evaluate(checkpoint, quick=True):
        break
    latents = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    work = path_latents(checkpoint, "linear", *latents, 5, even=True)
    assert finish(work).shape == (5, 2)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_without_a_kind_is_an_error(name, monkeypatch):
    catalogue.require_all(name, TABLES[name], catalogue.KINDS)
    monkeypatch.delitem(TABLES[name], IMAGES)
    with pytest.raises(ImportError, match=rf"{name} is for points; the catalogue has points, imag"):
        catalogue.require_all(name, TABLES[name], catalogue.KINDS)


# Messages


@pytest.mark.parametrize(
    ("name", "kind", "shape"), [("v", POINTS, [2]), ("digits", IMAGES, [1, 8, 8])]
)
def test_a_description_says_kind_and_shape(talk, name, kind, shape):
    talk.put(Open(job=1, checkpoint=name))
    talk.run()
    info = talk.last(1).info
    assert (info["kind"], info["state_shape"]) == (kind, shape)


@pytest.mark.parametrize(
    ("config", "shape", "mean", "message"),
    [
        (TrainingConfig(), [1, 8, 8], [0.0], r"shape \[1, 8, 8\] does not suit 'v'"),
        (DIGITS, None, [0.0], "shape None does not suit 'digits'"),
        (DIGITS, [3, 8, 8], [0.0], r"shape \[3, 8, 8\] with 1 means"),
        (DIGITS, [1, 8], [0.0], r"shape \[1, 8\] with 1 means"),
        (DIGITS, [1, 8, 80], [0.0], r"shape \[1, 8, 80\] with 1 means"),
        (DIGITS, [], [0.0], r"shape \[\] with 1 means"),
    ],
)
def test_a_shape_that_no_such_state_has_is_refused(config, shape, mean, message):
    with pytest.raises(ValueError, match=message):
        Description(config=config, step=0, mean=mean, std=[1.0] * len(mean), shape=shape)


def test_units_lie_along_the_channels():
    description = Description.of(DIGITS, (1, 8, 8), [0.5], [2.0])
    np.testing.assert_array_equal(description.transform.mean, np.full((1, 1, 1), 0.5))
    description = Description.of(TrainingConfig(), (2,), [0.5, 1.0], [2.0, 3.0])
    np.testing.assert_array_equal(description.transform.std, [2.0, 3.0])
