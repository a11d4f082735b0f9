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
    "Checkpoint": "engine.checkpoints.checkpoint",
    "load_checkpoint": "engine.checkpoints.checkpoint",
    "Denoiser": "engine.diffusion.denoiser",
    "GuidedDenoiser": "engine.diffusion.denoiser",
    "GaussianDenoiser": "engine.diffusion.exact",
    "IdealDenoiser": "engine.diffusion.exact",
    "MixtureDenoiser": "engine.diffusion.exact",
    "NetworkDenoiser": "engine.diffusion.denoiser",
    "Prediction": "engine.diffusion.denoiser",
    "DDIM": "engine.diffusion.samplers",
    "DDPM": "engine.diffusion.samplers",
    "DDPMSharedNoise": "engine.diffusion.samplers",
    "DPMSolverPP2M": "engine.diffusion.samplers",
    "Frame": "engine.diffusion.samplers",
    "Heun": "engine.diffusion.samplers",
    "invert": "engine.diffusion.inversion",
    "sample": "engine.diffusion.samplers",
    "find_geodesic": "engine.paths.geodesic_points",
    "draw_latents": "engine.diffusion.noise",
    "OwnModel": "engine.checkpoints.own_model",
    "Schedule": "engine.diffusion.schedules",
    "make_schedule": "engine.diffusion.schedules",
    "Trainer": "engine.training.trainer",
    "TrainingConfig": "engine.shared.config",
    "judge_for": "engine.analysis.points",
}

__all__ = ["__version__", "datasets", "models", *_LAZY]  # noqa: PLE0604 - names from the table


def __getattr__(name: str) -> Any:
    if name == "models":
        return importlib.import_module("engine.models")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
