"""Painting of lanes with QPainter alone, the same on the screen and in an export."""
