"""Training can be stopped at any item and resumed to the bit, whatever happens to its files."""

from __future__ import annotations

import errno
import itertools
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from engine.checkpoints import checkpoint as checkpoints
from engine.datasets.images import image_training
from engine.shared import files
from engine.shared.config import ScheduleConfig, TrainingConfig, UNetConfig
from engine.training import trainer as training
from engine.training.run_lock import in_training
from engine.training.runs import open_run, train
from engine.training.trainer import Trainer, averaging_weight, learning_rate

CPU = torch.device("cpu")
FILES = ("checkpoint.safetensors", "state.safetensors")
LOCKING = (
    "from pathlib import Path; from engine.training.run_lock import RunLock; lock = RunLock(Path"
)


def run(
    folder: Path, config: TrainingConfig, resume: bool = False, stop: int | None = None
) -> None:
    """Train in ``folder``, closing the generator after ``stop`` items."""
    steps = train(open_run(config, folder, device=CPU, resume=resume), folder)
    for _ in itertools.islice(steps, stop):
        pass
    steps.close()


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(path)


def assert_same_run(one: Path, other: Path) -> None:
    """Every tensor to the bit, and the metrics row by row."""
    for name in FILES:
        left, right = tensors(one / name), tensors(other / name)
        assert left.keys() == right.keys()
        for key in left:
            assert torch.equal(left[key], right[key]), f"{name}: {key}"
        assert checkpoints.load_tensors(one / name)[0].step == (
            checkpoints.load_tensors(other / name)[0].step
        )
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


def stored_rows(folder: Path) -> list[dict[str, float]]:
    text = (folder / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def rows(folder: Path) -> list[int]:
    return [row["step"] for row in stored_rows(folder)]


@pytest.fixture
def straight(config_for, tmp_path) -> Path:
    folder = tmp_path / "straight"
    run(folder, config_for(steps=30, checkpoint_every=100))
    return folder


def test_300_steps_are_100_and_200_more(config_for, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    run(one, config_for(steps=300, checkpoint_every=1000))
    run(other, config_for(steps=100, checkpoint_every=1000))
    run(other, config_for(steps=300, checkpoint_every=1000), resume=True)
    assert_same_run(one, other)
    assert rows(one) == list(range(1, 301))


def test_a_network_for_images_is_resumed_to_the_bit(tmp_path):
    # Its weights lie in memory channels last, and so must what the optimiser keeps of them.
    digits = image_training("digits", "small")
    unet = UNetConfig(width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8, classes=10)
    config = replace(digits, unet=unet, batch_size=6, steps=8, checkpoint_every=100)
    run(tmp_path / "one", config)
    run(tmp_path / "other", config, stop=4)
    run(tmp_path / "other", config, resume=True)
    assert_same_run(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize("stop", [1, 9, 10, 11, 29])
def test_a_run_may_be_dropped_at_any_item(straight, config_for, tmp_path, stop):
    run(tmp_path / "other", config_for(steps=30, checkpoint_every=10), stop=stop)
    assert rows(tmp_path / "other") == list(range(1, stop + 1))
    run(tmp_path / "other", config_for(steps=30, checkpoint_every=10), resume=True)
    assert_same_run(straight, tmp_path / "other")


def test_the_same_configuration_gives_the_same_weights(straight, config_for, tmp_path):
    run(tmp_path / "again", config_for(steps=30, checkpoint_every=7))
    assert tensors(straight / FILES[0]).keys() == tensors(tmp_path / "again" / FILES[0]).keys()
    for name in FILES:
        for key, value in tensors(straight / name).items():
            assert torch.equal(value, tensors(tmp_path / "again" / name)[key])
    run(tmp_path / "else", config_for(steps=30, seed=1))
    key = "weights.inlet.weight"
    assert not torch.equal(
        tensors(straight / FILES[0])[key], tensors(tmp_path / "else" / FILES[0])[key]
    )


def test_the_global_generator_neither_matters_nor_moves(straight, config_for, tmp_path):
    torch.manual_seed(1234)
    before = torch.get_rng_state()
    run(tmp_path / "again", config_for(steps=30, checkpoint_every=100))
    assert torch.equal(torch.get_rng_state(), before)
    assert_same_run(straight, tmp_path / "again")


@pytest.mark.parametrize(
    "extra",
    [
        '{"step": 11, "loss": 1.0, "rate": 0.1}\n{"step": 12, "loss": 1.0, "rate": 0.1}\n',
        '{"step": 11, "lo',
        "[]\n",
        '{"step": 11, "loss": 1.0, "rate": 0.1}\n\x00\x00',
        '{"step": 11, "loss": ' + "[" * 100_000 + "\n",
    ],
    ids=["rows", "half a row", "no row", "zeros", "nested deeply"],
)
def test_what_a_crash_leaves_in_the_metrics_is_cut(straight, config_for, tmp_path, extra):
    other = tmp_path / "other"
    run(other, config_for(steps=10))
    with (other / "metrics.jsonl").open("a", newline="\n") as metrics:
        metrics.write(extra)
    run(other, config_for(steps=30, checkpoint_every=100), resume=True)
    assert_same_run(straight, other)


def test_an_interrupt_between_state_and_checkpoint_is_harmless(straight, config_for, tmp_path):
    other = tmp_path / "other"
    run(other, config_for(steps=20))
    old = (other / FILES[0]).read_bytes()
    run(other, config_for(steps=30, checkpoint_every=100), resume=True)
    (other / FILES[0]).write_bytes(old)  # the state is at 30, the checkpoint still at 20
    run(other, config_for(steps=30, checkpoint_every=100), resume=True)
    assert_same_run(straight, other)
    (other / FILES[0]).unlink()
    run(other, config_for(steps=30, checkpoint_every=100), resume=True)
    assert_same_run(straight, other)


def disk_full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_files(config_for, tmp_path, monkeypatch):
    run(tmp_path, config_for(steps=10))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(files.os, "fsync", disk_full)
    steps = train(open_run(config_for(steps=30), tmp_path, device=CPU, resume=True), tmp_path)
    with pytest.raises(OSError, match="No space left"):
        list(steps)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after.keys() == before.keys()  # no temporary file either
    for name in FILES:
        assert after[name] == before[name]
    assert after["metrics.jsonl"].startswith(before["metrics.jsonl"])


def test_a_full_disk_at_the_interrupt_is_told(config_for, tmp_path, monkeypatch):
    run(tmp_path, config_for(steps=10))
    before = [(tmp_path / name).read_bytes() for name in FILES]
    steps = train(open_run(config_for(steps=30), tmp_path, device=CPU, resume=True), tmp_path)
    next(steps)
    monkeypatch.setattr(files.os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        steps.close()
    assert [(tmp_path / name).read_bytes() for name in FILES] == before


def test_a_failing_update_saves_what_was_reached(config_for, tmp_path, monkeypatch):
    steps = train(trainer := open_run(config_for(), tmp_path, device=CPU), tmp_path)
    next(steps)
    monkeypatch.setattr(trainer, "step", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(steps)
    assert checkpoints.load_tensors(tmp_path / FILES[1])[0].step == 1


def test_a_training_is_not_overwritten(trained, config_for):
    before = {path.name: path.read_bytes() for path in trained.iterdir()}
    with pytest.raises(ValueError, match="already holds a training") as caught:
        open_run(config_for(), trained, device=CPU)
    assert str(trained) in str(caught.value)
    assert {path.name: path.read_bytes() for path in trained.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "moons"}, "dataset 'v', not 'moons'"),
        ({"batch_size": 64}, "batch size 32, not 64"),
        ({"schedule": ScheduleConfig(timesteps=25)}, "schedule"),
        ({"seed": 3}, "seed 0, not 3"),
    ],
)
def test_resuming_something_else_is_refused(trained, config_for, change, message):
    with pytest.raises(ValueError, match=message):
        open_run(config_for(**change), trained, device=CPU, resume=True)


def test_there_must_be_something_to_resume(config_for, tmp_path):
    with pytest.raises(ValueError, match=r"nothing to resume in .* no state.safetensors"):
        open_run(config_for(), tmp_path / "new", device=CPU, resume=True)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(config_for, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match=r"cannot write to folder .*file"):
        open_run(config_for(), tmp_path / "file" / "run", device=CPU)


def test_nobody_trains_where_a_training_runs(config_for, tmp_path):
    config = config_for(steps=4, checkpoint_every=2)
    steps = train(open_run(config, tmp_path, device=CPU), tmp_path)
    for _ in range(2):
        next(steps)
    held = (tmp_path / FILES[1]).read_bytes()
    assert in_training(tmp_path)
    with pytest.raises(ValueError, match=r"is in training in another process"):
        open_run(config, tmp_path, device=CPU, resume=True)
    other = [sys.executable, "-c", f"{LOCKING}({str(tmp_path)!r}))"]
    found = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "is in training in another process" in found.stderr
    assert (tmp_path / FILES[1]).read_bytes() == held
    steps.close()
    assert not in_training(tmp_path)
    run(tmp_path, config, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "metrics.jsonl"}


def test_a_training_that_could_not_begin_holds_nobody_up(config_for, trained):
    with pytest.raises(ValueError, match="cannot resume"):
        open_run(config_for(seed=9), trained, device=CPU, resume=True)
    open_run(config_for(), trained, device=CPU, resume=True).release()
    assert not in_training(trained)


def test_of_two_trainings_begun_at_once_one_is_refused(config_for, tmp_path, monkeypatch):
    """The second one begins while the first is being built, and would end before that is done."""
    load, refused = training.load_training_data, []

    def load_slowly(*args, **options):
        monkeypatch.setattr(training, "load_training_data", load)
        try:
            run(tmp_path / "new", config_for(steps=2, seed=1))
        except ValueError as error:
            refused.append(str(error))
        return load(*args, **options)

    monkeypatch.setattr(training, "load_training_data", load_slowly)
    run(tmp_path / "new", config_for(steps=3))
    assert "is in training in another process" in "".join(refused)
    assert rows(tmp_path / "new") == [1, 2, 3]


def test_a_training_that_cannot_be_built_leaves_no_folder(config_for, tmp_path, monkeypatch):
    def missing(*args, **options):
        raise ValueError("there are no data")

    monkeypatch.setattr(training, "load_training_data", missing)
    with pytest.raises(ValueError, match="no data"):
        open_run(config_for(), tmp_path / "some" / "run", device=CPU)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_dies_holds_nobody_up(tmp_path):
    dying = f"{LOCKING}({str(tmp_path)!r})); import os; os._exit(0)"
    subprocess.run([sys.executable, "-c", dying], check=True)
    assert not in_training(tmp_path)


def spoil_state(folder: Path, change) -> None:
    path = folder / FILES[1]
    description, content = checkpoints.load_tensors(path)
    change(content)
    checkpoints.save_tensors(path, content, description)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("random"),
        lambda content: content.pop("optimiser.0.exp_avg"),
        lambda content: content.update({"random": torch.zeros(3, dtype=torch.uint8)}),
        lambda content: content.update({"optimiser.1.exp_avg_sq": torch.zeros(7)}),
        lambda content: content.update({"weights.inlet.weight": torch.zeros(7)}),
        lambda content: content["weights.inlet.weight"].view(-1)[:1].fill_(math.nan),
        lambda content: content["optimiser.1.exp_avg"].view(-1)[:1].fill_(math.inf),
    ],
)
def test_a_damaged_state_is_named(config_for, tmp_path, change):
    run(tmp_path, config_for(steps=2))
    spoil_state(tmp_path, change)
    with pytest.raises(ValueError, match=r"state\.safetensors is damaged"):
        open_run(config_for(), tmp_path, device=CPU, resume=True)


def test_the_rate_is_continuous_and_knows_no_end():
    rates = [learning_rate(step, 3e-3) for step in range(1, 100_001)]
    assert rates[0] == pytest.approx(3e-3 / training.WARM_UP)
    assert max(rates) == rates[training.WARM_UP - 1] == 3e-3
    assert max(abs(np.diff(rates))) <= 3e-3 / training.WARM_UP * 1.0001
    three_halvings = training.WARM_UP + 3 * training.DECAY
    assert rates[three_halvings - 1] == pytest.approx(3e-3 / 2)
    assert min(rates) > 0


def test_averaged_weights_are_the_weighted_mean_of_all_weights(config_for):
    trainer = Trainer(config_for(), CPU)
    history = []
    for _ in range(12):
        trainer.step()
        history.append(trainer.network.state_dict()["outlet.weight"].double().clone())
    # Written out: weight n counts in proportion to the integral of tau^gamma from n - 1 to n.
    power = training.AVERAGING_POWER + 1
    weights = np.diff(np.arange(13) ** power) / 12**power
    expected = sum(w * value for w, value in zip(weights, history, strict=True))
    averaged = trainer.averaged.state_dict()["outlet.weight"].double()
    torch.testing.assert_close(averaged, expected, atol=1e-6, rtol=0)
    assert averaging_weight(1) == 1


def test_an_update_is_what_adam_says(config_for):
    """One update by hand: gradient of the mean squared error, Adam's first step."""
    config = config_for(prediction="v")
    trainer, twin = Trainer(config, CPU), Trainer(config, CPU)
    batch = twin._batch()
    x0, t, eps = batch.x0, batch.t, batch.eps
    signal = twin.schedule.alphas_cumprod[t].sqrt().float()[:, None]
    noise = (1 - twin.schedule.alphas_cumprod[t]).sqrt().float()[:, None]
    output = twin.network(signal * x0 + noise * eps, t)
    loss = (output - (signal * eps - noise * x0)).square().mean()
    loss.backward()
    rate = learning_rate(1, config.rate)
    item = trainer.step()
    assert item.loss == pytest.approx(loss.item(), rel=1e-5)
    assert (item.step, item.rate) == (1, rate)
    for updated, before in zip(
        trainer.network.parameters(), twin.network.parameters(), strict=True
    ):
        # At first both moments are the gradient's, so the step is its sign.
        expected = before - rate * before.grad / (before.grad.abs() + 1e-8)
        torch.testing.assert_close(updated, expected, atol=1e-6, rtol=0)


def test_times_are_uniform_and_cover_every_batch(config_for):
    trainer = Trainer(config_for(batch_size=40), CPU)
    counts = torch.zeros(21)
    for _ in range(50):
        t = trainer._batch().t
        counts += torch.bincount(t, minlength=21)
        assert torch.bincount(t, minlength=21)[1:].min() >= 1  # forty times over twenty slots
    assert counts[0] == 0
    assert (counts[1:] / 100 - 1).abs().max() < 0.3


@pytest.mark.parametrize("prediction", ["noise", "x0", "v"])
def test_the_loss_falls(config_for, prediction):
    trainer = Trainer(config_for(prediction=prediction, rate=1e-2, batch_size=128), CPU)
    losses = [trainer.step().loss for _ in range(150)]
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:5])
    assert all(math.isfinite(loss) for loss in losses)


def test_a_denoiser_is_the_averaged_network(config_for):
    trainer = Trainer(config_for(), CPU)
    trainer.step()
    trainer.step()
    x, t = torch.ones(3, 2), torch.tensor([1, 5, 20])
    with torch.no_grad():
        found = trainer.denoiser().predict_noise(x, t)
        torch.testing.assert_close(found, trainer.averaged(x, t))
        assert not torch.equal(found, trainer.network(x, t))


def test_metrics_say_what_was_yielded(config_for, tmp_path):
    items = list(train(open_run(config_for(steps=5), tmp_path, device=CPU), tmp_path))
    assert stored_rows(tmp_path) == [vars(item) for item in items]


def test_a_resumed_run_may_end_earlier(trained, config_for):
    config = replace(config_for(), steps=20)
    trainer = open_run(config, trained, device=CPU, resume=True)
    assert trainer.done == 30
    assert trainer.config.steps == 20
    trainer.release()


@pytest.mark.parametrize("loss", [math.nan, math.inf, 1e9])
def test_a_diverging_training_says_so_and_keeps_what_was_saved(
    config_for, tmp_path, monkeypatch, loss
):
    config = replace(config_for(steps=20), checkpoint_every=5)
    steps = train(open_run(config, tmp_path, device=CPU), tmp_path)
    for _ in range(7):
        next(steps)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    gradients = Trainer._gradients

    def spoilt(self, batch):
        return (yield from gradients(self, batch)) * 0 + loss

    monkeypatch.setattr(Trainer, "_gradients", spoilt)
    with pytest.raises(ValueError, match=r"diverged: the loss is .* at step 8 with rate 0\.\d+"):
        next(steps)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    assert rows(tmp_path) == list(range(1, 8))
