"""The dock 'Train' of mode Images: which images, which network at which cost, how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QWidget

from engine.datasets.images import info_of
from engine.shared import catalogue
from engine.shared.config import ScheduleConfig, TrainingConfig
from toydiff_gui.modes.images import network_presets
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.panels.data_section import ImageDataSection
from toydiff_gui.modes.images.panels.preset_choice import PresetChoice, duration_text
from toydiff_gui.modes.images.settings import COSTS, IMAGE_DATA
from toydiff_gui.panels.dock import Dock
from toydiff_gui.panels.run_fields import PredictionChoice, RunFields
from toydiff_gui.panels.run_foot import RunFoot, TrainedIn
from toydiff_gui.panels.schedule_choice import ScheduleChoice
from toydiff_gui.panels.train_dock import LOCKED, WIDTH
from toydiff_gui.state import wording
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import VIEW
from toydiff_gui.widgets import SectionHeader, Text

DEFAULT_SCHEDULE = ScheduleConfig(name="cosine")
CLASSES_TIP = (
    "The network is told the class of most images, so that one can be asked for, more or less "
    "strongly (guidance)."
)


class ImageTrainPanel(Dock):
    """Data, schedule, network and run; the buttons; loss and quality of what is trained.

    Signals:
        train_requested: train with the state's training configuration, or train on.
        pause_requested: hold the training.
        resume_requested: let it go on.
        stop_requested: end it; what was learned is kept.
        download_requested: (dataset) fetch it; the user has been asked and agrees.
        cancel_download_requested: stop the download.
        data_root_requested: (folder) look for the image sets there.
        folder_requested: (folder) train with the images in it.
        thumbnails_requested: (dataset) a few of its images, for its card.
    """

    train_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()
    download_requested = Signal(str)
    cancel_download_requested = Signal()
    data_root_requested = Signal(str)
    folder_requested = Signal(str)
    thumbnails_requested = Signal(str)

    def __init__(
        self,
        state: Store,
        mode_of: Callable[[str], TrainedIn],
        parent: QWidget | None = None,
    ) -> None:
        """``mode_of``: the mode of a kind of states."""
        super().__init__("Train", "left", WIDTH, state, parent)
        self.data = ImageDataSection(state)
        self.schedule = ScheduleChoice(state, DEFAULT_SCHEDULE)
        self.column.addWidget(self.data)
        self.column.addSpacing(2)
        self.column.addWidget(self.schedule)
        self._build_model()
        self.scroll_area.column.addStretch(1)
        self.run = RunFoot(state, catalogue.IMAGES, mode_of)
        self.foot.addWidget(self.run)
        self._connect(state)
        self._show_config()
        self._show_training()

    def _connect(self, state: Store) -> None:
        self.hide_requested.connect(self._hide)
        for source in (self.data, self.run):
            for name in (
                "train_requested",
                "pause_requested",
                "resume_requested",
                "stop_requested",
                "download_requested",
                "cancel_download_requested",
                "data_root_requested",
                "folder_requested",
                "thumbnails_requested",
            ):
                if hasattr(source, name):
                    getattr(source, name).connect(getattr(self, name))
        state.changed(TRAINING_CONFIG).connect(self._show_config)
        state.changed(IMAGE_DATA).connect(self._show_refusal)
        state.changed(COSTS).connect(self._show_costs)
        state.changed(TRAINING).connect(self._show_training)

    def set_can_continue(self, can_continue: bool) -> None:
        """Say whether training would go on from the current model, or start anew."""
        self.run.set_can_continue(can_continue)

    # Building

    def _build_model(self) -> None:
        self.model_header = SectionHeader(
            "Network and run", reset_tooltip="Back to the defaults of network and run"
        )
        self.model_header.reset_requested.connect(self._reset_model)
        self.column.addSpacing(2)
        self.column.addWidget(self.model_header)
        self._model = QWidget()
        grid = QGridLayout(self._model)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.presets = PresetChoice()
        self.presets.chosen.connect(self._set_preset)
        grid.addWidget(self.presets, 0, 0, 1, 3)
        self.classes = QCheckBox("Learn the classes")
        self.classes.clicked.connect(self._set_classes)
        self.whole = Text("", size=11, ink="text_secondary")
        self.whole.setToolTip(
            "Steps times the time of an update, measured here with the chosen batch. Other "
            "programs slow it down."
        )
        # A row of its own: the columns below are too narrow for either.
        row = QHBoxLayout()
        row.addWidget(self.classes)
        row.addStretch(1)
        row.addWidget(self.whole)
        grid.addLayout(row, 1, 0, 1, 3)
        run = self.fields = RunFields("Images")
        self.predicts = PredictionChoice("image")
        self.predicts.chosen.connect(self._set_prediction)
        places = (run.timesteps, run.steps, run.batch, run.rate, run.seed, self.predicts)
        for index, field in enumerate(places):
            grid.addWidget(field, 2 + index // 3, index % 3)
        for field, change in (
            (run.timesteps, self._set_timesteps),
            (run.steps, self._set_steps),
            (run.batch, self._set_batch),
            (run.rate, self._set_rate),
            (run.seed, self._set_seed),
        ):
            field.rejected.connect(self.complain)
            field.value_changed.connect(change)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        self.column.addWidget(self._model)

    # Showing

    def _show_config(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        if not trains_images(config):  # of the other mode; this dock is not seen then
            return
        self.presets.set_current(network_presets.preset_of(config))
        known = len(info_of(config).labels)
        self.classes.setChecked(network_presets.learns_classes(config))
        self.classes.setEnabled(known > 0)
        tip = CLASSES_TIP if known else "A folder of images has no classes"
        self.classes.setToolTip(tip)
        self.classes.setAccessibleDescription(tip)
        self.fields.show(config)
        self.predicts.show_config(config)
        self.model_header.set_default(network_presets.defaults_of(config) == config)
        self._show_costs()
        self._show_refusal()

    def _show_costs(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        if not trains_images(config):
            return
        for preset, card in self.presets.cards.items():
            cost = self._state.at(COSTS, wording.cost_key(config, preset))
            card.show_cost(cost, self._time_text(config, preset))
        chosen = network_presets.preset_of(config)
        time = self._time_text(config, chosen) if chosen else ""
        self.whole.setText(f"about {time} in all" if time else "")

    def _time_text(self, config: TrainingConfig, preset: str) -> str:
        seconds = self._state.at(COSTS, wording.cost_key(config, preset)).seconds_per_step
        return "" if seconds is None else duration_text(seconds * config.steps)

    def _show_refusal(self) -> None:
        if trains_images(self._state.get(TRAINING_CONFIG)):
            self.run.set_refusal(self.data.missing)

    def _show_training(self) -> None:
        active = self._state.get(TRAINING).active
        self._model.setEnabled(not active)
        self.model_header.set_caption(LOCKED if active else "")
        self.model_header.reset.setEnabled(not active)

    # Writing

    def _hide(self) -> None:
        self._state.update(VIEW, train_dock=False)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(TRAINING_CONFIG, **changes), self._show_config)

    def _set_preset(self, preset: str) -> None:
        config = network_presets.with_network(self._state.get(TRAINING_CONFIG), preset)
        self._change(unet=config.unet)

    def _set_classes(self, learn: bool) -> None:
        config = network_presets.with_network(self._state.get(TRAINING_CONFIG), classes=learn)
        self._change(unet=config.unet)

    def _set_prediction(self, prediction: str | None) -> None:
        self._change(prediction=prediction)

    def _set_timesteps(self, value: int) -> None:
        schedule = self._state.get(TRAINING_CONFIG).schedule
        self.write(
            lambda: self._state.update(
                TRAINING_CONFIG, schedule=replace(schedule, timesteps=value)
            ),
            self._show_config,
        )

    def _set_steps(self, value: int) -> None:
        self._change(steps=value)

    def _set_batch(self, value: int) -> None:
        self._change(batch_size=value)

    def _set_rate(self, value: float) -> None:
        self._change(rate=value)

    def _set_seed(self, value: int) -> None:
        self._change(seed=value)

    def _reset_model(self) -> None:
        self._change(
            **network_presets.as_changes(
                network_presets.defaults_of(self._state.get(TRAINING_CONFIG))
            )
        )
