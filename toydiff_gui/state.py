"""The one state object of the window: views subscribe, write back through it, hold no copy.

Values are frozen dataclasses, replaced as a whole; a setter that changes nothing emits nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine import catalogue, datasets
from engine.config import (
    EXACT,
    MAX_TIMESTEPS,
    MAX_WAY_POINTS,
    MOST_GUIDANCE,
    PathName,
    SamplerConfig,
    SamplerName,
    ScheduleConfig,
    Side,
    TrainingConfig,
    require_between,
)
from engine.trajectory import Trajectory
from toydiff_gui.scene import BasinLayer, FieldLayer, HeatLayer, WarpLayer

Mode = Literal["interpolation", "samples", "inverted"]
Point = tuple[float, float]
Layer = BasinLayer | FieldLayer | HeatLayer | WarpLayer

MAX_LANE_POINTS = 100_000
MAX_TILES, MAX_PATH_IMAGES = 400, 64
MAX_LANES = 8
"""Lanes beside the latents that can be shown at once."""


@dataclass(frozen=True)
class ModelInfo:
    """The checkpoint that the lanes sample from; ``ref`` is what the engine is asked for."""

    ref: str
    dataset: str
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    trained_steps: int = 0
    mean: tuple[float, ...] = (0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0)
    revision: int = 0
    """Counts up when the weights behind the same ``ref`` change."""
    shape: tuple[int, ...] = (2,)
    """Of one state: (2,) for points, (C, H, W) for images."""
    labels: tuple[str, ...] = ()
    """The classes that the network knows; empty for none."""
    attends: bool = False
    """Whether the network has attention to look at."""
    network: str = ""
    """What a network that is none of ours is called."""

    @property
    def images(self) -> bool:
        """Whether its states are images."""
        return len(self.shape) == 3


@dataclass(frozen=True)
class Sampling:
    """What the sample panel sets. ``steps`` None means all T steps of the model.

    ``path`` leads from ``a`` to ``b``; ``side`` is where it goes round if they are opposite, seen
    from A towards B; ``through`` are the way-points of a drawn path. ``even`` spaces the points
    evenly where they are decoded, not where they start (the geodesic always is). In mode
    'inverted' the lanes start from the latents of the user's own points (``AppState.inversion``).
    """

    mode: Mode = "interpolation"
    count: int = 1000
    path_points: int = 500
    steps: int | None = None
    seed: int = 5
    eta: float = 0.0
    a: Point = (-1.0, 2.0)
    b: Point = (-1.0, -2.0)
    path: PathName = "linear"
    side: Side = "left"
    even: bool = False
    through: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        catalogue.path(self.path)
        require_between("number of samples", self.count, 1, MAX_LANE_POINTS)
        require_between("points on the path", self.path_points, 2, MAX_LANE_POINTS)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("eta", self.eta, 0.0, 1.0)
        require_between("number of way-points", len(self.through), 0, MAX_WAY_POINTS)
        places = [("endpoint A", self.a), ("endpoint B", self.b)]
        for name, point in places + [("way-point", point) for point in self.through]:
            for value in point:
                require_between(name, value, -1e3, 1e3)


@dataclass(frozen=True, eq=False)
class ImageEnd:
    """A, B or C of mode Images: a latent (C, H, W), what to call it, and where it comes from.

    ``tile`` is its place among the samples of ``seed`` while those are shown, ``asked_class`` the
    class it was asked for. ``image`` (C, H, W) is what was inverted, for a picture of the data or
    of a file. ``in_training``: the tile is not of the samples but of what was being trained.
    Compared by identity.
    """

    latents: NDArray[np.float32]
    label: str
    tile: int | None = None
    seed: int = 0
    image: NDArray[np.float32] | None = None
    asked_class: int | None = None
    in_training: bool = False


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
        catalogue.sampler(self.sampler)
        catalogue.path(self.path)
        require_between("number of images", self.count, 1, MAX_TILES)
        require_between("images on the path", self.path_images, 2, MAX_PATH_IMAGES)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("eta", self.eta, 0.0, 1.0)
        require_between("guidance", self.guidance, 0.0, MOST_GUIDANCE)


@dataclass(frozen=True)
class ImageView:
    """What mode Images shows besides: the face of the card beside the samples, and its settings.

    ``pinned_tile`` is shown large when nothing is pointed at. ``attention_of`` is what the
    attention is looked at in: '' for the tile, else a strip's key (its pinned image).
    """

    face: Literal["picture", "attention", "slice"] = "picture"
    pinned_tile: int = 0
    hovered_tile: int | None = None
    hovered_strip: str = ""
    """Key of the strip in which the image at ``AppState.marked`` is pointed at; '' for none."""
    preview: bool = False
    zoom: int = 1
    """Tiles in a row: 1 shows all, 2 half as many as large again, and so on."""
    attention_of: str = ""
    layer: str = ""
    head: int = 0
    query: tuple[int, int] | None = None
    averaged: bool = False
    dot: tuple[float, float] = (0.5, 0.5)
    next_mark: Literal["A", "B"] = "A"
    """What the next tile that is clicked becomes."""


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


@dataclass(frozen=True)
class AttentionRun:
    """Attention that has arrived: ``weights`` maps t to (heads, L, L) and grows in place.

    ``layers``: (name, side, heads) of each layer there is.
    """

    status: Literal["empty", "running", "done", "failed"] = "empty"
    layer: str = ""
    side: int = 0
    layers: tuple[tuple[str, int, int], ...] = ()
    weights: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    message: str = ""


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


@dataclass(frozen=True)
class LaneSpec:
    """A sampler lane; None means what the panel says for all lanes.

    ``exact`` asks for the closed-form denoiser of the data instead of the network;
    ``checkpoint`` is a reference as in ``ModelInfo.ref``. ``title`` replaces the one made from
    the settings.
    """

    key: str
    title: str = ""
    sampler: SamplerName = "ddim"
    steps: int | None = None
    shown: bool = True
    eta: float | None = None
    seed: int | None = None
    path: PathName | None = None
    checkpoint: str | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        catalogue.sampler(self.sampler)
        if self.path is not None:
            catalogue.path(self.path)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        if self.seed is not None:
            require_between("seed", self.seed, 0, 2**63 - 1)
        if self.eta is not None:
            require_between("eta", self.eta, 0.0, 1.0)

    def sampler_config(self, sampling: Sampling | ImageSampling, timesteps: int) -> SamplerConfig:
        """The sampler to ask the engine for, never with more steps than there are."""
        steps = min(self.steps or sampling.steps or timesteps, timesteps)
        eta = sampling.eta if self.eta is None else self.eta
        return SamplerConfig(
            name=self.sampler, steps=steps, eta=eta if self.sampler == "ddim" else 0.0
        )

    def path_name(self, sampling: Sampling | ImageSampling) -> PathName:
        """The path that the lane follows."""
        return self.path or sampling.path

    def reference(self, model: ModelInfo) -> str:
        """What the engine is asked to sample from."""
        ref = self.checkpoint or model.ref
        return f"{EXACT}{ref}" if self.exact else ref


DEFAULT_LANES = (
    LaneSpec("ddpm", sampler="ddpm"),
    LaneSpec("ddpm-shared", sampler="ddpm-shared"),
    LaneSpec("ddim", sampler="ddim"),
    LaneSpec("ddim-few", sampler="ddim", steps=20, shown=False),
)


@dataclass(frozen=True)
class LaneRun:
    """A lane's trajectory as far as it has arrived; ``coarse`` while an endpoint is dragged."""

    trajectory: Trajectory | None = None
    latents: NDArray[np.float32] | None = None
    status: Literal["empty", "running", "done", "failed"] = "empty"
    coarse: bool = False
    seconds: float | None = None
    off_data: float | None = None
    """The share of the last state that lies off the data, in 0..1; None while not known."""
    message: str = ""


@dataclass(frozen=True)
class GeodesicRun:
    """The search for the geodesic between the present endpoints.

    ``energies``: the best energy after each step. ``latents`` (N, ...): the best path so far,
    between ``ends``.
    """

    status: Literal["idle", "searching", "done", "stopped", "failed"] = "idle"
    step: int = 0
    total: int = 0
    energies: tuple[float, ...] = ()
    seconds: float = 0.0
    coefficients: int = 0
    latents: NDArray[np.float32] | None = None
    ends: tuple[Point, Point] | tuple[ImageEnd, ImageEnd] | None = None
    message: str = ""


@dataclass(frozen=True)
class PathFigures:
    """What a path does when DDIM carries it to the data."""

    length: float
    gap: float
    gap_ratio: float
    """The largest gap over the median one."""
    off_data: float | None


@dataclass(frozen=True)
class Comparison:
    """All kinds of paths between the present endpoints; those not yet computed are missing."""

    status: Literal["idle", "running", "done", "failed"] = "idle"
    figures: Mapping[str, PathFigures] = field(default_factory=dict)
    steps: int = 0
    message: str = ""


@dataclass(frozen=True)
class Inversion:
    """The user's own points of the data (N, 2), their latents, and what a round trip loses (N,)."""

    status: Literal["idle", "picking", "running", "done", "failed"] = "idle"
    source: str = ""
    data: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2), np.float32))
    latents: NDArray[np.float32] | None = None
    errors: NDArray[np.float32] | None = None
    message: str = ""


@dataclass(frozen=True)
class TrainingRun:
    """The training as it is seen from outside."""

    status: Literal["idle", "starting", "running", "paused", "stopping", "done", "failed"] = "idle"
    step: int = 0
    total: int = 0
    elapsed: float = 0.0
    remaining: float | None = None
    steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    losses: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    quality: dict[str, float] = field(default_factory=dict)
    """distance, distance_floor, off_data, off_data_floor; missing until measured."""
    preview: Trajectory | None = None
    folder: str = ""
    config: TrainingConfig | None = None
    """What is trained; None before the first training."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    """Of each channel of the images that it trains with, once known; as in ``ModelInfo``."""
    beside: str | None = None
    """The model that was shown when it began; where its preview takes the place of the samples."""

    @property
    def active(self) -> bool:
        """Whether the engine holds a training at present."""
        return self.status in ("starting", "running", "paused", "stopping")


@dataclass(frozen=True)
class ViewSettings:
    """How the window looks."""

    theme: Literal["system", "dark", "light"] = "system"
    presentation: bool = False
    selected_lane: str = "ddim"
    overlays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What is laid over each lane, by its key (see ``scene.OVERLAYS``); 'latent' has 'basin'."""
    lab: bool = False
    """The right dock shows the interpolation laboratory instead of the samples."""
    train_dock: bool = True
    sample_dock: bool = True
    maximised_lane: str = ""
    """Key of a lane shown alone; empty for the grid."""

    @property
    def shows_lab(self) -> bool:
        """Whether the interpolation laboratory is on the screen."""
        return self.lab and self.sample_dock and not self.presentation

    page: Literal["explore", "diagnostics"] = "explore"
    diagnostics: Literal["network", "schedule", "forward"] = "network"
    """What the diagnostics page shows."""


@dataclass(frozen=True)
class EngineStatus:
    """``device`` and ``devices`` are known from 'ready' on; ``message`` says why it is 'dead'.

    ``host`` is the other machine on which it is; a ``message`` while 'starting' says how the
    connection there is tried again.
    """

    status: Literal["starting", "ready", "dead"] = "starting"
    device: str = ""
    devices: tuple[str, ...] = ()
    message: str = ""
    host: str = ""


class AppState(QObject):
    """The window's state.

    Signals:
        engine_changed: the engine came up or went away (``engine``).
        model_changed: another checkpoint, or new weights in it (``model``).
        training_config_changed: what the train panel sets (``training_config``).
        training_changed: progress of the training (``training``).
        sampling_changed: what the sample panel sets (``sampling``).
        lanes_changed: lanes switched on or off (``lanes``).
        run_changed: a lane's trajectory grew or ended; carries the lane's key ('latent' too).
        view_changed: theme, presentation, selection (``view``).
        dragging_changed: an endpoint is being dragged, or no longer (``dragging``).
        marks_changed: a point of the path is looked at or pinned (``marked``, ``pinned``).
        geodesic_changed: the search for a geodesic went on (``geodesic``).
        comparison_changed: the table of paths (``comparison``).
        inversion_changed: the user's own points (``inversion``).
        layers_changed: something laid over a lane has arrived; carries the lane's key.
        others_changed: what is known of checkpoints that single lanes use (``other_model``).
        images_changed: what the sample panel sets in mode Images (``images``).
        image_view_changed: what mode Images looks at (``image_view``).
        slice_changed: the decoded plane (``slice``).
        attention_changed: attention has arrived (``attention``).
        image_data_changed: where image sets are, a download, images to choose from
            (``image_data``).
        costs_changed: what networks cost (``cost``).
        message_posted: something to tell the user, (text, is_error).
    """

    engine_changed = Signal()
    model_changed = Signal()
    training_config_changed = Signal()
    training_changed = Signal()
    sampling_changed = Signal()
    lanes_changed = Signal()
    run_changed = Signal(str)
    view_changed = Signal()
    dragging_changed = Signal(bool)
    marks_changed = Signal()
    geodesic_changed = Signal()
    comparison_changed = Signal()
    inversion_changed = Signal()
    layers_changed = Signal(str)
    others_changed = Signal()
    images_changed = Signal()
    image_view_changed = Signal()
    slice_changed = Signal()
    attention_changed = Signal()
    image_data_changed = Signal()
    costs_changed = Signal()
    message_posted = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = EngineStatus()
        transform = datasets.load("v").transform
        self._model = ModelInfo(
            ref="v",
            dataset="v",
            mean=tuple(transform.mean.tolist()),
            std=tuple(transform.std.tolist()),
        )
        self._training_config = TrainingConfig()
        self._training = TrainingRun()
        self._sampling = Sampling()
        self._lanes: tuple[LaneSpec, ...] = DEFAULT_LANES
        self._runs: dict[str, LaneRun] = {}
        self._view = ViewSettings()
        self._dragging = False
        self._marked: int | None = None
        self._pinned: int | None = None
        self._geodesic = GeodesicRun()
        self._comparison = Comparison()
        self._inversion = Inversion()
        self._layers: dict[tuple[str, str], Layer] = {}
        self._others: dict[str, ModelInfo] = {}
        self._images = ImageSampling()
        self._image_view = ImageView()
        self._slice = SliceRun()
        self._attention = AttentionRun()
        self._image_data = ImageDataRun()
        self._costs: dict[str, Cost] = {}

    @property
    def engine(self) -> EngineStatus:
        """The engine as it is now."""
        return self._engine

    @property
    def model(self) -> ModelInfo:
        """The checkpoint that the lanes sample from."""
        return self._model

    @property
    def training_config(self) -> TrainingConfig:
        """What the next training will use."""
        return self._training_config

    @property
    def training(self) -> TrainingRun:
        """The training that runs or the last one."""
        return self._training

    @property
    def sampling(self) -> Sampling:
        """Mode, endpoints, counts, seed."""
        return self._sampling

    @property
    def lanes(self) -> tuple[LaneSpec, ...]:
        """All sampler lanes, shown or not, in order."""
        return self._lanes

    @property
    def shown_lanes(self) -> tuple[LaneSpec, ...]:
        """The sampler lanes that are drawn."""
        return tuple(lane for lane in self._lanes if lane.shown)

    @property
    def view(self) -> ViewSettings:
        """How the window looks."""
        return self._view

    @property
    def dragging(self) -> bool:
        """Whether an endpoint is being dragged."""
        return self._dragging

    @property
    def marked(self) -> int | None:
        """The point of the path that is looked at, by its index."""
        return self._marked

    @property
    def pinned(self) -> int | None:
        """The point of the path whose whole trajectory is shown, by its index."""
        return self._pinned

    @property
    def geodesic(self) -> GeodesicRun:
        """The search for the geodesic."""
        return self._geodesic

    @property
    def comparison(self) -> Comparison:
        """The table of paths."""
        return self._comparison

    @property
    def inversion(self) -> Inversion:
        """The user's own points and their latents."""
        return self._inversion

    @property
    def images(self) -> ImageSampling:
        """What the sample panel sets in mode Images."""
        return self._images

    @property
    def image_view(self) -> ImageView:
        """What mode Images looks at."""
        return self._image_view

    @property
    def slice(self) -> SliceRun:
        """The decoded plane through A, B and C."""
        return self._slice

    @property
    def attention(self) -> AttentionRun:
        """The attention that has arrived."""
        return self._attention

    @property
    def image_data(self) -> ImageDataRun:
        """Where image sets are."""
        return self._image_data

    def cost(self, key: str) -> Cost:
        """What the network ``key`` (set and preset) costs, as far as it is known."""
        return self._costs.get(key, Cost())

    def layer(self, lane: str, kind: str) -> Layer | None:
        """What is laid over ``lane`` as ``kind``, as far as it has arrived."""
        return self._layers.get((lane, kind))

    def lane(self, key: str) -> LaneSpec | None:
        """The lane called ``key``, shown or not."""
        return next((lane for lane in self._lanes if lane.key == key), None)

    def overlays(self, key: str) -> frozenset[str]:
        """What is laid over the lane ``key``."""
        return frozenset(self._view.overlays.get(key, ()))

    def other_model(self, ref: str) -> ModelInfo | None:
        """What is known of a checkpoint that a single lane uses."""
        return self._model if ref == self._model.ref else self._others.get(ref)

    def run(self, key: str) -> LaneRun:
        """The run of the lane ``key`` (an empty one if there was none yet)."""
        return self._runs.get(key, LaneRun())

    def set_engine(self, engine: EngineStatus) -> None:
        """Replace the engine's status."""
        if engine != self._engine:
            self._engine = engine
            self.engine_changed.emit()

    def set_model(self, model: ModelInfo) -> None:
        """Sample from another checkpoint; runs with states of another shape are forgotten."""
        if model != self._model:
            if model.shape != self._model.shape:
                self._runs.clear()
            self._model = model
            self.model_changed.emit()

    def update_training_config(self, **changes: Any) -> None:
        """Change fields of the training configuration; raises ``ValueError`` for a bad value."""
        config = replace(self._training_config, **changes)
        if config != self._training_config:
            self._training_config = config
            self.training_config_changed.emit()

    def set_training(self, training: TrainingRun) -> None:
        """Replace the view of the training."""
        self._training = training
        self.training_changed.emit()

    def update_sampling(self, **changes: Any) -> None:
        """Change fields of the sampling settings; raises ``ValueError`` for a bad value."""
        sampling = replace(self._sampling, **changes)
        if sampling != self._sampling:
            self._sampling = sampling
            self.sampling_changed.emit()

    def set_lanes(self, lanes: tuple[LaneSpec, ...]) -> None:
        """Replace the lanes."""
        if lanes != self._lanes:
            self._lanes = lanes
            self.lanes_changed.emit()

    def update_lane(self, key: str, **changes: Any) -> None:
        """Change fields of one lane, such as ``shown``."""
        self.set_lanes(
            tuple(replace(lane, **changes) if lane.key == key else lane for lane in self._lanes)
        )

    def add_lane(self, lane: LaneSpec, after: str | None = None) -> str:
        """Add a lane under a key of its own, behind ``after`` or last; returns the key.

        Raises ``ValueError`` when as many lanes are shown as there is room for.
        """
        if lane.shown and len(self.shown_lanes) >= MAX_LANES:
            raise ValueError(f"at most {MAX_LANES} lanes can be shown beside the latents")
        known = {other.key for other in self._lanes}
        key = next(name for n in itertools.count(1) if (name := f"lane-{n}") not in known)
        place = next((i + 1 for i, other in enumerate(self._lanes) if other.key == after), None)
        lanes = list(self._lanes)
        lanes.insert(len(lanes) if place is None else place, replace(lane, key=key))
        self.set_lanes(tuple(lanes))
        return key

    def duplicate_lane(self, key: str) -> str:
        """Put a copy of a lane, with its overlays, behind it; returns the copy's key."""
        lane = self.lane(key)
        if lane is None:
            raise ValueError(f"there is no lane {key!r}")
        copy = self.add_lane(replace(lane, shown=True), after=key)
        if overlays := self._view.overlays.get(key):
            self.update_view(overlays={**self._view.overlays, copy: overlays})
        return copy

    def remove_lane(self, key: str) -> None:
        """Take a lane away, with its run."""
        self._runs.pop(key, None)
        for lane, kind in list(self._layers):
            if lane == key:
                del self._layers[lane, kind]
        self.set_lanes(tuple(lane for lane in self._lanes if lane.key != key))
        if key in self._view.overlays:
            left = {lane: kinds for lane, kinds in self._view.overlays.items() if lane != key}
            self.update_view(overlays=left)

    def show_overlay(self, key: str, kind: str, shown: bool) -> None:
        """Lay ``kind`` over the lane ``key``, or take it away."""
        kinds = [other for other in self._view.overlays.get(key, ()) if other != kind]
        if shown:
            kinds.append(kind)
        self.update_view(overlays={**self._view.overlays, key: tuple(sorted(kinds))})

    def set_layer(self, lane: str, kind: str, layer: Layer | None) -> None:
        """Replace what is laid over a lane; always told, since a layer grows in place."""
        if layer is None:
            if self._layers.pop((lane, kind), None) is None:
                return
        else:
            self._layers[lane, kind] = layer
        self.layers_changed.emit(lane)

    def set_other_model(self, model: ModelInfo) -> None:
        """Remember what a checkpoint of a single lane says of itself."""
        if self._others.get(model.ref) != model:
            self._others[model.ref] = model
            self.others_changed.emit()

    def set_marked(self, index: int | None) -> None:
        """Look at a point of the path in all lanes."""
        if index != self._marked:
            self._marked = index
            self.marks_changed.emit()

    def set_pinned(self, index: int | None) -> None:
        """Show the whole trajectory of a point of the path in all lanes."""
        if index != self._pinned:
            self._pinned = index
            self.marks_changed.emit()

    def set_geodesic(self, geodesic: GeodesicRun) -> None:
        """Replace the view of the search."""
        self._geodesic = geodesic
        self.geodesic_changed.emit()

    def set_comparison(self, comparison: Comparison) -> None:
        """Replace the table of paths."""
        self._comparison = comparison
        self.comparison_changed.emit()

    def set_inversion(self, inversion: Inversion) -> None:
        """Replace the user's own points."""
        self._inversion = inversion
        self.inversion_changed.emit()

    def update_images(self, **changes: Any) -> None:
        """Change fields of the image settings; raises ``ValueError`` for a bad value."""
        images = replace(self._images, **changes)
        if images != self._images:
            self._images = images
            self.images_changed.emit()

    def update_image_view(self, **changes: Any) -> None:
        """Change what mode Images looks at."""
        view = replace(self._image_view, **changes)
        if view != self._image_view:
            self._image_view = view
            self.image_view_changed.emit()

    def set_slice(self, run: SliceRun) -> None:
        """Replace the decoded plane."""
        self._slice = run
        self.slice_changed.emit()

    def set_attention(self, run: AttentionRun) -> None:
        """Replace the attention; always told, since it grows in place."""
        self._attention = run
        self.attention_changed.emit()

    def update_image_data(self, **changes: Any) -> None:
        """Change what is known of the image sets."""
        self._image_data = replace(self._image_data, **changes)
        self.image_data_changed.emit()

    def set_cost(self, key: str, cost: Cost) -> None:
        """Say what the network ``key`` costs."""
        if self._costs.get(key) != cost:
            self._costs[key] = cost
            self.costs_changed.emit()

    def set_run(self, key: str, run: LaneRun) -> None:
        """Replace a lane's run; always told, since a trajectory grows in place."""
        self._runs[key] = run
        self.run_changed.emit(key)

    def update_view(self, **changes: Any) -> None:
        """Change how the window looks."""
        view = replace(self._view, **changes)
        if view != self._view:
            self._view = view
            self.view_changed.emit()

    def set_dragging(self, dragging: bool) -> None:
        """Say that an endpoint is being dragged: lanes update with fewer steps meanwhile."""
        if dragging != self._dragging:
            self._dragging = dragging
            self.dragging_changed.emit(dragging)

    def post(self, message: str, *, error: bool = False) -> None:
        """Tell the user something in the one place for it, as a sentence."""
        sentence = message[:1].upper() + message[1:]
        if sentence and sentence[-1] not in ".!?…":
            sentence += "."
        self.message_posted.emit(sentence, error)
