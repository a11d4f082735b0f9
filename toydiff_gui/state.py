"""The one state object of the window: views subscribe, write back through it, hold no copy.

Values are frozen dataclasses, replaced as a whole; a setter that changes nothing emits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine import datasets
from engine.config import (
    MAX_TIMESTEPS,
    SamplerConfig,
    ScheduleConfig,
    TrainingConfig,
    require_between,
)
from engine.trajectory import Trajectory

Mode = Literal["interpolation", "samples"]
Point = tuple[float, float]

MAX_LANE_POINTS = 100_000


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


@dataclass(frozen=True)
class Sampling:
    """What the sample panel sets. ``steps`` None means all T steps of the model."""

    mode: Mode = "interpolation"
    count: int = 1000
    path_points: int = 500
    steps: int | None = None
    seed: int = 5
    eta: float = 0.0
    a: Point = (-1.0, 2.0)
    b: Point = (-1.0, -2.0)

    def __post_init__(self) -> None:
        require_between("number of samples", self.count, 1, MAX_LANE_POINTS)
        require_between("points on the path", self.path_points, 2, MAX_LANE_POINTS)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("eta", self.eta, 0.0, 1.0)
        for name, point in (("A", self.a), ("B", self.b)):
            for value in point:
                require_between(f"endpoint {name}", value, -1e3, 1e3)


@dataclass(frozen=True)
class LaneSpec:
    """A sampler lane; ``steps`` overrides the panel's number of steps."""

    key: str
    title: str
    sampler: Literal["ddpm", "ddpm-shared", "ddim"]
    steps: int | None = None
    shown: bool = True

    def sampler_config(self, sampling: Sampling, timesteps: int) -> SamplerConfig:
        """The sampler to ask the engine for, never with more steps than there are."""
        steps = min(self.steps or sampling.steps or timesteps, timesteps)
        eta = sampling.eta if self.sampler == "ddim" else 0.0
        return SamplerConfig(name=self.sampler, steps=steps, eta=eta)


DEFAULT_LANES = (
    LaneSpec("ddpm", "DDPM", "ddpm"),
    LaneSpec("ddpm-shared", "DDPM, shared noise", "ddpm-shared"),
    LaneSpec("ddim", "DDIM", "ddim"),
    LaneSpec("ddim-few", "DDIM, fewer steps", "ddim", steps=20, shown=False),
)


@dataclass(frozen=True)
class LaneRun:
    """A lane's trajectory as far as it has arrived; ``coarse`` while an endpoint is dragged."""

    trajectory: Trajectory | None = None
    latents: NDArray[np.float32] | None = None
    status: Literal["empty", "running", "done", "failed"] = "empty"
    coarse: bool = False
    seconds: float | None = None
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

    @property
    def active(self) -> bool:
        """Whether the engine holds a training at present."""
        return self.status in ("starting", "running", "paused", "stopping")


@dataclass(frozen=True)
class ViewSettings:
    """How the window looks."""

    theme: Literal["system", "dark", "light"] = "system"
    presentation: bool = False
    show_x0: bool = False
    selected_lane: str = "ddim"
    train_dock: bool = True
    sample_dock: bool = True
    maximised_lane: str = ""
    """Key of a lane shown alone; empty for the grid."""


@dataclass(frozen=True)
class EngineStatus:
    """``device`` and ``devices`` are known from 'ready' on; ``message`` says why it is 'dead'."""

    status: Literal["starting", "ready", "dead"] = "starting"
    device: str = ""
    devices: tuple[str, ...] = ()
    message: str = ""


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

    def run(self, key: str) -> LaneRun:
        """The run of the lane ``key`` (an empty one if there was none yet)."""
        return self._runs.get(key, LaneRun())

    def set_engine(self, engine: EngineStatus) -> None:
        """Replace the engine's status."""
        if engine != self._engine:
            self._engine = engine
            self.engine_changed.emit()

    def set_model(self, model: ModelInfo) -> None:
        """Sample from another checkpoint."""
        if model != self._model:
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
