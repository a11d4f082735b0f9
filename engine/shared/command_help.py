"""The commands in a line each, without what they need to run: for help texts. No torch."""

from __future__ import annotations

NAME_VARIABLE = "TOYDIFF_NAME"
"""The environment variable that says what the program was called by, for its help."""

COMMANDS = {
    "train": "Train a model and save it as a checkpoint.",
    "sample": "Run a sampler from drawn or given latents; keep every state.",
    "interpolate": "Carry a path of latents between two endpoints to the data.",
    "invert": "Carry data to its latents by deterministic DDIM.",
    "evaluate": "Measure a checkpoint: distance and off-data share with their floors.",
    "fetch": "Fetch a set of images (mnist, fashion, cifar10) from where it is published.",
}
"""Commands of the engine, in the order of help."""

LATER = ("report", "bench")
"""Names that the contract keeps for later."""
