"""What a user can choose, as frozen dataclasses. Free of torch, so the window can use it.

Every class checks its values when it is made and raises ``ValueError`` with the offending
value in one sentence; a configuration that exists is valid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import msgspec
import numpy as np

from engine.shared import catalogue
from engine.shared.catalogue import names
from engine.shared.catalogue import require_choice as require_choice

ScheduleName: TypeAlias = str
PredictionName: TypeAlias = str
SamplerName: TypeAlias = str
PathName: TypeAlias = str
Side = Literal["left", "right"]
PresetName = Literal["small", "medium", "large"]

SCHEDULES = names(catalogue.SCHEDULES)
PREDICTIONS = names(catalogue.PREDICTIONS)
SAMPLERS = names(catalogue.SAMPLERS)
PATHS = names(catalogue.PATHS)
POINT_SETS = names(catalogue.point_sets())
IMAGE_SETS = names(catalogue.image_sets())
DATASETS = names(catalogue.DATA_SETS)
SIDES: tuple[str, ...] = get_args(Side)
PRESETS: tuple[str, ...] = get_args(PresetName)

MAX_TIMESTEPS = 10_000
MAX_POINTS = 1_000_000
MAX_WAY_POINTS = 100
MOST_GUIDANCE = 20.0

EXACT = "exact:"
"""Before a checkpoint's name: the closed-form denoiser of its training data, not its network."""


PYTHON = "python:"
"""Before a Python file: a network of the user's own, made by a function in that file."""


def require_between(what: str, value: object, low: float, high: float) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number in [low, high]."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise ValueError(f"{what} must be between {_plain(low)} and {_plain(high)}, got {value!r}")


def _plain(value: float) -> str:
    # As an integer: 2**63 - 1 is no float.
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """A noise schedule: ``timesteps`` is T; ``zero_terminal`` rescales to no signal at t = T.

    ``beta_first`` and ``beta_last`` are the ends of 'linear' and 'quadratic' (Ho et al. 2020); the
    cosine has none.
    """

    name: ScheduleName = "linear"
    timesteps: int = 250
    zero_terminal: bool = False
    beta_first: float = 1e-4
    beta_last: float = 0.02

    def __post_init__(self) -> None:
        catalogue.schedule(self.name)
        require_between("timesteps", self.timesteps, 2, MAX_TIMESTEPS)
        require_between("first beta", self.beta_first, 1e-8, 0.999)
        require_between("last beta", self.beta_last, self.beta_first, 0.999)

    @property
    def default_prediction(self) -> PredictionName:
        """'v' where the signal vanishes at t = T, so that nothing divides by it; else 'noise'."""
        return "v" if self.zero_terminal else catalogue.schedule(self.name).prediction


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The residual MLP: ``depth`` blocks of ``width`` units."""

    width: int = 128
    depth: int = 3
    embedding: int = 128

    def __post_init__(self) -> None:
        require_between("width", self.width, 4, 2048)
        require_between("depth", self.depth, 1, 16)
        require_between("embedding", self.embedding, 2, 1024)
        if self.embedding % 2:
            raise ValueError(f"embedding must be even, got {self.embedding}")


LEAST_SIZE, MOST_SIZE = 8, 64
"""Sides of an image that the UNet is made for."""


def resolutions(size: int, levels: int) -> list[int]:
    """The sides of the image at each level of a UNet: each is half the last, rounded up."""
    sizes = [size]
    while len(sizes) < levels:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """The UNet: ``blocks`` residual blocks a level and way, ``width * multipliers[i]`` channels.

    ``attention`` names the levels with attention, 0 being the full resolution; between the ways,
    at the lowest, there always is some. ``classes`` is K, 0 for a network that knows none;
    ``unlabelled`` is the share of a training batch that is shown without its class, which makes
    guidance possible (Ho and Salimans 2022). It is large, since samples and paths that are told no
    class are what is looked at first.
    """

    width: int = 24
    multipliers: tuple[int, ...] = (1, 2, 4)
    blocks: int = 1
    attention: tuple[int, ...] = (2,)
    heads: int = 4
    embedding: int = 128
    classes: int = 0
    unlabelled: float = 0.7

    def __post_init__(self) -> None:
        require_between("width", self.width, 4, 512)
        require_between("number of levels", len(self.multipliers), 1, 5)
        for multiplier in self.multipliers:
            require_between("multiplier", multiplier, 1, 16)
        require_between("blocks", self.blocks, 1, 4)
        require_between("heads", self.heads, 1, 64)
        require_between("embedding", self.embedding, 2, 1024)
        require_between("classes", self.classes, 0, 1000)
        require_between("unlabelled share", self.unlabelled, 0.0, 1.0)
        if self.embedding % 2:
            raise ValueError(f"embedding must be even, got {self.embedding}")
        for level in self.attention:
            if level not in range(len(self.multipliers)):
                raise ValueError(
                    f"attention at level {level}: this network has levels 0 to "
                    f"{len(self.multipliers) - 1}"
                )
        for level in {*self.attention, len(self.multipliers) - 1}:
            if self.widths[level] % self.heads:
                raise ValueError(
                    f"heads must divide the {self.widths[level]} channels of level {level}, "
                    f"got {self.heads}"
                )

    @property
    def widths(self) -> tuple[int, ...]:
        """The channels of each level."""
        return tuple(self.width * multiplier for multiplier in self.multipliers)


def unet_preset(preset: str, size: int, classes: int = 0) -> UNetConfig:
    """The UNet 'small', 'medium' or 'large' for images of side ``size``.

    Raises ``ValueError`` for an unknown name.
    """
    require_choice("preset", preset, PRESETS, ())
    if size < 16:  # two levels: a third would be of 2 x 2 pixels
        multipliers: tuple[int, ...] = (1, 2)
    elif size < 48:
        multipliers = (1, 2, 4)
    else:
        multipliers = (1, 2, 4, 4)
    width, blocks = {"small": (16, 1), "medium": (24, 1), "large": (48, 2)}[preset]
    return UNetConfig(
        width=width,
        multipliers=multipliers,
        blocks=blocks,
        attention=(len(multipliers) - 1,),
        classes=classes,
    )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything a training needs: with the same configuration it gives the same weights.

    ``kind`` says what the states are (see ``catalogue.KINDS``), where it is not what the data set
    has. ``unet`` is the network for images, ``model`` that for points. ``clip`` bounds the norm of
    the gradient (0: not at all). ``image_size`` and ``channels`` are for 'folder', whose images
    have no size of their own.
    """

    dataset: str = "v"
    points: int = 8000
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    prediction: PredictionName | None = None
    steps: int = 6000
    batch_size: int = 512
    rate: float = 3e-3
    seed: int = 0
    checkpoint_every: int = 1000
    unet: UNetConfig | None = None
    clip: float = 0.0
    image_size: int = 32
    channels: int = 3
    kind: str | None = None

    def __post_init__(self) -> None:
        data = catalogue.data_set(self.dataset)
        row = catalogue.kind(self.resolved_kind)
        if data.kind not in row.data:
            raise ValueError(f"the data set {self.dataset!r} has no {row.states}")
        if (self.unet is not None) != (row.network == "unet"):
            raise ValueError(f"the data set {self.dataset!r} needs {row.needs}")
        if row.name == data.kind:  # said or not, it is the same training
            object.__setattr__(self, "kind", None)
        require_between("gradient clip", self.clip, 0.0, 1e6)
        require_between("image size", self.image_size, LEAST_SIZE, MOST_SIZE)
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}")
        require_between("points", self.points, 2, MAX_POINTS)
        require_between("steps", self.steps, 1, 100_000_000)
        require_between("batch size", self.batch_size, 1, 1_000_000)
        require_between("rate", self.rate, 1e-8, 1.0)
        require_between("seed", self.seed, 0, 2**63 - 1)
        require_between("checkpoint interval", self.checkpoint_every, 1, 100_000_000)
        if self.prediction is not None:
            catalogue.prediction(self.prediction)
        if self.prediction == "noise" and self.schedule.zero_terminal:
            raise ValueError(
                "prediction 'noise' cannot recover x0 where the schedule has zero terminal signal; "
                "use 'v' or 'x0'"
            )

    @property
    def resolved_kind(self) -> str:
        """What the states are: the choice made, or what the data set has."""
        return self.kind or catalogue.data_set(self.dataset).kind

    @property
    def classes(self) -> int:
        """How many classes the network learns."""
        return 0 if self.unet is None else self.unet.classes

    @property
    def resolved_prediction(self) -> PredictionName:
        """What the network predicts: the choice made, or the schedule's default."""
        return self.prediction or self.schedule.default_prediction


@dataclass(frozen=True, kw_only=True)
class SamplerConfig:
    """A sampler: ``steps`` is K (None: all T); ``eta`` is DDIM's share of fresh noise."""

    name: SamplerName = "ddim"
    steps: int | None = None
    eta: float = 0.0

    def __post_init__(self) -> None:
        row = catalogue.sampler(self.name)
        if self.steps is not None:
            require_between("steps", self.steps, 1, MAX_TIMESTEPS)
        require_between("eta", self.eta, 0.0, 1.0)
        if self.eta != 0.0 and not row.has_eta:
            owners = ", ".join(repr(other.name) for other in catalogue.SAMPLERS if other.has_eta)
            raise ValueError(
                f"eta belongs to the sampler {owners}; got eta {self.eta:g} with {self.name!r}"
            )

    def resolved_steps(self, timesteps: int) -> int:
        """K for a schedule of ``timesteps``; raises ``ValueError`` if K > T."""
        steps = timesteps if self.steps is None else self.steps
        if steps > timesteps:
            raise ValueError(f"steps must be at most T = {timesteps}, got {steps}")
        return steps

    def evaluations(self, timesteps: int) -> int:
        """How often a whole run asks the denoiser: K times, by Heun 2K - 1 times.

        Heun asks again at the end of each step but the last, which ends at t = 0. Raises
        ``ValueError`` if K > T.
        """
        return catalogue.sampler(self.name).evaluations * (self.resolved_steps(timesteps) - 1) + 1


def sampler_times(timesteps: int, steps: int) -> list[int]:
    """The K + 1 times a sampler visits, from T down to 0: round(linspace(T, 0, K + 1))."""
    if not 1 <= steps <= timesteps:
        raise ValueError(f"steps must be between 1 and T = {timesteps}, got {steps}")
    return [int(t) for t in np.round(np.linspace(timesteps, 0, steps + 1))]


def from_json(text: str | bytes, kind: type[TrainingConfig]) -> TrainingConfig:
    """Decode and check a configuration; raises ``ValueError`` naming what is wrong."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:  # the latter of deeply nested objects
        raise ValueError(f"not a valid configuration: {error}") from error
