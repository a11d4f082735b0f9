"""The data sets ToyDiff brings, free of torch."""

from engine.datasets.points import (
    EXERCISE_SIZE,
    PointSet,
    Standardisation,
    fresh_draws,
    load,
    reference_draws,
)

__all__ = [
    "EXERCISE_SIZE",
    "PointSet",
    "Standardisation",
    "fresh_draws",
    "load",
    "reference_draws",
]
