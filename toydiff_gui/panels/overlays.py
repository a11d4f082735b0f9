"""What is laid over the selected lane."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from toydiff_gui import names
from toydiff_gui.controls import SectionHeader
from toydiff_gui.icons import ButtonIcon
from toydiff_gui.panels.parts import Section
from toydiff_gui.state.lanes import LANES, lane_of, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import VIEW, overlays_of, show_overlay

LATENT, PREVIEW = "latent", "training"
"""The keys of the lane of latents and of the one that shows a training."""
OVERLAYS = (
    (
        "trajectories",
        "Trajectories",
        "The way of each point from noise to data: past solid, future faint.",
    ),
    (
        "field",
        "Vector field",
        "Where the probability flow carries a point from here, at this t: the direction that DDIM "
        "takes.",
    ),
    (
        "density",
        "Density",
        "How densely the data lie at this t, noised as far, and how densely the samples do.",
    ),
    (
        "preview",
        "x̂₀ preview",
        "For each point the clean point that the denoiser predicts from it at this t, and a line "
        "to it.",
    ),
    ("warp", "Grid warp", "A grid carried along by the flow: where it is stretched, paths tear."),
    (
        "forward",
        "Forward process",
        "The data on their way into noise at this t: what the samples should look like.",
    ),
    (
        "difference",
        "Difference",
        "Where, at this t, the noise that this lane's denoiser predicts differs from the exact "
        "one of the data, as a heat map.",
    ),
)
BASIN_TIP = (
    "Colours the latents in lane 1 by where each one ends up with DDIM: where colours meet, a "
    "path that crosses is torn."
)
OF_SAMPLES = ("trajectories", "preview", "density", "forward")
"""Overlays that need no denoiser to be asked."""


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
        titles = [(key, title) for key, title, _ in OVERLAYS]
        for index, (key, title) in enumerate([*titles, ("basin", "Basin map")]):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setProperty("variant", "toggle")
            button.setProperty("kind", key)
            ButtonIcon(button, key)
            button.clicked.connect(self._switch)
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
            self.buttons[key] = button
        self.buttons["basin"].setToolTip(BASIN_TIP)
        self.column.addLayout(grid)
        state.changed(LANES).connect(self._show)
        state.changed(VIEW).connect(self._show)
        state.changed(TRAINING).connect(self._show)
        self._show()

    def _show(self) -> None:
        state, key = self._state, self._state.get(VIEW).selected_lane
        name = self._lane_name(key)
        self.header.set_caption(name)
        here, below = overlays_of(state, key), overlays_of(state, LATENT)
        for kind, title, tip in OVERLAYS:
            reason = self._why_not(kind, key)
            button = self.buttons[kind]
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)
            button.setChecked(kind in here)
            button.setAccessibleName(f"{title}, {name}")
            button.setAccessibleDescription(reason or tip)
        basin = self.buttons["basin"]
        basin.setChecked("basin" in below)
        basin.setAccessibleName("Basin map, lane 1")

    def _lane_name(self, key: str) -> str:
        if key == LATENT:
            return names.DOT.join(["lane 1", "Latent"])
        shown = shown_lanes(self._state)
        for number, lane in enumerate(shown, start=2):
            if lane.key == key:
                return names.DOT.join([f"lane {number}", names.lane_title(lane)])
        if key == PREVIEW and self._state.get(TRAINING).active:
            return names.DOT.join([f"lane {len(shown) + 2}", "In training"])
        return "no lane selected"

    def _why_not(self, kind: str, key: str) -> str:
        """Why ``kind`` cannot be laid over the lane; empty if it can."""
        lane = lane_of(self._state, key)
        if key == LATENT:
            return "Lane 1 shows latents, which do not move; select a sampler lane"
        if key == PREVIEW and self._state.get(TRAINING).active:
            if kind in OF_SAMPLES:
                return ""
            return "The network in training can be asked for this once the training has ended"
        if lane is None or not lane.shown:
            return "Select a sampler lane first"
        if kind == "difference" and lane.exact:
            return "This lane is the exact denoiser: it does not differ from itself"
        return ""

    def _switch(self, shown: bool) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            kind = button.property("kind")
            lane = LATENT if kind == "basin" else self._state.get(VIEW).selected_lane
            show_overlay(self._state, lane, kind, shown)
