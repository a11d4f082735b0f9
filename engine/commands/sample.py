"""The command ``sample``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.options import (
    checkpoint_option,
    device_option,
    eta_option,
    exact_root_option,
    guidance_option,
    keep_option,
    out_option,
    sampler_option,
    seed_option,
    steps_option,
)
from engine.commands.running import (
    check_output,
    check_trajectory,
    classes_of,
    load_to_draw,
    sample_and_save,
    sampler_of,
)
from engine.commands.state_files import read_states
from engine.shared import config
from engine.shared.command_help import COMMANDS

if TYPE_CHECKING:
    from engine.diffusion.denoiser import Denoiser


@click.command(help=COMMANDS["sample"])
@checkpoint_option
@sampler_option
@steps_option
@eta_option
@click.option("--count", type=int, help="How many samples to draw.")
@click.option(
    "--latents", type=click.Path(path_type=Path), metavar="FILE.npy", help="Start from these."
)
@click.option(
    "--class",
    "classes",
    metavar="A,B...",
    help="Classes, by index or name, that the samples take in turn; 'each' for all of them.",
)
@guidance_option
@seed_option
@keep_option
@exact_root_option
@device_option
@out_option
def sample(out: Path, **options: Any) -> None:
    """Sample and save every state."""
    from engine.diffusion.noise import draw_latents

    check_output(out)
    given: Path | None = options["latents"]
    if (given is None) == (options["count"] is None):
        raise click.UsageError("give either --count or --latents")
    config.require_between("seed", options["seed"], 0, 2**63 - 1)
    sampler = sampler_of(options)
    checkpoint = load_to_draw(options)
    if given is not None:
        latents = read_states(given, "latents", checkpoint.latent_shape)
    else:
        config.require_between("count", options["count"], 1, config.MAX_POINTS)
        check_trajectory(checkpoint, sampler, options["count"], options["keep"])
        latents = draw_latents(options["seed"], options["count"], checkpoint.latent_shape)
    check_trajectory(checkpoint, sampler, len(latents), options["keep"])
    classes = classes_of(options, checkpoint)
    denoiser: Denoiser = checkpoint.denoiser
    if classes is not None:
        from engine.checkpoints.classes import cycled, one_hot
        from engine.diffusion.denoiser import NetworkDenoiser

        assert isinstance(denoiser, NetworkDenoiser)
        told = one_hot(cycled(classes, len(latents)), checkpoint)
        denoiser = denoiser.conditioned(told, options["guidance"])
    meta = {
        "command": "sample",
        "count": len(latents),
        "latents": None if given is None else str(given),
        "classes": classes,
        "guidance": options["guidance"],
    }
    sample_and_save(checkpoint, denoiser, latents, sampler, options, meta, out)
