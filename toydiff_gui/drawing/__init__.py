"""Painting of lanes with QPainter alone, the same on the screen and in an export.

Everything here is a function of what it is given: no widget, no state, no clock.
"""

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.header import paint_header
from toydiff_gui.drawing.style import LaneStyle, picture_style
from toydiff_gui.drawing.view import PlotTransform, ViewRange, default_view

__all__ = [
    "LaneStyle",
    "PlotTransform",
    "ViewRange",
    "default_view",
    "paint_card_frame",
    "paint_header",
    "picture_style",
]
