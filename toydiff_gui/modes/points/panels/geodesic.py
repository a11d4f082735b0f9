"""The search for the geodesic, at length."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from toydiff_gui.modes.points.panels.energy_plot import EnergyPlot
from toydiff_gui.modes.points.settings import POINT_LANES
from toydiff_gui.panels.dock import Section
from toydiff_gui.panels.search import SearchButton, cost_text, energy_text, search_text
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.widgets import SectionHeader, Text


class GeodesicSection(Section):
    """How far the search is, what it has cost, and its energy as a curve.

    Signals:
        stop_search_requested: end the search.
        search_again_requested: search once more.
    """

    stop_search_requested = Signal()
    search_again_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Geodesic")
        self.button = SearchButton(state, POINT_LANES)
        self.button.stop_requested.connect(self.stop_search_requested)
        self.button.again_requested.connect(self.search_again_requested)
        self.header.add(self.button)
        self.plot = EnergyPlot()
        self.message = Text("", size=11, ink="error")
        self.message.setWordWrap(True)
        self.column.addWidget(self.header)
        self.column.addWidget(self.plot)
        self.column.addWidget(self.message)
        state.changed(GEODESIC).connect(self._show)
        self._show()

    def _show(self) -> None:
        run = self._state.get(GEODESIC)
        searching = run.status == "searching" and run.total > 0
        cost = f"step {run.step} of {run.total}" if searching else cost_text(run)
        self.header.set_caption(cost or ("" if run.energies else "not searched for yet"))
        self.plot.show_energies(run.energies, run.total if searching else 0, energy_text(run))
        self.message.setVisible(run.status == "failed")
        self.message.setText(search_text(run) if run.status == "failed" else "")
