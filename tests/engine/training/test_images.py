"""Training with images: micro-batches, clipping, classes, short memory, precision, resuming."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from engine.checkpoints import checkpoint as checkpoints
from engine.checkpoints import precision
from engine.checkpoints.precision import training_type
from engine.datasets.images import folder_training
from engine.devices import is_out_of_memory
from engine.shared.config import TrainingConfig
from engine.shared.run_files import CHECKPOINT, STATE
from engine.training import trainer as training
from engine.training.distributed import Team
from engine.training.runs import open_run, train, train_stepwise
from engine.training.trainer import Batch, Trainer, finish
from tests.engine.small_unet import TINY, digits_config

CPU = torch.device("cpu")
WITH_CLASSES = replace(TINY, classes=10)


def trainer_of(micro_batch: int | None = None, updates: int = 2, **changes: object) -> Trainer:
    """A trainer in float32 that has made some updates, so that all weights and moments matter."""
    trainer = Trainer(digits_config(**changes), CPU, micro_batch=micro_batch)
    trainer.working_type = torch.float32  # some CPUs would train in bfloat16
    for _ in range(updates):
        trainer.step()
    return trainer


def state_of(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer._state().items()}


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def gradients_of(trainer: Trainer) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients of the next batch, without an update."""
    before = trainer.random.get_state()
    batch = trainer._batch()
    trainer.random.set_state(before)
    trainer.optimiser.zero_grad()
    loss = finish(trainer._gradients(batch))
    return loss, {name: value.grad.clone() for name, value in trainer.network.named_parameters()}


@pytest.fixture(scope="module")
def whole() -> tuple[Trainer, Tensor, dict[str, Tensor]]:
    """A trainer, the loss of its next batch as a whole and its gradients."""
    trainer = trainer_of()
    loss, gradients = gradients_of(trainer)
    return trainer, loss, gradients


@pytest.mark.parametrize("rows", [1, 4, 5, 11, 12, 100])
def test_micro_batches_have_the_loss_and_gradients_of_the_whole(whole, rows):
    """Also where the last one is smaller: the mean is over the batch, not over the parts."""
    trainer, loss, gradients = whole
    trainer.micro_batch = rows
    found, parts = gradients_of(trainer)
    trainer.micro_batch = None
    torch.testing.assert_close(found, loss, atol=1e-6, rtol=1e-5)
    for name, gradient in gradients.items():
        largest = gradient.abs().max().item()
        torch.testing.assert_close(parts[name], gradient, atol=1e-5 * (largest + 0.1), rtol=0)
    assert max(gradient.abs().max() for gradient in gradients.values()) > 1e-2


def test_an_update_in_micro_batches_is_that_of_the_whole():
    one, other = trainer_of(updates=0), trainer_of(micro_batch=5, updates=0)
    for _ in range(3):
        assert one.step().loss == pytest.approx(other.step().loss, rel=1e-4)
    assert torch.equal(one.random.get_state(), other.random.get_state())


@pytest.mark.parametrize(("rows", "items"), [(None, 0), (12, 0), (5, 2), (1, 11)])
def test_there_is_an_item_between_micro_batches(rows, items):
    trainer = trainer_of(micro_batch=rows, updates=0)
    passes = []
    trainer.network.register_forward_hook(lambda *_: passes.append(len(_[1][0])))
    steps = trainer.stepwise()
    for count, item in enumerate(steps, start=1):
        assert item is None
        assert len(passes) == count
    assert len(passes) == items + 1
    assert sum(passes) == 12


@pytest.mark.parametrize("items", [1, 2])
def test_what_is_dropped_between_micro_batches_leaves_nothing(items):
    trainer, twin = trainer_of(micro_batch=5), trainer_of(micro_batch=5)
    before = state_of(trainer)
    assert_equal(before, state_of(twin))
    steps = trainer.stepwise()
    for _ in range(items):
        next(steps)
    steps.close()
    assert_equal(state_of(trainer), before)
    assert trainer.done == 2
    assert trainer.step() == twin.step()
    assert_equal(state_of(trainer), state_of(twin))


def test_a_failing_pass_leaves_nothing(monkeypatch):
    trainer, twin = trainer_of(micro_batch=5), trainer_of(micro_batch=5)
    forward = trainer.network.forward
    calls = []

    def failing(*given: Tensor) -> Tensor:
        calls.append(1)
        return forward(*given) if len(calls) != 2 else 1 / 0

    monkeypatch.setattr(trainer.network, "forward", failing)
    with pytest.raises(ZeroDivisionError):
        trainer.step()
    assert trainer.step() == twin.step()
    assert_equal(state_of(trainer), state_of(twin))


def norm_at_update(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """The norm of the gradient as the optimiser sees it."""
    seen = []
    step = trainer.optimiser.step

    def watched() -> None:
        gradients = [p.grad.flatten() for p in trainer.network.parameters()]
        seen.append(torch.cat(gradients).norm())
        step()

    monkeypatch.setattr(trainer.optimiser, "step", watched)
    trainer.step()
    return seen[0]


@pytest.mark.parametrize("micro_batch", [None, 5])
def test_the_gradient_is_clipped_as_a_whole(monkeypatch, micro_batch):
    free = norm_at_update(trainer_of(micro_batch, updates=0, clip=0.0), monkeypatch).item()
    assert free > 0.5
    for clip, expected in [(0.01, 0.01), (free / 2, free / 2), (100 * free, free)]:
        trainer = trainer_of(micro_batch, updates=0, clip=clip)
        assert norm_at_update(trainer, monkeypatch).item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("unlabelled", [0.0, 0.15, 0.6, 1.0])
def test_a_share_of_the_images_is_shown_without_class(unlabelled):
    unet = replace(WITH_CLASSES, unlabelled=unlabelled)
    trainer = trainer_of(updates=0, unet=unet, batch_size=4000)
    batch = trainer._batch()
    told = batch.classes.sum(1)
    assert ((told == 0) | (told == 1)).all()
    share = (told == 0).float().mean().item()
    # Five deviations of a binomial share.
    assert abs(share - unlabelled) <= 5 * (unlabelled * (1 - unlabelled) / 4000) ** 0.5


def test_classes_are_those_of_the_images():
    unet = replace(WITH_CLASSES, unlabelled=0.0)
    trainer = trainer_of(updates=0, unet=unet, batch_size=200)
    batch = trainer._batch()
    data = trainer._data
    everything = torch.arange(data.count)
    labels, states = data.classes(everything), data.states(everything)
    for row in range(0, 200, 20):
        same = (states == batch.x0[row]).flatten(1).all(1)
        assert batch.classes[row].argmax() in labels[same]


def test_a_network_without_classes_is_told_none():
    trainer = trainer_of(unet=TINY)
    assert trainer._batch().classes is None
    assert trainer.denoiser().classes == 0


def run(folder, config: TrainingConfig, *, resume=False, stop=None, micro_batch=None) -> None:
    opened = open_run(config, folder, device=CPU, resume=resume, micro_batch=micro_batch)
    steps = train_stepwise(opened, folder) if micro_batch else train(opened, folder)
    for _ in itertools.islice(steps, stop):
        pass
    steps.close()


def assert_same_run(one, other) -> None:
    for name in (CHECKPOINT, STATE):
        (said, left), (again, right) = (checkpoints.load_tensors(f / name) for f in (one, other))
        assert said.step == again.step
        assert_equal(left, right)
    assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("micro_batch", [None, 5])
def test_resuming_goes_on_to_the_bit(tmp_path, micro_batch):
    config = digits_config()
    run(tmp_path / "one", config, micro_batch=micro_batch)
    run(tmp_path / "two", replace(config, steps=2), micro_batch=micro_batch)
    run(tmp_path / "two", config, resume=True, micro_batch=micro_batch)
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_resuming_with_other_images_is_refused(tmp_path):
    """What was learned in other units is not true of them."""
    for name, level in (("dark", 40), ("light", 220)):
        folder = tmp_path / name
        folder.mkdir()
        for index in range(4):
            noise = np.random.default_rng(index).integers(0, 30, (8, 8), dtype=np.uint8)
            Image.fromarray(noise + np.uint8(level)).save(folder / f"{index}.png")
    config = replace(folder_training(8, 1), steps=1, batch_size=2, unet=TINY)

    def go(data: Path, **options: object) -> None:
        trainer = open_run(
            config, tmp_path / "out", device=torch.device("cpu"), data_root=data, **options
        )
        trainer.save(tmp_path / "out")
        trainer.release()

    go(tmp_path / "dark")
    with pytest.raises(ValueError, match=r"cannot resume .*out: it was trained with other data"):
        go(tmp_path / "light", resume=True)
    go(tmp_path / "dark", resume=True)


def test_resuming_what_was_dropped_inside_an_update(tmp_path):
    config = digits_config()
    run(tmp_path / "one", config, micro_batch=5)
    run(tmp_path / "two", config, stop=7, micro_batch=5)  # three items an update: inside the third
    rows = (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [1, 2]
    run(tmp_path / "two", config, resume=True, micro_batch=5)
    assert_same_run(tmp_path / "one", tmp_path / "two")


def raising(trainer: Trainer, most: int, error: type[RuntimeError], monkeypatch) -> list[int]:
    """Let a trainer's network hold at most so many rows; returns what it was asked for."""
    forward = trainer.network.forward
    asked: list[int] = []

    def short_of_memory(x: Tensor, *given: Tensor) -> Tensor:
        asked.append(len(x))
        if len(x) > most:
            raise error(f"tried to allocate {len(x)}")
        return forward(x, *given)

    monkeypatch.setattr(trainer.network, "forward", short_of_memory)
    return asked


@pytest.mark.parametrize(
    ("before", "most", "asked", "after"),
    [
        (None, 6, [12, 6, 6], 6),
        (None, 3, [12, 6, 3, 3, 3, 3], 3),
        (5, 4, [5, 3, 3, 3, 3], 3),
        (100, 6, [12, 6, 6], 6),
        (12, 12, [12], 12),
    ],
)
def test_short_memory_halves_the_micro_batch_and_repeats(monkeypatch, before, most, asked, after):
    trainer, twin = trainer_of(before), trainer_of(after)
    # Equal to the bit from here on: what differs before is rounding.
    twin._load(state_of(trainer))
    found = raising(trainer, most, torch.OutOfMemoryError, monkeypatch)
    assert trainer.step() == twin.step()
    assert found == asked
    assert trainer.micro_batch == after
    assert_equal(state_of(trainer), state_of(twin))
    found.clear()
    trainer.step()
    assert max(found) == after  # it is not tried again


def test_memory_that_runs_out_once_in_the_middle_of_an_update(monkeypatch):
    """The gradients of the parts before are forgotten, the batch is the same one."""
    trainer, twin = trainer_of(6), trainer_of(3)
    twin._load(state_of(trainer))
    forward = trainer.network.forward
    calls = []

    def once(*given: Tensor) -> Tensor:
        calls.append(len(given[0]))
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*given)

    monkeypatch.setattr(trainer.network, "forward", once)
    assert trainer.step() == twin.step()
    assert calls == [6, 6, 3, 3, 3, 3]
    assert_equal(state_of(trainer), state_of(twin))


def test_memory_too_small_for_one_image_is_said(monkeypatch):
    trainer, twin = trainer_of(), trainer_of()
    raising(trainer, 0, torch.OutOfMemoryError, monkeypatch)
    before = state_of(trainer)
    with pytest.raises(
        ValueError, match="cpu has too little memory for 1 at once of a batch of 12; choose a"
    ):
        trainer.step()
    assert_equal(state_of(trainer), before)
    assert_equal(state_of(trainer), state_of(twin))


def test_one_of_several_processes_says_so_instead_of_letting_the_others_wait(monkeypatch):
    trainer = trainer_of(updates=0)
    trainer._team = Team(0, 1, CPU)
    asked = raising(trainer, 6, torch.OutOfMemoryError, monkeypatch)
    with pytest.raises(ValueError, match="too little memory for 12 at once of a batch of 12"):
        trainer.step()
    assert asked == [12]


def test_other_errors_are_not_taken_for_it(monkeypatch):
    trainer = trainer_of()
    asked = raising(trainer, 0, RuntimeError, monkeypatch)
    with pytest.raises(RuntimeError, match="tried to allocate 12"):
        trainer.step()
    assert asked == [12]
    assert trainer.micro_batch is None


def test_a_frozen_denoiser_keeps_the_weights_of_now():
    trainer = Trainer(digits_config(), torch.device("cpu"))
    x = torch.randn(2, 1, 8, 8)
    held, moving = trainer.denoiser(frozen=True), trainer.denoiser()
    before = held.predict(x, 5).x0, moving.predict(x, 5).x0
    trainer.step()
    assert torch.equal(held.predict(x, 5).x0, before[0])
    assert not torch.equal(moving.predict(x, 5).x0, before[1])


def test_classes_must_be_those_of_the_data():
    config = replace(digits_config(), unet=replace(TINY, classes=5))
    with pytest.raises(ValueError, match="learn 5 classes, the data set 'digits' has 10"):
        Trainer(config, torch.device("cpu"))


def test_what_counts_as_out_of_memory():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 18 GB)"))
    said = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    assert is_out_of_memory(RuntimeError(said))
    assert not is_out_of_memory(RuntimeError("the sizes do not fit"))
    assert not is_out_of_memory(MemoryError("MPS backend out of memory"))


def capability(monkeypatch: pytest.MonkeyPatch, **names: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: names, raising=False)


def test_bfloat16_is_for_devices_that_are_faster_with_it(monkeypatch):
    cuda = torch.device("cuda:0")
    for version, dtype in [
        ((7, 5), torch.float32),
        ((8, 0), torch.bfloat16),
        ((9, 0), torch.bfloat16),
    ]:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, v=version: v)
        assert training_type(cuda) == dtype
    capability(monkeypatch, avx512_f=True, avx512_bf16=False, amx_bf16=False)
    assert training_type(CPU) == torch.float32
    capability(monkeypatch, amx_bf16=True)
    assert training_type(CPU) == torch.bfloat16
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert training_type(CPU) == torch.float32
    assert training_type(torch.device("mps")) == torch.float32
    assert training_type(torch.device("meta")) == torch.float32


def test_points_are_never_trained_in_bfloat16(monkeypatch, config_for):
    capability(monkeypatch, amx_bf16=True)
    assert Trainer(config_for(), CPU).working_type == torch.float32
    assert Trainer(digits_config(), CPU).working_type == torch.bfloat16


def test_mixed_precision_is_nearly_the_same_update():
    """The pass is in bfloat16, everything that is kept in float32."""
    full, mixed = trainer_of(), trainer_of()
    mixed._load(state_of(full))
    mixed.working_type = torch.bfloat16
    kinds = set()
    mixed.network.inlet.register_forward_hook(lambda _, __, out: kinds.add(out.dtype))
    mixed.network.middle_attention.heads.register_forward_hook(
        lambda _, __, out: kinds.add(out.dtype)
    )
    loss, gradients = gradients_of(full)
    rough, rough_gradients = gradients_of(mixed)
    assert kinds == {torch.bfloat16}
    assert rough.dtype == torch.float32
    assert rough.item() == pytest.approx(loss.item(), rel=2e-2)
    assert rough.item() != loss.item()
    one, other = (
        torch.cat([value.flatten() for value in each.values()])
        for each in (gradients, rough_gradients)
    )
    assert other.dtype == torch.float32
    assert F.cosine_similarity(one, other, dim=0) > 0.999
    mixed.step()
    assert all(value.dtype == torch.float32 for value in mixed._weights().values())
    assert all(
        value.dtype == torch.float32
        for name, value in mixed._state().items()
        if name.startswith("optimiser")
    )


def test_mixed_precision_learns_and_samples_in_float32():
    trainer = trainer_of(updates=0, batch_size=16)
    trainer.working_type = torch.bfloat16
    losses = [trainer.update(2e-2).item() for _ in range(15)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    with torch.no_grad():
        assert trainer.denoiser().predict_x0(torch.zeros(1, 1, 8, 8), 9).dtype == torch.float32


def test_float32_is_without_any_detour():
    """On a machine without bfloat16 the loss is the one that was always computed, to the bit."""
    trainer = trainer_of()
    batch = trainer._batch()
    x_t = trainer.schedule.add_noise(batch.x0, batch.t, batch.eps)
    target = training.training_target(batch.x0, batch.eps, batch.t, trainer.schedule, "v")
    expected = F.mse_loss(trainer.network(x_t, batch.t, batch.classes), target)
    assert torch.equal(trainer._loss(batch), expected)
    assert not torch.is_autocast_enabled("cpu")
    with precision.computing_in(torch.float32, CPU):
        assert not torch.is_autocast_enabled("cpu")


def test_a_part_of_a_batch_has_its_rows():
    batch = trainer_of(updates=0)._batch()
    part = batch.part(slice(3, 7))
    assert isinstance(part, Batch)
    for name in ("x0", "t", "eps", "classes"):
        assert torch.equal(getattr(part, name), getattr(batch, name)[3:7])


def test_an_enormous_network_is_refused_before_it_is_allocated():
    config = digits_config()
    config = replace(config, unet=replace(config.unet, width=512, multipliers=(1, 8), blocks=4))
    with pytest.raises(ValueError, match=r"the network has \d+ parameters, more than 100000000"):
        Trainer(config, torch.device("cpu"))


def test_a_training_may_go_on_with_another_rate_and_share_without_class(tmp_path):
    config = digits_config(steps=2)
    config = replace(config, unet=replace(WITH_CLASSES, unlabelled=0.0))
    for _ in train(open_run(config, tmp_path, device=CPU), tmp_path):
        pass
    unet = replace(config.unet, unlabelled=1.0)
    asked = replace(config, steps=4, rate=config.rate / 2, unet=unet)
    trainer = open_run(asked, tmp_path, device=CPU, resume=True)
    assert (trainer.done, trainer.config) == (2, asked)
    assert not trainer._batch().classes.any()
    trainer.release()
    other = replace(asked, unet=replace(asked.unet, width=16))
    with pytest.raises(ValueError, match="it was trained with unet width 8, not 16"):
        open_run(other, tmp_path, device=CPU, resume=True)
