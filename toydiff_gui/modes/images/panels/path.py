"""The path between two images: its ends, its kind, how many images lie on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from engine.shared import catalogue
from engine.shared.catalogue import IMAGES
from toydiff_gui.modes.images.panels.endpoint_row import EndpointRow
from toydiff_gui.modes.images.settings import (
    IMAGE_LANES,
    IMAGE_SAMPLING,
    MAX_PATH_IMAGES,
    ImageSampling,
)
from toydiff_gui.panels.dock import Section
from toydiff_gui.panels.search import SearchLine
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.widgets import (
    IconButton,
    NumberBox,
    SectionHeader,
    Segment,
    SegmentedControl,
    Text,
)

EVEN = "Space the images evenly by how far apart they are when decoded."
SAME_NOISE = "Same noise: only the class changes along the path"
PARTS = ("path", "even", "path_images")


class ImagePathSection(Section):
    """Endpoints, kind of path, number and spacing of the images on it.

    Signals:
        browse_asked: (mark) choose an image of the data.
        file_asked: (mark) choose an image file.
        stop_search_requested: end the search for the geodesic.
        search_again_requested: search for the geodesic once more.
    """

    browse_asked = Signal(str)
    file_asked = Signal(str)
    stop_search_requested = Signal()
    search_again_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._random = np.random.default_rng()
        self.header = SectionHeader(
            "Interpolation", reset_tooltip="Back to the default path and number of images"
        )
        self.header.reset_requested.connect(self._reset)
        self.swap_button = IconButton("swap", "Swap A and B", "Exchange the two endpoints", side=20)
        self.swap_button.clicked.connect(self._swap)
        self.random_button = IconButton(
            "dice", "Random endpoints", "Take two tiles at random as A and B", side=20
        )
        self.random_button.clicked.connect(self._randomise)
        self.header.add(self.swap_button)
        self.header.add(self.random_button)
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        self.rows: dict[str, EndpointRow] = {}
        for mark in ("A", "B", "C"):
            row = EndpointRow(mark, state)
            row.browse_asked.connect(self.browse_asked)
            row.file_asked.connect(self.file_asked)
            self.column.addWidget(row)
            self.rows[mark] = row
        self.kind = SegmentedControl(
            "Path",
            [Segment(row.name, row.title, row.tip_for(IMAGES)) for row in catalogue.PATHS],
            columns=2,
            compact=True,
            type_size=12,
        )
        self.kind.chosen.connect(self._set_path)
        self.column.addWidget(self.kind)
        self._build_images()
        self.search = SearchLine(state, IMAGE_LANES)
        self.search.stop_requested.connect(self.stop_search_requested)
        self.search.again_requested.connect(self.search_again_requested)
        self.column.addWidget(self.search)
        state.changed(IMAGE_SAMPLING).connect(self._show)
        state.changed(LANE_RUNS).connect(self._on_run)
        theme.notifier().changed.connect(self._resize)
        self._resize()
        self._show()

    def _build_images(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        tip = "How many images lie on the path from A to B, both included."
        label = Text("Images on the path", ink="text_secondary")
        label.setToolTip(tip)
        self.images_box = NumberBox(
            "Images on the path", minimum=2, maximum=MAX_PATH_IMAGES, step=1
        )
        self.images_box.setToolTip(tip)
        self.images_box.value_changed.connect(self._set_images)
        self.images_box.rejected.connect(self.complain)
        label.setBuddy(self.images_box)
        self.even = QCheckBox("Even")
        self.even.setAccessibleName("Even spacing of the decoded images")
        self.even.clicked.connect(self._set_even)
        row.addWidget(label)
        row.addWidget(self.images_box)
        row.addStretch(1)
        row.addWidget(self.even)
        self.column.addLayout(row)

    def _resize(self) -> None:
        self.images_box.setFixedWidth(theme.current().px(58))

    def _on_run(self, key: str) -> None:
        self._show_buttons()

    def _show(self) -> None:
        images = self._state.get(IMAGE_SAMPLING)
        self.kind.set_current(images.path)
        self._show_kinds()
        self.images_box.set_number(images.path_images)
        geodesic = images.path == "geodesic" and not images.fixed_noise
        self.even.setChecked((images.even or geodesic) and not images.fixed_noise)
        self.even.setEnabled(not geodesic and not images.fixed_noise)
        self.even.setToolTip(
            SAME_NOISE
            if images.fixed_noise
            else "The geodesic is always spaced evenly where it is decoded"
            if geodesic
            else EVEN
        )
        self.search.setVisible(geodesic)
        default = ImageSampling()
        self.header.set_default(
            all(getattr(images, name) == getattr(default, name) for name in PARTS)
        )
        self._show_buttons()

    def _show_kinds(self) -> None:
        """Offer the kinds of paths there are; none where all of the path has the same latents."""
        images = self._state.get(IMAGE_SAMPLING)
        for key in wording.PATHS:
            enabled, tip = True, catalogue.path(key).tip_for(IMAGES)
            if images.fixed_noise:
                enabled, tip = False, SAME_NOISE
            elif key == "drawn" and images.c is None:
                enabled, tip = images.path == "drawn", "Choose C first: the curve leads through it"
            self.kind.set_segment(key, enabled, tip)

    def _show_buttons(self) -> None:
        images = self._state.get(IMAGE_SAMPLING)
        both = images.a is not None and images.b is not None
        self.swap_button.setEnabled(both)
        self.swap_button.setToolTip(
            "Exchange the two endpoints" if both else "There are no endpoints yet"
        )

    # Writing

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(IMAGE_SAMPLING, **changes), self._show)

    def _set_path(self, path: str) -> None:
        self._change(path=path)

    def _set_even(self, even: bool) -> None:
        self._change(even=even)

    def _set_images(self, count: int) -> None:
        self._change(path_images=count)

    def _swap(self) -> None:
        images = self._state.get(IMAGE_SAMPLING)
        self._change(a=images.b, b=images.a, class_a=images.class_b, class_b=images.class_a)

    def _randomise(self) -> None:
        for mark in ("A", "B"):
            self.rows[mark].take_random()

    def _reset(self) -> None:
        default = ImageSampling()
        self._change(**{name: getattr(default, name) for name in PARTS})
