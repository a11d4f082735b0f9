"""How many CPU threads compute, and how they wait for each other."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
import torch

from engine import devices
from engine.devices import FEW_PIXELS, threads_for
from engine.shared.command_line import run


@pytest.fixture
def four(monkeypatch) -> None:
    """As on a machine with four cores, in an engine that computes on one."""
    monkeypatch.setattr(devices, "ALL_THREADS", 4)
    torch.set_num_threads(1)


def seen(*shape: int) -> int:
    with threads_for(torch.empty(shape)):
        inside = torch.get_num_threads()
    assert torch.get_num_threads() == 1
    return inside


def test_images_get_all_threads_and_points_none(four):
    with torch.no_grad():
        assert seen(64, 1, 28, 28) == seen(1, 3, 8, 8) == 4
        assert seen(8000, 2) == 1


def test_small_batches_on_the_way_to_a_gradient_get_one(four):
    assert seen(64, 1, 28, 28) == seen(129, 1, 8, 8) == 4
    assert seen(64, 1, 8, 8) == seen(FEW_PIXELS // 64, 1, 8, 8) == 1
    torch.set_num_threads(4)
    with threads_for(torch.empty(64, 1, 8, 8)):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 4


def test_the_number_comes_back_after_an_error(four):
    with pytest.raises(ZeroDivisionError), threads_for(torch.empty(64, 1, 28, 28)):
        _ = 1 / 0
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize(("own", "expected"), [(None, "passive"), ("active", "active")])
def test_commands_let_threads_sleep_unless_the_user_says_otherwise(monkeypatch, own, expected):
    monkeypatch.setenv("OMP_WAIT_POLICY", own or "")
    if own is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    told = []

    @click.group()
    def group() -> None: ...

    @group.command()
    def tell() -> None:
        told.append(os.environ["OMP_WAIT_POLICY"])

    assert run(group, ["tell"]) == 0
    assert told == [expected]


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP what it has understood")
def test_it_is_said_before_torch_is_loaded():
    environment = {name: value for name, value in os.environ.items() if "OMP_" not in name}
    found = subprocess.run(
        [sys.executable, "-m", "engine", "evaluate", "--checkpoint", "none"],
        env=environment | {"OMP_DISPLAY_ENV": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in found.stderr
