"""Small widgets that panels, canvas and timeline share. They know the theme, not the state."""

from toydiff_gui.controls.dice import DiceButton
from toydiff_gui.controls.icon_button import IconButton
from toydiff_gui.controls.messages import MessageBar
from toydiff_gui.controls.number_field import NumberBox, NumberField
from toydiff_gui.controls.quality_bar import QualityBar
from toydiff_gui.controls.rail import DockRail
from toydiff_gui.controls.scroll import PanelScroll
from toydiff_gui.controls.section import SectionHeader
from toydiff_gui.controls.segmented import Segment, SegmentedControl
from toydiff_gui.controls.shy_button import ShyButton
from toydiff_gui.controls.text import Text, restyle
from toydiff_gui.controls.thumbnail import ThumbnailCard

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
