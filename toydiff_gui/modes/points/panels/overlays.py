"""What is laid over the selected lane."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.overlays.computed import Overlay
from toydiff_gui.panels.dock import Section
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import LANES, lane_of, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK, overlays_of, show_overlay
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import SectionHeader

LATENT, PREVIEW = "latent", "training"
"""The keys of the lane of latents and of the one that shows a training."""


class OverlaysSection(Section):
    """Switches for the selected lane, and one for the latents that is always there."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Overlays")
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        self.buttons: dict[str, QPushButton] = {}
        self._rows = table.OVERLAYS
        for index, row in enumerate(self._rows):
            button = QPushButton(row.title)
            button.setCheckable(True)
            button.setProperty("variant", "toggle")
            button.setProperty("kind", row.key)
            ButtonIcon(button, row.icon)
            button.clicked.connect(self._switch)
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
            self.buttons[row.key] = button
        self.column.addLayout(grid)
        state.changed(LANES).connect(self._show)
        state.changed(LOOK).connect(self._show)
        state.changed(TRAINING).connect(self._show)
        self._show()

    def _show(self) -> None:
        state, key = self._state, self._state.get(LOOK).selected_lane
        name = self._lane_name(key)
        self.header.set_caption(name)
        here, below = overlays_of(state, key), overlays_of(state, LATENT)
        for row in self._rows:
            reason = self._why_not(row, key)
            button = self.buttons[row.key]
            button.setEnabled(not reason)
            button.setToolTip(reason or row.tip)
            button.setChecked(row.key in (below if row.over_latents else here))
            where = "lane 1" if row.over_latents else name
            button.setAccessibleName(f"{row.title}, {where}")
            button.setAccessibleDescription(reason or row.tip)

    def _lane_name(self, key: str) -> str:
        if key == LATENT:
            return wording.DOT.join(["lane 1", "Latent"])
        shown = shown_lanes(self._state)
        for number, lane in enumerate(shown, start=2):
            if lane.key == key:
                return wording.DOT.join([f"lane {number}", wording.lane_title(lane)])
        if key == PREVIEW and self._state.get(TRAINING).active:
            return wording.DOT.join([f"lane {len(shown) + 2}", "In training"])
        return "no lane selected"

    def _why_not(self, row: Overlay, key: str) -> str:
        """Why an overlay cannot be laid over the lane; empty if it can."""
        lane = lane_of(self._state, key)
        if row.over_latents:
            return ""
        if key == LATENT:
            return "Lane 1 shows latents, which do not move; select a sampler lane"
        if key == PREVIEW and self._state.get(TRAINING).active:
            if row.computed is None:
                return ""
            return "The network in training can be asked for this once the training has ended"
        if lane is None or not lane.shown:
            return "Select a sampler lane first"
        return row.not_exact if lane.exact else ""

    def _switch(self, shown: bool) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            kind = button.property("kind")
            over_latents = kind in table.keys(over_latents=True)
            lane = LATENT if over_latents else self._state.get(LOOK).selected_lane
            show_overlay(self._state, lane, kind, shown)
