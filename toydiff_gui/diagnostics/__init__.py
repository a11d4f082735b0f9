"""The page 'Diagnostics': plots of what a network predicts and of what its schedule does."""

from toydiff_gui.diagnostics.page import DiagnosticsPage

__all__ = ["DiagnosticsPage"]
