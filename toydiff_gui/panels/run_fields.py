"""Fields that every training has, whatever its data: how long, how fast, what is predicted."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from engine.shared import catalogue
from engine.shared.config import MAX_TIMESTEPS, TrainingConfig
from toydiff_gui.panels.dock import Choice
from toydiff_gui.widgets import NumberField, Text
from toydiff_gui.widgets.number_field import doubling, ladder


class RunFields:
    """T, number of updates, batch, rate and seed as fields, not yet placed anywhere.

    ``one`` is what a batch consists of, such as 'Points'.
    """

    def __init__(self, one: str) -> None:
        self.timesteps = NumberField(
            "Timesteps T",
            minimum=2,
            maximum=MAX_TIMESTEPS,
            step=50,
            tooltip="Steps of the noise schedule between data (t = 0) and noise (t = T).",
        )
        self.steps = NumberField(
            "Steps",
            minimum=1,
            maximum=100_000_000,
            step=1000,
            tooltip="Updates of the network's weights, each with one batch.",
        )
        self.batch = NumberField(
            "Batch",
            minimum=1,
            maximum=1_000_000,
            step=doubling,
            tooltip=f"{one} in each update: more give a steadier direction and take longer.",
        )
        self.rate = NumberField(
            "Rate",
            minimum=1e-8,
            maximum=1.0,
            decimals=None,
            step=ladder,
            tooltip="Learning rate: how far each update moves the weights, at its highest.",
        )
        self.seed = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed",
            tooltip="Fixes all that is random in the training: the same seed, the same weights.",
        )

    def show(self, config: TrainingConfig) -> None:
        """Show what ``config`` says."""
        self.timesteps.set_value(config.schedule.timesteps)
        self.steps.set_value(config.steps)
        self.batch.set_value(config.batch_size)
        self.rate.set_value(config.rate)
        self.seed.set_value(config.seed)


class PredictionChoice(QWidget):
    """What the network predicts, with its label above.

    Signals:
        chosen: another one was picked; None for what suits the schedule.
    """

    chosen = Signal(object)

    def __init__(self, one: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = Choice()
        self.box.setAccessibleName("Predicts")
        tip = (
            f"What the network predicts from a noisy {one}: the noise in it, the clean {one} x₀, "
            "or v, a mixture of both that also works where no signal is left."
        )
        self.box.setToolTip(tip)
        self.box.setAccessibleDescription(tip)
        self.box.addItem("", "")
        for row in catalogue.PREDICTIONS:
            self.box.addItem(row.title, row.name)
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.box.activated.connect(self._activated)
        label = Text("Predicts", size=11, ink="label")
        label.setToolTip(tip)
        label.setBuddy(self.box)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(label)
        column.addWidget(self.box)

    def show_config(self, config: TrainingConfig) -> None:
        """Show what ``config`` says, and what its schedule suggests."""
        usual = config.schedule.default_prediction
        self.box.setItemText(0, f"auto ({catalogue.prediction(usual).title})")
        self.box.setCurrentIndex(self.box.findData(config.prediction or ""))

    def _activated(self, index: int) -> None:
        self.chosen.emit(self.box.itemData(index) or None)
