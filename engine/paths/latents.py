"""Latents along any path of a checkpoint, and the figures by which decoded paths are compared."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.analysis.points import make_room
from engine.checkpoints.checkpoint import Checkpoint
from engine.checkpoints.classes import AlongPath
from engine.paths.curves import Curve, make_curve, positions_like
from engine.paths.decoded_paths import Geodesic, Improvement
from engine.paths.geodesic_images import evenly_decoded_images, most_even, search_images
from engine.paths.geodesic_points import REFINED, evenly_decoded, search_evenly
from engine.paths.terrain import Terrain
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES, POINTS
from engine.shared.config import MAX_POINTS, SIDES, require_between, require_choice
from engine.shared.polyline import at_shares, neighbour_gaps

MOST_TERRAINS = 8

FINE = 10_000
"""Corners of the polyline on which equal steps in the latent are found."""

_terrains: dict[tuple[object, ...], Terrain] = {}


def terrain_of(checkpoint: Checkpoint) -> Terrain:
    """The terrain of a checkpoint's training data, made once."""
    description = checkpoint.description
    config = description.config
    key = (config.dataset, config.points, config.seed, *description.mean, *description.std)
    if key not in _terrains:
        make_room(_terrains, MOST_TERRAINS)
        _terrains[key] = Terrain(checkpoint.training_points())
    return _terrains[key]


class Geodesics(ABC):
    """How paths of states of one kind are searched for and spaced."""

    @abstractmethod
    def find(
        self,
        checkpoint: Checkpoint,
        along: AlongPath,
        start: Tensor,
        end: Tensor,
        points: int,
        seed: int,
    ) -> Generator[Improvement | None, None, tuple[Geodesic, Tensor]]:
        """See ``find_geodesic``."""

    @abstractmethod
    def evenly(
        self, checkpoint: Checkpoint, along: AlongPath, curve: Curve, points: int, like: Tensor
    ) -> Generator[None, None, Tensor]:
        """``points`` latents (N, ...) of ``curve``, evenly spaced where they are decoded."""

    @abstractmethod
    def most_even(self, like: Tensor) -> int:
        """How many states like one (...) can be spaced so."""


class PointGeodesics(Geodesics):
    """Of points, which know no classes."""

    def find(
        self,
        checkpoint: Checkpoint,
        along: AlongPath,
        start: Tensor,
        end: Tensor,
        points: int,
        seed: int,
    ) -> Generator[Improvement | None, None, tuple[Geodesic, Tensor]]:
        """See ``find_geodesic``."""
        terrain = terrain_of(checkpoint)
        yield None
        denoiser, schedule = checkpoint.denoiser, checkpoint.schedule
        return (
            yield from search_evenly(denoiser, schedule, start, end, terrain, points, seed=seed)
        )

    def evenly(
        self, checkpoint: Checkpoint, along: AlongPath, curve: Curve, points: int, like: Tensor
    ) -> Generator[None, None, Tensor]:
        """See ``Geodesics.evenly``."""
        return evenly_decoded(checkpoint.denoiser, checkpoint.schedule, curve, points, like)

    def most_even(self, like: Tensor) -> int:
        """See ``Geodesics.most_even``."""
        return MAX_POINTS // REFINED


class ImageGeodesics(Geodesics):
    """Of images."""

    def find(
        self,
        checkpoint: Checkpoint,
        along: AlongPath,
        start: Tensor,
        end: Tensor,
        points: int,
        seed: int,
    ) -> Generator[Improvement | None, None, tuple[Geodesic, Tensor]]:
        """See ``find_geodesic``."""
        geodesic = yield from search_images(along, checkpoint.schedule, start, end, seed=seed)
        latents = yield from self.evenly(checkpoint, along, geodesic.curve, points, start)
        return geodesic, latents

    def evenly(
        self, checkpoint: Checkpoint, along: AlongPath, curve: Curve, points: int, like: Tensor
    ) -> Generator[None, None, Tensor]:
        """See ``Geodesics.evenly``."""
        return evenly_decoded_images(along, checkpoint.schedule, curve, points, like)

    def most_even(self, like: Tensor) -> int:
        """See ``Geodesics.most_even``."""
        return most_even(like)


GEODESICS: dict[str, Geodesics] = {POINTS: PointGeodesics(), IMAGES: ImageGeodesics()}
catalogue.require_all("GEODESICS", GEODESICS, catalogue.KINDS)


def find_geodesic(
    checkpoint: Checkpoint,
    start: Tensor,
    end: Tensor,
    points: int,
    seed: int,
    along: AlongPath | None = None,
) -> Generator[Improvement | None, None, tuple[Geodesic, Tensor]]:
    """The geodesic between two latents (...), and ``points`` of it, evenly decoded, (N, ...).

    ``along``: the denoiser, where it is told classes.
    """
    along = along or AlongPath(checkpoint.denoiser)
    return GEODESICS[checkpoint.config.resolved_kind].find(
        checkpoint, along, start, end, points, seed
    )


def path_latents(
    checkpoint: Checkpoint,
    name: str,
    start: Tensor,
    end: Tensor,
    points: int,
    *,
    side: str = "left",
    through: Tensor | None = None,
    even: bool | None = None,
    seed: int = 0,
    along: AlongPath | None = None,
) -> Generator[Improvement | None, None, Tensor]:
    """``points`` latents (N, ...) along any path; improvements on the way to a geodesic.

    ``even``: evenly spaced where they are decoded, which by default the geodesic alone is; by the
    denoiser ``along``, where it is told classes.

    Raises ``ValueError`` as ``engine.paths.curves.make_curve`` does.
    """
    row = catalogue.path(name)
    if even or row.searched:
        most = GEODESICS[checkpoint.config.resolved_kind].most_even(start)
        require_between("number of evenly decoded points", points, 2, most)
    if row.searched:
        require_choice("side", side, SIDES, ())
        geodesic, latents = yield from find_geodesic(checkpoint, start, end, points, seed, along)
        if even is not False:
            return latents
        return evenly_spaced(geodesic.curve(positions_like(FINE, start)), points)
    curve = make_curve(name, start, end, side=side, through=through, seed=seed)
    if not even:
        return curve(positions_like(points, start))
    along = along or AlongPath(checkpoint.denoiser)
    geodesics = GEODESICS[checkpoint.config.resolved_kind]
    return (yield from geodesics.evenly(checkpoint, along, curve, points, start))


def gap_figures(states: NDArray[np.float32]) -> tuple[float, float, float]:
    """Length, largest gap, and the largest over the median gap of ``states`` (N, ...)."""
    gaps = neighbour_gaps(states)
    middle = float(np.median(gaps))
    largest = float(gaps.max())
    if middle == 0.0:  # most points fall together
        return float(gaps.sum()), largest, math.inf if largest else 1.0
    return float(gaps.sum()), largest, largest / middle


def evenly_spaced(latents: Tensor, points: int) -> Tensor:
    """``points`` places (N, ...) at equal steps of length along the polyline ``latents``."""
    flat = latents.flatten(1).cpu().double().numpy()
    spaced = torch.from_numpy(at_shares(flat, np.linspace(0.0, 1.0, points)))
    spaced = spaced.view(points, *latents.shape[1:])
    return spaced.to(latents.dtype).to(latents.device)
