"""Menus whose entries are actions of the table."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from toydiff_gui.state.actions import Action, Row, actions


class ActionMenu(QMenu):
    """The actions that have their place in the menu ``name``.

    An entry is grey when its action cannot be done and would not say why. Its tick follows the
    action, not the click. An entry's ``data`` is the action's id.
    """

    def __init__(self, name: str, rows: Iterable[Row] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._actions: dict[str, Action] = {}
        self._choices: dict[str, QActionGroup] = {}
        self.setAccessibleName(name)
        self.setToolTipsVisible(True)
        self.triggered.connect(self._ask)
        self.aboutToShow.connect(self.refresh)
        self.offer(rows)

    def offer(self, rows: Iterable[Row]) -> None:
        """Have those of ``rows`` that belong here as entries, in place of the ones of now."""
        self.clear()
        for group in self._choices.values():
            group.deleteLater()
        self._choices = {}
        found = [
            (action.place, action)
            for action in actions(rows)
            if action.place is not None and action.place.menu == self._name
        ]
        found.sort(key=lambda pair: (pair[0].section, pair[0].order))
        for index, (place, action) in enumerate(found):
            if index and place.section != found[index - 1][0].section:
                self.addSeparator()
            self._add(action)
        self._actions = {action.id: action for _, action in found}
        self.refresh()

    def entry(self, id_: str) -> QAction | None:
        """The entry of the action with this id."""
        return next((entry for entry in self.actions() if entry.data() == id_), None)

    def refresh(self) -> None:
        """Show what can be done now, and what is on."""
        for entry in self.actions():
            action = self._actions.get(entry.data())
            if action is None:
                continue  # a line between sections
            entry.setEnabled(action.answers)
            if action.checked is not None:
                entry.setChecked(action.checked())

    def _add(self, action: Action) -> None:
        entry = self.addAction(action.title)
        entry.setData(action.id)
        entry.setCheckable(action.checked is not None)
        if action.tip:
            entry.setToolTip(action.tip)
        if action.choice:
            if action.choice not in self._choices:
                self._choices[action.choice] = QActionGroup(self)
            self._choices[action.choice].addAction(entry)

    def _ask(self, entry: QAction) -> None:
        action = self._actions[entry.data()]
        self.refresh()
        action.ask()
