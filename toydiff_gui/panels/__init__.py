"""The docks beside the canvas: what to train, what to sample. They write to the state only."""
