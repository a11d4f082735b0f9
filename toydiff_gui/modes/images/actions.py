"""What keys do on the page of images."""

from __future__ import annotations

from toydiff_gui.state.actions import WidgetKeys

KEYS = (
    WidgetKeys("Esc", "on the tiles: stop sampling"),
    WidgetKeys(
        "Arrows on the tiles", "go from image to image; Enter makes it A, then B; with Shift C"
    ),
)
