"""The foot of the dock 'Train': its buttons, the loss, the quality, how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from toydiff_gui import names
from toydiff_gui.controls import QualityBar, SectionHeader, Text, restyle
from toydiff_gui.icons import ButtonIcon
from toydiff_gui.panels.loss_plot import LossPlot
from toydiff_gui.state import AppState

UNKNOWN = "–"


@dataclass(frozen=True)
class Figure:
    """A measure of quality: its key in ``TrainingRun.quality``, that of its floor ('' for none).

    ``bar``: it is drawn as well.
    """

    title: str
    measure: str
    key: str
    floor: str
    tip: str
    written: Callable[[float], str]
    bar: bool = False


def decimals(digits: int) -> Callable[[float], str]:
    """Writes a figure with so many decimals."""
    return lambda value: f"{value:.{digits}f}"


def percent(value: float) -> str:
    """Writes a share of 0 to 1."""
    return f"{100 * value:.1f} %"


class RunFoot(QWidget):
    """Buttons and figures of the training that runs, or of the last one.

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
        self, state: AppState, figures: Sequence[Figure], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._figures = tuple(figures)
        self._can_continue = False
        self._refusal = ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._build_buttons()
        self._build_loss()
        self.values: dict[str, Text] = {}
        self.floors: dict[str, Text] = {}
        self.bars: dict[str, QualityBar] = {}
        for figure in self._figures:
            self._column.addLayout(self._build_figure(figure))
            if figure.bar:
                self.bars[figure.key] = QualityBar(figure.title)
                self._column.addWidget(self.bars[figure.key])
        self._build_time()
        state.training_changed.connect(self._show)
        state.engine_changed.connect(self._show)
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

    def _build_figure(self, figure: Figure) -> QHBoxLayout:
        value, floor = Text(UNKNOWN, size=11, weight=600), Text("", size=11, ink="label")
        self.values[figure.key], self.floors[figure.key] = value, floor
        row = QHBoxLayout()
        row.setSpacing(4)
        heading = Text(figure.title, weight=600)
        row.addWidget(heading)
        row.addStretch(1)
        caption = Text(figure.measure, size=11, ink="label")
        for label in (heading, caption, value, floor):
            label.setToolTip(figure.tip)
        value.setAccessibleName(figure.title)
        row.addWidget(caption)
        row.addWidget(value)
        row.addWidget(floor)
        return row

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
        training = self._state.training
        ready = self._state.engine.status == "ready"
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
        engine = self._state.engine
        if engine.status == "starting":
            return names.starting(engine)
        if engine.status == "dead":
            return "The engine has ended" + (f": {engine.message}" if engine.message else "")
        if self._state.training.active:
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
        training = self._state.training
        self.loss_plot.set_data(training.steps, training.losses, training.total)
        latest = self.loss_plot.latest
        self.loss_header.set_caption("" if latest is None else f"{latest:.3f}")
        for figure in self._figures:
            value = training.quality.get(figure.key)
            floor = training.quality.get(figure.floor)
            self.values[figure.key].setText(UNKNOWN if value is None else figure.written(value))
            self.floors[figure.key].setText(
                "" if floor is None else f"· floor {figure.written(floor)}"
            )
            if figure.bar:
                self.bars[figure.key].set_values(value, floor)
        if training.status == "idle":
            self.steps_text.setText("No training here yet")
            self.time_text.setText("")
            return
        step, total = names.grouped(training.step), names.grouped(training.total)
        whole = training.step >= training.total
        self.steps_text.setText(f"{step} steps" if whole else f"{step} of {total} steps")
        state = {
            "starting": "starting",
            "paused": "paused",
            "stopping": "stopping",
            "done": "done" if whole else "stopped",
            "failed": "failed",
        }.get(training.status, "")
        if training.status == "running" and training.remaining is not None:
            state = f"{names.clock(training.remaining)} left"
        elapsed = f"{names.clock(training.elapsed)} elapsed"
        self.time_text.setText(f"{elapsed}{names.DOT}{state}" if state else elapsed)

    def _pause_or_resume(self) -> None:
        if self._state.training.status == "paused":
            self.resume_requested.emit()
        else:
            self.pause_requested.emit()
