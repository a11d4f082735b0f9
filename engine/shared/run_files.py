"""What the files of a training are called. No torch."""

from __future__ import annotations

CHECKPOINT, STATE, METRICS = "checkpoint.safetensors", "state.safetensors", "metrics.jsonl"
RUN_FILES = (CHECKPOINT, STATE, METRICS)
"""What a training leaves, the checkpoint first."""
LOCK = ".training.lock"
"""Held while it runs."""
