"""The path between A and B: its ends, its kind, and how its points lie on it."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from engine.shared import catalogue
from engine.shared.catalogue import POINTS
from toydiff_gui.modes.points.panels.endpoints import EndpointFields
from toydiff_gui.modes.points.settings import (
    MAX_LANE_POINTS,
    POINT_LANES,
    SAMPLING,
    Point,
    Sampling,
)
from toydiff_gui.panels.path_section import ALWAYS_EVEN, PathSection
from toydiff_gui.state.lanes import LANES, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW
from toydiff_gui.widgets import (
    NumberBox,
    Segment,
    SegmentedControl,
    Text,
)

PARALLEL = 1e-6
"""As in ``engine.paths.curves``: a smaller sine between two directions counts as none."""
EVEN = "Space the points evenly where they are decoded, not where they start."
SIDE = "Where the path goes round the origin, seen from A towards B."
PARTS = ("a", "b", "path", "side", "even", "through", "path_points")


def opposite(a: Point, b: Point) -> bool:
    """Whether A and B lie in opposite directions from the origin, so that a side is to choose."""
    first, last = (np.asarray(point, np.float32).astype(float) for point in (a, b))
    norms = float(np.linalg.norm(first)), float(np.linalg.norm(last))
    if not all(norms):
        return False
    (x, y), (u, v) = first / norms[0], last / norms[1]
    return bool(abs(x * v - y * u) <= PARALLEL and x * u + y * v < 0)


class PointPathSection(PathSection):
    """Endpoints, kind of path, side, spacing, number of points; way-points or the search."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(
            state,
            POINT_LANES,
            PARTS,
            parent,
            reset_tip="Back to the default endpoints, path and points",
            random_tip="Throw two endpoints from the Gaussian of the latents",
        )
        self._random = np.random.default_rng()
        self.endpoints = EndpointFields()
        self.endpoints.changed.connect(self._set_endpoints)
        self.endpoints.rejected.connect(self.complain)
        self.column.addWidget(self.endpoints)
        self.place_kind(POINTS)
        self._build_shape()
        self._build_points()
        self._build_way_points()
        self.place_search()
        state.changed(LANES).connect(self.show_path)
        state.changed(VIEW).connect(self.show_path)

    @property
    def endpoint_boxes(self) -> dict[tuple[str, int], NumberBox]:
        """The fields, by letter and axis."""
        return self.endpoints.boxes

    def _build_shape(self) -> None:
        """The spacing, and the side at opposite ends."""
        row = QHBoxLayout()
        row.setSpacing(6)
        self.even.setText("Even spacing")
        self.even.setAccessibleName("Even spacing of the decoded points")
        self.side = SegmentedControl(
            "Side at opposite ends",
            (Segment("left", "Left"), Segment("right", "Right")),
            compact=True,
        )
        self.side.chosen.connect(self._set_side)
        self._side_label = Text("Side", ink="text_secondary")
        row.addWidget(self.even)
        row.addStretch(1)
        row.addWidget(self._side_label)
        row.addWidget(self.side)
        self.column.addLayout(row)

    def _build_points(self) -> None:
        self.points = QWidget()
        row = QHBoxLayout(self.points)
        row.setContentsMargins(0, 0, 0, 0)
        label, box = self.count_fields(
            "path_points", "Points on the path", "latents", MAX_LANE_POINTS, 100, 76
        )
        row.addWidget(label)
        row.addStretch(1)
        row.addWidget(box)
        self.column.addWidget(self.points)

    def _build_way_points(self) -> None:
        self.way_points = QWidget()
        row = QHBoxLayout(self.way_points)
        row.setContentsMargins(0, 0, 0, 0)
        self.way_point_text = Text("", size=11, ink="text_secondary")
        self.way_point_text.setWordWrap(True)
        self.clear_button = QPushButton("Clear")
        self.clear_button.clicked.connect(self._clear)
        row.addWidget(self.way_point_text, 1)
        row.addWidget(self.clear_button)
        self.column.addWidget(self.way_points)

    def show_own(self, settings: Sampling) -> None:
        """See ``PathSection.show_own``."""
        self.endpoints.show_points(settings.a, settings.b)
        self.side.set_current(settings.side)
        self._show_enabled(settings)
        drawn, geodesic = settings.path == "drawn", settings.path == "geodesic"
        self.even.setChecked(settings.even or geodesic)
        count = len(settings.through)
        number = f"{count} way-point{'' if count == 1 else 's'}. "
        self.way_point_text.setText(
            f"{number if count else ''}Double click in lane 1 to add a way-point."
        )
        self.clear_button.setEnabled(drawn and count > 0)
        self.clear_button.setToolTip(
            "Take all way-points away: a straight line is left"
            if count
            else "There are no way-points to take away"
        )
        self.way_points.setVisible(drawn)
        # In 'Sample' the number stands above; the laboratory shows the search at length.
        self.points.setVisible(self._state.get(VIEW).lab)
        self.search.setVisible(geodesic and not self._state.get(VIEW).lab)

    def _show_enabled(self, sampling: Sampling) -> None:
        along = sampling.mode == "interpolation"
        # In the laboratory the mode's control is out of sight.
        where = "in 'Sample'" if self._state.get(VIEW).lab else "above"
        reason = "" if along else f"Choose 'Interpolation' {where} to use the path from A to B"
        for widget in (self, self.header):
            widget.setEnabled(along)
            widget.setToolTip(reason)
        no_side = self._why_no_side(sampling)
        for part in (self._side_label, self.side):
            part.setEnabled(not no_side)
            part.setToolTip(reason or no_side or SIDE)
        for key in ("left", "right"):
            way = f"Round the {key} of the line from A to B, seen from A."
            self.side.set_segment(key, True, reason or no_side or way)
        geodesic = sampling.path == "geodesic"
        self.even.setEnabled(not geodesic)
        self.even.setToolTip(reason or (ALWAYS_EVEN if geodesic else EVEN))

    def _why_no_side(self, sampling: Sampling) -> str:
        """Why a side cannot be chosen; empty if it can."""
        if not opposite(sampling.a, sampling.b):
            return "A side is to choose only where A and B lie opposite each other"
        used = {sampling.path, *(lane.path_name(sampling) for lane in shown_lanes(self._state))}
        if not any(catalogue.path(path).sided for path in used) and not self._state.get(VIEW).lab:
            return "Spherical and norm-guided paths have a side; no lane follows one"
        return ""

    # Writing

    def _set_endpoints(self) -> None:
        a, b = self.endpoints.points
        self.change(a=a, b=b)

    def _set_side(self, side: str) -> None:
        self.change(side=side)

    def _clear(self) -> None:
        self.change(through=())

    def swap(self) -> None:
        """See ``PathSection.swap``."""
        sampling = self._state.get(SAMPLING)
        # The same curve from its other end, with the side seen from there.
        self.change(
            a=sampling.b,
            b=sampling.a,
            through=sampling.through[::-1],
            side="right" if sampling.side == "left" else "left",
        )

    def randomise(self) -> None:
        """See ``PathSection.randomise``."""
        # Rounded to what the fields show, so that the numbers can be written down.
        ax, ay, bx, by = (round(float(v), 2) for v in self._random.standard_normal(4))
        a: Point = (ax, ay)
        b: Point = (bx, by)
        self.change(a=a, b=b)
