"""The modes, a folder each, and what a mode is."""
