"""The docks of mode 2D."""
