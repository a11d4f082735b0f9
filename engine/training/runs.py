"""A run: a training in a folder, as a generator of plain numbers.

Stop it at any item, resume it exactly.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import torch

from engine.checkpoints.checkpoint import going_on, same_run
from engine.shared.config import TrainingConfig
from engine.shared.files import made_folder, make_folder
from engine.shared.run_files import CHECKPOINT, METRICS, STATE
from engine.training.run_lock import RunLock
from engine.training.trainer import Trainer, TrainingStep, state_in

DIVERGED = 1e6
"""A loss that no training comes back from: all targets have a variance of about 1."""


def open_run(
    config: TrainingConfig,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    data_root: Path | None = None,
    micro_batch: int | None = None,
) -> Trainer:
    """The trainer for a run in ``folder``, new or taken up again.

    When resuming, ``config`` may ask for more steps, and change what ``going_on`` allows. Raises
    ``ValueError`` if it changes more, if there is nothing to resume, if the folder holds another
    training, cannot be written, or is in training in another process. Until ``train`` ends, or
    ``Trainer.release``, nobody else can train there.
    """
    if resume:
        state_in(folder)
        make_folder(folder)
        lock = RunLock(folder)  # before the state is read: it may not be the last one yet
        try:
            trainer = Trainer.resume(folder, device, data_root=data_root, micro_batch=micro_batch)
            if difference := same_run(trainer.config, config):
                raise ValueError(f"cannot resume {folder}: it was trained with {difference}")
        except BaseException:
            lock.release()
            raise
        trainer.config, trainer.lock = going_on(trainer.config, config), lock
        return trainer
    with made_folder(folder):
        lock = RunLock(folder)  # before the look: another training may end while this one is built
        try:
            _require_no_training(folder)
            trainer = Trainer(config, device, data_root=data_root, micro_batch=micro_batch)
        except BaseException:
            lock.release()
            raise
    trainer.lock = lock
    return trainer


def _require_no_training(folder: Path) -> None:
    for name in (STATE, CHECKPOINT):
        if (folder / name).exists():
            raise ValueError(
                f"{folder} already holds a training; resume it or choose another folder"
            )


def train(trainer: Trainer, folder: Path) -> Generator[TrainingStep]:
    """``train_stepwise`` without what lies between updates."""
    items = train_stepwise(trainer, folder)
    try:
        for item in items:
            if item is not None:
                yield item
    finally:
        items.close()


def train_stepwise(trainer: Trainer, folder: Path) -> Generator[TrainingStep | None]:
    """Update until ``config.steps``; an item for each update, after it, and None between
    micro-batches. Of several processes only the one that leads writes.

    Saves every ``checkpoint_every`` updates, at the end, and when the generator is closed or
    fails, so that it can be dropped at any item. ``metrics.jsonl`` has one row an update. Raises
    ``OSError`` when saving fails and ``ValueError`` when the loss leaves all bounds; what was saved
    before is still there. At the end others may train in ``folder``.
    """
    saved = -1  # also after resuming: an interrupt may have kept the checkpoint behind the state
    with ExitStack() as ending:
        ending.callback(trainer.release)
        metrics = None
        if trainer.leads:
            metrics = ending.enter_context(_open_metrics(folder / METRICS, trainer.done))

        def save() -> None:
            nonlocal saved
            if metrics is not None and saved != trainer.done:
                # Before the state: a row too many is cut on resume, one too few would be lost.
                metrics.flush()
                trainer.save(folder)
                saved = trainer.done

        finished = False
        try:
            while trainer.done < trainer.config.steps:
                # Whole batches have nothing in between.
                micro = trainer.micro_batch is not None
                item = (yield from trainer.stepwise()) if micro else trainer.step()
                if not item.loss < DIVERGED:
                    finished = True  # what was saved before is better than this
                    raise ValueError(
                        f"the training has diverged: the loss is {item.loss:.3g} at step "
                        f"{item.step} with rate {trainer.config.rate:g}; choose a smaller rate"
                    )
                if metrics is not None:
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
            except (ValueError, TypeError, KeyError, RecursionError):  # spoilt by a crash
                break
            kept += len(line)
        old.truncate(kept)  # in place: this works on a full disk, too
    return path.open("a", encoding="utf-8", newline="\n")
