"""The window's end of the conversation with the engine."""
