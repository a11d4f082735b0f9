"""The checkpoint on show, and what is known of others that single lanes use."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import datasets
from engine.shared import catalogue
from engine.shared.config import ScheduleConfig
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.slots import Family, Kind, Slot
from toydiff_gui.state.store import Store


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
    kind: str = ""
    """Of its states (see ``catalogue.KINDS``); that of its data set unless said."""

    def __post_init__(self) -> None:
        if not self.kind:
            object.__setattr__(self, "kind", catalogue.data_set(self.dataset).kind)


FIRST = "v"
"""The bundled model that a window begins with."""


def _first_model() -> ModelInfo:
    transform = datasets.load(FIRST).transform
    return ModelInfo(
        ref=FIRST,
        dataset="v",
        mean=tuple(transform.mean.tolist()),
        std=tuple(transform.std.tolist()),
    )


MODEL_REF = Slot("model reference", lambda: FIRST, Kind.SETTING)
"""The model that the user has chosen: opened when another is set here; where that cannot be, the
one on show is set again."""
MODEL = Slot("model", _first_model, Kind.RESULT)
"""The one on show."""
OTHER_MODELS: Family[str, ModelInfo | None] = Family("other models", lambda: None)

MODEL_FAULTS: Family[str, str] = Family("model faults", str)
"""Why a checkpoint of a single lane cannot be opened."""


def model_named(store: Store, ref: str) -> ModelInfo | None:
    """What is known of a checkpoint that a single lane uses."""
    model = store.get(MODEL)
    return model if ref == model.ref else store.at(OTHER_MODELS, ref)


def remember_model(store: Store, model: ModelInfo) -> None:
    """Remember what a checkpoint of a single lane says of itself."""
    if store.at(OTHER_MODELS, model.ref) != model:
        store.put(OTHER_MODELS, model.ref, model)


def show_model(store: Store, model: ModelInfo) -> None:
    """Sample from another checkpoint; runs with states of another shape are forgotten."""
    before = store.get(MODEL)
    if model != before:
        if model.shape != before.shape:
            store.clear(LANE_RUNS)
        store.set(MODEL, model)
