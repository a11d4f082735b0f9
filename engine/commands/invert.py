"""The command ``invert``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.options import (
    checkpoint_option,
    device_option,
    exact_root_option,
    out_option,
    steps_option,
)
from engine.commands.running import (
    check_output,
    check_trajectory,
    collected_frames,
    load_to_draw,
    meta_of,
    save,
)
from engine.commands.state_files import read_states
from engine.shared import config
from engine.shared.command_help import COMMANDS

if TYPE_CHECKING:
    from torch import Tensor

    from engine.checkpoints.checkpoint import Checkpoint


@click.command(help=COMMANDS["invert"])
@checkpoint_option
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Data (N, ...) in standardised units as .npy; for images also a picture such as a PNG.",
)
@steps_option
@exact_root_option
@device_option
@out_option
def invert(out: Path, **options: Any) -> None:
    """Carry data to latents and save every state; the latents come first, as everywhere."""
    from engine.diffusion import inversion

    check_output(out)
    sampler = config.SamplerConfig(name="ddim", steps=options["steps"])
    checkpoint = load_to_draw(options)
    data = _data_file(options["data"], checkpoint)
    check_trajectory(checkpoint, sampler, len(data), "all")
    frames = inversion.invert(
        checkpoint.denoiser, checkpoint.schedule, data.to(checkpoint.device), steps=options["steps"]
    )
    steps = sampler.resolved_steps(checkpoint.schedule.timesteps)
    collected = collected_frames(frames, steps + 1, "all")
    meta = meta_of(checkpoint, sampler) | {
        "command": "invert",
        "data": str(options["data"]),
        "keeps": ["latents"],
    }
    x, x0 = collected.x[::-1], collected.x0[::-1]
    save(replace(collected, t=collected.t[::-1], x=x, x0=x0, meta=meta), out)


def _data_file(path: Path, checkpoint: Checkpoint) -> Tensor:
    """What ``invert`` is given: states (N, ...), or one picture where states are images."""
    import torch

    from engine.checkpoints.data import DATA
    from engine.commands.endpoints import read_state

    if path.suffix.lower() == ".npy" or not DATA[checkpoint.config.resolved_kind].pictures:
        return read_states(path, "data", checkpoint.shape)
    return torch.from_numpy(read_state(path, checkpoint))[None]
