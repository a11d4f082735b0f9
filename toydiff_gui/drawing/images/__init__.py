"""Painting of mode Images: tiles, film strips, and the card that looks at one thing.

As with lanes, everything is a function of what it is given. Images are scaled by NumPy and drawn
pixel for pixel: a card is one picture, whatever it shows.
"""

from toydiff_gui.drawing.images.page import paint_image_scene
from toydiff_gui.drawing.images.raster import ImageCache

__all__ = ["ImageCache", "paint_image_scene"]
