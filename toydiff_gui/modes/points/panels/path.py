"""The path between A and B: its ends, its kind, and how its points lie on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

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
from toydiff_gui.panels.dock import Section
from toydiff_gui.panels.search import SearchLine
from toydiff_gui.state.lanes import LANES, shown_lanes
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import theme
from toydiff_gui.widgets import (
    IconButton,
    NumberBox,
    SectionHeader,
    Segment,
    SegmentedControl,
    Text,
)

PARALLEL = 1e-6
"""As in ``engine.paths.curves``: a smaller sine between two directions counts as none."""
EVEN = "Space the points evenly where they are decoded, not where they start."
ALWAYS_EVEN = "The geodesic is always spaced evenly where it is decoded"
SIDE = "Where the path goes round the origin, seen from A towards B."


def opposite(a: Point, b: Point) -> bool:
    """Whether A and B lie in opposite directions from the origin, so that a side is to choose."""
    first, last = (np.asarray(point, np.float32).astype(float) for point in (a, b))
    norms = float(np.linalg.norm(first)), float(np.linalg.norm(last))
    if not all(norms):
        return False
    (x, y), (u, v) = first / norms[0], last / norms[1]
    return bool(abs(x * v - y * u) <= PARALLEL and x * u + y * v < 0)


class PathSection(Section):
    """Endpoints, kind of path, side, spacing, number of points; way-points or the search.

    Signals:
        stop_search_requested: end the search for the geodesic.
        search_again_requested: search for the geodesic once more.
    """

    stop_search_requested = Signal()
    search_again_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._random = np.random.default_rng()
        self.header = SectionHeader(
            "Interpolation", reset_tooltip="Back to the default endpoints, path and points"
        )
        self.header.reset_requested.connect(self._reset)
        self.swap_button = IconButton("swap", "Swap A and B", "Exchange the two endpoints", side=20)
        self.swap_button.clicked.connect(self._swap)
        self.random_button = IconButton(
            "dice",
            "Random endpoints",
            "Throw two endpoints from the Gaussian of the latents",
            side=20,
        )
        self.random_button.clicked.connect(self._randomise)
        self.header.add(self.swap_button)
        self.header.add(self.random_button)
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        self.endpoints = EndpointFields()
        self.endpoints.changed.connect(self._set_endpoints)
        self.endpoints.rejected.connect(self.complain)
        self.column.addWidget(self.endpoints)
        self.kind = SegmentedControl(
            "Path",
            [Segment(row.name, row.title, row.tip_for(POINTS)) for row in catalogue.PATHS],
            columns=2,
            compact=True,
            type_size=12,
        )
        self.kind.chosen.connect(self._set_path)
        self.column.addWidget(self.kind)
        self._build_shape()
        self._build_points()
        self._build_way_points()
        self.search = SearchLine(state, POINT_LANES)
        self.search.stop_requested.connect(self.stop_search_requested)
        self.search.again_requested.connect(self.search_again_requested)
        self.column.addWidget(self.search)
        state.changed(SAMPLING).connect(self._show)
        state.changed(LANES).connect(self._show)
        state.changed(VIEW).connect(self._show)
        self._show()

    @property
    def endpoint_boxes(self) -> dict[tuple[str, int], NumberBox]:
        """The fields, by letter and axis."""
        return self.endpoints.boxes

    def _build_shape(self) -> None:
        """The spacing, and the side at opposite ends."""
        row = QHBoxLayout()
        row.setSpacing(6)
        self.even = QCheckBox("Even spacing")
        self.even.setAccessibleName("Even spacing of the decoded points")
        self.even.clicked.connect(self._set_even)
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
        label = Text("Points on the path", ink="text_secondary")
        self.points_box = NumberBox(
            "Points on the path", minimum=2, maximum=MAX_LANE_POINTS, step=100
        )
        tip = "How many latents lie on the path from A to B, both included."
        self.points_box.setToolTip(tip)
        label.setToolTip(tip)
        self.points_box.value_changed.connect(self._set_points)
        self.points_box.rejected.connect(self.complain)
        label.setBuddy(self.points_box)
        row.addWidget(label)
        row.addStretch(1)
        row.addWidget(self.points_box)
        self.column.addWidget(self.points)
        theme.notifier().changed.connect(self._resize)
        self._resize()

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

    def _resize(self) -> None:
        self.points_box.setFixedWidth(theme.current().px(76))

    def _show(self) -> None:
        sampling = self._state.get(SAMPLING)
        self.endpoints.show_points(sampling.a, sampling.b)
        self.kind.set_current(sampling.path)
        self.side.set_current(sampling.side)
        self.points_box.set_number(sampling.path_points)
        self._show_enabled(sampling)
        drawn, geodesic = sampling.path == "drawn", sampling.path == "geodesic"
        self.even.setChecked(sampling.even or geodesic)
        count = len(sampling.through)
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
        default = Sampling()
        parts = ("a", "b", "path", "side", "even", "through", "path_points")
        self.header.set_default(
            all(getattr(sampling, name) == getattr(default, name) for name in parts)
        )

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

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(SAMPLING, **changes), self._show)

    def _set_endpoints(self) -> None:
        a, b = self.endpoints.points
        self._change(a=a, b=b)

    def _set_path(self, path: str) -> None:
        self._change(path=path)

    def _set_side(self, side: str) -> None:
        self._change(side=side)

    def _set_even(self, even: bool) -> None:
        self._change(even=even)

    def _set_points(self, count: int) -> None:
        self._change(path_points=count)

    def _clear(self) -> None:
        self._change(through=())

    def _swap(self) -> None:
        sampling = self._state.get(SAMPLING)
        # The same curve from its other end, with the side seen from there.
        self._change(
            a=sampling.b,
            b=sampling.a,
            through=sampling.through[::-1],
            side="right" if sampling.side == "left" else "left",
        )

    def _randomise(self) -> None:
        # Rounded to what the fields show, so that the numbers can be written down.
        ax, ay, bx, by = (round(float(v), 2) for v in self._random.standard_normal(4))
        a: Point = (ax, ay)
        b: Point = (bx, by)
        self._change(a=a, b=b)

    def _reset(self) -> None:
        default = Sampling()
        parts = ("a", "b", "path", "side", "even", "through", "path_points")
        self._change(**{name: getattr(default, name) for name in parts})
