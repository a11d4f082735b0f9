"""The user's own points of the data: choose them, and see how well they come back."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from toydiff_gui.drawing import figures
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import IconButton, Text

TIP = (
    "Finds the latents of points of the data by running DDIM backwards, and replays them. Two "
    "points become A and B."
)
ROUND_TRIP = (
    "How far the points come to lie from where they were, when their latents are carried back to "
    "data: the mean and the largest distance, in standardised units."
)
PICK_HINT = "Click two points of the data in a lane"
FILES = "Points (*.npy *.csv *.txt);;All files (*)"


def inversion_text(inversion: Inversion) -> str:
    """What is known of the points, in up to two lines; empty if there is nothing to say."""
    count = len(inversion.data)
    points = f"{grouped(count)} point{'' if count == 1 else 's'}"
    match inversion.status:
        case "picking":
            return PICK_HINT
        case "running":
            return f"Finding the latents of {points}…" if count else "Reading the points…"
        case "failed":
            return inversion.message or "The points could not be inverted."
        case "done":
            first = wording.DOT.join(part for part in (inversion.source, points) if part)
            if inversion.errors is None or not len(inversion.errors):
                return first
            mean, largest = float(inversion.errors.mean()), float(inversion.errors.max())
            return f"{first}\nround trip: {figures.gap(mean)} mean, {figures.gap(largest)} largest"
    return ""


class InversionFoot(QWidget):
    """A button with its two ways, and a line on what has come of them.

    Signals:
        file_requested: (path) invert the points of this file.
        pick_requested: invert two points that will be clicked in a lane.
    """

    file_requested = Signal(str)
    pick_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.text = Text("", size=11, ink="text_secondary")
        self.text.setWordWrap(True)
        self.dismiss = IconButton("close", "Forget these points", side=20)
        self.dismiss.clicked.connect(self._forget)
        self._line = QWidget()
        row = QHBoxLayout(self._line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.text, 1)
        row.addWidget(self.dismiss)
        self.button = QPushButton()
        self.button.setProperty("rank", "main")
        self._glyph = ButtonIcon(self.button, "swap")
        self.button.clicked.connect(self._press)
        self.menu = QMenu("Invert data points", self)
        self.menu.setToolTipsVisible(True)
        self.pick_action = self.menu.addAction("Click two data points")
        self.pick_action.setToolTip(
            "Click two of the faint points of the data in any lane; their latents become A and B"
        )
        self.pick_action.triggered.connect(self._pick)
        self.file_action = self.menu.addAction("From a file…")
        self.file_action.setToolTip(
            "Two columns (.npy, .csv or .txt) in the units of the lanes' axes; their latents "
            "become 'My points'"
        )
        self.file_action.triggered.connect(self._ask_for_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._line)
        column.addWidget(self.button)
        state.changed(INVERSION).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        self._show()

    @property
    def _picking(self) -> bool:
        return self._state.get(INVERSION).status == "picking"

    def _show(self) -> None:
        inversion = self._state.get(INVERSION)
        text = inversion_text(inversion)
        self._line.setVisible(bool(text))
        self.text.setText(text)
        self.text.setToolTip(ROUND_TRIP if inversion.errors is not None else "")
        self.text.set_ink("error" if inversion.status == "failed" else "text_secondary")
        self.dismiss.setVisible(not self._picking)
        running = inversion.status == "running"
        what = "Stop the inversion" if running else "Forget these points"
        self.dismiss.setAccessibleName(what)
        self.dismiss.setToolTip(what)
        self.button.setText("Cancel picking" if self._picking else "Invert data points…")
        self._glyph.show("close" if self._picking else "swap")
        ready = self._state.get(ENGINE).status == "ready"
        self.button.setEnabled(self._picking or ready)
        tip = TIP if ready else "Inverting needs the engine, which is not ready"
        self.button.setToolTip("Go back without choosing points" if self._picking else tip)

    def _press(self) -> None:
        if self._picking:
            self._forget()
            return
        above = self.button.mapToGlobal(QPoint(0, -self.menu.sizeHint().height() - 2))
        self.menu.popup(above)

    def _pick(self) -> None:
        self._forget()  # the next clicks choose new points
        self._state.set(INVERSION, Inversion(status="picking"))
        self.pick_requested.emit()

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Points to invert", "", FILES)
        if name:
            self.file_requested.emit(name)

    def _forget(self) -> None:
        self._state.set(INVERSION, Inversion())
        if self._state.get(SAMPLING).mode == "inverted":
            self._state.update(SAMPLING, mode="interpolation")
