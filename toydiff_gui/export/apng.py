"""Animated PNGs, one frame in memory at a time.

Pillow's own writer gathers all frames before it writes the first; here it packs each one, and the
chunks that make an animation of them are written around it (PNG, third edition, section 11).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from toydiff_gui.export.ffmpeg import Frame
from toydiff_gui.export.gif import bounds

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEEP, OVER = 0, 1
"""Leave the frame in place when its time is over; lay the next one over it."""


class ApngEncoder:
    """Writes ``total`` frames to ``stream``, each as what differs from the one before."""

    def __init__(self, stream: BinaryIO, size: tuple[int, int], fps: Fraction, total: int) -> None:
        self._stream = stream
        self._period = 1 / fps.limit_denominator(65535)
        self._sequence = 0
        self._before: NDArray[np.uint8] | None = None
        stream.write(SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0))
        self._chunk(b"acTL", struct.pack(">II", total, 0))

    def add(self, frame: Frame, count: int) -> None:
        """Show ``frame`` for ``count`` periods."""
        colours = np.ascontiguousarray(frame[..., 2::-1])
        pixels = np.dstack([colours, np.full(colours.shape[:2], 255, np.uint8)])
        x, y = 0, 0
        first = self._before is None
        if self._before is not None:
            changed = (colours != self._before).any(axis=-1)
            x, y, right, bottom = bounds(changed)
            pixels[~changed] = 0  # transparent, and easy to pack
            pixels = pixels[y:bottom, x:right]
        self._before = colours
        delay = (self._period * count).limit_denominator(65535)
        if delay.numerator > 65535:  # rests longer than two hours
            delay = Fraction(65535)
        self._chunk(
            b"fcTL",
            struct.pack(
                ">IIIIIHHBB",
                self._next(),
                pixels.shape[1],
                pixels.shape[0],
                x,
                y,
                delay.numerator,
                delay.denominator,
                KEEP,
                OVER,
            ),
        )
        for data in _packed(pixels):
            if first:
                self._chunk(b"IDAT", data)
            else:
                self._chunk(b"fdAT", struct.pack(">I", self._next()) + data)

    def finish(self) -> None:
        """Write the end of the file."""
        self._chunk(b"IEND", b"")

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _chunk(self, name: bytes, data: bytes) -> None:
        body = name + data
        self._stream.write(struct.pack(">I", len(data)) + body)
        self._stream.write(struct.pack(">I", zlib.crc32(body)))


def _packed(pixels: NDArray[np.uint8]) -> Iterator[bytes]:
    """The contents of the IDAT chunks that Pillow makes of ``pixels`` (H, W, 4)."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    data = buffer.getvalue()
    position = len(SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == b"IDAT":
            yield data[position + 8 : position + 8 + length]
        position += 12 + length
