"""The button 'Invert data points…' and what it says of the round trip."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from tests.hands.mouse_and_keys import click, key
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.results import Inversion

DATA = np.array([[0.5, 0.25], [-1.0, 2.0], [0.0, 0.0]], np.float32)
DONE = Inversion("done", "points.csv", DATA, DATA * 2, np.array([0.001, 0.002, 0.012], np.float32))


@pytest.fixture
def foot(sample_dock, app_state):
    app_state.set(ENGINE, EngineStatus("ready"))
    return sample_dock.inversion


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_the_button_offers_two_ways(foot):
    click(foot.button)
    assert QApplication.activePopupWidget() is foot.menu
    assert [action.text() for action in foot.menu.actions()] == [
        "Click two data points",
        "From a file…",
    ]
    foot.menu.close()


def test_picking_is_begun_and_cancelled(qtbot, foot, sample_dock, app_state):
    with qtbot.waitSignal(sample_dock.pick_requested):
        foot.pick_action.trigger()
    assert app_state.get(INVERSION).status == "picking"
    assert foot.button.text() == "Cancel picking"
    assert foot.text.text() == "Click two points of the data in a lane"
    click(foot.button)
    assert app_state.get(INVERSION).status == "idle"
    assert foot.button.text() == "Invert data points…"
    assert not foot.text.isVisible()


def test_picking_begins_anew(foot, app_state):
    app_state.set(INVERSION, DONE)
    app_state.update(SAMPLING, mode="inverted")
    foot.pick_action.trigger()
    assert len(app_state.get(INVERSION).data) == 0
    assert app_state.get(INVERSION).latents is None
    assert app_state.get(SAMPLING).mode == "interpolation"  # what is picked becomes A and B


def test_a_file_is_asked_for(qtbot, foot, sample_dock, monkeypatch):
    chosen = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kw: ("/data/ä.csv", ""))
    with qtbot.waitSignal(sample_dock.invert_file_requested) as asked:
        foot.file_action.trigger()
    assert asked.args == ["/data/ä.csv"]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kw: ("", ""))
    sample_dock.invert_file_requested.connect(chosen.append)
    foot.file_action.trigger()
    assert chosen == []


def test_the_round_trip_is_told_and_dismissed(foot, sample_dock, app_state):
    own = sample_dock.start.mode.button("inverted")
    assert not own.isEnabled()
    assert own.toolTip() == "There are none yet: press 'Invert data points…' below"
    app_state.set(INVERSION, Inversion("running", data=DATA))
    assert foot.text.text() == "Finding the latents of 3 points…"
    assert foot.dismiss.accessibleName() == "Stop the inversion"
    app_state.set(INVERSION, DONE)
    assert foot.text.text() == ("points.csv · 3 points\nround trip: 0.005 mean, 0.012 largest")
    click(own)
    assert app_state.get(SAMPLING).mode == "inverted"
    assert not sample_dock.start.count_field.isEnabled()
    assert sample_dock.start.count_field.value == 3
    click(foot.dismiss)
    assert app_state.get(INVERSION).status == "idle"
    assert app_state.get(INVERSION).latents is None
    assert app_state.get(SAMPLING).mode == "interpolation"
    assert not own.isEnabled()
    assert not foot.text.isVisible()


def test_a_failure_is_one_sentence(foot, app_state):
    app_state.set(INVERSION, Inversion("failed", message="points.csv has 3 columns, not 2."))
    assert foot.text.text() == "points.csv has 3 columns, not 2."
    assert foot.text.property("ink") == "error"
    click(foot.dismiss)
    assert not foot.text.isVisible()


def test_without_an_engine_there_is_nothing_to_ask(foot, app_state):
    app_state.set(ENGINE, EngineStatus("dead", message="out of memory"))
    assert not foot.button.isEnabled()
    assert foot.button.toolTip() == "Inverting needs the engine, which is not ready"


def test_the_button_is_pressed_with_the_keyboard(foot, app_state):
    foot.pick_action.trigger()
    foot.button.setFocus()
    key(foot.button, Qt.Key.Key_Space)
    assert app_state.get(INVERSION).status == "idle"
