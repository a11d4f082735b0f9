"""The dock 'Train' of mode 2D: which points, which network, how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from engine.datasets import load
from engine.shared import catalogue
from engine.shared.config import ScheduleConfig, TrainingConfig
from toydiff_gui.panels.dock import Writer
from toydiff_gui.panels.drawings import points_drawing
from toydiff_gui.panels.network_section import NetworkSection
from toydiff_gui.panels.run_foot import TrainedIn
from toydiff_gui.panels.train_dock import TrainPanel
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import NumberField, SectionHeader, ThumbnailCard
from toydiff_gui.widgets.card_group import CardGroup
from toydiff_gui.widgets.number_field import doubling
from toydiff_gui.widgets.scroll import SPACING


class PointTrainPanel(TrainPanel):
    """Data, schedule, network and run; the buttons; loss and quality of what is trained."""

    def __init__(
        self,
        state: Store,
        mode_of: Callable[[str], TrainedIn],
        parent: QWidget | None = None,
    ) -> None:
        """``mode_of``: the mode of a kind of states."""
        data, network = PointDataSection(state), PointNetworkSection(state)
        super().__init__(state, mode_of, catalogue.POINTS, data, ScheduleConfig(), network, parent)
        self.data, self.network = data, network


class PointDataSection(QWidget, Writer):
    """A card for each set, with a few of its points."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._undrawn = list(catalogue.names(catalogue.point_sets()))
        self.header = SectionHeader("Data set")
        self._choices = QWidget()
        grid = QGridLayout(self._choices)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        self._group = CardGroup[ThumbnailCard](self)
        self._group.chosen.connect(self._choose)
        for index, row in enumerate(catalogue.point_sets()):
            key, title = row.name, row.title
            card = ThumbnailCard(
                title, f"Train on the data set '{title}': points in the plane", picture_height=44
            )
            card.setAccessibleName(f"Data set {title}")
            self._group.add(key, card)
            grid.addWidget(card, index // 4, index % 4)
            grid.setColumnStretch(index % 4, 1)
        self.cards = self._group.cards
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING)
        column.addWidget(self.header)
        column.addWidget(self._choices)
        state.changed(TRAINING_CONFIG).connect(self._show)
        state.changed(TRAINING).connect(self._show_training)
        self._show()
        self._show_training()

    @property
    def drawn(self) -> bool:
        """Whether all cards have their pictures."""
        return not self._undrawn

    def _show(self) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.header.set_caption(f"{grouped(config.points)} points")
        if config.dataset in self.cards:
            self._group.set_current(config.dataset)

    def _show_training(self) -> None:
        self._choices.setEnabled(not self._state.get(TRAINING).active)

    def _choose(self, dataset: str) -> None:
        self.write(lambda: self._state.update(TRAINING_CONFIG, dataset=dataset), self._show)

    def _draw_next(self) -> None:
        """Draw one more data set; the events in between keep the window alive."""
        if self._undrawn:
            key = self._undrawn.pop(0)
            config = self._state.get(TRAINING_CONFIG)
            points = load(key, config.points, config.seed).points
            self.cards[key].set_drawing(points_drawing(points))
            QTimer.singleShot(0, self, self._draw_next)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw the data sets once the window is on the screen."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self._draw_next)


class PointNetworkSection(NetworkSection):
    """Width and depth of the network, and its run."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__("Model and run", "point", state, parent)
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
        self.width_field.value_changed.connect(self._set_width)
        self.depth_field.value_changed.connect(self._set_depth)
        self.place_fields(self.width_field, self.depth_field)

    def defaults_of(self, config: TrainingConfig) -> TrainingConfig:
        """See ``NetworkSection.defaults_of``."""
        usual = TrainingConfig()
        schedule = replace(config.schedule, timesteps=usual.schedule.timesteps)
        return replace(
            config,
            model=usual.model,
            schedule=schedule,
            prediction=usual.prediction,
            steps=usual.steps,
            batch_size=usual.batch_size,
            rate=usual.rate,
            seed=usual.seed,
        )

    def show_own(self, config: TrainingConfig) -> None:
        """See ``NetworkSection.show_own``."""
        self.width_field.set_value(config.model.width)
        self.depth_field.set_value(config.model.depth)

    def _set_width(self, value: int) -> None:
        self._set_model(width=value)

    def _set_depth(self, value: int) -> None:
        self._set_model(depth=value)

    def _set_model(self, **changes: int) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self.change(lambda: replace(config, model=replace(config.model, **changes)))
