"""From the window's state to the scene that canvas and export draw."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine import datasets, noise_tables
from engine.config import SamplerConfig, ScheduleConfig
from engine.datasets import Standardisation
from engine.trajectory import Trajectory
from toydiff_gui import names
from toydiff_gui.scene import LaneScene, Scene
from toydiff_gui.state import AppState, LaneRun, LaneSpec, ModelInfo

LATENT_KEY = "latent"
PREVIEW_KEY = "training"
FAINT_POINTS = 2000


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


@lru_cache(maxsize=16)
def alphas_cumprod(schedule: ScheduleConfig) -> NDArray[np.float64]:
    """alpha_bar at t = 0..T."""
    return noise_tables.alphas_cumprod(schedule)


def straight_path(state: AppState) -> NDArray[np.float32]:
    """The line between the endpoints, to be seen before the engine has answered, (N, 2)."""
    sampling = state.sampling
    s = np.linspace(0, 1, sampling.path_points, dtype=np.float32)[:, None]
    a, b = np.asarray(sampling.a, np.float32), np.asarray(sampling.b, np.float32)
    return np.asarray((1 - s) * a + s * b, np.float32)


def compose(state: AppState) -> Scene:
    """The scene of this moment."""
    model = state.model
    lanes = [_latent_lane(state)]
    for number, spec in enumerate(state.shown_lanes, start=2):
        lanes.append(_sampler_lane(state, spec, number))
    if (preview := _preview_lane(state, len(lanes) + 1)) is not None:
        lanes.append(preview)
    return Scene(
        lanes=tuple(lanes),
        timesteps=model.schedule.timesteps,
        alphas_cumprod=alphas_cumprod(model.schedule),
        title=names.model_line(model),
    )


def _latent_lane(state: AppState) -> LaneScene:
    path = state.sampling.mode == "interpolation"
    run = state.run(LATENT_KEY)
    latents = straight_path(state) if path else run.latents
    return LaneScene(
        key=LATENT_KEY,
        number=1,
        title="Latent x_T",
        note=f"t = {state.model.schedule.timesteps}",
        kind="latent",
        latents=latents,
        joined=path,
        endpoints=(state.sampling.a, state.sampling.b) if path else None,
        status="done" if latents is not None else "empty",
        message="" if latents is not None else _waiting(state, run),
    )


def _sampler_lane(state: AppState, spec: LaneSpec, number: int) -> LaneScene:
    run, sampling = state.run(spec.key), state.sampling
    model = state.other_model(spec.checkpoint or state.model.ref) or state.model
    timesteps = model.schedule.timesteps
    sampler = spec.sampler_config(sampling, timesteps)
    if run.coarse and run.trajectory is not None:
        sampler = replace(sampler, steps=len(run.trajectory.t) - 1)
    return LaneScene(
        key=spec.key,
        number=number,
        title=names.lane_title(spec),
        detail=names.lane_detail(spec, sampling, several_paths=_several_paths(state)),
        note=_note(sampler, timesteps, None if run.coarse else run.seconds),
        trajectory=_rescaled(run.trajectory, state.model.schedule.timesteps),
        joined=sampling.mode == "interpolation",
        overlays=state.overlays(spec.key),
        data=_faint(model),
        status=run.status,
        message=_waiting(state, run),
    )


def _several_paths(state: AppState) -> bool:
    return len({lane.path_name(state.sampling) for lane in state.shown_lanes}) > 1


def _note(sampler: SamplerConfig, timesteps: int, seconds: float | None) -> str:
    """Steps, evaluations where they are more, and the time it took."""
    steps = sampler.resolved_steps(timesteps)
    parts = [f"{names.grouped(steps)} steps"]
    if seconds is not None:
        parts.append(_duration(seconds))
    return names.DOT.join(parts)


def _preview_lane(state: AppState, number: int) -> LaneScene | None:
    """What the network in training makes of fixed latents, on the timeline of the model shown."""
    training = state.training
    if not training.active:
        return None
    config = state.training_config
    message = "Training begins…" if training.preview is None else ""
    return LaneScene(
        key=PREVIEW_KEY,
        number=number,
        title="In training",
        note=f"step {names.grouped(training.step)}",
        trajectory=_rescaled(training.preview, state.model.schedule.timesteps),
        overlays=state.overlays(PREVIEW_KEY),
        data=_faint_of_training(config.dataset),
        status="running",
        message=message,
    )


def _rescaled(trajectory: Trajectory | None, timesteps: int) -> Trajectory | None:
    """The same frames on another T, so that one timeline can show both."""
    if trajectory is None or trajectory.t[0] == timesteps:
        return trajectory
    scale = timesteps / trajectory.t[0]
    return Trajectory([round(t * scale) for t in trajectory.t], trajectory.x, trajectory.x0)


def _faint(model: ModelInfo) -> NDArray[np.float32]:
    return _faint_points(model.dataset, model.mean, model.std)


@lru_cache(maxsize=16)
def _faint_of_training(dataset: str) -> NDArray[np.float32]:
    points = datasets.load(dataset).points
    return points[:: max(1, len(points) // FAINT_POINTS)]


def _waiting(state: AppState, run: LaneRun) -> str:
    if run.message:
        return run.message
    if state.engine.status == "starting":
        return "The engine is starting…"
    if state.engine.status == "dead":
        return "The engine is not running."
    return "" if run.trajectory is not None else "Waiting for the first frame…"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
