"""How far two denoisers are apart, as heat: transparent where they agree."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QLinearGradient

from toydiff_gui import theme as themes
from toydiff_gui.drawing import figures
from toydiff_gui.drawing.paper import Paper, tinted
from toydiff_gui.drawing.text import draw_text, text_width
from toydiff_gui.scene import LaneScene

SOLID = 0.85


def paint_difference(paper: Paper, lane: LaneScene, t: float) -> None:
    """The heat at the nearest time that has arrived, and a plate with its scale."""
    layer = lane.difference
    time = None if layer is None else layer.time_at(t)
    if layer is None or time is None:
        return
    values = np.asarray(layer.values[time], np.float64)
    finite = np.isfinite(values)
    most = float(values[finite].max()) if finite.any() else 0.0
    share = np.where(finite, values, 0.0) / most if most > 0 else np.zeros(values.shape)
    colour = paper.style.palette.error
    paper.image(layer.box, tinted(colour, SOLID * share.clip(0.0, 1.0)))
    _paint_scale(paper, layer.label or "difference", figures.gap(most), colour)


def _paint_scale(paper: Paper, label: str, most: str, colour: str) -> None:
    """'label 0 [ramp] 0.42' in the upper right corner."""
    style, painter = paper.style, paper.painter
    font, bold = style.font(10, 500), style.font(10, 600)
    ramp, gap, pad = style.px(36), style.px(5), style.px(6)
    parts = [text_width(label, font), text_width("0", bold), ramp, text_width(most, bold)]
    wide, high = sum(parts) + gap * 3 + 2 * pad, style.px(18)
    plate = QRectF(
        paper.rect.right() - wide - style.px(8), paper.rect.top() + style.px(8), wide, high
    )
    if wide > paper.rect.width() - style.px(16):
        return
    painter.save()
    painter.setPen(themes.with_alpha(style.palette.control_border, 1.0))
    painter.setBrush(themes.with_alpha(style.palette.selected, 0.9))
    painter.drawRoundedRect(plate, style.px(4), style.px(4))
    base = plate.center().y() + style.px(3.6)
    x = plate.left() + pad
    colours = style.palette
    x += draw_text(
        painter, QPointF(x, base), label, font, colours.text_secondary, vector=paper.vector
    )
    x += gap
    x += draw_text(painter, QPointF(x, base), "0", bold, colours.text, vector=paper.vector) + gap
    bar = QRectF(x, plate.center().y() - style.px(3.5), ramp, style.px(7))
    gradient = QLinearGradient(bar.left(), 0.0, bar.right(), 0.0)
    gradient.setColorAt(0.0, themes.with_alpha(colour, 0.0))
    gradient.setColorAt(1.0, themes.with_alpha(colour, SOLID))
    painter.fillRect(bar, gradient)
    draw_text(painter, QPointF(x + ramp + gap, base), most, bold, colours.text, vector=paper.vector)
    painter.restore()
