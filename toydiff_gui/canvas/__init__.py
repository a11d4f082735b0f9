"""The lanes on the screen: views of a scene that pan, zoom, and let endpoints be dragged."""

from toydiff_gui.canvas.hint import HintCard
from toydiff_gui.canvas.lane_grid import LaneGrid
from toydiff_gui.canvas.lane_view import LaneView
from toydiff_gui.canvas.shared_view import SharedView

__all__ = ["HintCard", "LaneGrid", "LaneView", "SharedView"]
