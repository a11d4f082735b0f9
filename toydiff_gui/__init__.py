"""ToyDiff's window. Never imports torch: the engine is a process of its own."""
