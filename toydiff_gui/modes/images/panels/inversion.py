"""An image of the data, or of a file, as an endpoint: its latent is found by inversion."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction

from toydiff_gui.drawing import figures
from toydiff_gui.modes.images.settings import IMAGE_INVERSION
from toydiff_gui.panels.inversion_foot import InversionFoot
from toydiff_gui.state.results import Inversion


class ImageInversionFoot(InversionFoot):
    """A button with a menu, and a line on what has come of it.

    Signals:
        browse_asked: (mark) choose an image of the data.
        file_asked: (mark) choose an image file.
        cancel_requested: stop the inversion that runs.
    """

    browse_asked = Signal(str)
    file_asked = Signal(str)
    cancel_requested = Signal()

    SLOT, TITLE, FORGET = IMAGE_INVERSION, "Invert an image", "Close this line"
    TIP = "Finds the latent of an image by running DDIM backwards, and makes it A or B."
    ROUND_TRIP = (
        "How far the image comes to lie from itself when its latent is carried back to data, in "
        "standardised units, for all its pixels together."
    )

    def fill_menu(self) -> None:
        """See ``InversionFoot.fill_menu``."""
        self.actions_by_name: dict[tuple[str, str], QAction] = {}
        for kind, title in (("browse", "Image of the data"), ("file", "Image file")):
            for mark in ("A", "B"):
                action = self.menu.addAction(f"{title} as {mark}…")
                action.setData((kind, mark))
                self.actions_by_name[kind, mark] = action
        self.menu.triggered.connect(self._choose)

    def line(self, inversion: Inversion) -> str:
        """What is known of the image; empty if there is nothing to say."""
        match inversion.status:
            case "running":
                return f"Finding the latent of {inversion.source or 'the image'}…"
            case "failed":
                return inversion.message or "The image could not be inverted."
            case "done":
                if inversion.errors is None or not len(inversion.errors):
                    return inversion.source
                back = f"comes back within {figures.gap(float(inversion.errors.max()))}"
                return f"{inversion.source} {back}" if inversion.source else back
        return ""

    def _choose(self, action: QAction) -> None:
        kind, mark = action.data()
        (self.browse_asked if kind == "browse" else self.file_asked).emit(mark)

    def forget(self) -> None:
        """See ``InversionFoot.forget``."""
        if self._state.get(IMAGE_INVERSION).status == "running":
            self.cancel_requested.emit()
        super().forget()
