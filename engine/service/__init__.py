"""The engine as a process that a window talks to: a loop over generators."""
