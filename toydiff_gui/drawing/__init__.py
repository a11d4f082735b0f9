"""Painting of lanes with QPainter alone, the same on the screen and in an export.

Everything here is a function of what it is given: no widget, no state, no clock.
"""
