"""The service answers ``Attend`` with what the library says, one evaluation at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import engine
from engine.analysis.attention_maps import attention_maps
from engine.shared import messages
from engine.shared.config import SamplerConfig, UNetConfig
from engine.shared.wire import read_packet, write_packet
from engine.training.trainer import Trainer
from tests.engine.small_unet import digits_config

TWO_LEVELS = UNetConfig(
    width=8, multipliers=(1, 2), attention=(0, 1), heads=2, embedding=8, classes=10
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> str:
    """The folder of a training of some updates; only for reading."""
    folder = tmp_path_factory.mktemp("digits")
    trainer = Trainer(digits_config(unet=TWO_LEVELS, rate=1e-2), torch.device("cpu"))
    for _ in range(3):
        trainer.update(1e-2)
    trainer.save(folder)
    return str(folder)


def states(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, 1, 8, 8)).astype(np.float32)


def attend(digits: str, job: int = 1, **changes) -> messages.Attend:
    return messages.Attend(**({"job": job, "checkpoint": digits, "times": [20, 9, 1]} | changes))


@pytest.mark.parametrize("classes", [None, np.eye(10, dtype=np.float32)[3:4]])
@pytest.mark.parametrize(
    ("layer", "named", "side"),
    [("", "down.1.attention.heads", 4), ("up.0.attention.heads", "up.0.attention.heads", 8)],
)
def test_weights_are_those_of_the_library(talk, digits, layer, named, side, classes):
    x = states(3)
    talk.put(attend(digits, layer=layer), x=x, **({} if classes is None else {"classes": classes}))
    talk.run()
    expected = attention_maps(
        engine.load_checkpoint(digits),
        torch.from_numpy(x),
        [20, 9, 1],
        layer=named,
        classes=None if classes is None else torch.from_numpy(classes),
    )
    packets = talk.of(1, messages.AttentionAt)
    for index, (packet, weights) in enumerate(zip(packets, expected, strict=True)):
        message = packet.message
        assert (message.index, message.t) == (index, [20, 9, 1][index])
        assert (message.layer, message.side) == (named, side)
        assert packet.arrays["weights"].shape == (2, side**2, side**2)
        np.testing.assert_array_equal(packet.arrays["weights"], weights)
    result = talk.last(1)
    assert isinstance(result, messages.Result)
    assert result.info["layers"] == [
        {"name": "down.0.attention.heads", "side": 8, "heads": 2},
        {"name": "down.1.attention.heads", "side": 4, "heads": 2},
        {"name": "middle_attention.heads", "side": 4, "heads": 2},
        {"name": "up.0.attention.heads", "side": 8, "heads": 2},
        {"name": "up.1.attention.heads", "side": 4, "heads": 2},
    ]
    assert result.seconds > 0


def test_messages_survive_the_wire(talk, digits, tmp_path):
    talk.put(attend(digits, times=[5]), x=states(1))
    talk.run()
    for packet in talk.reports:
        with (tmp_path / "wire").open("wb") as stream:
            write_packet(stream, packet)
        with (tmp_path / "wire").open("rb") as stream:
            again = read_packet(stream)
        assert again.message == packet.message
        for name, value in packet.arrays.items():
            np.testing.assert_array_equal(again.arrays[name], value)


def test_others_have_their_turn_between_the_times(talk, digits):
    talk.put(attend(digits, times=[5] * 12), x=states(12))
    sampler = SamplerConfig(name="ddim", steps=4)
    talk.put(messages.Sample(job=2, checkpoint=digits, sampler=sampler, count=1))
    talk.run()
    kinds = [packet.message.job for packet in talk.reports if packet.arrays]
    assert kinds.index(2) < len(kinds) - 1 - kinds[::-1].index(1)
    assert len(talk.of(1, messages.AttentionAt)) == 12


def test_a_cancelled_one_stops_after_the_evaluation_in_hand(talk, digits):
    def stop(packet):
        if isinstance(packet.message, messages.AttentionAt):
            talk.put(messages.Cancel(job=1))

    talk.react = stop
    talk.put(attend(digits, times=[5] * 12), x=states(12))
    talk.run()
    assert len(talk.of(1, messages.AttentionAt)) == 1
    assert talk.last(1).cancelled


@pytest.mark.parametrize(
    ("change", "arrays", "message"),
    [
        ({"layer": "nowhere"}, {}, "unknown attention layer 'nowhere'; known: down.0"),
        ({"times": [0]}, {}, "time must be between 1 and 20, got 0"),
        ({"times": [1, 21]}, {"x": states(2)}, "time must be between 1 and 20, got 21"),
        ({"times": [1, 2]}, {}, r"2 times need states .*, got \(1, 1, 8, 8\)"),
        ({}, {"x": None}, "the array 'x' was not sent"),
        (
            {},
            {"x": np.zeros((1, 2), np.float32)},
            r"x must have shape \(N, 1, 8, 8\), got \(1, 2\)",
        ),
        ({}, {"x": np.full((1, 1, 8, 8), np.nan, np.float32)}, "x .*(NaN|finite)"),
        ({}, {"classes": np.ones((1, 3), np.float32)}, r"shape \(N, 10\), got \(1, 3\)"),
        ({}, {"classes": np.ones((2, 10), np.float32)}, "one row of class weights, got 2"),
        ({"checkpoint": "v"}, {}, "the network of 'v' has no attention to show"),
        ({"checkpoint": "exact:v"}, {}, "'exact:v' is no network, so it has no attention to show"),
        ({"checkpoint": "live"}, {}, "no training is running"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(talk, digits, change, arrays, message):
    sent = {"x": states(1)} | arrays
    request = attend(digits, **({"times": [5]} | change))
    talk.put(request, **{name: value for name, value in sent.items() if value is not None})
    talk.run()
    failure = talk.last(1)
    assert isinstance(failure, messages.Failure)
    assert not failure.internal, failure.detail
    assert "\n" not in failure.message
    with pytest.raises(ValueError, match=message):
        raise ValueError(failure.message)
