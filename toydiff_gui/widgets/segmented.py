"""One choice of a few, side by side in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFrame,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from toydiff_gui.style import theme
from toydiff_gui.style.icons import ButtonIcon


@dataclass(frozen=True)
class Segment:
    """A choice; one that is not ``enabled`` is greyed and its tooltip says why."""

    key: str
    label: str
    tooltip: str = ""
    enabled: bool = True
    icon: str = ""


class SegmentedControl(QFrame):
    """Exclusive choice; the arrow keys go from one segment to the next.

    Signals:
        chosen: the user picked the segment with this key.
    """

    chosen = Signal(str)

    def __init__(
        self,
        name: str,
        segments: Sequence[Segment],
        *,
        columns: int | None = None,
        compact: bool = False,
        type_size: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._size = type_size or (11 if compact else 12)
        self.setProperty("surface", "segments")
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._segments = {segment.key: segment for segment in segments}
        self._buttons: dict[str, QPushButton] = {}
        self._icons: dict[str, ButtonIcon] = {}
        self._group = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setSpacing(2)
        columns = columns or len(segments)
        for index, segment in enumerate(segments):
            button = QPushButton(segment.label, self)
            button.setCheckable(True)
            button.setProperty("variant", "segment")
            button.setProperty("compact", compact)
            button.setToolTip(segment.tooltip)
            button.setAccessibleName(f"{name}: {segment.label}")
            button.setAccessibleDescription(segment.tooltip)
            button.setEnabled(segment.enabled)
            button.setAutoDefault(False)
            if segment.icon:
                self._icons[segment.key] = ButtonIcon(button, segment.icon)
            self._buttons[segment.key] = button
            self._group.addButton(button)
            grid.addWidget(button, index // columns, index % columns)
        for column in range(columns):
            grid.setColumnStretch(column, 1)
        self._group.buttonToggled.connect(self._toggled)
        self._group.buttonClicked.connect(self._clicked)
        theme.notifier().changed.connect(self._refont)
        self._current = ""
        self._refont()

    @property
    def current(self) -> str:
        """The key of the chosen segment, '' for none."""
        return self._current

    def set_current(self, key: str) -> None:
        """Show the segment ``key`` as chosen; emits nothing."""
        self._current = key
        button = self._buttons[key]
        if not button.isChecked():
            button.setChecked(True)

    def button(self, key: str) -> QPushButton:
        """The segment's button."""
        return self._buttons[key]

    def set_segment(self, key: str, enabled: bool, tooltip: str) -> None:
        """Offer the segment ``key`` or grey it; its tooltip explains it, or says why not."""
        button = self._buttons[key]
        button.setEnabled(enabled)
        button.setToolTip(tooltip)
        button.setAccessibleDescription(tooltip)

    def set_labels_shown(self, shown: bool) -> None:
        """Show icons alone where room is short; segments without an icon keep their label."""
        for key in self._icons:
            self._buttons[key].setText(self._segments[key].label if shown else "")
        self.updateGeometry()  # whoever asks for the size at once must not get the old one

    def _toggled(self, button: QAbstractButton, checked: bool) -> None:
        # The arrow keys check the next button without a click.
        if checked:
            self._choose(button)

    def _clicked(self, button: QAbstractButton) -> None:
        self._choose(button)

    def _choose(self, button: QAbstractButton) -> None:
        key = next(key for key, value in self._buttons.items() if value is button)
        for name, icon in self._icons.items():
            icon.show(self._segments[name].icon, "accent" if name == key else "text_secondary")
        self._refont()
        if key != self._current:
            self._current = key
            self.chosen.emit(key)

    def _refont(self) -> None:
        for button in self._buttons.values():
            button.setFont(theme.font(self._size, 600 if button.isChecked() else 500))
