"""The list of sampler lanes, the menu that adds to it, and DDIM's eta."""

from __future__ import annotations

import itertools
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QVBoxLayout, QWidget

from toydiff_gui.panels import lane_recipes
from toydiff_gui.panels.dock import Section
from toydiff_gui.panels.lane_row import LaneRow
from toydiff_gui.state import wording
from toydiff_gui.state.lanes import (
    DEFAULT_LANES,
    LANES,
    LaneSpec,
    remove_lane,
    shown_lanes,
    update_lane,
)
from toydiff_gui.state.model import MODEL, OTHER_MODELS, model_named
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import IconButton, NumberBox, SectionHeader, Text

HIDDEN = "The other lanes are hidden to make room; tick them to show them again"
ETA_TIP = (
    "η is DDIM's share of fresh noise: 0 takes steps without chance, 1 is the same chain as DDPM."
)


def lane_note(lane: LaneSpec, state: Store, mode: LaneMode) -> str:
    """What is special about a lane, and its number of steps."""
    sampling = state.get(mode.settings)
    several = len({other.path_name(sampling) for other in shown_lanes(state)}) > 1
    # A path that all lanes share is said once, below.
    told = sampling if several or lane.path else replace(sampling, path="linear")
    detail = wording.lane_detail(lane, told, along=mode.follows_path(told), several_paths=several)
    model = model_named(state, lane.checkpoint or state.get(MODEL).ref) or state.get(MODEL)
    steps = lane.sampler_config(sampling, model.schedule.timesteps).steps or 1
    parts = [] if detail in ("", "η = 0") else [detail]
    parts.append(f"{grouped(steps)} step{'' if steps == 1 else 's'}")
    return wording.DOT.join(parts)


class LanesSection(Section):
    """The lanes, shown or not; each can be selected, changed, duplicated and removed.

    Signals:
        edit_asked: (key) change the settings of a lane.
    """

    edit_asked = Signal(str)

    def __init__(self, state: Store, mode: LaneMode, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self._mode = mode
        self.header = SectionHeader(
            "Sampler lanes", reset_tooltip="Back to the lanes of the exercise"
        )
        self.header.reset_requested.connect(self._reset)
        self.add_button = IconButton(
            "plus", "Add a lane", "Add a lane: another sampler, or several in one click", side=20
        )
        self.add_button.clicked.connect(self._open_menu)
        self.header.add(self.add_button)
        self.column.addWidget(self.header)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.wide.addLayout(self._rows)
        self.column = self.padded()
        self.rows: dict[str, LaneRow] = {}
        self.empty = Text("There are no lanes. Add one with +.", size=11, ink="label")
        self.column.addWidget(self.empty)
        self._build_eta()
        self.menu = self._make_menu()
        # Lanes come and go from many sides; this list is always there to see to the rest.
        state.changed(LANES).connect(self._keep_selection)
        state.changed(TRAINING).connect(self._keep_selection)
        state.changed(mode.settings).connect(self._show)
        state.changed(MODEL).connect(self._show)
        state.changed(LANES).connect(self._show)
        state.changed(LOOK).connect(self._show)
        state.changed(OTHER_MODELS).connect(self._show)
        self._show()

    def _build_eta(self) -> None:
        self._eta = QWidget()
        self.eta_slider = QSlider(Qt.Orientation.Horizontal)
        self.eta_slider.setRange(0, 100)
        self.eta_slider.setPageStep(10)
        self.eta_slider.setAccessibleName("Eta, share of fresh noise in DDIM")
        # A run for each pixel of a drag would be thrown away; the last one counts.
        self.eta_slider.setTracking(False)
        self.eta_slider.sliderMoved.connect(self._eta_moved)
        self.eta_slider.valueChanged.connect(self._eta_slid)
        self.eta_box = NumberBox("Eta", minimum=0.0, maximum=1.0, decimals=2, step=0.05)
        self.eta_box.value_changed.connect(self._set_eta)
        self.eta_box.rejected.connect(self.complain)
        row = QHBoxLayout(self._eta)
        row.setContentsMargins(0, 2, 0, 0)
        row.setSpacing(8)
        row.addWidget(Text("η", weight=600))
        row.addWidget(Text("noise", size=11, ink="label"))
        row.addWidget(self.eta_slider, 1)
        row.addWidget(self.eta_box)
        self.column.addWidget(self._eta)

    # The menu

    def _make_menu(self) -> QMenu:
        menu = QMenu("Add a lane", self)
        menu.setToolTipsVisible(True)
        self._why_full = menu.addAction(lane_recipes.FULL.split(",")[0])
        self._why_full.setEnabled(False)
        self.add_actions: dict[str, QAction] = {}
        for title, lane in lane_recipes.single():
            action = menu.addAction(title)
            action.setData(lane)
            self.add_actions[title] = action
        menu.addSeparator()
        self.steps_action = menu.addAction("")
        self.paths_action = menu.addAction("All paths side by side")
        menu.triggered.connect(self._add)
        menu.aboutToShow.connect(self._show_menu)
        self._show_menu()
        return menu

    def _show_menu(self) -> None:
        full = lane_recipes.room(self._state) < 1
        self._why_full.setVisible(full)
        for action in self.add_actions.values():
            action.setEnabled(not full)
            action.setToolTip(lane_recipes.FULL if full else lane_recipes.tip(action.data()))
        lanes = lane_recipes.steps_lanes(self._state.get(MODEL).schedule.timesteps)
        numbers = ", ".join(str(lane.steps) for lane in lanes)
        self.steps_action.setText(f"A lane for each number of steps: {numbers}")
        self.steps_action.setToolTip(
            "DDIM with few and with many steps: what do fewer steps cost? Lanes that leave no "
            "room are hidden."
        )
        self.paths_action.setToolTip(
            "DDIM along every kind of path from A to B, a drawn one if there are way-points. "
            "Lanes that leave no room are hidden."
        )

    def _open_menu(self) -> None:
        size = self.menu.sizeHint()
        below = self.add_button.mapToGlobal(QPoint(self.add_button.width(), 0))
        self.menu.popup(below + QPoint(-size.width(), self.add_button.height() + 2))

    def _add(self, action: QAction) -> None:
        if action is self.steps_action:
            lanes = lane_recipes.steps_lanes(self._state.get(MODEL).schedule.timesteps)
            self._show_together(lanes)
        elif action is self.paths_action:
            settings = self._mode.settings
            self._state.update(settings, **self._mode.to_follow_path)
            drawn = self._mode.has_drawn(self._state.get(settings))
            self._show_together(lane_recipes.path_lanes(drawn=drawn))
        elif isinstance(action.data(), LaneSpec):
            self.write(lambda: lane_recipes.add(self._state, action.data()), self._show)

    def _show_together(self, lanes: tuple[LaneSpec, ...]) -> None:
        if lane_recipes.show_together(self._state, lanes):
            self._state.post(HIDDEN)

    # Showing

    def _show(self) -> None:
        state = self._state
        self._make_rows()
        full = lane_recipes.FULL if lane_recipes.room(state) < 1 else ""
        number = 1  # the latents are lane 1
        for lane in state.get(LANES):
            number += lane.shown
            self.rows[lane.key].show_lane(
                wording.lane_title(lane),
                lane_note(lane, state, self._mode),
                lane_recipes.tip(lane),
                shown=lane.shown,
                number=number if lane.shown else None,
                selected=lane.shown and lane.key == state.get(LOOK).selected_lane,
                full=full,
            )
        self.empty.setVisible(not state.get(LANES))
        self.header.set_default(state.get(LANES) == DEFAULT_LANES)
        sampling = state.get(self._mode.settings)
        self.eta_box.set_number(sampling.eta)
        self.eta_slider.blockSignals(True)
        self.eta_slider.setValue(round(100 * sampling.eta))
        self.eta_slider.blockSignals(False)
        noisy, owners = [lane for lane in shown_lanes(state) if lane.has_eta], wording.with_eta()
        reason = "" if noisy else f"η belongs to {owners}, and no {owners} lane is shown"
        if noisy and all(lane.eta is not None for lane in noisy):
            reason = f"All {owners} lanes have an η of their own"
        self._eta.setEnabled(not reason)
        for widget in (self._eta, self.eta_slider, self.eta_box):
            widget.setToolTip(reason or ETA_TIP)

    def _make_rows(self) -> None:
        keys = [lane.key for lane in self._state.get(LANES)]
        if keys == list(self.rows):
            return
        focused = next((key for key, row in self.rows.items() if row.check.hasFocus()), None)
        place = list(self.rows).index(focused) if focused is not None else 0
        for key in [key for key in self.rows if key not in keys]:
            row = self.rows.pop(key)
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        rows = {key: self.rows.get(key) or self._make_row(key) for key in keys}
        self.rows.clear()
        self.rows.update(rows)
        for index, row in enumerate(self.rows.values()):
            self._rows.insertWidget(index, row)
        self._order()
        if focused is not None and focused not in keys:
            # Whoever removes lanes with the keyboard goes on with the next.
            left = list(self.rows.values())
            (left[min(place, len(left) - 1)].check if left else self.add_button).setFocus()

    def _make_row(self, key: str) -> LaneRow:
        row = LaneRow(key)
        row.toggled.connect(self._toggle)
        row.selected.connect(self._select)
        row.edit_asked.connect(self.edit_asked)
        row.duplicate_asked.connect(self._duplicate)
        row.remove_asked.connect(self._remove)
        return row

    def _order(self) -> None:
        """Tab goes through the lanes where they stand, before eta, though they are made later."""
        stops: list[QWidget] = [self.add_button]
        for row in self.rows.values():
            stops += [row.check, *row.buttons.values()]
        stops.append(self.eta_slider)
        for before, after in itertools.pairwise(stops):
            self.setTabOrder(before, after)

    # Writing

    def _keep_selection(self) -> None:
        lane_recipes.select_what_is_there(self._state)

    def _reset(self) -> None:
        lane_recipes.restore_defaults(self._state)

    def _toggle(self, key: str, shown: bool) -> None:
        if shown:
            self.write(lambda: lane_recipes.show(self._state, key), self._show_again)
        else:
            update_lane(self._state, key, shown=False)

    def _select(self, key: str) -> None:
        # Only what is drawn can be selected.
        self.write(lambda: self._show_and_select(key), self._show_again)

    def _show_and_select(self, key: str) -> None:
        lane_recipes.show(self._state, key)
        self._state.update(LOOK, selected_lane=key)

    def _show_again(self) -> None:
        for row in self.rows.values():
            row.forget()
        self._show()

    def _duplicate(self, key: str) -> None:
        self.write(lambda: lane_recipes.duplicate(self._state, key), self._show)

    def _remove(self, key: str) -> None:
        remove_lane(self._state, key)

    def _set_eta(self, eta: float) -> None:
        slot = self._mode.settings
        self.write(lambda: self._state.update(slot, eta=eta), self._show)

    def _eta_moved(self, hundredths: int) -> None:
        self.eta_box.set_number(hundredths / 100)

    def _eta_slid(self, hundredths: int) -> None:
        self._set_eta(hundredths / 100)
