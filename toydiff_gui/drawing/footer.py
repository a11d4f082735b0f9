"""The line below a picture for export: the model, the time, how much of the signal is left."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_text, elided, text_width

MARGIN, FOOTER = 12.0, 34.0
ALPHA_BAR = "\N{GREEK SMALL LETTER ALPHA}\N{COMBINING MACRON}"


def paint_footer(
    painter: QPainter,
    rect: QRectF,
    title: str,
    alphas_cumprod: NDArray[np.float64],
    t: float,
    style: LaneStyle,
    show_alpha_bar: bool,
    vector: bool,
) -> None:
    """The model at the left; t and how much of the signal is left at the right."""
    palette = style.palette
    middle = rect.bottom() - style.px(FOOTER) / 2
    base = middle + style.px(4)
    left, right = rect.left() + style.px(MARGIN + 4), rect.right() - style.px(MARGIN + 4)
    plain, bold = style.font(12), style.font(13, 600)
    k = min(max(round(t), 0), max(len(alphas_cumprod) - 1, 0))
    parts = [("t =", plain, palette.label), (f"{t:g}", bold, palette.text)]
    if show_alpha_bar and len(alphas_cumprod) > k:
        parts += [
            ("\N{MIDDLE DOT}", plain, palette.label),
            (ALPHA_BAR + " =", plain, palette.label),
            (f"{float(alphas_cumprod[k]):.2f}", bold, palette.text),
        ]
    gap = style.px(6)
    width = sum(text_width(text, font) for text, font, _ in parts) + gap * (len(parts) - 1)
    x = right - width
    said = elided(title, plain, x - left - style.px(16))
    draw_text(painter, QPointF(left, base), said, plain, palette.label, vector=vector)
    for text, font, colour in parts:
        x += draw_text(painter, QPointF(x, base), text, font, colour, vector=vector) + gap
