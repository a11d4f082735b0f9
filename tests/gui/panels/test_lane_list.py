"""The list of lanes in the dock 'Sample': what is added, copied, removed, hidden and refused."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from engine.shared.config import ScheduleConfig
from tests.hands.mouse_and_keys import click, key
from tests.hands.window import settle
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.panels import lane_recipes
from toydiff_gui.state.lanes import (
    DEFAULT_LANES,
    LANES,
    MAX_LANES,
    LaneSpec,
    add_lane,
    lane_of,
    remove_lane,
    shown_lanes,
    update_lane,
)
from toydiff_gui.state.model import MODEL, show_model
from toydiff_gui.state.view import LOOK, overlays_of, show_overlay
from toydiff_gui.style.theme import DARK

CONTROL = Qt.KeyboardModifier.ControlModifier
BOX = QPoint(8, 12)


@pytest.fixture
def lanes(sample_dock):
    return sample_dock.lanes


def fill(state):
    while len(shown_lanes(state)) < MAX_LANES:
        add_lane(state, LaneSpec(""))


@pytest.mark.parametrize(
    ("title", "sampler", "exact"),
    [
        ("DDPM", "ddpm", False),
        ("DDPM, shared noise", "ddpm-shared", False),
        ("DDIM", "ddim", False),
        ("Heun", "heun", False),
        ("DPM-Solver++ 2M", "dpmpp2m", False),
        ("Exact denoiser", "ddim", True),
    ],
)
def test_the_menu_adds_a_lane_and_selects_it(lanes, app_state, title, sampler, exact):
    lanes.add_actions[title].trigger()
    lane = app_state.get(LANES)[-1]
    assert (lane.sampler, lane.exact, lane.shown) == (sampler, exact, True)
    assert app_state.get(LOOK).selected_lane == lane.key
    row = lanes.rows[lane.key]
    assert row.check.text() == title
    assert row.badge.text() == "5"
    assert row.check.isChecked()


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_plus_opens_the_menu_below_it(lanes):
    click(lanes.add_button)
    assert lanes.menu.isVisible()
    assert QApplication.activePopupWidget() is lanes.menu
    key(lanes.menu, Qt.Key.Key_Escape)
    assert not lanes.menu.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_with_eight_lanes_the_menu_says_why_it_adds_no_more(lanes, app_state, said):
    fill(app_state)
    lanes.menu.popup(QPoint(0, 0))
    for action in lanes.add_actions.values():
        assert not action.isEnabled()
        assert "8 lanes are shown" in action.toolTip()
    assert lanes.menu.actions()[0].text() == "8 lanes are shown"
    assert lanes.menu.actions()[0].isVisible()
    lanes.menu.close()
    hidden = lanes.rows["ddim-few"]
    click(hidden.check, BOX)
    assert said[-1] == (
        "8 lanes are shown, which is all there is room for: hide or remove one first.",
        True,
    )
    assert not hidden.check.isChecked()
    assert not lane_of(app_state, "ddim-few").shown
    copy = lanes.rows["ddpm"].buttons["duplicate"]
    assert not copy.isEnabled()
    assert "8 lanes are shown" in copy.toolTip()
    key(lanes.rows["ddpm"].check, Qt.Key.Key_D, CONTROL)
    assert len(app_state.get(LANES)) == len(lanes.rows) == 9
    click(lanes.rows["ddpm"].check, BOX)  # one goes, and there is room again
    click(hidden.check, BOX)
    assert lane_of(app_state, "ddim-few").shown
    assert lanes.rows["ddim"].buttons["duplicate"].isEnabled() is False


def test_a_lane_for_each_number_of_steps(lanes, app_state, said):
    assert "5, 10, 20, 50, 250" in lanes.steps_action.text()
    lanes.steps_action.trigger()
    shown = shown_lanes(app_state)
    assert [lane.steps for lane in shown if lane.key.startswith("lane-")] == [5, 10, 50, 250]
    # DDIM with 20 steps was in the list already.
    assert lane_of(app_state, "ddim-few").shown
    assert len(shown) == 8
    assert said == []
    before = app_state.get(LANES)
    lanes.steps_action.trigger()
    assert app_state.get(LANES) == before


def test_lanes_without_room_are_hidden_and_the_user_is_told(lanes, app_state, said):
    lanes.steps_action.trigger()
    lanes.paths_action.trigger()
    paths = [lane.path for lane in shown_lanes(app_state)]
    assert paths == ["linear", "spherical", "prior-preserving", "norm-guided", "geodesic"]
    assert said == [
        ("The other lanes are hidden to make room; tick them to show them again.", False)
    ]
    assert lane_of(app_state, app_state.get(LOOK).selected_lane).path == "linear"
    assert {lane.key for lane in DEFAULT_LANES} <= {lane.key for lane in app_state.get(LANES)}


def test_steps_above_those_of_the_model_are_left_out(lanes, app_state):
    show_model(app_state, replace(app_state.get(MODEL), schedule=ScheduleConfig(timesteps=30)))
    lanes.menu.aboutToShow.emit()
    assert lanes.steps_action.text().endswith("5, 10, 20")
    assert [lane.steps for lane in lane_recipes.steps_lanes(30)] == [5, 10, 20]
    assert [lane.steps for lane in lane_recipes.steps_lanes(3)] == [3]


def test_all_paths_include_a_drawn_one_once_there_is_one(lanes, app_state):
    app_state.update(SAMPLING, mode="samples", through=((0.0, -1.0),))
    lanes.paths_action.trigger()
    assert shown_lanes(app_state)[-1].path == "drawn"
    assert app_state.get(SAMPLING).mode == "interpolation"


def test_rows_tell_what_sets_lanes_apart(lanes, app_state):
    rows = lanes.rows
    assert rows["ddim"].note.text() == "250 steps"
    app_state.update(SAMPLING, path="spherical")  # said below, where it is chosen
    assert rows["ddim"].note.text() == "250 steps"
    update_lane(app_state, "ddim-few", path="geodesic", seed=3, shown=True)
    assert rows["ddim-few"].note.text() == "geodesic, seed 3 · 20 steps"
    assert rows["ddim"].note.text() == "spherical · 250 steps"
    update_lane(app_state, "ddpm", steps=1)
    assert rows["ddpm"].note.text() == "spherical · 1 step"


def test_keys_copy_remove_and_go_on_with_the_next(lanes, app_state):
    show_overlay(app_state, "ddpm", "field", True)
    first = lanes.rows["ddpm"].check
    first.setFocus()
    key(first, Qt.Key.Key_D, CONTROL)
    copy = app_state.get(LOOK).selected_lane
    assert [lane.key for lane in app_state.get(LANES)][:3] == ["ddpm", copy, "ddpm-shared"]
    assert overlays_of(app_state, copy) == {"field"}
    assert list(lanes.rows) == [lane.key for lane in app_state.get(LANES)]
    key(first, Qt.Key.Key_Delete)
    assert lane_of(app_state, "ddpm") is None
    assert QApplication.focusWidget() is lanes.rows[copy].check
    for _ in range(len(app_state.get(LANES))):
        key(QApplication.focusWidget(), Qt.Key.Key_Delete)
    assert app_state.get(LANES) == ()
    assert app_state.get(LOOK).selected_lane == "latent"
    assert lanes.empty.isVisible()
    assert QApplication.focusWidget() is lanes.add_button
    click(lanes.header.reset)
    assert app_state.get(LANES) == DEFAULT_LANES
    assert not lanes.empty.isVisible()


def test_removing_the_selected_lane_from_elsewhere_selects_another(lanes, app_state):
    app_state.update(LOOK, selected_lane="ddim", maximised_lane="ddim")
    remove_lane(app_state, "ddim")
    assert app_state.get(LOOK).selected_lane == "ddpm"
    assert app_state.get(LOOK).maximised_lane == ""


def test_buttons_appear_under_the_pointer_in_place_of_the_note(qtbot, lanes, app_state):
    row = lanes.rows["ddpm"]

    def ink(widget):
        """How much is drawn on the widget, on whatever ground."""
        image = widget.grab().toImage()
        colours = [image.pixel(x, y) for x in range(image.width()) for y in range(image.height())]
        return sum(colour != colours[0] for colour in colours)

    def drawn():
        settle()
        return {name: ink(button) > 20 for name, button in row.buttons.items()}

    nothing = dict.fromkeys(row.buttons, False)
    assert drawn() == nothing
    assert ink(row.note) > 100
    qtbot.mouseMove(row, row.rect().center())
    assert drawn() == dict.fromkeys(row.buttons, True)
    assert ink(row.note) == 0
    qtbot.mouseMove(lanes.header, QPoint(2, 2))
    assert drawn() == nothing
    assert ink(row.note) > 100
    qtbot.mouseMove(row, row.rect().center())
    click(row.buttons["remove"])
    assert lane_of(app_state, "ddpm") is None


def test_focus_shows_the_buttons_as_well(qtbot, lanes):
    row = lanes.rows["ddim"]
    row.check.setFocus(Qt.FocusReason.TabFocusReason)
    for name in ("edit", "duplicate", "remove"):
        key(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is row.buttons[name]
        assert row.buttons[name]._revealed
    key(QApplication.focusWidget(), Qt.Key.Key_Tab)
    settle()
    assert not row.buttons["edit"]._revealed


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_the_menu_of_a_row_does_the_same(qtbot, lanes, app_state):
    row = lanes.rows["ddim"]
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, QPoint(3, 3), row.mapToGlobal(QPoint(3, 3))
    )
    QApplication.sendEvent(row, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    actions = {action.data(): action for action in menu.actions() if action.data()}
    assert list(actions) == ["edit", "duplicate", "remove", "toggle"]
    assert actions["toggle"].text().startswith("Hide")
    actions["toggle"].trigger()
    menu.close()
    assert not lane_of(app_state, "ddim").shown
    settle()
    menu = row.make_menu()
    next(action for action in menu.actions() if action.data() == "remove").trigger()
    assert lane_of(app_state, "ddim") is None


def test_eta_says_when_no_lane_takes_it(lanes, app_state):
    update_lane(app_state, "ddim", eta=0.5)
    assert not lanes.eta_slider.isEnabled()
    assert lanes.eta_slider.toolTip() == "All DDIM lanes have an η of their own"
    update_lane(app_state, "ddim", shown=False)
    assert lanes.eta_box.toolTip() == "η belongs to DDIM, and no DDIM lane is shown"
    update_lane(app_state, "ddim-few", shown=True)
    assert lanes.eta_slider.isEnabled()


def test_a_selected_row_stands_out(lanes, app_state):
    app_state.update(LOOK, selected_lane="ddpm-shared")
    image = lanes.rows["ddpm-shared"].grab().toImage()
    assert image.pixelColor(4, image.height() // 2) == QColor(DARK.selected)
