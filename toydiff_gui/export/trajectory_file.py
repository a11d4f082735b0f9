"""Trajectories of lanes as .npz files."""

from __future__ import annotations

import re
from pathlib import Path

from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.snapshot import check_complete, freeze, has_frames
from toydiff_gui.export.targets import check_folder, sentence
from toydiff_gui.scene import LaneScene, Scene


def trajectory_lanes(scene: Scene) -> list[LaneScene]:
    """The lanes that have a trajectory to save."""
    return [lane for lane in scene.lanes if has_frames(lane)]


def save_trajectories(scene: Scene, path: Path) -> list[Path]:
    """Write each lane's trajectory; returns the files.

    One lane goes to ``path``; of several, each goes beside it with its key in the name, as in
    'run-ddim.npz'. Raises ``ExportError`` naming the file; files that were complete before stay.
    """
    if path.suffix.lower() != ".npz":
        raise ExportError(f"a trajectory's name must end in .npz, got {path.name!r}")
    scene = freeze(scene)
    check_complete(scene)
    lanes = trajectory_lanes(scene)
    check_folder(path)
    paths = trajectory_paths(lanes, path)
    for lane, target in zip(lanes, paths, strict=True):
        assert lane.trajectory is not None
        try:
            lane.trajectory.save(target)
        except OSError as error:
            raise sentence(target, error) from error
    return paths


def trajectory_paths(lanes: list[LaneScene], path: Path) -> list[Path]:
    """Where the lanes' trajectories go."""
    if len(lanes) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{file_part(lane.key)}{path.suffix}") for lane in lanes]


def file_part(key: str) -> str:
    """A lane's key as part of a file's name on any system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key)
