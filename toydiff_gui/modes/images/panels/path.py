"""The path between two images: its ends, its kind, how many images lie on it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from engine.shared import catalogue
from engine.shared.catalogue import IMAGES
from toydiff_gui.modes.images.panels.endpoint_row import EndpointRow
from toydiff_gui.modes.images.settings import (
    IMAGE_LANES,
    IMAGE_SAMPLING,
    MAX_PATH_IMAGES,
    ImageSampling,
)
from toydiff_gui.panels.path_section import ALWAYS_EVEN, SWAP, PathSection
from toydiff_gui.state.store import Store

EVEN = "Space the images evenly by how far apart they are when decoded."
SAME_NOISE = "Same noise: only the class changes along the path"
PARTS = ("path", "even", "path_images")


class ImagePathSection(PathSection):
    """Endpoints, kind of path, number and spacing of the images on it.

    Signals:
        browse_asked: (mark) choose an image of the data.
        file_asked: (mark) choose an image file.
    """

    browse_asked = Signal(str)
    file_asked = Signal(str)

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(
            state,
            IMAGE_LANES,
            PARTS,
            parent,
            reset_tip="Back to the default path and number of images",
            random_tip="Take two tiles at random as A and B",
        )
        self.rows: dict[str, EndpointRow] = {}
        for mark in ("A", "B", "C"):
            row = EndpointRow(mark, state)
            row.browse_asked.connect(self.browse_asked)
            row.file_asked.connect(self.file_asked)
            self.column.addWidget(row)
            self.rows[mark] = row
        self.place_kind(IMAGES)
        self._build_images()
        self.place_search()

    def _build_images(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        label, box = self.count_fields(
            "path_images", "Images on the path", "images", MAX_PATH_IMAGES, 1, 58
        )
        self.even.setText("Even")
        self.even.setAccessibleName("Even spacing of the decoded images")
        row.addWidget(label)
        row.addWidget(box)
        row.addStretch(1)
        row.addWidget(self.even)
        self.column.addLayout(row)

    def show_own(self, settings: ImageSampling) -> None:
        """See ``PathSection.show_own``."""
        self._show_kinds(settings)
        geodesic = settings.path == "geodesic" and not settings.fixed_noise
        self.even.setChecked((settings.even or geodesic) and not settings.fixed_noise)
        self.even.setEnabled(not geodesic and not settings.fixed_noise)
        self.even.setToolTip(
            SAME_NOISE if settings.fixed_noise else ALWAYS_EVEN if geodesic else EVEN
        )
        self.search.setVisible(geodesic)
        both = settings.a is not None and settings.b is not None
        self.swap_button.setEnabled(both)
        self.swap_button.setToolTip(SWAP if both else "There are no endpoints yet")

    def _show_kinds(self, images: ImageSampling) -> None:
        """Offer the kinds of paths there are; none where all of the path has the same latents."""
        for row in catalogue.PATHS:
            enabled, tip = True, row.tip_for(IMAGES)
            if images.fixed_noise:
                enabled, tip = False, SAME_NOISE
            elif row.name == "drawn" and images.c is None:
                enabled, tip = images.path == "drawn", "Choose C first: the curve leads through it"
            self.kind.set_segment(row.name, enabled, tip)

    def swap(self) -> None:
        """See ``PathSection.swap``."""
        images = self._state.get(IMAGE_SAMPLING)
        self.change(a=images.b, b=images.a, class_a=images.class_b, class_b=images.class_a)

    def randomise(self) -> None:
        """See ``PathSection.randomise``."""
        for mark in ("A", "B"):
            self.rows[mark].take_random()
