"""What lies over the lanes of every mode."""
