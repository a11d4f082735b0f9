"""Every state of the samplers against the schedulers of diffusers, an independent implementation.

diffusers counts from 0 and knows no t = 0: its index i is our t - 1.
"""

from __future__ import annotations

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    HeunDiscreteScheduler,
)
from diffusers.schedulers import scheduling_ddpm

from engine.diffusion.noise import draw_latents, draw_step_noise
from engine.diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Heun, sample
from engine.diffusion.schedules import Schedule
from engine.shared.config import ScheduleConfig

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


# diffusers hands tensors to NumPy in a way that NumPy 2 warns about.
old_arrays = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@old_arrays
@types
@steps_of_fifty
@pytest.mark.parametrize(
    ("name", "prediction"), [("linear", "noise"), ("quadratic", "x0"), ("linear", "v")]
)
def test_heun(network_denoiser, name, prediction, dtype, steps):
    """On schedules within the range of sigma that diffusers keeps to as well."""
    schedule = Schedule(ScheduleConfig(name=name, timesteps=50))
    denoiser = network_denoiser(schedule, prediction, dtype)
    latents = draw_latents(SEED, COUNT, (2,)).to(dtype)
    scheduler = HeunDiscreteScheduler(
        num_train_timesteps=50,
        trained_betas=schedule.betas[1:].numpy(),
        prediction_type=PREDICTIONS[prediction],
        timestep_spacing="trailing",
    )
    scheduler.set_timesteps(steps)
    times = (scheduler.timesteps + 1).long().tolist()
    sigmas = ((1 - schedule.alphas_cumprod) / schedule.alphas_cumprod).sqrt()
    scheduler.sigmas = sigmas[[*times, 0]]  # in float64; see above
    # Its states are x / sqrt(ab); those in the middle of a step are not ours.
    x, states = latents * (1 + sigmas[times[0]] ** 2).sqrt(), []
    with torch.no_grad():
        for index, t in enumerate(times):
            scaled = scheduler.scale_model_input(x.double(), scheduler.timesteps[index])
            output = denoiser.network(scaled.to(dtype), torch.full((COUNT,), t))
            result = scheduler.step(output.double(), scheduler.timesteps[index], x.double())
            if index % 2 == 0:
                states.append((t, scaled.to(dtype), result.pred_original_sample.to(dtype)))
            x = result.prev_sample
    states.append((0, x.to(dtype), x.to(dtype)))
    frames = sample(denoiser, schedule, latents, sampler=Heun(steps))
    assert_states_equal(frames, states, PRECISION[dtype])


@old_arrays
@schedules
@types
@steps_of_fifty
def test_dpm_solver(network_denoiser, name, prediction, dtype, steps):
    schedule = Schedule(ScheduleConfig(name=name, timesteps=50))
    denoiser = network_denoiser(schedule, prediction, dtype)
    latents = draw_latents(SEED, COUNT, (2,)).to(dtype)
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=50,
        trained_betas=schedule.betas[1:].numpy(),
        prediction_type=PREDICTIONS[prediction],
        timestep_spacing="trailing",
        algorithm_type="dpmsolver++",
        solver_order=2,
        lower_order_final=True,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(steps)
    times = (scheduler.timesteps + 1).tolist()
    sigmas = ((1 - schedule.alphas_cumprod) / schedule.alphas_cumprod).sqrt()
    scheduler.sigmas = sigmas[[*times, 0]]
    x, states = latents, []
    with torch.no_grad():
        for index, t in zip(scheduler.timesteps, times, strict=True):
            output = denoiser.network(x, torch.full((COUNT,), t))
            after = scheduler.step(output, index, x).prev_sample
            states.append((t, x, scheduler.model_outputs[-1]))
            x = after.to(dtype)
    states.append((0, x, x))
    frames = sample(denoiser, schedule, latents, sampler=DPMSolverPP2M(steps))
    assert_states_equal(frames, states, 1e-4)  # it computes each step in float32


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
