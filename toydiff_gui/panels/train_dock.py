"""The dock 'Train': what to train on, how, and how it is going."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QWidget

from engine.datasets import load
from engine.shared import catalogue
from engine.shared.config import ScheduleConfig, TrainingConfig
from toydiff_gui.panels.dock import Dock
from toydiff_gui.panels.drawings import points_drawing
from toydiff_gui.panels.run_fields import PredictionChoice, RunFields
from toydiff_gui.panels.run_foot import RunFoot, TrainedIn
from toydiff_gui.panels.schedule_choice import ScheduleChoice
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import VIEW
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import NumberField, SectionHeader, ThumbnailCard
from toydiff_gui.widgets.number_field import doubling

WIDTH = 296

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

    def __init__(
        self,
        state: Store,
        mode_of: Callable[[str], TrainedIn],
        parent: QWidget | None = None,
    ) -> None:
        """``mode_of``: the mode of a kind of states."""
        super().__init__("Train", "left", WIDTH, state, parent)
        self._mode_of = mode_of
        self._undrawn = list(catalogue.names(catalogue.point_sets()))
        self._build_data()
        self._build_schedule()
        self._build_model()
        self.scroll_area.column.addStretch(1)
        self._build_foot()
        self.hide_requested.connect(self._hide)
        state.changed(TRAINING_CONFIG).connect(self._show_config)
        state.changed(TRAINING).connect(self._show_training)
        self._show_config()
        self._show_training()

    def set_can_continue(self, can_continue: bool) -> None:
        """Say whether training would go on from the current model, or start anew."""
        self.run.set_can_continue(can_continue)

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
        for index, row in enumerate(catalogue.point_sets()):
            key, title = row.name, row.title
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
        self.schedule = ScheduleChoice(self._state, ScheduleConfig())
        self.schedule_cards = self.schedule.cards
        self.zero_terminal = self.schedule.zero_terminal
        self.column.addSpacing(2)
        self.column.addWidget(self.schedule)

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
        run = self._run_fields = RunFields("Points")
        self.timesteps_field, self.steps_field = run.timesteps, run.steps
        self.batch_field, self.rate_field, self.seed_field = run.batch, run.rate, run.seed
        predicts = PredictionChoice("point")
        self._predicts, self.prediction = predicts, predicts.box
        predicts.chosen.connect(self._set_prediction)
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
        grid.addWidget(predicts, 2, 1, 1, 2)
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

    def _build_foot(self) -> None:
        foot = self.run = RunFoot(self._state, catalogue.POINTS, self._mode_of)
        self.train_button, self.pause_button = foot.train_button, foot.pause_button
        self.stop_button, self.loss_plot = foot.stop_button, foot.loss_plot
        self.steps_text, self.time_text = foot.steps_text, foot.time_text
        distance, off_data = foot.figures
        self.distance_value, self.off_data_value = distance.value, off_data.value
        self.quality_bar = distance.bar
        foot.train_requested.connect(self.train_requested)
        foot.pause_requested.connect(self.pause_requested)
        foot.resume_requested.connect(self.resume_requested)
        foot.stop_requested.connect(self.stop_requested)
        self.foot.addWidget(foot)

    # Showing

    def _show_config(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self._data_header.set_caption(f"{grouped(config.points)} points")
        # Unchecking through the group: the card that is checked unchecks the others.
        if config.dataset in self.dataset_cards:
            self.dataset_cards[config.dataset].setChecked(True)
        self.width_field.set_value(config.model.width)
        self.depth_field.set_value(config.model.depth)
        self._run_fields.show(config)
        self._predicts.show_config(config)
        self._model_header.set_default(
            replace(config, **self._model_defaults()) == config,
        )

    def _model_defaults(self) -> dict[str, Any]:
        default = TrainingConfig()
        return {
            "model": default.model,
            "schedule": replace(
                self._state.get(TRAINING_CONFIG).schedule, timesteps=default.schedule.timesteps
            ),
            "prediction": default.prediction,
            "steps": default.steps,
            "batch_size": default.batch_size,
            "rate": default.rate,
            "seed": default.seed,
        }

    def _show_training(self) -> None:
        active = self._state.get(TRAINING).active
        for part in (self._data, self._model):
            part.setEnabled(not active)
        self._model_header.set_caption(LOCKED if active else "")
        self._model_header.reset.setEnabled(not active)

    # Writing

    def _hide(self) -> None:
        self._state.update(VIEW, train_dock=False)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(TRAINING_CONFIG, **changes), self._restore)

    def _restore(self) -> None:
        for card in self.dataset_cards.values():
            card.blockSignals(True)
        self._show_config()
        for card in self.dataset_cards.values():
            card.blockSignals(False)

    def _change_model(self, **changes: Any) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.write(
            lambda: self._state.update(TRAINING_CONFIG, model=replace(config.model, **changes)),
            self._restore,
        )

    def _change_schedule(self, **changes: Any) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.write(
            lambda: self._state.update(
                TRAINING_CONFIG, schedule=replace(config.schedule, **changes)
            ),
            self._restore,
        )

    def _dataset_toggled(self, checked: bool) -> None:
        if checked:
            key = next(k for k, card in self.dataset_cards.items() if card.isChecked())
            self._change(dataset=key)

    def _set_prediction(self, prediction: str | None) -> None:
        self._change(prediction=prediction)

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

    def _draw_next(self) -> None:
        """Draw one more data set; the events in between keep the window alive."""
        if self._undrawn:
            key = self._undrawn.pop(0)
            config = self._state.get(TRAINING_CONFIG)
            self.dataset_cards[key].set_drawing(
                points_drawing(load(key, config.points, config.seed).points)
            )
            QTimer.singleShot(0, self, self._draw_next)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw the data sets once the window is on the screen."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._draw_next)
