"""The commands: what they write, that it can be made again, and what they refuse."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import engine
from engine.checkpoints.checkpoint import Description, load_tensors, save_tensors
from engine.checkpoints.networks import build_network
from engine.commands import group, progress
from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.inversion import invert
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, DDPMSharedNoise, DPMSolverPP2M, Heun, sample
from engine.paths import geodesic_points
from engine.paths.curves import make_path
from engine.shared import command_line
from engine.shared.command_help import NAME_VARIABLE
from engine.training import trainer
from engine.training.runs import open_run, train

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def run(*arguments: object) -> int:
    return group.run(group.commands, [str(argument) for argument in arguments])


def ok(*arguments: object) -> None:
    assert run(*arguments) == 0


@pytest.fixture
def checkpoint(trained):
    return engine.load_checkpoint(trained)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(path: str):
    with np.load(path) as content:
        return {name: content[name] for name in content.files}


# Sampling


@pytest.mark.parametrize(
    ("options", "sampler"),
    [
        (["--sampler", "ddpm"], DDPM()),
        (["--sampler", "ddpm-shared", "--steps", 5], DDPMSharedNoise(5)),
        (["--sampler", "ddim", "--steps", 7], DDIM(7)),
        (["--sampler", "ddim", "--eta", 0.5], DDIM(eta=0.5)),
        (["--sampler", "heun", "--steps", 7], Heun(7)),
        (["--sampler", "dpmpp2m", "--steps", 7], DPMSolverPP2M(7)),
        ([], DDIM()),
    ],
    ids=str,
)
def test_sample_keeps_every_state(trained, checkpoint, options, sampler):
    ok("sample", "--checkpoint", trained, *options, "--count", 6, "--seed", 3, "--out", "a.npz")
    content = read("a.npz")
    latents = draw_latents(3, 6, (2,))
    frames = list(
        sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=sampler, seed=3)
    )
    assert set(content) == {"x", "t", "x0", "meta"}
    assert content["x"].dtype == content["x0"].dtype == np.float32
    assert content["t"].dtype.kind == "i"
    assert content["t"].tolist() == [frame.t for frame in frames]
    np.testing.assert_array_equal(content["x"], np.stack([frame.x for frame in frames]))
    np.testing.assert_array_equal(content["x0"], np.stack([frame.x0 for frame in frames]))
    np.testing.assert_array_equal(content["x"][0], latents)
    np.testing.assert_array_equal(content["x0"][-1], content["x"][-1])


def test_sample_may_keep_the_last_state_alone(trained):
    common = ["--checkpoint", trained, "--count", 6, "--sampler", "ddpm"]
    ok("sample", *common, "--out", "all.npz")
    ok("sample", *common, "--keep", "last", "--out", "last.npz")
    everything, last = read("all.npz"), read("last.npz")
    assert last["t"].tolist() == [0]
    np.testing.assert_array_equal(last["x"], everything["x"][-1:])


def test_sample_from_a_file_of_latents(trained):
    np.save("latents.npy", draw_latents(3, 6, (2,)).numpy().astype(np.float64))
    ok("sample", "--checkpoint", trained, "--latents", "latents.npy", "--out", "a.npz")
    ok("sample", "--checkpoint", trained, "--count", 6, "--seed", 3, "--out", "b.npz")
    np.testing.assert_array_equal(read("a.npz")["x"], read("b.npz")["x"])


ROUND = ["interpolate", "--from", "-1,2", "--to", "1,-2", "--points", 7]
"""From one side of the origin to the other."""


@pytest.fixture
def short_search(monkeypatch):
    """A search of a few passes."""
    monkeypatch.setattr(geodesic_points, "STAGES", ((3, 2), (1, 3)))


@pytest.mark.parametrize(
    "command",
    [
        ["sample", "--sampler", "ddpm", "--count", 5, "--seed", 4],
        [
            "sample",
            "--sampler",
            "ddim",
            "--steps",
            6,
            "--eta",
            0.25,
            "--count",
            5,
            "--keep",
            "last",
        ],
        [
            "interpolate",
            "--from",
            "-1,2",
            "--to",
            "1,0.5",
            "--points",
            7,
            "--sampler",
            "ddpm-shared",
        ],
        [*ROUND, "--path", "spherical", "--side", "right", "--even"],
        [*ROUND, "--path", "drawn", "--through", "0,-2", "-0.5,1e-3", "--steps", 3],
        [*ROUND, "--path", "geodesic", "--seed", 2],
        [*ROUND, "--path", "geodesic", "--no-even"],
    ],
    ids=lambda command: " ".join(map(str, command[:3] + command[7:11])),
)
@pytest.mark.usefixtures("short_search")
def test_the_same_command_gives_the_same_bytes_and_meta_says_which(trained, command):
    ok(*command, "--checkpoint", trained, "--out", "a.npz")
    ok(*command, "--checkpoint", trained, "--out", "b.npz")
    first = Path("a.npz").read_bytes()
    assert first == Path("b.npz").read_bytes()

    meta = json.loads(str(read("a.npz")["meta"]))
    again = [meta["command"], "--checkpoint", meta["checkpoint"], "--seed", meta["seed"]]
    again += ["--sampler", meta["sampler"]["name"], "--eta", meta["sampler"]["eta"]]
    again += ["--keep", meta["keep"]]
    if meta["sampler"]["steps"] is not None:
        again += ["--steps", meta["sampler"]["steps"]]
    if meta["command"] == "sample":
        again += ["--count", meta["count"]]
    else:
        again += ["--from", ",".join(map(str, meta["from"])), "--points", meta["points"]]
        again += ["--to", ",".join(map(str, meta["to"])), "--path", meta["path"]]
        again += ["--even" if meta["even"] else "--no-even"]
        if meta["side"] is not None:
            again += ["--side", meta["side"]]
        if meta["through"]:
            again += ["--through", *(",".join(map(str, point)) for point in meta["through"])]
    ok(*again, "--out", "c.npz")
    assert first == Path("c.npz").read_bytes()


@pytest.mark.parametrize(
    "ends", [["--from", "-1,2", "--to", "-1,-2"], ["--from=-1,2", "--to=-1,-2"]]
)
def test_interpolate_carries_a_straight_line(trained, checkpoint, ends):
    ok("interpolate", "--checkpoint", trained, *ends, "--points", 9, "--out", "a.npz")
    content = read("a.npz")
    line = np.stack([np.full(9, -1.0), np.linspace(2, -2, 9)], axis=1).astype(np.float32)
    assert set(content) == {"x", "t", "x0", "meta", "latents"}
    np.testing.assert_allclose(content["latents"], line, atol=1e-6)
    np.testing.assert_array_equal(content["latents"][[0, -1]], [[-1, 2], [-1, -2]])
    np.testing.assert_array_equal(content["latents"], content["x"][0])
    expected = sample(
        checkpoint.denoiser,
        checkpoint.schedule,
        torch.from_numpy(content["latents"]),
        sampler=DDIM(),
    )
    np.testing.assert_array_equal(content["x"], np.stack([frame.x for frame in expected]))


def test_interpolate_has_500_points(trained):
    ok("interpolate", "--checkpoint", trained, "--from", "0,0", "--to", "1,1", "--steps", 2,
       "--out", "a.npz")  # fmt: skip
    assert read("a.npz")["latents"].shape == (500, 2)


THROUGH = np.float32([[0, -2], [-0.5, 1]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"name": "linear"}),
        (["--path", "spherical"], {"name": "spherical", "side": "left"}),
        (["--path=norm-guided", "--side=right"], {"name": "norm-guided", "side": "right"}),
        (["--path", "prior-preserving"], {"name": "prior-preserving"}),
        (["--path", "drawn", "--through", "0,-2", "-0.5,1"], {"name": "drawn", "through": THROUGH}),
        (["--through=0,-2", "-.5,1", "--path=drawn"], {"name": "drawn", "through": THROUGH}),
        (
            ["--through", "0,-2", "--path", "drawn", "--through", "-0.5,1"],
            {"name": "drawn", "through": THROUGH},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_interpolate_takes_every_path(trained, options, expected):
    ok(*ROUND, "--checkpoint", trained, *options, "--steps", 2, "--out", "a.npz")
    through = expected.pop("through", None)
    path = make_path(
        **expected,
        start=torch.tensor([-1.0, 2]),
        end=torch.tensor([1.0, -2]),
        points=7,
        through=None if through is None else torch.from_numpy(through),
    )
    np.testing.assert_array_equal(read("a.npz")["latents"], path)


@pytest.mark.usefixtures("short_search")
def test_points_are_evenly_decoded_on_demand_and_by_default_on_the_geodesic():
    def spread(*options):
        """The largest over the least step, of the latents and of the samples."""
        arguments = [*ROUND[:-1], 199, "--checkpoint", "v", "--steps", 50, *options]
        ok(*arguments, "--out", "a.npz")
        content = read("a.npz")
        steps = [np.linalg.norm(np.diff(x, axis=0), axis=1) for x in content["x"][[0, -1]]]
        return [step.max() / step.min() for step in steps]

    for options in (["--path", "spherical"], ["--path", "geodesic", "--no-even"]):
        latents, samples = spread(*options)
        assert latents < 1.05
        assert samples > 4
    for options in (["--path", "spherical", "--even"], ["--path", "geodesic"]):
        latents, samples = spread(*options)
        assert latents > 2
        assert samples < 1.6


def test_a_side_in_many_dimensions_is_chosen_by_a_point(config_for):
    network = build_network(config_for(), (3,))
    weights = {f"averaged.{name}": value for name, value in network.state_dict().items()}
    numbers = {"config": config_for(), "step": 0, "mean": [0.0] * 3, "std": [1.0] * 3}
    save_tensors(Path("c.safetensors"), weights, Description(**numbers))
    ends = ["--from", "1,0,0", "--to", "-1,0,0", "--points", 3, "--path", "spherical"]
    common = ["interpolate", "--checkpoint", "c.safetensors", *ends, "--out", "a.npz"]
    ok(*common, "--through", "5,0,-2")
    np.testing.assert_allclose(read("a.npz")["latents"][1], [0, 0, -1], atol=1e-6)
    assert run(*common, "--side", "left") == 2
    assert run(*common, "--through", "5,0,-2", "0,1,0") == 2


@pytest.mark.parametrize("command", [[*ROUND, "--steps", 4], ["sample", "--count", 5]])
def test_the_exact_denoiser_is_a_checkpoint(trained, command):
    ok(*command, "--checkpoint", f"exact:{trained}", "--out", "a.npz")
    content = read("a.npz")
    exact = engine.load_checkpoint(trained).exact()
    frames = sample(
        exact.denoiser,
        exact.schedule,
        torch.from_numpy(content["x"][0]),
        sampler=DDIM(len(content["t"]) - 1),
    )
    np.testing.assert_array_equal(content["x"], np.stack([frame.x for frame in frames]))
    assert json.loads(str(content["meta"]))["checkpoint"] == f"exact:{trained}"


def test_an_interrupted_search_ends_at_once_and_leaves_no_file(trained, monkeypatch, capfd):
    times = []
    ask = NetworkDenoiser.predict

    def predict(self, x_t, t):
        times.append(t)
        if len(times) == 15:  # in the midst of the search
            signal.raise_signal(signal.SIGINT)
        return ask(self, x_t, t)

    monkeypatch.setattr(NetworkDenoiser, "predict", predict)
    handler = signal.getsignal(signal.SIGINT)
    assert run(*ROUND, "--checkpoint", trained, "--path", "geodesic", "--out", "a.npz") == 130
    assert signal.getsignal(signal.SIGINT) is handler
    assert len(times) == 15
    assert not Path("a.npz").exists()
    output, error = capfd.readouterr()
    assert (output, error.strip()) == ("", "")


def test_a_terminal_sees_the_passes_and_the_energy_of_a_search(
    trained, short_search, monkeypatch, capsys
):
    searched = []
    search = geodesic_points.search

    def noted(*arguments, seed):
        work = search(*arguments, seed=seed)
        while True:
            try:
                item = next(work)
            except StopIteration as done:
                return done.value
            if item is not None:
                searched.append((seed, str(item.step), f"{item.energy:.3f}"))
            yield item

    monkeypatch.setattr(geodesic_points, "search", noted)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "tqdm", partial(progress.tqdm, mininterval=0))
    options = ["--path", "geodesic", "--seed", 7, "--out", "a.npz"]
    ok(*ROUND, "--checkpoint", trained, *options)
    shown = re.findall(r"(\d)/5 .*?energy=([\d.]+)", capsys.readouterr().err)
    # An improvement that is no further pass does not move the bar.
    assert set(shown) <= {(step, energy) for _, step, energy in searched}
    assert shown[-1] == searched[-1][1:]
    assert len(shown) > 1
    assert {seed for seed, _, _ in searched} == {7}


def test_invert_writes_the_latents_first_and_the_data_last(trained, checkpoint):
    data = np.float32([[0.5, -1], [1, 1]])
    np.save("data.npy", data)
    ok("invert", "--checkpoint", trained, "--data", "data.npy", "--steps", 5, "--out", "a.npz")
    content = read("a.npz")
    assert content["t"].tolist() == [20, 16, 12, 8, 4, 0]
    np.testing.assert_array_equal(content["x"][-1], data)
    np.testing.assert_array_equal(content["latents"], content["x"][0])
    frames = list(invert(checkpoint.denoiser, checkpoint.schedule, torch.from_numpy(data), steps=5))
    np.testing.assert_array_equal(content["x"], np.stack([frame.x for frame in frames[::-1]]))


def test_an_existing_file_is_replaced_whole(trained):
    Path("a.npz").write_text("old")
    ok("sample", "--checkpoint", trained, "--count", 2, "--out", "a.npz")
    assert read("a.npz")["x"].shape == (21, 2, 2)
    assert list(contents(Path())) == ["a.npz"]


def test_evaluate_prints_figures_with_their_floors(trained, monkeypatch, capsys):
    monkeypatch.setattr("engine.analysis.evaluation.SAMPLES", 100)
    ok("evaluate", "--checkpoint", trained, "--quick", "--json")
    figures = json.loads(capsys.readouterr().out)
    assert figures["dataset"] == "v"
    assert figures["distance"] == pytest.approx(
        figures["distance_ratio"] * figures["distance_floor"]
    )
    assert figures["distance_error"] is None  # a single set has none
    assert 0 <= figures["off_data_floor"] < 0.01 < figures["off_data"] <= 1
    ok("evaluate", "--checkpoint", trained, "--quick")
    said = capsys.readouterr().out
    assert f"distance  {figures['distance']:.4f}, floor {figures['distance_floor']:.4f}" in said
    assert f"off-data  {figures['off_data']:.2%}, floor {figures['off_data_floor']:.2%}" in said


def test_evaluate_knows_the_standard_error(trained, monkeypatch, capsys):
    monkeypatch.setattr("engine.analysis.evaluation.SAMPLES", 50)
    ok("evaluate", "--checkpoint", trained, "--json")
    assert json.loads(capsys.readouterr().out)["distance_error"] > 0


# Training

SMALL = ["--timesteps", 20, "--width", 16, "--depth", 1, "--batch-size", 32]


def test_train_writes_the_three_files(capsys):
    options = ["--schedule", "cosine", "--zero-terminal", "--prediction", "x0", "--rate", 0.001]
    ok("train", "--dataset", "moons", *SMALL, *options, "--steps", 12, "--seed", 5, "--out", "run")
    assert sorted(contents(Path("run"))) == [
        "checkpoint.safetensors",
        "metrics.jsonl",
        "state.safetensors",
    ]
    description, _ = load_tensors(Path("run/checkpoint.safetensors"))
    config = description.config
    assert (description.step, config.steps, config.dataset, config.seed) == (12, 12, "moons", 5)
    assert (config.schedule.name, config.schedule.timesteps) == ("cosine", 20)
    assert config.schedule.zero_terminal
    assert (config.prediction, config.rate, config.batch_size) == ("x0", 0.001, 32)
    assert (config.model.width, config.model.depth) == (16, 1)
    assert "run: 12 of 12 updates" in capsys.readouterr().out


def test_train_resumes_to_the_bit_with_what_it_was_begun_with():
    common = ["train", "--dataset", "v", *SMALL, "--seed", 2]
    ok(*common, "--steps", 30, "--out", "straight")
    ok(*common, "--steps", 10, "--out", "parts")
    ok("train", "--resume", "--steps", 30, "--out", "parts")
    assert Path("straight/metrics.jsonl").read_bytes() == Path("parts/metrics.jsonl").read_bytes()
    for name in ("checkpoint.safetensors", "state.safetensors"):
        one, other = (load_tensors(Path(folder, name))[1] for folder in ("straight", "parts"))
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_an_interrupt_saves_and_says_how_to_go_on(monkeypatch, capsys):
    step = trainer.Trainer.step

    def step_then_interrupt(self):
        item = step(self)
        if item.step == 7:
            signal.raise_signal(signal.SIGINT)
        return item

    monkeypatch.setattr(trainer.Trainer, "step", step_then_interrupt)
    handler = signal.getsignal(signal.SIGINT)
    assert run("train", "--dataset", "v", *SMALL, "--steps", 1000, "--out", "run") == 130
    assert signal.getsignal(signal.SIGINT) is handler
    assert "--resume --out run" in capsys.readouterr().err
    assert load_tensors(Path("run/checkpoint.safetensors"))[0].step == 7


@pytest.mark.skipif(sys.platform == "win32", reason="has no signal that asks another process")
def test_ctrl_c_leaves_a_checkpoint_that_resumes(tmp_path):
    """From outside, at whatever update it comes."""
    command = [sys.executable, "-P", "-m", "engine", "train", "--dataset", "v"]
    process = subprocess.Popen(
        [
            *command,
            *map(str, SMALL),
            "--steps",
            "100000000",
            "--checkpoint-every",
            "5",
            "--out",
            "run",
        ],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    while not checkpoint.exists():  # the first saving: the loop runs
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            pytest.fail(process.stderr.read())
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in error
    reached = load_tensors(checkpoint)[0].step
    assert f"run: {reached} of 100000000 updates" in output
    ok("train", "--resume", "--steps", reached + 2, "--out", "run")
    steps = [
        json.loads(line)["step"] for line in Path("run/metrics.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(1, reached + 3))


# Bad input

SAMPLE = ["sample", "--checkpoint", "CHECKPOINT", "--out", "out.npz"]
INTERPOLATE = ["interpolate", "--checkpoint", "CHECKPOINT", "--out", "out.npz"]
ENDS = ["--from", "0,0", "--to", "1,1"]
TRAIN = ["train", "--out", "new"]
BAD = {
    # unknown and later names
    "command": (["explode"], "explode"),
    "later command": (["report", "--out", "x"], "'report' comes with a later version"),
    "option": ([*SAMPLE, "--count", "2", "--explode"], "--explode"),
    "data set": ([*TRAIN, "--dataset", "w"], "'w'"),
    "own data": ([*TRAIN, "--data", "mine.npy"], "mine.npy comes with a later version"),
    "data root": ([*TRAIN, "--dataset", "v", "--data-root", "here"], "--data-root .* 'v'"),
    "no data set": (TRAIN, "--dataset"),
    "schedule": ([*TRAIN, "--dataset", "v", "--schedule", "sigmoid"], "'sigmoid'"),
    "prediction": ([*TRAIN, "--dataset", "v", "--prediction", "score"], "'score'"),
    "device": ([*SAMPLE, "--count", "2", "--device", "abacus"], "'abacus'"),
    "train device": ([*TRAIN, "--dataset", "v", "--device", "abacus"], "'abacus'"),
    "sampler": ([*SAMPLE, "--count", "2", "--sampler", "euler"], "'euler'"),
    "keep": ([*SAMPLE, "--count", "2", "--keep", "some"], "'some'"),
    "path": ([*INTERPOLATE, *ENDS, "--path", "zigzag"], "'zigzag'"),
    "side": ([*INTERPOLATE, *ENDS, "--path", "spherical", "--side", "up"], "'up'"),
    "side of the line": ([*INTERPOLATE, *ENDS, "--side", "left"], "left: .* 'linear' has no side"),
    "side of the geodesic": (
        [*INTERPOLATE, *ENDS, "--path", "geodesic", "--side", "left"],
        "'geodesic' has no side",
    ),
    "way-points of the line": (
        [*INTERPOLATE, *ENDS, "--through", "0,-2", "--through", "1,1.5"],
        "--through 0,-2 1,1.5: .* 'linear' has no way-points",
    ),
    "way-points in the plane": (
        [*INTERPOLATE, *ENDS, "--path", "spherical", "--through", "0,-2"],
        "--through 0,-2: in the plane --side chooses the side of 'spherical'",
    ),
    "no way-points": ([*INTERPOLATE, *ENDS, "--path", "drawn"], "'drawn' needs its way-points"),
    "an empty list": ([*INTERPOLATE, *ENDS, "--path", "drawn", "--through"], "--through"),
    "no list": ([*INTERPOLATE, *ENDS, "--path", "drawn", "--through", "--even"], "'--even'"),
    "a word among way-points": (
        [*INTERPOLATE, *ENDS, "--path", "drawn", "--through", "0,1", "left"],
        "'left' is not of the form X,Y",
    ),
    "an infinite way-point": (
        [*INTERPOLATE, *ENDS, "--path", "drawn", "--through", "0,1", "-inf,2"],
        "'-inf,2' is not finite",
    ),
    "a long way-point": (
        [*INTERPOLATE, *ENDS, "--path", "drawn", "--through", "0,1", "1,2,3.25"],
        "--through must have 2 numbers, got 1,2,3.25",
    ),
    "many way-points": (
        [*INTERPOLATE, *ENDS, "--path", "drawn", "--through", *["0,1"] * 101],
        "at most 100 way-points, got 101",
    ),
    "many points of a geodesic": (
        [*INTERPOLATE, *ENDS, "--path", "geodesic", "--points", "600000", "--keep", "last"],
        "number of evenly decoded points .* 500000, got 600000",
    ),
    "exact nothing": (["evaluate", "--checkpoint", "exact:w"], "no checkpoint 'w'"),
    "checkpoint": (["sample", "--checkpoint", "w", "--count", "2", "--out", "o.npz"], "'w'"),
    # numbers
    "T": ([*TRAIN, "--dataset", "v", "--timesteps", "1"], "timesteps .* got 1"),
    "large T": ([*TRAIN, "--dataset", "v", "--timesteps", "100000"], "got 100000"),
    "T is a word": ([*TRAIN, "--dataset", "v", "--timesteps", "many"], "many"),
    "negative updates": ([*TRAIN, "--dataset", "v", "--steps", "-5"], "steps .* got -5"),
    "batch": ([*TRAIN, "--dataset", "v", "--batch-size", "0"], "batch size .* got 0"),
    "NaN rate": ([*TRAIN, "--dataset", "v", "--rate", "nan"], "rate .* got nan"),
    "negative rate": ([*TRAIN, "--dataset", "v", "--rate", "-1"], "rate .* got -1"),
    "width": ([*TRAIN, "--dataset", "v", "--width", "1000000"], "width .* got 1000000"),
    "depth": ([*TRAIN, "--dataset", "v", "--depth", "0"], "depth .* got 0"),
    "train seed": ([*TRAIN, "--dataset", "v", "--seed", "-1"], "seed .* got -1"),
    "zero terminal": (
        [*TRAIN, "--dataset", "v", "--zero-terminal", "--prediction", "noise"],
        "'noise' .* zero terminal",
    ),
    "steps": ([*SAMPLE, "--count", "2", "--steps", "21"], "T = 20, got 21"),
    "no steps": ([*SAMPLE, "--count", "2", "--steps", "0"], "steps .* got 0"),
    "count": ([*SAMPLE, "--count", "-3"], "count .* got -3"),
    "no count": (SAMPLE, "--count"),
    "both": ([*SAMPLE, "--count", "2", "--latents", "good.npy"], "--count or --latents"),
    "too large": (
        ["sample", "--checkpoint", "v", "--out", "out.npz", "--count", "1000000"],
        "1000000 samples with 251 frames would take",
    ),
    "large seed": (
        [*SAMPLE, "--count", "2", "--seed", str(2**63)],
        "seed must be between 0 and 9223372036854775807, got 9223372036854775808",
    ),
    "seed": ([*SAMPLE, "--count", "2", "--seed", "-1"], "seed .* got -1"),
    "eta": ([*SAMPLE, "--count", "2", "--eta", "1.5"], "eta .* got 1.5"),
    "NaN eta": ([*SAMPLE, "--count", "2", "--eta", "nan"], "eta .* got nan"),
    "eta of heun": ([*SAMPLE, "--count", "2", "--sampler", "heun", "--eta", "0.5"], "0.5.*'heun'"),
    "eta of ddpm": ([*SAMPLE, "--count", "2", "--sampler", "ddpm", "--eta", "0.5"], "0.5"),
    "points": ([*INTERPOLATE, *ENDS, "--points", "1"], "points .* got 1"),
    # endpoints
    "infinite end": ([*INTERPOLATE, "--from", "0,inf", "--to", "1,1"], "0,inf.* not finite"),
    "NaN end": ([*INTERPOLATE, "--from=nan,0", "--to=1,1"], "nan,0.* not finite"),
    "words": ([*INTERPOLATE, "--from", "left", "--to", "1,1"], "'left' is not of the form X,Y"),
    "three": (
        [*INTERPOLATE, "--from", "1,2,3", "--to", "1,1"],
        "--from must have 2 numbers, got 1",
    ),
    # files
    "no latents": ([*SAMPLE, "--latents", "missing.npy"], "missing.npy"),
    "shape": ([*SAMPLE, "--latents", "shape.npy"], r"shape.npy .*\(3, 5\)"),
    "flat": ([*SAMPLE, "--latents", "flat.npy"], r"flat.npy .*\(3,\)"),
    "empty": ([*SAMPLE, "--latents", "empty.npy"], r"empty.npy .*\(0, 2\)"),
    "integers": ([*SAMPLE, "--latents", "integers.npy"], "integers.npy .* int64"),
    "objects": ([*SAMPLE, "--latents", "objects.npy"], "objects.npy"),
    "NaN": ([*SAMPLE, "--latents", "nan.npy"], "nan.npy .* row 1"),
    "overflow": ([*SAMPLE, "--latents", "overflow.npy"], "overflow.npy .* row 0"),
    "huge": ([*SAMPLE, "--latents", "huge.npy"], "huge.npy"),
    "text": ([*SAMPLE, "--latents", "text.npy"], "text.npy"),
    "archive": ([*SAMPLE, "--latents", "archive.npz"], "archive.npz"),
    "folder": ([*SAMPLE, "--latents", "folder"], "folder"),
    "data": (
        ["invert", "--checkpoint", "CHECKPOINT", "--data", "nan.npy", "--out", "out.npz"],
        "data file nan.npy",
    ),
    "invert steps": (
        [
            "invert",
            "--checkpoint",
            "CHECKPOINT",
            "--data",
            "good.npy",
            "--out",
            "o.npz",
            "--steps=99",
        ],
        "got 99",
    ),
    "damaged": (["evaluate", "--checkpoint", "damaged.safetensors"], "damaged.safetensors"),
    "foreign": (["evaluate", "--checkpoint", "text.npy"], "text.npy"),
    "empty folder": (["evaluate", "--checkpoint", "folder"], "folder"),
    # places
    "output folder": (
        ["sample", "--checkpoint", "CHECKPOINT", "--count", "2", "--out", "nowhere/out.npz"],
        "nowhere/out.npz",
    ),
    "output is a folder": (
        ["sample", "--checkpoint", "CHECKPOINT", "--count", "2", "--out", "folder"],
        "folder",
    ),
    "below a file": (["train", "--dataset", "v", "--out", "text.npy/run"], "text.npy/run"),
    "taken": (["train", "--dataset", "v", "--out", "CHECKPOINT"], "already holds a training"),
    "nothing to resume": (["train", "--resume", "--out", "folder"], "nothing to resume in folder"),
    "another training": (
        ["train", "--resume", "--dataset", "moons", "--out", "CHECKPOINT"],
        "'v', not 'moons'",
    ),
}


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def bad_files(trained):
    good = np.zeros((3, 2), np.float32)
    nan = good.copy()
    nan[1, 0] = np.nan
    np.save("good.npy", good)
    np.save("shape.npy", np.zeros((3, 5)))
    np.save("flat.npy", np.zeros(3))
    np.save("empty.npy", good[:0])
    np.save("integers.npy", good.astype(np.int64))
    np.save("objects.npy", np.array([[1.0, None]], object), allow_pickle=True)
    np.save("nan.npy", nan)
    np.save("overflow.npy", np.full((3, 2), 1e300))
    with Path("huge.npy").open("wb") as stream:  # claims 8 TB
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 1)}
        )
    Path("text.npy").write_text("just words")
    np.savez("archive.npz", good)
    Path("folder").mkdir()
    whole = (trained / "checkpoint.safetensors").read_bytes()
    Path("damaged.safetensors").write_bytes(whole[: len(whole) // 2])


@pytest.mark.usefixtures("bad_files")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_in_one_line_and_changes_nothing(trained, tmp_path, capfd, name):
    arguments, message = BAD[name]
    before = contents(tmp_path), contents(trained)
    status = run(*(str(trained) if a == "CHECKPOINT" else a for a in arguments))
    output, error = capfd.readouterr()
    assert status == 2, error
    assert output == ""
    assert error.startswith("toydiff: ")
    assert error.count("\n") == 1, error
    assert re.search(message, error), error
    assert (contents(tmp_path), contents(trained)) == before


def test_a_folder_without_permission_is_named(trained, monkeypatch, capfd):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", denied)  # root may write anywhere
    assert run("sample", "--checkpoint", trained, "--count", 2, "--out", "closed/a.npz") == 2
    assert "cannot write --out closed/a.npz: Permission denied" in capfd.readouterr().err


def test_a_full_disk_while_saving_keeps_the_old_file(trained, tmp_path, capfd, monkeypatch):
    Path("a.npz").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.shared.files.os.fsync", full)
    assert run("sample", "--checkpoint", trained, "--count", 2, "--out", "a.npz") == 2
    assert capfd.readouterr().err == "toydiff: cannot write a.npz: No space left on device\n"
    assert contents(tmp_path) == {"a.npz": b"old"}


def test_a_full_disk_while_training_keeps_the_old_checkpoint(config_for, capfd, monkeypatch):
    for _ in train(
        open_run(config_for(steps=5), Path("run"), device=torch.device("cpu")), Path("run")
    ):
        pass
    before = Path("run/checkpoint.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.shared.files.os.fsync", full)
    assert run("train", "--resume", "--steps", 30, "--out", "run") == 2
    file = Path("run/state.safetensors")
    assert capfd.readouterr().err == f"toydiff: cannot write {file}: No space left on device\n"
    assert Path("run/checkpoint.safetensors").read_bytes() == before


def test_help_lists_the_commands(capsys):
    ok("--help")
    said = capsys.readouterr().out
    assert all(name in said for name in ("train", "sample", "interpolate", "invert", "evaluate"))
    ok("sample", "--help")
    assert "--latents" in capsys.readouterr().out
    ok()
    assert "Commands" in capsys.readouterr().out


def python_m_engine(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "engine", *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_process_itself_ends_with_the_status_and_one_line(trained):
    done = python_m_engine("sample", "--checkpoint", trained, "--count", "nan", "--out", "a.npz")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "'nan'" in done.stderr


def test_the_process_itself_gives_the_same_bytes(trained):
    arguments = ["sample", "--checkpoint", trained, "--count", 5, "--sampler", "ddpm"]
    done = python_m_engine(*arguments, "--out", "with ümlaut and space.npz")
    assert (done.returncode, done.stderr) == (0, "")
    ok(*arguments, "--out", "b.npz")
    assert Path("with ümlaut and space.npz").read_bytes() == Path("b.npz").read_bytes()


def test_the_readme_example_runs():
    checkpoint = engine.load_checkpoint("v")
    bars = checkpoint.schedule.alphas_cumprod
    assert bars.dtype == torch.float64
    assert bars.shape == (checkpoint.schedule.timesteps + 1,)
    assert bars[0] == 1
    x, t = torch.zeros(3, 2), torch.tensor([1, 20, 250])
    assert checkpoint.denoiser.predict_noise(x, t).shape == x.shape
    latents = torch.zeros(4, 2)
    frames = engine.sample(
        checkpoint.denoiser, checkpoint.schedule, latents, sampler=engine.DDIM(steps=50), seed=0
    )
    frames = list(frames)
    assert len(frames) == 51
    assert torch.equal(frames[0].x, latents)
    assert (frames[0].t, frames[-1].t) == (250, 0)
    points = engine.datasets.load("v", n=8000, seed=0).points
    assert (points.dtype, points.shape) == (np.float32, (8000, 2))
    ideal = engine.IdealDenoiser(points, checkpoint.schedule)
    *_, last = engine.sample(ideal, ideal.schedule, latents, sampler=engine.DDPM(steps=5))
    assert torch.isfinite(last.x).all()
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = engine.nothing


def test_states_that_blow_up_are_refused_and_leave_no_file(tmp_path, capsys):
    checkpoint = tmp_path / "wild.safetensors"
    source = engine.load_checkpoint("v")
    wild = {
        f"averaged.{name}": value * 1e12
        for name, value in source.denoiser.network.state_dict().items()
    }
    save_tensors(checkpoint, wild, source.description)
    out = tmp_path / "x.npz"
    arguments = ["sample", "--checkpoint", str(checkpoint), "--count", "3", "--out", str(out)]
    assert command_line.run(group.commands, arguments) == 2
    assert "not finite at t = " in capsys.readouterr().err
    assert not out.exists()


def test_an_endpoint_beyond_float32_is_named_as_typed(tmp_path, capsys):
    arguments = ["interpolate", "--checkpoint", "v", "--from", "1e39,2", "--to", "1,2"]
    assert command_line.run(group.commands, [*arguments, "--out", str(tmp_path / "x.npz")]) == 2
    assert "'1e39,2' is too large" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train --dataset v", "sample --checkpoint v --count 2"])
def test_an_empty_name_is_not_the_folder_we_are_in(tmp_path, monkeypatch, capfd, command):
    monkeypatch.chdir(tmp_path)
    assert run(*command.split(), "--out", "") == 2
    assert "'' names nothing to write to" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes here")
def test_what_is_no_file_is_not_replaced(tmp_path, capfd):
    os.mkfifo(tmp_path / "a.npz")
    assert run("sample", "--checkpoint", "v", "--count", 2, "--out", tmp_path / "a.npz") == 2
    assert "is no regular file" in capfd.readouterr().err
    assert (tmp_path / "a.npz").is_fifo()


def test_a_training_that_is_done_is_left_as_it_is(trained, tmp_path, capfd):
    folder = shutil.copytree(trained, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = engine.load_checkpoint(folder).description.step
    assert run("train", "--resume", "--steps", done - 1, "--out", folder) == 2
    assert f"has {done} updates already" in capfd.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    ok("train", "--resume", "--out", folder)
    said = capfd.readouterr().out
    assert "nothing was left to do" in said
    assert "nan" not in said


def test_what_differs_from_the_stored_training_is_said_and_no_more(trained, capfd):
    assert run("train", "--resume", "--width", 24, "--out", trained) == 2
    said = capfd.readouterr().err
    assert re.search(r"it was trained with model width \d+, not 24$", said.strip())


def test_latents_that_blow_any_network_up_are_refused_by_name(tmp_path, capfd):
    np.save(tmp_path / "big.npy", np.full((2, 2), -1e30, np.float32))
    latents = ["--latents", tmp_path / "big.npy", "--out", tmp_path / "a.npz"]
    assert run("sample", "--checkpoint", "v", *latents) == 2
    assert "big.npy has a value of 1e+30, more than 1e+06" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["toydiff", "python -m engine"])
def test_the_help_calls_the_program_as_it_was_called(name):
    command = [sys.executable, "-P", "-m", "engine", "sample", "--help"]
    called = {NAME_VARIABLE: name} if name == "toydiff" else {}
    shown = subprocess.run(
        command, env=ENVIRONMENT | called, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[0] == f"Usage: {name} sample [OPTIONS]"
