"""From the window's state to the scene that canvas and export draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine import datasets
from engine.datasets import Standardisation
from engine.shared.config import SamplerConfig, ScheduleConfig
from engine.shared.forward_process import in_closed_form
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.points.kind import makes_points, trains_points
from toydiff_gui.modes.points.scene import LaneScene, Layer, PathLine, Scene
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING, layer_of
from toydiff_gui.state import wording
from toydiff_gui.state.describe import (
    alphas_cumprod,
    duration,
    norms,
    prior_norms,
    rescaled,
    waiting,
)
from toydiff_gui.state.lanes import LANE_RUNS, LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL, ModelInfo, model_named
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, MARKED, PINNED, overlays_of
from toydiff_gui.style.numbers import grouped

LATENT_KEY = "latent"
PREVIEW_KEY = "training"
FAINT_POINTS = 2000
FEW_PICKS = 20
"""Of the user's own points, how many are marked in the lanes: all of a large file only hide it."""


@lru_cache(maxsize=16)
def _raw_points(dataset: str) -> NDArray[np.float64]:
    points = datasets.load(dataset)
    return points.transform.undo(points.points)


@lru_cache(maxsize=16)
def data_points(
    dataset: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    """The data set's points (8000, 2) in a model's own units."""
    return Standardisation(np.array(mean), np.array(std)).apply(_raw_points(dataset))


@lru_cache(maxsize=16)
def _faint_points(
    dataset: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    """Some of them for the background: more only makes it grey."""
    points = data_points(dataset, mean, std)
    return points[:: max(1, len(points) // FAINT_POINTS)]


def compose(state: Store) -> Scene:
    """The scene of this moment."""
    model = state.get(MODEL)
    lanes = [_latent_lane(state)]
    for number, spec in enumerate(shown_lanes(state), start=2):
        lanes.append(_sampler_lane(state, spec, number))
    if (preview := _preview_lane(state, len(lanes) + 1)) is not None:
        lanes.append(preview)
    return Scene(
        lanes=tuple(lanes),
        timesteps=model.schedule.timesteps,
        alphas_cumprod=alphas_cumprod(model.schedule),
        title=wording.model_line(model),
    )


def _latent_lane(state: Store) -> LaneScene:
    sampling = state.get(SAMPLING)
    along = sampling.mode == "interpolation"
    overlays = overlays_of(state, LATENT_KEY)
    run = state.at(LANE_RUNS, LATENT_KEY)
    lines = paths_of_lanes(state) if along else ()
    latents = lines[0].latents if lines else run.latents
    drawing = along and _draws(state)
    return LaneScene(
        key=LATENT_KEY,
        number=1,
        title="Latent x_T",
        note="basin map" if "basin" in overlays else f"t = {state.get(MODEL).schedule.timesteps}",
        kind="latent",
        latents=latents,
        joined=along,
        endpoints=(sampling.a, sampling.b) if along else None,
        status="done" if latents is not None else "empty",
        message="" if latents is not None else waiting(state, run),
        overlays=overlays,
        layers=_layers(state, LATENT_KEY, overlays),
        cloud=_cloud(state.get(MODEL)),
        paths=lines[1:],
        path_label=lines[0].label if len(lines) > 1 else "",
        way_points=sampling.through if drawing else (),
        drawing=drawing,
        latent_norms=norms(latents) if along and latents is not None else None,
        prior_norms=None if latents is None else prior_norms(latents[0].size),
        marked=state.get(MARKED) if along else None,
        pinned=state.get(PINNED) if along else None,
    )


def _draws(state: Store) -> bool:
    """Whether a drawn path is among those shown, so that its way-points can be set."""
    paths = {lane.path_name(state.get(SAMPLING)) for lane in shown_lanes(state)}
    return "drawn" in paths | {state.get(SAMPLING).path}


def paths_of_lanes(state: Store) -> tuple[PathLine, ...]:
    """The paths that lanes start from, one of a kind, the selected lane's first."""
    sampling = state.get(SAMPLING)
    chosen = state.get(LOOK).selected_lane
    lines: dict[str, PathLine] = {}
    for lane in sorted(shown_lanes(state), key=lambda lane: lane.key != chosen):
        path = lane.path_name(sampling)
        latents = _path_of(state, lane)
        if path not in lines and latents is not None:
            lines[path] = PathLine(wording.PATHS[path], latents)
    if not lines:
        lines[sampling.path] = PathLine(wording.PATHS[sampling.path], _straight_path(state))
    return tuple(lines.values())


def _path_of(state: Store, lane: LaneSpec) -> NDArray[np.float32] | None:
    """The latents that a lane starts from, as far as they are known for the present endpoints."""
    sampling = state.get(SAMPLING)
    path = lane.path_name(sampling)
    if path == "linear" and not sampling.even:
        return _straight_path(state)
    geodesic = state.get(GEODESIC)
    if path == "geodesic" and geodesic.ends == (sampling.a, sampling.b):
        return geodesic.latents
    run = state.at(LANE_RUNS, lane.key)
    if run.trajectory is None or not run.trajectory.x:
        return None
    return run.trajectory.x[0]


def _straight_path(state: Store) -> NDArray[np.float32]:
    """The line between the endpoints, to be seen before the engine has answered, (N, 2)."""
    sampling = state.get(SAMPLING)
    return _line(sampling.a, sampling.b, sampling.path_points)


@lru_cache(maxsize=4)
def _line(a: tuple[float, float], b: tuple[float, float], points: int) -> NDArray[np.float32]:
    s = np.linspace(0, 1, points, dtype=np.float32)[:, None]
    return np.asarray((1 - s) * np.asarray(a, np.float32) + s * np.asarray(b, np.float32))


def _sampler_lane(state: Store, spec: LaneSpec, number: int) -> LaneScene:
    run, sampling = state.at(LANE_RUNS, spec.key), state.get(SAMPLING)
    model = model_named(state, spec.checkpoint or state.get(MODEL).ref) or state.get(MODEL)
    if not makes_points(model):  # which the lane says itself
        model = state.get(MODEL)
    timesteps = model.schedule.timesteps
    sampler = spec.sampler_config(sampling, timesteps)
    if run.coarse and run.trajectory is not None:
        sampler = replace(sampler, steps=len(run.trajectory.t) - 1)
    along = sampling.mode == "interpolation"
    overlays = overlays_of(state, spec.key)
    trajectory = rescaled(run.trajectory, state.get(MODEL).schedule.timesteps)
    latents = trajectory.x[0] if trajectory is not None and trajectory.x else None
    inversion = state.get(INVERSION)
    picked = inversion.data if inversion.status != "idle" else None
    return LaneScene(
        key=spec.key,
        number=number,
        title=wording.lane_title(spec),
        detail=wording.lane_detail(
            spec, sampling, along=along, several_paths=_several_paths(state)
        ),
        note=_note(sampler, timesteps, None if run.coarse else run.seconds),
        trajectory=trajectory,
        joined=along,
        overlays=overlays,
        data=_faint(model),
        status=run.status,
        message=waiting(state, run),
        off_data=run.off_data,
        latent_norms=norms(latents) if along and latents is not None else None,
        prior_norms=None if latents is None else prior_norms(latents[0].size),
        marked=state.get(MARKED) if along else None,
        pinned=state.get(PINNED) if along else None,
        alphas_cumprod=alphas_cumprod(state.get(MODEL).schedule),
        cloud=_cloud(model) if "density" in overlays else None,
        forward=_forward_of(state, model) if "forward" in overlays else None,
        layers=_layers(state, spec.key, overlays),
        picked=picked[:FEW_PICKS] if picked is not None and len(picked) else None,
    )


def _layers(state: Store, key: str, overlays: Iterable[str]) -> dict[str, Layer]:
    """What has been computed of the overlays of a lane."""
    found = {kind: layer_of(state, key, kind) for kind in overlays}
    return {kind: layer for kind, layer in found.items() if layer is not None}


def _cloud(model: ModelInfo) -> NDArray[np.float32]:
    return data_points(model.dataset, model.mean, model.std)


def _forward_of(state: Store, model: ModelInfo) -> Trajectory:
    return _forward(model.dataset, model.mean, model.std, state.get(MODEL).schedule)


@lru_cache(maxsize=4)
def _forward(
    dataset: str, mean: tuple[float, ...], std: tuple[float, ...], schedule: ScheduleConfig
) -> Trajectory:
    """The data on their way into noise, one noise for each point."""
    return in_closed_form(_faint_points(dataset, mean, std), schedule, seed=0)


def _several_paths(state: Store) -> bool:
    return len({lane.path_name(state.get(SAMPLING)) for lane in shown_lanes(state)}) > 1


def _note(sampler: SamplerConfig, timesteps: int, seconds: float | None) -> str:
    """Steps, evaluations where they are more, and the time it took."""
    steps = sampler.resolved_steps(timesteps)
    parts = [f"{grouped(steps)} steps"]
    if seconds is not None:
        parts.append(duration(seconds))
    return wording.DOT.join(parts)


def _preview_lane(state: Store, number: int) -> LaneScene | None:
    """What the network in training makes of fixed latents, on the timeline of the model shown."""
    training = state.get(TRAINING)
    config = training.config or state.get(TRAINING_CONFIG)
    if not training.active or not trains_points(config):
        return None
    message = "Training begins…" if training.preview is None else ""
    return LaneScene(
        key=PREVIEW_KEY,
        number=number,
        title="In training",
        note=f"step {grouped(training.step)}",
        trajectory=rescaled(training.preview, state.get(MODEL).schedule.timesteps),
        overlays=overlays_of(state, PREVIEW_KEY),
        data=_faint_of_training(config.dataset),
        status="running",
        message=message,
    )


def _faint(model: ModelInfo) -> NDArray[np.float32]:
    return _faint_points(model.dataset, model.mean, model.std)


@lru_cache(maxsize=16)
def _faint_of_training(dataset: str) -> NDArray[np.float32]:
    points = datasets.load(dataset).points
    return points[:: max(1, len(points) // FAINT_POINTS)]
