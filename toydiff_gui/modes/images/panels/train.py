"""The dock 'Train' of mode Images: which images, which network at which cost, how it goes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from engine.datasets.images import info_of
from engine.shared import catalogue
from engine.shared.config import ScheduleConfig, TrainingConfig
from toydiff_gui.modes.images import network_presets
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.panels.data_section import ImageDataSection
from toydiff_gui.modes.images.panels.preset_choice import PresetChoice, duration_text
from toydiff_gui.modes.images.settings import COSTS, IMAGE_DATA
from toydiff_gui.panels.network_section import NetworkSection
from toydiff_gui.panels.run_foot import TrainedIn
from toydiff_gui.panels.train_dock import TrainPanel
from toydiff_gui.state import wording
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING_CONFIG
from toydiff_gui.widgets import Text

DEFAULT_SCHEDULE = ScheduleConfig(name="cosine")
CLASSES_TIP = (
    "The network is told the class of most images, so that one can be asked for, more or less "
    "strongly (guidance)."
)


class ImageTrainPanel(TrainPanel):
    """Data, schedule, network and run; the buttons; loss and quality of what is trained."""

    def __init__(
        self,
        state: Store,
        mode_of: Callable[[str], TrainedIn],
        parent: QWidget | None = None,
    ) -> None:
        """``mode_of``: the mode of a kind of states."""
        data, network = ImageDataSection(state), ImageNetworkSection(state)
        super().__init__(state, mode_of, catalogue.IMAGES, data, DEFAULT_SCHEDULE, network, parent)
        self.data, self.network = data, network
        state.changed(TRAINING_CONFIG).connect(self._show_refusal)
        state.changed(IMAGE_DATA).connect(self._show_refusal)
        self._show_refusal()

    def _show_refusal(self) -> None:
        if trains_images(self._state.get(TRAINING_CONFIG)):
            self.run.set_refusal(self.data.missing)


class ImageNetworkSection(NetworkSection):
    """A preset of the network and its cost, whether it learns classes, and its run."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__("Network and run", "image", state, parent)
        self.presets = PresetChoice()
        self.presets.chosen.connect(self._set_preset)
        self.grid.addWidget(self.presets, 0, 0, 1, 3)
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
        self.grid.addLayout(row, 1, 0, 1, 3)
        self.place_fields(row=2)
        state.changed(COSTS).connect(self._show_costs)

    def suits(self, config: TrainingConfig) -> bool:
        """See ``NetworkSection.suits``."""
        return trains_images(config)

    def defaults_of(self, config: TrainingConfig) -> TrainingConfig:
        """See ``NetworkSection.defaults_of``."""
        return network_presets.defaults_of(config)

    def show_own(self, config: TrainingConfig) -> None:
        """See ``NetworkSection.show_own``."""
        self.presets.set_current(network_presets.preset_of(config))
        known = len(info_of(config).labels)
        self.classes.setChecked(network_presets.learns_classes(config))
        self.classes.setEnabled(known > 0)
        tip = CLASSES_TIP if known else "A folder of images has no classes"
        self.classes.setToolTip(tip)
        self.classes.setAccessibleDescription(tip)
        self._show_costs()

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

    def _set_preset(self, preset: str) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.change(lambda: network_presets.with_network(config, preset))

    def _set_classes(self, learn: bool) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.change(lambda: network_presets.with_network(config, classes=learn))
