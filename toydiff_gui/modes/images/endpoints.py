"""Where A, B and C of mode Images come from: tiles that are clicked, images that were inverted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER, IMAGE_SAMPLING, ImageEnd
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import SEED, TRAINING

SAMPLES_KEY = "samples"
"""Key of the run that the tiles show (``LANE_RUNS``)."""
SAMPLER, CLASSES = "sampler", "classes"
"""In the ``meta`` of tiles: the sampler's name, and what each tile was asked for."""
FIELDS: dict[Mark, str] = {"A": "a", "B": "b", "C": "c"}


def shown_tiles(state: Store) -> Trajectory | None:
    """The trajectory that the tiles show: of the samples, or what is being trained makes."""
    training = state.get(TRAINING)
    config = training.config
    beside = training.beside in (None, state.get(MODEL).ref)  # or the user looks at another model
    images = config is not None and trains_images(config)
    if training.active and images and beside and training.preview is not None:
        return training.preview
    return state.at(LANE_RUNS, SAMPLES_KEY).trajectory


def tile_class(state: Store, index: int) -> int | None:
    """The class that the tile ``index`` is asked for; None for none."""
    (asked,) = _classes_of(state, [index])
    return asked


def tile_classes(state: Store) -> tuple[int | None, ...]:
    """The class of each tile."""
    return _classes_of(state, range(state.get(IMAGE_SAMPLING).count))


def _classes_of(state: Store, tiles: Sequence[int]) -> tuple[int | None, ...]:
    images, known = state.get(IMAGE_SAMPLING), len(state.get(MODEL).labels)
    if not known:
        return (None,) * len(tiles)
    each: dict[int, int | Literal["each"] | None] = dict(images.tile_classes)

    def of(tile: int) -> int | None:
        chosen = each.get(tile, images.tile_class)
        if chosen == "each":
            return tile % known
        return chosen if chosen is not None and chosen < known else None

    return tuple(map(of, tiles))


def tile_end(state: Store, index: int) -> ImageEnd | None:
    """The tile ``index`` as an endpoint; None while it has not arrived."""
    return _end_from(state, shown_tiles(state), index)


def _sample_end(state: Store, index: int) -> ImageEnd | None:
    """The same of the samples, whatever is being trained."""
    return _end_from(state, state.at(LANE_RUNS, SAMPLES_KEY).trajectory, index)


def _end_from(state: Store, trajectory: Trajectory | None, index: int) -> ImageEnd | None:
    if trajectory is None or not trajectory.x or not 0 <= index < len(trajectory.x[0]):
        return None
    latents = trajectory.x[0][index]
    if latents.shape != state.get(MODEL).shape:
        return None  # of a training of other images
    training = trajectory is state.get(TRAINING).preview
    asked = None if training else tile_class(state, index)
    label = f"Training, tile {index + 1}" if training else _tile_label(state, index, asked)
    seed = int(trajectory.meta.get(SEED, state.get(IMAGE_SAMPLING).seed))
    return ImageEnd(latents, label, tile=index, seed=seed, asked_class=asked, in_training=training)


def _tile_label(state: Store, index: int, asked: int | None) -> str:
    return (
        f"Tile {index + 1}"
        if asked is None
        else f"{state.get(MODEL).labels[asked]}, tile {index + 1}"
    )


def _is_sample(state: Store, end: ImageEnd) -> bool:
    """Whether it is one of the samples that are there, not of others or of a training."""
    trajectory = state.at(LANE_RUNS, SAMPLES_KEY).trajectory
    if trajectory is None or not trajectory.x or end.tile is None:
        return False
    first = trajectory.x[0]
    return end.tile < len(first) and np.array_equal(first[end.tile], end.latents)


def follow_tiles(state: Store) -> None:
    """Where a tile that is A, B or C is asked for another class now, ask for it there as well.

    The path's own classes stay where the user has chosen others.
    """
    images = state.get(IMAGE_SAMPLING)
    changes: dict[str, Any] = {}
    for mark, name in FIELDS.items():
        end = end_of(state, mark)
        if end is None or end.tile is None or not _is_sample(state, end):
            continue
        asked = tile_class(state, end.tile)
        label = _tile_label(state, end.tile, asked)
        if (asked, label) == (end.asked_class, end.label):
            continue
        changes[name] = replace(end, asked_class=asked, label=label, in_training=False)
        if mark != "C" and getattr(images, f"class_{name}") == end.asked_class:
            changes[f"class_{name}"] = asked
    if changes:
        state.update(IMAGE_SAMPLING, **changes)


def place_tile(state: Store, index: int, mark: Mark | None = None) -> None:
    """Make a tile A, B or C; without a ``mark`` A and B in turn. Nothing while it is not there.

    The path asks for the tile's class at its end, so that it ends in what the tile shows. C must
    be another than A and B, or there is no plane through them.
    """
    end = tile_end(state, index)
    if end is None:
        return
    if mark is None:
        mark = state.get(IMAGE_POINTER).next_mark
    if mark == "C" and (taken := _taken_by(state, end)) is not None:
        state.post(f"{end.label} is {taken}: C must be another tile.")
        return
    place_end(state, mark, end)
    following = {"A": "B", "B": "A"}.get(mark, state.get(IMAGE_POINTER).next_mark)
    state.update(IMAGE_CARD, pinned_tile=index, attention_of="")
    state.update(IMAGE_POINTER, next_mark=following)


def place_end(state: Store, mark: Mark, end: ImageEnd) -> None:
    """Make ``end`` A, B or C, with the class it was asked for; C makes room for A and B."""
    changes: dict[str, object] = {FIELDS[mark]: end}
    if mark != "C":
        changes[f"class_{FIELDS[mark]}"] = end.asked_class
        if _same_place(end, state.get(IMAGE_SAMPLING).c):
            changes["c"] = None
    state.update(IMAGE_SAMPLING, **changes)


def _taken_by(state: Store, end: ImageEnd) -> Mark | None:
    """Which of A and B is at the latents of ``end``."""
    marks: tuple[Mark, ...] = ("A", "B")
    return next((mark for mark in marks if _same_place(end, end_of(state, mark))), None)


def _same_place(end: ImageEnd, other: ImageEnd | None) -> bool:
    return other is not None and np.array_equal(end.latents, other.latents)


def remove_end(state: Store, mark: Mark) -> None:
    """Do without C (or A, or B, until there are samples again)."""
    state.update(IMAGE_SAMPLING, **{FIELDS[mark]: None})


def place_defaults(state: Store) -> None:
    """Where A or B is missing, take tiles of the samples for them."""
    images, trajectory = state.get(IMAGE_SAMPLING), state.at(LANE_RUNS, SAMPLES_KEY).trajectory
    if trajectory is None or not trajectory.x:
        return
    count = len(trajectory.x[0])
    for mark, end, index in (("A", images.a, 0), ("B", images.b, min(count - 1, count // 2))):
        if end is None and (tile := _sample_end(state, index)) is not None:
            place_end(state, mark, tile)  # type: ignore[arg-type]


def end_of(state: Store, mark: Mark) -> ImageEnd | None:
    """A, B or C as it is now."""
    end: ImageEnd | None = getattr(state.get(IMAGE_SAMPLING), FIELDS[mark])
    return end


def end_label(state: Store, end: ImageEnd) -> str:
    """What to call an endpoint; a sample of another seed with its seed."""
    sample = end.tile is not None and not end.in_training
    if sample and end.seed != state.get(IMAGE_SAMPLING).seed:
        return f"{end.label} of seed {end.seed}"
    return end.label


def third_corner(state: Store) -> ImageEnd | None:
    """C, or the tile that stands in for it: the first that is neither A nor B."""
    images = state.get(IMAGE_SAMPLING)
    if images.c is not None:
        return images.c
    taken = {end.tile for end in (images.a, images.b) if end is not None}
    index = next(n for n in range(3) if n not in taken)
    return _sample_end(state, index)


def marks_of(state: Store) -> dict[int, Mark]:
    """Which of the tiles that are shown are endpoints."""
    trajectory = shown_tiles(state)
    if trajectory is None or not trajectory.x:
        return {}
    seed = trajectory.meta.get(SEED)
    marks: dict[int, Mark] = {}
    for mark in ("C", "B", "A"):
        end = end_of(state, mark)
        if end is not None and end.tile is not None and end.seed == seed:
            marks[end.tile] = mark
    return {tile: mark for tile, mark in marks.items() if tile < len(trajectory.x[0])}
