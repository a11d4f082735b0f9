"""More points leave the first ones where they were, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.diffusion.noise import draw_latents, draw_step_noise
from engine.diffusion.samplers import DDIM, DDPM, DDPMSharedNoise, DPMSolverPP2M, Heun, sample
from engine.diffusion.schedules import make_schedule

COUNTS = (1, 7, 16, 500, 512, 513, 2000)


@pytest.mark.parametrize("shape", [(2,), (1,), (3,), (1, 28, 28)])
def test_more_rows_begin_with_the_same_ones(shape):
    counts = COUNTS if len(shape) == 1 else (1, 15, 16, 17, 40)
    most = draw_latents(4, counts[-1], shape)
    noise = draw_step_noise(4, 9, counts[-1], shape)
    for count in counts:
        assert torch.equal(draw_latents(4, count, shape), most[:count])
        assert torch.equal(draw_step_noise(4, 9, count, shape), noise[:count])


@pytest.mark.parametrize(
    "sampler",
    [
        DDPM(),
        DDPMSharedNoise(),
        DDIM(),
        DDIM(steps=7, eta=0.5),
        Heun(steps=7),
        DPMSolverPP2M(steps=7),
    ],
    ids=str,
)
def test_more_samples_leave_the_first_ones_where_they_were(network_denoiser, sampler):
    schedule = make_schedule("linear", 25)
    denoiser = network_denoiser(schedule)

    def run(count):
        latents = draw_latents(1, count, (2,))
        frames = list(sample(denoiser, schedule, latents, sampler=sampler, seed=1))
        return torch.stack([torch.stack([frame.x, frame.x0]) for frame in frames])

    most = run(COUNTS[-1])
    for count in COUNTS:
        assert torch.equal(run(count), most[:, :, :count])


def test_the_folded_network_is_the_network(network_denoiser):
    schedule = make_schedule("cosine", 25)
    denoiser = network_denoiser(schedule, "v", torch.float64)
    x = draw_latents(0, 700, (2,)).double()
    for t in (1, 12, 25):
        with torch.no_grad():
            folded = denoiser.predict(x, t)
        plain = denoiser.predict(x, torch.full((700,), t))
        torch.testing.assert_close(folded.x0, plain.x0, atol=1e-12, rtol=0)


def test_a_refreshed_denoiser_uses_the_new_weights(network_denoiser):
    schedule = make_schedule("linear", 5)
    denoiser = network_denoiser(schedule)
    x = draw_latents(0, 3, (2,))
    with torch.no_grad():
        before = denoiser.predict_noise(x, 3)
        denoiser.network.outlet.bias += 1
        assert torch.equal(denoiser.predict_noise(x, 3), before)
        denoiser.refresh()
        torch.testing.assert_close(denoiser.predict_noise(x, 3), before + 1)


def test_seeds_times_and_purposes_are_independent():
    draws = [
        draw_latents(0, 2000, (2,)),
        draw_latents(1, 2000, (2,)),
        draw_latents(2**62, 2000, (2,)),
        *(draw_step_noise(seed, t, 2000, (2,)) for seed in (0, 1) for t in (1, 2, 250)),
    ]
    # Blocks as well: rows 512 on must not repeat rows 0 on.
    parts = [part.flatten() for draw in draws for part in draw[:1536].split(512)]
    correlation = torch.corrcoef(torch.stack(parts)) - torch.eye(len(parts))
    assert correlation.abs().max() < 6 / 1024**0.5


def test_draws_are_standard_normal_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    drawn = draw_latents(5, 100_000, (2,)).double()
    assert torch.equal(torch.get_rng_state(), before)
    assert drawn.mean(0).abs().max() < 5 / 100_000**0.5
    np.testing.assert_allclose(drawn.var(0), 1, atol=5 * (2 / 100_000) ** 0.5)
    np.testing.assert_allclose((drawn**4).mean(0), 3, atol=5 * (96 / 100_000) ** 0.5)


def test_nothing_and_negative_seeds():
    assert draw_latents(0, 0, (2,)).shape == (0, 2)
    with pytest.raises(ValueError, match="got -1"):
        draw_latents(-1, 3, (2,))
