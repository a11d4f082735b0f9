"""The dock 'Sample': what to draw samples from, with which samplers, and what to show."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui import names, theme
from toydiff_gui.controls import (
    LATER,
    IconButton,
    NumberField,
    SectionHeader,
    Segment,
    SegmentedControl,
    Text,
)
from toydiff_gui.controls.number_field import NumberBox
from toydiff_gui.icons import ButtonIcon
from toydiff_gui.panels.lane_row import LaneRow
from toydiff_gui.panels.parts import Dock
from toydiff_gui.state import MAX_LANE_POINTS, AppState, Point, Sampling

WIDTH = 280
FARTHEST = 1000.0

LANE_TIPS = {
    "ddpm": "Takes a small random step at each t: the same latent ends somewhere else each time.",
    "ddpm-shared": "As DDPM, with the same random steps for all points: neighbours stay together.",
    "ddim": "Takes steps without chance: each latent has one sample, and neighbours stay together.",
}
PATHS = (
    Segment("linear", "Linear", "The straight line from A to B"),
    Segment("spherical", "Spherical", LATER, enabled=False),
    Segment("norm", "Norm-preserving", LATER, enabled=False),
    Segment("geodesic", "Geodesic", LATER, enabled=False),
)
MODES = (
    Segment(
        "interpolation",
        "Interpolation",
        "Start from points along a path between A and B: what lies between two latents?",
    ),
    Segment("samples", "Samples", "Start from random latents: what does the model produce?"),
)
OVERLAYS = (
    ("trajectories", "Trajectories"),
    ("field", "Vector field"),
    ("density", "Density"),
    ("preview", "x̂₀ preview"),
    ("warp", "Grid warp"),
)


class EndpointMark(QWidget):
    """The disc with A or B, in the endpoint's colour."""

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = letter
        self.setAccessibleName(f"Endpoint {letter}")
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedSize(theme.current().px(20), theme.current().px(20))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
        palette = theme.current().palette
        colour = palette.endpoint_a if self._letter == "A" else palette.endpoint_b
        if not self.isEnabled():
            colour = palette.disabled
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.with_alpha(colour, 1.0))
        painter.drawEllipse(self.rect())
        painter.setPen(theme.with_alpha(theme.text_on(colour), 1.0))
        painter.setFont(theme.font(11, 700))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._letter)


class SamplePanel(Dock):
    """Mode, numbers, lanes, the path between A and B, overlays; writes to the state alone."""

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__("Sample", "right", WIDTH, state, parent)
        self._random = np.random.default_rng()
        self._build_numbers()
        self._build_lanes()
        self._build_path()
        self._build_overlays()
        self.scroll_area.column.addStretch(1)
        self.invert_button = QPushButton("Invert data points…")
        self.invert_button.setProperty("rank", "main")
        self.invert_button.setEnabled(False)
        self.invert_button.setToolTip(LATER)
        ButtonIcon(self.invert_button, "swap")
        self.foot.addWidget(self.invert_button)
        self.hide_requested.connect(self._hide)
        state.sampling_changed.connect(self._show)
        state.model_changed.connect(self._show)
        state.lanes_changed.connect(self._show)
        state.view_changed.connect(self._show)
        self._show()

    # Building

    def _build_numbers(self) -> None:
        self.mode = SegmentedControl("What to start from", MODES)
        self.mode.chosen.connect(self._set_mode)
        self.column.addWidget(self.mode)
        self.count_field = NumberField(
            "Points N",
            minimum=1,
            maximum=MAX_LANE_POINTS,
            step=100,
            tooltip="How many points each lane shows.",
        )
        self.steps_field = NumberField(
            "Steps",
            minimum=1,
            maximum=1,
            step=10,
            blank="",
            tooltip="Steps that a sampler takes from noise to data; empty means one for each t. "
            "Fewer are faster and less exact.",
        )
        self.seed_field = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed for the samples",
            tooltip="Fixes latents and noise: the same seed shows the same points again.",
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        for field in (self.count_field, self.steps_field, self.seed_field):
            field.rejected.connect(self.complain)
            row.addWidget(field, 1)
        self.count_field.value_changed.connect(self._set_count)
        self.steps_field.value_changed.connect(self._set_steps)
        self.seed_field.value_changed.connect(self._set_seed)
        self.column.addLayout(row)

    def _build_lanes(self) -> None:
        header = SectionHeader("Sampler lanes")
        add = IconButton("plus", "Add a lane", LATER, side=20)
        add.setEnabled(False)
        header.add(add)
        self.column.addSpacing(4)
        self.column.addWidget(header)
        self._lane_column = QVBoxLayout()
        self._lane_column.setSpacing(0)
        self.scroll_area.column.addLayout(self._lane_column)
        self.column = self.scroll_area.section()
        self.lane_rows: dict[str, LaneRow] = {}
        self._eta = QWidget()
        tip = (
            "η is DDIM's share of fresh noise: 0 takes steps without chance, 1 is the same chain "
            "as DDPM."
        )
        symbol = Text("η", weight=600)
        caption = Text("noise", size=11, ink="label")
        self.eta_slider = QSlider(Qt.Orientation.Horizontal)
        self.eta_slider.setRange(0, 100)
        self.eta_slider.setPageStep(10)
        self.eta_slider.setAccessibleName("Eta, share of fresh noise in DDIM")
        self.eta_slider.setToolTip(tip)
        # A run for each pixel of a drag would be thrown away; the last one counts.
        self.eta_slider.setTracking(False)
        self.eta_slider.sliderMoved.connect(self._eta_moved)
        self.eta_slider.valueChanged.connect(self._eta_slid)
        self.eta_box = NumberBox("Eta", minimum=0.0, maximum=1.0, decimals=2, step=0.05)
        self.eta_box.setToolTip(tip)
        self.eta_box.value_changed.connect(self._set_eta)
        self.eta_box.rejected.connect(self.complain)
        row = QHBoxLayout(self._eta)
        row.setContentsMargins(0, 2, 0, 0)
        row.setSpacing(8)
        row.addWidget(symbol)
        row.addWidget(caption)
        row.addWidget(self.eta_slider, 1)
        row.addWidget(self.eta_box)
        self.column.addWidget(self._eta)

    def _build_path(self) -> None:
        self.path_header = SectionHeader(
            "Interpolation", reset_tooltip="Back to the default endpoints and number of points"
        )
        self.path_header.reset_requested.connect(self._reset_path)
        self.swap_button = IconButton("swap", "Swap A and B", "Exchange the two endpoints", side=20)
        self.swap_button.clicked.connect(self._swap)
        self.random_button = IconButton(
            "dice",
            "Random endpoints",
            "Throw two endpoints from the Gaussian of the latents",
            side=20,
        )
        self.random_button.clicked.connect(self._randomise)
        self.path_header.add(self.swap_button)
        self.path_header.add(self.random_button)
        self.column.addSpacing(4)
        self.column.addWidget(self.path_header)
        self._path = QWidget()
        column = QVBoxLayout(self._path)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.endpoint_boxes: dict[tuple[str, int], NumberBox] = {}
        for row, letter in enumerate("AB"):
            grid.addWidget(EndpointMark(letter), row, 0)
            for axis, name in enumerate("xy"):
                box = NumberBox(
                    f"{letter} {name}",
                    minimum=-FARTHEST,
                    maximum=FARTHEST,
                    decimals=2,
                    step=0.1,
                    prefix=name,
                )
                box.setToolTip(
                    f"The {name} coordinate of the latent {letter}, in standard deviations; "
                    "it can be dragged in lane 1 as well."
                )
                box.value_changed.connect(self._set_endpoints)
                box.rejected.connect(self.complain)
                grid.addWidget(box, row, 1 + axis)
                grid.setColumnStretch(1 + axis, 1)
                self.endpoint_boxes[letter, axis] = box
        column.addLayout(grid)
        self.path_kind = SegmentedControl("Path", PATHS, columns=2)
        self.path_kind.set_current("linear")
        column.addWidget(self.path_kind)
        line = QHBoxLayout()
        label = Text("Points on the path", ink="text_secondary")
        self.path_points_box = NumberBox(
            "Points on the path", minimum=2, maximum=MAX_LANE_POINTS, step=100
        )
        self.path_points_box.setToolTip("How many latents lie between A and B, both included.")
        self.path_points_box.value_changed.connect(self._set_path_points)
        self.path_points_box.rejected.connect(self.complain)
        label.setBuddy(self.path_points_box)
        line.addWidget(label)
        line.addStretch(1)
        line.addWidget(self.path_points_box)
        column.addLayout(line)
        self.column.addWidget(self._path)

    def _build_overlays(self) -> None:
        self.overlays_header = SectionHeader("Overlays", "in all lanes")
        self.column.addSpacing(4)
        self.column.addWidget(self.overlays_header)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.overlay_buttons: dict[str, QPushButton] = {}
        for index, (key, title) in enumerate(OVERLAYS):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setProperty("variant", "toggle")
            ButtonIcon(button, key)
            if key == "preview":
                button.setToolTip(
                    "Shows in all lanes, for each point, the clean point that the network predicts "
                    "from it at this t."
                )
                button.setAccessibleName("Preview of the predicted clean points")
                button.clicked.connect(self._set_preview)
            else:
                button.setEnabled(False)
                button.setToolTip(LATER)
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
            self.overlay_buttons[key] = button
        self.column.addLayout(grid)

    # Showing

    def _show(self) -> None:
        sampling = self._state.sampling
        timesteps = self._state.model.schedule.timesteps
        along = sampling.mode == "interpolation"
        self.mode.set_current(sampling.mode)
        self.count_field.set_range(2 if along else 1, MAX_LANE_POINTS)
        self.count_field.set_value(sampling.path_points if along else sampling.count)
        self.steps_field.set_blank(names.grouped(timesteps))
        self.steps_field.set_range(1, timesteps)
        steps = None if sampling.steps is None else min(sampling.steps, timesteps)
        self.steps_field.set_value(steps)
        self.seed_field.set_value(sampling.seed)
        self._show_lanes()
        self.eta_box.set_number(sampling.eta)
        self.eta_slider.blockSignals(True)
        self.eta_slider.setValue(round(100 * sampling.eta))
        self.eta_slider.blockSignals(False)
        takes_eta = any(lane.sampler == "ddim" for lane in self._state.shown_lanes)
        self._eta.setEnabled(takes_eta)
        self._eta.setToolTip("" if takes_eta else "η belongs to DDIM, and no DDIM lane is shown")
        for letter, point in (("A", sampling.a), ("B", sampling.b)):
            for axis in (0, 1):
                self.endpoint_boxes[letter, axis].set_number(point[axis])
        self.path_points_box.set_number(sampling.path_points)
        default = Sampling()
        self.path_header.set_default(
            (sampling.a, sampling.b, sampling.path_points)
            == (default.a, default.b, default.path_points)
        )
        reason = "" if along else "Choose 'Interpolation' above to use the path from A to B"
        for widget in (self._path, self.path_header):
            widget.setEnabled(along)
            widget.setToolTip(reason)
        self.overlay_buttons["preview"].setChecked("preview" in self._state.overlays(self._state.view.selected_lane))

    def _show_lanes(self) -> None:
        lanes = self._state.lanes
        if [lane.key for lane in lanes] != list(self.lane_rows):
            for row in self.lane_rows.values():
                self._lane_column.removeWidget(row)
                row.deleteLater()
            self.lane_rows = {}
            for lane in lanes:
                row = LaneRow(lane.key, lane.title or lane.key, LANE_TIPS.get(lane.sampler, ''))
                row.toggled.connect(self._toggle_lane)
                row.selected.connect(self._select_lane)
                self._lane_column.addWidget(row)
                self.lane_rows[lane.key] = row
            self._order_lanes()
        number = 1  # the latents are lane 1
        selected = self._state.view.selected_lane
        for lane in lanes:
            number += lane.shown
            steps = lane.sampler_config(
                self._state.sampling, self._state.model.schedule.timesteps
            ).steps
            is_selected = lane.shown and lane.key == selected
            self.lane_rows[lane.key].show_lane(
                lane.shown, number if lane.shown else None, steps or 1, is_selected
            )

    def _order_lanes(self) -> None:
        """Tab goes through the lanes where they stand, before eta, though they are made later."""
        checks = [row.check for row in self.lane_rows.values()]
        stops = [self.eta_slider.previousInFocusChain(), *checks, self.eta_slider]
        for before, after in itertools.pairwise(stops):
            self.setTabOrder(before, after)  # type: ignore[arg-type]  # a chain has no end

    # Writing

    def _hide(self) -> None:
        self._state.update_view(sample_dock=False)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update_sampling(**changes), self._show)

    def _set_mode(self, mode: str) -> None:
        self._change(mode=mode)

    def _set_count(self, count: int) -> None:
        along = self._state.sampling.mode == "interpolation"
        self._change(**{"path_points" if along else "count": count})

    def _set_path_points(self, count: int) -> None:
        self._change(path_points=count)

    def _set_steps(self, steps: int | None) -> None:
        self._change(steps=steps)

    def _set_seed(self, seed: int) -> None:
        self._change(seed=seed)

    def _set_eta(self, eta: float) -> None:
        self._change(eta=eta)

    def _eta_moved(self, hundredths: int) -> None:
        self.eta_box.set_number(hundredths / 100)

    def _eta_slid(self, hundredths: int) -> None:
        self._change(eta=hundredths / 100)

    def _set_endpoints(self) -> None:
        a, b = ((self._coordinate(letter, 0), self._coordinate(letter, 1)) for letter in ("A", "B"))
        self._change(a=a, b=b)

    def _coordinate(self, letter: str, axis: int) -> float:
        value = self.endpoint_boxes[letter, axis].number
        assert value is not None  # these fields cannot be blank
        return float(value)

    def _swap(self) -> None:
        sampling = self._state.sampling
        self._change(a=sampling.b, b=sampling.a)

    def _randomise(self) -> None:
        # Rounded to what the fields show, so that the numbers can be written down.
        ax, ay, bx, by = (round(float(v), 2) for v in self._random.standard_normal(4))
        a: Point = (ax, ay)
        b: Point = (bx, by)
        self._change(a=a, b=b)

    def _reset_path(self) -> None:
        default = Sampling()
        self._change(a=default.a, b=default.b, path_points=default.path_points)

    def _toggle_lane(self, key: str, shown: bool) -> None:
        self._state.update_lane(key, shown=shown)
        if not shown and self._state.view.selected_lane == key:
            left = self._state.shown_lanes
            self._state.update_view(selected_lane=left[0].key if left else "latent")

    def _select_lane(self, key: str) -> None:
        # Only what is drawn can be selected.
        self._state.update_lane(key, shown=True)
        self._state.update_view(selected_lane=key)

    def _set_preview(self, shown: bool) -> None:
        self._state.show_overlay(self._state.view.selected_lane, "preview", shown)
