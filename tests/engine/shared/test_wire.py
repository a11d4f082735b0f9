"""Packets survive the way; anything else is refused before memory is taken for it."""

from __future__ import annotations

import contextlib
import io
import struct

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.shared import messages, wire
from engine.shared.config import SamplerConfig, ScheduleConfig, TrainingConfig
from engine.shared.messages import Packet
from engine.shared.wire import ProtocolError, read_packet, write_packet

numbers = st.integers(0, 2**31)
seconds = st.floats(0, 1e9)
samplers = st.sampled_from(
    [
        SamplerConfig(),
        SamplerConfig(name="ddpm", steps=7),
        SamplerConfig(eta=0.3),
        SamplerConfig(name="heun", steps=9),
        SamplerConfig(name="dpmpp2m"),
    ]
)
configs = st.sampled_from(
    [TrainingConfig(), TrainingConfig(schedule=ScheduleConfig(name="cosine"), seed=2**40)]
)
values = st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False), max_size=3)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
infos = st.dictionaries(st.text(max_size=5), plain, max_size=3)
text = st.text(max_size=20)
any_message = st.one_of(
    st.builds(messages.Open, job=numbers, slot=text, checkpoint=text),
    st.builds(messages.Train, job=numbers, config=configs, out=text, resume=st.booleans()),
    st.builds(
        messages.Sample,
        job=numbers,
        checkpoint=text,
        sampler=samplers,
        count=numbers,
        last=st.booleans(),
    ),
    st.builds(
        messages.Interpolate,
        job=numbers,
        checkpoint=text,
        sampler=samplers,
        path=text,
        side=text,
        even=st.booleans(),
    ),
    st.builds(messages.Invert, checkpoint=text, steps=st.none() | numbers, replay=st.booleans()),
    st.builds(
        messages.FindPath, job=numbers, slot=text, checkpoint=text, points=numbers, seed=numbers
    ),
    st.builds(
        messages.ComparePaths,
        checkpoint=text,
        sampler=samplers,
        paths=st.lists(text, max_size=3),
        side=text,
    ),
    st.builds(messages.Field, checkpoint=text, times=st.lists(numbers, max_size=5)),
    st.builds(messages.FieldAt, job=numbers, t=numbers),
    st.builds(messages.PathFound, step=numbers, total=numbers, energy=seconds, elapsed=seconds),
    st.builds(
        messages.PathMeasured,
        path=text,
        length=seconds,
        gap=seconds,
        gap_ratio=seconds,
        off_data=st.none() | seconds,
    ),
    st.builds(messages.Evaluate, checkpoint=text, quick=st.booleans()),
    st.builds(messages.Diagnose, checkpoint=text, kind=st.just("loss"), seed=numbers),
    st.builds(
        messages.Diagnosis, kind=st.just("pairs"), done=numbers, total=numbers, timesteps=numbers
    ),
    st.builds(messages.Cancel, job=numbers),
    st.builds(messages.Pause, job=numbers),
    st.builds(messages.Resume, job=numbers),
    st.builds(messages.Shutdown),
    st.builds(messages.Ready, version=text, device=text, devices=st.lists(text, max_size=3)),
    st.builds(
        messages.Progress,
        done=numbers,
        total=numbers,
        elapsed=seconds,
        remaining=st.none() | seconds,
        values=values,
    ),
    st.builds(messages.Frame, job=numbers, index=numbers, times=st.lists(numbers, max_size=5)),
    st.builds(
        messages.Snapshot,
        step=numbers,
        total=numbers,
        elapsed=seconds,
        remaining=st.none() | seconds,
        values=values,
    ),
    st.builds(messages.Result, info=infos, seconds=seconds, cancelled=st.booleans()),
    st.builds(messages.Failure, message=text, internal=st.booleans(), detail=text),
)
arrays = st.dictionaries(
    st.text(max_size=5),
    st.sampled_from(wire.DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
    ),
    max_size=3,
)


def encoded(*packets: Packet) -> bytes:
    stream = io.BytesIO()
    for packet in packets:
        write_packet(stream, packet)
    return stream.getvalue()


def assert_same(one: Packet, other: Packet) -> None:
    assert one.message == other.message
    assert list(one.arrays) == list(other.arrays)
    for name, value in one.arrays.items():
        assert other.arrays[name].dtype == value.dtype
        assert other.arrays[name].shape == value.shape
        assert other.arrays[name].tobytes() == value.tobytes()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.builds(Packet, any_message, arrays), max_size=3))
def test_packets_survive_the_way(packets):
    stream = io.BytesIO(encoded(*packets))
    for packet in packets:
        assert_same(packet, read_packet(stream))
    assert read_packet(stream) is None


@settings(deadline=None, max_examples=50)
@given(st.builds(Packet, any_message, arrays), st.data())
def test_a_stream_that_ends_inside_a_packet_is_noticed(packet, data):
    whole = encoded(packet)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(ProtocolError, match="ended inside"):
        read_packet(io.BytesIO(whole[:cut]))


@settings(deadline=None, max_examples=150)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_give_a_packet_or_a_protocol_error(data):
    for stream in (data, framed(data)):
        with contextlib.suppress(ProtocolError):
            read_packet(io.BytesIO(stream))


@settings(deadline=None, max_examples=100)
@given(st.builds(Packet, any_message, arrays), st.data())
def test_spoilt_bytes_give_a_packet_or_a_protocol_error(packet, data):
    whole = bytearray(encoded(packet))
    at = data.draw(st.integers(4, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ProtocolError):
        read_packet(io.BytesIO(bytes(whole)))


@pytest.mark.parametrize("shape", [(1,) * 65, (0, 2**62, 8), (-1,)])
def test_shapes_that_no_array_has_are_no_packet(shape):
    header = wire._Header(messages.Cancel(job=1), [wire._ArraySpec("x", "uint8", shape)])
    with pytest.raises(ProtocolError, match=r"'x' has .*shape"):
        read_packet(io.BytesIO(framed(msgspec.msgpack.encode(header)) + b"1"))


def test_arrays_in_another_order_of_memory_arrive_as_they_look():
    value = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(2, 0, 1)[::2]
    (arrived,) = read_packet(
        io.BytesIO(encoded(Packet(messages.Shutdown(), {"x": value})))
    ).arrays.values()
    np.testing.assert_array_equal(arrived, value)


def framed(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def frame(*header) -> bytes:
    return framed(msgspec.msgpack.encode(header))


SHUTDOWN = {"type": "Shutdown"}
FOREIGN = {
    "unknown message": frame({"type": "Explode"}, []),
    "no type": frame({"job": 3}, []),
    "a field is missing": frame({"type": "Open"}, []),
    "wrong type of field": frame({"type": "Cancel", "job": "three"}, []),
    "impossible configuration": frame(
        {"type": "Sample", "checkpoint": "v", "sampler": {"name": "ddim", "eta": 7.0}}, []
    ),
    "no message": frame(),
    "too deep": framed(
        msgspec.msgpack.encode([{"type": "Result", "info": {"a": None}}, []]).replace(
            b"\xc0", b"\x91" * 100_000 + b"\xc0"
        )
    ),
    "text": framed(b"hello"),
    "unknown array type": frame(SHUTDOWN, [["x", "object", [1]]]),
    "float16": frame(SHUTDOWN, [["x", "float16", [1]]]) + b"ab",
    "negative length": frame(SHUTDOWN, [["x", "float32", [-1]]]),
    "two negative lengths": frame(SHUTDOWN, [["x", "float32", [-2, -2]]]) + bytes(16),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_message_is_refused(name):
    with pytest.raises(ProtocolError):
        read_packet(io.BytesIO(FOREIGN[name]))


class Counting(io.BytesIO):
    """A stream that notes the largest piece it was asked for."""

    largest = 0

    def read(self, size=-1):
        self.largest = max(self.largest, size)
        return super().read(size)


TOO_LARGE = {
    "header": struct.pack("<I", wire.MAX_HEADER + 1),
    "array": frame(SHUTDOWN, [["x", "float64", [2**40]]]),
    "product": frame(SHUTDOWN, [["x", "uint8", [2**20, 2**20, 2**20, 2**20]]]),
    "together": frame(SHUTDOWN, [["x", "uint8", [0]], ["y", "uint8", [wire.MAX_ARRAY_BYTES + 1]]]),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_sizes_are_checked_before_anything_is_allocated(name):
    stream = Counting(TOO_LARGE[name])
    with pytest.raises(ProtocolError, match=r"more than|too large"):
        read_packet(stream)
    assert stream.largest < 1000


def test_what_one_side_would_refuse_the_other_does_not_send():
    for value in (np.zeros(3, np.float16), np.zeros(3, ">f4"), np.array(["text"])):
        with pytest.raises(ProtocolError, match=r"array 'x' has type"):
            write_packet(io.BytesIO(), Packet(messages.Shutdown(), {"x": value}))
