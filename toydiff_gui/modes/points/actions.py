"""What keys do on the canvas of points."""

from __future__ import annotations

from toydiff_gui.state.actions import WidgetKeys

KEYS = (WidgetKeys("Arrows on A or B", "move it by 0.01; with Shift by 0.1"),)
