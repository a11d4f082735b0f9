"""Small widgets that panels, canvas and timeline share. They know the theme, not the state."""

from toydiff_gui.widgets.dice import DiceButton
from toydiff_gui.widgets.icon_button import IconButton
from toydiff_gui.widgets.messages import MessageBar
from toydiff_gui.widgets.number_field import NumberBox, NumberField
from toydiff_gui.widgets.quality_bar import QualityBar
from toydiff_gui.widgets.rail import DockRail
from toydiff_gui.widgets.scroll import PanelScroll
from toydiff_gui.widgets.section import SectionHeader
from toydiff_gui.widgets.segmented import Segment, SegmentedControl
from toydiff_gui.widgets.shy_button import ShyButton
from toydiff_gui.widgets.text import Text, restyle
from toydiff_gui.widgets.thumbnail import ThumbnailCard

LATER = "Comes with a later version"

__all__ = [
    "LATER",
    "DiceButton",
    "DockRail",
    "IconButton",
    "MessageBar",
    "NumberBox",
    "NumberField",
    "PanelScroll",
    "QualityBar",
    "SectionHeader",
    "Segment",
    "SegmentedControl",
    "ShyButton",
    "Text",
    "ThumbnailCard",
    "restyle",
]
