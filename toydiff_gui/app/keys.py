"""The keys of a window's actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PySide6.QtCore import QKeyCombination, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QButtonGroup,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

from toydiff_gui.state.actions import Action, Row, actions

TYPING = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
CHOOSING = (QComboBox, QAbstractItemView)
"""Letters search in these, arrows move, Space opens or picks."""
ARROWS = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End})


def wants_key(widget: QWidget | None, key: Qt.Key) -> bool:
    """Whether ``widget``, having the focus, needs ``key`` for itself."""
    if widget is None:
        return False
    if isinstance(widget, TYPING + CHOOSING):
        return True
    if isinstance(widget, QAbstractButton):
        group = cast("QButtonGroup | None", widget.group())
        arrows_choose = widget.autoExclusive() or (group is not None and group.exclusive())
        return key == Qt.Key.Key_Space or (arrows_choose and key in ARROWS)
    return key in ARROWS and isinstance(widget, (QAbstractSlider, QTabBar))


class Keys(QObject):
    """Asks for the actions whose keys are pressed.

    Keys of an action that ``yields`` are left to the widget with the focus where that needs them.
    A widget of one's own that needs one (arrows that nudge a handle) accepts its
    ``ShortcutOverride`` event, as Qt has it. Keys that are 'left over' come from the window's
    ``keyPressEvent``.
    """

    def __init__(self, window: QWidget, rows: Iterable[Row]) -> None:
        super().__init__(window)
        self._yielding: list[tuple[Qt.Key, QShortcut]] = []
        self._left_over: dict[int, Action] = {}
        self._of_lanes: list[Action] = []
        for action in actions(rows):
            if action.reach == "left over":
                self._left_over |= {_first_key(QKeySequence(keys)): action for keys in action.keys}
            elif action.reach == "lanes":
                self._of_lanes.append(action)
            else:
                self._add(action, window, Qt.ShortcutContext.WindowShortcut)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)
        self._focus_moved(None, QApplication.focusWidget())

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key is for that no widget has wanted; tells whether it is for something."""
        action = self._left_over.get(event.key())
        if action is None or not action.answers:
            return False
        action.ask()
        return True

    def reach_lanes(self, widget: QWidget) -> None:
        """Let the keys that reach 'lanes' work in ``widget``."""
        for action in self._of_lanes:
            self._add(action, widget, Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _add(self, action: Action, owner: QWidget, context: Qt.ShortcutContext) -> None:
        for keys in map(QKeySequence, action.keys):
            shortcut = QShortcut(keys, owner)
            shortcut.setContext(context)
            shortcut.setAutoRepeat(action.repeats)
            shortcut.activated.connect(lambda action=action: action.ask())
            if action.yields:
                self._yielding.append((_first_key(keys), shortcut))

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        for key, shortcut in self._yielding:
            shortcut.setEnabled(not wants_key(new, key))


def install_keys(window: QWidget, rows: Iterable[Row]) -> Keys:
    """Give ``window`` the keys of ``rows``; they live as long as it does."""
    return Keys(window, rows)


def _first_key(keys: QKeySequence) -> Qt.Key:
    first: QKeyCombination = keys[0]  # type: ignore[index]  # the stubs lack it
    return first.key()
