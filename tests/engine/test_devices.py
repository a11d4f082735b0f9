"""Nothing names a device: the samplers run on a pretended CUDA device, a whole update on 'meta'.

Both raise as soon as tensors of two devices meet. On 'meta' there are no numbers, and a backward
pass does not run under ``FakeTensorMode``, so each covers what the other cannot.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from engine.devices import available_devices, choose_device
from engine.diffusion import inversion, samplers
from engine.diffusion.denoiser import NetworkDenoiser, training_target
from engine.diffusion.exact import IdealDenoiser, MixtureDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, DDPMSharedNoise, DPMSolverPP2M, Heun
from engine.diffusion.schedules import Schedule
from engine.models.mlp import ResidualMLP
from engine.models.unet import UNet
from engine.shared.config import ScheduleConfig
from engine.training.trainer import Trainer
from tests.engine.small_network import SMALL
from tests.engine.small_unet import TINY, digits_config

SAMPLERS = [
    DDPM(),
    DDPM(steps=4),
    DDPMSharedNoise(),
    DDIM(),
    DDIM(steps=4),
    DDIM(eta=0.5),
    Heun(),
    Heun(steps=4),
    DPMSolverPP2M(),
    DPMSolverPP2M(steps=4),
]
PREDICTIONS = ["noise", "x0", "v"]
CUDA = torch.device("cuda")


def schedule_for(prediction: str) -> Schedule:
    return Schedule(ScheduleConfig(name="linear", timesteps=8, zero_terminal=prediction != "noise"))


def move(module: nn.Module, device: torch.device) -> nn.Module:
    """``Module.to`` for tensors without numbers, which do not let themselves be swapped."""
    for part in module.modules():
        for name, value in part.named_parameters(recurse=False):
            part._parameters[name] = nn.Parameter(value.detach().to(device), value.requires_grad)
        for name, value in part.named_buffers(recurse=False):
            part._buffers[name] = value.to(device)
    return module


@pytest.fixture
def pretended_cuda(monkeypatch):
    """Tensors without numbers on a CUDA device that need not exist, within the mode given."""
    # Whether numbers are finite cannot be asked where there are none.
    for module in (samplers, inversion):
        monkeypatch.setattr(module, "check_states", lambda *_: None)
    monkeypatch.setattr(nn.Module, "to", move)
    return FakeTensorMode(allow_non_fake_inputs=True)


def network_on_cuda(schedule: Schedule, prediction: str) -> NetworkDenoiser:
    network = ResidualMLP(2, schedule.timesteps, SMALL).to(CUDA).requires_grad_(False)
    return NetworkDenoiser(network, schedule, prediction)


def run_all(denoiser, schedule):
    """Every sampler and the inversion; all that comes out is on the device."""
    latents = draw_latents(0, 700, (2,)).to(CUDA)
    for sampler in SAMPLERS:
        for frame in samplers.sample(denoiser, schedule, latents, sampler=sampler):
            assert frame.x.device.type == frame.x0.device.type == "cuda"
            assert frame.x.shape == frame.x0.shape == (700, 2)
            assert frame.x.dtype == torch.float32
    for frame in inversion.invert(denoiser, schedule, latents):
        assert frame.x.device.type == frame.x0.device.type == "cuda"


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_samplers_with_a_network(pretended_cuda, prediction):
    schedule = schedule_for(prediction)
    with pretended_cuda:
        run_all(network_on_cuda(schedule, prediction), schedule)


def test_samplers_with_exact_denoisers(pretended_cuda):
    schedule = schedule_for("noise")
    ideal = IdealDenoiser(torch.zeros(30, 2), schedule)
    mixture = MixtureDenoiser([1.0], [[0.0, 0.0]], torch.eye(2)[None], schedule)
    with pretended_cuda:
        run_all(ideal, schedule)
        run_all(mixture, schedule)


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")  # when copied
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_forward_half_of_an_update(pretended_cuda, config_for, prediction):
    config = config_for(schedule=schedule_for(prediction).config, prediction=prediction)
    with pretended_cuda:
        trainer = Trainer(config, CUDA)
        batch = trainer._batch()
        x0, t, eps = batch.x0, batch.t, batch.eps
        x_t = trainer.schedule.add_noise(x0, t, eps)
        target = training_target(x0, eps, t, trainer.schedule, prediction)
        loss = nn.functional.mse_loss(trainer.network(x_t, t), target)
    assert loss.device.type == target.device.type == x_t.device.type == "cuda"


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_whole_updates_without_numbers(config_for, prediction):
    config = config_for(schedule=schedule_for(prediction).config, prediction=prediction)
    trainer = Trainer(config, torch.device("meta"))
    for _ in range(2):
        assert trainer.update(1e-3).device.type == "meta"
    kept = [*trainer.network.parameters(), *trainer.averaged.parameters()]
    moments = [
        value
        for state in trainer.optimiser.state.values()
        for name, value in state.items()
        if name != "step"  # AdamW keeps its counter on the CPU
    ]
    assert moments
    assert all(value.device.type == "meta" for value in kept + moments)


def test_a_whole_update_of_a_unet_without_numbers():
    trainer = Trainer(digits_config(), torch.device("meta"), micro_batch=7)
    assert trainer.update(1e-3).device.type == "meta"
    assert all(value.device.type == "meta" for value in trainer.network.parameters())


@pytest.mark.parametrize("guidance", [None, 2.0])
def test_sampling_images_with_a_unet(pretended_cuda, guidance):
    schedule = schedule_for("v")
    with pretended_cuda:
        network = UNet(1, 8, 8, replace(TINY, classes=3)).to(CUDA).requires_grad_(False)
        denoiser = NetworkDenoiser(network, schedule, "v")
    if guidance is not None:  # outside: whether numbers are finite is asked
        denoiser = denoiser.conditioned(torch.eye(3)[:1], guidance)
    with pretended_cuda:
        latents = draw_latents(0, 5, (1, 8, 8)).to(CUDA)
        for frame in samplers.sample(denoiser, schedule, latents, sampler=DDPM(steps=2)):
            assert frame.x.device.type == frame.x0.device.type == "cuda"
            assert frame.x.shape == (5, 1, 8, 8)


class Misplaced(nn.Module):
    """A network with a tensor that was left on the CPU."""

    def forward(self, x, t):
        return x + torch.ones(2, device="cpu")


def test_the_pretended_device_notices_a_mix(pretended_cuda):
    schedule = schedule_for("v")
    denoiser = NetworkDenoiser(Misplaced(), schedule, "v")
    with pretended_cuda:
        latents = draw_latents(0, 10, (2,)).to(CUDA)
    with pretended_cuda, pytest.raises(RuntimeError, match=r"[Dd]evice"):
        list(samplers.sample(denoiser, schedule, latents, sampler=DDIM()))


def test_meta_notices_a_mix():
    with pytest.raises(RuntimeError, match=r"[Dd]evice|meta"):
        Misplaced()(torch.zeros(3, 2, device="meta"), None) + torch.ones(3, 2)


def test_a_device_is_chosen_or_named():
    assert available_devices()[-1] == "cpu"
    assert choose_device() == torch.device(available_devices()[0])
    assert choose_device("cpu") == torch.device("cpu")
    for name in ("gpu", "cuda:99", "", "meta"):
        with pytest.raises(
            ValueError, match=f"device '{name}' is not available; known: auto, .*cpu"
        ):
            choose_device(name)


def test_cuda_then_mps_come_before_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert available_devices() == ["cuda:0", "cuda:1", "mps", "cpu"]
    assert choose_device() == torch.device("cuda:0")
    assert choose_device("cuda") == torch.device("cuda")
    assert choose_device("mps") == torch.device("mps")
