"""The exercise's tasks: what one click sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from toydiff_gui.modes.images.settings import IMAGE_SAMPLING
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.lanes import DEFAULT_LANES, LANES, LaneSpec
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW

BUNDLED_V, BUNDLED_IMAGES = "v", "mnist"


@dataclass(frozen=True)
class Task:
    """A task of the exercise: settings of the samples, and the lanes to show.

    ``extra`` are lanes beside the usual ones. ``images``: it is about images, and ``sampling`` are
    fields of ``ImageSampling``.
    """

    key: str
    title: str
    tooltip: str
    sampling: dict[str, Any]
    lanes: tuple[str, ...]
    extra: tuple[LaneSpec, ...] = ()
    images: bool = False

    @property
    def model(self) -> str:
        """The bundled model that it is about."""
        return BUNDLED_IMAGES if self.images else BUNDLED_V


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


IMAGES_AS_USUAL = {
    "steps": 50,
    "eta": 0.0,
    "sampler": "ddim",
    "path": "linear",
    "even": False,
    "fixed_noise": False,
    "class_a": None,
    "class_b": None,
    "tile_class": None,
    "tile_classes": (),
    "guidance": 1.0,
}
_BENT = (
    LaneSpec("images-spherical", title="DDIM, spherical", path="spherical"),
    LaneSpec("images-prior", title="DDIM, prior-preserving", path="prior-preserving"),
)

IMAGE_TASKS = (
    Task(
        "images-1a",
        "1a  64 images with DDPM",
        "Draw 64 latents and run the reverse process with all steps; scrub through it and export "
        "four stills",
        {"count": 64, "sampler": "ddpm", "steps": None},
        ("ddpm",),
        images=True,
    ),
    Task(
        "images-1b",
        "1b  Interpolation with DDPM",
        "Images between A and B, independent noise: why have neighbours nothing in common?",
        {},
        ("ddpm",),
        images=True,
    ),
    Task(
        "images-1c",
        "1c  The same noise for all images",
        "As 1b, but at each step every image gets the same noise",
        {},
        ("ddpm", "ddpm-shared"),
        images=True,
    ),
    Task(
        "images-1d-samples",
        "1d  64 images with DDIM",
        "The deterministic reverse process on the latents of 1a",
        {"count": 64, "steps": None},
        ("ddpm", "ddim"),
        images=True,
    ),
    Task(
        "images-1d-path",
        "1d  Interpolation with DDIM",
        "The deterministic reverse process on the path of 1b, beside the other two",
        {},
        _ALL,
        images=True,
    ),
    Task(
        "images-1e",
        "1e  A straight line through the middle",
        "The middle of a straight line is a latent far too short for the prior. Paths that keep "
        "the norm beside it",
        {},
        ("ddim",),
        extra=_BENT,
        images=True,
    ),
)


def task(key: str) -> Task:
    """The task called ``key``; raises ``KeyError``."""
    found = {task.key: task for task in (*TASKS, *IMAGE_TASKS)}
    return found[key]


def apply(chosen: Task, state: Store) -> None:
    """Set mode, endpoints and lanes; steps, eta and path go back to the exercise's.

    The exercise's lanes are made again as they were; others are hidden.
    """
    if chosen.images:
        state.update(IMAGE_SAMPLING, **IMAGES_AS_USUAL | chosen.sampling)
    else:
        state.update(SAMPLING, **AS_IN_THE_EXERCISE | chosen.sampling)
    made = (*DEFAULT_LANES, *chosen.extra)
    shown = {*chosen.lanes, *(lane.key for lane in chosen.extra)}
    own = {lane.key for lane in made}
    others = tuple(lane for lane in state.get(LANES) if lane.key not in own)
    state.set(LANES, tuple(replace(lane, shown=lane.key in shown) for lane in (*made, *others)))
    state.update(VIEW, selected_lane=chosen.lanes[-1], maximised_lane="")
