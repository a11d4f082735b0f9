"""Measurements of the whole program, each a ratio or beside a limit."""
