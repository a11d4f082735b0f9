"""The exchange alone: a link that notes what is sent, and one part that wants what it is told."""

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Packet
from tests.hands.window import settle, wait_until
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.remembered import Remembered, size_of
from toydiff_gui.engine_client.wanted import Answer, Unavailable, Wanted, digest


class Link(QObject):
    received = Signal(object)
    died = Signal(str)

    def __init__(self):
        super().__init__()
        self.sent = []
        self.job = 0

    def next_job(self):
        self.job += 1
        return self.job

    def send(self, packet):
        self.sent.append(packet.message)

    def frame(self, job, value):
        self.received.emit(Packet(messages.Frame(job=job, index=0), {"x": np.array([value])}))

    def finish(self, job, value=None):
        arrays = {} if value is None else {"x": np.array([value])}
        self.received.emit(Packet(messages.Result(job=job, seconds=0.5), arrays))

    def fail(self, job, why):
        self.received.emit(Packet(messages.Failure(job=job, message=why)))


class Bench:
    """The exchange with all about it; ``want`` says what is wanted from now on."""

    def __init__(self, remembered=None):
        self.link = Link()
        self.client = Client(self.link)
        self.exchange = Exchange(self.client, remembered=remembered)
        self.wants, self.shown, self.gone, self.failures = [], {}, [], []
        self.exchange.failed.connect(self.failures.append)
        self.exchange.set_parts((self,))

    def wanted(self):
        return list(self.wants)

    def want(self, *wants):
        self.wants = list(wants)
        self.exchange.look()
        settle()

    def start(self):
        self.link.received.emit(
            Packet(messages.Ready(version="0", device="cpu", devices=["cpu"]), {})
        )
        self.exchange.set_model_open(True)

    def wish(self, key, seed=0, steps=10, **options):
        """Like a lane's: frames make a list."""

        def collect(value, message, arrays):
            return (*(value or ()), *arrays.get("x", ()))

        def show(answer):
            self.shown.setdefault(key, []).append(answer)

        request = messages.Sample(checkpoint="v", sampler=SamplerConfig(steps=steps), seed=seed)
        defaults = {"collect": collect, "gone": lambda: self.gone.append(key), "kin": "v"}
        return Wanted(key, request, show, **(defaults | options))

    def asked(self):
        """(job, slot) of what has been asked, and the numbers of what was cancelled, since then."""
        new, self.link.sent[:] = list(self.link.sent), []
        return [
            -message.job if isinstance(message, messages.Cancel) else (message.job, message.slot)
            for message in new
        ]

    def last(self, key):
        return self.shown[key][-1]


@pytest.fixture
def bench(qapp):
    bench = Bench()
    bench.start()
    return bench


def test_what_is_wanted_is_asked_for_once_and_shown_as_it_comes(bench):
    bench.want(bench.wish("lane:a"))
    assert bench.asked() == [(1, "lane:a")]
    assert bench.last("lane:a") == Answer("running")
    bench.want(bench.wish("lane:a"))  # made anew, and the same
    assert bench.asked() == []
    bench.link.frame(1, 3)
    assert bench.last("lane:a") == Answer("running", (3,))  # the first at once
    bench.link.frame(1, 4)
    wait_until(lambda: bench.last("lane:a").value == (3, 4), "the second frame")
    bench.link.finish(1)
    assert bench.last("lane:a") == Answer("done", (3, 4), 0.5)
    assert not bench.exchange.under_way


def test_nothing_is_asked_before_the_engine_and_its_model_are_there(qapp):
    bench = Bench()
    bench.want(bench.wish("a"), bench.wish("b", needs_model=False))
    assert bench.asked() == []
    ready = messages.Ready(version="0", device="cpu", devices=["cpu"])
    bench.link.received.emit(Packet(ready, {}))
    settle()
    assert bench.asked() == [(1, "b")]
    bench.exchange.set_model_open(True)
    assert bench.asked() == [(2, "a")]


def test_a_newer_wish_cancels_the_older_and_late_answers_are_nobodys(bench):
    bench.want(bench.wish("a", seed=1))
    bench.want(bench.wish("a", seed=2))
    assert bench.asked() == [(1, "a"), -1, (2, "a")]
    bench.link.frame(1, 7)
    bench.link.finish(1)
    assert all(answer.value is None for answer in bench.shown["a"])
    bench.want()
    assert bench.asked() == [-2]
    assert bench.gone == ["a"]


def test_an_answer_of_a_moment_ago_is_there_without_asking(bench):
    bench.want(bench.wish("lane:a", seed=1))
    bench.link.frame(1, 3)
    bench.link.finish(1)
    bench.want(bench.wish("lane:a", seed=2))
    bench.asked()
    bench.want(bench.wish("lane:a", seed=1), bench.wish("lane:b", seed=1))
    assert bench.asked() == [-2]
    assert bench.last("lane:a") == bench.last("lane:b") == Answer("done", (3,), 0.5)
    bench.want(bench.wish("other:a", seed=1))  # which makes something else of it
    assert bench.asked() == [(3, "other:a")]


def test_arrays_and_revisions_belong_to_what_is_asked(bench):
    zeros = {"latents": np.zeros((2, 2), np.float32)}
    bench.want(bench.wish("a", arrays=zeros))
    bench.want(bench.wish("a", arrays={"latents": np.zeros((2, 2), np.float32)}))
    assert bench.asked() == [(1, "a")]  # held by content
    bench.want(bench.wish("a", arrays={"latents": np.ones((2, 2), np.float32)}))
    bench.want(bench.wish("a", arrays=zeros, revision=1))
    assert bench.asked() == [-1, (2, "a"), -2, (3, "a")]
    assert digest(np.zeros(4, np.float32)) != digest(np.zeros(4, np.int32))
    assert digest(np.zeros((2, 2))) != digest(np.zeros(4))


def test_what_is_no_kin_goes_before_the_next_is_asked_for(bench):
    bench.want(bench.wish("a", seed=1, kin="v"))
    bench.link.finish(1, 3)
    bench.want(bench.wish("a", seed=2, kin="v"))
    assert bench.last("a") == Answer("done", (3,), 0.5)  # it stands in
    bench.want(bench.wish("a", seed=3, kin="moons"))
    assert [answer.status for answer in bench.shown["a"][-2:]] == ["empty", "running"]


def test_a_failure_is_told_once_and_not_tried_again(bench):
    bench.want(bench.wish("a"), bench.wish("b", seed=1, quiet=True))
    bench.link.fail(1, "no room")
    bench.link.fail(2, "no room either")
    bench.asked()
    bench.want(*bench.wants)
    assert bench.asked() == []
    assert bench.last("a") == Answer("failed", message="no room")
    assert bench.failures == ["no room"]
    bench.want(bench.wish("a", seed=9))
    assert bench.asked() == [(3, "a")]


def test_coarse_answers_come_in_batches_and_full_ones_take_over(bench):
    def coarse(key, seed):
        return bench.wish(key, seed, steps=4, coarse=True, place=seed, holds=len)

    took = []
    bench.exchange.batch_ended.connect(lambda key, ms: took.append(key))
    bench.want(coarse("a", 1), coarse("b", 1))
    assert bench.asked() == [(1, "a"), (2, "b")]
    bench.want(coarse("a", 2), coarse("b", 2))
    assert bench.asked() == []  # the batch goes first
    bench.link.finish(1, 5)
    settle()
    assert bench.asked() == []
    assert bench.last("a").value == (5,)
    bench.link.finish(2, 6)
    settle()
    assert bench.asked() == [(3, "a"), (4, "b")]
    assert took == ["b"]
    for job in (3, 4):
        bench.link.finish(job, 7)
    bench.want(bench.wish("a", 2, steps=4, coarse=True, place=2))  # a hand that rests
    bench.want(bench.wish("a", 2, steps=3, coarse=True, place=2))
    assert bench.asked() == []
    bench.want(bench.wish("a", 2, steps=50, place=2, holds=lambda value: len(value) < 3))
    assert bench.asked() == [(5, "a")]
    for frame in range(2):
        bench.link.frame(5, frame)
    settle()
    assert bench.last("a").value == (7,)  # it has not come as far as the picture
    bench.link.frame(5, 2)
    wait_until(lambda: bench.last("a").value == (0, 1, 2), "the full answer")


def test_some_wait_for_others_and_some_for_a_pause(bench):
    bench.want(bench.wish("tiles"), bench.wish("strip", seed=1, after=("tiles",)))
    assert bench.asked() == [(1, "tiles")]
    assert bench.last("strip").status == "running"
    bench.link.finish(1, 0)
    settle()
    assert bench.asked() == [(2, "strip")]
    bench.want(bench.wish("table", pause_ms=30))
    assert bench.asked() == [-2]
    assert bench.exchange.busy
    wait_until(lambda: bench.link.sent, "the request after the pause")
    assert bench.asked() == [(3, "table")]


def test_work_for_idle_moments_is_given_up_for_what_somebody_waits_for(bench):
    cost = bench.wish("cost", idle=True)
    bench.want(cost)
    assert bench.asked() == [(1, "cost")]
    bench.want(cost, bench.wish("a", seed=1))
    assert bench.asked() == [-1, (2, "a")]
    bench.link.finish(2, 0)
    settle()
    assert bench.asked() == [(3, "cost")]


def test_a_stop_holds_until_something_changes(bench):
    bench.want(bench.wish("a", seed=1), bench.wish("b", seed=2, after=("a",)))
    bench.link.frame(1, 3)
    bench.asked()
    bench.exchange.stop(["a", "b"], "Stopped.")
    assert bench.asked() == [-1]
    assert bench.last("a") == Answer("stopped", (3,), message="Stopped.")
    assert bench.last("b") == Answer("stopped", None, message="Stopped.")
    bench.want(*bench.wants)
    assert bench.asked() == []
    bench.want(bench.wish("a", seed=4))
    assert bench.asked() == [(2, "a")]


def test_what_a_dead_engine_owes_is_asked_again_and_the_rest_stays(bench):
    wants = [bench.wish("a", seed=1), bench.wish("b", seed=2), bench.wish("c", seed=3)]
    bench.want(*wants)
    bench.link.finish(1, 3)
    bench.link.frame(2, 5)
    bench.link.fail(3, "no room")
    bench.link.died.emit("signal 9")
    settle()
    assert bench.last("a").status == "done"
    assert bench.last("b") == Answer("lost", (5,), message="signal 9")
    bench.asked()
    bench.start()
    settle()
    assert [slot for _, slot in bench.asked()] == ["b", "c"]


def test_where_nothing_can_be_asked_something_else_stands(bench):
    bench.want(bench.wish("a"))
    said = []
    bench.want(Unavailable("a", lambda: said.append("why")))
    assert bench.asked() == [(1, "a"), -1]
    assert said == ["why"]


def test_what_is_shown_is_no_reason_to_look_again(bench):
    looks = []
    bench.wanted = lambda: looks.append(1) or [wish]
    wish = bench.wish("a")
    object.__setattr__(wish, "show", lambda answer: bench.exchange.look())
    bench.exchange.look()
    settle()
    bench.link.frame(1, 0)
    settle()
    assert len(looks) == 2  # and one because the first of the answer has come


# What is remembered


def test_the_oldest_answers_go_when_there_is_no_more_room():
    kept = Remembered(most=4000)
    for name in "abcde":
        kept.add(name, Answer("done", np.zeros(1000, np.uint8)))
        kept.find("a")  # which is looked at again and again
    assert kept.size == 4000
    assert [name for name in "abcde" if kept.find(name) is not None] == ["a", "c", "d", "e"]


def test_no_answer_takes_more_than_a_quarter():
    kept = Remembered(most=4000)
    kept.add("large", Answer("done", np.zeros(1001, np.uint8)))
    assert kept.find("large") is None
    assert kept.size == 0


def test_so_much_is_remembered_unless_told_otherwise():
    def answer(size):
        """Of so many bytes, as it says: there is one in memory."""
        return Answer("done", np.broadcast_to(np.uint8(0), (size,)))

    kept, quarter = Remembered(), 64 * 2**20
    kept.add("large", answer(quarter + 1))
    assert len(kept) == 0
    for number in range(5):
        kept.add(number, answer(quarter))
    assert kept.size == 256 * 2**20
    assert [number for number in range(5) if kept.find(number) is not None] == [1, 2, 3, 4]


def test_arrays_are_counted_however_deep_and_once():
    array = np.zeros(100, np.float32)
    answer = Answer("done", {"x": (array, array), "y": [np.zeros(3, np.uint8)]})
    assert size_of(answer) == 403


# The client


def test_a_cancelled_job_is_heard_no_more(qapp):
    link = Link()
    client = Client(link)
    heard = []
    job = client.ask(
        messages.Open(checkpoint="v"), done=lambda *_: heard.append("done"), failed=heard.append
    )
    client.cancel(job)
    link.finish(job)
    assert heard == []
    assert isinstance(link.sent[-1], messages.Cancel)
    client.cancel(job)
    assert len(link.sent) == 2


def test_a_defect_that_nobody_waits_for_is_told(qapp):
    link = Link()
    client = Client(link)
    told = []
    client.failed_unasked.connect(told.append)
    link.received.emit(Packet(messages.Failure(job=9, message="usual"), {}))
    link.received.emit(Packet(messages.Failure(job=9, message="a defect", internal=True), {}))
    assert told == ["a defect"]
