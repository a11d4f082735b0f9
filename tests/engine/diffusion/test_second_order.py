"""Heun and DPM-Solver++(2M): their order, schedules without signal at T, what they cost."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from engine.diffusion.denoiser import Denoiser
from engine.diffusion.exact import GaussianDenoiser, MixtureDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import (
    DDIM,
    DDPM,
    DPMSolverPP2M,
    Heun,
    make_sampler,
    sample,
    sample_stepwise,
)
from engine.diffusion.schedules import Schedule, make_schedule
from engine.shared.config import SamplerConfig

KINDS = {"heun": Heun, "dpmpp2m": DPMSolverPP2M}
kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
MEANS = np.array([[-1.2, 0.0], [0.8, 0.5]])
VARIANCES = np.array([0.04 * np.eye(2), 0.16 * np.eye(2)])


def mixture(schedule: Schedule) -> MixtureDenoiser:
    return MixtureDenoiser([0.3, 0.7], MEANS, VARIANCES, schedule)


def last(frames):
    *_, frame = frames
    return frame.x


class Counting(Denoiser):
    """Another denoiser, with the times at which it was asked."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.schedule, self.asked = denoiser.schedule, []
        self._denoiser = denoiser

    def predict(self, x_t, t):
        self.asked.append(t)
        return self._denoiser.predict(x_t, t)


# Written again, from the papers, for a step from (x, t) to s: x_hat / sigma for Heun and lambda for
# DPM-Solver++. NumPy, float64.


def heun_by_the_paper(predict, bars, times, x):
    sigma = np.sqrt((1 - bars) / bars)

    def derivative(hat, t):  # (x_hat - D(x_hat, sigma)) / sigma
        return (hat - predict(hat * bars[t] ** 0.5, t)) / sigma[t]

    hat = x / bars[times[0]] ** 0.5
    states = [x]
    for t, s in itertools.pairwise(times):
        slope = derivative(hat, t)
        ahead = hat + (sigma[s] - sigma[t]) * slope
        if s > 0:
            ahead = hat + (sigma[s] - sigma[t]) * (slope + derivative(ahead, s)) / 2
        hat = ahead
        states.append(hat * bars[s] ** 0.5)
    return states


def dpmpp2m_by_the_paper(predict, bars, times, x):
    alpha, sigma = np.sqrt(bars), np.sqrt(1 - bars)
    with np.errstate(divide="ignore"):
        log = np.log(alpha / sigma)
    states, steps, predicted = [x], [], []
    for t, s in itertools.pairwise(times):
        predicted.append(predict(x, t))
        steps.append(log[s] - log[t])
        data = predicted[-1]
        if len(steps) > 1 and s > 0:
            r = steps[-2] / steps[-1]
            data = (1 + 1 / (2 * r)) * predicted[-1] - 1 / (2 * r) * predicted[-2]
        x = sigma[s] / sigma[t] * x - alpha[s] * np.expm1(-steps[-1]) * data
        states.append(x)
    return states


@pytest.mark.parametrize("steps", [1, 2, 7, 40])
@pytest.mark.parametrize(
    ("kind", "by_the_paper", "name"),
    [
        (Heun, heun_by_the_paper, "linear"),
        (Heun, heun_by_the_paper, "quadratic"),
        # Heun on the cosine schedule, whose sigma_T lies beyond the paper's range: see below.
        (DPMSolverPP2M, dpmpp2m_by_the_paper, "linear"),
        (DPMSolverPP2M, dpmpp2m_by_the_paper, "cosine"),
    ],
)
def test_every_state_is_that_of_the_paper(kind, by_the_paper, name, steps):
    schedule = make_schedule(name, 40)
    denoiser = mixture(schedule)
    latents = draw_latents(0, 20, (2,)).double()

    def predict(x, t):
        return denoiser.predict_x0(torch.from_numpy(x), int(t)).numpy()

    times = np.round(np.linspace(40, 0, steps + 1)).astype(int)
    bars = schedule.alphas_cumprod.numpy()
    expected = by_the_paper(predict, bars, times, latents.numpy())
    frames = list(sample(denoiser, schedule, latents, sampler=kind(steps)))
    assert [frame.t for frame in frames] == times.tolist()
    for frame, state in zip(frames, expected, strict=True):
        np.testing.assert_allclose(frame.x, state, atol=1e-10, err_msg=f"t = {frame.t}")


@kinds
@pytest.mark.parametrize("zero_terminal", [False, True])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_the_error_falls_at_second_order(kind, name, zero_terminal):
    """As DDIM's falls at first order: test_exact_denoisers.

    Not at t = 0: the last step is of first order, and the schedules' first betas do not shrink.
    """
    T, mean, variance = 4000, 0.3, 0.25
    schedule = make_schedule(name, T, zero_terminal=zero_terminal)
    denoiser = GaussianDenoiser([mean], [[variance]], schedule)
    one = torch.ones(1, 1, dtype=torch.float64)
    # The flow keeps the score of x_t: it is N(sqrt(ab) mean, ab variance + 1 - ab) at every t.
    (bar_t, bar_end) = (schedule.alpha_bar(t) for t in (T, T // 5))
    score = (1 - bar_t**0.5 * mean) / (bar_t * variance + 1 - bar_t) ** 0.5
    exact = bar_end**0.5 * mean + (bar_end * variance + 1 - bar_end) ** 0.5 * score
    steps = np.array([40, 80, 160, 320])
    errors = [
        abs(float(frame.x) - exact)
        for k in steps
        for frame in sample(denoiser, schedule, one, sampler=kind(int(k)))
        if frame.t == T // 5
    ]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert np.all(abs(slopes + 2) < 0.25), (errors, slopes)


@kinds
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_zero_terminal_signal_gives_the_right_samples(kind, name):
    """From no signal at all the flow carries z to mean + factor z, whatever the schedule."""
    schedule = make_schedule(name, 1000, zero_terminal=True)
    factor = np.array([[0.6, 0.0], [0.2, 0.4]])
    # For the flow to be that map, the factor must be the symmetric root of the covariance.
    values, vectors = np.linalg.eigh(factor @ factor.T)
    root = vectors * values**0.5 @ vectors.T
    denoiser = GaussianDenoiser([0.4, -0.3], factor @ factor.T, schedule)
    latents = draw_latents(1, 50, (2,)).double()
    expected = np.array([0.4, -0.3]) + latents.numpy() @ root
    samples = last(sample(denoiser, schedule, latents, sampler=kind(250))).numpy()
    np.testing.assert_allclose(samples, expected, atol=2e-3)
    by_ddim = last(sample(denoiser, schedule, latents, sampler=DDIM(250))).numpy()
    assert abs(samples - expected).max() < abs(by_ddim - expected).max() / 5


@kinds
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize("zero_terminal", [False, True])
def test_very_few_steps_stay_near_the_data(kind, dtype, steps, zero_terminal):
    schedule = make_schedule("cosine", 250, zero_terminal=zero_terminal)
    latents = draw_latents(2, 500, (2,)).to(dtype)
    frames = list(sample(mixture(schedule), schedule, latents, sampler=kind(steps)))
    for frame in frames:
        assert frame.x.dtype == dtype
        assert bool(torch.isfinite(frame.x).all())
        assert bool(torch.isfinite(frame.x0).all())
    # 99.9 % of the mixture lie within 3; in sigma alone, Heun throws these out to 100.
    assert frames[-1].x.norm(dim=1).max() < 4


@kinds
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_they_are_worth_their_evaluations(kind, name):
    """Nearer than DDIM to where all T steps of Heun lead, for the same number of evaluations."""
    schedule = make_schedule(name, 250)
    denoiser, latents = mixture(schedule), draw_latents(3, 400, (2,)).double()
    exact = last(sample(denoiser, schedule, latents, sampler=Heun()))

    def error(sampler):
        far = (last(sample(denoiser, schedule, latents, sampler=sampler)) - exact).norm(dim=1)
        return float(far.mean())

    evaluations = 39
    steps = evaluations if kind is DPMSolverPP2M else (evaluations + 1) // 2
    assert kind(steps).config.evaluations(250) == evaluations
    assert error(kind(steps)) < error(DDIM(evaluations)) / 2


SAMPLERS = {"ddpm": DDPM, "ddim": DDIM, **KINDS}


@pytest.mark.parametrize("kind", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("steps", [None, 1, 2, 7])
@pytest.mark.parametrize("zero_terminal", [False, True])
def test_evaluations_are_counted_and_come_one_an_item(kind, steps, zero_terminal):
    schedule = make_schedule("linear", 12, zero_terminal=zero_terminal)
    denoiser, sampler = Counting(mixture(schedule)), kind(steps)
    latents = draw_latents(0, 5, (2,))
    frames, spent = 0, [0]
    for item in sample_stepwise(denoiser, schedule, latents, sampler=sampler):
        frames += item is not None
        spent.append(len(denoiser.asked))
    assert max(np.diff(spent)) == 1
    assert spent[-1] == sampler.config.evaluations(12)
    assert spent[-1] == (2 * (steps or 12) - 1 if kind is Heun else steps or 12)
    assert frames == (steps or 12) + 1
    assert 0 not in denoiser.asked


def test_heun_may_be_left_between_its_two_evaluations():
    schedule = make_schedule("linear", 12)
    denoiser = Counting(mixture(schedule))
    items = sample_stepwise(denoiser, schedule, draw_latents(0, 5, (2,)), sampler=Heun(3))
    assert next(items).t == 12
    assert denoiser.asked == [12]
    assert next(items) is None
    assert denoiser.asked == [12, 8]
    items.close()
    assert denoiser.asked == [12, 8]


@pytest.mark.parametrize("name", KINDS)
def test_they_are_made_by_name_and_take_no_eta(name):
    assert make_sampler(SamplerConfig(name=name, steps=9)) == KINDS[name](9)
    assert KINDS[name](9).config == SamplerConfig(name=name, steps=9)
    with pytest.raises(ValueError, match=f"eta belongs to the sampler 'ddim'; .* '{name}'"):
        SamplerConfig(name=name, eta=0.5)


def test_evaluations_of_more_steps_than_there_are():
    with pytest.raises(ValueError, match="at most T = 250, got 251"):
        SamplerConfig(name="heun", steps=251).evaluations(250)
