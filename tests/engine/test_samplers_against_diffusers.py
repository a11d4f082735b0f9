"""Every state of DDPM and DDIM against the schedulers of diffusers, an independent implementation.

diffusers counts from 0 and knows no t = 0: its index i is our t - 1.
"""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from diffusers.schedulers import scheduling_ddpm

from engine.config import ScheduleConfig
from engine.noise import draw_latents, draw_step_noise
from engine.samplers import DDIM, DDPM, sample
from engine.schedules import Schedule

SEED, COUNT = 3, 40
PREDICTIONS = {"noise": "epsilon", "x0": "sample", "v": "v_prediction"}
PRECISION = {torch.float32: 1e-4, torch.float64: 1e-9}

schedules = pytest.mark.parametrize(
    ("name", "prediction"), [("linear", "noise"), ("quadratic", "x0"), ("cosine", "v")]
)
types = pytest.mark.parametrize("dtype", PRECISION)
steps_of_fifty = pytest.mark.parametrize("steps", [50, 10, 1])


def diffusers_scheduler(kind, schedule, prediction, steps, **options):
    scheduler = kind(
        num_train_timesteps=schedule.timesteps,
        trained_betas=schedule.betas[1:].numpy(),
        prediction_type=PREDICTIONS[prediction],
        timestep_spacing="trailing",
        clip_sample=False,
        **options,
    )
    # It rounds its tables to float32, and its beta_t = 1 - ab_t / ab_s then has three digits left.
    # That alone moves states by 1e-4: compare the rules, not this.
    scheduler.alphas_cumprod = schedule.alphas_cumprod[1:]
    scheduler.betas = schedule.betas[1:]
    scheduler.alphas = 1 - scheduler.betas
    scheduler.set_timesteps(steps)
    return scheduler


def step_noise(t, dtype):
    return draw_step_noise(SEED, t, COUNT, (2,)).to(dtype)


def peer_states(scheduler, step, network, latents):
    """(t, x, x0) for every state, by the peer's loop around the same network."""
    x, states = latents, []
    with torch.no_grad():
        for index in scheduler.timesteps.tolist():
            output = network(x, torch.full((len(x),), index + 1))
            result = step(output, index, x)
            states.append((index + 1, x, result.pred_original_sample))
            x = result.prev_sample
    return [*states, (0, x, x)]


def assert_states_equal(frames, states, tolerance):
    frames = list(frames)
    assert [frame.t for frame in frames] == [t for t, _, _ in states]
    for frame, (t, x, x0) in zip(frames, states, strict=True):
        torch.testing.assert_close(frame.x, x, atol=tolerance, rtol=0, msg=f"x at t = {t}")
        torch.testing.assert_close(frame.x0, x0, atol=tolerance, rtol=0, msg=f"x0 at t = {t}")


@schedules
@types
@steps_of_fifty
def test_ddpm(network_denoiser, monkeypatch, name, prediction, dtype, steps):
    schedule = Schedule(ScheduleConfig(name=name, timesteps=50))
    denoiser = network_denoiser(schedule, prediction, dtype)
    latents = draw_latents(SEED, COUNT, (2,)).to(dtype)
    scheduler = diffusers_scheduler(
        DDPMScheduler, schedule, prediction, steps, variance_type="fixed_small"
    )

    def step(output, index, x):
        noise = step_noise(index + 1, dtype)
        monkeypatch.setattr(scheduling_ddpm, "randn_tensor", lambda *_, **__: noise)
        return scheduler.step(output, index, x)

    states = peer_states(scheduler, step, denoiser.network, latents)
    frames = sample(denoiser, schedule, latents, sampler=DDPM(steps), seed=SEED)
    assert_states_equal(frames, states, PRECISION[dtype])


@schedules
@types
@steps_of_fifty
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(network_denoiser, name, prediction, dtype, steps, eta):
    schedule = Schedule(ScheduleConfig(name=name, timesteps=50))
    denoiser = network_denoiser(schedule, prediction, dtype)
    latents = draw_latents(SEED, COUNT, (2,)).to(dtype)
    scheduler = diffusers_scheduler(
        DDIMScheduler, schedule, prediction, steps, set_alpha_to_one=True
    )

    def step(output, index, x):
        noise = step_noise(index + 1, dtype) if eta else None
        return scheduler.step(output, index, x, eta=eta, variance_noise=noise)

    states = peer_states(scheduler, step, denoiser.network, latents)
    frames = sample(denoiser, schedule, latents, sampler=DDIM(steps, eta), seed=SEED)
    assert_states_equal(frames, states, PRECISION[dtype])


@types
@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [50, 17, 7, 1])
def test_ddim_with_eta_1_is_ddpm(network_denoiser, name, dtype, steps):
    schedule = Schedule(ScheduleConfig(name=name, timesteps=50))
    denoiser = network_denoiser(schedule, "v", dtype)
    latents = draw_latents(SEED, COUNT, (2,)).to(dtype)
    ddpm = sample(denoiser, schedule, latents, sampler=DDPM(steps), seed=SEED)
    ddim = sample(denoiser, schedule, latents, sampler=DDIM(steps, eta=1.0), seed=SEED)
    for one, other in zip(ddpm, ddim, strict=True):
        assert one.t == other.t
        tolerance = PRECISION[dtype] / 10
        torch.testing.assert_close(one.x, other.x, atol=tolerance, rtol=0)
        torch.testing.assert_close(one.x0, other.x0, atol=tolerance, rtol=0)
