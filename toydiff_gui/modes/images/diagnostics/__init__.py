"""What the diagnostics show of images."""
