"""Attention along a trajectory: that of the network at each state, by its own definition."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

import engine
from engine.analysis import attention_maps as maps
from engine.analysis.attention_maps import (
    AttentionLayer,
    attention_layers,
    attention_maps,
    chosen_layer,
)
from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.schedules import Schedule
from engine.shared.config import UNetConfig
from tests.engine.small_network import small_network
from tests.engine.small_unet import TINY, digits_config, lively_unet

WITH_CLASSES = UNetConfig(
    width=8, multipliers=(1, 2), attention=(0, 1), heads=2, embedding=8, classes=3
)


def checkpoint_of(config: UNetConfig = WITH_CLASSES, channels: int = 1, size: int = 8):
    """All that is asked of a checkpoint, around a random UNet."""
    network = lively_unet(config, channels, size)
    schedule = Schedule(digits_config().schedule)
    return SimpleNamespace(
        denoiser=NetworkDenoiser(network, schedule, "v"),
        schedule=schedule,
        shape=(channels, size, size),
        source="mine",
    )


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_layers_are_listed_with_sides_and_heads():
    checkpoint = checkpoint_of(size=9)
    assert attention_layers(checkpoint) == [
        AttentionLayer("down.0.attention.heads", 9, 2),
        AttentionLayer("down.1.attention.heads", 5, 2),
        AttentionLayer("middle_attention.heads", 5, 2),
        AttentionLayer("up.0.attention.heads", 9, 2),
        AttentionLayer("up.1.attention.heads", 5, 2),
    ]
    assert chosen_layer(checkpoint).name == "down.1.attention.heads"
    assert chosen_layer(checkpoint, "up.0.attention.heads").side == 9


def given_to(layer: torch.nn.Module, network, x, t, classes) -> tuple[torch.Tensor, torch.Tensor]:
    """What goes into a layer and what comes out, by a hook of our own."""
    seen = []
    handle = layer.register_forward_hook(lambda _, args, out: seen.extend((args[0], out)))
    network.at(x, t, classes)
    handle.remove()
    return seen[0], seen[1]


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize(
    "name", ["down.0.attention.heads", "middle_attention.heads", "up.1.attention.heads"]
)
def test_weights_are_the_definition_at_every_time(name, told):
    """softmax(Q K^T / sqrt(d)) from what the layer was given; with V they give its output."""
    checkpoint = checkpoint_of()
    network = checkpoint.denoiser.network
    classes = torch.tensor([[0.0, 0.25, 0.75]]) if told else None
    x, times = drawn(4, 1, 8, 8), [20, 11, 5, 1]
    layer = network.get_submodule(name)
    d = layer.dim // layer.heads
    found = list(attention_maps(checkpoint, x, times, layer=name, classes=classes))
    assert len(found) == 4
    for k, weights in enumerate(found):
        pixels, out = given_to(layer, network, x[k : k + 1], times[k], classes)
        projected = pixels[0].double() @ layer.in_proj_weight.double().T + layer.in_proj_bias
        q, key, v = projected.chunk(3, dim=1)
        joined = []
        for head in range(layer.heads):
            rows = slice(head * d, (head + 1) * d)
            scores = q[:, rows] @ key[:, rows].T / math.sqrt(d)
            shares = scores.exp() / scores.exp().sum(1, keepdim=True)
            torch.testing.assert_close(weights[head].double(), shares, atol=1e-5, rtol=0)
            joined.append(weights[head].double() @ v[:, rows])
        again = torch.cat(joined, 1) @ layer.out_proj.weight.double().T + layer.out_proj.bias
        torch.testing.assert_close(again, out[0].double(), atol=1e-5, rtol=0)
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
        assert weights.std() > 1e-4  # not all alike
    assert (found[0] - found[1]).abs().max() > 1e-3


def test_classes_matter():
    checkpoint = checkpoint_of()
    x = drawn(1, 1, 8, 8)
    one, other, none, zeros = (
        next(iter(attention_maps(checkpoint, x, [9], layer="up.0.attention.heads", classes=c)))
        for c in (torch.eye(3)[:1], torch.eye(3)[1:2], None, torch.zeros(1, 3))
    )
    assert (one - other).abs().max() > 1e-4
    torch.testing.assert_close(none, zeros)


def test_an_item_is_one_evaluation_and_leaves_nothing_behind(monkeypatch):
    checkpoint = checkpoint_of()
    network = checkpoint.denoiser.network.requires_grad_(True)
    asked = []
    at = network.at
    monkeypatch.setattr(network, "at", lambda x, t, c: (asked.append(t), at(x, t, c))[1])
    items = attention_maps(checkpoint, drawn(3, 1, 8, 8), [7, 5, 3])
    assert asked == []
    for t in (7, 5, 3):
        weights = next(items)
        assert asked[-1] == t
        assert not weights.requires_grad
        assert torch.is_grad_enabled()
        assert not any(module._forward_pre_hooks for module in network.modules())
    assert asked == [7, 5, 3]


def test_several_channels_and_odd_sizes():
    checkpoint = checkpoint_of(replace(TINY, attention=(1,), heads=4), channels=3, size=13)
    (weights,) = attention_maps(checkpoint, drawn(1, 3, 13, 13), [4])
    assert weights.shape == (4, 49, 49)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": "down.7"}, "unknown attention layer 'down.7'; known: down.0.attention.heads, "),
        ({"times": [0]}, "time must be between 1 and 20, got 0"),
        ({"times": [21]}, "time must be between 1 and 20, got 21"),
        ({"times": [True]}, "time must be between 1 and 20, got True"),
        ({"times": [3, 4]}, r"2 times need states of shape \(2, 1, 8, 8\), got \(1, 1, 8, 8\)"),
        ({"times": [], "x": torch.zeros(0, 1, 8, 8)}, "number of times must be .*, got 0"),
        ({"x": torch.zeros(1, 3, 8, 8)}, r"got \(1, 3, 8, 8\)"),
        ({"classes": torch.ones(1, 4)}, r"class weights must have shape \(N, 3\), got \(1, 4\)"),
        ({"classes": torch.ones(2, 3)}, "one row of class weights, got 2"),
        ({"classes": torch.full((1, 3), math.nan)}, "class weights must be finite"),
    ],
)
def test_what_does_not_fit_is_named_at_once(change, message):
    values = {"x": torch.zeros(1, 1, 8, 8), "times": [5]} | change
    x, times = values.pop("x"), values.pop("times")
    with pytest.raises(ValueError, match=message):
        attention_maps(checkpoint_of(), x, times, **values)


def test_classes_for_a_network_without_any():
    with pytest.raises(ValueError, match="trained without classes"):
        attention_maps(checkpoint_of(TINY), torch.zeros(1, 1, 8, 8), [5], classes=torch.ones(1, 3))


def test_what_would_not_fit_into_memory_is_refused_before_it_is_tried(monkeypatch):
    checkpoint = checkpoint_of(replace(WITH_CLASSES, attention=(0,)), size=64)
    monkeypatch.setattr(checkpoint.denoiser.network, "at", lambda *_: pytest.fail("was tried"))
    x = torch.zeros(1, 1, 64, 64)
    message = "2 heads among 4096 pixels would take 128 MiB, more than 64 MiB; choose a layer of a"
    with pytest.raises(ValueError, match=message):
        attention_maps(checkpoint, x, [5], layer="up.0.attention.heads")
    many = x.expand(300, -1, -1, -1)
    message = (
        r"2 heads among 1024 pixels at 300 times would take 2\.3 GiB, more than 2 GiB; ask for"
    )
    with pytest.raises(ValueError, match=message):
        attention_maps(checkpoint, many, [5] * 300)
    # One head fits, and the limit is what the limit says.
    assert maps.MAX_MAP_BYTES == 4 * 4096**2


def test_networks_without_attention_are_named():
    checkpoint = engine.load_checkpoint("v")
    with pytest.raises(ValueError, match="the network of 'v' has no attention to show"):
        attention_layers(checkpoint)
    with pytest.raises(ValueError, match="'exact:v' is no network, so it has no attention"):
        attention_layers(checkpoint.exact())
    foreign = checkpoint_of()
    foreign.denoiser = NetworkDenoiser(small_network(20), foreign.schedule, "v")
    with pytest.raises(ValueError, match="the network of 'mine' has no attention to show"):
        attention_maps(foreign, torch.zeros(1, 2), [5])
