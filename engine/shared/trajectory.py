"""The frames of one run of a sampler, and the .npz file that holds them. NumPy only.

Frames are kept as a tuple of arrays, one a visited time, so that they can be shown while the rest
still arrives and so that nothing here depends on the shape of a state.
"""

from __future__ import annotations

import bisect
import io
import itertools
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from engine.shared.files import write_atomically
from engine.shared.values import value

MAX_BYTES = 2 * 2**30


def check_size(frames: int, count: int, state_size: int) -> None:
    """Raise ``ValueError`` if x and x0 of so many float32 frames would not fit in ``MAX_BYTES``."""
    check_sizes(count, [state_size] * frames)


def check_sizes(count: int, sizes: Sequence[int]) -> None:
    """``check_size`` for frames whose states have so many numbers, a frame each."""
    size = 2 * 4 * count * sum(sizes)
    if size > MAX_BYTES:
        raise ValueError(
            f"{count} samples with {len(sizes)} frames would take {size / 2**30:.1f} GiB, "
            f"more than {MAX_BYTES / 2**30:.0f} GiB; ask for fewer samples or steps, "
            "or keep the last frame only"
        )


@value
@dataclass(frozen=True)
class Trajectory:
    """States along visited times ``t`` (K + 1 integers, falling from noise to data).

    ``x[k]`` and ``x0[k]`` are float32 (N, ...), of one shape, which may differ from frame to frame
    but for N; fewer of them than of ``t`` mean that the rest has not arrived yet. ``meta`` says how
    to make the trajectory again. Lists become tuples.
    """

    t: tuple[int, ...]
    x: tuple[NDArray[np.float32], ...] = ()
    x0: tuple[NDArray[np.float32], ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("t", "x", "x0"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def with_frame(self, x: NDArray[np.float32], x0: NDArray[np.float32]) -> Trajectory:
        """The trajectory with one frame more; raises ``ValueError`` when it has no time for it."""
        if len(self.x) >= len(self.t):
            raise ValueError(f"a trajectory of {len(self.t)} times got one frame more")
        return Trajectory(self.t, (*self.x, x), (*self.x0, x0), self.meta)

    @property
    def complete(self) -> bool:
        """Whether every visited time has its frame."""
        return len(self.x) == len(self.t)

    @property
    def reached(self) -> int | None:
        """The smallest t there is a frame for; None before the first frame."""
        return self.t[len(self.x) - 1] if self.x else None

    def index_at(self, t: float) -> int | None:
        """The frame to show at time ``t``: the latest state that the sampler had reached.

        A sampler with few steps stays in a state until it jumps to the next one. None before the
        first frame has arrived.
        """
        if not self.x:
            return None
        # t falls along the list, so search its negative: last k with t[k] >= t.
        k = bisect.bisect_right(self.t, -t, key=lambda value: -value) - 1
        return min(max(k, 0), len(self.x) - 1)

    def at(self, t: float) -> Trajectory:
        """The frame to show at time ``t`` alone; without one before the first has arrived."""
        k = self.index_at(t)
        one = slice(0) if k is None else slice(k, k + 1)
        return Trajectory(self.t[one], self.x[one], self.x0[one], self.meta)

    def save(self, path: Path) -> None:
        """Write the .npz of the contract: ``x``, ``t``, ``x0``, ``meta`` (JSON), and ``latents``.

        For states of different shapes ``x`` and ``x0`` are as in ``packed``. The file appears
        whole or not at all. Raises ``OSError`` when it cannot be written.
        """
        arrays = {
            **packed(self.x, self.x0),
            "t": np.asarray(self.t[: len(self.x)], np.int64),
            "meta": np.array(json.dumps(dict(self.meta))),
        }
        if "latents" in self.meta.get("keeps", ()):  # what interpolate promises besides x
            arrays["latents"] = self.x[0]

        def write(stream: BinaryIO) -> None:
            np.savez(cast(Any, stream), **cast(Any, arrays))

        write_atomically(path, write)


SHAPES = "shapes"


def packed(
    x: Sequence[NDArray[np.float32]], x0: Sequence[NDArray[np.float32]]
) -> dict[str, NDArray[Any]]:
    """Frames as the arrays ``x`` and ``x0`` (K + 1, N, ...), for a file or a message.

    Where their shapes differ, all their numbers in a row, and ``shapes`` int64 (K + 1, axes), the
    shape of each frame, with zeros behind a shorter one.
    """
    if len({frame.shape for frame in x}) <= 1:
        return {"x": np.stack(x), "x0": np.stack(x0)}
    axes = max(frame.ndim for frame in x)
    shapes = [[*frame.shape, *[0] * (axes - frame.ndim)] for frame in x]
    return {
        "x": np.concatenate([frame.ravel() for frame in x]),
        "x0": np.concatenate([frame.ravel() for frame in x0]),
        SHAPES: np.array(shapes, np.int64),
    }


def unpacked(
    arrays: Mapping[str, NDArray[Any]],
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """The frames x and x0 that ``packed`` made ``arrays`` of.

    Raises ``ValueError`` for arrays that cannot come from there.
    """
    x, x0, shapes = arrays["x"], arrays["x0"], arrays.get(SHAPES)
    if x.shape != x0.shape:
        raise ValueError(f"x {x.shape} and x0 {x0.shape} disagree")
    if shapes is None:
        if x.ndim < 2:
            raise ValueError(f"x {x.shape} holds no frames")
        return list(x), list(x0)
    if shapes.ndim != 2 or shapes.size == 0 or shapes.dtype.kind not in "iu" or x.ndim != 1:
        raise ValueError(f"x {x.shape} and shapes {shapes.shape} disagree")
    found = [_without_zeros([int(length) for length in row]) for row in shapes]
    counts = {shape[0] for shape in found}
    # Plain integers: a product of these does not run over.
    ends = list(itertools.accumulate(math.prod(shape) for shape in found))
    if len(counts) != 1 or ends[-1] != x.size:
        raise ValueError(f"x {x.shape} does not hold frames of the shapes {found}")
    return (
        [part.reshape(shape) for part, shape in zip(np.split(x, ends[:-1]), found, strict=True)],
        [part.reshape(shape) for part, shape in zip(np.split(x0, ends[:-1]), found, strict=True)],
    )


def _without_zeros(row: list[int]) -> tuple[int, ...]:
    """The shape (N, ...) that zeros were put behind."""
    shape = tuple(row[: row.index(0)] if 0 in row else row)
    if len(shape) < 2 or any(row[len(shape) :]) or min(shape) < 1:
        raise ValueError(f"{row} is no shape of states")
    return shape


def load(path: Path) -> Trajectory:
    """Read a trajectory; raises ``ValueError`` naming the file and what is wrong with it."""
    _require_file(path, "trajectory")
    try:
        with zipfile.ZipFile(path) as archive:
            differing = [SHAPES] if f"{SHAPES}.npy" in archive.namelist() else []
            arrays = {name: _read_array(archive, name) for name in ("x", "x0", *differing)}
            x, x0 = arrays["x"], arrays["x0"]
            t = _read_array(archive, "t")
            meta = json.loads(str(_read_array(archive, "meta")))
    except Exception as error:  # what decompresses and parses raises almost anything
        raise ValueError(f"{path} is not a ToyDiff trajectory: {_fault(error)}") from error
    try:
        states, cleans = unpacked(arrays)
        agree = t.shape == (len(states),) and t.dtype.kind in "iu"
    except ValueError:
        agree = False
    if not agree:
        raise ValueError(
            f"{path} is not a ToyDiff trajectory: "
            f"x {x.shape}, x0 {x0.shape} and t {t.shape} disagree"
        )
    if x.dtype != np.float32 or not np.isfinite(x).all() or not np.isfinite(x0).all():
        raise ValueError(f"{path} is not a ToyDiff trajectory: x must be finite float32")
    if len(t) == 0 or (np.diff(t) >= 0).any() or t[-1] < 0:
        raise ValueError(f"{path} is not a ToyDiff trajectory: t must fall towards 0")
    if x.size == 0 or not isinstance(meta, dict):
        fault = "it holds no samples" if x.size == 0 else f"meta is a {type(meta).__name__}"
        raise ValueError(f"{path} is not a ToyDiff trajectory: {fault}")
    return Trajectory(tuple(t.tolist()), tuple(states), tuple(cleans), meta)


def _require_file(path: Path, what: str) -> None:
    """Reading a pipe would wait for ever."""
    if not path.exists():
        raise ValueError(f"no such {what} file: {path}")
    if not path.is_file():
        raise ValueError(f"{what} file {path} cannot be read: it is no regular file")


def _fault(error: Exception) -> str:
    """In one line, and without NumPy's advice to read it unsafely."""
    said = " ".join(str(error).split())
    if not said or "pickle" in said or "trust" in said:
        return "it is damaged, or holds more than numbers"
    return said


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array of an .npz, its size checked before it is read, nothing unpickled."""
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > MAX_BYTES:
        raise ValueError(f"{name} holds {info.file_size} bytes, more than {MAX_BYTES}")
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    return cast("NDArray[Any]", np.load(io.BytesIO(data), allow_pickle=False))


def load_array(path: Path, what: str) -> NDArray[np.float32]:
    """A finite float array (N, ...) from an .npy file, as float32.

    Raises ``ValueError`` naming ``what``, the file and its fault: missing, damaged, another type,
    empty, NaN.
    """
    _require_file(Path(path), what)
    try:
        with Path(path).open("rb") as stream:
            array = np.load(stream, allow_pickle=False)
    except OSError as error:
        raise ValueError(f"{what} file {path} cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged header makes its parsers raise almost anything
        raise ValueError(f"{what} file {path} is not an .npy file of numbers") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        kind = array.dtype if isinstance(array, np.ndarray) else "several arrays"
        raise ValueError(f"{what} file {path} must hold floating-point numbers, got {kind}")
    if array.ndim < 2 or array.size == 0:
        raise ValueError(f"{what} file {path} must have shape (N, ...), got {array.shape}")
    with np.errstate(over="ignore"):  # too large for float32: infinite, refused below
        single = array.astype(np.float32)
    if not np.isfinite(single).all():
        bad = int(np.argmin(np.isfinite(single).reshape(len(single), -1).all(axis=1)))
        raise ValueError(f"{what} file {path} has NaN or infinity in row {bad}")
    return single
