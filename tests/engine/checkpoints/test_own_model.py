"""A network of the user's own enters by the name of a Python file."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

import engine
from engine.shared import messages
from engine.shared.config import SamplerConfig

OWN = '''
import torch
import engine


class Shrink(torch.nn.Module):
    """Takes a part of the state for noise."""

    def __init__(self, share):
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(share))

    def forward(self, x, t):
        return self.share * x


def denoiser(device):
    schedule = engine.make_schedule("cosine", 40)
    network = Shrink(0.5).requires_grad_(False).to(device)
    return engine.OwnModel(engine.NetworkDenoiser(network, schedule, "v"), shape=(1, 8, 8))


def points(device):
    schedule = engine.make_schedule("linear", 30)
    data = torch.from_numpy(engine.datasets.load("moons").points).to(device)
    return engine.OwnModel(
        engine.IdealDenoiser(data, schedule), shape=(2,), dataset="moons", title="my own"
    )
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    return path


def test_its_states_are_those_of_its_denoiser(file):
    checkpoint = engine.load_checkpoint(f"python:{file}")
    assert checkpoint.describe()["network"] == file.name
    assert (checkpoint.shape, checkpoint.schedule.timesteps) == ((1, 8, 8), 40)
    x = engine.draw_latents(0, 3, checkpoint.shape)
    found = checkpoint.denoiser.predict(x, 7)
    signal = checkpoint.schedule.alpha_bar(7) ** 0.5
    noise = (1 - checkpoint.schedule.alpha_bar(7)) ** 0.5
    torch.testing.assert_close(found.x0, signal * x - noise * 0.5 * x)


def test_a_file_may_have_dataclasses_and_modules_beside_it(tmp_path):
    (tmp_path / "beside_mine.py").write_text("STEPS = 30\n")
    file = tmp_path / "larger.py"
    text = """from __future__ import annotations
from dataclasses import dataclass
import torch
import engine
from beside_mine import STEPS

@dataclass
class Settings:
    steps: int = STEPS

def denoiser(device: torch.device) -> engine.OwnModel:
    schedule = engine.make_schedule("linear", timesteps=Settings().steps)

    class Nothing(torch.nn.Module):
        def forward(self, x, t):
            return torch.zeros_like(x)

    mine = engine.NetworkDenoiser(Nothing(), schedule, "noise")
    return engine.OwnModel(mine, shape=(1, 8, 8), mean=(0.0,))
"""
    file.write_text(text)
    checkpoint = engine.load_checkpoint(f"python:{file}")
    assert checkpoint.schedule.timesteps == 30
    assert checkpoint.description.mean == [0.0]


def test_another_function_of_the_file(file):
    checkpoint = engine.load_checkpoint(f"python:{file}:points")
    assert checkpoint.describe()["network"] == "my own"
    assert checkpoint.shape == (2,)
    bundled = engine.datasets.load("moons").transform
    np.testing.assert_allclose(checkpoint.transform.mean, bundled.mean)


def test_a_lane_of_the_window_can_show_it(talk, file):
    """The window asks for it by name, as for any checkpoint; a changed file is read again."""
    name = f"python:{file}"
    ask = messages.Sample(
        job=1, checkpoint=name, sampler=SamplerConfig(steps=2), count=2, last=True
    )
    talk.react = lambda packet: change(packet, talk, file, ask)
    talk.put(ask)
    talk.run()
    for job in (1, 2):
        assert isinstance(talk.last(job), messages.Result), talk.last(job)
    one, other = talk.frames(1), talk.frames(2)
    assert not np.array_equal(one[-1], other[-1])


def change(packet, talk, file, ask):
    """After the first answer: another network in the same file, asked for by the same name."""
    if isinstance(packet.message, messages.Result) and packet.message.job == 1:
        file.write_text(OWN.replace("Shrink(0.5)", "Shrink(0.1)"))
        later = file.stat().st_mtime + 10
        os.utime(file, (later, later))
        talk.put(msgspec.structs.replace(ask, job=2))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("denoiser = 3", "has no function 'denoiser'"),
        ("def denoiser(device): return 3", "must return an engine.OwnModel, got int"),
        ("def denoiser(device): return 1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def denoiser(:", "SyntaxError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (OWN.replace("(1, 8, 8)", "(1, 9)"), r"its shape must be .* got \(1, 9\)"),
        (OWN.replace("self.share * x", "x[:, :, 1:]"), r"gave shape \(64, 1, 7, 8\) for states of"),
        (OWN.replace("self.share * x", "x[:1]"), r"gave shape \(1, 1, 8, 8\) for states of"),
        (OWN.replace("self.share * x", "None"), "gave a NoneType, not a tensor"),
        (OWN.replace("shape=(1, 8, 8)", "shape=(1, 8, 8), mean=(1, 2)"), r"mean must have 1"),
        (OWN.replace("shape=(1, 8, 8)", "shape=(1, 8, 8), mean=('x',)"), r"mean must be .* 'x'"),
        (OWN.replace("shape=(1, 8, 8)", "shape=(1, 8, 8), std=(0,)"), r"std must be .* got 0"),
        (OWN.replace("(1, 8, 8)", "(1, 8.0, 8)"), r"its shape must be .* got \(1, 8.0, 8\)"),
        (
            "import engine\ndef denoiser(device): return engine.OwnModel(3, (2,))",
            "must be an engine.Denoiser, got int",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(file, code, message):
    file.write_text(code)
    with pytest.raises(ValueError, match=message) as caught:
        engine.load_checkpoint(f"python:{file}")
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no such Python file: 'gone.py'"):
        engine.load_checkpoint("python:gone.py")


def test_a_python_file_is_only_run_when_it_is_asked_for_as_one(file):
    file.write_text("raise RuntimeError('it was run')")
    with pytest.raises(ValueError, match="not a usable checkpoint"):
        engine.load_checkpoint(file)
