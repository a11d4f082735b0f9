"""How far samples are from the data: a distance and a share off the data, each with its floor.

Canonical definitions, in the checkpoint's own standardised units:

* *distance*: sliced 2-Wasserstein, 128 directions evenly over half a turn, 501 quantiles, root
  mean square over both, to a reference of 200,000 points with exact component counts;
* *off-data share*: samples farther from a fixed reference of 20,000 points (seed 0) than the
  99.9th percentile of 200,000 fresh points, at least 0.03.

A floor is what independent draws from the data's own generator score.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from engine.datasets import Standardisation, fresh_draws, reference_draws
from engine.shared.work import finish

Points = NDArray[np.float32]
Kept = TypeVar("Kept")

SAMPLE_SETS = 10
SAMPLES = 8000
_FRESH_SEED = 1_000_003  # away from the seeds people train and sample with


@dataclass(frozen=True)
class Precision:
    """How finely a distance is taken."""

    directions: int
    quantiles: int
    reference: int


CANONICAL = Precision(directions=128, quantiles=501, reference=200_000)
LIVE = Precision(directions=32, quantiles=101, reference=50_000)


@dataclass(frozen=True)
class Quality:
    """A distance and an off-data share beside the floors of independent draws."""

    distance: float
    distance_error: float
    """The standard error of ``distance`` over the sample sets; NaN for one set."""
    distance_floor: float
    off_data: float
    off_data_floor: float

    @property
    def ratio(self) -> float:
        """``distance`` over its floor."""
        return self.distance / self.distance_floor

    def figures(self) -> dict[str, float | None]:
        """All figures by name, None where there is none."""
        floor = self.off_data_floor
        return {
            **distance_figures(self),
            "off_data": self.off_data,
            "off_data_floor": floor,
            "off_data_ratio": self.off_data / floor if floor else None,
        }

    def in_words(self) -> str:
        """The figures with their floors, in two lines."""
        return (
            f"{distance_in_words(self)}\n"
            f"off-data  {self.off_data:.2%}, floor {self.off_data_floor:.2%}"
        )


class Distance(Protocol):
    """The part of a judgement that every kind of state has."""

    @property
    def distance(self) -> float: ...
    @property
    def distance_error(self) -> float: ...
    @property
    def distance_floor(self) -> float: ...
    @property
    def ratio(self) -> float: ...


def distance_figures(quality: Distance) -> dict[str, float | None]:
    """A distance by name, with its standard error where that is known."""
    return {
        "distance": quality.distance,
        "distance_error": None if math.isnan(quality.distance_error) else quality.distance_error,
        "distance_floor": quality.distance_floor,
        "distance_ratio": quality.ratio,
    }


def distance_in_words(quality: Distance) -> str:
    """The same in a line."""
    error = "" if math.isnan(quality.distance_error) else f" ± {quality.distance_error:.4f}"
    return (
        f"distance  {quality.distance:.4f}{error}, floor {quality.distance_floor:.4f}, "
        f"ratio {quality.ratio:.2f}"
    )


class Nearness:
    """What counts as off the data: farther from a fixed reference than nearly all fresh points.

    For two-dimensional data. Made by ``nearness_steps``, which keeps it.
    """

    def __init__(self, tree: cKDTree, threshold: float) -> None:
        self.threshold = threshold
        self._tree = tree

    def off_data(self, samples: Points) -> float:
        """The share of ``samples`` (N, 2) that lies off the data, in 0..1."""
        return float(np.mean(self._tree.query(samples)[0] > self.threshold))


class Judge:
    """Measures samples against one data set in the units of one checkpoint.

    For two-dimensional data. Made by ``judge_steps`` or ``judge_for``, which keep it.
    """

    def __init__(
        self,
        dataset: str,
        transform: Standardisation,
        directions: NDArray[np.float32],
        reference: NDArray[np.float64],
        nearness: Nearness,
    ) -> None:
        self.dataset, self.transform, self.nearness = dataset, transform, nearness
        self._directions, self._reference = directions, reference

    @property
    def threshold(self) -> float:
        """The distance from the data beyond which a sample is off them."""
        return self.nearness.threshold

    def distance(self, samples: Points) -> float:
        """Sliced 2-Wasserstein distance of ``samples`` (N, 2) to the data."""
        levels = len(self._reference)
        own = _quantiles(np.asarray(samples, np.float32), self._directions, levels)
        gap = own - self._reference
        return float(np.sqrt(np.mean(gap**2)))

    def off_data(self, samples: Points) -> float:
        """The share of ``samples`` (N, 2) that lies off the data, in 0..1."""
        return self.nearness.off_data(samples)

    def floor(self, count: int, sets: int = SAMPLE_SETS) -> tuple[float, float]:
        """Distance and off-data share of ``sets`` times ``count`` independent draws."""
        scores = [self._scores(draw) for draw in self._draws(count, sets)]
        distance, off_data = np.mean(scores, axis=0)
        return float(distance), float(off_data)

    def quality_steps(self, sample_sets: list[Points]) -> Generator[None, None, Quality]:
        """The figures of some sample sets of equal size, with their floors, yielding between."""
        scores, floors = [], []
        for samples in sample_sets:
            scores.append(self._scores(samples))
            yield
        for draw in self._draws(len(sample_sets[0]), SAMPLE_SETS):
            floors.append(self._scores(draw))
            yield
        (distance, off_data), (distance_floor, off_data_floor) = (
            np.mean(scores, axis=0),
            np.mean(floors, axis=0),
        )
        count = len(scores)
        spread = np.std([score[0] for score in scores], ddof=1) if count > 1 else np.nan
        return Quality(
            distance=float(distance),
            distance_error=float(spread / count**0.5),
            distance_floor=float(distance_floor),
            off_data=float(off_data),
            off_data_floor=float(off_data_floor),
        )

    def _scores(self, points: Points) -> tuple[float, float]:
        return self.distance(points), self.off_data(points)

    def _draws(self, count: int, sets: int) -> Iterator[Points]:
        for i in range(sets):
            yield fresh_draws(self.dataset, count, _FRESH_SEED + 2 + i, self.transform)


def _quantiles(points: Points, directions: NDArray[np.float32], levels: int) -> NDArray[np.float64]:
    """Quantiles of ``points`` (N, 2) along ``directions`` (2, R), shape (levels, R)."""
    projected = np.sort(points @ directions, axis=0)
    at = np.linspace(0, 1, levels) * (len(points) - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(points) - 1)
    share = (at - low)[:, None]
    return np.asarray((1 - share) * projected[low] + share * projected[high], np.float64)


REFERENCE_POINTS, FRESH_POINTS = 20_000, 200_000
LEAST_THRESHOLD = 0.03

_nearnesses: dict[tuple[object, ...], Nearness] = {}
_judges: dict[tuple[object, ...], Judge] = {}
_MOST_KEPT = 8


def nearness_steps(dataset: str, transform: Standardisation) -> Generator[None, None, Nearness]:
    """Make a ``Nearness`` bit by bit (it looks at many points), yielding between; it is kept."""
    key = (dataset, tuple(transform.mean), tuple(transform.std))
    if key not in _nearnesses:
        tree = cKDTree(reference_draws(dataset, REFERENCE_POINTS, 0, transform))
        yield
        fresh = fresh_draws(dataset, FRESH_POINTS, _FRESH_SEED + 1, transform)
        near = []
        for start in range(0, len(fresh), 20_000):
            near.append(tree.query(fresh[start : start + 20_000])[0])
            yield
        threshold = max(LEAST_THRESHOLD, float(np.quantile(np.concatenate(near), 0.999)))
        make_room(_nearnesses, _MOST_KEPT)
        _nearnesses[key] = Nearness(tree, threshold)
    return _nearnesses[key]


def judge_steps(
    dataset: str, transform: Standardisation, precision: Precision = CANONICAL
) -> Generator[None, None, Judge]:
    """Make a judge bit by bit (it sorts and indexes many points), yielding between; it is kept."""
    key = (dataset, tuple(transform.mean), tuple(transform.std), precision)
    if key not in _judges:
        angle = np.pi * np.arange(precision.directions) / precision.directions
        directions = np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
        points = reference_draws(dataset, precision.reference, _FRESH_SEED, transform)
        quantiles = []
        for start in range(0, precision.directions, 8):
            part = directions[:, start : start + 8]
            quantiles.append(_quantiles(points, part, precision.quantiles))
            yield
        nearness = yield from nearness_steps(dataset, transform)
        make_room(_judges, _MOST_KEPT)
        reference = np.concatenate(quantiles, axis=1)
        _judges[key] = Judge(dataset, transform, directions, reference, nearness)
    return _judges[key]


def make_room(kept: dict[tuple[object, ...], Kept], most: int) -> None:
    """Drop the oldest of ``kept`` until there is room for one more among ``most``."""
    while len(kept) >= most:
        kept.pop(next(iter(kept)))


def judge_for(dataset: str, transform: Standardisation, precision: Precision = CANONICAL) -> Judge:
    """``judge_steps`` in one go."""
    return finish(judge_steps(dataset, transform, precision))
