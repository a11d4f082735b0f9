"""An image of the data, or of a file, as an endpoint: its latent is found by inversion."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from toydiff_gui.drawing import figures
from toydiff_gui.modes.images.settings import IMAGE_INVERSION
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import IconButton, Text

TIP = "Finds the latent of an image by running DDIM backwards, and makes it A or B."
ROUND_TRIP = (
    "How far the image comes to lie from itself when its latent is carried back to data, in "
    "standardised units, for all its pixels together."
)


def inversion_line(inversion: Inversion) -> str:
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


class ImageInversionFoot(QWidget):
    """A button with a menu, and a line on what has come of it.

    Signals:
        browse_asked: (mark) choose an image of the data.
        file_asked: (mark) choose an image file.
        cancel_requested: stop the inversion that runs.
    """

    browse_asked = Signal(str)
    file_asked = Signal(str)
    cancel_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.text = Text("", size=11, ink="text_secondary")
        self.text.setWordWrap(True)
        self.dismiss = IconButton("close", "Close this line", side=20)
        self.dismiss.clicked.connect(self._dismiss)
        self._line = QWidget()
        row = QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.text, 1)
        row.addWidget(self.dismiss)
        self.button = QPushButton("Invert an image…")
        self.button.setProperty("rank", "main")
        ButtonIcon(self.button, "swap")
        self.button.clicked.connect(self._press)
        self.menu = QMenu("Invert an image", self)
        self.actions_by_name: dict[tuple[str, str], QAction] = {}
        for kind, title in (("browse", "Image of the data"), ("file", "Image file")):
            for mark in ("A", "B"):
                action = self.menu.addAction(f"{title} as {mark}…")
                action.setData((kind, mark))
                self.actions_by_name[kind, mark] = action
        self.menu.triggered.connect(self._choose)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._line)
        column.addWidget(self.button)
        state.changed(IMAGE_INVERSION).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        self._show()

    def _show(self) -> None:
        inversion = self._state.get(IMAGE_INVERSION)
        text = inversion_line(inversion)
        self._line.setVisible(bool(text))
        self.text.setText(text)
        self.text.setToolTip(ROUND_TRIP if inversion.errors is not None else "")
        self.text.set_ink("error" if inversion.status == "failed" else "text_secondary")
        what = "Stop the inversion" if inversion.status == "running" else "Close this line"
        self.dismiss.setAccessibleName(what)
        self.dismiss.setToolTip(what)
        ready = self._state.get(ENGINE).status == "ready"
        self.button.setEnabled(ready)
        self.button.setToolTip(TIP if ready else "Inverting needs the engine, which is not ready")

    def _press(self) -> None:
        above = self.button.mapToGlobal(QPoint(0, -self.menu.sizeHint().height() - 2))
        self.menu.popup(above)

    def _choose(self, action: QAction) -> None:
        kind, mark = action.data()
        (self.browse_asked if kind == "browse" else self.file_asked).emit(mark)

    def _dismiss(self) -> None:
        if self._state.get(IMAGE_INVERSION).status == "running":
            self.cancel_requested.emit()
        self._state.set(IMAGE_INVERSION, Inversion())
