"""The numbers of a picture as .npz files: its trajectories, and what else there is."""

from __future__ import annotations

import re
from pathlib import Path

from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.picture_contract import Part, Picture, check_complete
from toydiff_gui.export.targets import check_folder, sentence


def trajectory_lanes(picture: Picture) -> list[Part]:
    """The lanes, or other parts, that have a trajectory."""
    return [part for part in picture.parts() if part.has_frames]


def saved_parts(picture: Picture) -> list[Part]:
    """All that has numbers to save."""
    return [part for part in picture.parts() if part.has_numbers]


def save_trajectories(picture: Picture, path: Path) -> list[Path]:
    """Write the numbers of each part; returns the files.

    One part goes to ``path``; of several, each goes beside it with its key in the name, as in
    'run-ddim.npz'. Raises ``ExportError`` naming the file; files that were complete before stay.
    """
    if path.suffix.lower() != ".npz":
        raise ExportError(f"a trajectory's name must end in .npz, got {path.name!r}")
    check_complete(picture, every_time=False)
    saved = saved_parts(picture)
    if not saved:
        raise ExportError("there are no numbers to save: no lane has samples")
    for part in saved:
        if part.numbers is not None:
            part.numbers.check()
    check_folder(path)
    paths = trajectory_paths(saved, path)
    for part, target in zip(saved, paths, strict=True):
        try:
            if part.numbers is not None:
                part.numbers.save(target)
            else:
                assert part.trajectory is not None
                part.trajectory.save(target)
        except OSError as error:
            raise sentence(target, error) from error
    return paths


def trajectory_paths(saved: list[Part], path: Path) -> list[Path]:
    """Where the numbers of the parts go."""
    if len(saved) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{file_part(part.key)}{path.suffix}") for part in saved]


def file_part(key: str) -> str:
    """A lane's key as part of a file's name on any system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key)


def described(part: Part) -> str:
    """What the file of a part will hold, in words."""
    if part.numbers is not None:
        return f"{part.title}: {part.numbers.described()}"
    run = part.trajectory
    assert run is not None
    shape = " × ".join(str(n) for n in (len(run.t), *run.x[0].shape))
    return f"{part.title}: {shape} numbers, and the predicted clean data"
