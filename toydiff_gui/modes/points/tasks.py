"""The exercise's tasks in the plane."""

from __future__ import annotations

from functools import partial

from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.modes.tasks import Task

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
_of_points = partial(Task, model="v", settings=SAMPLING, usual=AS_IN_THE_EXERCISE)

TASKS = (
    _of_points(
        "1a",
        "1a  1 000 samples with DDPM",
        "Draw 1 000 latents and run the reverse process; scrub through it and export four stills",
        _SAMPLES,
        ("ddpm",),
    ),
    _of_points(
        "1b",
        "1b  Interpolation with DDPM",
        "500 points between (−1, 2) and (−1, −2), independent noise: why is the result a scribble?",
        _DOWN,
        ("ddpm",),
    ),
    _of_points(
        "1c",
        "1c  The same noise for all samples",
        "As 1b, but at each step every point gets the same noise: an ordered path",
        _DOWN,
        ("ddpm", "ddpm-shared"),
    ),
    _of_points(
        "1d-samples",
        "1d  1 000 samples with DDIM",
        "The deterministic reverse process on the samples of 1a, beside DDPM",
        _SAMPLES,
        ("ddpm", "ddim"),
    ),
    _of_points(
        "1d-path",
        "1d  Interpolation with DDIM",
        "The deterministic reverse process on the path of 1b, beside the other two",
        _DOWN,
        _ALL,
    ),
    _of_points(
        "1e",
        "1e  From (−2, 0) to (2, 0)",
        "A straight line through the middle: does DDIM pass through the vertex of the V?",
        _ACROSS,
        _ALL,
    ),
)
