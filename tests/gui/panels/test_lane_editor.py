"""The card with a lane's settings: every change counts at once, empty means as the panel."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from engine.shared.config import PATHS, SAMPLERS, SamplerConfig, ScheduleConfig
from tests.hands.mouse_and_keys import click, key, type_number
from tests.hands.window import settle
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.lanes import LaneSpec, lane_of, remove_lane, update_lane
from toydiff_gui.state.model import MODEL, remember_model
from toydiff_gui.state.view import VIEW

MODELS = [("v", "V, bundled"), ("gaussians8", "8 Gaussians, bundled"), ("/runs/Läufe 1", "Läufe 1")]


@pytest.fixture
def editor(sample_dock):
    sample_dock.set_models(MODELS)
    check = sample_dock.lanes.rows["ddim"].check
    check.setFocus()
    key(check, Qt.Key.Key_F2)
    assert sample_dock.editor.isVisible()
    return sample_dock.editor


def choose(box, data):
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def test_all_samplers_are_offered_and_counted(editor, app_state):
    assert [editor.sampler.itemData(i) for i in range(editor.sampler.count())] == list(SAMPLERS)
    type_number(editor.steps.box, "50")
    for sampler in SAMPLERS:
        choose(editor.sampler, sampler)
        assert lane_of(app_state, "ddim").sampler == sampler
        count = SamplerConfig(name=sampler, steps=50).evaluations(250)
        assert editor.cost.text() == f"{count} network evaluations"
    choose(editor.sampler, "heun")
    assert editor.cost.text() == "99 network evaluations"


def test_numbers_count_at_once_and_empty_is_as_the_panel(editor, app_state):
    for field, name, text, value in (
        (editor.steps, "steps", "20", 20),
        (editor.eta, "eta", "0.5", 0.5),
        (editor.seed, "seed", "77", 77),
    ):
        assert getattr(lane_of(app_state, "ddim"), name) is None
        type_number(field.box, text)
        assert getattr(lane_of(app_state, "ddim"), name) == value
        type_number(field.box, "")
        assert getattr(lane_of(app_state, "ddim"), name) is None
    app_state.update(SAMPLING, steps=30, seed=9, eta=0.25)
    places = [field.box.lineEdit().placeholderText() for field in (editor.steps, editor.seed)]
    assert places == ["30", "9"]
    assert editor.eta.box.lineEdit().placeholderText() == "0.25"
    assert editor.cost.text() == "30 network evaluations"


def test_a_number_that_cannot_be_gets_a_sentence(editor, app_state, said):
    type_number(editor.steps.box, "251")
    assert said[-1] == ("Steps of this lane must be between 1 and 250, got 251.", True)
    assert lane_of(app_state, "ddim").steps is None
    type_number(editor.eta.box, "2")
    assert "Eta of this lane must be between 0.00 and 1.00, got 2." in said[-1]


def test_eta_belongs_to_ddim(editor, app_state):
    choose(editor.sampler, "ddpm")
    assert not editor.eta.isEnabled()
    assert editor.eta.box.toolTip() == "η belongs to DDIM; DDPM has none"
    choose(editor.sampler, "ddim")
    assert editor.eta.isEnabled()


def test_a_lane_follows_a_path_of_its_own(editor, app_state):
    offered = [editor.path.itemData(i) for i in range(editor.path.count())]
    assert offered == ["", *PATHS]
    assert editor.path.currentText() == "As the panel (linear)"
    choose(editor.path, "norm-guided")
    assert lane_of(app_state, "ddim").path == "norm-guided"
    choose(editor.path, "")
    assert lane_of(app_state, "ddim").path is None
    app_state.update(SAMPLING, path="spherical")
    assert editor.path.currentText() == "As the panel (spherical)"
    app_state.update(SAMPLING, mode="samples")
    assert not editor.path.isEnabled()
    assert "Choose 'Interpolation'" in editor.path.toolTip()


def test_denoisers_are_this_model_the_exact_one_and_other_checkpoints(editor, app_state):
    titles = [editor.denoiser.itemText(i) for i in range(editor.denoiser.count())]
    assert titles == ["This model", "Exact denoiser of the data", *(label for _, label in MODELS)]
    choose(editor.denoiser, "exact:")
    lane = lane_of(app_state, "ddim")
    assert (lane.exact, lane.checkpoint) == (True, None)
    assert editor.cost.text() == "250 evaluations"
    choose(editor.denoiser, "network:/runs/Läufe 1")
    lane = lane_of(app_state, "ddim")
    assert (lane.exact, lane.checkpoint) == (False, "/runs/Läufe 1")
    choose(editor.denoiser, "network:")
    assert lane_of(app_state, "ddim").checkpoint is None
    update_lane(app_state, "ddim", checkpoint="/elsewhere/old run", exact=True)
    assert editor.denoiser.currentText() == "Exact denoiser of old run"


def test_steps_are_bounded_by_the_lanes_own_model(editor, app_state, said):
    other = replace(app_state.get(MODEL), ref="gaussians8", schedule=ScheduleConfig(timesteps=40))
    update_lane(app_state, "ddim", checkpoint="gaussians8")
    remember_model(app_state, other)
    assert editor.steps.box.lineEdit().placeholderText() == "40"
    type_number(editor.steps.box, "41")
    assert "between 1 and 40" in said[-1][0]


def test_the_arrow_takes_back_all_but_the_sampler(editor, app_state):
    assert not editor.reset.isVisible()
    update_lane(
        app_state,
        "ddim",
        sampler="heun",
        steps=5,
        eta=0.1,
        seed=3,
        path="linear",
        checkpoint="v",
        exact=True,
    )
    assert editor.reset.isVisible()
    click(editor.reset)
    assert lane_of(app_state, "ddim") == LaneSpec("ddim", sampler="heun")
    assert not editor.reset.isVisible()


def test_escape_closes_it_and_gives_the_focus_back(editor, sample_dock):
    check = sample_dock.lanes.rows["ddim"].check
    for start in (editor.sampler, editor.steps.box, editor.close_button):
        if not editor.isVisible():
            key(check, Qt.Key.Key_F2)
        start.setFocus()
        key(start, Qt.Key.Key_Escape)
        assert not editor.isVisible()
        assert editor.key == ""
        assert QApplication.focusWidget() is check


def test_escape_first_takes_back_what_is_being_typed(editor, app_state):
    box = editor.steps.box
    box.setFocus()
    key(box, Qt.Key.Key_7)
    key(box, Qt.Key.Key_Escape)
    assert editor.isVisible()
    assert lane_of(app_state, "ddim").steps is None
    key(box, Qt.Key.Key_Escape)
    assert not editor.isVisible()


def test_tab_goes_round_in_it(editor):
    seen = []
    for _ in range(12):
        seen.append(QApplication.focusWidget())
        key(QApplication.focusWidget(), Qt.Key.Key_Tab)
    wanted = {
        editor.sampler,
        editor.steps.box,
        editor.eta.box,
        editor.seed.box,
        editor.seed.dice_button,
        editor.path,
        editor.denoiser,
        editor.close_button,
    }
    assert set(seen) == wanted
    here = QApplication.focusWidget()
    key(here, Qt.Key.Key_Tab)
    key(QApplication.focusWidget(), Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.focusWidget() is here


def test_it_goes_with_its_lane_and_turns_to_another(editor, sample_dock, app_state):
    key(sample_dock.lanes.rows["ddpm"].check, Qt.Key.Key_F2)
    assert sample_dock.editor is editor
    assert editor.key == "ddpm"
    assert editor.badge.text() == "2"
    assert editor.title.text() == "DDPM"
    remove_lane(app_state, "ddpm")
    assert not editor.isVisible()


def test_nothing_in_it_is_cut(editor, cut_texts):
    settle()
    assert cut_texts(editor) == set()


def test_a_lanes_own_menu_opens_it_beside_the_dock(window):
    window.mode("2d").page.edit_asked.emit("ddpm")
    settle()
    editor, dock = window.mode("2d").sample_dock.editor, window.mode("2d").sample_dock
    assert editor.isVisible()
    assert editor.key == "ddpm"
    assert editor.geometry().right() < dock.mapTo(window, dock.rect().topLeft()).x()
    assert window.rect().contains(editor.geometry())
    offered = [editor.denoiser.itemData(i) for i in range(editor.denoiser.count())]
    assert {"network:v", "network:gaussians8", "network:moons"} <= set(offered)
    window.resize(1000, 700)
    settle()
    assert window.rect().contains(editor.geometry())
    click(editor.close_button)
    window.state.update(VIEW, sample_dock=False)
    window.mode("2d").page.edit_asked.emit("ddpm")
    settle()
    assert window.rect().contains(editor.geometry())
