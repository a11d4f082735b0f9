"""Begins trainings, and keeps what is seen of the one that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from engine.shared import messages
from engine.shared.config import TrainingConfig
from engine.shared.messages import AnyReport, Arrays
from engine.shared.trajectory import Trajectory
from toydiff_gui.controllers.models import Models
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.link import EngineLink
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import SEED, TRAINING, TRAINING_CONFIG, TrainingRun


class Training(QObject):
    """One training at a time.

    Signals:
        runs_changed: there is another training to choose from, which is not opened.
    """

    runs_changed = Signal()

    def __init__(
        self,
        store: Store,
        client: Client,
        models: Models,
        runs: Runs,
        link: EngineLink,
        *,
        is_on_show: Callable[[TrainingConfig], bool],
        data_root: Callable[[TrainingConfig], str],
        parent: QObject | None = None,
    ) -> None:
        """``is_on_show``: whether what a configuration trains is of the mode of now.

        ``data_root``: where the engine is to look first for what it trains with.
        """
        super().__init__(parent)
        self._store, self._client, self._models, self._runs = store, client, models, runs
        self._link, self._is_on_show, self._data_root = link, is_on_show, data_root
        self._job: int | None = None
        self._folder: Path | None = None
        client.died.connect(self._on_died)

    @property
    def _host(self) -> str:
        return self._store.get(ENGINE).host

    @property
    def can_continue(self) -> bool:
        """Whether 'Train' would go on with the training that the current model comes from."""
        if self._store.get(TRAINING).active:
            return False
        config = self._store.get(TRAINING_CONFIG)
        folder = self._runs.known(self._store.get(MODEL).ref)
        if folder is None:
            return False
        stored = self._runs.config(folder)
        return stored is not None and replace(config, steps=stored.steps) == stored

    def train(self) -> None:
        """Train with the state's configuration: on from the current model where that fits."""
        if self._store.get(ENGINE).status != "ready" or self._job is not None:
            return
        config, resume = self._store.get(TRAINING_CONFIG), self.can_continue
        try:
            if resume:
                folder = Path(self._store.get(MODEL).ref)
                self._require_all_of(folder)
                total = self._store.get(MODEL).trained_steps + config.steps
                asked = replace(config, steps=total)
            else:
                folder, asked = self._runs.new_folder(config), config
            if self._link.address is not None:
                self._runs.mark_away(folder, str(self._link.address))
        except (OSError, ValueError) as error:
            self._store.post(f"cannot begin a training: {error}", error=True)
            return
        before = self._store.get(TRAINING) if resume else TrainingRun()
        self._store.set(
            TRAINING,
            replace(
                before,
                status="starting",
                total=asked.steps,
                elapsed=0.0,
                remaining=None,
                preview=None,
                folder=str(folder),
                config=asked,
                beside=self._store.get(MODEL).ref,
            ),
        )
        request = messages.Train(
            config=asked,
            out=str(folder),
            resume=resume,
            data_root=self._data_root(asked),
        )
        self._folder = folder
        self._job = self._client.ask(
            request, report=self._on_report, done=self._on_done, failed=self._on_failed
        )

    def _require_all_of(self, folder: Path) -> None:
        """Raises ``ValueError`` while the engine has more of a training than there is here.

        What is here would replace it. Whoever goes on elsewhere wants that no more.
        """
        there = self._runs.away_at(folder)
        if there and there == str(self._link.address):
            raise ValueError(
                f"what the engine on {self._host} has learned meanwhile in {folder.name!r} has not "
                "been fetched yet"
            )
        if there:
            self._runs.mark_home(folder)

    def pause(self) -> None:
        """Hold the training."""
        self._tell_training(messages.Pause, "running", "paused")

    def resume(self) -> None:
        """Let the training go on."""
        self._tell_training(messages.Resume, "paused", "running")

    def stop(self) -> None:
        """End the training; what was learned is saved."""
        if self._job is not None and self._store.get(TRAINING).status != "stopping":
            self._client.tell(messages.Cancel(job=self._job))
            self._store.set(TRAINING, replace(self._store.get(TRAINING), status="stopping"))

    def _tell_training(self, message: Any, expected: str, status: Any) -> None:
        if self._job is not None and self._store.get(TRAINING).status == expected:
            self._client.tell(message(job=self._job))
            self._store.set(TRAINING, replace(self._store.get(TRAINING), status=status))

    def _on_report(self, message: AnyReport, arrays: Arrays) -> None:
        if not isinstance(message, messages.Snapshot):
            return
        before = self._store.get(TRAINING)
        preview = before.preview
        if "x" in arrays:  # costly samples do not come with every report
            times, x, x0 = (tuple(arrays[name]) for name in ("t", "x", "x0"))
            preview = Trajectory(tuple(map(int, times)), x, x0, self._preview_meta())
        self._store.set(
            TRAINING,
            replace(
                before,
                status="running" if before.status == "starting" else before.status,
                step=message.step,
                total=message.total,
                elapsed=message.elapsed,
                remaining=message.remaining,
                steps=np.concatenate([before.steps, arrays["steps"]]),
                losses=np.concatenate([before.losses, arrays["losses"]]),
                quality=message.values,
                preview=preview,
                mean=tuple(np.asarray(arrays.get("mean", before.mean)).tolist()),
                std=tuple(np.asarray(arrays.get("std", before.std)).tolist()),
            ),
        )

    def _preview_meta(self) -> dict[str, Any]:
        """The latents of the preview are drawn from the training's seed."""
        config = self._store.get(TRAINING).config
        return {} if config is None else {SEED: config.seed}

    def _on_done(self, message: messages.Result, arrays: Arrays) -> None:
        self._ended("done")

    def _on_failed(self, failure: messages.Failure) -> None:
        self._ended("failed", f"The training has ended: {failure.message}")

    def _ended(self, status: Any, message: str = "") -> None:
        folder, self._job = self._folder, None
        self._store.set(TRAINING, replace(self._store.get(TRAINING), status=status, remaining=None))
        if message:
            self._store.post(message, error=status == "failed")
        config = self._store.get(TRAINING).config
        if folder is not None and status == "done":
            self._runs.mark_home(folder)
        if folder is not None and self._runs.has_checkpoint(folder):
            self._runs.remember(folder)
            same_mode = config is None or self._is_on_show(config)
            if same_mode and not self._models.is_opening:
                self._models.open(str(folder))
            else:  # nobody is taken to the other mode unasked, or away from what was just chosen
                self.runs_changed.emit()
                self._store.post(f"The training has ended; its model is in the list: {folder.name}")
        elif folder is not None and not self._runs.is_away(folder):
            self._runs.discard(folder)

    def _on_died(self, why: str) -> None:
        if self._job is not None:
            folder, self._job = self._folder, None
            if folder is not None and self._runs.is_away(folder):
                self._store.post(
                    f"The training on {self._host} has ended with the connection. The engine there "
                    "saves it, and it is fetched when the connection stands again.",
                    error=True,
                )
            elif folder is not None and self._runs.has_checkpoint(folder):
                self._runs.remember(folder)  # as far as it was saved, it can be opened
                self.runs_changed.emit()
            elif folder is not None:
                self._runs.discard(folder)
            self._store.set(
                TRAINING, replace(self._store.get(TRAINING), status="failed", remaining=None)
            )
