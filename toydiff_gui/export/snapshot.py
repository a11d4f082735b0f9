"""What an export is made from: a scene that nothing in the window can change any more."""

from __future__ import annotations

from dataclasses import replace

from engine.trajectory import Trajectory
from toydiff_gui.export.errors import ExportError
from toydiff_gui.scene import LaneScene, Scene


def freeze(scene: Scene) -> Scene:
    """``scene`` with lists of frames of its own; the arrays in them are never written to."""
    return replace(scene, lanes=tuple(_frozen(lane) for lane in scene.lanes))


def _frozen(lane: LaneScene) -> LaneScene:
    """``lane`` with all that grows in place, the layers over it as well, as it is now."""
    field, heat, warp = lane.field, lane.difference, lane.warp
    return replace(
        lane,
        trajectory=_held(lane.trajectory),
        forward=_held(lane.forward),
        field=None if field is None else replace(field, eps=dict(field.eps)),
        difference=None if heat is None else replace(heat, values=dict(heat.values)),
        warp=None if warp is None else replace(warp, trajectory=_copy(warp.trajectory)),
    )


def _held(trajectory: Trajectory | None) -> Trajectory | None:
    return None if trajectory is None else _copy(trajectory)


def _copy(held: Trajectory) -> Trajectory:
    # x0 may be one frame behind: the window appends x first.
    frames = min(len(held.x), len(held.x0))
    return Trajectory(list(held.t), held.x[:frames], held.x0[:frames], dict(held.meta))


def only(scene: Scene, key: str | None) -> Scene:
    """``scene`` with the lane ``key`` alone; None keeps all. Raises ``ExportError``."""
    if key is None:
        return scene
    lane = scene.lane(key)
    if lane is None:
        known = ", ".join(lane.key for lane in scene.lanes) or "none"
        raise ExportError(f"there is no lane {key!r}; lanes: {known}")
    return replace(scene, lanes=(lane,))


def has_frames(lane: LaneScene) -> bool:
    """Whether the lane's trajectory has at least one frame."""
    return lane.trajectory is not None and bool(lane.trajectory.x)


def check_complete(scene: Scene) -> None:
    """Raise ``ExportError`` unless there is something to show and all of it has arrived."""
    if not any(has_frames(lane) for lane in scene.lanes):
        raise ExportError("there is nothing to export yet: no lane has samples")
    for lane in scene.lanes:
        if lane.trajectory is not None and not lane.trajectory.complete:
            if lane.status == "failed":
                raise ExportError(f"lane {lane.title!r} has failed; switch it off or run it again")
            raise ExportError(
                f"lane {lane.title!r} is still being sampled; wait until it is complete"
            )
