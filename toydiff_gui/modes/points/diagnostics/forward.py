"""The forward process as a scene of three lanes."""

from __future__ import annotations

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.forward_process import States
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.points.scene import LaneScene, Scene

STEPS_KEY, CLOSED_KEY, POINT_KEY = "forward-steps", "forward-closed", "forward-point"


def forward_scene(
    data: States,
    trajectories: tuple[Trajectory, Trajectory, Trajectory],
    point: str,
    schedule: ScheduleConfig,
    title: str,
) -> Scene:
    """The three lanes on one timeline. ``point`` says which one was chosen."""
    steps, closed, copies = trajectories
    lanes = (
        LaneScene(
            key=STEPS_KEY,
            number=1,
            title="Step by step",
            note="fresh noise at every step",
            trajectory=steps,
            data=data,
            status="done",
        ),
        LaneScene(
            key=CLOSED_KEY,
            number=2,
            title="In closed form",
            note="one noise per point",
            trajectory=closed,
            data=data,
            status="done",
        ),
        LaneScene(
            key=POINT_KEY,
            number=3,
            title="One point",
            note=point,
            trajectory=copies,
            data=data,
            status="done",
        ),
    )
    return Scene(
        lanes=lanes,
        timesteps=schedule.timesteps,
        alphas_cumprod=noise_tables.alphas_cumprod(schedule),
        title=title,
    )
