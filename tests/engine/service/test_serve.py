"""The service as a process of its own: what it says, and that it never stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Packet
from engine.shared.wire import read_packet, write_packet

ROOT = Path(__file__).resolve().parents[3]
SERVE = [sys.executable, "-P", "-m", "engine", "serve", "--device", "cpu"]

# Whatever is printed while a job runs, by Python or below it, must not reach the stream.
NOISY = """
import os, sys
import engine.service.jobs.sampling
quiet = engine.service.jobs.sampling.sample_stepwise

def noisy(*arguments, **options):
    for frame in quiet(*arguments, **options):
        print("printed", flush=True)
        os.write(1, b"written below Python\\n")
        sys.__stdout__.write("to the first stream")
        yield frame

engine.service.jobs.sampling.sample_stepwise = noisy
from engine.service.serve import serve
serve("cpu")
"""


class Process:
    """A serving process; reading blocks until a packet comes, and the test run has a time limit."""

    def __init__(self, command: list[str]) -> None:
        self.popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def write(self, message, **arrays) -> None:
        write_packet(self.popen.stdin, Packet(message, arrays))

    def read(self) -> Packet:
        packet = read_packet(self.popen.stdout)
        assert packet is not None, self.popen.stderr.read().decode()
        return packet

    def read_until(self, kind: type) -> list[Packet]:
        packets = [self.read()]
        while not isinstance(packets[-1].message, kind):
            packets.append(self.read())
        return packets

    def end(self) -> tuple[int, bytes, bytes]:
        """Exit status, the rest of the output, standard error."""
        output, error = self.popen.communicate(timeout=120)
        return self.popen.returncode, output, error


@pytest.fixture
def start() -> Iterator:
    started = []

    def run(command: list[str]) -> Process:
        started.append(Process(command))
        return started[-1]

    yield run
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.communicate()


def train_request(config_for, folder):
    return messages.Train(
        job=1, config=config_for(steps=10**6), out=str(folder), snapshot_seconds=0.0
    )


def reached(folder: Path) -> int:
    return engine.load_checkpoint(folder).description.step


def test_only_packets_reach_standard_output(start, trained):
    process = start([sys.executable, "-c", NOISY])
    assert isinstance(process.read().message, messages.Ready)
    process.write(
        messages.Sample(job=1, checkpoint=str(trained), sampler=SamplerConfig(steps=5), count=3)
    )
    *packets, result = process.read_until(messages.Result)
    process.write(messages.Shutdown())
    status, rest, error = process.end()
    assert (status, rest) == (0, b"")
    assert error.count(b"printed") == error.count(b"written below") == len(packets) == 6
    loaded = engine.load_checkpoint(trained)
    expected = sample(
        loaded.denoiser, loaded.schedule, draw_latents(0, 3, (2,)), sampler=DDIM(steps=5)
    )
    for packet, frame in zip(packets, expected, strict=True):
        np.testing.assert_allclose(packet.arrays["x"], frame.x, atol=1e-6)
    assert not result.message.cancelled


def test_it_ends_with_its_input_and_saves_the_training(start, config_for, tmp_path):
    process = start(SERVE)
    process.write(train_request(config_for, tmp_path / "run"))
    process.read_until(messages.Snapshot)
    process.popen.stdin.close()
    process.popen.stdin = None
    status, _, error = process.end()
    assert (status, error) == (0, b"")
    assert reached(tmp_path / "run") >= 1


PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
while True:
    data = sys.stdin.buffer.read1()
    child.stdin.write(data)
    child.stdin.flush()
    sys.stdout.buffer.write(child.stdout.read(1000))
    sys.stdout.flush()
"""


def test_it_ends_when_its_parent_is_killed(start, config_for, tmp_path):
    parent = start([sys.executable, "-c", PARENT, *SERVE])
    parent.write(train_request(config_for, tmp_path / "run"))
    # A thousand bytes: the training has begun to send snapshots.
    assert parent.popen.stdout.read1()
    parent.popen.kill()
    # Standard error is shared with the child: its end is the end of both.
    assert parent.popen.stderr.read() == b""
    assert reached(tmp_path / "run") >= 1


def test_bytes_that_are_no_packet_end_it_with_a_word(start):
    process = start(SERVE)
    process.read()
    process.popen.stdin.write(b"\xff\xff\xff\xff")
    process.popen.stdin.flush()
    process.popen.stdin.close()
    process.popen.stdin = None
    status, rest, error = process.end()
    assert (status, rest) == (0, b"")
    assert error.decode().splitlines() == [
        "engine: a header of 4294967295 bytes is more than 16777216"
    ]
