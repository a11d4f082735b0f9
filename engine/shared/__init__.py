"""What the engine and the window share; free of torch."""
