"""What every picture for export has: its ground, and below all the model, the time, the signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMarginsF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, draw_wrapped, elided, text_width

MARGIN, FOOTER = 12.0, 34.0
NOTHING = "There is nothing to show yet"
ALPHA_BAR = "\N{GREEK SMALL LETTER ALPHA}\N{COMBINING MACRON}"


class Described(Protocol):
    """A scene as far as the line below it is concerned."""

    @property
    def title(self) -> str:
        """The model in a line."""

    @property
    def alphas_cumprod(self) -> NDArray[np.float64]:
        """How much of the signal is left at each t, (T + 1,)."""


@contextmanager
def whole_picture(
    painter: QPainter,
    rect: QRectF,
    scene: Described,
    t: float,
    style: LaneStyle,
    vector: bool,
    message: str = "",
) -> Iterator[QRectF]:
    """Ground and footer of a picture of ``scene`` in ``rect``, with the room for its cards between.

    ``message`` stands there instead of cards.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(rect, QColor(style.palette.window))
    margin, footer = style.px(MARGIN), round(style.px(FOOTER))
    area = rect.marginsRemoved(QMarginsF(margin, margin, margin, footer))
    if message:
        ink = style.palette.text_secondary
        draw_wrapped(painter, area, message, style.font(12, 500), ink, vector=vector)
    yield area
    _paint_footer(painter, rect, scene, t, style, vector)
    painter.restore()


def _paint_footer(
    painter: QPainter, rect: QRectF, scene: Described, t: float, style: LaneStyle, vector: bool
) -> None:
    """The model at the left; t and how much of the signal is left at the right."""
    alphas_cumprod = scene.alphas_cumprod
    palette = style.palette
    middle = rect.bottom() - style.px(FOOTER) / 2
    base = middle + style.px(4)
    left, right = rect.left() + style.px(MARGIN + 4), rect.right() - style.px(MARGIN + 4)
    plain, bold = style.font(12), style.font(13, 600)
    k = min(max(round(t), 0), max(len(alphas_cumprod) - 1, 0))
    parts = [("t =", plain, palette.label), (f"{t:g}", bold, palette.text)]
    if len(alphas_cumprod) > k:
        parts += [
            ("\N{MIDDLE DOT}", plain, palette.label),
            (ALPHA_BAR + " =", plain, palette.label),
            (f"{float(alphas_cumprod[k]):.2f}", bold, palette.text),
        ]
    gap = style.px(6)
    width = sum(text_width(text, font) for text, font, _ in parts) + gap * (len(parts) - 1)
    x = right - width
    said = elided(scene.title, plain, x - left - style.px(16))
    draw_text(painter, QPointF(left, base), said, plain, palette.label, vector=vector)
    for text, font, colour in parts:
        x += draw_text(painter, QPointF(x, base), text, font, colour, vector=vector) + gap
