"""`toydiff render`: a trajectory's file as a film or a picture, without a window."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from engine import datasets, noise_tables, trajectory
from engine.config import ScheduleConfig
from engine.trajectory import Trajectory
from toydiff_gui.export.control import Control, Progress
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.film import render_film
from toydiff_gui.export.image_file import image_scene_of, is_image_shape, left_out_of
from toydiff_gui.export.parts import AnyScene
from toydiff_gui.export.spec import FilmFormat, FilmSpec, ThemeName, check_size, check_theme
from toydiff_gui.export.stills import save_contact_sheet, save_still
from toydiff_gui.export.targets import check_folder
from toydiff_gui.image_scene import ImageScene
from toydiff_gui.names import SAMPLERS
from toydiff_gui.scene import LaneScene, Scene

FILMS: dict[str, FilmFormat] = {
    ".mp4": "mp4",
    ".webm": "webm",
    ".gif": "gif",
    ".apng": "apng",
    "": "png",
}
KEY = "file"


def render_file(
    npz: Path,
    out: Path | str,
    *,
    size: tuple[int, int] = (1920, 1080),
    fps: float = 30.0,
    t: int | None = None,
    sheet: bool = False,
    theme: ThemeName = "dark",
    progress: Progress | None = None,
) -> str:
    """Draw the trajectory in ``npz`` to ``out``; returns a note for the user, '' if there is none.

    The ending of ``out`` picks the kind: .mp4, .webm, .gif, .apng are films; .png and .svg are
    stills at ``t`` (0 unless given), or with ``sheet`` four of them; none, or a '/' at the end, is
    a folder of numbered PNGs.
    Works without a display. Raises ``ValueError`` with a sentence; nothing is left behind then.
    """
    folder = str(out).endswith(("/", "\\"))
    path = Path(out)
    suffix = "" if folder else path.suffix.lower()
    still = suffix in (".png", ".svg")
    if not still and suffix not in FILMS:
        known = ", ".join([*FILMS, ".png", ".svg"]).replace(", ,", ",")
        raise ExportError(f"cannot draw to {path.name!r}: known endings are {known}, or a folder")
    if t is not None and not still:
        raise ExportError(f"t = {t} is for a single picture, .png or .svg; got {path.name!r}")
    if sheet and (not still or t is not None):
        raise ExportError(f"a sheet is one picture of four times, .png or .svg; got {path.name!r}")
    check_size(size)
    check_theme(theme)
    check_folder(path.absolute())
    run = trajectory.load(Path(npz))
    scene = scene_of(run, Path(npz))
    left_out = left_out_of(run, scene) if isinstance(scene, ImageScene) else ""
    _application()
    if sheet:
        save_contact_sheet(scene, path, size, theme)
        return left_out
    if still:
        moment = 0 if t is None else t
        if not 0 <= moment <= scene.timesteps:
            raise ExportError(f"t must be between 0 and {scene.timesteps}, got {moment}")
        save_still(scene, moment, path, size, theme)
        return left_out
    spec = FilmSpec(scene, size=size, fps=fps, format=FILMS[suffix], theme=theme)
    notes = (render_film(spec, path, Control(progress)).note, left_out)
    return "; ".join(note for note in notes if note)


def scene_of(run: Trajectory, source: Path) -> AnyScene:
    """A scene with the one lane that a trajectory's file holds, or with its images.

    Tolerant of what ``meta`` lacks. Raises ``ExportError`` if the states are neither points in the
    plane nor images.
    """
    shape = run.x[0].shape[1:]
    if is_image_shape(shape):
        return _image_scene(run, source)
    if shape != (2,):
        raise ExportError(
            f"{source} cannot be drawn: its states have shape {shape}, and only points in the "
            "plane (2,) and images (1 or 3, height, width) can be"
        )
    meta = run.meta
    schedule = _schedule(meta, run.t[0])
    alphas = np.ones(0) if schedule is None else noise_tables.alphas_cumprod(schedule)
    dataset = meta.get("dataset")
    data = _data(dataset)
    sampler = meta.get("sampler")
    lane = LaneScene(
        key=KEY,
        number=1,
        title=_sampler_title(sampler),
        note=f"{len(run.t) - 1} steps",
        trajectory=run,
        joined=meta.get("command") == "interpolate",
        data=data,
        status="done",
    )
    steps = schedule.timesteps if schedule is not None else max(run.t[0], 1)
    title = _title(dataset, schedule, source)
    return Scene(lanes=(lane,), timesteps=steps, alphas_cumprod=alphas, title=title)


def _title(dataset: object, schedule: ScheduleConfig | None, source: Path) -> str:
    said = [dataset] if isinstance(dataset, str) else [source.name]
    if schedule is not None:
        said += [f"{schedule.name} β", f"{schedule.timesteps} steps"]
    return " · ".join(said)


def _image_scene(run: Trajectory, source: Path) -> ImageScene:
    schedule = _schedule(run.meta, run.t[0])
    alphas = np.ones(0) if schedule is None else noise_tables.alphas_cumprod(schedule)
    return image_scene_of(
        run,
        timesteps=schedule.timesteps if schedule is not None else max(run.t[0], 1),
        alphas_cumprod=alphas,
        title=_title(run.meta.get("dataset"), schedule, source),
        sampler=_sampler_title(run.meta.get("sampler")),
    )


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


def _data(dataset: object) -> NDArray[np.float32] | None:
    try:
        return datasets.load(dataset).points if isinstance(dataset, str) else None
    except ValueError:  # a set of the user's own, or of another version
        return None


def _sampler_title(sampler: object) -> str:
    if not isinstance(sampler, Mapping):
        return "Samples"
    name = str(sampler.get("name", "Samples"))
    title = SAMPLERS.get(name, name)
    eta = sampler.get("eta")
    if name == "ddim" and isinstance(eta, (int, float)):
        title += f"  η = {eta:g}"
    return title


@cache
def _application() -> QCoreApplication:
    """Qt made ready to draw text: the application there is, or one that needs no display."""
    return QGuiApplication.instance() or QGuiApplication(["toydiff", "-platform", "offscreen"])
