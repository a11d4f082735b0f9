"""How the search for the geodesic goes, in a line."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from toydiff_gui.drawing import figures
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.results import GEODESIC, GeodesicRun
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.store import Store
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import IconButton, Text


def energy_text(run: GeodesicRun) -> str:
    """The first and the best energy, such as '36 → 21.3'; empty before there is one."""
    known = [energy for energy in run.energies if math.isfinite(energy)]
    if not known:
        return ""
    return f"{_energy(known[0])} → {_energy(known[-1])}"


def cost_text(run: GeodesicRun) -> str:
    """What the search varies and how long it has taken, such as '6 coefficients · 3.2 s'."""
    parts = []
    if run.coefficients:
        parts.append(f"{run.coefficients} coefficient{'' if run.coefficients == 1 else 's'}")
    if run.seconds:
        parts.append(figures.seconds(run.seconds))
    return wording.DOT.join(parts)


def search_text(run: GeodesicRun) -> str:
    """A line on the search as it is now."""
    energy = energy_text(run)
    if run.status == "searching":
        step = f"step {grouped(run.step)} of {grouped(run.total)}"
        return wording.DOT.join(["searching", step] + ([f"energy {energy}"] if energy else []))
    if run.status == "failed":
        return run.message or "The search has failed."
    if run.status == "idle" or not energy:
        return "not searched for yet"
    cost = cost_text(run)
    ended = ["stopped"] if run.status == "stopped" else []
    return wording.DOT.join([*ended, f"energy {energy}"] + ([cost] if cost else []))


def _energy(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _whole_parts(text: str) -> str:
    """The same, so that a line breaks between its parts alone, never within '3.2 s'."""
    return wording.DOT.join(
        part.replace(" ", "\N{NO-BREAK SPACE}") for part in text.split(wording.DOT)
    )


class SearchButton(IconButton):
    """Stops a search while there is one, otherwise begins it again.

    Signals:
        stop_requested: end the search; the best path so far stays.
        again_requested: search once more.
    """

    stop_requested = Signal()
    again_requested = Signal()

    def __init__(self, state: Store, mode: LaneMode, parent: QWidget | None = None) -> None:
        super().__init__("reset", "Search again", side=20, parent=parent)
        self._state, self._mode = state, mode
        self.clicked.connect(self._press)
        state.changed(GEODESIC).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        state.changed(mode.settings).connect(self._show)
        self._show()

    @property
    def _searching(self) -> bool:
        return self._state.get(GEODESIC).status == "searching"

    def _show(self) -> None:
        if self._searching:
            what, tip = "Stop the search", "Stop the search; the best path so far stays"
        else:
            what = "Search again"
            tip = "Search for the geodesic once more, from other starts"
        self.glyph.show("stop" if self._searching else "reset", "accent")
        self.setAccessibleName(what)
        ready = self._state.get(ENGINE).status == "ready"
        along = self._mode.follows_path(self._state.get(self._mode.settings))
        self.setEnabled(self._searching or (ready and along))
        if not ready:
            tip = "Searching needs the engine, which is not ready"
        elif not along:
            tip = "There is no path: the lanes do not start between A and B"
        self.setToolTip(tip)

    def _press(self) -> None:
        if self._searching:
            self.stop_requested.emit()
        else:
            self.again_requested.emit()


class SearchLine(QWidget):
    """A bar, a line of text, and the button that stops the search or begins it again.

    Signals:
        stop_requested: end the search; the best path so far stays.
        again_requested: search once more.
    """

    stop_requested = Signal()
    again_requested = Signal()

    def __init__(self, state: Store, mode: LaneMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the search for the geodesic")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves when the search ends
        self.bar.setSizePolicy(policy)
        self.text = Text("", size=11, ink="text_secondary")
        self.text.setWordWrap(True)
        self.button = SearchButton(state, mode)
        self.button.stop_requested.connect(self.stop_requested)
        self.button.again_requested.connect(self.again_requested)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(self.text)
        column.addWidget(self.bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addLayout(column, 1)
        row.addWidget(self.button)
        state.changed(GEODESIC).connect(self._show)
        self._show()

    def _show(self) -> None:
        run = self._state.get(GEODESIC)
        failed = run.status == "failed"
        text = search_text(run)
        self.text.setText(text if failed else _whole_parts(text))
        self.text.set_ink("error" if failed else "text_secondary")
        self.bar.setVisible(run.status == "searching" and run.total > 0)
        self.bar.setRange(0, max(run.total, 1))
        self.bar.setValue(min(run.step, max(run.total, 1)))
