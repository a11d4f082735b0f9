"""The exercise's tasks as scenes: what one click sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from toydiff_gui.state import DEFAULT_LANES, AppState

BUNDLED_V = "v"


@dataclass(frozen=True)
class Task:
    """A task of the exercise: settings of the samples, and the lanes to show."""

    key: str
    title: str
    tooltip: str
    sampling: dict[str, Any]
    lanes: tuple[str, ...]


_DOWN = {"mode": "interpolation", "a": (-1.0, 2.0), "b": (-1.0, -2.0), "path_points": 500}
_ACROSS = {"mode": "interpolation", "a": (-2.0, 0.0), "b": (2.0, 0.0), "path_points": 500}
_SAMPLES = {"mode": "samples", "count": 1000}
AS_IN_THE_EXERCISE = {
    "steps": None,
    "eta": 0.0,
    "path": "linear",
    "side": "left",
    "even": False,
    "through": (),
}
_ALL = ("ddpm", "ddpm-shared", "ddim")

TASKS = (
    Task(
        "1a",
        "1a  1 000 samples with DDPM",
        "Draw 1 000 latents and run the reverse process; scrub through it and export four stills",
        _SAMPLES,
        ("ddpm",),
    ),
    Task(
        "1b",
        "1b  Interpolation with DDPM",
        "500 points between (−1, 2) and (−1, −2), independent noise: why is the result a scribble?",
        _DOWN,
        ("ddpm",),
    ),
    Task(
        "1c",
        "1c  The same noise for all samples",
        "As 1b, but at each step every point gets the same noise: an ordered path",
        _DOWN,
        ("ddpm", "ddpm-shared"),
    ),
    Task(
        "1d-samples",
        "1d  1 000 samples with DDIM",
        "The deterministic reverse process on the samples of 1a, beside DDPM",
        _SAMPLES,
        ("ddpm", "ddim"),
    ),
    Task(
        "1d-path",
        "1d  Interpolation with DDIM",
        "The deterministic reverse process on the path of 1b, beside the other two",
        _DOWN,
        _ALL,
    ),
    Task(
        "1e",
        "1e  From (−2, 0) to (2, 0)",
        "A straight line through the middle: does DDIM pass through the vertex of the V?",
        _ACROSS,
        _ALL,
    ),
)


def task(key: str) -> Task:
    """The task called ``key``; raises ``KeyError``."""
    return next(task for task in TASKS if task.key == key)


def apply(chosen: Task, state: AppState) -> None:
    """Set mode, endpoints and lanes; steps, eta and path go back to the exercise's.

    The exercise's lanes are made again as they were; others are hidden.
    """
    state.update_sampling(**AS_IN_THE_EXERCISE | chosen.sampling)
    own = {lane.key for lane in DEFAULT_LANES}
    others = tuple(lane for lane in state.lanes if lane.key not in own)
    state.set_lanes(
        tuple(replace(lane, shown=lane.key in chosen.lanes) for lane in (*DEFAULT_LANES, *others))
    )
    state.update_view(selected_lane=chosen.lanes[-1], maximised_lane="")
