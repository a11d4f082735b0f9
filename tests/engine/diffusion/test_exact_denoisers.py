"""Closed-form denoisers against other ways to compute the same; samplers against exact chains."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, Normal

from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.exact import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from engine.diffusion.noise import draw_latents, draw_step_noise
from engine.diffusion.samplers import DDIM, DDPM, DDPMSharedNoise, sample
from engine.diffusion.schedules import Schedule, make_schedule
from engine.shared.config import ScheduleConfig

MEAN = np.array([0.4, -0.3])
COVARIANCE = np.array([[0.5, 0.2], [0.2, 0.3]])
SAMPLERS = {
    "ddpm": DDPM(),
    "ddpm-fewer": DDPM(steps=13),
    "ddim": DDIM(),
    "ddim-fewer": DDIM(steps=8),
    "ddim-eta": DDIM(steps=20, eta=0.6),
}


def share_of_noise(sampler) -> float:
    return getattr(sampler, "eta", 1.0)


def last(frames):
    *_, frame = frames
    return frame


def coefficients(schedule: Schedule, sampler):
    """(ab_t, ab_s, variance) for every step of the chain, from the tables alone."""
    T = schedule.timesteps
    times = np.round(np.linspace(T, 0, (sampler.steps or T) + 1)).astype(int)
    bars = schedule.alphas_cumprod.numpy()
    for t, s in itertools.pairwise(times):
        posterior = (1 - bars[s]) / (1 - bars[t]) * (1 - bars[t] / bars[s])
        yield bars[t], bars[s], share_of_noise(sampler) ** 2 * posterior


def gaussian_chain(schedule: Schedule, sampler):
    """Mean and covariance of the samples: every step is affine in x when the denoiser is."""
    mean, covariance, identity = np.zeros(2), np.eye(2), np.eye(2)
    for bar_t, bar_s, variance in coefficients(schedule, sampler):
        gain = bar_t**0.5 * COVARIANCE @ np.linalg.inv(bar_t * COVARIANCE + (1 - bar_t) * identity)
        offset = MEAN - bar_t**0.5 * gain @ MEAN  # x0 = gain x + offset
        direction = (1 - bar_s - variance) ** 0.5 / (1 - bar_t) ** 0.5  # eps is x less its x0
        matrix = bar_s**0.5 * gain + direction * (identity - bar_t**0.5 * gain)
        mean = matrix @ mean + (bar_s**0.5 - direction * bar_t**0.5) * offset
        covariance = matrix @ covariance @ matrix.T + variance * identity
    return mean, covariance


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_samples_of_a_gaussian_have_the_moments_of_the_discrete_chain(name, schedule):
    schedule, sampler, count = make_schedule(schedule, 40), SAMPLERS[name], 40_000
    denoiser = GaussianDenoiser(MEAN, COVARIANCE, schedule)
    latents = draw_latents(1, count, (2,))
    samples = last(sample(denoiser, schedule, latents, sampler=sampler, seed=1)).x.numpy()

    mean, covariance = gaussian_chain(schedule, sampler)
    variances = covariance.diagonal()
    assert np.all(abs(samples.mean(0) - mean) < 5 * np.sqrt(variances / count))
    # The variance of an entry of a sample covariance of a Gaussian.
    spread = np.sqrt((np.outer(variances, variances) + covariance**2) / count)
    assert np.all(abs(np.cov(samples.T) - covariance) < 5 * spread)


WEIGHTS, CENTRES, DEVIATIONS = np.array([0.3, 0.7]), np.array([-1.2, 0.8]), np.array([0.2, 0.4])


def mixture_posterior_mean(x, bar):
    """E[x0 | x_t] of the one-dimensional mixture, written out in NumPy."""
    variance = bar * DEVIATIONS**2 + 1 - bar
    gap = x[:, None] - bar**0.5 * CENTRES
    share = WEIGHTS * np.exp(-(gap**2) / (2 * variance)) / variance**0.5
    share /= share.sum(1, keepdims=True)
    return (share * (CENTRES + bar**0.5 * DEVIATIONS**2 / variance * gap)).sum(1)


def mixture_chain(schedule: Schedule, sampler):
    """Mean, variance and fourth central moment of the samples.

    Deterministic chains carry the Gaussian's quantiles along; others carry the density on a grid.
    The last step adds no noise.
    """
    grid = np.linspace(-7, 7, 1401)
    width = grid[1] - grid[0]
    levels = (np.arange(100_000) + 0.5) / 100_000
    if share_of_noise(sampler):
        x, mass = grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi) * width
    else:
        x = Normal(0, 1).icdf(torch.tensor(levels)).numpy()
        mass = np.full(len(x), 1 / len(x))
    for bar_t, bar_s, variance in coefficients(schedule, sampler):
        x0 = mixture_posterior_mean(x, bar_t)
        eps = (x - bar_t**0.5 * x0) / (1 - bar_t) ** 0.5
        x_next = bar_s**0.5 * x0 + (1 - bar_s - variance) ** 0.5 * eps
        if variance > 0:
            step = np.exp(-((grid[:, None] - x_next) ** 2) / (2 * variance))
            mass = step / np.sqrt(2 * np.pi * variance) * width @ mass
        else:
            x = x_next
    mean = mass @ x
    return mean, mass @ (x - mean) ** 2, mass @ (x - mean) ** 4


@pytest.mark.parametrize("name", SAMPLERS)
def test_samples_of_a_mixture_have_the_moments_of_the_discrete_chain(name):
    schedule, sampler, count = make_schedule("linear", 40), SAMPLERS[name], 40_000
    denoiser = MixtureDenoiser(WEIGHTS, CENTRES[:, None], (DEVIATIONS**2)[:, None, None], schedule)
    latents = draw_latents(2, count, (1,))
    samples = last(sample(denoiser, schedule, latents, sampler=sampler, seed=2)).x.numpy()

    mean, variance, fourth = mixture_chain(schedule, sampler)
    assert abs(samples.mean() - mean) < 5 * np.sqrt(variance / count)
    assert abs(samples.var() - variance) < 5 * np.sqrt((fourth - variance**2) / count)


def test_the_error_of_ddim_falls_at_first_order():
    # In one dimension and around 0 a step multiplies: the sample from 1 is the chain's deviation.
    schedule, deviation = make_schedule("cosine", 4000), 0.5
    denoiser = GaussianDenoiser([0.0], [[deviation**2]], schedule)
    one = torch.ones(1, 1, dtype=torch.float64)
    steps = np.array([20, 40, 80, 160])
    errors = [
        abs(float(last(sample(denoiser, schedule, one, sampler=DDIM(int(k)))).x) - deviation)
        for k in steps
    ]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert np.all(abs(slopes + 1) < 0.1), slopes


class Still(Denoiser):
    """Says that x is all noise, so that what a step adds can be read off."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def predict(self, x_t, t):
        return Prediction(torch.zeros_like(x_t), torch.zeros_like(x_t))


def added_noise(sampler, rows: int, size: int):
    """What DDIM with eta = 1 or DDPM drew at every step but the last, (steps, rows, size)."""
    schedule = make_schedule("linear", 12)
    bars = schedule.alphas_cumprod
    latents = torch.zeros(rows, size, dtype=torch.float64)
    frames = list(sample(Still(schedule), schedule, latents, sampler=sampler, seed=9))
    drawn = []
    for now, after in itertools.pairwise(frames[:-1]):
        bar_t, bar_s = bars[now.t], bars[after.t]
        mean = (bar_t / bar_s) ** 0.5 * (1 - bar_s) / (1 - bar_t) * now.x
        variance = (1 - bar_s) / (1 - bar_t) * (1 - bar_t / bar_s)
        drawn.append((after.x - mean) / variance**0.5)
    return torch.stack(drawn)


def test_shared_noise_is_one_draw_for_all_rows_and_a_new_one_each_step():
    noise = added_noise(DDPMSharedNoise(), rows=5, size=4000)
    for k, t in enumerate(range(12, 1, -1)):
        expected = draw_step_noise(9, t, 1, (4000,)).double().expand(5, -1)
        torch.testing.assert_close(noise[k], expected, atol=1e-9, rtol=0)
    correlation = torch.corrcoef(noise[:, 0]) - torch.eye(len(noise))
    assert correlation.abs().max() < 5 / 4000**0.5


def test_own_noise_differs_between_rows_and_steps():
    noise = added_noise(DDPM(), rows=5, size=4000).flatten(0, 1)
    correlation = torch.corrcoef(noise) - torch.eye(len(noise))
    assert correlation.abs().max() < 5 / 4000**0.5


def test_mixture_is_the_score_of_its_density():
    schedule = Schedule(ScheduleConfig(name="linear", timesteps=30))
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    means = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, -2.0]], dtype=torch.float64)
    covariances = torch.tensor(
        [[[0.3, 0.1], [0.1, 0.2]], [[0.05, 0.0], [0.0, 0.5]], [[1.0, -0.6], [-0.6, 0.5]]],
        dtype=torch.float64,
    )
    denoiser = MixtureDenoiser(weights, means, covariances, schedule)
    x = 2 * torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for t in (1, 2, 15, 30):
        bar = schedule.alphas_cumprod[t]
        noisy = MixtureSameFamily(
            Categorical(weights),
            MultivariateNormal(
                bar.sqrt() * means, bar * covariances + (1 - bar) * torch.eye(2).double()
            ),
        )
        asked = x.clone().requires_grad_()
        (score,) = torch.autograd.grad(noisy.log_prob(asked).sum(), asked)
        prediction = denoiser.predict(x, t)
        expected_x0 = (x + (1 - bar) * score) / bar.sqrt()  # Tweedie's formula
        torch.testing.assert_close(prediction.eps, -(1 - bar).sqrt() * score, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(prediction.x0, expected_x0, atol=1e-9, rtol=1e-9)


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)


def test_ideal_denoiser_is_the_weighted_mean_of_its_points(points, monkeypatch):
    monkeypatch.setattr(IdealDenoiser, "MAX_WEIGHTS", 200)  # three rows at a time
    schedule = make_schedule("cosine", 30)
    denoiser = IdealDenoiser(points, schedule)
    x = draw_latents(0, 8, (2,))
    for t in (1, 15, 30):
        bar = float(schedule.alphas_cumprod[t])
        x0 = denoiser.predict_x0(x, t)
        for row, state in enumerate(x.double().numpy()):
            exponent = [-((state - bar**0.5 * y) ** 2).sum() / (2 * (1 - bar)) for y in points]
            weight = np.exp(np.array(exponent) - max(exponent))
            expected = weight @ points / weight.sum()
            np.testing.assert_allclose(x0[row].numpy(), expected, atol=2e-6)


def states_near_and_far(points, bar, count):
    """States as they occur at alpha_bar = ``bar``, and on a square far beyond the data."""
    generator = torch.Generator().manual_seed(1)
    eps = torch.randn(count, points.shape[1], generator=generator)
    near = bar**0.5 * points[:count] + (1 - bar) ** 0.5 * eps
    return torch.cat([near, 8 * torch.rand(near.shape, generator=generator) - 4])


@pytest.mark.parametrize("dimensions", [1, 2, 3, 20])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_ideal_denoiser_is_as_exact_for_float32(name, dimensions):
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(8000, dimensions, generator=generator)
    # Some of them in a tight cluster, where weights spread over thousands of points.
    points[:4000] = 0.7 + 0.02 * points[:4000]
    schedule = make_schedule(name, 250)
    denoiser = IdealDenoiser(points, schedule)
    for t in (1, 2, 5, 12, 30, 40, 60, 125, 200, 250):
        x = states_near_and_far(points, schedule.alpha_bar(t), 60)
        x0 = denoiser.predict_x0(x, t)
        assert x0.dtype == torch.float32
        exact = denoiser.predict_x0(x.double(), t)
        assert exact.dtype == torch.float64
        torch.testing.assert_close(x0.double(), exact, atol=1e-5, rtol=0, msg=f"t = {t}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("t", [1, 10, 60, 250])
def test_gradient_of_the_ideal_denoiser_is_its_covariance(points, dtype, t, monkeypatch):
    """d E[x0 | x] / dx = sqrt(ab) / (1 - ab) Cov[x0 | x]."""
    monkeypatch.setattr(IdealDenoiser, "MAX_WEIGHTS", 60 * 7)  # seven rows at a time
    schedule = make_schedule("linear", 250)
    bar = schedule.alpha_bar(t)
    x = states_near_and_far(torch.from_numpy(points), bar, 20)
    towards = draw_latents(4, len(x), (2,))
    expected = []
    for state, direction in zip(x.double().numpy(), towards.double().numpy(), strict=True):
        exponent = -((state - bar**0.5 * points.astype(float)) ** 2).sum(1) / (2 * (1 - bar))
        weight = np.exp(exponent - exponent.max())
        covariance = np.cov(points.T.astype(float), aweights=weight / weight.sum(), ddof=0)
        expected.append(bar**0.5 / (1 - bar) * covariance @ direction)
    asked = x.to(dtype).requires_grad_()
    x0 = IdealDenoiser(points, schedule).predict_x0(asked, t)
    (gradient,) = torch.autograd.grad((x0 * towards.to(dtype)).sum(), asked)
    np.testing.assert_allclose(gradient, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dimensions", [2, 20])
def test_more_states_leave_the_first_means_where_they_were(dtype, dimensions):
    schedule = make_schedule("linear", 250)
    points = torch.randn(5000, dimensions, generator=torch.Generator().manual_seed(0))
    denoiser = IdealDenoiser(points, schedule)
    x = draw_latents(0, 300, (dimensions,)).to(dtype)
    for t in (1, 100, 250):
        most = denoiser.predict_x0(x, t)
        for count in (1, 25, 26, 27, 130):
            assert torch.equal(denoiser.predict_x0(x[:count], t), most[:count])


def test_ideal_denoiser_is_a_mixture_of_needles(points):
    schedule = make_schedule("linear", 30)
    needles = np.tile(1e-12 * np.eye(2), (60, 1, 1))
    mixture = MixtureDenoiser(np.full(60, 1 / 60), points, needles, schedule)
    ideal = IdealDenoiser(points, schedule)
    x = draw_latents(0, 50, (2,)).double()
    t = torch.randint(1, 31, (50,), generator=torch.Generator().manual_seed(0))
    one, other = ideal.predict(x, t), mixture.predict(x, t)
    torch.testing.assert_close(one.x0, other.x0, atol=1e-6, rtol=0)
    torch.testing.assert_close(one.eps, other.eps, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sampling_with_the_ideal_denoiser_ends_on_the_points(points, dtype):
    schedule = make_schedule("cosine", 100)
    latents = draw_latents(0, 100, (2,)).to(dtype)
    samples = last(sample(IdealDenoiser(points, schedule), schedule, latents, sampler=DDIM())).x
    assert samples.dtype == dtype
    nearest = torch.cdist(samples.double(), torch.from_numpy(points).double()).min(1).values
    assert nearest.median() < 1e-4


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.array([[0.0, np.nan]]), np.zeros(3)])
def test_ideal_denoiser_refuses_what_is_no_data(points):
    with pytest.raises(ValueError, match="points must be finite"):
        IdealDenoiser(points, make_schedule())


def test_mixture_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"weights \(3,\), means \(2, 2\)"):
        MixtureDenoiser(np.ones(3), np.zeros((2, 2)), np.zeros((2, 2, 2)), make_schedule())


@pytest.mark.parametrize("t", [0, -1, 251, torch.tensor([0, 3]), torch.tensor([3, 251])])
def test_denoisers_are_asked_at_1_to_T(t):
    denoiser = GaussianDenoiser(MEAN, COVARIANCE, make_schedule())
    with pytest.raises(ValueError, match=r"between 1 and T = 250, got t = (0|-1|251)"):
        denoiser.predict(torch.zeros(2, 2), t)
