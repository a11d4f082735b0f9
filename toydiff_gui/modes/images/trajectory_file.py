"""A trajectory's file of images as a scene: what was sampled as tiles, a path as a film strip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.datasets.images import load_digits
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.file_meta import KEY, FilePicture, read_meta
from toydiff_gui.modes.images.picture import ImagesPicture
from toydiff_gui.modes.images.scene import ImageScene, StripLane, TilesCard
from toydiff_gui.state.describe import prior_norms
from toydiff_gui.style.numbers import grouped

MOST_TILES, MOST_STRIP = 400, 24
"""Images that are drawn: more would be too small to be seen."""
MOST_SIDE = 1024
"""Of an image that can be drawn, in pixels."""


def picture_of(run: Trajectory, source: Path) -> FilePicture | None:
    """What ``run`` shows, and in words what of it is left out; None if it holds no images."""
    if not is_image_shape(run.x[0].shape[1:]):
        return None
    scene = scene_of(run, source)
    return ImagesPicture(scene), left_out_of(run, scene)


def is_image_shape(shape: tuple[int, ...]) -> bool:
    """Whether states of ``shape`` are images: (C, H, W), grey or in colours."""
    return (
        len(shape) == 3 and shape[0] in (1, 3) and all(1 <= side <= MOST_SIDE for side in shape[1:])
    )


def scene_of(run: Trajectory, source: Path) -> ImageScene:
    """The scene of what ``toydiff sample`` or ``interpolate`` wrote; tolerant of lacking ``meta``.

    Of very many images some are shown (``left_out_of`` tells).
    """
    about = read_meta(run, source)
    channels, high, wide = run.x[0].shape[1:]
    mean, std = standardisation(run.meta, channels)
    scene = ImageScene(
        timesteps=about.timesteps,
        alphas_cumprod=about.alphas_cumprod,
        title=about.title,
        shape=(channels, high, wide),
        mean=mean,
        std=std,
        prior_norms=prior_norms(channels * high * wide),
    )
    count = len(run.x[0])
    steps = f"{len(run.t) - 1} steps"
    if run.meta.get("command") != "interpolate":
        shown = _rows(run, np.arange(min(count, MOST_TILES)))
        note = f"{grouped(count)} images \N{MIDDLE DOT} {about.sampler} \N{MIDDLE DOT} {steps}"
        return replace(scene, tiles=TilesCard(shown, note, "done"))
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_STRIP)).round().astype(np.intp))
    shown = _rows(run, rows)
    norms = np.linalg.norm(shown.x[0].reshape(len(rows), -1).astype(np.float64), axis=1)
    path = run.meta.get("path")
    strip = StripLane(
        KEY, 1, about.sampler, steps, shown, "done", latent_norms=norms if run.t[0] else None
    )
    return replace(scene, strips=(strip,), path_label=path if isinstance(path, str) else "")


def left_out_of(run: Trajectory, scene: ImageScene) -> str:
    """What of a trajectory is not in its scene, in words; '' if all of it is."""
    count = len(run.x[0])
    if scene.strips:
        shown = scene.strips[0].trajectory
        what = "evenly spaced along the path"
    else:
        shown = scene.tiles.trajectory
        what = "the first ones"
    drawn = len(shown.x[0]) if shown is not None else 0
    return f"{drawn} of {grouped(count)} images, {what}" if drawn < count else ""


def standardisation(
    meta: Mapping[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, as far as ``meta`` tells; else those that fit most sets.

    The bundled digits are known by their name.
    """
    told = _numbers(meta.get("mean"), channels), _numbers(meta.get("std"), channels)
    mean, std = told
    if mean is not None and std is not None and min(std) > 0:
        return mean, std
    if meta.get("dataset") == "digits" and channels == 1:
        known = load_digits().transform
        return tuple(known.mean.ravel().tolist()), tuple(known.std.ravel().tolist())
    return (0.5,) * channels, (0.25,) * channels


def _numbers(told: object, channels: int) -> tuple[float, ...] | None:
    """``told`` as one finite number for each channel, if it can be read so."""
    try:
        values = np.asarray(told, np.float64).ravel()
    except (TypeError, ValueError):
        return None
    if values.size not in (1, channels) or not np.isfinite(values).all():
        return None
    return tuple(np.broadcast_to(values, (channels,)).tolist())


def _rows(run: Trajectory, rows: NDArray[np.intp]) -> Trajectory:
    """Some of the states of a trajectory; the same one where these are all."""
    if len(rows) == len(run.x[0]):
        return run
    x, x0 = (tuple(frame[rows] for frame in frames) for frames in (run.x, run.x0))
    return replace(run, x=x, x0=x0)
