"""What a trajectory's file says of itself, whatever its states are; tolerant of what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.trajectory import Trajectory
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.state.wording import SAMPLERS

KEY = "file"
"""Of the one lane that a file's trajectory is shown in."""
FilePicture = tuple[Picture, str]
"""What a trajectory shows, and in words what of it is left out; '' for nothing."""


@dataclass(frozen=True)
class FileMeta:
    """Title of the whole and of the sampler, T, and alpha_bar (T + 1,), empty if not known."""

    title: str
    sampler: str
    timesteps: int
    alphas_cumprod: NDArray[np.float64]


def read_meta(run: Trajectory, source: Path) -> FileMeta:
    """What the ``meta`` of ``run``, which was read from ``source``, tells."""
    schedule = _schedule(run.meta, run.t[0])
    return FileMeta(
        title=_title(run.meta.get("dataset"), schedule, source),
        sampler=_sampler_title(run.meta.get("sampler")),
        timesteps=schedule.timesteps if schedule is not None else max(run.t[0], 1),
        alphas_cumprod=np.ones(0) if schedule is None else noise_tables.alphas_cumprod(schedule),
    )


def _title(dataset: object, schedule: ScheduleConfig | None, source: Path) -> str:
    said = [dataset] if isinstance(dataset, str) else [source.name]
    if schedule is not None:
        said += [f"{schedule.name} β", f"{schedule.timesteps} steps"]
    return " · ".join(said)


def _schedule(meta: Mapping[str, Any], first: int) -> ScheduleConfig | None:
    """The schedule that ``meta`` tells of, if it does and it fits the times in the file."""
    told = meta.get("schedule")
    if not isinstance(told, Mapping):
        return None
    fields = {key: told[key] for key in ("name", "timesteps", "zero_terminal") if key in told}
    try:
        schedule = ScheduleConfig(**fields)
    except (TypeError, ValueError):
        return None
    return schedule if schedule.timesteps >= first else None


def _sampler_title(sampler: object) -> str:
    if not isinstance(sampler, Mapping):
        return "Samples"
    name = str(sampler.get("name", "Samples"))
    title = SAMPLERS.get(name, name)
    eta = sampler.get("eta")
    if name == "ddim" and isinstance(eta, (int, float)):
        title += f"  η = {eta:g}"
    return title
