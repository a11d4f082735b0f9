"""Animated GIFs, one frame in memory at a time.

Pillow's own writer gathers all frames before it writes the first. A GIF is simple enough to lay
out here; Pillow still finds the palette and packs the pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from toydiff_gui.export.ffmpeg import Frame

COLOURS = 255
UNCHANGED = 255
"""The palette entry that lets the frame before show through."""
LONGEST = 65535


def gif_delay(fps: float) -> int:
    """The hundredths of a second nearest to one period; players take less than 2 for 10."""
    return min(max(round(100 / fps), 2), LONGEST)


def gif_rate(fps: float) -> Fraction:
    """The frame rate that a GIF can do nearest to ``fps``."""
    return Fraction(100, gif_delay(fps))


class GifEncoder:
    """Writes frames to ``stream``; the palette comes from ``samples``, frames of the same film."""

    def __init__(
        self, stream: BinaryIO, size: tuple[int, int], fps: float, samples: Sequence[Frame]
    ) -> None:
        self._stream = stream
        self._delay = gif_delay(fps)
        self._palette = _palette(samples)
        self._before: NDArray[np.uint8] | None = None
        colours = np.zeros((COLOURS, 3), np.int64)
        found = np.array(self._palette.getpalette(), np.int64).reshape(-1, 3)[:COLOURS]
        colours[: len(found)] = found
        self._black = int((colours**2).sum(axis=1).argmin())
        table = bytes(colours.astype(np.uint8).tobytes()).ljust(3 * 256, b"\0")
        stream.write(b"GIF89a" + struct.pack("<HHBBB", *size, 0xF7, 0, 0) + table)
        stream.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # for ever

    def add(self, frame: Frame, count: int) -> None:
        """Show ``frame`` for ``count`` periods."""
        pixels = self._index(frame)
        x, y, shown = 0, 0, pixels
        if self._before is not None:
            changed = pixels != self._before
            x, y, right, bottom = bounds(changed)
            shown = np.where(changed, pixels, UNCHANGED)[y:bottom, x:right].astype(np.uint8)
        self._before = pixels
        duration = min(self._delay * count, LONGEST)
        image = Image.fromarray(np.ascontiguousarray(shown))
        for part in GifImagePlugin.getdata(
            image, (x, y), duration=10 * duration, transparency=UNCHANGED, disposal=1
        ):
            self._stream.write(part)

    def finish(self) -> None:
        """Write the end of the file."""
        self._stream.write(b";")

    def _index(self, frame: Frame) -> NDArray[np.uint8]:
        indexed = _rgb(frame).quantize(palette=self._palette, dither=Image.Dither.NONE)
        pixels = np.array(indexed, np.uint8)
        pixels[pixels == UNCHANGED] = self._black  # Pillow fills the table's last entry with black
        return pixels


def bounds(changed: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest (left, top, right, bottom) around what changed; one pixel if nothing did."""
    rows = np.flatnonzero(changed.any(axis=1))
    columns = np.flatnonzero(changed.any(axis=0))
    if len(rows) == 0:
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _rgb(frame: Frame) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(frame[..., 2::-1]))


def _palette(samples: Sequence[Frame]) -> Image.Image:
    """255 colours for the samples. Thin lines count too: a colour weighs the root of its area."""
    found = [np.unique(_keys(sample), return_counts=True) for sample in samples]
    values, place = np.unique(np.concatenate([keys for keys, _ in found]), return_inverse=True)
    counts = np.bincount(place, weights=np.concatenate([number for _, number in found]))
    weighted = np.repeat(values, np.ceil(np.sqrt(counts)).astype(np.int64))
    rgb = np.stack([weighted >> 16, weighted >> 8 & 255, weighted & 255], axis=-1)
    strip = Image.fromarray(rgb[None].astype(np.uint8))
    return strip.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1)


def _keys(frame: Frame) -> NDArray[np.uint32]:
    """Each pixel's colour as one number, 0xRRGGBB."""
    return np.ascontiguousarray(frame).view(np.uint32)[..., 0] & np.uint32(0xFFFFFF)
