"""The network to train, and its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from engine.shared.config import TrainingConfig
from toydiff_gui.panels.dock import Writer
from toydiff_gui.panels.run_fields import PredictionChoice, RunFields
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.widgets import NumberField, SectionHeader
from toydiff_gui.widgets.scroll import SPACING

LOCKED = "locked while training"
COLUMNS = 3


class NetworkSection(QWidget, Writer):
    """Fields of the mode's own, then those that every training has, three in a row.

    ``one`` is what is trained with, such as 'point'. Who derives from it puts its own into ``grid``
    and ends with ``place_fields``.
    """

    def __init__(self, title: str, one: str, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.header = SectionHeader(title, reset_tooltip=f"Back to the defaults of {title.lower()}")
        self.header.reset_requested.connect(self._reset)
        self._choices = QWidget()
        self.grid = QGridLayout(self._choices)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(6)
        for place in range(COLUMNS):
            self.grid.setColumnStretch(place, 1)
        self.fields = RunFields(f"{one.capitalize()}s")
        self.predicts = PredictionChoice(one)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING)
        column.addWidget(self.header)
        column.addWidget(self._choices)

    def place_fields(self, *own: NumberField, row: int = 0) -> None:
        """Put ``own`` and the fields of every training into the grid, from ``row`` on."""
        fields, places = self.fields, COLUMNS
        changes = (
            (fields.timesteps, self._set_timesteps),
            (fields.steps, self._set_steps),
            (fields.batch, self._set_batch),
            (fields.rate, self._set_rate),
            (fields.seed, self._set_seed),
        )
        for field, change in changes:
            field.value_changed.connect(change)
        every = (*own, *(field for field, _ in changes))
        for index, field in enumerate(every):
            field.rejected.connect(self.complain)
            self.grid.addWidget(field, row + index // places, index % places)
        row, column = row + len(every) // places, len(every) % places
        self.grid.addWidget(self.predicts, row, column, 1, places - column)
        self.predicts.chosen.connect(self._set_prediction)
        self._state.changed(TRAINING_CONFIG).connect(self._show)
        self._state.changed(TRAINING).connect(self._show_training)
        self._show()
        self._show_training()

    # What a mode says of it

    def suits(self, config: TrainingConfig) -> bool:
        """Whether ``config`` is one of this mode's; others are not shown."""
        return True

    def defaults_of(self, config: TrainingConfig) -> TrainingConfig:
        """The usual training with the same data and schedule."""
        raise TypeError(f"{type(self).__name__} must say what is usual")

    def show_own(self, config: TrainingConfig) -> None:
        """Show what ``config`` says of the network."""

    # Showing

    def _show(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        if not self.suits(config):
            return
        self.show_own(config)
        self.fields.show(config)
        self.predicts.show_config(config)
        self.header.set_default(self.defaults_of(config) == config)

    def _show_training(self) -> None:
        active = self._state.get(TRAINING).active
        self._choices.setEnabled(not active)
        self.header.set_caption(LOCKED if active else "")
        self.header.reset.setEnabled(not active)

    # Writing

    def change(self, make: Callable[[], TrainingConfig]) -> None:
        """Train as ``make`` says; a ``ValueError`` of it is told to the user."""
        self.write(lambda: self._state.set(TRAINING_CONFIG, make()), self._show)

    def _update(self, **changes: Any) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.change(lambda: replace(config, **changes))

    def _set_prediction(self, prediction: str | None) -> None:
        self._update(prediction=prediction)

    def _set_timesteps(self, value: int) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.change(lambda: replace(config, schedule=replace(config.schedule, timesteps=value)))

    def _set_steps(self, value: int) -> None:
        self._update(steps=value)

    def _set_batch(self, value: int) -> None:
        self._update(batch_size=value)

    def _set_rate(self, value: float) -> None:
        self._update(rate=value)

    def _set_seed(self, value: int) -> None:
        self._update(seed=value)

    def _reset(self) -> None:
        self.change(lambda: self.defaults_of(self._state.get(TRAINING_CONFIG)))
