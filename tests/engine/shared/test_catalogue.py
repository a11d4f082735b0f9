"""The tables of names: what adds an example to each, and what forgets half of it."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from engine.commands import group
from engine.datasets import points
from engine.diffusion import denoiser, samplers
from engine.diffusion.samplers import Step
from engine.paths import curves
from engine.shared import catalogue, messages, noise_tables
from engine.shared.catalogue import PathRow, PointSetRow, Row, SamplerRow, ScheduleRow
from engine.shared.config import SamplerConfig, ScheduleConfig, TrainingConfig
from engine.shared.messages import Packet
from engine.shared.wire import read_packet, write_packet

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE_SAMPLER = SamplerRow(name="halves", title="Halves", tip="Halves x.", made_by="Halves")
EXAMPLE_PATH = PathRow(name="corner", title="Corner", tip="Round a corner.", curve="corner")
EXAMPLE_SET = PointSetRow(name="cross", title="Cross", generator="cross")
EXAMPLE_SCHEDULE = ScheduleRow(name="even", title="Even", tip="All alike.", betas="even_betas")


@dataclass(frozen=True)
class Halves:
    """Halves the state in every step."""

    steps: int | None = None

    @property
    def config(self) -> SamplerConfig:
        return SamplerConfig(name="halves", steps=self.steps)

    def step(self, step: Step) -> torch.Tensor:
        return step.x / 2


def corner(start, end, positions):
    """From the start to the origin, and on to the end."""
    s = positions.view(-1, *([1] * start.ndim))
    return (1 - 2 * s).clamp(min=0) * start + (2 * s - 1).clamp(min=0) * end


def cross(n, rng, draw):
    """The two axes."""
    along = rng.normal(size=n)
    upright = rng.integers(0, 2, n)
    return np.stack([along * upright, along * (1 - upright)], axis=1)


def even_betas(config):
    return np.full(config.timesteps, 0.1)


@pytest.fixture
def added(monkeypatch):
    """Puts a row into a table and what makes it into its module, for one test."""

    def add(table: str, row: Row, module: object, made: object) -> None:
        monkeypatch.setattr(catalogue, table, (*getattr(catalogue, table), row))
        monkeypatch.setattr(module, made.__name__, made, raising=False)

    return add


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> int:
    return group.run(group.commands, [str(argument) for argument in arguments])


def states(name: str) -> np.ndarray:
    with np.load(name) as content:
        return content["x"]


def through_the_wire(message):
    stream = io.BytesIO()
    write_packet(stream, Packet(message))
    stream.seek(0)
    return read_packet(stream).message


def test_a_sampler_is_its_class_and_a_row(added, trained, talk):
    sampling = ("sample", "--checkpoint", trained, "--sampler", "halves", "--steps", 3)
    sampling = (*sampling, "--count", 4, "--out", "a.npz")
    assert run(*sampling) == 2
    added("SAMPLERS", EXAMPLE_SAMPLER, samplers, Halves)
    assert run(*sampling) == 0
    x = states("a.npz")
    np.testing.assert_allclose(x[-1], x[0] / 8)
    request = messages.Sample(
        job=1, checkpoint=str(trained), count=4, sampler=SamplerConfig(name="halves", steps=3)
    )
    assert through_the_wire(request) == request
    talk.put(request)
    talk.run()
    np.testing.assert_array_equal(talk.frames(1), x)


def test_a_path_is_its_function_and_a_row(added, trained, talk):
    way = ("interpolate", "--checkpoint", trained, "--from=-1,2", "--to=1,2", "--points", 5)
    way = (*way, "--path", "corner", "--out", "a.npz")
    assert run(*way) == 2
    added("PATHS", EXAMPLE_PATH, curves, corner)
    assert run(*way) == 0
    x = states("a.npz")
    np.testing.assert_allclose(x[0], [[-1, 2], [-0.5, 1], [0, 0], [0.5, 1], [1, 2]])
    request = messages.Interpolate(
        job=1, checkpoint=str(trained), sampler=SamplerConfig(), points=5, path="corner"
    )
    talk.put(request, start=np.float32([-1, 2]), end=np.float32([1, 2]))
    talk.run()
    np.testing.assert_array_equal(talk.frames(1), x)


def test_a_set_of_points_is_its_generator_and_a_row(added, talk, tmp_path):
    training = ("train", "--dataset", "cross", "--steps", 2, "--width", 16, "--out", "run")
    assert run(*training) == 2
    added("DATA_SETS", EXAMPLE_SET, points, cross)
    assert run(*training) == 0
    assert run("sample", "--checkpoint", "exact:run", "--count", 50, "--out", "a.npz") == 0
    # The exact denoiser ends on the data, which lie on the axes.
    transform = points.load("cross").transform
    assert np.abs(transform.undo(states("a.npz")[-1])).min(axis=1).max() < 0.02
    config = TrainingConfig(dataset="cross", points=100, steps=2, batch_size=8)
    request = messages.Train(job=1, config=config, out=str(tmp_path / "other"))
    assert through_the_wire(request) == request
    talk.put(request)
    talk.run()
    assert talk.last(1).info["config"]["dataset"] == "cross"


def test_a_schedule_is_its_function_and_a_row(added):
    with pytest.raises(ValueError, match="unknown schedule 'even'; known: linear, quadratic"):
        ScheduleConfig(name="even")
    added("SCHEDULES", EXAMPLE_SCHEDULE, noise_tables, even_betas)
    table = noise_tables.alphas_cumprod(ScheduleConfig(name="even", timesteps=5))
    np.testing.assert_allclose(table, 0.9 ** np.arange(6))


def test_what_a_test_has_added_is_gone():
    with pytest.raises(ValueError, match="unknown sampler 'halves'"):
        SamplerConfig(name="halves")
    with pytest.raises(msgspec.ValidationError, match="unknown sampler 'halves'; known: ddpm"):
        msgspec.json.decode('{"name": "halves"}', type=SamplerConfig)


@pytest.mark.parametrize(
    ("table", "row", "module"),
    [
        ("SAMPLERS", EXAMPLE_SAMPLER, "diffusion.samplers"),
        ("PATHS", EXAMPLE_PATH, "paths.curves"),
        ("DATA_SETS", EXAMPLE_SET, "datasets.points"),
        ("SCHEDULES", EXAMPLE_SCHEDULE, "shared.noise_tables"),
        ("PREDICTIONS", Row(name="score", title="score"), "diffusion.denoiser"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_without_what_it_names_is_an_error_at_import(table, row, module):
    code = (
        f"import importlib, engine.{module}\n"
        "from engine.shared import catalogue\nfrom engine.shared.catalogue import *\n"
        f"catalogue.{table} = (*catalogue.{table}, {row!r})\n"
        f"importlib.reload(engine.{module})\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "ImportError" in found.stderr
    assert row.name in found.stderr.splitlines()[-1]


def test_what_has_no_row_is_an_error_as_well():
    with pytest.raises(ImportError, match="PREDICTED is for noise, x0, v; the catalogue has noise"):
        catalogue.require_all("PREDICTED", denoiser.PREDICTED, catalogue.PREDICTIONS[:1])


@pytest.mark.parametrize(
    "table", ["SAMPLERS", "PATHS", "SCHEDULES", "PREDICTIONS", "DATA_SETS", "BUNDLED"]
)
def test_names_and_titles_are_given_once(table):
    rows = getattr(catalogue, table)
    assert len({row.name for row in rows}) == len({row.title for row in rows}) == len(rows)


def test_views_show_a_table_as_it_is(added):
    titles = catalogue.Titles(lambda: catalogue.SAMPLERS)
    before = dict(titles)
    added("SAMPLERS", EXAMPLE_SAMPLER, samplers, Halves)
    assert dict(titles) == before | {"halves": "Halves"}
    assert len(titles) == len(before) + 1
    with pytest.raises(KeyError):
        titles["quarters"]
