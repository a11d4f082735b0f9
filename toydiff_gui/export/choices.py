"""What the export dialog asks for, as plain data, and the work that follows from it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Literal, cast, get_args

from toydiff_gui.export.control import Control
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.film import render_films
from toydiff_gui.export.picture_contract import Picture, check_complete, only
from toydiff_gui.export.spec import FilmFormat, FilmSpec, ThemeName, check_size
from toydiff_gui.export.stills import save_contact_sheet, save_still
from toydiff_gui.export.targets import check_folder, staging
from toydiff_gui.export.trajectory_file import (
    file_part,
    save_trajectories,
    saved_parts,
    trajectory_lanes,
    trajectory_paths,
)
from toydiff_gui.export.worker import Outcome, Work
from toydiff_gui.state.settings_file import SettingsFile

What = Literal["film", "frame", "sheet", "trajectory"]
WHATS: tuple[str, ...] = get_args(What)
FORMATS: dict[str, tuple[str, ...]] = {
    "film": ("mp4", "webm", "gif", "apng", "png"),
    "frame": ("png", "svg"),
    "sheet": ("png", "svg"),
    "trajectory": ("npz",),
}
ALL, EACH = "", "*"
"""As ``lane``: all lanes in one picture; each lane in a file of its own."""
SIZES: dict[str, tuple[int, int]] = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4K": (3840, 2160),
    "square": (1080, 1080),
}
CUSTOM = "custom"
GROUP = "export"


@dataclass(frozen=True)
class ExportChoices:
    """All that the dialog remembers. ``lane`` is ``ALL``, ``EACH`` or a lane's key."""

    what: What = "film"
    film_format: str = "mp4"
    still_format: str = "png"
    lane: str = ALL
    preset: str = "1080p"
    width: int = 1920
    height: int = 1080
    fps: float = 30.0
    seconds: float = 8.0
    every_t: bool = False
    hold: float = 1.0
    reverse: bool = False
    theme: ThemeName = "dark"
    folder: str = ""

    @property
    def format(self) -> str:
        """The format of what is chosen."""
        if self.what == "film":
            return self.film_format
        return "npz" if self.what == "trajectory" else self.still_format

    @property
    def size(self) -> tuple[int, int]:
        """The size in pixels."""
        return SIZES.get(self.preset, (self.width, self.height))

    @property
    def is_folder(self) -> bool:
        """Whether the result is a folder of numbered pictures."""
        return self.what == "film" and self.film_format == "png"

    def film(self, picture: Picture, lane: str | None) -> FilmSpec:
        """The film of ``picture``; raises ``ExportError``."""
        return FilmSpec(
            picture,
            lane=lane,
            size=self.size,
            fps=self.fps,
            seconds=None if self.every_t else self.seconds,
            format=cast(FilmFormat, self.film_format),
            theme=self.theme,
            hold=self.hold,
            reverse=self.reverse,
        )


def load_choices(settings: SettingsFile) -> ExportChoices:
    """The choices of last time; what is missing or makes no sense is as at first."""
    default = ExportChoices()
    found: dict[str, object] = {}
    for field in fields(ExportChoices):
        kept = settings.get(f"{GROUP}/{field.name}", type(getattr(default, field.name)))
        if kept is not None:
            found[field.name] = kept
    choices = ExportChoices(**found)  # type: ignore[arg-type]
    known = {
        "what": WHATS,
        "film_format": FORMATS["film"],
        "still_format": FORMATS["frame"],
        "preset": (*SIZES, CUSTOM),
        "theme": get_args(ThemeName),
    }
    for name, values in known.items():
        if getattr(choices, name) not in values:
            found[name] = getattr(default, name)
    return ExportChoices(**found)  # type: ignore[arg-type]


def save_choices(settings: SettingsFile, choices: ExportChoices) -> None:
    """Remember ``choices``."""
    for name, value in asdict(choices).items():
        settings.put(f"{GROUP}/{name}", value)


def lane_of(choices: ExportChoices) -> str | None:
    """The key of the one lane that is chosen, None for all or each."""
    return None if choices.lane in (ALL, EACH) else choices.lane


def shown_picture(choices: ExportChoices, picture: Picture) -> Picture:
    """The part of ``picture`` that is shown; of each lane, the first."""
    if choices.lane == EACH:
        lanes = trajectory_lanes(picture) or picture.parts()
        return only(picture, lanes[0].key) if lanes else picture
    return only(picture, lane_of(choices))


def targets(choices: ExportChoices, picture: Picture, path: Path) -> list[Path]:
    """The files (or folders) that the export will write. Raises ``ExportError``."""
    if choices.what == "trajectory":
        return trajectory_paths(saved_parts(only(picture, lane_of(choices))), path)
    if choices.lane == EACH:
        return [_for_lane(path, lane.key) for lane in trajectory_lanes(picture)]
    return [path]


def work_of(choices: ExportChoices, picture: Picture, t: int, path: Path) -> Work:
    """Check everything and return what to run. Raises ``ExportError``."""
    _check_name(choices, path)
    check_folder(path)
    if choices.what == "trajectory":
        chosen = only(picture, lane_of(choices))
        check_complete(chosen, every_time=False)
        return partial(_save_trajectories, chosen, path)
    if choices.what == "film":
        films = [
            (choices.film(picture, key), target) for key, target in _lanes(choices, picture, path)
        ]
        return partial(_render, films)
    check_size(choices.size)
    parts = [(only(picture, key), target) for key, target in _lanes(choices, picture, path)]
    if choices.what == "sheet":
        for part, _ in parts:
            check_complete(part)
    return partial(_draw, choices, parts, t)


def _lanes(choices: ExportChoices, picture: Picture, path: Path) -> list[tuple[str | None, Path]]:
    if choices.lane != EACH:
        return [(lane_of(choices), path)]
    lanes = trajectory_lanes(picture)
    if not lanes:
        raise ExportError("there is nothing to export yet: no lane has samples")
    return [(lane.key, _for_lane(path, lane.key)) for lane in lanes]


def _check_name(choices: ExportChoices, path: Path) -> None:
    if not path.name:
        raise ExportError("give the file a name")
    if not path.is_absolute():
        raise ExportError(f"give the whole path of the file, got {path}")
    wanted = "" if choices.is_folder else f".{choices.format}"
    if path.suffix.lower() != wanted:
        what = f"must end in {wanted}" if wanted else "must be a folder's, without an ending"
        raise ExportError(f"the name {what}, got {path.name!r}")


def _for_lane(path: Path, key: str) -> Path:
    return path.with_name(f"{path.stem}-{file_part(key)}{path.suffix}")


def _render(films: list[tuple[FilmSpec, Path]], control: Control) -> Outcome:
    results = render_films(films, control)
    return _paths([result.path for result in results]), results[0].note


def _draw(
    choices: ExportChoices, parts: list[tuple[Picture, Path]], t: int, control: Control
) -> Outcome:
    paths = [path for _, path in parts]
    with staging(paths) as staged:
        for done, ((picture, _), path) in enumerate(zip(parts, staged, strict=True)):
            control.report(done, len(parts))
            if choices.what == "sheet":
                save_contact_sheet(picture, path, choices.size, choices.theme)
            else:
                save_still(picture, t, path, choices.size, choices.theme)
    return _paths(paths), ""


def _save_trajectories(picture: Picture, path: Path, control: Control) -> Outcome:
    control.report(0, 1)
    return _paths(save_trajectories(picture, path)), ""


def _paths(paths: list[Path]) -> str:
    return ", ".join(str(path) for path in paths)


def suggested_name(picture: Picture, choices: ExportChoices) -> str:
    """A file name after the model, such as 'v-linear-film.mp4'."""
    words = re.findall(r"[A-Za-z0-9]+", picture.title.lower())[:2] or ["toydiff"]
    ending = "" if choices.is_folder else f".{choices.format}"
    last = {"film": "frames" if choices.is_folder else "film", "sheet": "sheet"}
    return "-".join([*words, last.get(choices.what, choices.what)]) + ending
