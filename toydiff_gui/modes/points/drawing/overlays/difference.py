"""How far two denoisers are apart, as heat: transparent where they agree.

The scale is logarithmic and the same for all lanes and times. Far from the data a network can be
wrong without bounds; a scale up to the largest error would leave nothing to see where data are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QLinearGradient

from toydiff_gui.drawing.text import draw_text, text_width
from toydiff_gui.modes.points.drawing.paper import Paper, tinted
from toydiff_gui.modes.points.overlays.difference import HeatLayer
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style import theme as themes

SOLID = 0.45
"""What lies over the strongest heat must still be read."""
LEAST, MOST = 0.01, 10.0
"""Errors that begin to show and that are strongest; the noise has standard deviation 1."""


def paint_difference(paper: Paper, lane: LaneScene, t: float) -> None:
    """The heat at the nearest time that has arrived."""
    layer: HeatLayer | None = lane.layer("difference")
    if layer is None or (time := layer.time_at(t)) is None:
        return
    values = np.asarray(layer.values[time], np.float64)
    paper.image(layer.box, tinted(paper.style.palette.error, SOLID * heat(values)))


def paint_difference_scale(paper: Paper, lane: LaneScene, t: float) -> None:
    """A plate with the scale, over all other overlays, once there is heat."""
    layer: HeatLayer | None = lane.layer("difference")
    if layer is not None and layer.time_at(t) is not None:
        _paint_scale(paper, layer.label or "difference", paper.style.palette.error)


def heat(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How solid ``values`` are, in 0..1; what is not a number is nothing."""
    known = np.where(np.isnan(values), 0.0, values).clip(LEAST, MOST)
    return np.asarray(np.log(known / LEAST) / np.log(MOST / LEAST))


def _paint_scale(paper: Paper, label: str, colour: str) -> None:
    """'label 0.01 [ramp] ≥ 10' in the upper right corner."""
    least, most = f"{LEAST:g}", f"\N{GREATER-THAN OR EQUAL TO} {MOST:g}"
    style, painter = paper.style, paper.painter
    font, bold = style.font(10, 500), style.font(10, 600)
    ramp, gap, pad = style.px(36), style.px(5), style.px(6)
    parts = [text_width(label, font), text_width(least, bold), ramp, text_width(most, bold)]
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
    x += draw_text(painter, QPointF(x, base), least, bold, colours.text, vector=paper.vector) + gap
    bar = QRectF(x, plate.center().y() - style.px(3.5), ramp, style.px(7))
    gradient = QLinearGradient(bar.left(), 0.0, bar.right(), 0.0)
    gradient.setColorAt(0.0, themes.with_alpha(colour, 0.0))
    gradient.setColorAt(1.0, themes.with_alpha(colour, SOLID))
    painter.fillRect(bar, gradient)
    draw_text(painter, QPointF(x + ramp + gap, base), most, bold, colours.text, vector=paper.vector)
    painter.restore()
