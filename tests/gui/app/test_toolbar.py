"""The bar at the top, used as a user does, at the widths that screens have."""

from unittest.mock import Mock

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton

from toydiff_gui.app.commands import actions_of, model_actions, task_actions
from toydiff_gui.app.toolbar import Toolbar
from toydiff_gui.modes.tasks import Task
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import sheet
from toydiff_gui.style.theme import LIGHT, Theme
from toydiff_gui.widgets import Segment

# What the offscreen platform says when a menu opens.
pytestmark = [
    pytest.mark.usefixtures("app"),
    pytest.mark.qt_log_ignore("This plugin does not support", extend=True),
]


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    show_model(state, ModelInfo(ref="v", dataset="v", trained_steps=6000))
    return state


@pytest.fixture
def asked(state):
    """A window that only remembers what it was asked for."""
    return Mock(state=state, shows_lanes=True)


@pytest.fixture
def bar(qtbot, state, asked):
    modes = [Segment("2d", "2D", "Points"), Segment("images", "Images", "Pictures")]
    bar = Toolbar(state, actions_of(asked), modes)
    models = [("v", "V · linear β"), ("moons", "Moons · linear β")]
    bar.set_models(model_actions(asked, models))
    tasks = [Task("tear", "A tear", "From left to right", {}, ())]
    tasks.append(Task("arm", "Down an arm", "Tip to tip", {}, ()))
    bar.set_tasks(task_actions(asked, tasks))
    qtbot.addWidget(bar)
    bar.resize(1440, 48)
    bar.show()
    bar.activateWindow()
    qtbot.waitUntil(bar.isActiveWindow)
    return bar


def choose(qtbot, menu, text):
    """Pick an entry with the keyboard, as the menu does when it is open."""
    menu.popup(QPoint(10, 10))
    qtbot.waitUntil(menu.isVisible)
    for _ in range(len(menu.actions()) + 1):
        active = menu.activeAction()
        if active is not None and active.text() == text:
            break
        qtbot.keyClick(menu, Qt.Key.Key_Down)
    assert menu.activeAction().text() == text
    qtbot.keyClick(menu, Qt.Key.Key_Return)


def test_model_is_shown_and_chosen(qtbot, bar, asked, state):
    assert bar.model_button.text() == "V · linear β · 250 steps · trained 6\u2009000 steps"
    menu = bar.model_button.menu()
    assert [a.isChecked() for a in menu.actions()] == [True, False]
    choose(qtbot, menu, "Moons · linear β")
    asked.choose_model.assert_called_once_with("moons")
    assert [a.isChecked() for a in menu.actions()] == [True, False]  # not before the state says so
    show_model(state, ModelInfo(ref="moons", dataset="moons"))
    assert bar.model_button.text() == "Moons · linear β · 250 steps"
    assert [a.isChecked() for a in menu.actions()] == [False, True]


def test_task_is_chosen(qtbot, bar, asked):
    choose(qtbot, bar.tasks_button.menu(), "Down an arm")
    asked.show_task.assert_called_once_with("arm")


@pytest.mark.parametrize(
    ("button", "what"), [("open_button", "ask_for_checkpoint"), ("help_button", "show_help")]
)
def test_buttons_ask(qtbot, bar, asked, button, what):
    qtbot.mouseClick(getattr(bar, button), Qt.MouseButton.LeftButton)
    getattr(asked, what).assert_called_once_with()


def test_export_and_copy_are_asked_for(qtbot, bar, asked):
    menu = bar.export_button.menu()
    choose(qtbot, menu, "Export film or picture…")
    asked.show_export.assert_called_once_with()
    choose(qtbot, menu, "Copy the picture")
    asked.copy_picture.assert_called_once_with()


def test_view_menu_writes_to_the_state_and_follows_it(qtbot, bar, asked, state):
    menu = bar.view_button.menu()
    choose(qtbot, menu, "Light theme")
    assert state.get(VIEW).theme == "light"
    choose(qtbot, menu, "Presentation view")
    assert state.get(VIEW).presentation
    choose(qtbot, menu, "Panel 'Train'")
    assert not state.get(VIEW).train_dock
    choose(qtbot, menu, "Panel 'Sample'")
    assert not state.get(VIEW).sample_dock
    choose(qtbot, menu, "Reset the plots' view")
    asked.reset_view.assert_called_once_with()
    state.update(VIEW, theme="dark", presentation=False, train_dock=True)
    checked = {a.text() for a in menu.actions() if a.isChecked()}
    assert checked == {"Dark theme", "Panel 'Train'"}


def test_what_is_missing_is_greyed_and_says_so(bar):
    later = [
        bar.undo_button,
        bar.redo_button,
        bar.save_button,
        bar.mode.button("subspace"),
    ]
    for button in later:
        assert not button.isEnabled()
        assert button.toolTip() == "Comes with a later version"


def test_the_mode_is_asked_for_and_shown_when_the_model_is_there(qtbot, bar, state):
    assert bar.mode.current == "2d"
    with qtbot.waitSignal(bar.mode_chosen) as said:
        qtbot.mouseClick(bar.mode.button("images"), Qt.MouseButton.LeftButton)
    assert said.args == ["images"]
    state.post("it cannot be opened", error=True)
    assert bar.mode.current == "2d"
    bar.set_mode("images")
    assert bar.mode.current == "images"
    state.set(ENGINE, EngineStatus("dead"))
    for mode in ("2d", "images"):
        assert not bar.mode.button(mode).isEnabled()
        assert "ended" in bar.mode.button(mode).toolTip()


def test_every_button_has_a_name_and_an_explanation(bar):
    bar.resize(1024, 48)
    for button in bar.findChildren(QAbstractButton):
        assert button.accessibleName(), button.text()
        assert button.toolTip(), button.accessibleName()


@pytest.mark.parametrize("model", ["v", "digits"])
@pytest.mark.parametrize("width", [1000, 1024, 1280, 1440, 1920])
def test_no_text_is_cut_at_any_width(qtbot, bar, app, state, chosen, width, model):
    sheet.apply(app, chosen)
    show_model(state, ModelInfo(ref=model, dataset=model, trained_steps=6000))
    bar.resize(width, bar.height())

    def nothing_is_cut():
        assert (bar.width(), bar.height()) == (width, chosen.px(48))
        cut = {
            button.accessibleName()
            for button in bar.findChildren(QAbstractButton)
            if button.isVisible()
            and (
                not bar.rect().contains(button.mapTo(bar, button.rect().bottomRight()))
                or (
                    button is not bar.model_button
                    and button.width() < button.minimumSizeHint().width()
                )
            )
        }
        assert cut == set()

    qtbot.waitUntil(nothing_is_cut)
    text = QFontMetrics(bar.model_button.font()).horizontalAdvance(bar.model_button.text())
    assert bar.model_button.width() >= text + chosen.px(36)
    assert bar.model_button.text().startswith({"v": "V", "digits": "Digits 8"}[model])


def test_room_brings_the_texts_back(bar):
    bar.resize(1024, 48)
    assert bar.open_button.text() == ""
    bar.resize(1440, 48)
    assert bar.open_button.text() == "Open"
    assert bar.save_button.text() == "Save session"


def test_a_longer_model_line_is_fitted_after_the_type_grew(qtbot, bar, app, state):
    bar.resize(1280, 48)
    sheet.apply(app, Theme(LIGHT, dark=False, type_scale=1.35, line_scale=1.6))
    show_model(state, ModelInfo(ref="v", dataset="v", trained_steps=60_000, revision=1))
    for switch in (bar.mode, bar.page):
        qtbot.waitUntil(lambda switch=switch: switch.width() >= switch.minimumSizeHint().width())


def test_a_network_that_is_none_of_ours_is_called_by_its_name(bar, state):
    model = ModelInfo(ref="python:/x/mine.py", dataset="folder", network="mine.py", revision=1)
    show_model(state, model)
    assert bar.model_button.text().startswith("mine.py · linear")


def test_what_the_engine_answers_is_grey_until_it_can(bar, state):
    buttons = (bar.model_button, bar.tasks_button, bar.open_button)
    for status, word in (("starting", "starting"), ("dead", "restart")):
        state.set(ENGINE, EngineStatus(status))
        assert not any(button.isEnabled() for button in buttons)
        assert all(word in button.toolTip() for button in buttons)
        assert bar.entry("engine.restart").isEnabled() == (status == "dead")
    state.set(ENGINE, EngineStatus("ready"))
    assert all(button.isEnabled() for button in buttons)
    assert not bar.entry("engine.restart").isEnabled()


def test_the_view_menu_restarts_the_engine(qtbot, bar, asked, state):
    state.set(ENGINE, EngineStatus("dead"))
    choose(qtbot, bar.view_button.menu(), "Restart the engine")
    asked.controllers.engine.start_again.assert_called_once_with()


def test_the_page_is_chosen(qtbot, bar, state):
    qtbot.mouseClick(bar.page.button("diagnostics"), Qt.MouseButton.LeftButton)
    assert state.get(VIEW).page == "diagnostics"
    state.update(VIEW, page="explore")
    assert bar.page.current == "explore"
