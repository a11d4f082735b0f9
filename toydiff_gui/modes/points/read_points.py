"""Reads the user's own points from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.shared.trajectory import load_array
from toydiff_gui.modes.points.settings import MAX_LANE_POINTS

MAX_FILE_BYTES = 64 * 2**20
LARGEST = 1e6
LONGEST_QUOTE = 40


def read_points(path: Path, dimension: int) -> NDArray[np.float32]:
    """Points (N, ``dimension``) in standardised units from an .npy file or a table of text.

    Columns of text are separated by commas, semicolons or blanks; a first line of names is left
    out. Raises ``ValueError`` naming the file and its fault.
    """
    _check_file(path)
    is_array = path.suffix.lower() == ".npy"
    points = load_array(path, "points") if is_array else _read_table(path)
    if points.shape[1:] != (dimension,):
        raise ValueError(
            f"points file {path.name} must have {dimension} columns, got shape {points.shape}"
        )
    if len(points) > MAX_LANE_POINTS:
        raise ValueError(
            f"points file {path.name} has {len(points)} points, more than {MAX_LANE_POINTS}"
        )
    if not (np.abs(points) <= LARGEST).all():  # nor NaN
        row = int(np.argmin((np.abs(points) <= LARGEST).all(axis=1)))
        raise ValueError(
            f"points file {path.name} has numbers that are not finite or too large: "
            f"point {row + 1} is {points[row].tolist()}"
        )
    return points


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"points file {path} cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise ValueError(f"points file {path.name} has {size} bytes, more than {MAX_FILE_BYTES}")


def _read_table(path: Path) -> NDArray[np.float32]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"points file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"points file {path.name} is not a table of numbers") from error
    lines = enumerate(text.replace(",", " ").replace(";", " ").splitlines(), start=1)
    rows = [(n, words) for n, line in lines if (words := line.split()) and words[0][0] != "#"]
    if rows and not _numeric(rows[0][1]):
        del rows[0]
    if not rows:
        raise ValueError(f"points file {path.name} has no points")
    if len(rows) > MAX_LANE_POINTS:
        raise ValueError(
            f"points file {path.name} has {len(rows)} points, more than {MAX_LANE_POINTS}"
        )
    width = len(rows[0][1])
    for number, words in rows:
        if len(words) != width or not _numeric(words):
            line = " ".join(words)[:LONGEST_QUOTE]
            raise ValueError(
                f"points file {path.name} is not a table of numbers: line {number} is {line!r}"
            )
    table = np.array([words for _, words in rows], np.float64)
    with np.errstate(over="ignore"):  # refused as too large
        return table.astype(np.float32)


def _numeric(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True
