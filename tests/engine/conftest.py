"""Small networks and trainings that the engine's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine import devices
from engine.diffusion.denoiser import NetworkDenoiser, Prediction
from engine.diffusion.schedules import Schedule
from engine.training.runs import open_run, train
from tests.engine.conversation import Conversation
from tests.engine.small_network import small_config, small_network


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small matrices run fastest on one thread, and to the bit the same; images as well.

    Several threads that wait for each other stall where other processes are busy.
    """
    monkeypatch.setattr(devices, "ALL_THREADS", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def network_denoiser():
    """Makes a denoiser around a small untrained network."""

    def make(
        schedule: Schedule, prediction: str = "noise", dtype: torch.dtype = torch.float32
    ) -> NetworkDenoiser:
        network = small_network(schedule.timesteps).to(dtype)
        return NetworkDenoiser(network, schedule, prediction)

    return make


@pytest.fixture
def config_for():
    """Makes the configuration of a small training, with changes."""
    return small_config


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short training; only for reading."""
    folder = tmp_path_factory.mktemp("trained")
    for _ in train(open_run(small_config(), folder, device=torch.device("cpu")), folder):
        pass
    return folder


@pytest.fixture
def talk() -> Conversation:
    """A service to talk to."""
    return Conversation()


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time of every evaluation of a network."""
    times: list[int] = []
    ask = NetworkDenoiser.predict

    def predict(self: NetworkDenoiser, x_t: torch.Tensor, t: int) -> Prediction:
        times.append(t)
        return ask(self, x_t, t)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    return times
