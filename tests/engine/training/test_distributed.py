"""A training on several processes: the same curve, the same files, and what happens when one dies.

Starting processes takes seconds, so all but one of those tests are slow ones.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import torch
from torch import distributed

from engine.checkpoints import networks
from engine.checkpoints.checkpoint import load_tensors
from engine.shared.config import TrainingConfig
from engine.shared.run_files import CHECKPOINT, METRICS, STATE
from engine.training.distributed import (
    Launch,
    Team,
    WorkerLostError,
    assembled,
    device_of,
    launched,
)
from engine.training.runs import open_run, train
from engine.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")
FLOAT32_ENGINE = "tests.engine.training.float32_engine"
TORCHRUN = [sys.executable, "-P", "-m", "torch.distributed.run"]
CLOSE = {"rtol": 0, "atol": 1e-5}
"""Sums in another order: rounding of float32, a little of it carried on from update to update."""
IMAGES = ["--dataset", "digits", "--preset", "small", "--width", "8", "--timesteps", "20"]
POINTS = ["--dataset", "v", "--width", "16", "--depth", "2", "--timesteps", "20"]


@pytest.fixture
def torchrun() -> Iterator:
    """Starts so many processes and returns torchrun's own."""
    started = []

    def start(count: int, *arguments: object) -> subprocess.Popen[str]:
        # On a free port: two trainings on one machine must not meet.
        command = [*TORCHRUN, "--standalone", "--nproc-per-node", str(count)]
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.communicate()


def curve(folder: Path) -> torch.Tensor:
    rows = [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    return torch.tensor([row["loss"] for row in rows], dtype=torch.float64)


def state(folder: Path) -> dict[str, torch.Tensor]:
    return load_tensors(folder / STATE)[1]


def config_of(folder: Path) -> TrainingConfig:
    return load_tensors(folder / STATE)[0].config


def alone(config: TrainingConfig, folder: Path, *, resume: bool = False) -> None:
    for _ in train(open_run(config, folder, device=CPU, resume=resume), folder):
        pass


def same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()  # no 'module.' before the names
    for name in one:
        torch.testing.assert_close(one[name].double(), other[name].double(), rtol=0, atol=2e-5)


def test_two_processes_give_the_curve_of_one_and_a_state_to_go_on_from(
    torchrun, tmp_path, monkeypatch
):
    monkeypatch.setattr(networks, "training_type", lambda device: torch.float32)
    # 7 rows are 3 and 4, in passes of at most 2: shares of different weight. Images are clipped.
    together = tmp_path / "together"
    process = torchrun(
        2, "-m", FLOAT32_ENGINE, "train", *IMAGES, "--device", "cpu", "--batch-size", 7,
        "--micro-batch", 2, "--steps", 5, "--out", together,
    )  # fmt: skip
    output, error = process.communicate()
    assert process.returncode == 0, error
    assert output.splitlines() == [
        f"{together}: 5 of 5 updates, last loss {curve(together)[-1]:.4f}"
    ]
    assert {path.name for path in together.iterdir()} == {STATE, CHECKPOINT, METRICS}
    config = config_of(together)
    assert config.clip > 0
    alone(config, tmp_path / "alone")
    torch.testing.assert_close(curve(together), curve(tmp_path / "alone"), **CLOSE)
    same_tensors(state(together), state(tmp_path / "alone"))
    # One process takes up what two began.
    longer = replace(config, steps=8)
    alone(longer, together, resume=True)
    alone(longer, tmp_path / "alone", resume=True)
    torch.testing.assert_close(curve(together), curve(tmp_path / "alone"), **CLOSE)


# In this process: a team of one


@pytest.fixture
def team() -> Iterator[Team]:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield Team(0, 1, CPU)
    distributed.destroy_process_group()


def test_a_team_of_one_trains_to_the_bit_as_without(team, config_for, tmp_path):
    alone(config_for(steps=4), tmp_path / "alone")
    trainer = Trainer(config_for(steps=4), CPU)
    trainer.join(team)
    (tmp_path / "team").mkdir()
    for _ in train(trainer, tmp_path / "team"):
        pass
    alone_bytes, team_bytes = ((tmp_path / name / STATE).read_bytes() for name in ("alone", "team"))
    assert alone_bytes == team_bytes


def test_processes_with_other_data_are_refused(team, config_for):
    trainer = Trainer(config_for(), CPU)
    leaders = trainer._data.figures()
    trainer._require_data_of(leaders)
    for k in range(len(leaders)):
        others = leaders.clone()
        others[k] = 1.01 * others[k] + 0.01
        with pytest.raises(ValueError, match="other data"):
            Trainer(config_for(), CPU)._require_data_of(others)
    with pytest.raises(ValueError, match=r"other data, 50 of shape \(2,\) .* leading process has"):
        Trainer(config_for(points=50), CPU)._require_data_of(leaders)


def test_what_is_handed_out_arrives(team):
    sent = {
        "weights": torch.randn(3, 2, 4, 4).contiguous(memory_format=torch.channels_last),
        "step": torch.tensor(7.0),
        "random": torch.Generator().get_state(),
        "none": torch.empty(0),
    }
    found = team.handed_out(sent)
    assert found.keys() == sent.keys()
    for name, value in sent.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value)


def test_the_leader_raises_what_went_wrong(team, config_for):
    assert team.decided(config_for) == config_for()
    assert team.made(lambda: 5) == 5

    def fail() -> TrainingConfig:
        raise ValueError("no such data")

    with pytest.raises(ValueError, match="no such data"):
        team.decided(fail)
    with pytest.raises(ValueError, match="no such data"):
        team.made(fail)
    assert team.anybody(True)
    assert not team.anybody(False)


def test_errors_that_are_not_of_the_connection_stay_what_they_are(team):
    with (
        pytest.raises(RuntimeError, match="shape") as caught,
        team.passing(team.wrap(torch.nn.Linear(2, 2)), last=True),
    ):
        raise RuntimeError("a shape is wrong")
    assert not isinstance(caught.value, WorkerLostError)


@pytest.mark.parametrize(("count", "size"), [(7, 2), (2, 2), (100, 7), (8, 8)])
def test_shares_are_all_rows_once_and_of_nearly_one_size(count, size):
    shares = [Team(rank, size, CPU).share(count) for rank in range(size)]
    rows = [row for share in shares for row in range(count)[share]]
    assert rows == list(range(count))
    sizes = {share.stop - share.start for share in shares}
    assert max(sizes) - min(sizes) <= 1


def test_a_batch_with_fewer_rows_than_processes_is_refused():
    with pytest.raises(ValueError, match="a batch of 2 is too small for 3 processes"):
        Team(0, 3, CPU).share(2)


# What torchrun says


def environment(rank: str = "0", size: str = "2", local: str = "0") -> dict[str, str]:
    return {
        "RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": local,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500",
    }  # fmt: skip


def test_torchrun_is_known_by_its_environment():
    assert launched({}) is None
    assert launched({"RANK": "0", "WORLD_SIZE": "2"}) is None  # some other launcher's
    assert launched(environment("0", "1")) is None  # nobody else
    assert launched(environment("3", "4", "1")) == Launch(3, 4, 1)


@pytest.mark.parametrize(
    ("given", "named"), [(("one",), "one"), (("2", "2"), "RANK=2"), (("0", "-2"), "-2")]
)
def test_an_environment_that_makes_no_sense_is_named(given, named):
    with pytest.raises(ValueError, match=named):
        launched(environment(*given))


def test_every_process_has_a_card_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("auto", "cuda"):
        assert device_of(name, Launch(3, 4, 1)) == torch.device("cuda:1")
    assert device_of("cpu", Launch(3, 4, 1)) == CPU
    with pytest.raises(ValueError, match="for process 3 of this machine: it has 2"):
        device_of("auto", Launch(2, 4, 2))
    for name in ("cuda:0", "mps", "abacus"):
        with pytest.raises(ValueError, match=name):
            device_of(name, Launch(0, 2, 0))


def test_without_a_card_all_compute_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto", Launch(3, 4, 1)) == CPU
    with pytest.raises(ValueError, match="it has 0"):
        device_of("cuda", Launch(0, 2, 0))


def test_a_process_on_its_own_has_no_team(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    with assembled("cpu") as (device, team):
        assert (device, team) == (CPU, None)


# Slow: several processes


@pytest.mark.slow
def test_three_processes_go_on_with_what_one_began(torchrun, tmp_path, config_for):
    config = config_for(steps=10, batch_size=32)
    for name in ("together", "alone"):
        alone(config, tmp_path / name)
    alone(replace(config, steps=30), tmp_path / "alone", resume=True)
    process = torchrun(
        3, "-m", "engine", "train", "--resume", "--steps", 30, "--device", "cpu",
        "--out", tmp_path / "together",
    )  # fmt: skip
    _, error = process.communicate()
    assert process.returncode == 0, error
    torch.testing.assert_close(curve(tmp_path / "together"), curve(tmp_path / "alone"), **CLOSE)
    same_tensors(state(tmp_path / "together"), state(tmp_path / "alone"))


def begin_endless(torchrun, folder: Path) -> subprocess.Popen[str]:
    """Two processes in a training without end that has saved 100 updates."""
    process = torchrun(
        2, "-m", "engine", "train", *POINTS, "--device", "cpu", "--batch-size", 32,
        "--steps", 10**7, "--checkpoint-every", 100, "--out", folder,
    )  # fmt: skip
    while not (folder / CHECKPOINT).exists():
        assert process.poll() is None, process.communicate()[1]
    return process


def worker(process: subprocess.Popen[str], rank: int) -> psutil.Process:
    workers = psutil.Process(process.pid).children()
    return next(child for child in workers if child.environ().get("RANK") == str(rank))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_lost_process_ends_the_training_with_its_checkpoint_intact(torchrun, tmp_path, rank):
    folder = tmp_path / "run"
    process = begin_endless(torchrun, folder)
    worker(process, rank).kill()
    _, error = process.communicate()
    assert process.returncode != 0
    said = [line for line in error.splitlines() if line.startswith("toydiff: ")]
    assert len(said) <= 1  # torchrun may be faster than the other's last word
    if rank == 1:  # the one that leads is still there: it saves what it has
        (line,) = said
        done = config_and_step(folder)[1]
        assert "another process of this training is lost" in line
        assert f"{folder} holds {done} updates; go on with --resume" in line
    config, done = config_and_step(folder)
    assert done >= 100
    assert load_tensors(folder / CHECKPOINT)[0].step == done
    alone(replace(config, steps=done + 3), folder, resume=True)
    assert len(curve(folder)) == done + 3
    # Also the lock, which a process that is killed leaves behind, free for the next.
    assert {path.name for path in folder.iterdir()} == {STATE, CHECKPOINT, METRICS}


def config_and_step(folder: Path) -> tuple[TrainingConfig, int]:
    description = load_tensors(folder / STATE)[0]
    return description.config, description.step


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_saves_first(torchrun, tmp_path, number):
    folder = tmp_path / "run"
    process = begin_endless(torchrun, folder)
    process.send_signal(number)
    output, error = process.communicate()
    assert process.returncode != 0
    done = config_and_step(folder)[1]
    assert f"{folder}: {done} of {10**7} updates" in output
    assert error.count("interrupted; go on with --resume") == 1
    assert len(curve(folder)) == done


WITH_A_FAULT = """
import sys
from datetime import timedelta
from engine.training.distributed import WorkerLostError, assembled

with assembled("cpu") as (device, team):
    def make():
        if team.rank == 1:
            raise ValueError("no data on this machine")
        return 1
    try:
        team.made(make)
    except ValueError as error:
        print(team.rank, error)
"""


@pytest.mark.slow
def test_what_fails_in_one_process_is_said_once_by_the_leader(torchrun, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(WITH_A_FAULT)
    output, _ = torchrun(3, script).communicate()
    assert output.splitlines() == ["0 process 2 of 3: no data on this machine"]


OTHERS_HAVE = """
import os
from engine.checkpoints import data
if os.environ["RANK"] == "1":
    FAULT
from engine.commands.group import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("figures = training_data.TrainingData.figures\n"
         "    training_data.TrainingData.figures = lambda self: figures(self) + 1",
         "toydiff: process 2 of 2: it has found other data"),
        ("from engine.training.trainer import Trainer\n"
         "    def full(*_): raise RuntimeError(\"MPS backend out of memory\")\n"
         "    Trainer._loss = full",
         "toydiff: cpu has too little memory for 6 at once of a batch of 6"),
    ],
    ids=["data", "memory"],
)  # fmt: skip
def test_what_only_another_process_meets_is_said(torchrun, tmp_path, fault, said):
    script = tmp_path / "script.py"
    script.write_text(OTHERS_HAVE.replace("FAULT", fault))
    process = torchrun(
        2, script, "train", *POINTS, "--device", "cpu", "--batch-size", 12, "--steps", 5,
        "--out", tmp_path / "run",
    )  # fmt: skip
    _, error = process.communicate()
    assert process.returncode
    assert said in error


@pytest.mark.slow
def test_bad_input_is_said_once_and_leaves_nothing(torchrun, tmp_path):
    process = torchrun(
        2, "-m", "engine", "train", "--dataset", "vv", "--device", "cpu", "--out", tmp_path / "run"
    )
    _, error = process.communicate()
    assert process.returncode != 0
    said = [line for line in error.splitlines() if line.startswith("toydiff: ")]
    assert len(said) == 1
    assert "'vv'" in said[0]
    assert not (tmp_path / "run").exists()


SILENT = """
import os, signal
from datetime import timedelta
from engine.training.distributed import WorkerLostError, assembled

try:
    with assembled("cpu", patience=timedelta(seconds=3)) as (device, team):
        if team.rank == 1:
            os.kill(os.getppid(), 0)
            signal.pause()
        team.anybody(True)
except WorkerLostError as error:
    print(error, flush=True)
    raise SystemExit(1)
"""


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_given_up(torchrun, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SILENT)
    process = torchrun(2, script)
    output, _ = process.communicate()
    assert process.returncode != 0
    assert "another process of this training is lost: " in output
    assert "imed out" in output


def test_patience_is_long_enough_to_save_in_and_no_longer():
    assert timedelta(minutes=1) <= assembled.__wrapped__.__defaults__[1] <= timedelta(minutes=10)


@pytest.mark.parametrize(("run", "heard"), [("7", ["said"]), (None, ["said", "cleared up"])])
def test_one_of_several_ends_without_the_interpreters_clearing_up(run, heard):
    """In which a thread of gloo may abort the process after all has been saved."""
    code = (
        "import atexit; from engine.shared.command_line import leave\n"
        "atexit.register(print, 'cleared up'); print('said'); leave(3)"
    )
    environ = {key: value for key, value in os.environ.items() if key != "TORCHELASTIC_RUN_ID"}
    if run is not None:
        environ["TORCHELASTIC_RUN_ID"] = run
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=False, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split("\n")[:-1]) == (3, heard)
