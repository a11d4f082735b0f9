"""The timeline: transport, track of time, progress of the training."""

from toydiff_gui.timeline.panel import TimelinePanel
from toydiff_gui.timeline.shortcuts import install_shortcuts

__all__ = ["TimelinePanel", "install_shortcuts"]
