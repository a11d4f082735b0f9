"""The dock 'Sample': what to draw samples from, with which samplers, and what to show.

It has a second face, the interpolation laboratory, which compares paths. Both share the section
with the path from A to B.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from toydiff_gui.export.errors import ExportError
from toydiff_gui.modes.points.panels.comparison import ComparisonSection
from toydiff_gui.modes.points.panels.comparison_file import write_comparison
from toydiff_gui.modes.points.panels.geodesic import GeodesicSection
from toydiff_gui.modes.points.panels.hovered import HoveredSection
from toydiff_gui.modes.points.panels.inversion import PointInversionFoot
from toydiff_gui.modes.points.panels.overlays import OverlaysSection
from toydiff_gui.modes.points.panels.path import PointPathSection
from toydiff_gui.modes.points.panels.start import PointStartSection
from toydiff_gui.modes.points.settings import COMPARISON, POINT_LANES, SAMPLING
from toydiff_gui.panels.lane_dock import LaneDock
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import Segment, SegmentedControl

TITLES = {"sample": "Sample", "paths": "Interpolation lab"}
FACES = (
    Segment("sample", "Sample", "What to start from, which samplers, what to lay over them"),
    Segment("paths", "Paths", "The interpolation laboratory: which path between A and B is best?"),
)
EXPORT_TIP = "Write the table to a CSV file, with the endpoints, the side and the model"


class SamplePanel(LaneDock):
    """Mode, numbers, lanes, the path between A and B, overlays; or the paths compared.

    Signals:
        stop_search_requested: end the search for the geodesic.
        search_again_requested: search for the geodesic once more.
        invert_file_requested: (path) invert the points of a file.
        pick_requested: invert two points of the data that will be clicked.
    """

    stop_search_requested = Signal()
    search_again_requested = Signal()
    invert_file_requested = Signal(str)
    pick_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, POINT_LANES, parent)
        self.face = SegmentedControl("What the panel shows", FACES, compact=True)
        self.face.chosen.connect(self._turn_to)
        self.head.insertWidget(self.head.count() - 1, self.face)
        self.start = PointStartSection(state)
        self.path = PointPathSection(state)
        self.overlays = OverlaysSection(state)
        self.comparison = ComparisonSection(state)
        self.geodesic = GeodesicSection(state)
        self.hovered = HoveredSection(state)
        self.inversion = PointInversionFoot(state)
        self.export_button = QPushButton("Export comparison…")
        self.export_button.setProperty("rank", "main")
        ButtonIcon(self.export_button, "export")
        self._sample_face = (self.start, self.lanes, self.overlays, self.inversion)
        self._paths_face = (self.comparison, self.geodesic, self.hovered, self.export_button)
        for section in (
            self.start,
            self.lanes,
            self.path,
            self.overlays,
            self.comparison,
            self.geodesic,
            self.hovered,
        ):
            self.scroll_area.column.addWidget(section)
        self.scroll_area.column.addStretch(1)
        self.foot.addWidget(self.inversion)
        self.foot.addWidget(self.export_button)
        self._shown_face = ""
        self._connect(state)
        self._show()
        self._show_export()

    def _connect(self, state: Store) -> None:
        self.inversion.file_requested.connect(self.invert_file_requested)
        self.inversion.pick_requested.connect(self.pick_requested)
        for part in (self.path, self.geodesic):
            part.stop_search_requested.connect(self.stop_search_requested)
            part.search_again_requested.connect(self.search_again_requested)
        self.export_button.clicked.connect(self.export_comparison)
        state.changed(VIEW).connect(self._show)
        state.changed(COMPARISON).connect(self._show_export)

    # Faces

    def _turn_to(self, face: str) -> None:
        if face == "paths":
            # There is nothing to compare unless the lanes start between A and B.
            self._state.update(SAMPLING, mode="interpolation")
        self._state.update(VIEW, lab=face == "paths")

    def _show(self) -> None:
        lab = self._state.get(VIEW).lab
        face = "paths" if lab else "sample"
        self.face.set_current(face)
        if face == self._shown_face:
            return
        self._shown_face = face
        self.title.setText(TITLES[face])
        for part in self._sample_face:
            part.setVisible(not lab)
        for other in self._paths_face:
            other.setVisible(lab)
        self.scroll_area.verticalScrollBar().setValue(0)

    def _show_export(self) -> None:
        known = bool(self._state.get(COMPARISON).figures)
        self.export_button.setEnabled(known)
        self.export_button.setToolTip(EXPORT_TIP if known else "No path has been compared yet")

    # The comparison as a file

    def export_comparison(self) -> None:
        """Ask for a file and write the table of paths to it."""
        name, _ = QFileDialog.getSaveFileName(
            self, "Export the comparison", "paths.csv", "Comma-separated values (*.csv)"
        )
        if not name:
            return
        path = Path(name)
        if not path.suffix:
            path = path.with_suffix(".csv")
        try:
            write_comparison(path, self._state)
        except ExportError as error:
            self._state.post(str(error), error=True)
        else:
            self._state.post(f"The comparison is in {path}.")
