"""The conversation with the engine: its beginning, its end, and what is said when it dies."""

import os
import signal
import sys
import threading

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QThread

from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Packet
from tests.hands.window import settle, wait_until
from toydiff_gui.engine_client import link as engine_link
from toydiff_gui.engine_client.link import EngineLink, ProcessThread


class Listener:
    """What came in, and in which thread."""

    def __init__(self, link):
        self.link = link
        self.packets, self.deaths, self.threads = [], [], set()
        link.received.connect(self._received)
        link.died.connect(self.deaths.append)

    def _received(self, packet):
        self.threads.add(threading.get_ident())
        self.packets.append(packet)

    def of(self, kind):
        return [packet for packet in self.packets if isinstance(packet.message, kind)]

    def wait_for(self, kind):
        wait_until(lambda: self.of(kind) or self.deaths, kind.__name__)
        assert not self.deaths
        return self.of(kind)[-1]


@pytest.fixture
def make_link(qapp):
    links = []

    def make(kind="process", device="cpu"):
        link = EngineLink(kind, device)
        links.append(link)
        return link, Listener(link)

    yield make
    for link in links:
        link.stop()
        settle()
        assert not [thread for thread in link.findChildren(QThread) if thread.isRunning()]
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"engine-writer", "engine-stderr"}


def pretend(monkeypatch, program):
    """Run ``program`` in place of the engine."""
    monkeypatch.setattr(
        engine_link, "engine_command", lambda *arguments: [sys.executable, "-c", program]
    )


def interpolation(job, steps=12):
    ends = {"start": np.float32((-1, 2)), "end": np.float32((-1, -2))}
    request = messages.Interpolate(
        job=job, checkpoint="v", sampler=SamplerConfig(steps=steps), points=30
    )
    return Packet(request, {name: np.asarray(end) for name, end in ends.items()})


def test_the_engine_answers_in_the_windows_thread_and_ends_when_it_is_told(make_link):
    link, heard = make_link()
    link.start()
    link.start()  # a second time does nothing
    assert heard.wait_for(messages.Ready).message.device == "cpu"
    process = psutil.Process(link.thread_in_charge.process_id)
    link.send(interpolation(link.next_job()))
    heard.wait_for(messages.Result)
    assert [packet.message.index for packet in heard.of(messages.Frame)] == list(range(13))
    assert heard.threads == {threading.get_ident()}
    link.stop()
    assert not process.is_running()
    assert link.thread_in_charge is None
    settle()
    assert heard.deaths == []  # it was asked to


def test_the_inline_engine_gives_the_same_frames(make_link):
    seen = []
    for kind in ("process", "inline"):
        link, heard = make_link(kind)
        link.start()
        heard.wait_for(messages.Ready)
        link.send(interpolation(link.next_job()))
        heard.wait_for(messages.Result)
        seen.append([packet.arrays for packet in heard.of(messages.Frame)])
        link.stop()
    for ours, theirs in zip(*seen, strict=True):
        # Kept until the end: had the engine used an array again, it would show here.
        np.testing.assert_allclose(ours["x"], theirs["x"], atol=1e-5)
        np.testing.assert_allclose(ours["x0"], theirs["x0"], atol=1e-5)
    first, last = seen[1][0]["x"], seen[1][-1]["x"]
    assert not np.allclose(first, last)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_engine_is_told_with_its_signal_and_can_be_started_again(make_link):
    link, heard = make_link()
    link.start()
    heard.wait_for(messages.Ready)
    os.kill(link.thread_in_charge.process_id, signal.SIGKILL)
    wait_until(lambda: heard.deaths, "the end")
    assert "signal 9" in heard.deaths[0]
    assert link.thread_in_charge is None
    link.send(interpolation(99))  # nobody is there: lost, not fatal
    heard.deaths.clear()
    heard.packets.clear()
    link.start()
    heard.wait_for(messages.Ready)


def test_the_last_words_of_an_engine_are_passed_on(make_link, monkeypatch, capfd):
    pretend(monkeypatch, "import sys; print('no space left\\n', file=sys.stderr); sys.exit(3)")
    link, heard = make_link()
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert heard.deaths == ["the engine ended with status 3: no space left"]
    assert "no space left" in capfd.readouterr().err


def test_an_engine_that_ends_without_being_asked_has_died(make_link, monkeypatch):
    pretend(monkeypatch, "pass")
    link, heard = make_link()
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert heard.deaths == ["the engine ended with status 0"]


@pytest.mark.parametrize("junk", ["hello, this is no frame", "\\xff\\xff\\xff\\x7f", "ab"])
def test_rubbish_ends_the_conversation_in_words(make_link, monkeypatch, junk):
    pretend(
        monkeypatch,
        f"import sys; sys.stdout.buffer.write(b'{junk}'); sys.stdout.flush(); sys.stdin.read()"
        if len(junk) > 2
        else f"import sys; sys.stdout.buffer.write(b'{junk}')",
    )
    link, heard = make_link()
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert heard.deaths[0].startswith("the engine sent something that could not be read: ")


def test_a_program_that_is_not_there_is_named_as_the_reason(make_link, monkeypatch):
    monkeypatch.setattr(engine_link, "engine_command", lambda *arguments: ["/nowhere/python"])
    link, heard = make_link()
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert heard.deaths[0].startswith("the engine could not be started: ")


def test_an_unknown_device_is_named(make_link, capfd):
    link, heard = make_link(device="abacus")
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert "abacus" in heard.deaths[0]


def test_an_unknown_device_is_named_inline(make_link):
    link, heard = make_link("inline", device="abacus")
    link.start()
    wait_until(lambda: heard.deaths, "the end")
    assert "abacus" in heard.deaths[0]


def test_stopping_while_the_engine_loads_leaves_nothing(make_link):
    link, heard = make_link()
    link.start()
    thread = link.thread_in_charge
    wait_until(lambda: thread.process_id is not None, "the process")
    process = psutil.Process(thread.process_id)
    link.stop()
    assert not process.is_running()
    assert heard.deaths == []


def test_an_engine_that_will_not_end_is_ended(make_link, monkeypatch):
    pretend(monkeypatch, "import time\nwhile True: time.sleep(1)")
    monkeypatch.setattr(engine_link, "PATIENCE_MS", 50)
    link, _ = make_link()
    link.start()
    thread = link.thread_in_charge
    wait_until(lambda: thread.process_id is not None, "the process")
    process = psutil.Process(thread.process_id)
    link.stop()
    assert not process.is_running()


def test_a_thread_says_how_it_is_spoken_to(qapp):
    thread = ProcessThread([sys.executable, "-c", "pass"])
    assert thread.process_id is None
    thread.kill()  # before it runs: nothing to end
