"""Training as a generator of plain numbers: stop it at any item, resume it exactly."""

from __future__ import annotations

import copy
import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine import checkpoint as checkpoints
from engine import datasets
from engine.config import TrainingConfig
from engine.denoiser import NetworkDenoiser, training_target
from engine.files import make_folder
from engine.schedules import Schedule

METRICS_NAME = "metrics.jsonl"

WARM_UP = 200
DIVERGED = 1e6
"""A loss that no training comes back from: all targets have a variance of about 1."""
DECAY = 6000
"""Updates after which the rate has fallen to a root of 1/2; after three times as many, to 1/2."""
AVERAGING_POWER = 6.94


@dataclass(frozen=True)
class TrainingStep:
    """One update: ``loss`` of the batch before it, ``rate`` it was made with."""

    step: int
    loss: float
    rate: float


def learning_rate(step: int, peak: float) -> float:
    """The rate of update ``step`` (from 1): a linear warm-up, then an inverse square root.

    It depends on the step alone, not on how many are planned: training on after the end, or
    stopping early, is the same training. The averaged weights do what a final decay would.
    """
    decay: float = (1 + max(0, step - WARM_UP) / DECAY) ** 0.5
    return peak * min(1.0, step / WARM_UP) / decay


def averaging_weight(step: int) -> float:
    """The share of update ``step`` (from 1) in the averaged weights; the first one is all there is.

    Power-function averaging (Karras et al. 2024, equation 127): about the last tenth of a run. Like
    the rate, it knows nothing of the planned number of steps.
    """
    keep: float = (1 - 1 / step) ** (AVERAGING_POWER + 1)
    return 1 - keep


class Trainer:
    """A network in training; ``step`` makes one update.

    ``data``: train with these points instead of the set that ``config`` names.

    Random numbers come from one CPU generator whatever the device, so a run can be repeated and
    resumed to the bit (on one CPU thread).
    """

    def __init__(
        self,
        config: TrainingConfig,
        device: torch.device,
        data: datasets.PointSet | None = None,
    ) -> None:
        self.config, self.device = config, device
        if data is None:
            data = datasets.load(config.dataset, n=config.points, seed=config.seed)
        self.transform = data.transform
        self._data = torch.from_numpy(data.points).to(device)
        self.schedule = Schedule(config.schedule)
        self.random = torch.Generator().manual_seed(config.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = checkpoints.build_network(config, self._data.shape[1])
        self.network: nn.Module = network.to(device)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.rate,
            weight_decay=0.0,
            fused=device.type in ("cpu", "cuda", "mps"),
        )
        self.done = 0

    def denoiser(self) -> NetworkDenoiser:
        """The averaged network as it is now; later updates change it (then call ``refresh``)."""
        return NetworkDenoiser(self.averaged, self.schedule, self.config.resolved_prediction)

    def step(self) -> TrainingStep:
        """Make one update and return its numbers."""
        rate = learning_rate(self.done + 1, self.config.rate)
        loss = self.update(rate)
        return TrainingStep(self.done, float(loss), rate)

    def update(self, rate: float) -> Tensor:
        """Make one update; the loss stays on the device, so that nothing waits for it here."""
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        x0, t, eps = self._batch()
        x_t = self.schedule.add_noise(x0, t, eps)
        target = training_target(x0, eps, t, self.schedule, config.resolved_prediction)
        loss = F.mse_loss(self.network(x_t, t), target)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.done += 1
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.averaged.parameters()),
                list(self.network.parameters()),
                averaging_weight(self.done),
            )
        return loss.detach()

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """x0 (B, D), t (B,) uniform on 1..T, eps (B, D).

        The times are stratified: a batch covers 1..T evenly, each time still uniform, which calms
        the loss.
        """
        size, timesteps = self.config.batch_size, self.schedule.timesteps
        rows = torch.randint(len(self._data), (size,), generator=self.random)
        spread = (torch.arange(size) + torch.rand(size, generator=self.random)) / size
        t = (spread * timesteps).long().clamp_(max=timesteps - 1) + 1
        eps = torch.randn(size, self._data.shape[1], generator=self.random)
        return self._data[rows.to(self.device)], t.to(self.device), eps.to(self.device)

    def description(self) -> checkpoints.Description:
        """The configuration and how far it has come."""
        return checkpoints.Description(
            config=self.config,
            step=self.done,
            mean=self.transform.mean.tolist(),
            std=self.transform.std.tolist(),
        )

    def _weights(self) -> dict[str, Tensor]:
        return {f"weights.{k}": v for k, v in self.network.state_dict().items()} | {
            f"averaged.{k}": v for k, v in self.averaged.state_dict().items()
        }

    def save(self, folder: Path) -> None:
        """Write state and checkpoint. Each file is whole at any time; raises ``OSError``.

        The state holds all that resuming needs, so an interrupt between the two files is harmless.
        """
        state = self._weights()
        for i, parameter in enumerate(self.network.parameters()):
            for name, value in self.optimiser.state[parameter].items():
                state[f"optimiser.{i}.{name}"] = value
        state["random"] = self.random.get_state()
        checkpoints.save_tensors(folder / checkpoints.STATE_NAME, state, self.description())
        checkpoints.save_tensors(
            folder / checkpoints.CHECKPOINT_NAME, self._weights(), self.description()
        )

    @classmethod
    def resume(cls, folder: Path, device: torch.device) -> Trainer:
        """Take up a saved training; raises ``ValueError`` naming the file and what is wrong."""
        path = folder / checkpoints.STATE_NAME
        if not path.is_file():
            raise ValueError(f"nothing to resume in {folder}: no {checkpoints.STATE_NAME}")
        description, tensors = checkpoints.load_tensors(path)
        trainer = cls(description.config, device)
        trainer.done = description.step
        try:
            trainer._load(tensors)
        except (KeyError, RuntimeError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged: its tensors do not fit its configuration"
            ) from error
        return trainer

    def _load(self, tensors: dict[str, Tensor]) -> None:
        def part(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value
                for name, value in tensors.items()
                if name.startswith(prefix)
            }

        self.network.load_state_dict(part("weights."))
        self.averaged.load_state_dict(part("averaged."))
        self.random.set_state(tensors["random"])
        if self.done == 0:
            return  # the optimiser has no state before its first update
        stored = self.optimiser.state_dict()
        stored["state"] = {}
        for i, parameter in enumerate(self.network.parameters()):
            moments = part(f"optimiser.{i}.")
            for name in ("exp_avg", "exp_avg_sq"):
                if moments[name].shape != parameter.shape:
                    raise RuntimeError(f"{name} of parameter {i} has shape {moments[name].shape}")
            stored["state"][i] = {name: moments[name] for name in ("step", "exp_avg", "exp_avg_sq")}
        self.optimiser.load_state_dict(stored)


def open_run(
    config: TrainingConfig, folder: Path, *, device: torch.device, resume: bool = False
) -> Trainer:
    """The trainer for a run in ``folder``, new or taken up again.

    When resuming, ``config`` may ask for more steps but must agree otherwise. Raises ``ValueError``
    if it does not, if there is nothing to resume, if the folder holds another training, or cannot
    be written.
    """
    if resume:
        trainer = Trainer.resume(folder, device)
        if difference := checkpoints.same_run(trainer.config, config):
            raise ValueError(f"cannot resume {folder}: it was trained with {difference}")
        trainer.config = replace(
            trainer.config, steps=config.steps, checkpoint_every=config.checkpoint_every
        )
        make_folder(folder)
        return trainer
    for name in (checkpoints.STATE_NAME, checkpoints.CHECKPOINT_NAME):
        if (folder / name).exists():
            raise ValueError(
                f"{folder} already holds a training; resume it or choose another folder"
            )
    trainer = Trainer(config, device)
    make_folder(folder)
    return trainer


def train(trainer: Trainer, folder: Path) -> Generator[TrainingStep]:
    """Update until ``config.steps``; an item for each update, after it.

    Saves every ``checkpoint_every`` updates, at the end, and when the generator is closed or
    fails, so that it can be dropped at any item. ``metrics.jsonl`` has one row an update. Raises
    ``OSError`` when saving fails and ``ValueError`` when the loss leaves all bounds; what was saved
    before is still there.
    """
    saved = -1  # also after resuming: an interrupt may have kept the checkpoint behind the state
    with _open_metrics(folder / METRICS_NAME, trainer.done) as metrics:

        def save() -> None:
            nonlocal saved
            if saved != trainer.done:
                # Before the state: a row too many is cut on resume, one too few would be lost.
                metrics.flush()
                trainer.save(folder)
                saved = trainer.done

        finished = False
        try:
            while trainer.done < trainer.config.steps:
                item = trainer.step()
                if not item.loss < DIVERGED:
                    finished = True  # what was saved before is better than this
                    raise ValueError(
                        f"the training has diverged: the loss is {item.loss:.3g} at step "
                        f"{item.step} with rate {trainer.config.rate:g}; choose a smaller rate"
                    )
                row = {"step": item.step, "loss": item.loss, "rate": item.rate}
                metrics.write(json.dumps(row) + "\n")
                if item.step % trainer.config.checkpoint_every == 0:
                    save()
                yield item
            save()
            finished = True
        except OSError as error:
            finished = True  # saving again would only hide why it failed
            error.filename = error.filename or str(folder)
            raise
        finally:
            if not finished:
                save()


def _open_metrics(path: Path, done: int) -> IO[str]:
    """The metrics file, cut back to the rows up to update ``done``, open for more."""
    with path.open("ab+") as old:
        old.seek(0)
        kept = 0
        for line in old:
            try:
                if not line.endswith(b"\n") or json.loads(line)["step"] > done:
                    break
            except (ValueError, TypeError, KeyError):  # spoilt by a crash
                break
            kept += len(line)
        old.truncate(kept)  # in place: this works on a full disk, too
    return path.open("a", encoding="utf-8", newline="\n")
