"""How far samples of images are from the data: the Frechet distance, and how many are recognised.

Canonical definitions, in the features of a small classifier that was trained on the same data (see
``engine.analysis.classifier``):

* *distance*: the Frechet distance of Heusel et al. 2017 (equation 6) between the features of N
  samples and those of the reference, which is one half of the training images;
* *floor*: the mean distance of N real images to a reference of as many others: N from one half of
  the training images to the other half, over 20 random halvings. The distance is too large for few
  images, by about as much for samples as for real ones: a figure is therefore only ever shown
  beside the floor for the same N and the same size of the reference;
* *recognised*: the share of samples of which the classifier is at least 90 % sure.

Free of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.analysis.points import distance_figures, distance_in_words

Features = NDArray[np.floating]

SURE = 0.9
"""The confidence from which on an image counts as recognised."""
GROUPS = 10
"""Parts of a sample set that are left out in turn to find the standard error."""
FLOOR_SIZES = (32, 64, 128, 256, 500, 800, 1000)
"""Numbers of images for which floors are measured, as far as the reference is larger."""
HALVINGS = 20


@dataclass(frozen=True)
class Moments:
    """Mean (F,) and covariance (F, F) of ``count`` features, float64."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, features: Features) -> Moments:
        """Of ``features`` (N, F), with N - 1 in the covariance's denominator.

        Raises ``ValueError`` for fewer than two, or for NaN.
        """
        wide = np.asarray(features, np.float64)
        if wide.ndim != 2 or len(wide) < 2:
            raise ValueError(f"moments need features (N, F) of N >= 2 images, got {wide.shape}")
        if not np.isfinite(wide).all():
            raise ValueError("moments need finite features, got NaN or infinity")
        mean = wide.mean(axis=0)
        centred = wide - mean
        return cls(mean, centred.T @ centred / (len(wide) - 1), len(wide))


def frechet(first: Moments, second: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): squared 2-Wasserstein between two Gaussians.

    Heusel et al. 2017, equation 6. The trace of the last root is the sum of the singular values of
    S1^(1/2) S2^(1/2), which exists and is exact however singular the covariances are: fewer images
    than features do no harm.
    """
    gap = first.mean - second.mean
    product = _root(first.covariance) @ _root(second.covariance)
    shared = np.linalg.svd(product, compute_uv=False).sum()
    distance = gap @ gap + np.trace(first.covariance) + np.trace(second.covariance) - 2 * shared
    return max(0.0, float(distance))


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric root of a matrix that is positive semidefinite but for rounding."""
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


@dataclass(frozen=True)
class ImageQuality:
    """The figures of ``samples`` images; ``distance`` is to be seen beside its floor."""

    distance: float
    distance_error: float
    """The standard error of ``distance``, by leaving out a tenth of the samples in turn."""
    distance_floor: float
    recognised: float
    """The share of samples, in 0..1, of which the classifier is at least 90 % sure."""
    recognised_floor: float
    """The same of real images that the classifier has not seen."""
    classes: int
    """How many of the classes occur among the recognised samples, of ``of_classes``."""
    of_classes: int
    samples: int
    reference: int
    """How many real images the distance is taken to."""

    @property
    def ratio(self) -> float:
        """``distance`` over its floor."""
        return self.distance / self.distance_floor

    def figures(self) -> dict[str, float | None]:
        """All figures by name, None where there is none."""
        names = ("off_data", "off_data_floor", "off_data_ratio")
        return {**distance_figures(self), **dict.fromkeys(names), **vars(self)}

    def in_words(self) -> str:
        """The figures with their floors, in two lines."""
        return (
            f"{distance_in_words(self)} ({self.samples} samples to {self.reference} images)\n"
            f"recognised  {self.recognised:.2%}, of real images {self.recognised_floor:.2%}; "
            f"{self.classes} of {self.of_classes} classes"
        )


@dataclass(frozen=True)
class Reference:
    """What samples are compared with: the features of one half of the real images.

    ``floors``: what so many real images score. ``recognised``: the share of unseen real images of
    which the classifier is sure.
    """

    moments: Moments
    floors: Mapping[int, float]
    recognised: float

    def size(self, wanted: int) -> int:
        """The largest number of samples, of at most ``wanted``, that has a floor."""
        return max((size for size in self.floors if size <= wanted), default=min(self.floors))


def reference_of(features: Features, recognised: float, seed: int = 0) -> Reference:
    """The reference and the floors of the ``features`` (M, F) of all training images.

    Halves are drawn by ``seed``; the first one is the reference. Raises ``ValueError`` for fewer
    images than the smallest size needs.
    """
    random = np.random.default_rng(seed)
    half = len(features) // 2
    sizes = [size for size in FLOOR_SIZES if size <= half]
    if not sizes:
        raise ValueError(
            f"a distance needs {2 * FLOOR_SIZES[0]} images or more, got {len(features)}"
        )
    references: list[Moments] = []
    scores: list[list[float]] = []
    for _ in range(HALVINGS):
        order = random.permutation(len(features))
        references.append(Moments.of(features[order[:half]]))
        others = features[order[half:]]
        # The halves are in random order: the first N are N drawn at random.
        scores.append([frechet(Moments.of(others[:size]), references[-1]) for size in sizes])
    floors = dict(zip(sizes, np.mean(scores, axis=0).tolist(), strict=True))
    return Reference(references[0], floors, recognised)


def image_quality(
    features: Features, probabilities: NDArray[np.floating], reference: Reference
) -> ImageQuality:
    """The figures of samples with ``features`` (N, F) and ``probabilities`` (N, K).

    Raises ``ValueError`` if there is no floor for N.
    """
    count = len(features)
    if count not in reference.floors:
        known = ", ".join(map(str, sorted(reference.floors)))
        raise ValueError(f"there is no floor for {count} samples; known: {known}")
    sure, found = recognised(probabilities)
    return ImageQuality(
        distance=frechet(Moments.of(features), reference.moments),
        distance_error=_standard_error(features, reference.moments),
        distance_floor=reference.floors[count],
        recognised=sure,
        recognised_floor=reference.recognised,
        classes=found,
        of_classes=probabilities.shape[1],
        samples=count,
        reference=reference.moments.count,
    )


def recognised(probabilities: NDArray[np.floating]) -> tuple[float, int]:
    """The share of images that are recognised by ``probabilities`` (N, K), and how many classes
    occur among them.
    """
    sure = probabilities.max(axis=1) >= SURE
    return float(sure.mean()), len(np.unique(probabilities.argmax(axis=1)[sure]))


def _standard_error(features: Features, reference: Moments) -> float:
    """By the jackknife: the distance without each of ``GROUPS`` parts of the samples."""
    group = np.arange(len(features)) * GROUPS // len(features)
    without = [
        frechet(Moments.of(features[group != left_out]), reference) for left_out in range(GROUPS)
    ]
    return float(np.sqrt((GROUPS - 1) * np.var(without)))
