"""Which noise schedule to train with: a card for each, with its curve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from engine.shared import catalogue, noise_tables
from engine.shared.config import ScheduleConfig
from toydiff_gui.panels.dock import Writer
from toydiff_gui.panels.drawings import curve_drawing
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.widgets import SectionHeader, ThumbnailCard
from toydiff_gui.widgets.card_group import CardGroup
from toydiff_gui.widgets.scroll import SPACING


class ScheduleChoice(QWidget, Writer):
    """Shows and sets the schedule of the state's training configuration.

    ``default`` is what its arrow leads back to.
    """

    def __init__(
        self, state: Store, default: ScheduleConfig, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._default = state, default
        self.header = SectionHeader("Noise schedule", "ᾱ over t")
        self.header.setToolTip(
            "ᾱ is the share of the data's variance that is left at time t: 1 for data, towards 0 "
            "for noise."
        )
        self.header.reset_requested.connect(self._reset)
        self._choices = QWidget()
        grid = QGridLayout(self._choices)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        self._group = CardGroup[ThumbnailCard](self)
        self._group.chosen.connect(lambda name: self._change(name=name))
        for index, row in enumerate(catalogue.SCHEDULES):
            card = ThumbnailCard(row.title, row.tip, caption_inside=True, picture_height=56)
            card.setAccessibleName(f"Noise schedule {row.title}")
            self._group.add(row.name, card)
            grid.addWidget(card, 0, index)
            grid.setColumnStretch(index, 1)
        self.cards = self._group.cards
        self.zero_terminal = QCheckBox("Zero terminal signal")
        self.zero_terminal.setToolTip(
            "Rescales the schedule so that nothing of the data is left at t = T. Otherwise "
            "training ends in a distribution that is not quite the Gaussian which sampling "
            "starts from."
        )
        self.zero_terminal.toggled.connect(self._zero_terminal_toggled)
        grid.addWidget(self.zero_terminal, 1, 0, 1, 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING)
        column.addWidget(self.header)
        column.addWidget(self._choices)
        state.changed(TRAINING_CONFIG).connect(self._show)
        state.changed(TRAINING).connect(self._show_lock)
        self._show()
        self._show_lock()

    def _show(self) -> None:
        own = self._state.get(TRAINING_CONFIG).schedule
        self._group.set_current(own.name)
        for key, card in self.cards.items():
            shown = replace(own, name=key)
            card.set_drawing(curve_drawing(noise_tables.alphas_cumprod(shown)))
        self.zero_terminal.setChecked(own.zero_terminal)
        default = self._default
        self.header.set_default(
            (own.name, own.zero_terminal) == (default.name, default.zero_terminal)
        )

    def _show_lock(self) -> None:
        active = self._state.get(TRAINING).active
        self._choices.setEnabled(not active)
        self.header.reset.setEnabled(not active)

    def _change(self, **changes: Any) -> None:
        own = self._state.get(TRAINING_CONFIG).schedule
        self.write(
            lambda: self._state.update(TRAINING_CONFIG, schedule=replace(own, **changes)),
            self._show,
        )

    def _zero_terminal_toggled(self, checked: bool) -> None:
        self._change(zero_terminal=checked)

    def _reset(self) -> None:
        default = self._default
        self._change(name=default.name, zero_terminal=default.zero_terminal)
