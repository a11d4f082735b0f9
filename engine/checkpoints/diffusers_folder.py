"""Unconditional image models saved by `diffusers`, where that library is installed.

A folder as `DDPMPipeline.save_pretrained` writes it: ``unet`` (a UNet2DModel as safetensors) and
``scheduler``. Nothing is downloaded and nothing unpickled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from engine.diffusion.denoiser import NetworkDenoiser
from engine.diffusion.schedules import Schedule
from engine.shared.catalogue import IMAGES
from engine.shared.config import LEAST_SIZE, MOST_SIZE, ScheduleConfig

MAX_PARAMETERS = 500_000_000
MAX_CONFIG_BYTES = 2**20
MOST_BLOCKS = 64
MOST_LEVELS = 8
"""Layers a block: each takes memory of its own, even where its weights take none."""
WEIGHTS = "diffusion_pytorch_model.safetensors"
_SCHEDULERS = (
    "DDPMScheduler",
    "DDIMScheduler",
    "DDIMInverseScheduler",
    "PNDMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "UniPCMultistepScheduler",
)
"""Their networks were trained in discrete time with betas, which is all that is taken of them."""
KIND = IMAGES
"""What such a folder makes."""
_SCHEDULES = {"linear": "linear", "scaled_linear": "quadratic", "squaredcos_cap_v2": "cosine"}
_PREDICTIONS = {"epsilon": "noise", "sample": "x0", "v_prediction": "v"}


def is_diffusers_folder(path: Path) -> bool:
    """Whether ``path`` looks like a pipeline that `diffusers` has saved."""
    return (path / "unet" / "config.json").is_file() and (path / "scheduler").is_dir()


def load_diffusers(
    path: Path, device: torch.device
) -> tuple[NetworkDenoiser, tuple[int, int, int], str]:
    """Denoiser, shape of a state, and what the network is, in words.

    Raises ``ValueError`` naming the folder and what is wrong or missing.
    """
    try:
        from diffusers import UNet2DModel
    except ImportError:
        raise ValueError(
            f"{path} was saved by diffusers, which is not installed here: pip install diffusers"
        ) from None
    make: Any = UNet2DModel  # that library is typed in parts only
    settings = _json(path / "unet" / "config.json")
    schedule = Schedule(_schedule(path / "scheduler" / "scheduler_config.json"))
    if settings.get("_class_name") != "UNet2DModel":
        raise ValueError(f"{path} holds a {settings.get('_class_name')}, not a UNet2DModel")
    if settings.get("num_class_embeds") or settings.get("class_embed_type"):
        raise ValueError(f"{path} holds a network with classes; only unconditional ones open")
    shape = _shape(settings, path)
    weights = path / "unet" / WEIGHTS
    if not weights.is_file():
        raise ValueError(f"{path} has no weights as safetensors: {weights.name} is missing")
    blocks = settings.get("layers_per_block", 2)
    if not isinstance(blocks, int) or not 1 <= blocks <= MOST_BLOCKS:
        raise ValueError(f"{path} has {blocks!r} layers a block; 1 to {MOST_BLOCKS} open")
    widths = settings.get("block_out_channels", [0])
    if not isinstance(widths, list) or not 1 <= len(widths) <= MOST_LEVELS:
        told = str(widths)[:60]
        raise ValueError(f"{path} has block_out_channels {told}; 1 to {MOST_LEVELS} of them open")
    try:
        with torch.device("meta"):  # takes no memory, whatever size the folder claims
            outline = make.from_config(settings)
        parameters = sum(value.numel() for value in outline.parameters())
        if parameters > MAX_PARAMETERS:
            raise ValueError(f"it has {parameters} weights, more than {MAX_PARAMETERS}")
        network, loading = make.from_pretrained(
            path / "unet",
            use_safetensors=True,
            local_files_only=True,
            low_cpu_mem_usage=False,
            output_loading_info=True,
        )
        for kind in ("missing", "unexpected", "mismatched"):
            if keys := list(loading[f"{kind}_keys"]):
                raise ValueError(f"{WEIGHTS} has {kind} weights: {keys[0]}")
        for name, value in network.state_dict().items():
            if not bool(torch.isfinite(value).all()):
                raise ValueError(f"{WEIGHTS} has weights that are not finite: {name}")
    except Exception as error:  # that library raises almost anything for a damaged folder
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} is not a usable diffusers folder: {said}") from error
    network = network.float().requires_grad_(False).eval().to(device)
    told = _json(path / "scheduler" / "scheduler_config.json").get("prediction_type", "epsilon")
    if not isinstance(told, str) or told not in _PREDICTIONS:
        raise ValueError(f"{path} predicts {told!r}; known: {', '.join(_PREDICTIONS)}")
    prediction = _PREDICTIONS[told]
    try:
        denoiser = NetworkDenoiser(TheirNetwork(network), schedule, prediction)
        with torch.no_grad():  # sides that its levels cannot halve show only now
            denoiser.predict(torch.zeros(1, *shape, device=device), schedule.timesteps)
    except (ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())[:300]
        raise ValueError(f"{path} cannot be sampled from: {said}") from error
    return denoiser, shape, f"diffusers UNet2DModel, {parameters / 1e6:.1f} M weights"


class TheirNetwork(nn.Module):
    """Asks a UNet2DModel: its times count 0..T-1 where ours count 1..T."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x (N, C, H, W), t int64 (N,) in 1..T -> (N, C, H, W)."""
        out: Tensor = self.network(x, t - 1).sample
        return out


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError(f"it holds {path.stat().st_size} bytes")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a usable configuration: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is not a usable configuration")
    return found


def _schedule(path: Path) -> ScheduleConfig:
    told = _json(path)
    maker = told.get("_class_name")
    if maker not in _SCHEDULERS:
        raise ValueError(f"{path} is of a {maker}; known: {', '.join(_SCHEDULERS)}")
    steps = told.get("num_train_timesteps", 1000)
    if type(steps) is not int:
        raise ValueError(f"{path} has {steps!r} steps, which is no whole number")
    kind = told.get("beta_schedule", "linear")
    if not isinstance(kind, str) or kind not in _SCHEDULES or told.get("trained_betas"):
        known = ", ".join(_SCHEDULES)
        raise ValueError(f"{path} has the schedule {kind!r} or betas of its own; known: {known}")
    try:
        return ScheduleConfig(
            name=cast(Any, _SCHEDULES[kind]),
            timesteps=steps,
            zero_terminal=bool(told.get("rescale_betas_zero_snr", False)),
            beta_first=told.get("beta_start", 0.0001),
            beta_last=told.get("beta_end", 0.02),
        )
    except ValueError as error:
        raise ValueError(f"{path} is not a usable configuration: {error}") from error


def _shape(settings: dict[str, Any], path: Path) -> tuple[int, int, int]:
    size, channels = settings.get("sample_size"), settings.get("in_channels")
    sides = tuple(size) if isinstance(size, list) else (size, size)
    if (
        channels not in (1, 3)
        or settings.get("out_channels") != channels
        or len(sides) != 2
        or not all(isinstance(side, int) and LEAST_SIZE <= side <= MOST_SIZE for side in sides)
    ):
        raise ValueError(
            f"{path} makes images of {channels} channels and size {size}; "
            f"1 or 3 channels and sides of {LEAST_SIZE} to {MOST_SIZE} open"
        )
    return (channels, sides[0], sides[1])
