"""Whether something is of images: what this mode has built lives on while another one is shown."""

from __future__ import annotations

from engine.datasets import Standardisation
from engine.shared import catalogue
from engine.shared.config import TrainingConfig
from toydiff_gui.state.model import ModelInfo


def makes_images(model: ModelInfo) -> bool:
    """Whether the states of ``model`` are images."""
    return model.kind == catalogue.IMAGES


def trains_images(config: TrainingConfig) -> bool:
    """Whether ``config`` trains with images."""
    return config.resolved_kind == catalogue.IMAGES


def transform_of(model: ModelInfo) -> Standardisation:
    """From pixels / 255 to the units of a model of images."""
    return Standardisation.by_channel(model.mean, model.std, model.shape)
