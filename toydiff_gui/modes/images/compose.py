"""From the window's state to the scene of mode Images that canvas and export draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue
from engine.shared.config import SamplerConfig
from engine.shared.trajectory import Trajectory
from engine.shared.values import Memo
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.modes.images.endpoints import (
    CLASSES,
    SAMPLER,
    SAMPLES_KEY,
    end_label,
    end_of,
    marks_of,
    shown_tiles,
    third_corner,
    tile_classes,
)
from toydiff_gui.modes.images.kind import makes_images, transform_of
from toydiff_gui.modes.images.looked_at import LookedAtImage, pinned, pointed_at
from toydiff_gui.modes.images.scene import (
    AttentionCard,
    AttentionLayer,
    Endpoint,
    ImageScene,
    LookedAt,
    SliceCard,
    States,
    StripLane,
    TilesCard,
)
from toydiff_gui.modes.images.settings import ATTENTION, IMAGE_CARD, IMAGE_SAMPLING, SLICE, ImageEnd
from toydiff_gui.state import wording
from toydiff_gui.state.describe import (
    alphas_cumprod,
    duration,
    norms,
    prior_norms,
    rescaled,
    waiting,
)
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun, LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL, ModelInfo, model_named
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import SEED, TRAINING, TrainingRun
from toydiff_gui.state.view import LOOK, MARKED, PINNED, overlays_of
from toydiff_gui.style.numbers import grouped

WAITING_FOR_MAP = "Waiting for the map."
WAITS = {
    "starting": "The engine is starting",
    "dead": "The engine is not running.",
    "ready": "Waiting for the first samples",
}
"""What a card waits for while there are no tiles, by the engine's status."""
NO_ATTENTION = "This network has no attention to look at"
BESIDE = 1
"""Numbers of the strips begin after this: as in 2D, where lane 1 shows the latents."""


def compose_images(state: Store) -> ImageScene:
    """The scene of this moment. The model must make images."""
    model, view = state.get(MODEL), state.get(IMAGE_CARD)
    channels, height, width = model.shape
    image = pointed_at(state)
    return ImageScene(
        timesteps=model.schedule.timesteps,
        alphas_cumprod=alphas_cumprod(model.schedule),
        title=wording.model_line(model),
        shape=(channels, height, width),
        mean=model.mean,
        std=model.std,
        tiles=_tiles(state),
        face=view.face,
        looked_at=None if image is None else _looked_at(state, image),
        attention=_attention(state),
        slice=_slice(state),
        endpoints=_endpoints(state),
        strips=tuple(
            _strip(state, lane, number)
            for number, lane in enumerate(shown_lanes(state), start=BESIDE + 1)
        ),
        path_label=_path_label(state),
        prior_norms=prior_norms(channels * height * width),
        marked=state.get(MARKED),
        pinned=state.get(PINNED),
        selected=state.get(LOOK).selected_lane,
    )


def image_thumbnails(state: Store, times: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The tile that is pinned at each of ``times``, in 0..1; none before it is there.

    Grey (H, W), or (H, W, 3) of a model of colours. From a complete run only: the row
    would change with every frame.
    """
    run = state.at(LANE_RUNS, SAMPLES_KEY)
    trajectory = run.trajectory
    if (
        not makes_images(state.get(MODEL))
        or run.status != "done"
        or trajectory is None
        or not trajectory.x
    ):
        return []
    index = min(state.get(IMAGE_CARD).pinned_tile, len(trajectory.x[0]) - 1)
    transform = transform_of(state.get(MODEL))
    pictures = []
    for t in times:
        k = trajectory.index_at(t)
        pixels = transform.undo(trajectory.x[k or 0][index]).clip(0, 1)
        pictures.append(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))
    return pictures


# Tiles


def _tiles(state: Store) -> TilesCard:
    view, training, trajectory = state.get(IMAGE_CARD), state.get(TRAINING), shown_tiles(state)
    timesteps = state.get(MODEL).schedule.timesteps
    last = len(trajectory.x[0]) - 1 if trajectory is not None and trajectory.x else None
    pinned_tile = None if last is None else min(view.pinned_tile, last)
    if trajectory is not None and trajectory is training.preview:
        return TilesCard(
            trajectory=rescaled(_in_units_of_model(state, trajectory, training), timesteps),
            note=wording.DOT.join(("in training", f"step {grouped(training.step)}")),
            status="running",
            message="" if trajectory.x else _waits(state),
            preview=view.preview,
            marks=marks_of(state),
            pinned=pinned_tile,
        )
    run = state.at(LANE_RUNS, SAMPLES_KEY)
    return TilesCard(
        trajectory=trajectory,
        note=_tiles_note(state),
        status=run.status,
        message=waiting(state, run) or ("" if last is not None else _waits(state)),
        preview=view.preview,
        marks=marks_of(state),
        classes=_class_names(state),
        pinned=pinned_tile,
    )


def _waits(state: Store) -> str:
    """What a card waits for; '' where the engine runs and there are tiles."""
    status, tiles = state.get(ENGINE).status, shown_tiles(state)
    return "" if status == "ready" and tiles is not None and tiles.x else WAITS[status]


def _tiles_note(state: Store) -> str:
    """Such as '64 images · DDIM · 50 steps · 1.9 s'."""
    images, run = state.get(IMAGE_SAMPLING), state.at(LANE_RUNS, SAMPLES_KEY)
    steps = min(
        images.steps or state.get(MODEL).schedule.timesteps, state.get(MODEL).schedule.timesteps
    )
    count = images.count
    if run.trajectory is not None and run.trajectory.x:
        count, steps = len(run.trajectory.x[0]), len(run.trajectory.t) - 1
    sampler = wording.SAMPLERS[_shown(state, SAMPLER, images.sampler)]
    parts = [wording.counted(count, "image"), sampler, wording.counted(steps, "step")]
    if run.seconds is not None:
        parts.append(duration(run.seconds))
    return wording.DOT.join(parts)


def _shown(state: Store, key: str, asked: Any) -> Any:
    """What the tiles on show were made with; ``asked`` is what the next are asked for."""
    trajectory = state.at(LANE_RUNS, SAMPLES_KEY).trajectory
    return asked if trajectory is None else trajectory.meta.get(key, asked)


def _shown_classes(state: Store) -> Sequence[int | None]:
    classes: Sequence[int | None] | None = _shown(state, CLASSES, None)
    return tile_classes(state) if classes is None else classes


def _class_names(state: Store) -> tuple[str, ...]:
    asked = _shown_classes(state)
    if all(number is None for number in asked):
        return ()
    return tuple("" if number is None else state.get(MODEL).labels[number] for number in asked)


_converted = Memo(most=12)  # a preview and all strips


def _in_units_of_model(
    state: Store, trajectory: Trajectory | None, own: TrainingRun | ModelInfo
) -> Trajectory | None:
    """What a network with the units of ``own`` made, so that the model's units show it as it is."""
    model = state.get(MODEL)
    units = (own.mean, own.std)
    if trajectory is None or not own.mean or units == (model.mean, model.std):
        return trajectory
    if len(own.mean) != len(model.mean):  # grey shown with a model of colours, or vice versa
        mean, std = (np.array([np.mean(values)]) for values in (model.mean, model.std))
    else:
        mean, std = np.array(model.mean), np.array(model.std)
    scale = (np.array(own.std) / std).reshape(-1, 1, 1).astype(np.float32)
    shift = ((np.array(own.mean) - mean) / std).reshape(-1, 1, 1).astype(np.float32)

    def convert() -> Trajectory:
        x, x0 = (
            tuple(state * scale + shift for state in states)
            for states in (trajectory.x, trajectory.x0)
        )
        return replace(trajectory, x=x, x0=x0)

    return _converted.get(trajectory, (units, model.mean, model.std), convert)


def _of_lane(state: Store, lane: LaneSpec) -> Trajectory | None:
    """What the strip of ``lane`` shows, in units of the model, whichever network made it."""
    return _in_units_of_model(
        state, state.at(LANE_RUNS, lane.key).trajectory, _model_of(state, lane)
    )


def _model_of(state: Store, lane: LaneSpec) -> ModelInfo:
    return model_named(state, lane.checkpoint or state.get(MODEL).ref) or state.get(MODEL)


# Strips


def _strip(state: Store, lane: LaneSpec, number: int) -> StripLane:
    run, images = state.at(LANE_RUNS, lane.key), state.get(IMAGE_SAMPLING)
    model, made = _model_of(state, lane), run.trajectory
    trajectory = rescaled(_of_lane(state, lane), state.get(MODEL).schedule.timesteps)
    started = trajectory is not None and bool(trajectory.x)
    sampler = lane.sampler_config(images, model.schedule.timesteps)
    message = waiting(state, run)
    if images.a is None or images.b is None:
        message = run.message or _why_no_ends(state)
    elif lane.path_name(images) == "geodesic" and state.get(GEODESIC).status == "searching":
        message = message or "Searching for the geodesic…"
    elif not started:  # there is a run, but nothing of it yet
        message = message or _waits(state) or "Waiting for the images between A and B"
    return StripLane(
        key=lane.key,
        number=number,
        title=wording.lane_title(lane),
        detail=_detail(state, lane, sampler),
        trajectory=trajectory,
        status=run.status,
        message=message if not started or run.message else "",
        preview=state.get(IMAGE_CARD).preview or "preview" in overlays_of(state, lane.key),
        latent_norms=norms(made.x[0]) if made is not None and started else None,
    )


def _why_no_ends(state: Store) -> str:
    tiles, samples = shown_tiles(state), state.at(LANE_RUNS, SAMPLES_KEY)
    if tiles is not None and tiles.x:
        return "Click a tile for A, another for B."
    if samples.message or state.get(ENGINE).status != "ready":
        return waiting(state, samples)
    return "The tiles are being drawn: A and B are taken from them."


def _detail(state: Store, lane: LaneSpec, sampler: SamplerConfig) -> str:
    """What sets a strip apart: path where there are several, eta, seed, checkpoint."""
    images = state.get(IMAGE_SAMPLING)
    parts = []
    several = len({other.path_name(images) for other in shown_lanes(state)}) > 1
    path = lane.path_name(images)
    if not images.fixed_noise and several:
        parts.append(wording.PATHS[path].lower())
    row = catalogue.sampler(lane.sampler)
    if row.has_eta or row.eta_of_ddim is not None:
        eta = sampler.eta if row.eta_of_ddim is None else row.eta_of_ddim
        parts.append(f"η = {eta:g}")
    if lane.seed is not None:
        parts.append(f"seed {lane.seed}")
    if lane.checkpoint is not None:
        parts.append(wording.short(lane.checkpoint))
    return ", ".join(parts)


def _path_label(state: Store) -> str:
    images = state.get(IMAGE_SAMPLING)
    if images.fixed_noise:
        return "One noise, two classes"
    paths = {lane.path_name(images) for lane in shown_lanes(state)} or {images.path}
    label = wording.PATHS[next(iter(paths))] if len(paths) == 1 else "Several paths"
    return f"{label}, evenly spaced" if images.even and paths != {"geodesic"} else label


# Endpoints


def _endpoints(state: Store) -> tuple[Endpoint, ...]:
    ends: list[tuple[Mark, ImageEnd]] = []
    for mark in ("A", "B", "C"):
        end = end_of(state, mark)
        if end is not None:
            ends.append((mark, end))
    return tuple(
        Endpoint(mark, end_label(state, end), end_image(state, mark, end)) for mark, end in ends
    )


def end_image(state: Store, mark: Mark, end: ImageEnd) -> States | None:
    """What an endpoint shows (C, H, W): the image that was inverted, or what it decodes to.

    That is the tile while it is shown, else the end of a strip; None while neither is there.
    """
    if end.image is not None:
        return end.image
    trajectory = state.at(LANE_RUNS, SAMPLES_KEY).trajectory
    if end.tile is not None and marks_of(state).get(end.tile) == mark:
        trajectory = shown_tiles(state)
        if trajectory is not None and trajectory.x0:
            tile: States = trajectory.x0[-1][end.tile]
            return tile
    place = {"A": 0, "B": -1}.get(mark)
    lanes = sorted(shown_lanes(state), key=lambda lane: lane.sampler != "ddim")
    for lane in lanes if place is not None else ():
        found = _of_lane(state, lane)
        if found is not None and found.x0 and place is not None:
            image: States = found.x0[-1][place]
            if image.shape == end.latents.shape:
                return image
    return None


# The card beside the samples


def _looked_at(state: Store, image: LookedAtImage) -> LookedAt:
    timesteps = state.get(MODEL).schedule.timesteps
    training = image.trajectory is state.get(TRAINING).preview
    trajectory = image.trajectory
    if training or image.lane is not None:
        own = state.get(TRAINING) if image.lane is None else _model_of(state, image.lane)
        trajectory = _in_units_of_model(state, trajectory, own) or trajectory
    shown = rescaled(trajectory, timesteps) or image.trajectory
    if image.lane is None:
        title = f"Tile {image.index + 1}"
        detail = _tile_detail(state, image.index, training)
        preview = state.get(IMAGE_CARD).preview
    else:
        title = f"{wording.lane_title(image.lane)}, image {image.index + 1} of {image.count}"
        detail = _path_label(state)
        preview = state.get(IMAGE_CARD).preview or "preview" in overlays_of(state, image.lane.key)
    return LookedAt(
        title, shown, image.index, detail=detail, preview=preview, made=image.trajectory
    )


def _tile_detail(state: Store, index: int, training: bool) -> str:
    if training:
        return f"in training{wording.DOT}step {grouped(state.get(TRAINING).step)}"
    sampler = _shown(state, SAMPLER, state.get(IMAGE_SAMPLING).sampler)
    parts = [
        wording.SAMPLERS[sampler],
        f"seed {_shown(state, SEED, state.get(IMAGE_SAMPLING).seed)}",
    ]
    classes = _shown_classes(state)
    asked = classes[index] if index < len(classes) else None
    if asked is not None:
        parts.insert(0, f"asked for {state.get(MODEL).labels[asked]}")
    return wording.DOT.join(parts)


def _attention(state: Store) -> AttentionCard:
    run, view, image = state.get(ATTENTION), state.get(IMAGE_CARD), pinned(state)
    layers = tuple(layer_of(*layer) for layer in run.layers)
    layer = next((known for known in layers if known.name == run.layer), None)
    if layer is None and run.side:  # its name and side come with the first weights
        heads = max((len(weights) for weights in run.weights.values()), default=1)
        layer = layer_of(run.layer, run.side, heads)
    side = layer.side if layer is not None else 1
    query = view.query or (side // 2, side // 2)
    return AttentionCard(
        image=None if image is None else _looked_at(state, image),
        layers=layers,
        layer=layer,
        head=min(view.head, layer.heads - 1) if layer is not None else 0,
        query=(min(query[0], side - 1), min(query[1], side - 1)),
        averaged=view.averaged,
        weights=run.weights,
        status=run.status,
        message=run.message or ("" if run.weights else _why_no_attention(state)),
    )


def _why_no_attention(state: Store) -> str:
    if not state.get(MODEL).attends:
        return NO_ATTENTION
    return _waits(state) or "Waiting for the attention of this image"


def layer_of(name: str, side: int, heads: int) -> AttentionLayer:
    """A layer by the name that the network gives it, with a short one for people.

    Its side says which level it is.
    """
    way = name.split(".")[0].removesuffix("_attention")
    return AttentionLayer(name, f"{way}  {side} × {side}", side, heads)


def _slice(state: Store) -> SliceCard:
    run, images = state.get(SLICE), state.get(IMAGE_SAMPLING)
    message = run.message
    if not message and run.images is None and state.get(ENGINE).status != "ready":
        message = waiting(state, LaneRun())
    elif not message and images.c is None:
        corner = third_corner(state)
        if images.a is None or images.b is None or corner is None:
            message = "Waiting for A, B and C."
        else:
            message = f"{corner.label} stands in for C: Shift+click another"
            if run.images is None:
                message = f"{WAITING_FOR_MAP} {message}"
    elif not message and run.images is None:
        message = WAITING_FOR_MAP
    return SliceCard(
        columns=run.columns,
        rows=run.rows,
        box=run.box,
        images=run.images,
        dot=state.get(IMAGE_CARD).dot,
        at_dot=run.at_dot,
        status=run.status,
        message=message,
    )
