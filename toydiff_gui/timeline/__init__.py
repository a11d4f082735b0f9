"""The timeline: transport, track of time, progress of the training."""

from toydiff_gui.timeline.actions import time_actions
from toydiff_gui.timeline.panel import TimelinePanel

__all__ = ["TimelinePanel", "time_actions"]
