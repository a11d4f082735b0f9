"""Compares pictures of two versions, as ``scripts/pictures.py`` makes them: equal pixel by pixel?

    python -m scripts.compare_pictures BEFORE [BEFORE ...] AFTER

Headers show how long the engine took, so two runs of one version differ there. Where they do is
learned from several folders of the version before, three are good: what differs between those is
measured, and is let pass in AFTER as well. Prints for each picture that differs where; the exit
status is 0 if all are the same, 1 if not, 2 if there is nothing to compare.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Mask = NDArray[np.bool_]
"""Which pixels: (height, width)."""

JOIN = 6
"""Differences that are nearer to each other than twice this are told as one, in pixels."""
LEFT, RIGHT, ABOVE = 130, 48, 4
"""How much farther than was learned a measured line may differ, in pixels.

A figure stands at the right end of a header, '250 steps · 3.9 s' before, '250 steps · 427 ms' now,
and the words before it move; in the panels it is followed by others. ``ABOVE``, and as much below,
is for letters that reach out of the line. Another line differs, and is told.
"""


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; right and bottom lie outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    def __str__(self) -> str:
        size = f"{self.right - self.left} x {self.bottom - self.top}"
        return f"{size} at ({self.left}, {self.top})"


@dataclass(frozen=True)
class Difference:
    """What became of one picture. ``what`` is empty where every pixel is as before.

    ``passed``: boxes of measured figures, which were let pass.
    """

    name: str
    what: str = ""
    boxes: tuple[Box, ...] = ()
    passed: tuple[Box, ...] = ()


def read(file: Path) -> NDArray[np.uint8]:
    """A picture as (height, width, 4)."""
    with Image.open(file) as image:
        return np.asarray(image.convert("RGBA"))


def differing(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Mask:
    """Where two pictures of one size differ."""
    mask: Mask = (one != other).any(axis=2)
    return mask


def boxes_of(mask: Mask) -> tuple[Box, ...]:
    """The rectangles around what is marked; near marks are one."""
    labels, _ = ndimage.label(
        ndimage.binary_dilation(mask, iterations=JOIN) if mask.any() else mask
    )
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        y, x = np.nonzero(mask[rows, columns] & (labels[rows, columns] == number))
        left, top = columns.start + int(x.min()), rows.start + int(y.min())
        found.append(
            Box(left, top, columns.start + int(x.max()) + 1, rows.start + int(y.max()) + 1)
        )
    return tuple(found)


def measured(versions: Sequence[NDArray[np.uint8]]) -> Mask:
    """Where pictures of one version differ, and the lines around that."""
    first = versions[0]
    mask = np.zeros(first.shape[:2], dtype=bool)
    for other in versions[1:]:
        mask |= differing(first, other)
    for box in boxes_of(mask):
        rows = slice(max(0, box.top - ABOVE), box.bottom + ABOVE)
        mask[rows, max(0, box.left - LEFT) : box.right + RIGHT] = True
    return mask


def compare(before: Sequence[Path], after: Path) -> list[Difference]:
    """Every picture of ``before`` and ``after`` by name, in order."""
    names = sorted({file.name for folder in (*before, after) for file in folder.glob("*.png")})
    return [_compared(name, before, after) for name in names]


def _compared(name: str, before: Sequence[Path], after: Path) -> Difference:
    missing = [folder for folder in (*before, after) if not (folder / name).is_file()]
    if missing:
        return Difference(name, f"is not in {', '.join(map(str, missing))}")
    versions, now = [read(folder / name) for folder in before], read(after / name)
    sizes = {version.shape for version in (*versions, now)}
    if len(sizes) > 1:
        told = sorted(f"{width} x {height}" for height, width, _ in sizes)
        return Difference(name, f"has several sizes: {', '.join(told)}")
    mask, allowed = differing(versions[0], now), measured(versions)
    boxes, passed = boxes_of(mask & ~allowed), boxes_of(mask & allowed)
    count = int((mask & ~allowed).sum())
    return Difference(name, f"{count} pixels differ" if count else "", boxes, passed)


def show(difference: Difference, before: Path, after: Path, folder: Path) -> None:
    """Save what differs, before above after, with some surroundings."""
    for number, box in enumerate(difference.boxes, 1):
        room = (box.left - 40, box.top - 20, box.right + 40, box.bottom + 20)
        crops = []
        for place in (before, after):
            with Image.open(place / difference.name) as image:
                crops.append(image.convert("RGB").crop(room))
        both = Image.new("RGB", (crops[0].width, 2 * crops[0].height + 4), "magenta")
        both.paste(crops[0], (0, 0))
        both.paste(crops[1], (0, crops[0].height + 4))
        both.save(folder / f"{Path(difference.name).stem}-{number}.png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, compare, and print what differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", nargs="+", type=Path, help="folders of the version before")
    parser.add_argument("after", type=Path, help="a folder of the version after")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="save what differs there")
    options = parser.parse_args(arguments)
    found = compare(options.before, options.after)
    if not found:
        print(f"There are no pictures in {options.after}.", file=sys.stderr)
        return 2
    for difference in found:
        print(f"{difference.name}: {difference.what or 'the same'}")
        for box in difference.boxes:
            print(f"    {box}")
        if difference.passed:
            print(f"    measured, let pass: {'; '.join(map(str, difference.passed))}")
        if options.show and difference.boxes:
            options.show.mkdir(parents=True, exist_ok=True)
            show(difference, options.before[0], options.after, options.show)
    changed = [difference.name for difference in found if difference.what]
    print(
        f"{len(changed)} of {len(found)} pictures differ" if changed else f"All {len(found)} equal"
    )
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
