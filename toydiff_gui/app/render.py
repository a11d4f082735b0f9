"""`toydiff render`: a trajectory's file as a film or a picture, without a window."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from engine.shared import trajectory
from engine.shared.trajectory import Trajectory
from toydiff_gui.app import installed_modes
from toydiff_gui.export.control import Control, Progress
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.film import render_film
from toydiff_gui.export.spec import FilmFormat, FilmSpec, ThemeName, check_size, check_theme
from toydiff_gui.export.stills import save_contact_sheet, save_still
from toydiff_gui.export.targets import check_folder
from toydiff_gui.modes.file_meta import FilePicture

FILMS: dict[str, FilmFormat] = {
    ".mp4": "mp4",
    ".webm": "webm",
    ".gif": "gif",
    ".apng": "apng",
    "": "png",
}


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
    picture, left_out = picture_of(run, Path(npz))
    _application()
    if sheet:
        save_contact_sheet(picture, path, size, theme)
        return left_out
    if still:
        moment = 0 if t is None else t
        if not 0 <= moment <= picture.timesteps:
            raise ExportError(f"t must be between 0 and {picture.timesteps}, got {moment}")
        save_still(picture, moment, path, size, theme)
        return left_out
    spec = FilmSpec(picture, size=size, fps=fps, format=FILMS[suffix], theme=theme)
    notes = (render_film(spec, path, Control(progress)).note, left_out)
    return "; ".join(note for note in notes if note)


def picture_of(run: Trajectory, source: Path) -> FilePicture:
    """What the first mode that knows such states makes of a trajectory's file.

    Raises ``ExportError`` if none does.
    """
    for mode in installed_modes.MODES:
        found = mode.picture_of_file(run, source)
        if found is not None:
            return found
    raise ExportError(
        f"{source} cannot be drawn: its states have shape {run.x[0].shape[1:]}, and only points in "
        "the plane (2,) and images (1 or 3, height, width) can be"
    )


@cache
def _application() -> QCoreApplication:
    """Qt made ready to draw text: the application there is, or one that needs no display."""
    return QGuiApplication.instance() or QGuiApplication(["toydiff", "-platform", "offscreen"])
