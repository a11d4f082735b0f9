"""How many images, in how many steps, from which noise."""

from __future__ import annotations

from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, MAX_TILES
from toydiff_gui.panels.start_section import StartSection


class ImageStartSection(StartSection):
    """Number of tiles, steps and seed."""

    SETTINGS, ONES, MOST, STEP = IMAGE_SAMPLING, "images", MAX_TILES, 16
    COUNT_TIP = "How many samples the grid shows."
    STEPS_TIP = "Steps from noise to data"
