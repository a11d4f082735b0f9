"""Whether something is of points in the plane: lanes may name models of other kinds."""

from __future__ import annotations

from engine.shared import catalogue
from engine.shared.config import TrainingConfig
from toydiff_gui.state.model import ModelInfo


def makes_points(model: ModelInfo) -> bool:
    """Whether the states of ``model`` are points."""
    return model.kind == catalogue.POINTS


def trains_points(config: TrainingConfig) -> bool:
    """Whether ``config`` trains with points."""
    return config.resolved_kind == catalogue.POINTS
