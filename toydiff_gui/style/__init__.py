"""Colours, sizes, icons and Qt's style sheet."""
