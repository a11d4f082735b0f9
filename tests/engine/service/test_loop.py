"""The service as a loop in this thread: what it sends can put the next message into its inbox."""

from __future__ import annotations

import queue
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import engine
from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.exact import IdealDenoiser
from engine.diffusion.inversion import invert
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, DPMSolverPP2M, Heun, sample
from engine.service import loop
from engine.service.jobs import training
from engine.service.loop import Service
from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import Packet
from engine.training.trainer import Trainer
from tests.engine.conversation import Conversation

DDIM_20 = SamplerConfig(name="ddim")


@pytest.fixture
def checkpoint(trained) -> str:
    return str(trained)


def request_sample(checkpoint, job=1, **changes):
    values = {"job": job, "checkpoint": checkpoint, "sampler": DDIM_20, "count": 5}
    return messages.Sample(**(values | changes))


def request_train(config, out, job=1, **changes):
    values = {"job": job, "config": config, "out": str(out), "snapshot_seconds": 1e9}
    return messages.Train(**(values | changes))


def requests(checkpoint: str) -> dict[str, tuple[messages.Request, dict[str, np.ndarray]]]:
    """One of every kind that evaluates a network."""
    points = np.ones((4, 2), np.float32)
    return {
        "sample": (request_sample(checkpoint), {}),
        "heun": (request_sample(checkpoint, sampler=SamplerConfig(name="heun", steps=9)), {}),
        "interpolate": (
            messages.Interpolate(job=1, checkpoint=checkpoint, sampler=DDIM_20, points=9),
            {"start": points[0], "end": -points[0]},
        ),
        "invert": (messages.Invert(job=1, checkpoint=checkpoint), {"data": points}),
        "evaluate": (messages.Evaluate(job=1, checkpoint=checkpoint, quick=True), {}),
    }


def test_it_says_first_that_it_is_ready(talk):
    talk.end()
    talk.run()
    (ready,) = talk.reports
    assert ready.message.version == engine.__version__
    assert ready.message.device in ready.message.devices


def test_opening_describes_a_checkpoint(talk, checkpoint):
    talk.put(messages.Open(job=4, checkpoint=checkpoint))
    talk.run()
    assert talk.last(4).info == engine.load_checkpoint(checkpoint).describe()


def test_samples_are_those_of_the_library(talk, checkpoint):
    loaded = engine.load_checkpoint(checkpoint)
    talk.put(request_sample(checkpoint, sampler=SamplerConfig(name="ddpm", steps=5), seed=3))
    own = draw_latents(9, 4, (2,))
    talk.put(request_sample(checkpoint, job=2, slot="b"), latents=own.numpy())
    talk.run()
    expected = sample(
        loaded.denoiser, loaded.schedule, draw_latents(3, 5, (2,)), sampler=DDPM(5), seed=3
    )
    packets = talk.of(1, messages.Frame)
    for index, (packet, frame) in enumerate(zip(packets, expected, strict=True)):
        assert packet.message.index == index
        assert packet.message.times == ([20, 16, 12, 8, 4, 0] if index == 0 else [])
        np.testing.assert_array_equal(packet.arrays["x"], frame.x)
        np.testing.assert_array_equal(packet.arrays["x0"], frame.x0)
    assert not talk.last(1).cancelled
    own_expected = sample(loaded.denoiser, loaded.schedule, own, sampler=DDIM())
    np.testing.assert_array_equal(talk.frames(2), [frame.x for frame in own_expected])


def test_interpolating_starts_on_the_straight_line(talk, checkpoint):
    request = requests(checkpoint)["interpolate"][0]
    talk.put(request, start=np.float32([-1, 2]), end=np.float32([-1, -2]))
    talk.run()
    line = np.stack([np.full(9, -1.0), np.linspace(2, -2, 9)], axis=1)
    np.testing.assert_allclose(talk.frames(1)[0], line, atol=1e-6)
    assert len(talk.frames(1)) == 21


def test_inverting_is_that_of_the_library(talk, checkpoint):
    loaded = engine.load_checkpoint(checkpoint)
    data = np.float32([[0.5, -1], [1, 1]])
    talk.put(messages.Invert(job=1, checkpoint=checkpoint, steps=4), data=data)
    talk.run()
    expected = invert(loaded.denoiser, loaded.schedule, torch.from_numpy(data), steps=4)
    np.testing.assert_array_equal(talk.frames(1), [frame.x for frame in expected])
    indices = [packet.message.index for packet in talk.of(1, messages.Frame)]
    assert indices == [0, 1, 2, 3, 4]
    assert talk.of(1)[0].message.times == [0, 5, 10, 15, 20]


def test_a_field_is_a_prediction_at_each_time(talk, checkpoint, evaluations):
    seen = []
    talk.react = lambda packet: seen.append(len(evaluations))
    points = draw_latents(0, 6, (2,))
    field = messages.Field(job=1, checkpoint=checkpoint, times=[7, 20, 1])
    talk.put(field, points=points.numpy())
    talk.run()
    assert evaluations == [7, 20, 1]
    assert seen[-4:] == [1, 2, 3, 3]  # each is sent before the next one is asked for
    packets = talk.of(1, messages.FieldAt)
    assert [packet.message.t for packet in packets] == [7, 20, 1]
    denoiser = engine.load_checkpoint(checkpoint).denoiser
    for packet in packets:
        with torch.no_grad():
            expected = denoiser.predict(points, packet.message.t)
        np.testing.assert_array_equal(packet.arrays["x0"], expected.x0)
        np.testing.assert_array_equal(packet.arrays["eps"], expected.eps)


def test_the_last_frame_alone(talk, checkpoint):
    talk.put(request_sample(checkpoint, last=True))
    talk.put(request_sample(checkpoint, job=2, slot="all"))
    talk.run()
    (frame,) = talk.of(1, messages.Frame)
    assert (frame.message.index, frame.message.times) == (0, [0])
    np.testing.assert_array_equal(frame.arrays["x"], talk.frames(2)[-1])
    assert talk.last(1).info == talk.last(2).info


def test_an_inversion_may_be_replayed(talk, checkpoint):
    data = np.float32([[0.5, -1], [1, 1], [-0.3, 0.2]])
    talk.put(messages.Invert(job=1, checkpoint=checkpoint, replay=True), data=data)
    talk.run()
    answer = talk.of(1)[-1]
    np.testing.assert_array_equal(answer.arrays["latents"], talk.frames(1)[-1])
    loaded = engine.load_checkpoint(checkpoint)
    latents = torch.from_numpy(answer.arrays["latents"])
    *_, back = sample(loaded.denoiser, loaded.schedule, latents, sampler=DDIM())
    errors = np.linalg.norm(back.x.numpy() - data, axis=1)
    np.testing.assert_allclose(answer.arrays["errors"], errors, rtol=1e-4)
    assert errors.shape == (3,)
    assert len(talk.frames(1)) == 21  # the way back is not shown


def test_the_exact_denoiser_under_a_name(talk, checkpoint):
    talk.put(request_sample(f"exact:{checkpoint}"))
    talk.run()
    loaded = engine.load_checkpoint(checkpoint)
    denoiser = IdealDenoiser(loaded.training_points(), loaded.schedule)
    latents = draw_latents(0, 5, (2,))
    expected = [frame.x for frame in sample(denoiser, loaded.schedule, latents, sampler=DDIM())]
    np.testing.assert_array_equal(talk.frames(1), expected)
    # Its samples are points of the data.
    gaps = np.linalg.norm(talk.frames(1)[-1][:, None] - loaded.training_points(), axis=2).min(1)
    assert gaps.max() < 0.1


def test_evaluating_gives_the_figures(talk, checkpoint, monkeypatch):
    monkeypatch.setattr("engine.analysis.evaluation.SAMPLES", 100)
    request, _ = requests(checkpoint)["evaluate"]
    talk.put(request)
    talk.run()
    info = talk.last(1).info
    assert {"distance", "distance_floor", "distance_ratio", "off_data", "off_data_floor"} <= set(
        info
    )
    assert info["distance_ratio"] == pytest.approx(info["distance"] / info["distance_floor"])
    assert "distance_error" not in info  # there is none for a single set


def test_frames_are_sent_as_they_arise(talk, checkpoint, evaluations):
    seen = []

    def react(packet):
        if isinstance(packet.message, messages.Frame):
            seen.append((packet.message.index, len(evaluations)))

    talk.react = react
    talk.put(request_sample(checkpoint))
    talk.run()
    assert seen == [(k, min(k + 1, 20)) for k in range(21)]


@pytest.mark.parametrize("sampler", [Heun(4), DPMSolverPP2M(4)], ids=["heun", "dpmpp2m"])
def test_second_order_samples_are_those_of_the_library(talk, checkpoint, evaluations, sampler):
    talk.put(request_sample(checkpoint, sampler=sampler.config))
    talk.run()
    assert len(evaluations) == sampler.config.evaluations(20)
    loaded = engine.load_checkpoint(checkpoint)
    latents = draw_latents(0, 5, (2,))
    expected = sample(loaded.denoiser, loaded.schedule, latents, sampler=sampler)
    np.testing.assert_array_equal(talk.frames(1), [frame.x for frame in expected])
    indices = [packet.message.index for packet in talk.of(1, messages.Frame)]
    assert indices == [0, 1, 2, 3, 4]
    assert talk.of(1)[0].message.times == [20, 15, 10, 5, 0]


def test_a_newer_request_of_the_same_kind_supersedes(talk, checkpoint, evaluations):
    def react(packet):
        if packet.message.job == 1 and getattr(packet.message, "index", -1) == 2:
            talk.put(request_sample(checkpoint, job=2))

    talk.react = react
    talk.put(request_sample(checkpoint))
    talk.run()
    assert len(talk.of(1, messages.Frame)) == 3
    assert talk.last(1).cancelled
    assert len(talk.of(2, messages.Frame)) == 21
    assert not talk.last(2).cancelled
    assert len(evaluations) == 3 + 20


def test_other_slots_and_kinds_run_in_turn(talk, checkpoint):
    talk.put(request_sample(checkpoint, slot="left"))
    talk.put(request_sample(checkpoint, job=2, slot="right"))
    _request, arrays = requests(checkpoint)["invert"]
    talk.put(messages.Invert(job=3, checkpoint=checkpoint, slot="left"), **arrays)
    talk.run()
    order = [
        packet.message.job for packet in talk.reports if isinstance(packet.message, messages.Frame)
    ]
    assert [order.count(job) for job in (1, 2, 3)] == [21, 21, 21]
    # Nobody waits until another one has ended.
    assert max(order.index(job) for job in (1, 2, 3)) < 10
    assert not any(talk.last(job).cancelled for job in (1, 2, 3))


@pytest.mark.parametrize("kind", ["sample", "heun", "interpolate", "invert", "evaluate"])
@pytest.mark.parametrize("after", [1, 2, 4, 6, 11])
def test_cancel_takes_effect_after_at_most_one_evaluation(
    talk, checkpoint, monkeypatch, kind, after
):
    done = []
    ask = NetworkDenoiser.predict

    def predict(self, x_t, t):
        done.append(t)
        if len(done) == after:
            talk.put(messages.Cancel(job=1))
        return ask(self, x_t, t)

    monkeypatch.setattr("engine.analysis.evaluation.SAMPLES", 100)
    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    request, arrays = requests(checkpoint)[kind]
    talk.put(request, **arrays)
    talk.run()
    assert len(done) == after
    assert talk.last(1).cancelled


def test_cancelling_what_is_over_is_nothing(talk, checkpoint):
    talk.put(messages.Cancel(job=77))
    talk.put(messages.Pause(job=77))
    talk.put(messages.Resume(job=77))
    field = messages.Field(job=1, checkpoint=checkpoint, times=[7])
    talk.put(field, points=np.zeros((1, 2), np.float32))
    talk.run()
    assert not talk.of(77)
    assert isinstance(talk.last(1), messages.Result)


# Training


def test_a_training_reports_losses_samples_and_quality(talk, config_for, tmp_path):
    talk.put(request_train(config_for(steps=25), tmp_path / "run", snapshot_seconds=0))
    talk.run()
    snapshots = talk.of(1, messages.Snapshot)
    steps = np.concatenate([packet.arrays["steps"] for packet in snapshots])
    assert steps.tolist() == list(range(1, 26))
    for packet in snapshots:
        assert packet.arrays["losses"].shape == packet.arrays["steps"].shape
        assert packet.arrays["x"].shape == packet.arrays["x0"].shape == (21, 1000, 2)
        assert packet.arrays["t"].tolist() == list(range(20, -1, -1))
        # The latents are fixed.
        np.testing.assert_array_equal(packet.arrays["x"][0], draw_latents(0, 1000, (2,)))
        values = packet.message.values
        assert values["distance"] > values["distance_floor"] > 0
        assert packet.message.total == 25
    assert snapshots[-1].message.step == 25
    # The last picture is of the weights that were saved.
    saved = engine.load_checkpoint(tmp_path / "run")
    *_, last = sample(saved.denoiser, saved.schedule, draw_latents(0, 1000, (2,)), sampler=DDIM())
    np.testing.assert_array_equal(snapshots[-1].arrays["x"][-1], last.x)
    assert talk.last(1).info["step"] == 25
    assert talk.last(1).info["out"] == str(tmp_path / "run")


def test_a_cancelled_training_is_saved_and_can_go_on(talk, config_for, tmp_path):
    def react(packet):
        if isinstance(packet.message, messages.Snapshot):
            talk.put(messages.Cancel(job=1))

    talk.react = react
    talk.put(request_train(config_for(steps=1000), tmp_path, snapshot_seconds=0))
    talk.run()
    assert talk.last(1).cancelled
    assert talk.last(1).info == {"out": str(tmp_path)}
    reached = engine.load_checkpoint(tmp_path).description.step
    assert 1 <= reached < 1000

    again = Conversation()
    again.put(request_train(config_for(steps=reached + 3), tmp_path, resume=True))
    again.run()
    assert again.last(1).info["step"] == reached + 3


def test_the_end_of_the_input_saves_a_training(talk, config_for, tmp_path):
    talk.react = lambda packet: (
        talk.end() if isinstance(packet.message, messages.Snapshot) else None
    )
    talk.put(request_train(config_for(steps=1000), tmp_path, snapshot_seconds=0))
    talk.run()
    assert 1 <= engine.load_checkpoint(tmp_path).description.step < 1000


def test_shutdown_saves_a_training(talk, config_for, tmp_path):
    talk.react = lambda packet: (
        talk.put(messages.Shutdown()) if isinstance(packet.message, messages.Snapshot) else None
    )
    talk.put(request_train(config_for(steps=1000), tmp_path, snapshot_seconds=0))
    talk.run()
    assert 1 <= engine.load_checkpoint(tmp_path).description.step < 1000


def test_a_listener_that_is_gone_saves_a_training(config_for, tmp_path):
    inbox: loop.Inbox = queue.SimpleQueue()

    def send(packet):
        if isinstance(packet.message, messages.Snapshot):
            raise BrokenPipeError

    inbox.put(Packet(request_train(config_for(steps=1000), tmp_path, snapshot_seconds=0)))
    Service(inbox, send, torch.device("cpu")).run()
    assert 1 <= engine.load_checkpoint(tmp_path).description.step < 1000


def test_only_one_training_at_a_time(talk, config_for, tmp_path):
    talk.put(request_train(config_for(), tmp_path / "one"))
    talk.put(request_train(config_for(), tmp_path / "two", job=2, slot="other"))
    talk.run()
    assert talk.last(2).message == "a training is already running; stop it first"
    assert talk.last(1).info["step"] == 30
    assert not (tmp_path / "two").exists()


def test_pause_holds_and_resume_lets_go_on(talk, config_for, checkpoint, tmp_path, monkeypatch):
    steps: list[int] = []
    make = Trainer.step
    monkeypatch.setattr(Trainer, "step", lambda self: (steps.append(1), make(self))[1])
    held_at = []

    def react(packet):
        message = packet.message
        if isinstance(message, messages.Snapshot) and not held_at:
            held_at.append(len(steps))
            talk.put(messages.Pause(job=1))
            talk.put(request_sample(checkpoint, job=2))
        if isinstance(message, messages.Result) and message.job == 2:
            assert len(steps) == held_at[0]
            talk.put(messages.Resume(job=1))

    talk.react = react
    talk.put(request_train(config_for(steps=40), tmp_path, snapshot_seconds=0))
    talk.run()
    assert len(talk.of(2, messages.Frame)) == 21
    assert talk.last(1).info["step"] == len(steps) == 40


def test_the_network_in_training_can_be_sampled(talk, config_for, tmp_path):
    def react(packet):
        message = packet.message
        if isinstance(message, messages.Snapshot) and message.step >= 3 and not talk.of(2):
            talk.put(messages.Pause(job=1))
            talk.put(request_sample("live", job=2))
            talk.put(messages.Open(job=3, checkpoint="live"))
        if isinstance(message, messages.Result) and message.job == 2:
            talk.put(messages.Cancel(job=1))

    talk.react = react
    talk.put(request_train(config_for(steps=1000), tmp_path, snapshot_seconds=0))
    talk.run()
    saved = engine.load_checkpoint(tmp_path)
    assert talk.last(3).info["step"] == saved.description.step
    expected = sample(saved.denoiser, saved.schedule, draw_latents(0, 5, (2,)), sampler=DDIM())
    np.testing.assert_array_equal(talk.frames(2), [frame.x for frame in expected])


def test_a_retrained_file_is_read_again(talk, config_for, tmp_path):
    talk.put(request_train(config_for(steps=5), tmp_path))

    def react(packet):
        message = packet.message
        if isinstance(message, messages.Result) and message.job == 1:
            talk.put(messages.Open(job=2, checkpoint=str(tmp_path)))
        if isinstance(message, messages.Result) and message.job == 2:
            talk.put(request_train(config_for(steps=9), tmp_path, job=3, resume=True))
        if isinstance(message, messages.Result) and message.job == 3:
            talk.put(messages.Open(job=4, checkpoint=str(tmp_path)))

    talk.react = react
    talk.run()
    assert [talk.last(job).info["step"] for job in (2, 4)] == [5, 9]


@pytest.fixture
def clock(monkeypatch):
    """A clock that only work moves: an update takes 1, an evaluation 7 seconds."""
    spent = SimpleNamespace(training=0.0, other=0.0)
    told = SimpleNamespace(perf_counter=lambda: spent.training + spent.other)
    for module in (loop, training):
        monkeypatch.setattr(module, "time", told)
    step, ask = Trainer.step, NetworkDenoiser.predict

    def slow_step(self):
        spent.training += 1
        return step(self)

    def slow_predict(self, x_t, t):
        spent.other += 7
        return ask(self, x_t, t)

    monkeypatch.setattr(Trainer, "step", slow_step)
    monkeypatch.setattr(NetworkDenoiser, "predict", slow_predict)
    return spent


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("lanes", [1, 3])
def test_training_keeps_a_fifth_under_constant_load(
    talk, config_for, checkpoint, tmp_path, clock, steps, lanes
):
    """Each lane asks again as soon as it is served; fewer steps are shorter jobs."""
    left = [60 // steps]
    sampler = SamplerConfig(steps=steps)

    def ask(job):
        talk.put(request_sample(checkpoint, job=job, slot=str(job % lanes), sampler=sampler))

    def react(packet):
        message = packet.message
        if isinstance(message, messages.Result) and not message.cancelled:
            left[0] -= 1
            if left[0] > 0:
                ask(message.job + lanes)
            elif left[0] == 0:
                talk.end()

    talk.react = react
    talk.put(
        request_train(config_for(steps=100_000, checkpoint_every=100_000), tmp_path, job=10**6)
    )
    for job in range(lanes):
        ask(job + lanes)
    talk.run()
    share = clock.training / (clock.training + clock.other)
    assert 0.18 < share < 0.3


def test_training_keeps_a_fifth_when_requests_leave_gaps(
    talk, config_for, checkpoint, tmp_path, clock, monkeypatch
):
    """Requests of one long evaluation each, the next one an update after the answer."""
    left, waiting = [40], [True]
    step = Trainer.step

    def step_then_ask(self):
        if waiting[0]:
            waiting[0] = False
            talk.put(request_sample(checkpoint, job=left[0], sampler=SamplerConfig(steps=1)))
        return step(self)

    def react(packet):
        if isinstance(packet.message, messages.Result):
            left[0], waiting[0] = left[0] - 1, True
            if not left[0]:
                talk.end()

    monkeypatch.setattr(Trainer, "step", step_then_ask)
    talk.react = react
    talk.put(
        request_train(config_for(steps=100_000, checkpoint_every=100_000), tmp_path, job=10**6)
    )
    talk.run()
    assert clock.training / (clock.training + clock.other) >= 0.19


# What goes wrong


def failing(checkpoint, trained, config) -> dict[str, tuple[messages.Request, dict, str]]:
    two = np.zeros((3, 2), np.float32)
    far = SamplerConfig(steps=999)
    return {
        "unknown checkpoint": (request_sample("nowhere"), {}, "nowhere"),
        "count": (request_sample(checkpoint, count=0), {}, "number of samples .* got 0"),
        "large count": (request_sample(checkpoint, count=10**7), {}, "got 10000000"),
        "steps": (request_sample(checkpoint, sampler=far), {}, "at most T = 20, got 999"),
        "shape": (
            request_sample(checkpoint),
            {"latents": np.zeros((3, 5), np.float32)},
            r"latents must have shape \(N, 2\), got \(3, 5\)",
        ),
        "type": (request_sample(checkpoint), {"latents": np.zeros((3, 2), int)}, "int64"),
        "NaN": (request_sample(checkpoint), {"latents": two * np.nan}, "finite"),
        "no rows": (request_sample(checkpoint), {"latents": two[:0]}, r"\(0, 2\)"),
        "no start": (requests(checkpoint)["interpolate"][0], {"end": two[0]}, "'start' was not"),
        "infinite end": (
            requests(checkpoint)["interpolate"][0],
            {"start": two[0], "end": two[0] + np.inf},
            "endpoints must be finite",
        ),
        "path": (
            messages.Interpolate(job=1, checkpoint=checkpoint, sampler=DDIM_20, path="zigzag"),
            {"start": two[0], "end": two[1]},
            "unknown path 'zigzag'",
        ),
        "side": (
            messages.Interpolate(job=1, checkpoint=checkpoint, sampler=DDIM_20, side="up"),
            {"start": two[0], "end": two[1]},
            "unknown side 'up'",
        ),
        "way-points": (
            messages.Interpolate(job=1, checkpoint=checkpoint, sampler=DDIM_20, path="drawn"),
            {"start": two[0], "end": two[1], "through": np.zeros((1, 3), np.float32)},
            r"through must have shape \(N, 2\), got \(1, 3\)",
        ),
        "compared path": (
            messages.ComparePaths(
                job=1, checkpoint=checkpoint, sampler=DDIM_20, paths=["linear", "zigzag"]
            ),
            {"start": two[0], "end": two[1]},
            "unknown path 'zigzag'",
        ),
        "search without an end": (
            messages.FindPath(job=1, checkpoint=checkpoint),
            {"start": two[0]},
            "'end' was not",
        ),
        "points": (
            messages.Interpolate(job=1, checkpoint=checkpoint, sampler=DDIM_20, points=1),
            {"start": two[0], "end": two[1]},
            "got 1",
        ),
        "time": (
            messages.Field(job=1, checkpoint=checkpoint, times=[21]),
            {"points": two},
            "t = 21",
        ),
        "no times": (
            messages.Field(job=1, checkpoint=checkpoint, times=[]),
            {"points": two},
            "number of times .* got 0",
        ),
        "live": (request_sample("live"), {}, "no training is running"),
        "taken folder": (request_train(config, trained), {}, "already holds a training"),
        "unwritable": (
            request_train(config, trained / "checkpoint.safetensors" / "x"),
            {},
            "cannot write to folder",
        ),
    }


def test_the_number_of_a_running_job_is_refused(talk, checkpoint):
    def ask_again(packet: Packet) -> None:
        if isinstance(packet.message, messages.Frame) and packet.message.index == 0:
            talk.put(messages.Open(job=1, checkpoint=checkpoint))

    talk.react = ask_again
    talk.put(request_sample(checkpoint))
    talk.put(messages.Open(job=2, checkpoint=checkpoint))
    talk.run()
    (failure,) = talk.of(1, messages.Failure)
    assert failure.message.message == "job 1 is running: a new request needs another number"
    assert not failure.message.internal
    assert isinstance(talk.last(2), messages.Result)


@pytest.mark.parametrize("name", failing("", Path(), None))
def test_failures_name_the_value_and_the_service_goes_on(
    talk, checkpoint, trained, config_for, name
):
    request, arrays, message = failing(checkpoint, trained, config_for())[name]
    talk.put(request, **arrays)
    talk.put(messages.Open(job=2, checkpoint=checkpoint))
    talk.run()
    failure = talk.last(1)
    assert isinstance(failure, messages.Failure)
    assert not failure.internal
    assert not talk.of(1, messages.Frame)
    assert re.search(message, failure.message), failure.message
    assert isinstance(talk.last(2), messages.Result)


def test_a_defect_is_told_with_its_traceback(talk, checkpoint, monkeypatch):
    ask, calls = NetworkDenoiser.predict, []

    def predict(self, x_t, t):
        calls.append(t)
        return 1 / 0 if len(calls) == 3 else ask(self, x_t, t)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    talk.put(request_sample(checkpoint))
    talk.put(request_sample(checkpoint, job=2, slot="other"))
    talk.run()
    (broken,) = [p.message for p in talk.reports if isinstance(p.message, messages.Failure)]
    assert broken.internal
    assert "ZeroDivisionError" in broken.message
    assert "Traceback" in broken.detail
    assert "in predict" in broken.detail
    other = 3 - broken.job
    assert len(talk.of(other, messages.Frame)) == 21


def test_a_full_disk_fails_the_training_and_keeps_the_old_files(
    talk, config_for, tmp_path, monkeypatch
):
    before = Conversation()
    before.put(request_train(config_for(steps=5), tmp_path))
    before.run()
    old = (tmp_path / "checkpoint.safetensors").read_bytes()
    monkeypatch.setattr(
        "engine.shared.files.os.fsync",
        lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    talk.put(request_train(config_for(steps=40), tmp_path, resume=True))
    talk.run()
    assert talk.last(1).message == f"cannot save in {tmp_path}: No space left on device"
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == old


def test_a_report_is_no_request(talk, checkpoint):
    talk.put(messages.Result(job=9))
    talk.put(messages.Open(job=2, checkpoint=checkpoint))
    talk.run()
    assert talk.last(9).message == "not a request: Result"


def test_threads_are_given_back_after_a_training(talk, config_for, tmp_path):
    torch.set_num_threads(2)
    talk.put(request_train(config_for(steps=3), tmp_path))
    talk.run()
    assert torch.get_num_threads() == 2


def test_samples_that_are_not_finite_do_not_end_a_training(talk, config_for, tmp_path, monkeypatch):
    ask = NetworkDenoiser.predict

    def predict(self, x_t, t):
        prediction = ask(self, x_t, t)
        return type(prediction)(prediction.x0 * torch.inf, prediction.eps)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    talk.put(request_train(config_for(steps=3), tmp_path / "run", snapshot_seconds=0.0))
    talk.run()
    assert isinstance(talk.last(1), messages.Result)
    assert all(packet.message.values == {} for packet in talk.of(1, messages.Snapshot))
