"""What the window does with the engine for every mode."""
