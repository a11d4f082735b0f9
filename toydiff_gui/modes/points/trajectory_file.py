"""A trajectory's file of points in the plane as a scene with one lane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import datasets
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.file_meta import KEY, FilePicture, read_meta
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import LaneScene, Scene


def picture_of(run: Trajectory, source: Path) -> FilePicture | None:
    """What ``run`` shows, all of it; None if its states are no points of the plane."""
    if run.x[0].shape[1:] != (2,):
        return None
    return PointsPicture(scene_of(run, source)), ""


def scene_of(run: Trajectory, source: Path) -> Scene:
    """The scene of what ``toydiff sample`` or ``interpolate`` wrote; tolerant of lacking ``meta``.

    ``source`` is the file that it was read from.
    """
    about = read_meta(run, source)
    lane = LaneScene(
        key=KEY,
        number=1,
        title=about.sampler,
        note=f"{len(run.t) - 1} steps",
        trajectory=run,
        joined=run.meta.get("command") == "interpolate",
        data=_data(run.meta.get("dataset")),
        status="done",
    )
    return Scene(
        lanes=(lane,),
        timesteps=about.timesteps,
        alphas_cumprod=about.alphas_cumprod,
        title=about.title,
    )


def _data(dataset: object) -> NDArray[np.float32] | None:
    try:
        return datasets.load(dataset).points if isinstance(dataset, str) else None
    except ValueError:  # a set of the user's own, or of another version
        return None
