"""Modes: one folder for each kind of state that the window shows."""
