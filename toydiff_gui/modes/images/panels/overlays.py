"""What mode Images shows besides the images themselves."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from toydiff_gui.modes.images.settings import IMAGE_CARD
from toydiff_gui.panels.overlay_switches import OverlaySwitches
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

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


class ImageOverlaysSection(OverlaySwitches):
    """Switches; Attention and Slice are faces of the card beside the samples."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, [row[:3] for row in OVERLAYS], parent)
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
            self.show_switch(key, title, key in shown, tip, reason)

    def switch(self, key: str, shown: bool) -> None:
        """See ``OverlaySwitches.switch``."""
        if key in FACES:
            self._state.update(IMAGE_CARD, face=key if shown else "picture")
        else:
            self._state.update(IMAGE_CARD, preview=shown)
