"""The keys that move through time from anywhere in the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
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

from toydiff_gui.playback import Playback

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


class TimelineShortcuts(QObject):
    """Space, Left, Right, Home, End, L and R for a window.

    A key is left to the widget with the focus where that needs it. A widget of one's own that
    needs one (arrows that nudge a handle) accepts its ``ShortcutOverride`` event, as Qt has it.
    """

    def __init__(self, window: QWidget, playback: Playback) -> None:
        super().__init__(window)
        self._playback = playback
        self._shortcuts: dict[Qt.Key, QShortcut] = {}
        self._add(window, Qt.Key.Key_Space, playback.toggle)
        self._add(window, Qt.Key.Key_Left, self._step_back, repeat=True)
        self._add(window, Qt.Key.Key_Right, self._step_forward, repeat=True)
        self._add(window, Qt.Key.Key_Home, playback.to_noise)
        self._add(window, Qt.Key.Key_End, playback.to_data)
        self._add(window, Qt.Key.Key_L, self._toggle_loop)
        self._add(window, Qt.Key.Key_R, self._toggle_reverse)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_moved)
        self._focus_moved(None, QApplication.focusWidget())

    def _add(
        self, window: QWidget, key: Qt.Key, act: Callable[[], object], *, repeat: bool = False
    ) -> None:
        shortcut = QShortcut(QKeySequence(key), window)
        shortcut.setAutoRepeat(repeat)
        shortcut.activated.connect(act)
        self._shortcuts[key] = shortcut

    def _focus_moved(self, _old: QWidget | None, new: QWidget | None) -> None:
        for key, shortcut in self._shortcuts.items():
            shortcut.setEnabled(not wants_key(new, key))

    def _step_back(self) -> None:
        self._playback.step(-1)

    def _step_forward(self) -> None:
        self._playback.step(1)

    def _toggle_loop(self) -> None:
        self._playback.set_loop(not self._playback.loop)

    def _toggle_reverse(self) -> None:
        self._playback.set_reverse(not self._playback.reverse)


def install_shortcuts(window: QWidget, playback: Playback) -> TimelineShortcuts:
    """Give ``window`` the keys that move through time; they live as long as it does."""
    return TimelineShortcuts(window, playback)
