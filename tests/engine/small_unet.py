"""Tiny UNets whose every weight matters, and digits to train them with."""

from __future__ import annotations

import torch

from engine.models.unet import UNet
from engine.shared.config import ScheduleConfig, TrainingConfig, UNetConfig

TINY = UNetConfig(width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8)


def lively(network: UNet, seed: int = 0) -> UNet:
    """The same with random weights in place of the zeros that a training begins with."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.parameters():
            fan = max(1, value[0].numel()) if value.ndim > 1 else 9
            value.copy_(torch.randn(value.shape, generator=random) / fan**0.5)
    return network


def lively_unet(
    config: UNetConfig = TINY, channels: int = 1, size: int = 8, timesteps: int = 20, seed: int = 0
) -> UNet:
    """A random UNet, for reading only."""
    return lively(UNet(channels, size, timesteps, config), seed).requires_grad_(False).eval()


def digits_config(**changes: object) -> TrainingConfig:
    """A training with the bundled digits that takes milliseconds an update."""
    values = {
        "dataset": "digits",
        "schedule": ScheduleConfig(name="cosine", timesteps=20),
        "unet": UNetConfig(**(vars_of(TINY) | {"classes": 10})),
        "steps": 6,
        "batch_size": 12,
        "rate": 1e-3,
        "clip": 1.0,
        "checkpoint_every": 100,
    }
    return TrainingConfig(**(values | changes))


def vars_of(config: UNetConfig) -> dict[str, object]:
    """The fields of a configuration."""
    return {name: getattr(config, name) for name in config.__dataclass_fields__}
