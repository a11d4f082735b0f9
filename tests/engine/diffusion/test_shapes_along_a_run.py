"""States whose shape changes on the way: from the sampler's loop to the file and back."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
import torch

import engine
from engine.commands import group
from engine.diffusion import samplers
from engine.diffusion.noise import draw_step_noise
from engine.diffusion.samplers import Step, sample
from engine.shared import catalogue, messages, trajectory
from engine.shared.catalogue import SamplerRow
from engine.shared.config import SamplerConfig
from engine.shared.trajectory import Trajectory, check_sizes, packed, unpacked
from engine.shared.wire import read_packet, write_packet

MODEL = '''
import engine
from engine.diffusion.denoiser import Denoiser, Prediction


class Late(Denoiser):
    """The second coordinate is there from the middle of the way on."""

    schedule = engine.make_schedule("linear", 20)

    def shape_at(self, t, shape):
        return (1,) if t > 10 else shape

    def predict(self, x_t, t):
        return Prediction(x_t / 2, x_t)


def denoiser(device):
    return engine.OwnModel(Late(), (2,), dataset="v")
'''


@dataclass(frozen=True)
class Grows:
    """Halves the state, and draws what comes into it."""

    steps: int | None = None

    @property
    def config(self) -> SamplerConfig:
        return SamplerConfig(name="grows", steps=self.steps)

    def step(self, step: Step) -> torch.Tensor:
        x = step.x / 2 + 0 * step.noise()
        return x if step.t <= 10 or step.s > 10 else torch.cat([x, step.noise((1,))], dim=1)


@pytest.fixture
def model(tmp_path, monkeypatch) -> str:
    row = SamplerRow(name="grows", title="Grows", tip="Grows.", made_by="Grows")
    monkeypatch.setattr(catalogue, "SAMPLERS", (*catalogue.SAMPLERS, row))
    monkeypatch.setattr(samplers, "Grows", Grows, raising=False)
    (tmp_path / "late.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return "python:late.py"


def through_the_wire(packet):
    stream = io.BytesIO()
    write_packet(stream, packet)
    stream.seek(0)
    return read_packet(stream)


def same(one: Trajectory, other: Trajectory) -> bool:
    pairs = [*zip(one.x, other.x, strict=True), *zip(one.x0, other.x0, strict=True)]
    return list(one.t) == list(other.t) and all(np.array_equal(a, b) for a, b in pairs)


def test_a_run_is_carried_from_the_loop_to_the_file(model, talk, tmp_path):
    checkpoint = engine.load_checkpoint(model)
    assert (checkpoint.shape, checkpoint.latent_shape) == ((2,), (1,))
    latents = engine.draw_latents(7, 3, checkpoint.latent_shape)
    frames = list(
        sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=Grows(4), seed=7)
    )
    assert [frame.x.shape[1] for frame in frames] == [1, 1, 2, 2, 2]
    born = draw_step_noise(7, 15, 3, (1,))
    torch.testing.assert_close(frames[2].x, torch.cat([latents / 4, born], dim=1))
    expected = Trajectory(
        [frame.t for frame in frames],
        [frame.x.numpy() for frame in frames],
        [frame.x0.numpy() for frame in frames],
    )

    config = SamplerConfig(name="grows", steps=4)
    talk.put(messages.Sample(job=1, checkpoint=model, sampler=config, count=3, seed=7))
    talk.run()
    packets = [through_the_wire(packet) for packet in talk.of(1, messages.Frame)]
    sent = Trajectory(
        packets[0].message.times,
        [packet.arrays["x"] for packet in packets],
        [packet.arrays["x0"] for packet in packets],
        {"made": "here"},
    )
    assert same(sent, expected)

    sent.save(tmp_path / "a.npz")
    again = trajectory.load(tmp_path / "a.npz")
    assert same(again, expected)
    assert again.meta == {"made": "here"}

    arguments = ["sample", "--checkpoint", model, "--sampler", "grows", "--steps", "4"]
    arguments += ["--count", "3", "--seed", "7", "--out", "b.npz"]
    assert group.run(group.commands, arguments) == 0
    assert same(trajectory.load(tmp_path / "b.npz"), expected)


def test_what_is_sent_must_have_the_shape_of_its_time(model, talk):
    one, two = np.zeros((3, 1), np.float32), np.zeros((3, 2), np.float32)
    config = SamplerConfig(name="grows", steps=4)
    talk.put(messages.Sample(job=1, checkpoint=model, sampler=config), latents=two)
    talk.put(messages.Field(job=2, slot="a", checkpoint=model, times=[20, 11]), points=one)
    talk.put(messages.Field(job=3, slot="b", checkpoint=model, times=[10]), points=one)
    talk.put(messages.Field(job=4, slot="c", checkpoint=model, times=[20, 10]), points=one)
    talk.run()
    assert talk.last(1).message == "latents must have shape (N, 1), got (3, 2)"
    assert [packet.arrays["x0"].shape for packet in talk.of(2, messages.FieldAt)] == [(3, 1)] * 2
    assert talk.last(3).message == "points must have shape (N, 2), got (3, 1)"
    assert talk.last(4).message.startswith("all times must have states of one shape")


def test_a_run_is_refused_by_all_its_frames_together(model, talk):
    checkpoint = engine.load_checkpoint(model)
    assert checkpoint.sizes_at([20, 15, 10, 5, 0]) == [1, 1, 2, 2, 2]
    most = trajectory.MAX_BYTES // (8 * 8)
    check_sizes(most, [1, 1, 2, 2, 2])
    with pytest.raises(ValueError, match=r"with 5 frames would take 2\.0 GiB, more"):
        check_sizes(most + 1, [1, 1, 2, 2, 2])


def test_states_of_one_shape_are_packed_as_ever():
    x = [np.full((3, 2), k, np.float32) for k in range(4)]
    arrays = packed(x, x)
    assert sorted(arrays) == ["x", "x0"]
    np.testing.assert_array_equal(arrays["x"], np.stack(x))


@pytest.mark.parametrize("shapes", [[(3, 2), (3, 4)], [(3, 1, 4, 4), (3, 2), (3, 16)], [(1, 5)]])
def test_what_is_packed_is_unpacked(shapes):
    random = np.random.default_rng(0)
    x, x0 = ([random.normal(size=s).astype(np.float32) for s in shapes] for _ in range(2))
    for before, after in zip((x, x0), unpacked(packed(x, x0)), strict=True):
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)


FLAT = np.zeros(10, np.float32)
BAD = {
    "too few": {"shapes": np.array([[3, 1], [3, 1]])},
    "too many": {"shapes": np.array([[3, 1], [3, 3]])},
    "other counts": {"shapes": np.array([[2, 1], [4, 2]])},
    "fractions": {"shapes": np.array([[2.0, 1.0], [2.0, 4.0]])},
    "negative": {"shapes": np.array([[2, -1], [2, 6]])},
    "a hole": {"shapes": np.array([[2, 0, 1], [2, 2, 2]])},
    "a vast one": {"shapes": np.array([[2, 2**62, 2**62], [2, 2, 2]])},
    "no states": {"shapes": np.array([[2], [8]])},
    "none": {"shapes": np.zeros((0, 2), np.int64)},
    "another x0": {"shapes": np.array([[2, 1], [2, 4]]), "x0": np.zeros(9, np.float32)},
    "frames": {"shapes": np.array([[2, 1], [2, 4]]), "x": FLAT[None], "x0": FLAT[None]},
    "times": {"shapes": np.array([[2, 1], [2, 4]]), "t": np.array([5, 3, 0])},
    "no shapes": {},
}


@pytest.mark.parametrize("name", BAD)
def test_shapes_that_do_not_fit_are_refused_by_name(tmp_path, name):
    arrays = {"x": FLAT, "x0": FLAT, "t": np.array([5, 0]), "meta": np.array("{}"), **BAD[name]}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(ValueError, match=r"bad\.npz is not a ToyDiff trajectory: x .* disagree"):
        trajectory.load(tmp_path / "bad.npz")
