"""A sampler lane in the list of the sample dock."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from toydiff_gui.panels.elided import ElidedText
from toydiff_gui.style import theme
from toydiff_gui.widgets import ShyButton, restyle

ACTIONS = (
    ("edit", "edit", "Change…", "F2", "Give lane {} its own steps, seed, path or denoiser"),
    ("duplicate", "copy", "Duplicate", "Ctrl+D", "Put a copy of lane {} behind it, to change"),
    ("remove", "trash", "Remove", "Del", "Take lane {} away"),
)
"""Key, icon, name, keys, explanation."""
LEAST = 72
"""Width that a name cannot be cut below."""


class LaneCheck(QCheckBox):
    """The box with the lane's name: Space shows or hides the lane, Enter selects it.

    The name is cut where room is short.

    Signals:
        entered: Enter was pressed.
        focus_changed: the keyboard focus has come or gone.
    """

    entered = Signal()
    focus_changed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter selects."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    @property
    def shown_text(self) -> str:
        """As much of the name as there is room for."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        part = QStyle.SubElement.SE_CheckBoxContents
        room = self.style().subElementRect(part, option, self).width()
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)

    def minimumSizeHint(self) -> QSize:
        """The box and a few letters."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), theme.current().px(LEAST)), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as much of the name as fits."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.shown_text
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_CheckBox, option)

    def hitButton(self, position: object) -> bool:
        """Only the box toggles; the name belongs to the row, which selects."""
        box = theme.current().px(20)
        return position.x() <= box  # type: ignore[attr-defined, no-any-return]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Beside the box, leave the click to the row."""
        super().mousePressEvent(event)
        if not self.hitButton(event.position()):
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the row."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell the row."""
        super().focusOutEvent(event)
        self.focus_changed.emit()


class LaneRow(QFrame):
    """Check box, name, settings and the number under which the lane is drawn.

    What can be done with the lane is in its menu, on keys, and on buttons that appear over the
    settings under the pointer or with the focus.

    Signals:
        toggled: (key, shown) the box was clicked.
        selected: (key) the row was clicked beside the box.
        edit_asked: (key) change the lane's settings.
        duplicate_asked: (key) make a copy of the lane.
        remove_asked: (key) take the lane away.
    """

    toggled = Signal(str, bool)
    selected = Signal(str)
    edit_asked = Signal(str)
    duplicate_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self.setProperty("surface", "row")
        self.check = LaneCheck()
        self.check.toggled.connect(self._toggled)
        self.check.entered.connect(self._select)
        self.check.focus_changed.connect(self._reveal)
        self.check.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.note = ElidedText()
        # It gets what the name leaves: all of it is cut before the first letter of the name.
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.badge = QLabel()
        self.badge.setProperty("surface", "badge")
        self.badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._build_buttons()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)  # the focus ring goes around the box
        row.setSpacing(8)
        row.addWidget(self.check)
        row.addWidget(self._tail, 1)
        row.addWidget(self.badge)
        theme.notifier().changed.connect(self._restyle)
        self._shown = self._selected = self._hovered = False
        self._may_show = True
        self._look: tuple[object, ...] = ()
        self._restyle()

    def _build_buttons(self) -> None:
        self._tail = QWidget()
        cell = QGridLayout(self._tail)
        cell.setContentsMargins(0, 0, 0, 0)
        cell.addWidget(self.note, 0, 0)
        holder = QWidget()
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        self.buttons: dict[str, ShyButton] = {}
        for key, icon, name, keys, _ in ACTIONS:
            button = ShyButton(icon, name, f"{name} ({keys})", side=20, parent=holder)
            button.focus_changed.connect(self._reveal)
            button.clicked.connect(getattr(self, f"_ask_{key}"))
            line.addWidget(button)
            self.buttons[key] = button
        cell.addWidget(holder, 0, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def show_lane(
        self,
        title: str,
        note: str,
        tooltip: str,
        *,
        shown: bool,
        number: int | None,
        selected: bool,
        full: str,
    ) -> None:
        """Show the lane as it is.

        ``number`` None for one that is not drawn; ``full`` says why no more can be shown, or is
        empty.
        """
        look = (title, note, tooltip, shown, number, selected, full)
        if look == self._look:
            return
        self._look = look
        self._shown, self._selected = shown, selected
        self._may_show = shown or not full
        self.check.blockSignals(True)
        self.check.setChecked(shown)
        self.check.blockSignals(False)
        self.check.setText(title)
        self.check.setAccessibleName(f"Show lane {title}{f', {note}' if note else ''}")
        self.check.setAccessibleDescription(tooltip)
        self.setToolTip(f"{title}\n{tooltip}\n{note}")
        self.check.setToolTip(f"{title}\n{tooltip if self._may_show else full}")
        self.note.set_text(note, "text_secondary" if selected else "label")
        self.badge.setText("" if number is None else str(number))
        self.badge.setProperty("lit", number is not None)
        for key, _, name, keys, explanation in ACTIONS:
            button = self.buttons[key]
            called = f"{number}, {title}" if number else title
            button.setAccessibleName(f"{name.removesuffix('…')} lane {called}")
            button.setToolTip(f"{explanation.format(called)} ({keys})")
        self.buttons["duplicate"].setEnabled(not full)
        if full:
            self.buttons["duplicate"].setToolTip(full)
        for widget in (self, self.badge):
            widget.setProperty("selected", selected)
            restyle(widget)
        self._restyle()
        self._reveal()

    def forget(self) -> None:
        """Show the lane anew next time, though it is as before: the box may not be."""
        self._look = ()

    def _restyle(self) -> None:
        now = theme.current()
        self.setFixedHeight(now.px(26))
        self.badge.setFixedSize(now.px(18), now.px(18))
        self.badge.setFont(theme.font(10, 600, tabular=True))
        self.check.setFont(theme.font(12, 600 if self._shown else 500))

    def _reveal(self) -> None:
        focused = self.check.hasFocus() or any(b.hasFocus() for b in self.buttons.values())
        revealed = self._hovered or focused
        self.note.reveal(not revealed)
        for button in self.buttons.values():
            button.reveal(revealed)

    def make_menu(self) -> QMenu:
        """What can be done with the lane."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, _, name, keys, _ in ACTIONS:
            action = menu.addAction(f"{name}\t{keys}")
            action.setData(key)
            action.setEnabled(self.buttons[key].isEnabled())
            action.setToolTip(self.buttons[key].toolTip())
            action.triggered.connect(getattr(self, f"_ask_{key}"))
        menu.addSeparator()
        action = menu.addAction("Hide\tSpace" if self._shown else "Show\tSpace")
        action.setData("toggle")
        action.setEnabled(self._may_show)
        action.setToolTip(self.check.toolTip())
        action.triggered.connect(self._turn)
        return menu

    def _toggled(self, shown: bool) -> None:
        self.toggled.emit(self.key, shown)

    def _turn(self) -> None:
        self.check.setChecked(not self._shown)

    def _select(self) -> None:
        self.selected.emit(self.key)

    def _ask_edit(self) -> None:
        self.edit_asked.emit(self.key)

    def _ask_duplicate(self) -> None:
        self.duplicate_asked.emit(self.key)

    def _ask_remove(self) -> None:
        self.remove_asked.emit(self.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What the box does not take: keys for the actions."""
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if event.key() == Qt.Key.Key_F2:
            self._ask_edit()
        elif event.key() == Qt.Key.Key_D and control:
            self._ask_duplicate()
        elif event.key() == Qt.Key.Key_Delete:
            self._ask_remove()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu, under the pointer or below the name."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        below = self.mapToGlobal(QPoint(8, self.height()))
        self.make_menu().popup(below if keyboard else event.globalPos())
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the buttons."""
        super().enterEvent(event)
        self._hovered = True
        self._reveal()

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the buttons."""
        super().leaveEvent(event)
        self._hovered = False
        self._reveal()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click anywhere beside the box selects the lane."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self._select()
        super().mouseReleaseEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait for the release."""
        event.accept()
