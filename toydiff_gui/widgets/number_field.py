"""Fields for numbers that say what is wrong with what was typed instead of bending it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QVBoxLayout, QWidget

from toydiff_gui.style import theme
from toydiff_gui.widgets.dice import DiceButton
from toydiff_gui.widgets.text import Text

THIN_SPACE, MINUS = "\u2009", "\u2212"
Number = int | float
Stepper = Callable[[Number, int], Number]
"""The next number above (+1) or below (-1) a number."""


def doubling(value: Number, direction: int) -> Number:
    """The next power of two."""
    exponent = math.log2(max(value, 1))
    return int(2 ** (math.floor(exponent) + 1 if direction > 0 else math.ceil(exponent) - 1))


def ladder(value: Number, direction: int) -> Number:
    """The next of 1, 2, 3, 5, 10, 20, ... and of their tenths."""
    rungs = sorted(m * 10.0**e for e in range(-9, 9) for m in (1, 2, 3, 5))
    above = [rung for rung in rungs if rung > value * (1 + 1e-9)]
    below = [rung for rung in rungs if rung < value * (1 - 1e-9)]
    found = above[0] if direction > 0 else below[-1]
    return round(found, 12) if found < 1 else int(found)


def group_thousands(number: int) -> str:
    """12 345 with thin spaces and a true minus sign."""
    return f"{number:,}".replace(",", THIN_SPACE).replace("-", MINUS)


class NumberBox(QAbstractSpinBox):
    """A field with arrows. ``decimals`` 0 takes whole numbers, None any number of digits.

    With ``blank`` the field may be empty: the value is then None, and the text of ``blank`` is
    shown in grey.

    Signals:
        value_changed: the user entered another value (int, float or None).
        rejected: what was typed cannot be, with the sentence that says why; the old value is back.
    """

    value_changed = Signal(object)
    rejected = Signal(str)

    def __init__(
        self,
        name: str,
        *,
        minimum: Number,
        maximum: Number,
        decimals: int | None = 0,
        step: Number | Stepper = 1,
        prefix: str = "",
        blank: str | None = None,
        dice: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._minimum, self._maximum = minimum, maximum
        self._decimals = decimals
        self._step = step
        self._blank = blank
        self._value: Number | None = minimum
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel scrolls the dock instead
        self.setKeyboardTracking(False)
        self.editingFinished.connect(self._commit)
        self._prefix = Text(prefix, ink="label", parent=self) if prefix else None
        self.dice: DiceButton | None = None
        if dice:
            # In the place of the arrows: the next seed is no better than any other.
            self.setProperty("dice", True)
            self.dice = DiceButton(dice, dice, parent=self)
            self.dice.thrown.connect(self._take)
        if blank is not None:
            self.lineEdit().setPlaceholderText(blank)
        theme.notifier().changed.connect(self._refont)
        self._refont()
        self._show()

    @property
    def number(self) -> Number | None:
        """The value; None if the field is blank."""
        return self._value

    def set_number(self, value: Number | None) -> None:
        """Show ``value``; emits nothing and leaves alone what is being typed."""
        if value == self._value and not self._edited():
            return
        if value == self._value and self.hasFocus():
            return
        self._value = value
        self._show()

    def restore(self) -> None:
        """Show the value again in place of what was typed."""
        self._show()

    def set_blank(self, text: str) -> None:
        """The text that stands for an empty field."""
        self._blank = text
        self.lineEdit().setPlaceholderText(text)

    def set_range(self, minimum: Number, maximum: Number) -> None:
        """Allow other values; the value that is shown stays."""
        self._minimum, self._maximum = minimum, maximum
        self.update()

    def parse(self, text: str) -> Number | None:
        """The number that ``text`` says; raises ``ValueError`` with a sentence."""
        plain = "".join(text.split()).replace(MINUS, "-")
        if not plain:
            if self._blank is not None:
                return None
            raise ValueError(f"{self._name} must not be empty.")
        if self._decimals != 0 and "." not in plain:
            plain = plain.replace(",", ".")
        try:
            value = float(plain)
        except ValueError:
            raise ValueError(f"{self._name} must be a number, got '{text.strip()}'.") from None
        if math.isnan(value) or not self._minimum <= value <= self._maximum:
            low, high = self._format(self._minimum), self._format(self._maximum)
            raise ValueError(f"{self._name} must be between {low} and {high}, got {text.strip()}.")
        if self._decimals == 0:
            # Not through float: a seed has more digits than that.
            if value != math.floor(value):
                raise ValueError(
                    f"{self._name} must be a whole number, got {text.strip()}."
                ) from None
            return int(plain) if plain.lstrip("+-").isdigit() else int(value)
        return value

    def _format(self, value: Number) -> str:
        if self._decimals == 0:
            return group_thousands(int(value))
        text = f"{value:g}" if self._decimals is None else f"{value:.{self._decimals}f}"
        if float(text) == 0.0:
            text = text.removeprefix("-")  # no minus zero
        return text.replace("-", MINUS)

    def _shown(self) -> str:
        return "" if self._value is None else self._format(self._value)

    @property
    def edited(self) -> bool:
        """Whether the field holds a text that has not been taken yet."""
        return self._edited()

    def _edited(self) -> bool:
        return self.lineEdit().text() != self._shown()

    def _show(self) -> None:
        self.lineEdit().setText(self._shown())
        self.lineEdit().setCursorPosition(0)
        self.update()

    def _commit(self) -> None:
        # Text that was not touched is not read: it may show fewer digits than the value has.
        if not self._edited():
            return
        try:
            value = self.parse(self.lineEdit().text())
        except ValueError as error:
            self._show()
            self.rejected.emit(str(error))
            return
        self._take(value)

    def _take(self, value: Number | None) -> None:
        changed = value != self._value
        self._value = value
        self._show()
        if changed:
            self.value_changed.emit(value)

    def _refont(self) -> None:
        now = theme.current()
        self.setFont(theme.font(12, 600, tabular=True))
        # Under a style sheet the inner field does not follow a second change by itself.
        self.lineEdit().setFont(self.font())
        self.setFixedHeight(now.px(28))
        left = now.px(5)
        if self._prefix is not None:
            left += self._prefix.sizeHint().width() + now.px(4)
        # A number too long for its field must not run under the dice.
        right = 0 if self.dice is None else now.px(26)  # 22 wide, and air
        self.lineEdit().setTextMargins(left, 0, right, 0)
        self._place_insets()

    def _place_insets(self) -> None:
        """Put the letter before the number and the dice after it in their places."""
        now = theme.current()
        if self._prefix is not None:
            self._prefix.resize(self._prefix.sizeHint())
            self._prefix.move(now.px(8), (self.height() - self._prefix.height()) // 2)
        if self.dice is not None:
            side = self.dice.height()
            self.dice.move(self.width() - side - 3, (self.height() - side) // 2)

    def _get_value(self) -> float:
        return math.nan if self._value is None else float(self._value)

    def _set_value(self, value: float) -> None:
        self._take(int(value) if self._decimals == 0 else value)

    # What a screen reader asks for.
    value = Property(float, _get_value, _set_value)
    minimum = Property(float, lambda self: float(self._minimum))
    maximum = Property(float, lambda self: float(self._maximum))

    def stepBy(self, steps: int) -> None:
        """One step of the arrows; from an empty field, from the largest value."""
        self._commit()
        value = self._maximum if self._value is None else self._value
        for _ in range(abs(steps)):
            direction = 1 if steps > 0 else -1
            if callable(self._step):
                value = self._step(value, direction)
            else:
                value = value + direction * self._step
        if self._decimals:
            value = round(value, max(self._decimals, 6))
        value = min(max(value, self._minimum), self._maximum)
        self._take(value)
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Which of the arrows can be pressed."""
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        value = self._maximum if self._value is None else self._value
        if value < self._maximum:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if value > self._minimum:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return flags

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let anything be typed; it is judged when it is complete."""
        return QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only the field that has the focus; otherwise the dock scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape gives the old value back; once more, and it leaves the field."""
        if event.key() == Qt.Key.Key_Escape:
            if self._edited():
                self._show()
            else:
                self.clearFocus()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Select what is there, so that typing replaces it."""
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.MouseFocusReason:
            self.selectAll()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the letter before the number and the dice after it."""
        super().resizeEvent(event)
        self._place_insets()


class NumberField(QWidget):
    """A ``NumberBox`` with its label above and, with ``dice``, a dice in place of the arrows.

    Signals:
        value_changed: the user entered another value (int, float or None).
        rejected: what was typed cannot be; the sentence says why.
    """

    value_changed = Signal(object)
    rejected = Signal(str)

    def __init__(
        self,
        label: str,
        *,
        minimum: Number,
        maximum: Number,
        decimals: int | None = 0,
        step: Number | Stepper = 1,
        name: str = "",
        prefix: str = "",
        blank: str | None = None,
        dice: str = "",
        tooltip: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.box = NumberBox(
            name or label,
            minimum=minimum,
            maximum=maximum,
            decimals=decimals,
            step=step,
            prefix=prefix,
            blank=blank,
            dice=dice,
        )
        self.box.setToolTip(tooltip)
        self.box.setAccessibleDescription(tooltip)
        self.box.value_changed.connect(self.value_changed)
        self.box.rejected.connect(self.rejected)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.label: Text | None = None
        if label:
            self.label = Text(label, size=11, ink="label")
            self.label.setBuddy(self.box)
            self.label.setToolTip(tooltip)
            column.addWidget(self.label)
        column.addWidget(self.box)
        self.setFocusProxy(self.box)

    @property
    def value(self) -> Number | None:
        """The value; None if the field is blank."""
        return self.box.number

    @property
    def dice_button(self) -> DiceButton | None:
        """The dice, where there is one."""
        return self.box.dice

    def set_value(self, value: Number | None) -> None:
        """Show ``value``; emits nothing."""
        self.box.set_number(value)

    def set_blank(self, text: str) -> None:
        """The text that stands for an empty field."""
        self.box.set_blank(text)

    def set_range(self, minimum: Number, maximum: Number) -> None:
        """Allow other values."""
        self.box.set_range(minimum, maximum)

    def restore(self) -> None:
        """Show the value again in place of what was typed."""
        self.box.restore()
