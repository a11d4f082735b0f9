"""What mode Images shows besides the images themselves."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from toydiff_gui.modes.images.settings import IMAGE_CARD
from toydiff_gui.panels.dock import Section
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import SectionHeader

OVERLAYS = (
    (
        "attention",
        "Attention",
        "target",
        "Where a pixel of the image beside the samples looks, layer by layer and head by head.",
    ),
    (
        "preview",
        "x̂₀ preview",
        "preview",
        "In place of each state the clean image that the network predicts from it at this t.",
    ),
    (
        "slice",
        "Slice",
        "basin",
        "The plane of latents through A, B and C as a map of decoded images, with a dot to drag.",
    ),
    ("difference", "Difference", "difference", ""),
    ("field", "Vector field", "field", ""),
    ("warp", "Grid warp", "warp", ""),
)
NOT_OFFERED = {
    "difference": "For images, see 'Error maps' on the page Diagnostics",
    "field": "A field of arrows can be drawn in the plane only, for points",
    "warp": "A grid can be carried along in the plane only, for points",
}
FACES = ("attention", "slice")


class ImageOverlaysSection(Section):
    """Switches; Attention and Slice are faces of the card beside the samples."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Overlays")
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(4)
        self.buttons: dict[str, QPushButton] = {}
        for index, (key, title, icon, _) in enumerate(OVERLAYS):
            button = QPushButton(title)
            button.setCheckable(True)
            button.setProperty("variant", "toggle")
            button.setProperty("kind", key)
            ButtonIcon(button, icon)
            button.clicked.connect(self._switch)
            grid.addWidget(button, index // 2, index % 2)
            grid.setColumnStretch(index % 2, 1)
            self.buttons[key] = button
        self.column.addLayout(grid)
        state.changed(IMAGE_CARD).connect(self._show)
        state.changed(MODEL).connect(self._show)
        self._show()

    def _show(self) -> None:
        view = self._state.get(IMAGE_CARD)
        shown = {view.face} | ({"preview"} if view.preview else set())
        for key, title, _, tip in OVERLAYS:
            reason = NOT_OFFERED.get(key, "")
            if key == "attention" and not self._state.get(MODEL).attends:
                reason = "This network has no attention"
            button = self.buttons[key]
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)
            button.setChecked(key in shown)
            button.setAccessibleName(title)
            button.setAccessibleDescription(reason or tip)

    def _switch(self, shown: bool) -> None:
        kind = self.sender().property("kind")
        if kind in FACES:
            self._state.update(IMAGE_CARD, face=kind if shown else "picture")
        else:
            self._state.update(IMAGE_CARD, preview=shown)
