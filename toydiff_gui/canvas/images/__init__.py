"""Mode Images on the screen: the samples, what is looked at, and the film strips from A to B."""

from toydiff_gui.canvas.images.page import ImagePage

__all__ = ["ImagePage"]
