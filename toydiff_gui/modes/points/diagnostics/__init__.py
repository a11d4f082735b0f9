"""What the diagnostics show of points in the plane."""
