"""What is laid over the selected lane."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.overlays.computed import Overlay
from toydiff_gui.panels.overlay_switches import OverlaySwitches
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import LANES, lane_of, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK, overlays_of, show_overlay

LATENT, PREVIEW = "latent", "training"
"""The keys of the lane of latents and of the one that shows a training."""


class OverlaysSection(OverlaySwitches):
    """Switches for the selected lane, and one for the latents that is always there."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        rows = table.OVERLAYS
        super().__init__(state, [(row.key, row.title, row.icon) for row in rows], parent)
        self._rows = rows
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
            where = "lane 1" if row.over_latents else name
            shown = row.key in (below if row.over_latents else here)
            reason = self._why_not(row, key)
            self.show_switch(row.key, f"{row.title}, {where}", shown, row.tip, reason)

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

    def switch(self, key: str, shown: bool) -> None:
        """See ``OverlaySwitches.switch``."""
        over_latents = key in table.keys(over_latents=True)
        lane = LATENT if over_latents else self._state.get(LOOK).selected_lane
        show_overlay(self._state, lane, key, shown)
