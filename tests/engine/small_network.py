"""A network of points and a training that take milliseconds."""

from __future__ import annotations

import torch

from engine.models.mlp import ResidualMLP
from engine.shared.config import ModelConfig, ScheduleConfig, TrainingConfig

SMALL = ModelConfig(width=16, depth=2, embedding=8)


def small_network(timesteps: int, dimension: int = 2, seed: int = 0) -> ResidualMLP:
    """An untrained network with weights that make its output matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResidualMLP(dimension, timesteps, SMALL)
    return network.requires_grad_(False)


def small_config(**changes: object) -> TrainingConfig:
    """A training that takes milliseconds."""
    values = {
        "dataset": "v",
        "points": 400,
        "schedule": ScheduleConfig(timesteps=20),
        "model": SMALL,
        "steps": 30,
        "batch_size": 32,
        "checkpoint_every": 10,
    }
    return TrainingConfig(**(values | changes))
