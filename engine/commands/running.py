"""What the commands that carry states share: load a checkpoint, check, run, save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import engine
from engine.commands.progress import progress_bar
from engine.shared import catalogue, config

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from engine.checkpoints.checkpoint import Checkpoint
    from engine.diffusion.denoiser import Denoiser
    from engine.diffusion.samplers import Frame
    from engine.shared.trajectory import Trajectory


def load(options: dict[str, Any]) -> Checkpoint:
    """The checkpoint that was asked for, on the device that was asked for."""
    from engine.checkpoints.checkpoint import load_checkpoint
    from engine.devices import choose_device, use_one_thread

    use_one_thread()
    device = choose_device(options["device"])
    return load_checkpoint(options["checkpoint"], device=device, data_root=options["data_root"])


def load_to_draw(options: dict[str, Any]) -> Checkpoint:
    """The checkpoint of a command that needs images for an exact denoiser alone."""
    checkpoint = load(options)
    name, root = options["checkpoint"], options["data_root"]
    read = "data_root" in catalogue.kind(checkpoint.config.resolved_kind).options
    if root and not (name.startswith(config.EXACT) and read):
        raise ValueError(f"--data-root {root} needs a checkpoint exact:NAME of images, not {name}")
    return checkpoint


def sampler_of(options: dict[str, Any]) -> config.SamplerConfig:
    """The sampler that was asked for."""
    return config.SamplerConfig(name=options["sampler"], steps=options["steps"], eta=options["eta"])


def classes_of(options: dict[str, Any], checkpoint: Checkpoint) -> list[int] | None:
    """The classes that were asked for; raises ``ValueError`` for a guidance without any."""
    from engine.checkpoints.classes import find_classes

    config.require_between("guidance", options["guidance"], 0, config.MOST_GUIDANCE)
    if options["classes"] is not None:
        return find_classes(options["classes"], checkpoint)
    if options["guidance"] != 1:
        raise ValueError(f"--guidance {options['guidance']:g} needs a --class to exaggerate")
    return None


def check_output(out: Path) -> None:
    """Find out now, not after the work, that ``out`` cannot be written."""
    import tempfile

    if out.is_dir():
        raise ValueError(f"--out {out} is a folder, not a file")
    if out.exists() and not out.is_file():
        raise ValueError(f"--out {out} is no regular file")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ValueError(f"cannot write --out {out}: {error.strerror or error}") from error


def check_trajectory(
    checkpoint: Checkpoint, sampler: config.SamplerConfig, count: int, keep: str
) -> None:
    """Raise ``ValueError`` for more states than can be kept, before any is computed."""
    from engine.shared.trajectory import check_sizes

    timesteps = checkpoint.schedule.timesteps
    times = config.sampler_times(timesteps, sampler.resolved_steps(timesteps))
    check_sizes(count, checkpoint.sizes_at(times if keep == "all" else times[-1:]))


def meta_of(checkpoint: Checkpoint, sampler: config.SamplerConfig) -> dict[str, Any]:
    """From what a file was made."""
    import msgspec

    description = checkpoint.description
    return {
        "toydiff": engine.__version__,
        "checkpoint": checkpoint.source,
        "checkpoint_step": description.step,
        "dataset": description.config.dataset,
        "shape": list(description.state_shape),
        "schedule": msgspec.to_builtins(description.config.schedule),
        "sampler": msgspec.to_builtins(sampler),
        "mean": description.mean,
        "std": description.std,
    }


def sample_and_save(
    checkpoint: Checkpoint,
    denoiser: Denoiser,
    latents: Any,
    sampler: config.SamplerConfig,
    options: dict[str, Any],
    meta: dict[str, Any],
    out: Path,
) -> None:
    """Carry ``latents`` (N, ...) to the data and save the states, with ``meta`` on top."""
    from engine.diffusion import samplers

    frames = samplers.sample(
        denoiser,
        checkpoint.schedule,
        latents.to(checkpoint.device),
        sampler=samplers.make_sampler(sampler),
        seed=options["seed"],
    )
    steps = sampler.resolved_steps(checkpoint.schedule.timesteps)
    collected = collected_frames(frames, steps + 1, options["keep"])
    whole = meta_of(checkpoint, sampler) | {"seed": options["seed"], "keep": options["keep"]} | meta
    if options["keep"] == "last" and "keeps" in meta:
        whole["keeps"] = []  # the first state, which the latents are, was not kept
    save(replace(collected, meta=whole), out)


def collected_frames(
    frames: Iterator[Frame], count: int, keep: Literal["all", "last"] | str
) -> Trajectory:
    """All ``frames`` or the last; the bar expects ``count``. Refuses states that are not finite."""
    from engine.diffusion.samplers import check_finite
    from engine.shared.trajectory import Trajectory

    times: list[int] = []
    x: list[NDArray[np.float32]] = []
    x0: list[NDArray[np.float32]] = []
    with progress_bar(count, "frames") as bar:
        for frame in map(check_finite, frames):
            if keep == "last":
                for kept in (times, x, x0):
                    kept.clear()
            times.append(frame.t)
            x.append(frame.x.float().cpu().numpy())
            x0.append(frame.x0.float().cpu().numpy())
            bar.update(1)
    return Trajectory(tuple(times), tuple(x), tuple(x0))


def save(trajectory: Trajectory, out: Path) -> None:
    """Write the file and say so."""
    trajectory.save(out)
    print(f"{out}: {len(trajectory.t)} frames of {len(trajectory.x[0])} samples")
