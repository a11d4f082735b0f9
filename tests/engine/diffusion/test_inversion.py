"""Inversion and sampling undo each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import engine
from engine.diffusion.exact import GaussianDenoiser, MixtureDenoiser
from engine.diffusion.inversion import invert, invert_stepwise
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.diffusion.schedules import make_schedule


def last(frames):
    *_, frame = frames
    return frame


def error_after_return(denoiser, schedule, data, steps):
    latents = last(invert(denoiser, schedule, data, steps=steps)).x
    back = last(sample(denoiser, schedule, latents, sampler=DDIM(steps=steps))).x
    return (back - data).norm(dim=1).mean().item()


def mixture(schedule):
    return MixtureDenoiser(
        [0.5, 0.5],
        [[-1.0, 0.0], [1.0, 0.0]],
        torch.tensor([[0.05, 0.0], [0.0, 0.8]]).expand(2, 2, 2),
        schedule,
    )


def test_the_error_of_a_return_falls_at_first_order():
    schedule = make_schedule("linear", 800)
    latents = draw_latents(0, 300, (2,)).double()
    data = last(sample(mixture(schedule), schedule, latents, sampler=DDIM())).x
    steps = np.array([50, 100, 200, 400])
    errors = [error_after_return(mixture(schedule), schedule, data, int(k)) for k in steps]
    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert np.all(abs(slopes + 1) < 0.1), slopes


def test_a_single_step_of_a_gaussian_is_undone_exactly():
    # The fixed point of the first step is the state that the last sampling step maps to the data.
    schedule = make_schedule("linear", 20)
    denoiser = GaussianDenoiser([0.0, 0.0], [[0.5, 0.0], [0.0, 0.5]], schedule)
    data = draw_latents(0, 10, (2,)).double()
    frames = invert(denoiser, schedule, data, steps=20, first_step_passes=60)
    next(frames)
    x1 = next(frames).x
    predicted = denoiser.predict(x1, 1)
    torch.testing.assert_close(predicted.x0, data, atol=1e-9, rtol=0)


def test_frames_come_from_data_to_noise_one_for_each_time():
    schedule = make_schedule("linear", 20)
    data = draw_latents(0, 10, (2,))
    frames = list(invert(mixture(schedule), schedule, data, steps=6))
    assert [frame.t for frame in frames] == [0, 3, 7, 10, 13, 17, 20]
    assert torch.equal(frames[0].x, data)
    assert torch.equal(frames[0].x0, data)
    for frame in frames[1:]:
        expected = mixture(schedule).predict_x0(frame.x, frame.t)
        torch.testing.assert_close(frame.x0, expected)


def test_an_item_costs_at_most_one_evaluation(network_denoiser):
    schedule = make_schedule("linear", 8)
    denoiser = network_denoiser(schedule)
    calls = []
    ask = denoiser.predict
    denoiser.predict = lambda x, t: (calls.append(t), ask(x, t))[1]
    data = draw_latents(0, 10, (2,))
    for stream in (
        invert_stepwise(denoiser, schedule, data),
        sample(denoiser, schedule, data, sampler=DDIM()),
    ):
        before = len(calls)
        for item in stream:
            assert len(calls) - before <= 1, item
            before = len(calls)


def test_the_bundled_model_returns_the_data():
    checkpoint = engine.load_checkpoint("v")
    data = torch.from_numpy(engine.datasets.load("v", n=2000, seed=7).points)
    error = error_after_return(checkpoint.denoiser, checkpoint.schedule, data, steps=250)
    assert error < 0.01


@pytest.mark.parametrize("run", [invert, lambda *a, **k: sample(*a, sampler=DDIM(), **k)])
@pytest.mark.parametrize(
    ("states", "message"),
    [
        (torch.zeros(0, 2), r"got \(0, 2\)"),
        (torch.zeros(3), r"got \(3,\)"),
        (torch.tensor([[0.0, float("nan")]]), "finite"),
        (torch.zeros(3, 2, dtype=torch.int64), "torch.int64"),
    ],
)
def test_states_that_cannot_be_carried_are_named(run, states, message):
    schedule = make_schedule("linear", 8)
    with pytest.raises(ValueError, match=message):
        list(run(mixture(schedule), schedule, states))
