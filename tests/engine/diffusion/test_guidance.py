"""Classes and classifier-free guidance, by the formula o + w (o_c - o)."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from engine.diffusion.denoiser import GuidedDenoiser, NetworkDenoiser, to_prediction
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, sample
from engine.diffusion.schedules import Schedule
from engine.shared.config import ScheduleConfig
from tests.engine.small_network import small_network
from tests.engine.small_unet import TINY, lively_unet

K = 3
PREDICTIONS = ["noise", "x0", "v"]


def denoiser_of(prediction: str = "v") -> NetworkDenoiser:
    network = lively_unet(replace(TINY, classes=K))
    return NetworkDenoiser(network, Schedule(ScheduleConfig(timesteps=20)), prediction)


def drawn(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def weights_of(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32)


MIXED = weights_of((1, 0, 0), (0, 0, 1), (0, 0.5, 0.5), (0, 0, 0))


@torch.no_grad()
def ask(denoiser, x, t):
    found = denoiser.predict(x, t)
    return found.x0, found.eps


def assert_same(found, expected, atol: float = 0.0) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=atol, rtol=0)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_no_guidance_is_the_network_without_classes(prediction):
    plain = denoiser_of(prediction)
    x = drawn(4)
    assert_same(ask(plain.conditioned(MIXED, 0.0), x, 9), ask(plain, x, 9))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_guidance_of_one_is_the_network_that_is_told(prediction):
    plain = denoiser_of(prediction)
    x = drawn(4)
    with torch.no_grad():
        output = plain.network(x, torch.full((4,), 9), MIXED)
        expected = to_prediction(output, x, 9, plain.schedule, prediction)
    found = ask(plain.conditioned(MIXED), x, 9)
    assert_same(found, (expected.x0, expected.eps), 1e-5)
    assert (found[0][:3] - ask(plain, x, 9)[0][:3]).abs().amax((1, 2, 3)).min() > 1e-3
    # The last row's weights are zeros: no class at all.
    torch.testing.assert_close(found[0][3], ask(plain, x, 9)[0][3])


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("w", [0.3, 0.5, 2.0, 7.5])
def test_other_guidance_is_the_formula(w, prediction):
    plain = denoiser_of(prediction)
    x = drawn(4)
    with torch.no_grad():
        t = torch.full((4,), 9)
        unaware, aware = plain.network(x, t).double(), plain.network(x, t, MIXED).double()
        output = (unaware + w * (aware - unaware)).float()
        expected = to_prediction(output, x, 9, plain.schedule, prediction)
    found = ask(plain.conditioned(MIXED, w), x, 9)
    assert_same(found, (expected.x0, expected.eps), 1e-4)


def test_guidance_is_a_straight_line_through_both():
    """x0 is linear in the output, so it is linear in w as well."""
    plain = denoiser_of()
    x = drawn(4)
    at = {w: ask(plain.conditioned(MIXED, w), x, 9)[0] for w in (0.0, 1.0, 0.25, 3.0)}
    for w in (0.25, 3.0):
        line = at[0.0] + w * (at[1.0] - at[0.0])
        torch.testing.assert_close(at[w], line, atol=1e-5, rtol=0)


@pytest.mark.parametrize("w", [0.0, 1.0, 2.5])
def test_one_row_is_for_all_states(w):
    plain = denoiser_of()
    x = drawn(5)
    row = weights_of((0.2, 0, 0.8))
    rows = row.expand(5, -1)
    for t in (9, torch.tensor([1, 20, 9, 9, 3])):
        assert_same(ask(plain.conditioned(row, w), x, t), ask(plain.conditioned(rows, w), x, t))


def test_times_of_their_own_and_one_time_for_all_agree():
    guided = denoiser_of().conditioned(MIXED, 2.0)
    x = drawn(4)
    assert_same(ask(guided, x, torch.full((4,), 9)), ask(guided, x, 9), 1e-5)


@pytest.mark.parametrize("w", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("rows", [1, 70])
def test_more_rows_leave_the_first_ones_to_the_bit(rows, w):
    """70 images are two blocks, of which the last is padded; so are 3."""
    plain = denoiser_of()
    x = drawn(70)
    random = torch.Generator().manual_seed(1)
    classes = torch.rand(rows, K, generator=random)
    whole = ask(plain.conditioned(classes, w), x, 9)
    for count in (1, 3, 64, 65):
        told = classes if rows == 1 else classes[:count]
        some = ask(plain.conditioned(told, w), x[:count], 9)
        assert_same(some, (whole[0][:count], whole[1][:count]))


@pytest.mark.parametrize("sampler", [DDIM(steps=4), DDPM(steps=4)])
def test_more_samples_leave_the_first_ones_to_the_bit(sampler):
    plain = denoiser_of()

    def samples(count: int) -> torch.Tensor:
        guided = plain.conditioned(torch.eye(K)[torch.arange(count) % K], 2.0)
        latents = draw_latents(0, count, (1, 8, 8))
        *_, last = sample(guided, plain.schedule, latents, sampler=sampler, seed=0)
        return last.x

    assert torch.equal(samples(66)[:5], samples(5))


def test_rows_are_told_their_own_class():
    plain = denoiser_of()
    x = drawn(1).expand(4, -1, -1, -1)
    found = ask(plain.conditioned(MIXED), x, 9)[0]
    for row in range(4):
        alone = ask(plain.conditioned(MIXED[row : row + 1]), x[:1], 9)[0]
        assert torch.equal(found[row], alone[0])


def test_evaluations_are_one_or_two(monkeypatch):
    plain = denoiser_of()
    asked = []
    output = plain.output
    monkeypatch.setattr(plain, "output", lambda *given: asked.append(1) or output(*given))
    for w, expected in [(0.0, 1), (1.0, 1), (2.0, 2), (0.5, 2)]:
        asked.clear()
        ask(plain.conditioned(MIXED, w), drawn(4), 9)
        assert len(asked) == expected


def test_the_gradient_leads_back_to_classes_and_states():
    plain = denoiser_of()
    x, classes = drawn(4).requires_grad_(), MIXED.clone().requires_grad_()
    plain.conditioned(classes, 2.0).predict(x, 9).x0.square().mean().backward()
    assert x.grad.abs().max() > 0
    assert classes.grad.abs().max() > 0


@pytest.mark.parametrize(
    ("classes", "guidance", "message"),
    [
        (torch.ones(4, 4), 1.0, r"must have shape \(N, 3\), got \(4, 4\)"),
        (torch.ones(3), 1.0, r"must have shape \(N, 3\), got \(3,\)"),
        (torch.ones(2, 3, 1), 1.0, r"got \(2, 3, 1\)"),
        (torch.full((1, 3), math.nan), 1.0, "must be finite, got NaN or infinity"),
        (torch.full((1, 3), math.inf), 1.0, "must be finite, got NaN or infinity"),
        (torch.ones(1, 3), -0.1, "guidance must be between 0 and 20, got -0.1"),
        (torch.ones(1, 3), 20.5, "guidance must be between 0 and 20, got 20.5"),
        (torch.ones(1, 3), math.nan, "guidance must be between 0 and 20, got nan"),
    ],
)
def test_what_does_not_fit_is_named(classes, guidance, message):
    with pytest.raises(ValueError, match=message):
        GuidedDenoiser(denoiser_of(), classes, guidance)


def test_states_without_their_class_are_named():
    guided = denoiser_of().conditioned(MIXED)
    for t in (9, torch.full((3,), 9)):
        with pytest.raises(ValueError, match="3 states with 4 rows of class weights"):
            guided.predict(drawn(3), t)
    with pytest.raises(ValueError, match="between 1 and T = 20, got t = 21"):
        guided.predict(drawn(4), 21)


def test_networks_that_know_no_classes_say_so():
    schedule = Schedule(ScheduleConfig(timesteps=20))
    for network in (lively_unet(), small_network(20)):
        denoiser = NetworkDenoiser(network, schedule, "v")
        assert denoiser.classes == 0
        with pytest.raises(ValueError, match="this network was trained without classes"):
            denoiser.conditioned(torch.ones(1, 3))
