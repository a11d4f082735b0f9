"""The numbers of a scene as .npz files: trajectories, and what attention has been recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from engine.files import write_atomically
from engine.trajectory import MAX_BYTES
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.parts import AnyScene, Part, parts
from toydiff_gui.export.snapshot import check_complete
from toydiff_gui.export.targets import check_folder, sentence
from toydiff_gui.image_scene import AttentionCard


def trajectory_lanes(scene: AnyScene) -> list[Part]:
    """The lanes, or other parts, that have a trajectory."""
    return [part for part in parts(scene) if part.has_frames]


def saved_parts(scene: AnyScene) -> list[Part]:
    """All that has numbers to save: trajectories, and the weights of attention."""
    return [part for part in parts(scene) if part.has_numbers]


def save_trajectories(scene: AnyScene, path: Path) -> list[Path]:
    """Write the numbers of each part; returns the files.

    One part goes to ``path``; of several, each goes beside it with its key in the name, as in
    'run-ddim.npz'. Raises ``ExportError`` naming the file; files that were complete before stay.
    """
    if path.suffix.lower() != ".npz":
        raise ExportError(f"a trajectory's name must end in .npz, got {path.name!r}")
    check_complete(scene, every_time=False)
    saved = saved_parts(scene)
    if not saved:
        raise ExportError("there are no numbers to save: no lane has samples")
    for part in saved:
        if part.attention is not None:
            check_attention(part.attention)
    check_folder(path)
    paths = trajectory_paths(saved, path)
    for part, target in zip(saved, paths, strict=True):
        try:
            if part.attention is not None:
                save_attention(part.attention, target)
            else:
                assert part.trajectory is not None
                part.trajectory.save(target)
        except OSError as error:
            raise sentence(target, error) from error
    return paths


def trajectory_paths(saved: list[Part], path: Path) -> list[Path]:
    """Where the numbers of the parts go."""
    if len(saved) == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{file_part(part.key)}{path.suffix}") for part in saved]


def file_part(key: str) -> str:
    """A lane's key as part of a file's name on any system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", key)


def described(part: Part) -> str:
    """What the file of a part will hold, in words."""
    if part.attention is not None:
        shape = " × ".join(str(n) for n in attention_shape(part.attention))
        return f"{part.title}: {shape} weights"
    run = part.trajectory
    assert run is not None
    shape = " × ".join(str(n) for n in (len(run.t), *run.x[0].shape))
    return f"{part.title}: {shape} numbers, and the predicted clean data"


def attention_shape(card: AttentionCard) -> tuple[int, ...]:
    """(times, heads, queries, keys) of the weights that have arrived."""
    first = next(iter(card.weights.values()))
    return (len(card.weights), *first.shape)


def check_attention(card: AttentionCard) -> None:
    """Raise ``ExportError`` if the weights would not fit into a file that can be read again."""
    size = 4 * int(np.prod(attention_shape(card), dtype=np.int64))
    if size > MAX_BYTES:
        raise ExportError(
            f"the attention at {len(card.weights)} times would take {size / 2**30:.1f} GiB, more "
            f"than {MAX_BYTES / 2**30:.0f} GiB; choose a layer with a smaller grid"
        )


def save_attention(card: AttentionCard, path: Path) -> None:
    """Write ``weights`` (n, heads, L, L) float32, ``t`` (n,) and ``meta``, a JSON string.

    Times fall; L is side * side, row by row; a row of the weights is one query's softmax. Raises
    ``OSError`` when the file cannot be written.
    """
    times = sorted(card.weights, reverse=True)
    layer, image = card.layer, card.image
    meta = {
        "layer": "" if layer is None else layer.name,
        "side": 0 if layer is None else layer.side,
        "heads": 0 if layer is None else layer.heads,
        "image": "" if image is None else image.title,
        "index": None if image is None else image.index,
        "query": list(card.query),
    }
    arrays = {
        "weights": np.stack([card.weights[t] for t in times]),
        "t": np.array(times, np.int64),
        "meta": np.array(json.dumps(meta)),
    }

    def write(stream: BinaryIO) -> None:
        np.savez(cast(Any, stream), **cast(Any, arrays))

    write_atomically(path, write)
