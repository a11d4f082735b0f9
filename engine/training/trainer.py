"""A network in training: its updates, and what resuming it exactly needs."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from engine.checkpoints.checkpoint import Description, count_parameters, load_tensors, save_tensors
from engine.checkpoints.data import DATA, TrainingData, load_training_data
from engine.checkpoints.networks import NETWORKS, build_network
from engine.checkpoints.precision import computing_in
from engine.datasets import PointSet
from engine.datasets.images import ImageSet
from engine.devices import is_out_of_memory, release_memory, threads_for
from engine.diffusion.denoiser import NetworkDenoiser, training_target
from engine.diffusion.schedules import Schedule
from engine.shared.config import TrainingConfig
from engine.shared.run_files import CHECKPOINT, STATE
from engine.shared.work import finish
from engine.training.distributed import Team
from engine.training.run_lock import RunLock

WARM_UP = 200
DECAY = 6000
"""Updates after which the rate has fallen to a root of 1/2; after three times as many, to 1/2."""
AVERAGING_POWER = 6.94


@dataclass(frozen=True)
class Batch:
    """x0 and eps (B, ...), t int64 (B,) in 1..T, and class weights (B, K) where there are any."""

    x0: Tensor
    t: Tensor
    eps: Tensor
    classes: Tensor | None

    def part(self, rows: slice) -> Batch:
        """Some of its rows."""
        classes = None if self.classes is None else self.classes[rows]
        return Batch(self.x0[rows], self.t[rows], self.eps[rows], classes)


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


class TooLittleMemoryError(ValueError):
    """A device has no room for an update. Of several processes a single one may meet this."""


class Trainer:
    """A network in training; ``step`` makes one update.

    ``data``: train with these instead of the set that ``config`` names. ``micro_batch``: carry at
    most so many rows through the network at once; the update is that of the whole batch. Where the
    memory of a device is too small, it halves itself. ``working_type`` is what networks for images
    compute in, bfloat16 where that is faster.

    Random numbers come from one CPU generator whatever the device, so a run can be repeated and
    resumed to the bit (on one CPU thread).
    """

    def __init__(
        self,
        config: TrainingConfig,
        device: torch.device,
        data: PointSet | ImageSet | TrainingData | None = None,
        *,
        data_root: Path | None = None,
        micro_batch: int | None = None,
    ) -> None:
        self.config, self.device, self.micro_batch = config, device, micro_batch
        kind = DATA[config.resolved_kind]
        if data is None and config.classes:
            there = len(kind.labels(config))
            if config.classes != there:
                raise ValueError(
                    f"the network is to learn {config.classes} classes, the data set "
                    f"{config.dataset!r} has {there}"
                )
        if data is None:
            data = load_training_data(config, device, data_root=data_root)
        self._data = data if isinstance(data, TrainingData) else kind.held(data, device)
        self.transform = self._data.transform
        count_parameters(config, self._data.shape)  # before any of them is allocated
        self.schedule = Schedule(config.schedule)
        self.random = torch.Generator().manual_seed(config.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = build_network(config, self._data.shape)
        self.network: nn.Module = network.to(device)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.rate,
            weight_decay=0.0,
            fused=device.type in ("cpu", "cuda", "mps"),
        )
        self.working_type = NETWORKS[config.resolved_kind].working_type(device)
        self.done = 0
        self.lock: RunLock | None = None
        """Of the folder it saves to, until its training ends (see ``open_run``)."""
        self._team: Team | None = None
        self._together: DistributedDataParallel | None = None

    @property
    def leads(self) -> bool:
        """Whether this process writes: always, unless it is one of several."""
        return self._team is None or self._team.leads

    def join(self, team: Team) -> None:
        """Train together from now on, from the state of the process that leads.

        An update is still that of the whole batch, of which each process computes its rows. Raises
        ``ValueError`` in the leader if another process found other data, say on another machine.
        """
        beside = {"done": torch.tensor(self.done), "data": self._data.figures()}
        state = team.handed_out(beside | self._state() if team.leads else None)
        leaders = state.pop("data")
        team.made(lambda: self._require_data_of(leaders))
        self.done = int(state.pop("done"))
        if not team.leads:
            self._load(state)
        self._team, self._together = team, team.wrap(self.network)

    def _require_data_of(self, leaders: Tensor) -> None:
        mine = self._data.figures()
        if mine.shape != leaders.shape or not torch.allclose(mine, leaders, rtol=1e-3, atol=1e-5):
            raise ValueError(
                f"it has found other data, {self._data.count} of shape {self._data.shape} with "
                f"mean {_numbers(self.transform.mean.ravel().tolist())}, where the leading process "
                f"has {int(leaders[0])}; name the same everywhere with --data-root"
            )

    def denoiser(self, *, frozen: bool = False) -> NetworkDenoiser:
        """The averaged network as it is now; later updates change it (then call ``refresh``).

        ``frozen``: a copy that they do not change.
        """
        network = copy.deepcopy(self.averaged) if frozen else self.averaged
        return NetworkDenoiser(network, self.schedule, self.config.resolved_prediction)

    def step(self) -> TrainingStep:
        """Make one update and return its numbers."""
        return finish(self.stepwise())

    def stepwise(self) -> Generator[None, None, TrainingStep]:
        """``step`` with at most one pass through the network an item, a micro-batch each.

        Dropped in between it has changed nothing but the random state, which is put back.
        """
        rate = learning_rate(self.done + 1, self.config.rate)
        loss = yield from self._update(rate)
        return TrainingStep(self.done, float(loss), rate)

    def update(self, rate: float) -> Tensor:
        """Make one update; the loss stays on the device, so that nothing waits for it here."""
        return finish(self._update(rate))

    def _update(self, rate: float) -> Generator[None, None, Tensor]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        before = self.random.get_state()
        finished = False
        try:
            batch = self._batch()
            self.optimiser.zero_grad()
            loss = yield from self._gradients_in_memory(batch)
            finished = True
        finally:
            if not finished:
                self.random.set_state(before)
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        self.done += 1
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.averaged.parameters()),
                list(self.network.parameters()),
                averaging_weight(self.done),
            )
        return loss

    def _gradients_in_memory(self, batch: Batch) -> Generator[None, None, Tensor]:
        """``_gradients``, again with half as many rows at once whenever memory runs out."""
        while True:
            try:
                return (yield from self._gradients(batch))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._halve(len(batch.t))
            # Only here is the error gone, and with it all that its frames have held.
            self.optimiser.zero_grad()
            release_memory(self.device)

    def _halve(self, count: int) -> None:
        rows = min(self.micro_batch or count, count)
        # One of several processes would leave the others waiting for it.
        if rows == 1 or self._team is not None:
            raise TooLittleMemoryError(
                f"{self.device} has too little memory for {rows} at once of a batch of {count}; "
                "choose a smaller micro-batch or network"
            )
        self.micro_batch = (rows + 1) // 2

    def _gradients(self, batch: Batch) -> Generator[None, None, Tensor]:
        """Add up the gradients of the batch's mean loss, micro-batch by micro-batch.

        One of several processes has some of the batch's rows; the loss is that of all.
        """
        team, mine = self._team, len(batch.t)
        size = mine if team is None else self.config.batch_size
        loss = torch.zeros((), device=self.device)
        rows, start = self.micro_batch or mine, 0
        while start < mine:
            part = batch.part(slice(start, start + rows))
            with threads_for(part.x0), self._passing(last=start + rows >= mine):
                share = self._loss(part) * (len(part.t) / size)
                # Gradients will be averaged over the processes, where their sum is wanted.
                (share if team is None else share * team.size).backward()  # type: ignore[no-untyped-call]
            loss += share.detach()
            start += rows
            if start < mine:
                yield
        return loss if team is None else team.total(loss)

    def _passing(self, *, last: bool) -> AbstractContextManager[None]:
        if self._team is None or self._together is None:
            return nullcontext()
        return self._team.passing(self._together, last)

    def _loss(self, batch: Batch) -> Tensor:
        x_t = self.schedule.add_noise(batch.x0, batch.t, batch.eps)
        prediction = self.config.resolved_prediction
        target = training_target(batch.x0, batch.eps, batch.t, self.schedule, prediction)
        given = () if batch.classes is None else (batch.classes,)
        network = self.network if self._together is None else self._together
        with computing_in(self.working_type, self.device):
            output = network(x_t, batch.t, *given)
        return F.mse_loss(output.float(), target)

    def _batch(self) -> Batch:
        """Draw the next batch; of several processes each takes its rows of the same one.

        The times are stratified: a batch covers 1..T evenly, each time still uniform, which calms
        the loss.
        """
        size, timesteps = self.config.batch_size, self.schedule.timesteps
        rows = torch.randint(self._data.count, (size,), generator=self.random)
        spread = (torch.arange(size) + torch.rand(size, generator=self.random)) / size
        t = (spread * timesteps).long().clamp_(max=timesteps - 1) + 1
        eps = torch.randn(size, *self._data.shape, generator=self.random)
        batch = Batch(
            self._data.states(rows),
            t.to(self.device),
            eps.to(self.device),
            self._class_weights(rows),
        )
        return batch if self._team is None else batch.part(self._team.share(size))

    def _class_weights(self, rows: Tensor) -> Tensor | None:
        """A row (K,) for each: 1 at its class, all zeros where that is kept from the network."""
        unet = self.config.unet
        if unet is None or not self.config.classes:
            return None
        labels = self._data.classes(rows)
        if labels is None:
            raise ValueError(f"the data set {self.config.dataset!r} has no classes")
        told = torch.rand(len(rows), generator=self.random) >= unet.unlabelled
        return F.one_hot(labels, unet.classes).float() * told.to(self.device)[:, None]

    def description(self) -> Description:
        """The configuration and how far it has come."""
        mean, std = self.transform.mean.flatten().tolist(), self.transform.std.flatten().tolist()
        return Description.of(self.config, self._data.shape, mean, std, step=self.done)

    def _weights(self) -> dict[str, Tensor]:
        return {f"weights.{k}": v for k, v in self.network.state_dict().items()} | {
            f"averaged.{k}": v for k, v in self.averaged.state_dict().items()
        }

    def _state(self) -> dict[str, Tensor]:
        state = self._weights()
        for i, parameter in enumerate(self.network.parameters()):
            for name, value in self.optimiser.state[parameter].items():
                state[f"optimiser.{i}.{name}"] = value
        state["random"] = self.random.get_state()
        return state

    def save(self, folder: Path) -> None:
        """Write state and checkpoint. Each file is whole at any time; raises ``OSError``.

        The state holds all that resuming needs, so an interrupt between the two files is harmless.
        """
        save_tensors(folder / STATE, self._state(), self.description())
        save_tensors(folder / CHECKPOINT, self._weights(), self.description())

    def release(self) -> None:
        """Let others train in the folder."""
        if self.lock is not None:
            self.lock.release()

    @classmethod
    def resume(
        cls,
        folder: Path,
        device: torch.device,
        *,
        data_root: Path | None = None,
        micro_batch: int | None = None,
    ) -> Trainer:
        """Take up a saved training; raises ``ValueError`` naming the file and what is wrong."""
        path = state_in(folder)
        description, tensors = load_tensors(path)
        for name, value in tensors.items():
            if not bool(torch.isfinite(value).all()):
                raise ValueError(f"{path} is damaged: {name!r} has numbers that are not finite")
        trainer = cls(description.config, device, data_root=data_root, micro_batch=micro_batch)
        trainer._require_same_data(description, folder)
        trainer.done = description.step
        try:
            trainer._load(tensors)
        except (KeyError, RuntimeError, TypeError) as error:
            raise ValueError(
                f"{path} is damaged: its tensors do not fit its configuration"
            ) from error
        return trainer

    def _require_same_data(self, description: Description, folder: Path) -> None:
        """Other images have another mean: what was learned is not true of them."""
        now = self.description()
        pairs = zip([*now.mean, *now.std], [*description.mean, *description.std], strict=False)
        alike = all(math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-6) for a, b in pairs)
        if now.state_shape != description.state_shape or not alike:
            raise ValueError(
                f"cannot resume {folder}: it was trained with other data, whose mean is "
                f"{_numbers(description.mean)}, here it is {_numbers(now.mean)}"
            )

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
            # The fused update goes through memory in order: laid out as the weights are, which for
            # images is channels last.
            laid_out = {
                name: torch.empty_like(parameter).copy_(moments[name])
                for name in ("exp_avg", "exp_avg_sq")
            }
            stored["state"][i] = {"step": moments["step"], **laid_out}
        self.optimiser.load_state_dict(stored)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def state_in(folder: Path) -> Path:
    """The state that a training left in ``folder``; raises ``ValueError`` if there is none."""
    path = folder / STATE
    if not path.is_file():
        raise ValueError(f"nothing to resume in {folder}: no {STATE}")
    return path
