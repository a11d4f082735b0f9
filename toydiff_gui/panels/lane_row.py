"""A sampler lane in the list of the sample dock."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from toydiff_gui import names, theme
from toydiff_gui.controls import Text, restyle


class LaneCheck(QCheckBox):
    """The box with the lane's name: Space shows or hides the lane, Enter selects it.

    Signals:
        entered: Enter was pressed.
    """

    entered = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter selects."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def hitButton(self, position: object) -> bool:
        """Only the box toggles; the name belongs to the row, which selects."""
        box = theme.current().px(20)
        return position.x() <= box  # type: ignore[attr-defined, no-any-return]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Beside the box, leave the click to the row."""
        super().mousePressEvent(event)
        if not self.hitButton(event.position()):
            event.ignore()


class LaneRow(QFrame):
    """Check box, name, number of steps and the number under which the lane is drawn.

    Signals:
        toggled: (key, shown) the box was clicked.
        selected: (key) the row was clicked beside the box.
    """

    toggled = Signal(str, bool)
    selected = Signal(str)

    def __init__(self, key: str, title: str, tooltip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self.setProperty("surface", "row")
        self.setToolTip(tooltip)
        self.check = LaneCheck(title)
        self.check.setToolTip(tooltip)
        self.check.setAccessibleName(f"Show lane {title}")
        self.check.setAccessibleDescription(tooltip)
        self.check.toggled.connect(self._toggled)
        self.check.entered.connect(self._select)
        self.check.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.steps = Text("", size=11, ink="label")
        self.badge = QLabel()
        self.badge.setProperty("surface", "badge")
        self.badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.check, 1)
        row.addWidget(self.steps)
        row.addWidget(self.badge)
        theme.notifier().changed.connect(self._restyle)
        self._shown = False
        self._restyle()

    def show_lane(self, shown: bool, number: int | None, steps: int, selected: bool) -> None:
        """Show the lane as it is; ``number`` None for one that is not drawn."""
        self.check.blockSignals(True)
        self.check.setChecked(shown)
        self.check.blockSignals(False)
        self._shown = shown
        self.steps.setText(f"{names.grouped(steps)} steps" if steps > 1 else "1 step")
        self.steps.set_ink("text_secondary" if selected else "label")
        self.badge.setText("" if number is None else str(number))
        self.badge.setProperty("lit", number is not None)
        for widget in (self, self.badge):
            widget.setProperty("selected", selected)
            restyle(widget)
        self._restyle()

    def _restyle(self) -> None:
        now = theme.current()
        self.setFixedHeight(now.px(28))
        self.badge.setFixedSize(now.px(18), now.px(18))
        self.badge.setFont(theme.font(10, 600, tabular=True))
        self.check.setFont(theme.font(12, 600 if self._shown else 500))

    def _toggled(self, shown: bool) -> None:
        self.toggled.emit(self.key, shown)

    def _select(self) -> None:
        self.selected.emit(self.key)

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
