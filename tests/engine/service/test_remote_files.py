"""An engine whose window is on another machine: it has files of its own, and only those."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
import torch

from engine.service.loop import Service
from engine.service.remote_files import RemoteFiles
from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Packet
from engine.shared.run_files import RUN_FILES
from engine.shared.wire import (
    BEGIN,
    MAX_NOISE,
    ProtocolError,
    TruncatedError,
    read_packet,
    skip_to_begin,
    write_packet,
)
from tests.engine.conversation import Conversation


@pytest.fixture
def remote(tmp_path):
    """A conversation with a service that has its own folder, and that folder."""

    class Remote(Conversation):
        def run(self) -> None:
            files = RemoteFiles(tmp_path / "ToyDiff")
            Service(self.inbox, self._send, torch.device("cpu"), files).run()

    return Remote(), tmp_path / "ToyDiff"


def test_it_samples_from_what_is_sent_and_gives_out_what_it_trains(remote, trained, config_for):
    talk, root = remote
    content = np.fromfile(trained / RUN_FILES[0], np.uint8)
    name = f"received/{hashlib.sha256(content.tobytes()).hexdigest()}.safetensors"
    steps = SamplerConfig(steps=3)
    talk.put(messages.Deliver(job=1, path=name), content=content)
    talk.put(messages.Sample(job=1, checkpoint=name, sampler=steps, count=5))
    talk.put(messages.Train(job=2, config=config_for(steps=4), out="runs/v 1"))

    def fetch(packet: Packet) -> None:
        if packet.message.job == 2 and isinstance(packet.message, messages.Result):
            for job, file in enumerate(RUN_FILES, 3):
                path = f"runs/v 1/{file}"
                talk.put(messages.Fetch(job=job, slot=str(job), path=path))

    talk.react = fetch
    talk.run()
    local = Conversation()
    local.put(messages.Sample(job=1, checkpoint=str(trained), sampler=steps, count=5))
    local.run()
    np.testing.assert_array_equal(talk.frames(1), local.frames(1))
    for job, file in enumerate(RUN_FILES, 3):
        (packet,) = talk.of(job)
        assert packet.arrays["content"].tobytes() == (root / "runs" / "v 1" / file).read_bytes()


@pytest.mark.parametrize(
    "request_",
    [
        messages.Open(job=1, checkpoint="/etc/passwd"),
        messages.Fetch(job=1, path="runs/../../etc/passwd"),
    ],
)
def test_other_files_are_refused_by_name(remote, request_):
    talk, _ = remote
    talk.put(request_)
    talk.run()
    assert "etc/passwd" in talk.last(1).message


@pytest.mark.parametrize("name", ["secret.safetensors", "..", ".", "exact:secret", "secret"])
def test_bare_names_are_those_of_bundled_checkpoints_only(remote, name, tmp_path, monkeypatch):
    """Whatever lies in the folder that the engine was started in."""
    monkeypatch.chdir(tmp_path)
    talk, _ = remote
    talk.put(messages.Open(job=1, checkpoint=name))
    talk.run()
    assert "no checkpoint that the engine has" in talk.last(1).message


@pytest.mark.parametrize(
    "message",
    [
        messages.Open(job=1, checkpoint="x" * 300),
        messages.Open(job=1, checkpoint="runs/" + "x" * 300),
        messages.Deliver(job=1, path="runs/" + "x" * 300 + "/checkpoint.safetensors"),
    ],
    ids=["bundled", "of a training", "sent"],
)
def test_a_name_that_is_too_long_ends_nothing(remote, message):
    talk, _ = remote
    talk.put(message, content=np.zeros(3, np.uint8))
    talk.put(messages.Open(job=2, checkpoint="v"))
    talk.run()
    assert isinstance(talk.last(1), messages.Failure)
    assert isinstance(talk.last(2), messages.Result)


def test_an_engine_beside_its_window_sends_and_takes_nothing(talk, tmp_path):
    talk.put(messages.Fetch(job=1, path="runs/v/checkpoint.safetensors"))
    talk.put(messages.Deliver(job=2, path="runs/v/state.safetensors"), content=np.zeros(1, "u1"))
    talk.run()
    for job in (1, 2):
        assert "same machine" in talk.last(job).message


# What comes before the first frame


def framed(noise: bytes) -> io.BufferedReader:
    stream = io.BytesIO()
    stream.write(noise + b"\n" + BEGIN)
    write_packet(stream, Packet(messages.Cancel(job=3)))
    return io.BufferedReader(io.BytesIO(stream.getvalue()))


@pytest.mark.parametrize("noise", [b"", b"Welcome!\nno end", b"\0\xff\n\n", BEGIN[:-1] + b" not"])
def test_what_a_login_says_is_skipped(noise):
    stream = framed(noise)
    assert skip_to_begin(stream) == noise + b"\n"
    assert read_packet(stream).message == messages.Cancel(job=3)
    assert read_packet(stream) is None


@pytest.mark.parametrize("noise", [b"a" * (MAX_NOISE + 1), b"la\n" * MAX_NOISE])
def test_a_login_that_does_not_stop_is_an_error(noise):
    with pytest.raises(ProtocolError, match=f"more than {MAX_NOISE} bytes") as caught:
        skip_to_begin(framed(noise))
    assert caught.value.args[1][:2] == noise[:2]


def test_a_stream_that_ends_before_is_told_with_what_it_held():
    with pytest.raises(TruncatedError) as caught:
        skip_to_begin(io.BufferedReader(io.BytesIO(b"sh: python: not found\n")))
    assert caught.value.args[1] == b"sh: python: not found\n"
