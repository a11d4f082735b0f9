"""The user's own points of the data: choose them, and see how well they come back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog

from toydiff_gui.drawing import figures
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.panels.inversion_foot import InversionFoot
from toydiff_gui.state import wording
from toydiff_gui.state.results import Inversion
from toydiff_gui.style.numbers import grouped

FILES = "Points (*.npy *.csv *.txt);;All files (*)"


class PointInversionFoot(InversionFoot):
    """A button with its two ways, and a line on what has come of them.

    Signals:
        file_requested: (path) invert the points of this file.
        pick_requested: invert two points that will be clicked in a lane.
    """

    file_requested = Signal(str)
    pick_requested = Signal()

    SLOT, TITLE, FORGET = INVERSION, "Invert data points", "Forget these points"
    TIP = (
        "Finds the latents of points of the data by running DDIM backwards, and replays them. Two "
        "points become A and B."
    )
    ROUND_TRIP = (
        "How far the points come to lie from where they were, when their latents are carried back "
        "to data: the mean and the largest distance, in standardised units."
    )

    def fill_menu(self) -> None:
        """See ``InversionFoot.fill_menu``."""
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

    @property
    def _picking(self) -> bool:
        return self._state.get(INVERSION).status == "picking"

    def line(self, inversion: Inversion) -> str:
        """What is known of the points, in up to two lines; empty if there is nothing to say."""
        count = len(inversion.data)
        points = f"{grouped(count)} point{'' if count == 1 else 's'}"
        match inversion.status:
            case "picking":
                return "Click two points of the data in a lane"
            case "running":
                return f"Finding the latents of {points}…" if count else "Reading the points…"
            case "failed":
                return inversion.message or "The points could not be inverted."
            case "done":
                first = wording.DOT.join(part for part in (inversion.source, points) if part)
                if inversion.errors is None or not len(inversion.errors):
                    return first
                mean, largest = float(inversion.errors.mean()), float(inversion.errors.max())
                return (
                    f"{first}\nround trip: {figures.gap(mean)} mean, {figures.gap(largest)} largest"
                )
        return ""

    def show_button(self, ready: bool) -> None:
        """See ``InversionFoot.show_button``; while points are picked, it ends that."""
        picking = self._picking
        self.dismiss.setVisible(not picking)
        self.button.setText("Cancel picking" if picking else f"{self.TITLE}…")
        self.glyph.show("close" if picking else "swap")
        super().show_button(ready or picking)
        if picking:
            self.button.setToolTip("Go back without choosing points")

    def press(self) -> None:
        """See ``InversionFoot.press``."""
        if self._picking:
            self.forget()
        else:
            super().press()

    def _pick(self) -> None:
        self.forget()  # the next clicks choose new points
        self._state.set(INVERSION, Inversion(status="picking"))
        self.pick_requested.emit()

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Points to invert", "", FILES)
        if name:
            self.file_requested.emit(name)

    def forget(self) -> None:
        """See ``InversionFoot.forget``."""
        super().forget()
        if self._state.get(SAMPLING).mode == "inverted":
            self._state.update(SAMPLING, mode="interpolation")
