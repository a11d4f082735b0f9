"""What things are called in the window: names for people where the engine has names for typing."""

from __future__ import annotations

from pathlib import Path

from engine.shared import catalogue
from engine.shared.catalogue import Titles
from engine.shared.config import TrainingConfig
from toydiff_gui.state.engine import EngineStatus
from toydiff_gui.state.lanes import LaneSpec
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.sampling import LaneSettings
from toydiff_gui.style.numbers import grouped

DATASETS = Titles(lambda: catalogue.DATA_SETS)
SCHEDULES = Titles(lambda: catalogue.SCHEDULES)
SAMPLERS = Titles(lambda: catalogue.SAMPLERS)
PATHS = Titles(lambda: catalogue.PATHS)
EXACT = "Exact denoiser"
DOT = " \u00b7 "


def starting(engine: EngineStatus) -> str:
    """What to say while the engine cannot answer yet."""
    if engine.message:
        return engine.message[:1].upper() + engine.message[1:]
    if engine.host:
        return f"Connecting to {engine.host}; a moment, please"
    return "The engine is starting; a moment, please"


def engine_place(engine: EngineStatus) -> str:
    """Where an engine on another machine is and what it computes on; empty for one on this one."""
    if not engine.host:
        return ""
    if engine.status != "ready":
        return f"{engine.host}, not connected"
    return f"{engine.host} ({engine.device})"


def counted(number: int, thing: str) -> str:
    """Such as '1 step' or '6 000 steps'."""
    return f"{grouped(number)} {thing}{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """Seconds as 0:29 or 1:02:03."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def model_parts(model: ModelInfo) -> list[str]:
    """What there is to say about a model, the most important first."""
    schedule = f"{model.schedule.name} β"
    if model.schedule.zero_terminal:
        schedule += ", zero end"
    parts = [
        model.network or DATASETS.get(model.dataset, model.dataset),
        schedule,
        counted(model.schedule.timesteps, "step"),
    ]
    if model.trained_steps:
        parts.append(f"trained {counted(model.trained_steps, 'step')}")
    return parts


def model_line(model: ModelInfo) -> str:
    """The model in a line, such as 'V · linear β · 250 steps · trained 6 000 steps'."""
    return DOT.join(model_parts(model))


def short(ref: str) -> str:
    """A checkpoint by its reference: its folder's or its file's name."""
    return Path(ref).name


def with_eta() -> str:
    """The samplers that take a share of fresh noise, such as 'DDIM'."""
    return " or ".join(row.title for row in catalogue.SAMPLERS if row.has_eta)


def lane_title(lane: LaneSpec) -> str:
    """What a lane is called: its own title, or its sampler."""
    return lane.title or (EXACT if lane.exact else SAMPLERS[lane.sampler])


def lane_detail(lane: LaneSpec, sampling: LaneSettings, *, along: bool, several_paths: bool) -> str:
    """What sets a lane apart: path, eta, seed, checkpoint; the path where there are several.

    ``along``: it follows a path from A to B.
    """
    parts = []
    if lane.exact and lane.sampler != "ddim" and not lane.title:
        parts.append(SAMPLERS[lane.sampler])
    path = lane.path_name(sampling)
    if along and (several_paths or path != "linear"):
        parts.append(PATHS[path].lower())
    eta = sampling.eta if lane.eta is None else lane.eta
    if lane.has_eta and (eta != 0.0 or (not parts and not lane.exact)):
        parts.append(f"η = {eta:g}")
    if lane.seed is not None:
        parts.append(f"seed {lane.seed}")
    if lane.checkpoint is not None:
        parts.append(Path(lane.checkpoint).name)
    return ", ".join(parts)


def cost_key(config: TrainingConfig, preset: str) -> str:
    """What the cost of a preset's network is called, such as 'mnist/medium' (``COSTS``)."""
    name = config.dataset
    if name == "folder":
        name = f"folder-{config.channels}x{config.image_size}"
    return f"{name}/{preset}"
