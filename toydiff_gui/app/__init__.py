"""The window and what stands in it."""
