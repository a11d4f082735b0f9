"""Which network to train: small, medium or large, with what each costs."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QWidget

from engine.shared.config import PRESETS
from toydiff_gui.modes.images.settings import Cost
from toydiff_gui.style import theme
from toydiff_gui.widgets.card_group import CardGroup

MEASURING, NOT_MEASURED = "measuring…", "not measured"


def weights_text(parameters: int) -> str:
    """A number of weights, such as '0.76 M' or '85 k'."""
    if parameters >= 99_500:
        return f"{parameters / 1e6:.2f} M"
    return f"{round(parameters / 1e3)} k" if parameters >= 1000 else str(parameters)


def seconds_text(seconds: float) -> str:
    """The time of an update, such as '0.61 s', '53 ms' or, of a patient user, '12 s'."""
    if seconds >= 9.95:
        return duration_text(seconds)
    return f"{seconds:.2g} s" if seconds >= 0.0995 else f"{max(1000 * seconds, 0.1):.2g} ms"


def duration_text(seconds: float) -> str:
    """A long time in words: '40 s', '12 min', '1 h 40 min', '3 days'."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{round(minutes / 60 / 24)} days"


class PresetCard(QAbstractButton):
    """A network to choose: its name, its weights, the time of an update."""

    def __init__(self, preset: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset = preset
        self.setText(preset.capitalize())
        self.setCheckable(True)
        self.setAccessibleName(f"Network {preset}")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._cost = Cost()
        theme.notifier().changed.connect(self.updateGeometry)
        self.show_cost(Cost(), "")

    @property
    def lines(self) -> tuple[str, str]:
        """What stands below the name: weights, and seconds for an update."""
        cost = self._cost
        weights = "– weights" if cost.parameters is None else weights_text(cost.parameters)
        if cost.seconds_per_step is None:
            return weights, NOT_MEASURED if cost.failed else MEASURING
        return weights, f"{seconds_text(cost.seconds_per_step)} / update"

    def show_cost(self, cost: Cost, whole: str) -> None:
        """Show what it costs; ``whole`` is the time of the whole training, '' if not known."""
        self._cost = cost
        weights, seconds = self.lines
        parts = [f"The {self.preset} network: {weights}"]
        if cost.parameters is not None:
            parts[0] += " weights"
        if cost.seconds_per_step is None:
            seconds = f"its time {'could not be' if cost.failed else 'is being'} measured"
        parts.append(seconds)
        if whole:
            parts.append(f"the whole training takes about {whole} here")
        tip = ", ".join(parts)
        self.setToolTip(tip)
        self.setAccessibleDescription(tip)
        self.update()

    def sizeHint(self) -> QSize:
        """The width is up to the layout."""
        now = theme.current()
        return QSize(now.px(80), now.px(50))

    def minimumSizeHint(self) -> QSize:
        """As in the design: three beside each other."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the card and its three lines."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen, enabled = self.isChecked(), self.isEnabled()
        border = palette.accent if chosen else palette.control_border
        if not chosen and enabled and self.underMouse():
            border = palette.control_edge
        if not enabled:
            border = palette.control_edge if chosen else palette.divider
        width = 2.0 if chosen else 1.0
        painter.setPen(QPen(QColor(border), width))
        painter.setBrush(QColor(palette.canvas))
        inset = width / 2
        card = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(card, now.px(6), now.px(6))
        weights, seconds = self.lines
        rows = (
            (self.text(), 11, 600 if chosen else 500, "text" if chosen else "text_secondary"),
            (weights, 10, 500, "text_secondary"),
            (seconds, 10, 500, "label"),
        )
        line = (self.height() - now.px(10)) / len(rows)
        for index, (text, size, weight, ink) in enumerate(rows):
            painter.setPen(QColor(getattr(palette, ink) if enabled else palette.disabled))
            painter.setFont(theme.font(size, weight, tabular=True))
            place = QRectF(0, now.px(5) + index * line, self.width(), line)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


class PresetChoice(QWidget):
    """The three networks side by side.

    Signals:
        chosen: the user picked this preset.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = CardGroup[PresetCard](self)
        self._group.chosen.connect(self.chosen)
        self.cards = self._group.cards
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for preset in PRESETS:
            card = PresetCard(preset)
            self._group.add(preset, card)
            row.addWidget(card, 1)

    def set_current(self, preset: str) -> None:
        """Show ``preset`` as chosen, '' for none of them; emits nothing."""
        self._group.set_current(preset)
