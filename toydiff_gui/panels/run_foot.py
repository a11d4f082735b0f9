"""The foot of the dock 'Train': its buttons, the loss, the quality, how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from toydiff_gui.panels.loss_plot import LossPlot
from toydiff_gui.panels.run_figures import FigureRow
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.figures import Figure
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import SectionHeader, Text, restyle


class TrainedIn(Protocol):
    """What a mode is called, and what is measured of a training in it."""

    @property
    def title(self) -> str: ...

    @property
    def figures(self) -> tuple[Figure, ...]: ...


class RunFoot(QWidget):
    """Buttons and figures of the training that runs, or of the last one.

    That may be one of another mode: ``mode_of`` knows the mode of each kind of states, ``kind`` is
    that of the dock. There are as many rows of figures as its own mode has.

    Signals:
        train_requested: train, or train on.
        pause_requested: hold the training.
        resume_requested: let it go on.
        stop_requested: end it; what was learned is kept.
    """

    train_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()

    def __init__(
        self,
        state: Store,
        kind: str,
        mode_of: Callable[[str], TrainedIn],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._mode_of, self._own = mode_of, mode_of(kind)
        self._can_continue = False
        self._refusal = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._build_buttons()
        self.whose = Text("", size=11, ink="text_secondary")
        self._column.addWidget(self.whose)
        self._build_loss()
        self.figures = [FigureRow(figure) for figure in self._own.figures]
        for row in self.figures:
            self._column.addWidget(row)
        self._build_time()
        state.changed(TRAINING).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        self._show()

    def set_can_continue(self, can_continue: bool) -> None:
        """Say whether training would go on from the current model, or start anew."""
        if can_continue != self._can_continue:
            self._can_continue = can_continue
            self._show()

    def set_refusal(self, reason: str) -> None:
        """Say why nothing can be trained as it is set; empty if it can."""
        if reason != self._refusal:
            self._refusal = reason
            self._show()

    # Building

    def _build_buttons(self) -> None:
        self.train_button = QPushButton("Train")
        self.pause_button = QPushButton("Pause")
        self.stop_button = QPushButton("Stop")
        self._train_icon = ButtonIcon(self.train_button, "train", "on_accent")
        row = QHBoxLayout()
        row.setSpacing(8)
        for button, stretch in (
            (self.train_button, 7),
            (self.pause_button, 5),
            (self.stop_button, 4),
        ):
            button.setProperty("rank", "main")
            row.addWidget(button, stretch)
        self.train_button.clicked.connect(self.train_requested)
        self.pause_button.clicked.connect(self._pause_or_resume)
        self.stop_button.clicked.connect(self.stop_requested)
        self._column.addLayout(row)

    def _build_loss(self) -> None:
        self.loss_header = SectionHeader("Loss", caption_ink="accent")
        self.loss_header.caption.setAccessibleName("Current loss")
        self.loss_header.caption.set_weight(600)
        self.loss_plot = LossPlot()
        self._column.addWidget(self.loss_header)
        self._column.addWidget(self.loss_plot)

    def _build_time(self) -> None:
        self.steps_text = Text("", size=11, ink="text_secondary")
        self.time_text = Text("", size=11, ink="text_secondary")
        row = QHBoxLayout()
        row.addWidget(self.steps_text)
        row.addStretch(1)
        row.addWidget(self.time_text)
        self._column.addLayout(row)

    # Showing

    def _show(self) -> None:
        training = self._state.get(TRAINING)
        ready = self._state.get(ENGINE).status == "ready"
        self.train_button.setText("Train more" if self._can_continue else "Train")
        self.train_button.setEnabled(ready and not training.active and not self._refusal)
        self.train_button.setToolTip(self._train_tip())
        paused = training.status == "paused"
        self.pause_button.setText("Resume" if paused else "Pause")
        self.pause_button.setEnabled(ready and training.status in ("running", "paused"))
        self.pause_button.setToolTip(
            "Go on with the training"
            if paused
            else "Hold the training; nothing is lost"
            if training.active
            else "Nothing is being trained"
        )
        self.stop_button.setEnabled(ready and training.status in ("starting", "running", "paused"))
        self.stop_button.setToolTip(
            "End the training and keep what was learned so far"
            if training.active
            else "Nothing is being trained"
        )
        # One filled button a region: the one that is most likely pressed next.
        self._fill(self.train_button, not training.active)
        self._fill(self.pause_button, training.active)
        self._show_figures()

    def _train_tip(self) -> str:
        engine = self._state.get(ENGINE)
        if engine.status == "starting":
            return wording.starting(engine)
        if engine.status == "dead":
            return "The engine has ended" + (f": {engine.message}" if engine.message else "")
        if self._state.get(TRAINING).active:
            return "A training runs already; stop it to start another"
        if self._refusal:
            return self._refusal
        if self._can_continue:
            return "Go on training the current model for as many steps again"
        return "Train a new model with these settings"

    def _fill(self, button: QPushButton, filled: bool) -> None:
        if button.property("variant") != ("filled" if filled else ""):
            button.setProperty("variant", "filled" if filled else "")
            restyle(button)
        if button is self.train_button:
            self._train_icon.show("train", "on_accent" if filled else "text_secondary")

    def _show_figures(self) -> None:
        training = self._state.get(TRAINING)
        self.loss_plot.set_data(training.steps, training.losses, training.total)
        latest = self.loss_plot.latest
        self.loss_header.set_caption("" if latest is None else f"{latest:.3f}")
        config = training.config
        mode = self._own if config is None else self._mode_of(config.resolved_kind)
        for row, figure in zip_longest(self.figures, mode.figures[: len(self.figures)]):
            row.setVisible(figure is not None)
            if figure is not None:
                row.show_figure(figure, training.quality)
        self.whose.setVisible(mode is not self._own)
        if config is not None:
            dataset = wording.DATASETS[config.dataset]
            self.whose.setText(f"Training of {dataset}, in mode {mode.title}")
        if training.status == "idle":
            self.steps_text.setText("No training here yet")
            self.time_text.setText("")
            return
        whole = training.step >= training.total
        total = wording.counted(training.total, "step")
        step = grouped(training.step)
        self.steps_text.setText(
            wording.counted(training.step, "step") if whole else f"{step} of {total}"
        )
        state = {
            "starting": "starting",
            "paused": "paused",
            "stopping": "stopping",
            "done": "done" if whole else "stopped",
            "failed": "failed",
        }.get(training.status, "")
        if training.status == "running" and training.remaining is not None:
            state = f"{wording.clock(training.remaining)} left"
        elapsed = f"{wording.clock(training.elapsed)} elapsed"
        self.time_text.setText(f"{elapsed}{wording.DOT}{state}" if state else elapsed)

    def _pause_or_resume(self) -> None:
        if self._state.get(TRAINING).status == "paused":
            self.resume_requested.emit()
        else:
            self.pause_requested.emit()
