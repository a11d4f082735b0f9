"""What is set for the histogram."""

from dataclasses import dataclass

from toydiff_gui.state.slots import Kind, Slot


@dataclass(frozen=True)
class Bars:
    """``axis`` is the coordinate, of ``count`` samples; ``bars`` lie side by side."""

    axis: int = 0
    bars: int = 24
    count: int = 400
    steps: int = 25


BARS = Slot("bars", Bars, Kind.SETTING)
