"""The point of the path that is looked at, in numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QWidget
from scipy.special import gammaincinv

from toydiff_gui.drawing import figures
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.panels.dock import Section
from toydiff_gui.state.lanes import LANE_RUNS, LANES, lane_of, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, MARKED, PINNED
from toydiff_gui.widgets import SectionHeader, Text

NOTHING = "Move along a strip below a lane to look at a point of the path; click to pin it."


def prior_norms(dimension: int) -> tuple[float, float]:
    """Between these norms lie 95 % of N(0, I): 2.5 % and 97.5 % quantiles of the chi."""
    low, high = (math.sqrt(2 * gammaincinv(dimension / 2, share)) for share in (0.025, 0.975))
    return low, high


class HoveredSection(Section):
    """Position on the path, latent, its norm beside the prior's, and where it lands."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Hovered position", caption_ink="text")
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self.values: dict[str, Text] = {}
        for row, (name, tip) in enumerate(
            (
                ("latent", "Where the point starts, at t = T."),
                (
                    "norm",
                    "How far the latent is from the origin, and between which norms 95 % of the "
                    "prior's latents lie.",
                ),
                ("lands on", "Where the point ends, at t = 0, in the selected lane."),
            )
        ):
            label = Text(name, size=11, ink="label")
            value = Text("", size=11, ink="text_secondary")
            for text in (label, value):
                text.setToolTip(tip)
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight)
            self.values[name] = value
        self.column.addWidget(self._table)
        self.hint = Text(NOTHING, size=11, ink="label")
        self.hint.setWordWrap(True)
        self.column.addWidget(self.hint)
        state.changed(MARKED).connect(self._show)
        state.changed(PINNED).connect(self._show)
        state.changed(LANE_RUNS).connect(self._show)
        state.changed(LOOK).connect(self._show)
        state.changed(LANES).connect(self._show)
        state.changed(SAMPLING).connect(self._show)
        self._show()

    def _show(self) -> None:
        if not self.isVisible() and self.parent() is not None:
            return  # shown anew when it appears
        state = self._state
        index = state.get(PINNED) if state.get(MARKED) is None else state.get(MARKED)
        latents, landings = self._points()
        count = 0 if latents is None else len(latents)
        known = index is not None and 0 <= index < count
        pinned = known and state.get(MARKED) is None
        self.header.title.setText("Pinned position" if pinned else "Hovered position")
        self.hint.setVisible(not known)
        self._table.setVisible(known)
        for value in self.values.values():
            value.setText(figures.NONE)
        self.header.set_caption("")
        if not known or index is None or latents is None:
            return
        along = index / (count - 1) if count > 1 else 0.0
        if state.get(SAMPLING).mode == "interpolation":
            self.header.set_caption(f"u = {along:.2f}")
        else:
            self.header.set_caption(f"point {index + 1}")
        latent = np.asarray(latents[index], np.float64).ravel()
        self.values["latent"].setText(_place(latent))
        low, high = prior_norms(latent.size)
        norm = float(np.linalg.norm(latent))
        self.values["norm"].setText(f"{norm:.2f}, prior {low:.2f}–{high:.2f}")
        if landings is not None and index < len(landings):
            self.values["lands on"].setText(_place(np.asarray(landings[index]).ravel()))

    def _points(self) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """The latents of the selected lane, or of the first one, and where they have ended."""
        state = self._state
        selected = lane_of(state, state.get(LOOK).selected_lane)
        lanes = [selected] if selected is not None and selected.shown else list(shown_lanes(state))
        for lane in lanes:
            trajectory = state.at(LANE_RUNS, lane.key).trajectory
            if trajectory is not None and len(trajectory.x):
                return trajectory.x[0], trajectory.x[-1] if trajectory.reached == 0 else None
        return state.at(LANE_RUNS, "latent").latents, None

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what has happened out of sight."""
        super().showEvent(event)
        self._show()


def _place(point: NDArray[np.float64]) -> str:
    if point.size == 2:
        return figures.pair(*point.tolist())
    return f"{point.size} values"
