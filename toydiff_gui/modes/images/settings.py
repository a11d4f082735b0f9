"""What is set for images, and what the engine answers about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue
from engine.shared.config import (
    MAX_TIMESTEPS,
    MOST_GUIDANCE,
    PathName,
    SamplerName,
    require_between,
)
from engine.shared.values import BY_CONTENT, value
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.slots import Family, Kind, Slot

MAX_TILES, MAX_PATH_IMAGES = 400, 64


@value
@dataclass(frozen=True)
class ImageEnd:
    """A, B or C of mode Images: a latent (C, H, W), what to call it, and where it comes from.

    ``tile`` is its place among the samples of ``seed`` while those are shown, ``asked_class`` the
    class it was asked for. ``image`` (C, H, W) is what was inverted, for a picture of the data or
    of a file: ``pixels``, uint8 (C, H, W), in the units of ``model``, which has inverted it.
    ``in_training``: the tile is not of the samples but of what was being trained. Compared by what
    it holds.
    """

    latents: NDArray[np.float32] = field(metadata=BY_CONTENT)
    label: str
    tile: int | None = None
    seed: int = 0
    image: NDArray[np.float32] | None = field(default=None, metadata=BY_CONTENT)
    asked_class: int | None = None
    in_training: bool = False
    pixels: NDArray[np.uint8] | None = field(default=None, metadata=BY_CONTENT)
    model: str = ""


@dataclass(frozen=True)
class ImageSampling:
    """What the sample panel sets in mode Images; ``steps`` None means all T steps.

    ``sampler`` makes the tiles; the strips have the samplers of the lanes.

    ``a`` and ``b`` are the endpoints, None until the first samples have arrived; ``c`` is the third
    corner of the slice, the way-point of a drawn path, and the side of a spherical one.

    ``tile_class`` is asked of every tile: None for no class, a number for all, 'each' for every
    class in turn; ``tile_classes`` overrides it for single tiles. ``class_a`` and ``class_b`` are
    asked along the path, weights in between; with ``fixed_noise`` all of the path starts from A's
    latents and only the class changes. ``guidance`` exaggerates classes.
    """

    count: int = 64
    path_images: int = 12
    steps: int | None = 50
    seed: int = 5
    eta: float = 0.0
    sampler: SamplerName = "ddim"
    a: ImageEnd | None = None
    b: ImageEnd | None = None
    c: ImageEnd | None = None
    path: PathName = "linear"
    even: bool = False
    tile_class: int | Literal["each"] | None = None
    tile_classes: tuple[tuple[int, int | None], ...] = ()
    class_a: int | None = None
    class_b: int | None = None
    fixed_noise: bool = False
    guidance: float = 1.0

    def __post_init__(self) -> None:
        catalogue.path(self.path)
        catalogue.sampler(self.sampler)
        require_between("number of images", self.count, 1, MAX_TILES)
        require_between("images on the path", self.path_images, 2, MAX_PATH_IMAGES)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("eta", self.eta, 0.0, 1.0)
        require_between("guidance", self.guidance, 0.0, MOST_GUIDANCE)


@dataclass(frozen=True)
class ImageCard:
    """What is looked at beside the samples: the face of the card there, and what is set on it.

    ``pinned_tile`` is shown large when nothing is pointed at. ``attention_of`` is what the
    attention is looked at in: '' for the tile, else a strip's key (its pinned image).
    """

    face: Literal["picture", "attention", "slice"] = "picture"
    pinned_tile: int = 0
    preview: bool = False
    attention_of: str = ""
    layer: str = ""
    head: int = 0
    query: tuple[int, int] | None = None
    averaged: bool = False
    dot: tuple[float, float] = (0.5, 0.5)


@dataclass(frozen=True)
class ImagePointer:
    """What is pointed at: a tile, or the image at ``MARKED`` of the strip with this key.

    ``next_mark`` is what the next tile that is clicked becomes.
    """

    hovered_tile: int | None = None
    hovered_strip: str = ""
    next_mark: Literal["A", "B"] = "A"


@value
@dataclass(frozen=True)
class SliceRun:
    """The decoded plane through A, B and C: ``images`` (rows * columns, C, H, W), row by row.

    ``box`` is the part of the plane, ``at_dot`` (C, H, W) the image at the dot, as in
    ``image_scene.SliceCard``.
    """

    status: Literal["empty", "running", "done", "failed"] = "empty"
    columns: int = 0
    rows: int = 0
    box: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    images: NDArray[np.float32] | None = None
    at_dot: NDArray[np.float32] | None = None
    message: str = ""


@value
@dataclass(frozen=True)
class AttentionRun:
    """Attention that has arrived: ``weights`` maps t to (heads, L, L).

    ``layers``: (name, side, heads) of each layer there is.
    """

    status: Literal["empty", "running", "done", "failed"] = "empty"
    layer: str = ""
    side: int = 0
    layers: tuple[tuple[str, int, int], ...] = ()
    weights: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    message: str = ""


@value
@dataclass(frozen=True)
class ImageDataRun:
    """What is known of the image sets: ``places`` maps a name to its folder, '' where it is not.

    ``roots`` are the user's own folders, looked into first, the one chosen last at the front;
    ``download_root`` is where downloads go.

    ``fetching`` is the set that is being downloaded, ``done`` of ``total`` bytes. ``browsed`` are
    some images of ``browsed_set``, uint8 (n, C, H, W), with their ``labels`` (n,). ``message`` says
    why a download has failed, ``browse_message`` why there are no images to browse. ``thumbnails``
    maps a set to a few of its images, for its card.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    download_root: str = ""
    fetching: str = ""
    done: int = 0
    total: int = 0
    remaining: float | None = None
    message: str = ""
    browsed_set: str = ""
    browsed: NDArray[np.uint8] | None = None
    labels: NDArray[np.int64] | None = None
    browse_message: str = ""
    thumbnails: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The folder of the user's that was chosen last; '' for none."""
        return self.roots[0] if self.roots else ""


@dataclass(frozen=True)
class Cost:
    """What a network costs: weights, and seconds for an update; None while it is measured.

    ``failed`` says that it could not be measured: both stay None.
    """

    parameters: int | None = None
    seconds_per_step: float | None = None
    failed: bool = False


IMAGE_SAMPLING = Slot("images", ImageSampling, Kind.SETTING)
IMAGE_LANES = LaneMode(IMAGE_SAMPLING, has_drawn=lambda images: images.c is not None)
IMAGE_CARD = Slot("image card", ImageCard, Kind.SETTING)
IMAGE_ZOOM = Slot("image zoom", lambda: 1, Kind.VIEW)
"""Tiles in a row: 1 shows all, 2 half as many as large again, and so on."""
IMAGE_POINTER = Slot("image pointer", ImagePointer, Kind.TRANSIENT)
IMAGE_INVERSION = Slot("image inversion", Inversion, Kind.RESULT)
SLICE = Slot("slice", SliceRun, Kind.RESULT)
ATTENTION = Slot("attention", AttentionRun, Kind.RESULT)
IMAGE_DATA = Slot("image data", ImageDataRun, Kind.RESULT)
COSTS: Family[str, Cost] = Family("costs", Cost)
"""What networks cost, by set and preset."""
