"""The dock 'Sample': what is set arrives in the state, what the state says is seen."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton

from engine.shared.config import ScheduleConfig
from toydiff_gui.modes.points.panels.sample import SamplePanel
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.state.lanes import LANES, shown_lanes, update_lane
from toydiff_gui.state.model import MODEL, show_model
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TrainingRun
from toydiff_gui.state.view import LOOK, VIEW, overlays_of, show_overlay
from toydiff_gui.style import sheet
from toydiff_gui.style.theme import DARK, LIGHT, Theme

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def state(qapp):
    return Store()


@pytest.fixture
def panel(qtbot, state):
    panel = SamplePanel(state)
    qtbot.addWidget(panel)
    panel.resize(280, 704)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    return panel


def type_in(qtbot, box, text):
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def test_mode_decides_what_the_number_of_points_means(qtbot, panel, state):
    assert panel.start.count_field.value == state.get(SAMPLING).path_points == 500
    type_in(qtbot, panel.start.count_field.box, "300")
    assert state.get(SAMPLING).path_points == 300
    qtbot.mouseClick(panel.start.mode.button("samples"), Qt.MouseButton.LeftButton)
    assert state.get(SAMPLING).mode == "samples"
    assert panel.start.count_field.value == 1000
    assert not panel.path.endpoint_boxes["A", 0].isEnabled()
    assert not panel.path.swap_button.isEnabled()
    type_in(qtbot, panel.start.count_field.box, "50")
    assert (state.get(SAMPLING).count, state.get(SAMPLING).path_points) == (50, 300)


def test_empty_steps_mean_all(qtbot, panel, state):
    box = panel.start.steps_field.box
    assert box.lineEdit().placeholderText() == "250"
    type_in(qtbot, box, "50")
    assert state.get(SAMPLING).steps == 50
    assert panel.lanes.rows["ddpm"].note.text() == "50 steps"
    assert panel.lanes.rows["ddim-few"].note.text() == "20 steps"
    box.selectAll()
    qtbot.keyClick(box.lineEdit(), Qt.Key.Key_Delete)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert state.get(SAMPLING).steps is None
    assert panel.lanes.rows["ddpm"].note.text() == "250 steps"


def test_more_steps_than_there_are_get_a_sentence(qtbot, panel, state):
    with qtbot.waitSignal(state.message_posted) as said:
        type_in(qtbot, panel.start.steps_field.box, "300")
    assert said.args == ["Steps must be between 1 and 250, got 300.", True]
    assert state.get(SAMPLING).steps is None
    show_model(state, replace(state.get(MODEL), schedule=ScheduleConfig(timesteps=400)))
    assert panel.start.steps_field.box.lineEdit().placeholderText() == "400"
    type_in(qtbot, panel.start.steps_field.box, "300")
    assert state.get(SAMPLING).steps == 300


def test_box_shows_a_lane_and_numbers_follow(qtbot, panel, state):
    rows = panel.lanes.rows
    assert [rows[k].badge.text() for k in rows] == ["2", "3", "4", ""]
    qtbot.mouseClick(rows["ddpm-shared"].check, Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    assert [lane.key for lane in shown_lanes(state)] == ["ddpm", "ddim"]
    assert [rows[k].badge.text() for k in rows] == ["2", "", "3", ""]
    rows["ddim-few"].check.setFocus()
    qtbot.keyClick(rows["ddim-few"].check, Qt.Key.Key_Space)
    assert [rows[k].badge.text() for k in rows] == ["2", "", "3", "4"]


def test_click_on_a_row_selects_its_lane(qtbot, panel, state):
    row = panel.lanes.rows["ddpm"]
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.badge.geometry().center())
    assert state.get(LOOK).selected_lane == "ddpm"
    image = row.grab().toImage()
    assert image.pixelColor(4, row.height() // 2) == QColor(DARK.selected)
    title = panel.lanes.rows["ddpm-shared"].check
    qtbot.mouseClick(title, Qt.MouseButton.LeftButton, pos=QPoint(60, 12))
    assert state.get(LOOK).selected_lane == "ddpm-shared"
    assert state.get(LANES)[1].shown  # the name selects, only the box hides
    hidden = panel.lanes.rows["ddim-few"].check
    hidden.setFocus()
    qtbot.keyClick(hidden, Qt.Key.Key_Return)
    assert state.get(LOOK).selected_lane == "ddim-few"
    assert state.get(LANES)[3].shown


def test_hiding_the_selected_lane_selects_another(qtbot, panel, state):
    for key, left in (("ddim", "ddpm"), ("ddpm", "ddpm-shared"), ("ddpm-shared", "latent")):
        check = panel.lanes.rows[key].check
        qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
        assert state.get(LOOK).selected_lane == left
    assert not panel.lanes.eta_slider.isEnabled()  # no DDIM lane is left


def test_eta_is_set_by_slider_and_field(qtbot, panel, state):
    panel.lanes.eta_slider.setFocus()
    qtbot.keyClick(panel.lanes.eta_slider, Qt.Key.Key_Right)
    assert state.get(SAMPLING).eta == 0.01
    assert panel.lanes.eta_box.lineEdit().text() == "0.01"
    type_in(qtbot, panel.lanes.eta_box, "0.5")
    assert state.get(SAMPLING).eta == 0.5
    assert panel.lanes.eta_slider.value() == 50
    with qtbot.waitSignal(state.message_posted) as said:
        type_in(qtbot, panel.lanes.eta_box, "1.5")
    assert said.args == ["Eta must be between 0.00 and 1.00, got 1.5.", True]


def test_endpoints_are_typed_swapped_thrown_and_reset(qtbot, panel, state):
    assert not panel.path.header.reset.isVisible()
    type_in(qtbot, panel.path.endpoint_boxes["A", 0], "0.25")
    assert state.get(SAMPLING).a == (0.25, 2.0)
    assert panel.path.header.reset.isVisible()
    qtbot.mouseClick(panel.path.swap_button, Qt.MouseButton.LeftButton)
    assert (state.get(SAMPLING).a, state.get(SAMPLING).b) == ((-1.0, -2.0), (0.25, 2.0))
    assert panel.path.endpoint_boxes["B", 0].lineEdit().text() == "0.25"
    qtbot.mouseClick(panel.path.random_button, Qt.MouseButton.LeftButton)
    thrown = state.get(SAMPLING)
    assert (thrown.a, thrown.b) != ((-1.0, -2.0), (0.25, 2.0))
    shown = panel.path.endpoint_boxes["A", 0].lineEdit().text().replace("\u2212", "-")
    assert float(shown) == thrown.a[0]
    type_in(qtbot, panel.start.count_field.box, "77")
    qtbot.mouseClick(panel.path.header.reset, Qt.MouseButton.LeftButton)
    assert state.get(SAMPLING) == Sampling()


def test_a_dragged_endpoint_is_shown_but_keeps_its_digits(qtbot, panel, state):
    state.update(SAMPLING, a=(0.123456, -0.004))
    assert panel.path.endpoint_boxes["A", 0].lineEdit().text() == "0.12"
    assert panel.path.endpoint_boxes["A", 1].lineEdit().text() == "0.00"
    type_in(qtbot, panel.path.endpoint_boxes["B", 0], "1")
    assert state.get(SAMPLING).a == (0.123456, -0.004)


def test_impossible_endpoint_gets_a_sentence(qtbot, panel, state):
    with qtbot.waitSignal(state.message_posted) as said:
        type_in(qtbot, panel.path.endpoint_boxes["B", 1], "north")
    assert said.args == ["B y must be a number, got 'north'.", True]
    assert state.get(SAMPLING) == Sampling()


def test_seed_is_thrown(qtbot, panel, state):
    qtbot.mouseClick(panel.start.seed_field.dice_button, Qt.MouseButton.LeftButton)
    assert state.get(SAMPLING).seed == panel.start.seed_field.value


def test_overlays_belong_to_the_selected_lane(qtbot, panel, state):
    assert panel.overlays.header.caption.text() == "lane 4 · DDIM"
    for kind in ("trajectories", "field", "density", "preview", "warp", "forward", "difference"):
        qtbot.mouseClick(panel.overlays.buttons[kind], Qt.MouseButton.LeftButton)
        assert kind in overlays_of(state, "ddim")
    qtbot.mouseClick(panel.overlays.buttons["field"], Qt.MouseButton.LeftButton)
    assert "field" not in overlays_of(state, "ddim")
    state.update(LOOK, selected_lane="ddpm")
    assert panel.overlays.header.caption.text() == "lane 2 · DDPM"
    assert not any(button.isChecked() for button in panel.overlays.buttons.values())
    assert overlays_of(state, "ddpm") == set()


def test_the_basin_map_is_always_within_reach(qtbot, panel, state):
    for lane in ("ddim", "latent"):
        state.update(LOOK, selected_lane=lane)
        button = panel.overlays.buttons["basin"]
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert overlays_of(state, "latent") == ({"basin"} if lane == "ddim" else set())
    assert panel.overlays.header.caption.text() == "lane 1 · Latent"
    for kind, button in panel.overlays.buttons.items():
        assert button.isEnabled() == (kind == "basin")
        assert kind == "basin" or "select a sampler lane" in button.toolTip()


def test_the_exact_denoiser_does_not_differ_from_itself(panel, state):
    update_lane(state, "ddim", exact=True)
    button = panel.overlays.buttons["difference"]
    assert not button.isEnabled()
    assert "does not differ from itself" in button.toolTip()
    assert panel.overlays.buttons["field"].isEnabled()
    assert panel.overlays.header.caption.text() == "lane 4 · Exact denoiser"


def test_a_training_on_show_has_overlays_of_its_samples_alone(panel, state):
    state.set(TRAINING, TrainingRun(status="running"))
    state.update(LOOK, selected_lane="training")
    on = {kind for kind, button in panel.overlays.buttons.items() if button.isEnabled()}
    assert on == {"trajectories", "preview", "density", "forward", "basin"}
    assert "training has ended" in panel.overlays.buttons["field"].toolTip()
    state.set(TRAINING, TrainingRun(status="done"))
    assert state.get(LOOK).selected_lane == "ddpm"  # its lane has gone


def test_preview_is_switched(qtbot, panel, state):
    button = panel.overlays.buttons["preview"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert overlays_of(state, "ddim") == {"preview"}
    assert button.grab().toImage().pixelColor(5, 13) == QColor(DARK.accent_tint)
    show_overlay(state, "ddim", "preview", False)
    assert not button.isChecked()


def test_all_that_can_be_pressed_has_a_name_and_an_explanation(panel):
    for button in panel.findChildren(QAbstractButton):
        assert button.accessibleName() or button.text(), button
        assert button.toolTip(), button.text() or button.accessibleName()


def test_tab_reaches_every_enabled_control(qtbot, panel, qapp):
    wanted = {
        panel.start.count_field.box,
        panel.start.steps_field.box,
        panel.start.seed_field.box,
        panel.lanes.eta_slider,
        panel.lanes.eta_box,
        *panel.path.endpoint_boxes.values(),
        panel.path.even,
        panel.lanes.add_button,
        panel.overlays.buttons["preview"],
        *(row.check for row in panel.lanes.rows.values()),
        *(button for row in panel.lanes.rows.values() for button in row.buttons.values()),
        panel.face.button("sample"),
        panel.path.swap_button,
        panel.path.random_button,
        panel.hide_button,
        panel.start.mode.button("interpolation"),
        panel.path.kind.button("linear"),
    }
    seen = set()
    for _ in range(80):
        qtbot.keyClick(qapp.focusWidget(), Qt.Key.Key_Tab)
        seen.add(qapp.focusWidget())
    assert wanted <= seen, [w.accessibleName() for w in wanted - seen]


@pytest.mark.parametrize("lab", [False, True], ids=["sample", "paths"])
@pytest.mark.parametrize("height", [704, 524])
def test_nothing_is_cut_off(qtbot, cut_texts, panel, state, app, height, chosen, lab):
    sheet.apply(app, chosen)
    state.update(VIEW, lab=lab)
    panel.resize(panel.width(), height)
    area = panel.scroll_area

    def nothing_is_cut():
        assert cut_texts(panel) == set()
        assert panel.width() == chosen.px(280)
        assert area.widget().width() <= area.viewport().width()

    qtbot.waitUntil(nothing_is_cut)
    for (letter, axis), box in panel.path.endpoint_boxes.items():
        edit = box.lineEdit()
        text = edit.fontMetrics().horizontalAdvance(edit.text())
        assert text + edit.textMargins().left() <= edit.width(), (letter, axis)


def test_dock_is_hidden_on_request(qtbot, panel, state):
    qtbot.mouseClick(panel.hide_button, Qt.MouseButton.LeftButton)
    assert not state.get(VIEW).sample_dock


def test_marks_have_the_endpoints_colours(panel):
    from toydiff_gui.panels.endpoint_mark import EndpointMark

    a, b = panel.findChildren(EndpointMark)
    for mark, colour in ((a, DARK.endpoint_a), (b, DARK.endpoint_b)):
        image = mark.grab(QRect(0, 0, 20, 20)).toImage()
        assert image.pixelColor(10, 2) == QColor(colour)


@pytest.mark.parametrize("lab", [False, True], ids=["sample", "paths"])
def test_all_fits_into_the_usual_window_without_scrolling(qtbot, panel, state, lab):
    state.update(VIEW, lab=lab)
    qtbot.waitUntil(lambda: panel.scroll_area.verticalScrollBar().maximum() == 0)


def test_the_two_faces_share_the_path(qtbot, panel, state):
    samples, paths = panel.start.mode.button("samples"), panel.face.button("paths")
    qtbot.mouseClick(samples, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(paths, Qt.MouseButton.LeftButton)
    assert state.get(VIEW).lab
    assert state.get(SAMPLING).mode == "interpolation"  # there is nothing else to compare
    assert panel.title.text() == "Interpolation lab"
    assert panel.comparison.isVisible()
    assert panel.export_button.isVisible()
    assert not panel.lanes.isVisible()
    assert not panel.inversion.isVisible()
    type_in(qtbot, panel.path.endpoint_boxes["A", 0], "0.25")
    assert state.get(SAMPLING).a == (0.25, 2.0)
    type_in(qtbot, panel.path.count_box, "77")
    assert state.get(SAMPLING).path_points == 77
    qtbot.mouseClick(panel.face.button("sample"), Qt.MouseButton.LeftButton)
    assert not state.get(VIEW).lab
    assert panel.title.text() == "Sample"
    assert panel.lanes.isVisible()
    assert not panel.comparison.isVisible()
    assert panel.start.count_field.value == 77


def test_a_theme_that_comes_back_looks_as_before(qtbot, panel, app):
    before = panel.grab().toImage()
    for chosen in (Theme(LIGHT, False), Theme(DARK, True, 1.35, 1.6), Theme()):
        sheet.apply(app, chosen)
        panel.resize(panel.width(), 704)
    qtbot.waitUntil(lambda: panel.grab().toImage() == before)


def test_tab_goes_through_the_lanes_before_eta(panel):
    chain, widget = [], panel.start.seed_field
    while (widget := widget.nextInFocusChain()) is not panel.start.seed_field:
        chain.append(widget)
    rows = [chain.index(row.check) for row in panel.lanes.rows.values()]
    assert rows == sorted(rows)
    assert rows[-1] < chain.index(panel.lanes.eta_slider)
