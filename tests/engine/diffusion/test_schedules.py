"""Tables against their formulas and a peer; the forward process against its own moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import betas_for_alpha_bar, rescale_zero_terminal_snr

from engine.diffusion.denoiser import NetworkDenoiser, to_prediction, training_target
from engine.diffusion.samplers import DDIM, DDPM, sample
from engine.diffusion.schedules import Schedule, make_schedule
from engine.models.mlp import ResidualMLP
from engine.shared.config import (
    SCHEDULES,
    ModelConfig,
    ScheduleConfig,
    TrainingConfig,
    sampler_times,
)

every_schedule = pytest.mark.parametrize(
    "config",
    [
        ScheduleConfig(name=name, timesteps=50, zero_terminal=zero)
        for name in SCHEDULES
        for zero in (False, True)
    ],
    ids=lambda config: config.name + ("-zero" if config.zero_terminal else ""),
)


@every_schedule
def test_tables_are_float64_from_1_downwards(config):
    schedule = Schedule(config)
    bars, betas = schedule.alphas_cumprod, schedule.betas
    assert bars.dtype == betas.dtype == torch.float64
    assert bars.device.type == "cpu"
    assert bars.shape == betas.shape == (51,)
    assert bars[0] == 1
    assert betas[0] == 0
    assert (bars.diff() < 0).all()
    torch.testing.assert_close((1 - betas).cumprod(0), bars, atol=1e-14, rtol=1e-12)
    assert [schedule.alpha_bar(t) for t in range(51)] == bars.tolist()


def test_linear_betas_are_evenly_spaced():
    expected = [1e-4 + (0.02 - 1e-4) * (t - 1) / 249 for t in range(1, 251)]
    np.testing.assert_allclose(make_schedule("linear").betas[1:], expected, rtol=1e-10)


def test_quadratic_betas_have_evenly_spaced_roots():
    expected = [(0.01 + (math.sqrt(0.02) - 0.01) * (t - 1) / 249) ** 2 for t in range(1, 251)]
    np.testing.assert_allclose(make_schedule("quadratic").betas[1:], expected, rtol=1e-10)


def test_cosine_is_the_formula_of_nichol_and_dhariwal():
    def f(t):
        return math.cos((t / 250 + 0.008) / 1.008 * math.pi / 2) ** 2

    bars = make_schedule("cosine").alphas_cumprod
    # Up to the last step, where beta is clipped.
    np.testing.assert_allclose(bars[:-1], [f(t) / f(0) for t in range(250)], rtol=1e-9)
    assert math.isclose(bars[-1], bars[-2] * 0.001, rel_tol=1e-9)
    peer = betas_for_alpha_bar(250, max_beta=0.999).double()
    np.testing.assert_allclose(make_schedule("cosine").betas[1:], peer, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", SCHEDULES)
def test_zero_terminal_ends_at_exactly_0_and_keeps_the_first_step(name):
    plain = make_schedule(name)
    rescaled = make_schedule(name, zero_terminal=True)
    assert rescaled.alphas_cumprod[-1] == 0
    root, rescaled_root = plain.alphas_cumprod.sqrt(), rescaled.alphas_cumprod.sqrt()
    assert math.isclose(rescaled_root[1], root[1], rel_tol=1e-12)
    # In between the roots are mapped linearly.
    slope = rescaled_root[1:].diff() / root[1:].diff()
    torch.testing.assert_close(slope, slope[0].expand_as(slope), rtol=1e-6, atol=0)


def test_zero_terminal_agrees_with_diffusers():
    peer = rescale_zero_terminal_snr(make_schedule("linear", 50).betas[1:])
    ours = make_schedule("linear", 50, zero_terminal=True).betas[1:]
    torch.testing.assert_close(ours, peer, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", SCHEDULES)
def test_stepwise_forward_process_has_the_moments_of_the_closed_form(name):
    schedule, count = make_schedule(name, 20), 40_000
    generator = torch.Generator().manual_seed(0)
    x0 = torch.tensor([[1.5, -0.5]]).expand(count, 2)
    x = x0
    for t in range(1, 21):
        x = schedule.forward_step(x, t, torch.randn(count, 2, generator=generator))
        if t in (1, 7, 20):
            bar = float(schedule.alphas_cumprod[t])
            error = (x.mean(0) - bar**0.5 * x0[0]).abs().max()
            assert error < 5 * ((1 - bar) / count) ** 0.5
            assert (x.var(0) / (1 - bar) - 1).abs().max() < 5 * (2 / count) ** 0.5
            closed = schedule.add_noise(x0, t, torch.zeros(count, 2))
            torch.testing.assert_close(closed, bar**0.5 * x0)


def test_steps_compose_to_the_closed_form():
    schedule = make_schedule("quadratic", 20)
    x = torch.ones(1, 1, dtype=torch.float64)
    for t in range(1, 21):
        x = schedule.forward_step(x, t, torch.zeros(1, 1, dtype=torch.float64))
    torch.testing.assert_close(x, schedule.alphas_cumprod[-1].sqrt().view(1, 1))


def test_a_time_for_each_row_is_the_same_as_rows_one_by_one():
    schedule = make_schedule("cosine", 20)
    generator = torch.Generator().manual_seed(0)
    x0, eps = torch.randn(2, 6, 3, 4, generator=generator)
    t = torch.tensor([1, 20, 7, 7, 3, 0])
    together = schedule.add_noise(x0, t, eps)
    for row, time in enumerate(t.tolist()):
        one = schedule.add_noise(x0[row : row + 1], time, eps[row : row + 1])
        torch.testing.assert_close(together[row : row + 1], one)


@pytest.mark.parametrize("t", [0, 21, -1])
def test_forward_step_names_a_time_out_of_range(t):
    with pytest.raises(ValueError, match=f"between 1 and T = 20, got {t}$"):
        make_schedule("linear", 20).forward_step(torch.zeros(1, 2), t, torch.zeros(1, 2))


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    ("prediction", "zero"),
    [("noise", False), ("x0", False), ("v", False), ("x0", True), ("v", True)],
)
def test_a_perfect_network_gives_back_x0_and_eps(name, prediction, zero):
    config = ScheduleConfig(name=name, timesteps=50, zero_terminal=zero)
    schedule = Schedule(config)
    generator = torch.Generator().manual_seed(0)
    x0, eps = torch.randn(2, 51, 2, generator=generator, dtype=torch.float64)
    t = torch.arange(1, 51)
    x0, eps = x0[1:], eps[1:]
    x_t = schedule.add_noise(x0, t, eps)
    output = training_target(x0, eps, t, schedule, prediction)
    found = to_prediction(output, x_t, t, schedule, prediction)
    torch.testing.assert_close(found.x0, x0, atol=1e-9, rtol=0)
    torch.testing.assert_close(found.eps, eps, atol=1e-9, rtol=0)
    one = to_prediction(output[9:10], x_t[9:10], 10, schedule, prediction)
    torch.testing.assert_close(one.x0, x0[9:10], atol=1e-9, rtol=0)


def test_noise_prediction_is_refused_where_the_signal_is_zero():
    config = ScheduleConfig(name="linear", timesteps=20, zero_terminal=True)
    with pytest.raises(ValueError, match="zero terminal"):
        TrainingConfig(schedule=config, prediction="noise")
    with pytest.raises(ValueError, match="zero terminal"):
        NetworkDenoiser(ResidualMLP(2, 20, ModelConfig()), Schedule(config), "noise")


def test_defaults_avoid_dividing_by_a_vanishing_signal():
    assert TrainingConfig().resolved_prediction == "noise"
    assert TrainingConfig(schedule=ScheduleConfig(name="cosine")).resolved_prediction == "v"
    assert TrainingConfig(schedule=ScheduleConfig(zero_terminal=True)).resolved_prediction == "v"


@pytest.mark.parametrize("prediction", ["v", "x0"])
@pytest.mark.parametrize("sampler", [DDPM(), DDIM(), DDPM(steps=1), DDIM(steps=1)])
def test_frames_stay_finite_with_zero_terminal_signal(network_denoiser, prediction, sampler):
    schedule = make_schedule("cosine", 20, zero_terminal=True)
    denoiser = network_denoiser(schedule, prediction)
    latents = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    frames = list(sample(denoiser, schedule, latents, sampler=sampler))
    assert all(torch.isfinite(frame.x).all() for frame in frames)
    assert all(frame.x0.abs().max() < 10 for frame in frames)
    if prediction == "v":  # without signal, v is -x0
        at_T = denoiser.network(latents, torch.full((5,), 20))
        torch.testing.assert_close(frames[0].x0, -at_T)


@pytest.mark.parametrize(("T", "K"), [(250, 250), (250, 50), (250, 7), (250, 1), (2, 2)])
def test_times_go_from_noise_to_data(T, K):
    times = sampler_times(T, K)
    assert times == [round(T - T * k / K) for k in range(K + 1)]
    assert (times[0], times[-1]) == (T, 0)


@pytest.mark.parametrize(("T", "K", "value"), [(250, 251, 251), (250, 0, 0), (2, 3, 3)])
def test_impossible_numbers_of_steps_are_named(T, K, value):
    with pytest.raises(ValueError, match=f"T = {T}, got {value}"):
        sampler_times(T, K)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "sigmoid"}, "unknown schedule 'sigmoid'"),
        ({"timesteps": 1}, "timesteps must be between 2 and 10000, got 1"),
        ({"timesteps": float("nan")}, "got nan"),
    ],
)
def test_impossible_schedules_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ScheduleConfig(**change)
