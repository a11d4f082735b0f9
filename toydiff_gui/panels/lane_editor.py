"""A card with the settings of one lane; each change is applied at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui.panels.dock import Choice, Writer
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import LANES, LaneSpec, lane_of, shown_lanes, update_lane
from toydiff_gui.state.model import MODEL, OTHER_MODELS, model_named
from toydiff_gui.state.programs import may_open
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import IconButton, NumberBox, NumberField, Text

Models = Sequence[tuple[str, str]]
"""References of checkpoints with what they are called."""
WIDTH = 248
OWN = {"steps": None, "eta": None, "seed": None, "path": None, "checkpoint": None, "exact": False}
"""A lane with these values is as the panel says."""
EXACT_TITLE = "Exact denoiser of the data"


class LaneEditor(QFrame, Writer):
    """Sampler, steps, eta, seed, path and denoiser of a lane; lies over the window.

    Empty fields mean what the panel says for all lanes.

    Signals:
        closed: it has been closed, or its lane has gone.
    """

    closed = Signal()

    def __init__(self, state: Store, mode: LaneMode, parent: QWidget) -> None:
        super().__init__(parent)
        self._state, self._mode = state, mode
        self._key = ""
        self._models: tuple[tuple[str, str], ...] = ()
        self._anchor: QRect | None = None
        self.setProperty("surface", "popover")
        self.setAutoFillBackground(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(6)
        column.addLayout(self._build_head())
        self.sampler = self._choice(column, "Sampler")
        for key, title in wording.SAMPLERS.items():
            self.sampler.addItem(title, key)
        self.sampler.activated.connect(self._set_sampler)
        column.addLayout(self._build_numbers())
        self.cost = Text("", size=11, ink="label")
        self.cost.setToolTip(
            "How often the sampler asks the denoiser on the way from noise to data: what a run "
            "costs."
        )
        column.addWidget(self.cost)
        self.path = self._choice(column, "Path")
        self.path.activated.connect(self._set_path)
        self.denoiser = self._choice(column, "Denoiser")
        self.denoiser.activated.connect(self._set_denoiser)
        self.denoiser.setToolTip(
            "Whose prediction the lane follows: this model's network, the exact denoiser of its "
            "data, or another checkpoint."
        )
        for signal in (
            state.changed(LANES),
            state.changed(mode.settings),
            state.changed(MODEL),
            state.changed(OTHER_MODELS),
        ):
            signal.connect(self._show)
        theme.notifier().changed.connect(self._resize)
        parent.installEventFilter(self)
        self._resize()
        self.hide()

    def _build_head(self) -> QHBoxLayout:
        self.badge = QLabel()
        self.badge.setProperty("surface", "badge")
        self.badge.setProperty("lit", True)
        self.badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title = Text("", size=13, weight=600)
        self.reset = IconButton(
            "reset",
            "As the panel",
            "Take back the lane's own steps, η, seed, path and denoiser: as the panel says",
            role="accent",
            side=20,
        )
        self.reset.clicked.connect(self._reset)
        self.close_button = IconButton("close", "Close these settings", "Close (Escape)", side=22)
        self.close_button.clicked.connect(self.close)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.badge)
        head.addWidget(self.title)
        head.addWidget(self.reset)
        head.addStretch(1)
        head.addWidget(self.close_button)
        return head

    def _build_numbers(self) -> QGridLayout:
        self.steps = NumberField(
            "Steps",
            minimum=1,
            maximum=1,
            step=10,
            blank="",
            name="Steps of this lane",
            tooltip="Steps from noise to data; empty means as many as the panel says.",
        )
        self.eta = NumberField(
            "η",
            minimum=0.0,
            maximum=1.0,
            decimals=2,
            step=0.05,
            blank="",
            name="Eta of this lane",
        )
        self.seed = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            blank="",
            name="Seed of this lane",
            dice="Throw a seed for this lane",
            tooltip="Fixes latents and noise of this lane; empty means the panel's seed.",
        )
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for index, (field, change) in enumerate(
            ((self.steps, self._set_steps), (self.eta, self._set_eta), (self.seed, self._set_seed))
        ):
            field.rejected.connect(self.complain)
            field.value_changed.connect(change)
            field.box.installEventFilter(self)
            grid.addWidget(field, 0, index)
            grid.setColumnStretch(index, 1)
        return grid

    def _choice(self, column: QVBoxLayout, title: str) -> Choice:
        box = Choice()
        box.setAccessibleName(f"{title} of this lane")
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        label = Text(title, size=11, ink="label")
        label.setBuddy(box)
        pair = QVBoxLayout()
        pair.setSpacing(2)
        pair.addWidget(label)
        pair.addWidget(box)
        column.addLayout(pair)
        return box

    @property
    def key(self) -> str:
        """The lane whose settings are shown; empty while the card is closed."""
        return self._key

    def set_models(self, models: Models) -> None:
        """Offer other checkpoints, by reference and name."""
        if tuple(models) != self._models:
            self._models = tuple(models)
            self._show()

    def open(self, key: str, anchor: QRect) -> None:
        """Show the settings of a lane beside ``anchor``, in the coordinates of the parent."""
        self._key, self._anchor = key, anchor
        self._show()
        if not self._key:
            return
        self.show()
        self.raise_()
        self._place()
        self.sampler.setFocus(Qt.FocusReason.PopupFocusReason)

    # Showing

    def _lane(self) -> LaneSpec | None:
        return lane_of(self._state, self._key) if self._key else None

    def _show(self) -> None:
        lane = self._lane()
        if lane is None:
            if self._key:
                self.close()
            return
        state, sampling = self._state, self._state.get(self._mode.settings)
        shown = [other.key for other in shown_lanes(state)]
        number = shown.index(lane.key) + 2 if lane.key in shown else None
        self.badge.setText("" if number is None else str(number))
        self.badge.setVisible(number is not None)
        self.title.setText(wording.lane_title(lane))
        self.setAccessibleName(f"Settings of lane {number or ''} {wording.lane_title(lane)}")
        self.reset.setVisible(any(getattr(lane, name) != value for name, value in OWN.items()))
        model = model_named(state, lane.checkpoint or state.get(MODEL).ref) or state.get(MODEL)
        timesteps = model.schedule.timesteps
        self.sampler.setCurrentIndex(self.sampler.findData(lane.sampler))
        self.steps.set_range(1, timesteps)
        self.steps.set_blank(grouped(min(sampling.steps or timesteps, timesteps)))
        self.steps.set_value(None if lane.steps is None else min(lane.steps, timesteps))
        self._show_eta(lane)
        self.seed.set_blank(str(sampling.seed))
        self.seed.set_value(lane.seed)
        config = lane.sampler_config(sampling, timesteps)
        evaluations = config.evaluations(timesteps)
        self.cost.setText(
            f"{grouped(evaluations)} network evaluation{'' if evaluations == 1 else 's'}"
            if not lane.exact
            else f"{grouped(evaluations)} evaluation{'' if evaluations == 1 else 's'}"
        )
        self._show_path(lane)
        self._show_denoiser(lane)

    def _show_eta(self, lane: LaneSpec) -> None:
        title = wording.SAMPLERS[lane.sampler]
        self.eta.setEnabled(lane.has_eta)
        tip = (
            f"{title}'s share of fresh noise in this lane; empty means as much as the panel says."
            if lane.has_eta
            else f"η belongs to {wording.with_eta()}; {title} has none"
        )
        self.eta.setToolTip(tip)
        self.eta.box.setToolTip(tip)
        self.eta.set_blank(
            f"{self._state.get(self._mode.settings).eta:.2f}" if lane.has_eta else "–"
        )
        self.eta.set_value(lane.eta if lane.has_eta else None)

    def _show_path(self, lane: LaneSpec) -> None:
        sampling = self._state.get(self._mode.settings)
        entries = [(f"As the panel ({wording.PATHS[sampling.path].lower()})", "")]
        entries += [(title, key) for key, title in wording.PATHS.items()]
        _fill(self.path, entries)
        self.path.setCurrentIndex(self.path.findData(lane.path or ""))
        along = self._mode.follows_path(sampling)
        self.path.setEnabled(along)
        self.path.setToolTip(
            "The path from A to B that this lane follows."
            if along
            else "Choose 'Interpolation' in the panel to use a path"
        )

    def _show_denoiser(self, lane: LaneSpec) -> None:
        entries = [("This model", "network:"), (EXACT_TITLE, "exact:")]
        entries += [(label, f"network:{ref}") for ref, label in self._models]
        own = f"{'exact' if lane.exact else 'network'}:{lane.checkpoint or ''}"
        if own not in [data for _, data in entries]:
            name = Path(lane.checkpoint or "").name
            entries.append((f"Exact denoiser of {name}" if lane.exact else name, own))
        _fill(self.denoiser, entries)
        self.denoiser.setCurrentIndex(self.denoiser.findData(own))

    def _resize(self) -> None:
        now = theme.current()
        self.setFixedWidth(now.px(WIDTH))
        self.badge.setFixedSize(now.px(18), now.px(18))
        self.badge.setFont(theme.font(10, 600, tabular=True))
        self._place()

    def _place(self) -> None:
        """Left of the anchor, within the parent."""
        parent = self.parentWidget()
        if self._anchor is None or parent is None or not self._key:
            return
        self.adjustSize()
        gap = 8
        x = self._anchor.left() - self.width() - gap
        y = self._anchor.center().y() - self.height() // 2
        x = max(gap, min(x, parent.width() - self.width() - gap))
        y = max(gap, min(y, parent.height() - self.height() - gap))
        self.move(QPoint(x, y))

    # Writing

    def _change(self, **changes: Any) -> None:
        self.write(lambda: update_lane(self._state, self._key, **changes), self._show)

    def _set_sampler(self, _index: int) -> None:
        self._change(sampler=self.sampler.currentData())

    def _set_steps(self, steps: int | None) -> None:
        self._change(steps=steps)

    def _set_eta(self, eta: float | None) -> None:
        self._change(eta=eta)

    def _set_seed(self, seed: int | None) -> None:
        self._change(seed=seed)

    def _set_path(self, _index: int) -> None:
        self._change(path=self.path.currentData() or None)

    def _set_denoiser(self, _index: int) -> None:
        kind, _, ref = self.denoiser.currentData().partition(":")
        self._change(exact=kind == "exact", checkpoint=ref or None)
        if ref and not may_open(self._state, ref):
            self._state.program_asked.emit(ref, False)

    def _reset(self) -> None:
        lane = self._lane()
        if lane is not None:
            self._change(**OWN)
            self.sampler.setFocus()

    # Qt

    def closeEvent(self, event: QEvent) -> None:
        """Forget the lane."""
        self._key, self._anchor = "", None
        super().closeEvent(event)  # type: ignore[arg-type]
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes the card."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab stays within the card, which has nothing to do with what lies beneath it."""
        if not self._key:  # it is closing, and the focus must go elsewhere
            return super().focusNextPrevChild(forwards)
        stops = [
            widget
            for widget in (
                self.sampler,
                self.steps.box,
                self.eta.box,
                self.seed.box,
                self.seed.dice_button,
                self.path,
                self.denoiser,
                self.reset,
                self.close_button,
            )
            if widget is not None and widget.isVisible() and widget.isEnabled()
        ]
        now = self.focusWidget()
        here = stops.index(now) if now in stops else -1
        reason = Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason
        stops[(here + (1 if forwards else -1)) % len(stops)].setFocus(reason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay within a window that changes its size; Escape in a field closes as well."""
        if event.type() == QEvent.Type.Resize and watched is self.parent():
            self._place()
        at_rest = isinstance(watched, NumberBox) and not watched.edited
        if at_rest and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() != Qt.Key.Key_Escape:
                return False
            self.close()
            return True
        return super().eventFilter(watched, event)


def _fill(box: Choice, entries: list[tuple[str, str]]) -> None:
    """Offer ``entries`` (title, data), if they are not already."""
    if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] != entries:
        box.clear()
        for title, data in entries:
            box.addItem(title, data)
