"""What the pointer is on: its place in both units, and the point next to it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel, QWidget

from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.drawing.view import PlotTransform
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.style import theme
from toydiff_gui.style.numbers import grouped

REACH = 8.0
"""Pixels within which a point counts as pointed at."""


def nearest_point(
    points: Points | None, transform: PlotTransform, position: QPointF, reach: float
) -> int | None:
    """The index of the point next to ``position``, if one is within ``reach`` pixels."""
    if points is None or len(points) == 0:
        return None
    apart = transform.to_pixels(points) - (position.x(), position.y())
    squared = np.einsum("ij,ij->i", apart, apart)
    squared[~np.isfinite(squared)] = np.inf
    index = int(squared.argmin())
    return index if squared[index] <= reach**2 else None


def describe(place: tuple[float, float], model: ModelInfo, index: int | None, total: int) -> str:
    """The read-out: standardised units, the data's own units, the point's number."""
    own = [
        value * std + mean for value, mean, std in zip(place, model.mean, model.std, strict=False)
    ]
    parts = [f"x {_fixed(place[0])}  y {_fixed(place[1])}"]
    if len(own) == 2:
        parts.append(f"data {_fixed(own[0])}, {_fixed(own[1])}")
    if index is not None:
        parts.append(f"point {grouped(index + 1)} of {grouped(total)}")
    return " \N{MIDDLE DOT} ".join(parts)


def _fixed(value: float) -> str:
    """Two decimals always, so that the text does not jump while the pointer moves."""
    text = f"{value:.2f}"
    return (text[1:] if text == "-0.00" else text).replace("-", "\N{MINUS SIGN}")


class Readout(QLabel):
    """The read-out in the lower right corner of a plot; the pointer passes through it."""

    def __init__(self, plot: QWidget) -> None:
        super().__init__(plot)
        self.setObjectName("cursor-readout")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def refresh_style(self) -> None:
        """Take over the theme."""
        now = theme.current()
        self.setFont(theme.font(10, 500, tabular=True))
        self.setStyleSheet(
            f"QLabel {{ background: {now.palette.panel}; color: {now.palette.text_secondary};"
            f" border-radius: {now.px(4)}px; padding: {now.px(2)}px {now.px(6)}px; }}"
        )

    def show_text(self, text: str) -> None:
        """Show ``text``, or nothing."""
        if text != self.text():
            self.setText(text)
            self.adjustSize()
        self.setVisible(bool(text))
        self.place()

    def place(self) -> None:
        """Keep to the corner."""
        parent = self.parentWidget()
        if parent is not None:
            inset = theme.current().px(8)
            self.move(
                max(0, parent.width() - self.width() - inset),
                parent.height() - self.height() - inset,
            )
