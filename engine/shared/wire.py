"""Packets as bytes: a msgpack header and raw arrays, framed. No torch.

One frame is ``<header size: u32 little-endian> <header> <bytes of the arrays, in order>``. The
header is a tagged message with the list of arrays that follow. Sizes are checked before anything
is allocated. Nothing here knows how the bytes travel: pipes today, another command line later.
"""

from __future__ import annotations

import math
import struct
from typing import IO

import msgspec
import numpy as np

from engine.shared.messages import AnyMessage, Packet

MAX_HEADER = 16 * 2**20
MAX_ARRAY_BYTES = 4 * 2**30
MAX_AXES = 16
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")


class _ArraySpec(msgspec.Struct, frozen=True, array_like=True):
    name: str
    dtype: str
    shape: tuple[int, ...]


class _Header(msgspec.Struct, frozen=True, array_like=True):
    message: AnyMessage
    arrays: list[_ArraySpec]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Header)

BEGIN = b"toydiff: frames from here on\n"
"""The line that an engine on another machine writes before its first frame."""
MAX_NOISE = 64 * 2**10
"""So many bytes may come before it: what a login says there is not for us."""


class ProtocolError(ValueError):
    """The bytes are not a frame of this protocol."""


class TruncatedError(ProtocolError):
    """The stream has ended where more was to come."""


def write_packet(stream: IO[bytes], packet: Packet) -> None:
    """Write one frame and flush; raises ``OSError`` when the other side is gone.

    Raises ``ProtocolError``, before anything is written, for arrays of other types than ``DTYPES``.
    """
    arrays = {name: np.asarray(value, order="C") for name, value in packet.arrays.items()}
    specs = [_ArraySpec(name, str(value.dtype), value.shape) for name, value in arrays.items()]
    for spec in specs:
        _check_type(spec)
    header = _encoder.encode(_Header(packet.message, specs))
    stream.write(struct.pack("<I", len(header)) + header)
    stream.writelines(value.data.cast("B") for value in arrays.values() if value.size)
    stream.flush()


def read_packet(stream: IO[bytes]) -> Packet | None:
    """Read one frame; None at the end of the stream. Raises ``ProtocolError`` on anything else."""
    prefix = stream.read(4)
    if not prefix:
        return None
    if len(prefix) < 4:
        raise TruncatedError("the stream ended inside a frame")
    (size,) = struct.unpack("<I", prefix)
    if size > MAX_HEADER:
        raise ProtocolError(f"a header of {size} bytes is more than {MAX_HEADER}")
    try:
        header = _decoder.decode(_read_exactly(stream, size))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"not a message: {error}") from error
    arrays = {}
    room = MAX_ARRAY_BYTES
    for spec in header.arrays:
        _check_type(spec)
        length = math.prod(spec.shape) * np.dtype(spec.dtype).itemsize
        room -= length
        if room < 0:
            raise ProtocolError(f"array {spec.name!r} of shape {spec.shape} is too large")
        data = _read_exactly(stream, length)
        try:
            arrays[spec.name] = np.frombuffer(data, spec.dtype).reshape(spec.shape)
        except ValueError as error:  # a length of 0 hides how large the others are
            raise ProtocolError(f"array {spec.name!r} has shape {spec.shape}") from error
    return Packet(header.message, arrays)


def skip_to_begin(stream: IO[bytes]) -> bytes:
    """Read up to and with ``BEGIN``; returns what came before it.

    Raises ``ProtocolError`` if it does not come: its second argument is what came instead.
    """
    noise = b""
    while len(noise) <= MAX_NOISE:
        line = stream.readline(MAX_NOISE + 1)
        if line == BEGIN:
            return noise
        if not line:
            raise TruncatedError("the stream ended before the first frame", noise)
        noise += line
    raise ProtocolError(f"more than {MAX_NOISE} bytes came before the first frame", noise)


def _check_type(spec: _ArraySpec) -> None:
    negative = any(length < 0 for length in spec.shape)
    if spec.dtype not in DTYPES or negative or len(spec.shape) > MAX_AXES:
        raise ProtocolError(f"array {spec.name!r} has type {spec.dtype}, shape {spec.shape}")


def _read_exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise TruncatedError("the stream ended inside a frame")
    return data
