"""ToyDiff's engine: data, schedules, denoisers, samplers, training. Never imports Qt.

Importing this package is quick: what needs torch is loaded when it is first used, so that the
window can share the parts that do not.
"""

from __future__ import annotations

import importlib
from typing import Any

from engine import datasets

__version__ = "0.1.0"

_LAZY = {
    "Checkpoint": "engine.checkpoint",
    "load_checkpoint": "engine.checkpoint",
    "Denoiser": "engine.denoiser",
    "GuidedDenoiser": "engine.denoiser",
    "GaussianDenoiser": "engine.denoiser",
    "IdealDenoiser": "engine.denoiser",
    "MixtureDenoiser": "engine.denoiser",
    "NetworkDenoiser": "engine.denoiser",
    "Prediction": "engine.denoiser",
    "DDIM": "engine.samplers",
    "DDPM": "engine.samplers",
    "DDPMSharedNoise": "engine.samplers",
    "DPMSolverPP2M": "engine.samplers",
    "Frame": "engine.samplers",
    "Heun": "engine.samplers",
    "invert": "engine.samplers",
    "sample": "engine.samplers",
    "find_geodesic": "engine.geodesic",
    "draw_latents": "engine.noise",
    "OwnModel": "engine.own_model",
    "Schedule": "engine.schedules",
    "make_schedule": "engine.schedules",
}

__all__ = ["__version__", "datasets", "models", *_LAZY]  # noqa: PLE0604 - names from the table


def __getattr__(name: str) -> Any:
    if name == "models":
        return importlib.import_module("engine.models")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
