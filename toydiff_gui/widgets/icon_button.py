"""A small square button that is nothing but its icon."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from toydiff_gui.style import theme
from toydiff_gui.style.icons import ButtonIcon


class IconButton(QToolButton):
    """An icon to press; ``name`` is what a screen reader says, ``tooltip`` explains."""

    def __init__(
        self,
        icon: str,
        name: str,
        tooltip: str = "",
        *,
        role: str = "text_secondary",
        side: int = 24,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._side = side
        self.setProperty("variant", "icon")
        self.setAccessibleName(name)
        self.setToolTip(tooltip or name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.glyph = ButtonIcon(self, icon, role)
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        side = theme.current().px(self._side)
        self.setFixedSize(side, side)
