"""A label that takes size, weight and colour from the theme."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from toydiff_gui.style import theme


class Text(QLabel):
    """Plain text in the type of the design; ``ink`` is a role of the palette."""

    def __init__(
        self,
        text: str = "",
        *,
        size: int = 12,
        weight: int = 500,
        ink: str = "text",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._size = size
        self._weight = weight
        self.setProperty("ink", ink)
        theme.notifier().changed.connect(self._refont)
        self._refont()

    def set_ink(self, ink: str) -> None:
        """Use the colour of another role."""
        if self.property("ink") != ink:
            self.setProperty("ink", ink)
            restyle(self)

    def set_weight(self, weight: int) -> None:
        """Use another weight."""
        self._weight = weight
        self._refont()

    def _refont(self) -> None:
        self.setFont(theme.font(self._size, self._weight, tabular=True))


def restyle(widget: QWidget) -> None:
    """Apply the style sheet again after a dynamic property has changed."""
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
