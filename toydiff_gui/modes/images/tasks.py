"""The exercise's tasks with images."""

from __future__ import annotations

from functools import partial

from toydiff_gui.modes.images.settings import IMAGE_SAMPLING
from toydiff_gui.modes.tasks import Task
from toydiff_gui.state.lanes import LaneSpec

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

_of_images = partial(
    Task, model="mnist", any_model=True, settings=IMAGE_SAMPLING, usual=IMAGES_AS_USUAL
)

IMAGE_TASKS = (
    _of_images(
        "images-1a",
        "1a  64 images with DDPM",
        "Draw 64 latents and run the reverse process with all steps; scrub through it and export "
        "four stills",
        {"count": 64, "sampler": "ddpm", "steps": None},
        ("ddpm",),
    ),
    _of_images(
        "images-1b",
        "1b  Interpolation with DDPM",
        "Images between A and B, independent noise: why have neighbours nothing in common?",
        {},
        ("ddpm",),
    ),
    _of_images(
        "images-1c",
        "1c  The same noise for all images",
        "As 1b, but at each step every image gets the same noise",
        {},
        ("ddpm", "ddpm-shared"),
    ),
    _of_images(
        "images-1d-samples",
        "1d  64 images with DDIM",
        "The deterministic reverse process on the latents of 1a",
        {"count": 64, "steps": None},
        ("ddpm", "ddim"),
    ),
    _of_images(
        "images-1d-path",
        "1d  Interpolation with DDIM",
        "The deterministic reverse process on the path of 1b, beside the other two",
        {},
        ("ddpm", "ddpm-shared", "ddim"),
    ),
    _of_images(
        "images-1e",
        "1e  A straight line through the middle",
        "The middle of a straight line is a latent far too short for the prior. Paths that keep "
        "the norm beside it",
        {},
        ("ddim",),
        extra=_BENT,
    ),
)
