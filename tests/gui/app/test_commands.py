"""The table of actions, and that menus, keys and the help are nothing but views of it."""

from collections import Counter
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu

from tests.hands.mouse_and_keys import click, key
from tests.hands.window import settle
from toydiff_gui.app.commands import model_actions, task_actions
from toydiff_gui.app.installed_modes import MODES
from toydiff_gui.app.menus import ActionMenu
from toydiff_gui.state.actions import Action, Place, WidgetKeys, actions, key_lines
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.view import LOOK, VIEW

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

LISTED = [
    ("Space", "play, pause"),
    ("Left, Right", "a step towards noise, towards data"),
    ("Home, End", "noise, data"),
    ("L", "loop"),
    ("R", "reverse"),
    ("1 … 9", "select a lane"),
    ("Esc", "all lanes again after one was shown alone; on the tiles: stop sampling"),
    ("Arrows on A or B", "move it by 0.01; with Shift by 0.1"),
    ("Arrows on the tiles", "go from image to image; Enter makes it A, then B; with Shift C"),
    ("Ctrl+1, Ctrl+2", "the pages Explore and Diagnostics"),
    ("Ctrl+0", "reset the view"),
    ("Ctrl+O", "open a checkpoint"),
    ("Ctrl+E", "export"),
    ("Ctrl+Shift+C", "copy the picture"),
    ("F11", "presentation view"),
    ("F1", "this help"),
]
TASKS = [task for mode in MODES for task in mode.tasks]
ONCE_A_PRESS = {"Space", "Home", "End", "L", "R"}
"""Keys that do nothing more while they are held down."""


def faults(rows):
    """What is wrong with a table, in words."""
    found = []
    ids = Counter(action.id for action in actions(rows))
    found += [f"{name} is there twice" for name, count in ids.items() if count > 1]
    taken = Counter(keys for action in actions(rows) for keys in action.keys)
    found += [f"{keys} has two meanings" for keys, count in taken.items() if count > 1]
    for action in actions(rows):
        if bool(action.keys) != bool(action.help):
            found.append(f"{action.id}: keys and help come together")
        for keys in action.keys:
            if QKeySequence(keys).toString() != keys:
                found.append(f"{action.id}: there are no keys {keys}")
    return found


def table(window):
    """All rows there can be, with the models and tasks of either mode."""
    return (
        *window.rows,
        *model_actions(window, [("v", "V"), ("mnist", "MNIST")]),
        *task_actions(window, TASKS),
    )


def ids(menu):
    """What a menu offers, '' for a line."""
    return [entry.data() or "" for entry in menu.actions()]


def texts(window):
    return [message.text for message in window.messages.messages]


# The table


def test_the_table_has_no_faults(window):
    assert faults(table(window)) == []


def test_faults_are_found(window):
    rows = table(window)
    first = actions(rows)[0]
    assert faults((*rows, replace(first, keys=(), help=""))) == ["time.play is there twice"]
    added = replace(first, id="new", keys=("Esc",))
    assert faults((*rows, added)) == ["Esc has two meanings"]
    for keys, meaning in ((("Ctrl+7",), ""), ((), "something")):
        added = replace(first, id="new", keys=keys, help=meaning)
        assert faults((*rows, added)) == ["new: keys and help come together"]
    added = replace(first, id="new", keys=("Strg+7",))
    assert faults((*rows, added)) == ["new: there are no keys Strg+7"]


def test_an_action_that_cannot_be_done_says_why_or_nothing():
    done = []
    action = Action("a", "A", lambda: done.append("run"), enabled=lambda: False)
    action.ask()
    assert done == []
    assert not action.answers
    action = replace(action, refuse=lambda: done.append("why"))
    action.ask()
    assert done == ["why"]
    assert action.answers
    replace(action, enabled=lambda: True).ask()
    assert done == ["why", "run"]


# The help


def test_the_help_lists_the_keys_of_the_table(window):
    assert key_lines(window.rows) == LISTED
    key(window, Qt.Key.Key_F1)
    shown = window._help.page.toPlainText()
    listed = [line for line in shown[shown.rindex("Keys\n") :].splitlines()[1:] if line]
    window._help.close()
    settle()
    assert listed == [text for line in LISTED for text in line]


def test_the_help_follows_the_table():
    rows = [
        Action("a", "A", print, keys=("F5", "F6"), help="again"),
        Action("b", "B", print, help="without keys"),
        WidgetKeys("F5, F6", "on a plot: never"),
        *(Action(f"{n}", "", print, keys=(f"{n}",), help="choose") for n in (3, 4, 5)),
    ]
    assert key_lines(rows) == [("F5, F6", "again; on a plot: never"), ("3 … 5", "choose")]


# The keys


def test_every_shortcut_comes_from_the_table(window):
    pages = [window.mode(key).page for key in ("2d", "images")]
    wanted = Counter()
    for action in actions(window.rows):
        owners = {"window": [window], "lanes": pages, "left over": []}
        wanted.update((keys, owner) for keys in action.keys for owner in owners[action.reach])
    shortcuts = window.findChildren(QShortcut)
    assert Counter((s.key().toString(), s.parent()) for s in shortcuts) == wanted
    assert {s.key().toString() for s in shortcuts if not s.autoRepeat()} == ONCE_A_PRESS


@pytest.mark.parametrize("page", ["explore", "diagnostics"])
def test_keys_open_and_export_or_say_why_not(window, page):
    window.state.update(VIEW, page=page)
    settle()
    QTest.keySequence(window, QKeySequence("Ctrl+E"))
    QTest.keySequence(window, QKeySequence("Ctrl+Shift+C"))
    opened = window._export is not None and window._export.isVisible()
    assert opened == (page == "explore")
    said = {
        "explore": ["The picture is on the clipboard."],
        "diagnostics": ["Every plot on this page has an export button of its own."],
    }[page]
    assert list(dict.fromkeys(texts(window))) == said
    if opened:
        window._export.close()


def test_escape_that_nobody_has_wanted_shows_all_lanes_again(window):
    window.state.update(LOOK, maximised_lane="ddpm")
    window.mode("2d").train_dock.run.train_button.setFocus()
    key(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert window.state.get(LOOK).maximised_lane == ""
    before = window.state.get(VIEW)
    key(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert window.state.get(VIEW) == before


def test_digits_select_lanes_only_where_the_lanes_have_the_focus(window):
    window.state.update(LOOK, selected_lane="ddim")
    window.mode("2d").train_dock.run.train_button.setFocus()
    key(QApplication.focusWidget(), Qt.Key.Key_1)
    assert window.state.get(LOOK).selected_lane == "ddim"
    window.mode("2d").page.setFocus()
    for digit, lane in ((Qt.Key.Key_2, "ddpm"), (Qt.Key.Key_9, "ddpm")):  # there is no ninth
        key(window.mode("2d").page, digit)
        assert window.state.get(LOOK).selected_lane == lane


def test_buttons_of_the_timeline_name_the_keys(window):
    tips = {b.toolTip() for b in window.timeline.transport.findChildren(QAbstractButton)}
    for action in actions(window.rows):
        if action.id.startswith("time."):
            assert [tip for tip in tips if tip.endswith(f"({action.keys[0]})")], action.id


def test_buttons_of_the_timeline_and_keys_do_the_same(window):
    row, playback = window.timeline.transport, window.playback
    window.mode("2d").page.setFocus()
    for button, which in ((row.loop, Qt.Key.Key_L), (row.reverse, Qt.Key.Key_R)):
        click(button)
        assert button.isChecked()
        key(window.mode("2d").page, which)
        assert not button.isChecked()
    assert not playback.loop
    assert not playback.reverse
    click(row.to_data)
    click(row.back)
    assert playback.t == 1
    click(row.forward)
    assert playback.t == 0
    click(row.to_noise)
    assert playback.t == playback.timesteps


# The menus


@pytest.mark.parametrize("model", ["v", "digits"])
def test_every_entry_of_a_menu_comes_from_the_table(window, model):
    if model == "digits":
        show_model(window.state, ModelInfo(ref=model, dataset=model, shape=(1, 8, 8)))
        settle()
    bar = window.toolbar
    offered = window.modes.mode.tasks
    menus = {name: getattr(bar, f"{name}_button").menu() for name in ("view", "export", "tasks")}
    assert {menu for menu in bar.findChildren(QMenu) if isinstance(menu, ActionMenu)} == {
        bar.model_button.menu(),
        *menus.values(),
    }
    assert ids(menus["tasks"]) == [f"task.{task.key}" for task in offered]
    assert ids(menus["export"]) == ["export.show", "export.copy"]
    assert ids(menus["view"]) == [
        *("theme.system", "theme.dark", "theme.light", ""),
        *("view.presentation", "view.reset", ""),
        *("dock.train", "dock.sample", ""),
        "engine.restart",
    ]
    placed = {action.id for action in actions(table(window)) if action.place is not None}
    titles = {action.id: action.title for action in actions(table(window))}
    for menu in menus.values():
        for entry in menu.actions():
            if not entry.isSeparator():
                assert entry.data() in placed
                assert entry.text() == titles[entry.data()]
    shown = {id_ for menu in (*menus.values(), bar.model_button.menu()) for id_ in ids(menu)}
    both = {f"task.{task.key}" for task in TASKS}
    assert placed - both <= shown
    assert "model.v" in shown


def test_an_entry_is_grey_when_it_cannot_be_done_and_would_not_say_why(window):
    bar, state = window.toolbar, window.state
    assert not bar.entry("engine.restart").isEnabled()
    state.update(VIEW, page="diagnostics")
    assert bar.entry("export.show").isEnabled()
    bar.entry("export.show").trigger()
    assert texts(window) == ["Every plot on this page has an export button of its own."]
    state.set(ENGINE, EngineStatus("dead"))
    assert bar.entry("engine.restart").isEnabled()
    assert not bar.entry("task.1a").isEnabled()
    assert not bar.entry("model.v").isEnabled()


def test_a_tick_follows_the_action_and_not_the_click(app):
    on = {"a": False, "b": True}
    actions_ = [
        Action(name, name, lambda: None, place=Place("Menu"), checked=lambda n=name: on[n])
        for name in on
    ]
    menu = ActionMenu("Menu", [*actions_, Action("c", "c", print, place=Place("Another"))])
    assert ids(menu) == ["a", "b"]
    for name in on:
        menu.entry(name).trigger()
        assert menu.entry(name).isChecked() == on[name]
    on["a"] = True
    menu.refresh()
    assert menu.entry("a").isChecked()
