"""Dialogs of mode Images: an image of the data is chosen with mouse or keyboard."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.datasets.images import load_digits
from toydiff_gui.modes.images.panels.browse import COLUMNS, BrowseDialog
from toydiff_gui.modes.images.panels.sample import ImageSamplePanel
from toydiff_gui.modes.images.settings import IMAGE_DATA
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.store import Store

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    show_model(state, ModelInfo("digits", "digits", mean=(0.3,), std=(0.4,), shape=(1, 8, 8)))
    return state


def bring(state, start=0, count=60, dataset="digits"):
    digits = load_digits()
    part = slice(start, start + count)
    state.update(
        IMAGE_DATA,
        browsed_set=dataset,
        browsed=digits.images[part],
        labels=digits.labels[part],
        browse_message="",
    )
    return digits


@pytest.fixture
def dialog(qtbot, state):
    dialog = BrowseDialog(state, "digits", "B")
    qtbot.addWidget(dialog)
    dialog.asked, dialog.taken = [], []
    dialog.browse_requested.connect(dialog.asked.append)
    dialog.chosen.connect(lambda pixels, label: dialog.taken.append((pixels, label)))
    dialog.open()
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def test_images_are_asked_for_and_waited_for(dialog, state):
    assert dialog.asked == ["digits"]
    assert dialog.status.text() == "Reading Digits 8…"
    assert not dialog.take_button.isEnabled()
    bring(state, dataset="mnist")  # of another set: not what was asked for
    assert dialog.grid.count == 0
    bring(state)
    assert dialog.grid.count == 60
    assert dialog.take_button.isEnabled()


def test_a_click_chooses_and_a_button_takes(qtbot, dialog, state):
    digits = bring(state)
    place = dialog.grid.tile(13).center()
    qtbot.mouseClick(dialog.grid, Qt.MouseButton.LeftButton, pos=place)
    label = f"{digits.labels[13]}, Digits 8"
    assert dialog.status.text() == label
    assert dialog.taken == []
    qtbot.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    ((pixels, said),) = dialog.taken
    assert np.array_equal(pixels, digits.images[13])
    assert said == label
    assert not dialog.isVisible()


def test_a_double_click_takes_at_once(qtbot, dialog, state):
    digits = bring(state)
    place = dialog.grid.tile(4).center()
    qtbot.mouseDClick(dialog.grid, Qt.MouseButton.LeftButton, pos=place)
    assert np.array_equal(dialog.taken[0][0], digits.images[4])


def test_the_keyboard_does_all_of_it(qtbot, dialog, state):
    digits = bring(state)
    assert dialog.grid.hasFocus()
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(dialog.grid, key)
    assert dialog.grid.current == COLUMNS + 1
    qtbot.keyClick(dialog.grid, Qt.Key.Key_End)
    qtbot.keyClick(dialog.grid, Qt.Key.Key_Right)
    qtbot.keyClick(dialog.grid, Qt.Key.Key_Down)
    assert dialog.grid.current == 59
    visible = dialog.area.viewport().rect()
    centre = dialog.grid.mapTo(dialog.area.viewport(), dialog.grid.tile(59).center())
    assert visible.contains(centre)
    assert f"image {60}" in dialog.grid.accessibleDescription()
    qtbot.keyClick(dialog.grid, Qt.Key.Key_Return)
    assert np.array_equal(dialog.taken[0][0], digits.images[59])


def test_escape_takes_nothing(qtbot, dialog, state):
    bring(state)
    qtbot.keyClick(dialog.grid, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert dialog.taken == []


def test_others_can_be_asked_for(qtbot, dialog, state):
    assert not dialog.others_button.isEnabled()
    bring(state)
    qtbot.mouseClick(dialog.others_button, Qt.MouseButton.LeftButton)
    assert dialog.asked == ["digits", "digits"]
    assert dialog.grid.count == 0
    digits = bring(state, start=100)
    assert dialog.grid.count == 60
    dialog._take()
    assert np.array_equal(dialog.taken[0][0], digits.images[100])


def test_why_there_are_no_images_is_said(dialog, state):
    state.update(IMAGE_DATA, browse_message="MNIST is nowhere to be found")
    assert dialog.status.text() == "MNIST is nowhere to be found"
    assert not dialog.take_button.isEnabled()
    bring(state)
    assert dialog.status.text().endswith("Digits 8")


def test_images_that_are_there_are_shown_at_once(qtbot, state):
    bring(state)
    dialog = BrowseDialog(state, "digits", "A")
    qtbot.addWidget(dialog)
    asked = []
    dialog.browse_requested.connect(asked.append)
    dialog.open()
    assert (dialog.grid.count, asked) == (60, [])


def test_a_chosen_image_reaches_its_endpoint(qtbot, state):
    panel = ImageSamplePanel(state)
    qtbot.addWidget(panel)
    panel.show()
    asked, inverted = [], []
    panel.browse_requested.connect(asked.append)
    panel.invert_image_requested.connect(lambda *told: inverted.append(told))
    panel.inversion.actions_by_name["browse", "B"].trigger()
    assert asked == ["digits"]
    digits = bring(state)
    browser = panel.browser
    browser.grid.choose(5)
    qtbot.keyClick(browser.grid, Qt.Key.Key_Return)
    ((mark, pixels, label),) = inverted
    assert (mark, label) == ("B", f"{digits.labels[5]}, Digits 8")
    assert np.array_equal(pixels, digits.images[5])
    assert panel.browser is None
    panel.path.rows["A"].browse_action.trigger()
    assert panel.browser.mark == "A"
    panel.browser.reject()
