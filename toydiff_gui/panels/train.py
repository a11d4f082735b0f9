"""The dock 'Train': what to train on, how, and how it is going."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine import noise_tables
from engine.config import (
    MAX_TIMESTEPS,
    POINT_SETS,
    PREDICTIONS,
    SCHEDULES,
    ScheduleConfig,
    TrainingConfig,
)
from engine.datasets import load
from toydiff_gui import names
from toydiff_gui.controls import (
    NumberField,
    QualityBar,
    SectionHeader,
    Text,
    ThumbnailCard,
    restyle,
)
from toydiff_gui.controls.number_field import doubling, ladder
from toydiff_gui.icons import ButtonIcon
from toydiff_gui.panels.drawings import curve_drawing, points_drawing
from toydiff_gui.panels.loss_plot import LossPlot
from toydiff_gui.panels.parts import Choice, Dock
from toydiff_gui.state import AppState

WIDTH = 296

SCHEDULE_TIPS = {
    "linear": "The noise added in a step grows evenly with t, as in the first DDPM paper.",
    "quadratic": "The noise grows with the square: the data stay recognisable for longer.",
    "cosine": "ᾱ falls along a cosine down to nearly nothing; predicts v unless told otherwise.",
}
LOCKED = "locked while training"


class TrainPanel(Dock):
    """Data set, schedule, model and run; the buttons; loss and quality of what is trained.

    Signals:
        train_requested: train with the state's training configuration, or train on.
        pause_requested: hold the training.
        resume_requested: let it go on.
        stop_requested: end it; what was learned is kept.
    """

    train_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__("Train", "left", WIDTH, state, parent)
        self._can_continue = False
        self._undrawn = list(POINT_SETS)
        self._build_data()
        self._build_schedule()
        self._build_model()
        self.scroll_area.column.addStretch(1)
        self._build_buttons()
        self._build_progress()
        self.hide_requested.connect(self._hide)
        state.training_config_changed.connect(self._show_config)
        state.training_changed.connect(self._show_training)
        state.engine_changed.connect(self._show_training)
        self._show_config()
        self._show_training()

    def set_can_continue(self, can_continue: bool) -> None:
        """Say whether training would go on from the current model, or start anew."""
        if can_continue != self._can_continue:
            self._can_continue = can_continue
            self._show_training()

    # Building

    def _build_data(self) -> None:
        self._data_header = SectionHeader("Data set")
        self.column.addWidget(self._data_header)
        self._data = QWidget()
        grid = QGridLayout(self._data)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        group = QButtonGroup(self)
        self.dataset_cards: dict[str, ThumbnailCard] = {}
        for index, key in enumerate(POINT_SETS):
            title = names.DATASETS[key]
            card = ThumbnailCard(
                title, f"Train on the data set '{title}': points in the plane", picture_height=44
            )
            card.setAccessibleName(f"Data set {title}")
            card.toggled.connect(self._dataset_toggled)
            group.addButton(card)
            grid.addWidget(card, index // 4, index % 4)
            grid.setColumnStretch(index % 4, 1)
            self.dataset_cards[key] = card
        self.column.addWidget(self._data)

    def _build_schedule(self) -> None:
        self._schedule_header = SectionHeader("Noise schedule", "ᾱ over t")
        self._schedule_header.setToolTip(
            "ᾱ is the share of the data's variance that is left at time t: 1 for data, towards 0 "
            "for noise."
        )
        self._schedule_header.reset_requested.connect(self._reset_schedule)
        self.column.addSpacing(2)
        self.column.addWidget(self._schedule_header)
        self._schedule = QWidget()
        grid = QGridLayout(self._schedule)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        group = QButtonGroup(self)
        self.schedule_cards: dict[str, ThumbnailCard] = {}
        for index, key in enumerate(SCHEDULES):
            card = ThumbnailCard(
                names.SCHEDULES[key], SCHEDULE_TIPS[key], caption_inside=True, picture_height=56
            )
            card.setAccessibleName(f"Noise schedule {names.SCHEDULES[key]}")
            card.toggled.connect(self._schedule_toggled)
            group.addButton(card)
            grid.addWidget(card, 0, index)
            grid.setColumnStretch(index, 1)
            self.schedule_cards[key] = card
        self.zero_terminal = QCheckBox("Zero terminal signal")
        self.zero_terminal.setToolTip(
            "Rescales the schedule so that nothing of the data is left at t = T. Otherwise "
            "training ends in a distribution that is not quite the Gaussian which sampling "
            "starts from."
        )
        self.zero_terminal.toggled.connect(self._zero_terminal_toggled)
        grid.addWidget(self.zero_terminal, 1, 0, 1, 3)
        self.column.addWidget(self._schedule)

    def _build_model(self) -> None:
        self._model_header = SectionHeader(
            "Model and run", reset_tooltip="Back to the defaults of model and run"
        )
        self._model_header.reset_requested.connect(self._reset_model)
        self.column.addSpacing(2)
        self.column.addWidget(self._model_header)
        self._model = QWidget()
        grid = QGridLayout(self._model)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.width_field = NumberField(
            "Width",
            minimum=4,
            maximum=2048,
            step=doubling,
            tooltip="Units in each layer of the network: wider learns more and is slower.",
        )
        self.depth_field = NumberField(
            "Depth",
            minimum=1,
            maximum=16,
            tooltip="Number of blocks that the network consists of, one after the other.",
        )
        self.timesteps_field = NumberField(
            "Timesteps T",
            minimum=2,
            maximum=MAX_TIMESTEPS,
            step=50,
            tooltip="Steps of the noise schedule between data (t = 0) and noise (t = T).",
        )
        self.steps_field = NumberField(
            "Steps",
            minimum=1,
            maximum=100_000_000,
            step=1000,
            tooltip="Updates of the network's weights, each with one batch.",
        )
        self.batch_field = NumberField(
            "Batch",
            minimum=1,
            maximum=1_000_000,
            step=doubling,
            tooltip="Points in each update: more give a steadier direction and take longer.",
        )
        self.rate_field = NumberField(
            "Rate",
            minimum=1e-8,
            maximum=1.0,
            decimals=None,
            step=ladder,
            tooltip="Learning rate: how far each update moves the weights, at its highest.",
        )
        self.seed_field = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed",
            tooltip="Fixes all that is random in the training: the same seed, the same weights.",
        )
        self.prediction = Choice()
        self.prediction.setAccessibleName("Predicts")
        tip = (
            "What the network predicts from a noisy point: the noise in it, the clean point x₀, "
            "or v, a mixture of both that also works where no signal is left."
        )
        self.prediction.setToolTip(tip)
        self.prediction.setAccessibleDescription(tip)
        for key in ("", *PREDICTIONS):
            self.prediction.addItem(key, key)
        self.prediction.setItemText(self.prediction.findData("x0"), "x₀")
        self.prediction.activated.connect(self._prediction_activated)
        predicts = QVBoxLayout()
        predicts.setSpacing(2)
        label = Text("Predicts", size=11, ink="label")
        label.setToolTip(tip)
        label.setBuddy(self.prediction)
        predicts.addWidget(label)
        predicts.addWidget(self.prediction)
        fields = (
            self.width_field,
            self.depth_field,
            self.timesteps_field,
            self.steps_field,
            self.batch_field,
            self.rate_field,
            self.seed_field,
        )
        for index, field in enumerate(fields):
            grid.addWidget(field, index // 3, index % 3)
            field.rejected.connect(self.complain)
        grid.addLayout(predicts, 2, 1, 1, 2)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self.width_field.value_changed.connect(self._set_width)
        self.depth_field.value_changed.connect(self._set_depth)
        self.timesteps_field.value_changed.connect(self._set_timesteps)
        self.steps_field.value_changed.connect(self._set_steps)
        self.batch_field.value_changed.connect(self._set_batch)
        self.rate_field.value_changed.connect(self._set_rate)
        self.seed_field.value_changed.connect(self._set_seed)
        self.column.addWidget(self._model)

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
        self.foot.addLayout(row)

    def _build_progress(self) -> None:
        self._loss_header = SectionHeader("Loss", caption_ink="accent")
        self._loss_header.caption.setAccessibleName("Current loss")
        self._loss_header.caption.set_weight(600)
        self.loss_plot = LossPlot()
        self.foot.addWidget(self._loss_header)
        self.foot.addWidget(self.loss_plot)
        self.distance_value = Text("–", size=11, weight=600)
        self._distance_floor = Text("", size=11, ink="label")
        self.foot.addLayout(
            self._figure("Distance to data", "sliced W₂", self.distance_value, self._distance_floor)
        )
        self.quality_bar = QualityBar("Distance to data")
        self.foot.addWidget(self.quality_bar)
        self.off_data_value = Text("–", size=11, weight=600)
        self._off_data_floor = Text("", size=11, ink="label")
        off_data = self._figure("Off the data", "", self.off_data_value, self._off_data_floor)
        self.foot.addLayout(off_data)
        self.steps_text = Text("", size=11, ink="text_secondary")
        self.time_text = Text("", size=11, ink="text_secondary")
        row = QHBoxLayout()
        row.addWidget(self.steps_text)
        row.addStretch(1)
        row.addWidget(self.time_text)
        self.foot.addLayout(row)

    def _figure(self, title: str, measure: str, value: Text, floor: Text) -> QHBoxLayout:
        tips = {
            "Distance to data": "Sliced 2-Wasserstein distance of fresh samples to the data: how "
            "far the points would have to be moved. The floor is what true data reach.",
            "Off the data": "Share of samples that lie farther from the data than all but one in "
            "a thousand true points do. The floor is that of true points.",
        }
        row = QHBoxLayout()
        row.setSpacing(4)
        heading = Text(title, weight=600)
        row.addWidget(heading)
        row.addStretch(1)
        caption = Text(measure, size=11, ink="label")
        for label in (heading, caption, value, floor):
            label.setToolTip(tips[title])
        value.setAccessibleName(title)
        row.addWidget(caption)
        row.addWidget(value)
        row.addWidget(floor)
        return row

    # Showing

    def _show_config(self) -> None:
        config = self._state.training_config
        default = TrainingConfig()
        self._data_header.set_caption(f"{names.grouped(config.points)} points")
        # Unchecking through the group: the card that is checked unchecks the others.
        if config.dataset in self.dataset_cards:
            self.dataset_cards[config.dataset].setChecked(True)
        self.schedule_cards[config.schedule.name].setChecked(True)
        for key, card in self.schedule_cards.items():
            shown = ScheduleConfig(
                name=key,  # type: ignore[arg-type]
                timesteps=config.schedule.timesteps,
                zero_terminal=config.schedule.zero_terminal,
            )
            card.set_drawing(curve_drawing(noise_tables.alphas_cumprod(shown)))
        self.zero_terminal.setChecked(config.schedule.zero_terminal)
        self.width_field.set_value(config.model.width)
        self.depth_field.set_value(config.model.depth)
        self.timesteps_field.set_value(config.schedule.timesteps)
        self.steps_field.set_value(config.steps)
        self.batch_field.set_value(config.batch_size)
        self.rate_field.set_value(config.rate)
        self.seed_field.set_value(config.seed)
        usual = "x₀" if config.schedule.default_prediction == "x0" else None
        self.prediction.setItemText(0, f"auto ({usual or config.schedule.default_prediction})")
        self.prediction.setCurrentIndex(self.prediction.findData(config.prediction or ""))
        self._schedule_header.set_default(
            (config.schedule.name, config.schedule.zero_terminal)
            == (default.schedule.name, default.schedule.zero_terminal)
        )
        self._model_header.set_default(
            replace(config, **self._model_defaults()) == config,
        )

    def _model_defaults(self) -> dict[str, Any]:
        default = TrainingConfig()
        return {
            "model": default.model,
            "schedule": replace(
                self._state.training_config.schedule, timesteps=default.schedule.timesteps
            ),
            "prediction": default.prediction,
            "steps": default.steps,
            "batch_size": default.batch_size,
            "rate": default.rate,
            "seed": default.seed,
        }

    def _show_training(self) -> None:
        training = self._state.training
        engine = self._state.engine
        ready = engine.status == "ready"
        for part in (self._data, self._schedule, self._model):
            part.setEnabled(not training.active)
        self._model_header.set_caption(LOCKED if training.active else "")
        for header in (self._schedule_header, self._model_header):
            header.reset.setEnabled(not training.active)
        self.train_button.setText("Train more" if self._can_continue else "Train")
        self.train_button.setEnabled(ready and not training.active)
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
            return "The engine is starting; a moment, please"
        if engine.status == "dead":
            return "The engine has ended" + (f": {engine.message}" if engine.message else "")
        if self._state.training.active:
            return "A training runs already; stop it to start another"
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
        self._loss_header.set_caption("" if latest is None else f"{latest:.3f}")
        quality = training.quality
        distance, floor = quality.get("distance"), quality.get("distance_floor")
        self.quality_bar.set_values(distance, floor)
        self.distance_value.setText("–" if distance is None else f"{distance:.3f}")
        self._distance_floor.setText("" if floor is None else f"· floor {floor:.3f}")
        off, off_floor = quality.get("off_data"), quality.get("off_data_floor")
        self.off_data_value.setText("–" if off is None else f"{100 * off:.1f} %")
        self._off_data_floor.setText(
            "" if off_floor is None else f"· floor {100 * off_floor:.1f} %"
        )
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

    # Writing

    def _hide(self) -> None:
        self._state.update_view(train_dock=False)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update_training_config(**changes), self._restore)

    def _restore(self) -> None:
        for card in (*self.dataset_cards.values(), *self.schedule_cards.values()):
            card.blockSignals(True)
        self._show_config()
        for card in (*self.dataset_cards.values(), *self.schedule_cards.values()):
            card.blockSignals(False)

    def _change_model(self, **changes: Any) -> None:
        config = self._state.training_config
        self.write(
            lambda: self._state.update_training_config(model=replace(config.model, **changes)),
            self._restore,
        )

    def _change_schedule(self, **changes: Any) -> None:
        config = self._state.training_config
        self.write(
            lambda: self._state.update_training_config(
                schedule=replace(config.schedule, **changes)
            ),
            self._restore,
        )

    def _dataset_toggled(self, checked: bool) -> None:
        if checked:
            key = next(k for k, card in self.dataset_cards.items() if card.isChecked())
            self._change(dataset=key)

    def _schedule_toggled(self, checked: bool) -> None:
        if checked:
            key = next(k for k, card in self.schedule_cards.items() if card.isChecked())
            self._change_schedule(name=key)

    def _zero_terminal_toggled(self, checked: bool) -> None:
        self._change_schedule(zero_terminal=checked)

    def _prediction_activated(self, index: int) -> None:
        self._change(prediction=self.prediction.itemData(index) or None)

    def _set_width(self, value: int) -> None:
        self._change_model(width=value)

    def _set_depth(self, value: int) -> None:
        self._change_model(depth=value)

    def _set_timesteps(self, value: int) -> None:
        self._change_schedule(timesteps=value)

    def _set_steps(self, value: int) -> None:
        self._change(steps=value)

    def _set_batch(self, value: int) -> None:
        self._change(batch_size=value)

    def _set_rate(self, value: float) -> None:
        self._change(rate=value)

    def _set_seed(self, value: int) -> None:
        self._change(seed=value)

    def _reset_model(self) -> None:
        self._change(**self._model_defaults())

    def _reset_schedule(self) -> None:
        default = ScheduleConfig()
        self._change_schedule(name=default.name, zero_terminal=default.zero_terminal)

    def _pause_or_resume(self) -> None:
        if self._state.training.status == "paused":
            self.resume_requested.emit()
        else:
            self.pause_requested.emit()

    def _draw_next(self) -> None:
        """Draw one more data set; the events in between keep the window alive."""
        if self._undrawn:
            key = self._undrawn.pop(0)
            config = self._state.training_config
            self.dataset_cards[key].set_drawing(
                points_drawing(load(key, config.points, config.seed).points)
            )
            QTimer.singleShot(0, self._draw_next)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw the data sets once the window is on the screen."""
        super().showEvent(event)
        QTimer.singleShot(0, self._draw_next)
