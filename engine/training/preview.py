"""What is drawn and measured of a network while it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.analysis.classifier import known_classifier
from engine.analysis.points import LIVE, judge_steps
from engine.datasets import Standardisation
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES, POINTS
from engine.shared.config import TrainingConfig

Values = dict[str, float]


class Preview(ABC):
    """``samples`` from fixed latents by ``steps`` of DDIM, and their quality."""

    samples: ClassVar[int]
    steps: ClassVar[int]
    most_share: ClassVar[float]
    """Of the time of a training that may go into drawing previews."""

    def __init__(self, config: TrainingConfig, transform: Standardisation) -> None:
        self._config, self._transform = config, transform

    @abstractmethod
    def quality(self, samples: NDArray[np.float32]) -> Generator[None, None, Values]:
        """The figures of ``samples`` (N, ...), those that are known; yields in between."""


class PointPreview(Preview):
    """A thousand points, which cost next to nothing."""

    samples, steps, most_share = 1000, 25, 1.0

    def __init__(self, config: TrainingConfig, transform: Standardisation) -> None:
        super().__init__(config, transform)
        self._floor: tuple[float, float] | None = None

    def quality(self, samples: NDArray[np.float32]) -> Generator[None, None, Values]:
        """distance and off_data with their floors."""
        if not np.isfinite(samples).all():
            return {}  # a young or diverging network can throw points out of float32
        judge = yield from judge_steps(self._config.dataset, self._transform, LIVE)
        if self._floor is None:
            self._floor = judge.floor(len(samples))
        return {
            "distance": judge.distance(samples),
            "off_data": judge.off_data(samples),
            "distance_floor": self._floor[0],
            "off_data_floor": self._floor[1],
        }


class ImagePreview(Preview):
    """A grid of images. An image costs much, so they are few, of few steps, and drawn seldom."""

    samples, steps, most_share = 64, 10, 0.2

    def __init__(self, config: TrainingConfig, transform: Standardisation) -> None:
        super().__init__(config, transform)
        try:
            self._classifier = known_classifier(config.dataset)
        except ValueError:  # a damaged file must not keep anybody from training
            self._classifier = None

    def quality(self, samples: NDArray[np.float32]) -> Generator[None, None, Values]:
        """distance and recognised with their floors; nothing where there is no classifier yet."""
        if self._classifier is None or not np.isfinite(samples).all():
            return {}
        yield
        found = self._classifier.quality(samples, self._transform)
        return {
            "distance": found.distance,
            "distance_floor": found.distance_floor,
            "recognised": found.recognised,
            "recognised_floor": found.recognised_floor,
        }


PREVIEWS: dict[str, type[Preview]] = {POINTS: PointPreview, IMAGES: ImagePreview}
catalogue.require_all("PREVIEWS", PREVIEWS, catalogue.KINDS)


def preview_for(config: TrainingConfig, transform: Standardisation) -> Preview:
    """What suits a training with ``config``, whose data are standardised by ``transform``."""
    return PREVIEWS[config.resolved_kind](config, transform)
