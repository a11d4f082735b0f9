"""The engine's commands.

Bad input ends with status 2 and one line on standard error that names the thing and its value; no
traceback, and nothing that existed is changed. What needs torch is imported by the command that
needs it, so that help is quick.
"""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import click
from tqdm import tqdm

import engine
from engine.commands.endpoint_types import Endpoint, EndpointType, command_with_lists, typed
from engine.commands.fetch import fetch
from engine.datasets.images import IMAGE_DEFAULTS
from engine.shared import catalogue, config
from engine.shared.command_help import COMMANDS, NAME_VARIABLE
from engine.shared.command_line import Commands, leave, run
from engine.shared.run_files import STATE
from engine.shared.work import finish

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from engine.checkpoints.checkpoint import Checkpoint
    from engine.checkpoints.classes import AlongPath
    from engine.diffusion.denoiser import Denoiser
    from engine.diffusion.samplers import Frame
    from engine.paths.decoded_paths import Improvement
    from engine.shared.trajectory import Trajectory
    from engine.training.distributed import Team
    from engine.training.trainer import Trainer


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, prog_name="toydiff")
def commands() -> None:
    """ToyDiff's engine: train diffusion models and sample from them."""


commands.add_command(fetch)

_checkpoint = click.option(
    "--checkpoint",
    required=True,
    metavar="NAME_OR_PATH",
    help="A bundled name, a file or a folder; exact:NAME for the exact denoiser of its data.",
)
_exact_root = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="For exact:NAME of images: where they are, in torchvision's layout.",
)
_device = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps."
)


class _NewPath(click.Path):
    """A path to write to. An empty one, as of an unset variable, is not the folder here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("'' names nothing to write to.", param, ctx)
        return super().convert(value, param, ctx)


_out = click.option(
    "--out", required=True, type=_NewPath(path_type=Path), help="The file to write."
)
_TWICE = ", ".join(row.name for row in catalogue.SAMPLERS if row.evaluations == 2)
_seed = click.option("--seed", default=0, show_default=True, help="Feeds every random number.")
_sampler = click.option(
    "--sampler",
    default="ddim",
    show_default=True,
    help=f"{', '.join(config.SAMPLERS)}. {_TWICE} evaluates the network 2K - 1 times, "
    "the others K.",
)
_steps = click.option("--steps", type=int, help="Steps K of the sampler; all T without it.")
_eta = click.option(
    "--eta", default=0.0, show_default=True, help="DDIM's share of fresh noise, 0..1."
)
_keep = click.option(
    "--keep",
    type=click.Choice(["all", "last"]),
    default="all",
    show_default=True,
    help="States to keep.",
)


_guidance = click.option(
    "--guidance",
    default=1.0,
    show_default=True,
    help="With --class: 0 ignores it, 1 heeds it, up to 20 exaggerates it.",
)


def _plain_default(what: str, points: object, images: object) -> str:
    return f"{what} [default: {points}; for images {images}]"


_IMAGES = IMAGE_DEFAULTS
_PATH_POINTS = [row.path_points for row in catalogue.KINDS]


@commands.command(help=COMMANDS["train"])
@click.option(
    "--dataset",
    metavar="NAME",
    help=f"{', '.join(config.POINT_SETS)}; or images: {', '.join(config.IMAGE_SETS)}.",
)
@click.option("--data", metavar="FILE", help="Your own data (comes with a later version).")
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where images are, in torchvision's layout; for 'folder' the images themselves.",
)
@click.option(
    "--schedule",
    help=_plain_default(f"{', '.join(config.SCHEDULES)}.", "linear", "cosine"),
)
@click.option("--zero-terminal", is_flag=True, help="Rescale the schedule to no signal at t = T.")
@click.option("--timesteps", default=250, show_default=True, help="T.")
@click.option("--prediction", help="noise, x0 or v; by default what suits the schedule.")
@click.option(
    "--width",
    type=int,
    help="Units of a hidden layer [default: 128]; for images channels at full resolution.",
)
@click.option("--depth", type=int, help="Hidden layers; for points [default: 3].")
@click.option(
    "--preset",
    metavar="|".join(config.PRESETS),
    help="The UNet for images [default: medium].",
)
@click.option(
    "--attention",
    metavar="SIDES",
    help="Sides of the image at which a UNet attends, such as 14,7 [default: the lowest].",
)
@click.option(
    "--classes/--no-classes",
    default=None,
    help="For images: learn their classes as well [default: where there are any].",
)
@click.option(
    "--unlabelled",
    type=float,
    metavar="SHARE",
    help="Of the images of a batch, those shown without their class [default: 0.7].",
)
@click.option("--image-size", type=int, help="Side of the images of 'folder' [default: 32].")
@click.option("--channels", type=int, help="1 or 3, for 'folder' [default: 3].")
@click.option(
    "--steps", default=6000, show_default=True, help="Updates in all, those before included."
)
@click.option(
    "--batch-size", type=int, help=_plain_default("States an update.", 512, _IMAGES["batch_size"])
)
@click.option(
    "--micro-batch", type=int, help="At most so many at once; the same updates in less memory."
)
@click.option(
    "--rate",
    type=float,
    help=_plain_default("The learning rate at its peak.", 0.003, _IMAGES["rate"]),
)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--checkpoint-every",
    type=int,
    help=_plain_default("Updates between savings.", 1000, _IMAGES["checkpoint_every"]),
)
@click.option("--resume", is_flag=True, help="Go on with the training in DIR.")
@click.option("--out", required=True, type=_NewPath(path_type=Path), metavar="DIR")
@_device
@click.pass_context
def train(ctx: click.Context, /, **options: Any) -> None:
    """Train, save, and say where."""
    if options["data"] is not None:
        raise ValueError(f"--data {options['data']} comes with a later version")
    from engine.training import distributed

    try:
        with distributed.assembled(options["device"]) as (device, team):
            status = _train(_open_training(ctx, options, device, team), options["out"], team)
    except distributed.WorkerLostError as error:
        print(f"toydiff: {error}", file=sys.stderr)
        status = 1
    ctx.exit(status)


def _train(trainer: Trainer, folder: Path, team: Team | None) -> int:
    """Train to the end or an interrupt, which all processes agree on; the exit status."""
    from engine.training import distributed
    from engine.training import trainer as training

    stopped, loss = _Interrupt(), math.nan
    steps = training.train(trainer, folder)
    bar = _progress(trainer.config.steps, "updates", trainer.done, shown=trainer.leads)
    with bar, stopped:
        try:
            for item in steps:
                loss = item.loss
                bar.update(1)
                if item.step % 50 == 0:
                    bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                if stopped.asked if team is None else team.anybody(stopped.asked):
                    stopped.asked = True
                    break
        except distributed.WorkerLostError as error:
            if not trainer.leads:
                raise
            kept = f"{folder} holds {trainer.done} updates; go on with --resume"
            raise distributed.WorkerLostError(f"{error}; {kept}") from error
        except ValueError as error:
            if trainer.leads or isinstance(error, training.TooLittleMemoryError):
                raise
            return 2  # all processes meet the same; one of them says it
        finally:
            steps.close()
    if trainer.leads:
        ended = f", last loss {loss:.4f}" if math.isfinite(loss) else "; nothing was left to do"
        print(f"{folder}: {trainer.done} of {trainer.config.steps} updates{ended}")
        if stopped.asked:
            print(f"interrupted; go on with --resume --out {folder}", file=sys.stderr)
    return 130 if stopped.asked else 0


def _open_training(
    ctx: click.Context, options: dict[str, Any], device: torch.device, team: Team | None
) -> Trainer:
    """The trainer that was asked for; of several processes one reads and the others follow."""
    from engine.checkpoints.networks import NETWORKS
    from engine.devices import use_one_thread
    from engine.training import trainer as training

    def asked() -> config.TrainingConfig:
        if options["micro_batch"] is not None:
            config.require_between("micro-batch", options["micro_batch"], 1, 1_000_000)
        if options["resume"]:
            return _resumed_config(ctx, options["out"], options)
        if options["dataset"] is None:
            raise click.UsageError("Missing option '--dataset'.")
        return _training_config(_new_config(options), options)

    wanted = asked() if team is None else team.decided(asked)
    if not NETWORKS[wanted.resolved_kind].slow:
        use_one_thread()
    how = {"data_root": options["data_root"], "micro_batch": options["micro_batch"]}

    def opened() -> Trainer:
        if team is not None and not team.leads:
            return training.Trainer(wanted, device, **how)
        if catalogue.data_set(wanted.dataset).own:
            _read_folder(wanted, options["data_root"])
        return training.open_run(
            wanted, options["out"], device=device, resume=options["resume"], **how
        )

    if team is None:
        return opened()
    trainer = team.made(opened)
    trainer.join(team)
    return trainer


def _read_folder(wanted: config.TrainingConfig, folder: Path | None) -> None:
    """Read the user's files, which a training then finds read, and say what was left out."""
    from engine.checkpoints.data import DATA

    states = catalogue.kind(wanted.resolved_kind).states
    with _progress(None, states) as bar:

        def show(item: tuple[int, int]) -> None:
            done, bar.total = item
            bar.update(done - bar.n)

        found = finish(DATA[wanted.resolved_kind].read_steps(wanted, folder), show)
    print(f"{folder}: {found.count} {states}" + (f"; {found.note}" if found.note else ""))


def _new_config(options: dict[str, Any]) -> config.TrainingConfig:
    """The defaults of the data set that was asked for."""
    from engine.checkpoints.networks import NETWORKS

    dataset: str = options["dataset"]
    return NETWORKS[catalogue.data_set(dataset).kind].usual(dataset, options)


def _training_config(base: config.TrainingConfig, options: dict[str, Any]) -> config.TrainingConfig:
    """``base`` with what was asked for on top."""
    from engine.checkpoints.networks import NETWORKS

    _refuse_foreign(base, options)
    schedule = {
        "name": options["schedule"],
        "timesteps": options["timesteps"],
        "zero_terminal": options["zero_terminal"] or None,
    }
    numbers = ("prediction", "steps", "batch_size", "rate", "seed", "checkpoint_every")
    changed = replace(
        base,
        schedule=replace(base.schedule, **_given(schedule)),
        **_given({name: options[name] for name in numbers}),
    )
    return NETWORKS[base.resolved_kind].changed(changed, options)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _refuse_foreign(base: config.TrainingConfig, options: dict[str, Any]) -> None:
    """Refuse what the data set that was asked for would not heed."""
    data, heeded = catalogue.data_set(base.dataset), catalogue.kind(base.resolved_kind).options
    foreign = [name for row in catalogue.KINDS for name in row.options if name not in heeded]
    if data.included:
        foreign.append("data_root")
    if not data.own:
        foreign += ["image_size", "channels"]
    elif options["classes"]:
        raise ValueError("--classes: a folder of images has no classes")
    if base.unet is not None and not base.classes and options["unlabelled"] is not None:
        raise ValueError(f"--unlabelled {options['unlabelled']:g}: the network learns no classes")
    for name in foreign:
        if options[name] is not None:
            flag = "--" + name.replace("_", "-")
            raise ValueError(f"{flag} is not for the data set {base.dataset!r}")


def _resumed_config(
    ctx: click.Context, folder: Path, options: dict[str, Any]
) -> config.TrainingConfig:
    """The stored configuration with the options that were given on top; the rest stays."""
    from engine.checkpoints.checkpoint import load_tensors

    path = folder / STATE
    if not path.is_file():
        raise ValueError(f"nothing to resume in {folder}: no {STATE}")
    description = load_tensors(path)[0]
    stored = description.config
    given = {
        name: value
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        else None
        for name, value in options.items()
    }
    if given["steps"] is not None and given["steps"] < description.step:
        raise ValueError(
            f"--steps {given['steps']}: {folder} has {description.step} updates already"
        )
    base = stored
    if any(given[name] is not None for name in ("dataset", "preset", "image_size", "channels")):
        wanted = {"dataset": stored.dataset, "image_size": stored.image_size}
        base = _new_config(given | wanted | {"channels": stored.channels} | _given(given))
        base = replace(
            base,
            **{
                name: getattr(stored, name)
                for name in (
                    "points", "schedule", "model", "prediction", "steps", "batch_size", "rate",
                    "seed", "checkpoint_every", "clip",
                )
            },
        )  # fmt: skip
        if given["preset"] is None and stored.unet is not None:
            base = replace(base, unet=stored.unet)
    learned = stored.classes > 0
    if stored.unet is not None and given["classes"] not in (None, learned):
        raise ValueError(
            f"cannot resume {folder} with {'--classes' if given['classes'] else '--no-classes'}: "
            f"it {'learns' if learned else 'does not learn'} them"
        )
    return _training_config(base, given)


@commands.command(help=COMMANDS["sample"])
@_checkpoint
@_sampler
@_steps
@_eta
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
@_guidance
@_seed
@_keep
@_exact_root
@_device
@_out
def sample(out: Path, **options: Any) -> None:
    """Sample and save every state."""
    from engine.diffusion.noise import draw_latents

    _check_output(out)
    given: Path | None = options["latents"]
    if (given is None) == (options["count"] is None):
        raise click.UsageError("give either --count or --latents")
    config.require_between("seed", options["seed"], 0, 2**63 - 1)
    sampler = _sampler_config(options)
    checkpoint = _load_to_draw(options)
    if given is not None:
        latents = _states_file(given, "latents", checkpoint.latent_shape)
    else:
        config.require_between("count", options["count"], 1, config.MAX_POINTS)
        _check_trajectory(checkpoint, sampler, options["count"], options["keep"])
        latents = draw_latents(options["seed"], options["count"], checkpoint.latent_shape)
    _check_trajectory(checkpoint, sampler, len(latents), options["keep"])
    classes = _classes(options, checkpoint)
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
    _run(checkpoint, denoiser, latents, sampler, options, meta, out)


@commands.command(cls=command_with_lists("--through"), help=COMMANDS["interpolate"])
@_checkpoint
@click.option(
    "--from",
    "start",
    type=EndpointType(),
    required=True,
    metavar="END",
    help="The first endpoint: X,Y such as -1,2; seed:N, or seed:N:I, for what a seed draws first, "
    "or as number I; image:FILE for a picture, or an .npy of one state, inverted by DDIM.",
)
@click.option(
    "--to", "end", type=EndpointType(), required=True, metavar="END", help="The second endpoint."
)
@click.option("--points", type=int, help=_plain_default("Points on the path.", *_PATH_POINTS))
@click.option("--path", default="linear", show_default=True, help=f"{', '.join(config.PATHS)}.")
@click.option(
    "--side",
    metavar="|".join(config.SIDES),
    help="The way round the origin between opposite endpoints, for spherical and norm-guided.",
)
@click.option(
    "--through",
    type=EndpointType(),
    multiple=True,
    metavar="END ...",
    help="The way-points of drawn. In more than two dimensions, the side of the other two.",
)
@click.option(
    "--even/--no-even",
    default=None,
    help="Space the points evenly where they are decoded, as the geodesic does by default.",
)
@click.option(
    "--class",
    "classes",
    metavar="A[,B]",
    help="The class along the path, by index or name; or from A to B, mixed on the way.",
)
@_guidance
@_sampler
@_steps
@_eta
@_seed
@_keep
@_exact_root
@_device
@_out
def interpolate(out: Path, **options: Any) -> None:
    """Carry a path to the data and save every state."""
    import torch

    from engine.commands.endpoints import check_endpoint, find_latents
    from engine.service.jobs.paths import path_latents

    _check_output(out)
    config.require_between("seed", options["seed"], 0, 2**63 - 1)
    if options["points"] is not None:
        config.require_between("points", options["points"], 2, config.MAX_POINTS)
    row = catalogue.path(options["path"])
    if options["side"] is not None:
        config.require_choice("side", options["side"], config.SIDES, ())
    sampler = _sampler_config(options)
    checkpoint = _load_to_draw(options)
    points = options["points"] or catalogue.kind(checkpoint.config.resolved_kind).path_points
    flags = {"--from": [options["start"]], "--to": [options["end"]]}
    flags["--through"] = list(options["through"])
    for flag, endpoints in flags.items():
        for endpoint in endpoints:
            check_endpoint(flag, endpoint, checkpoint)
    _check_path(options, checkpoint.latent_shape)
    _check_trajectory(checkpoint, sampler, points, options["keep"])
    classes = _classes(options, checkpoint)
    along = _along_path(classes, options, checkpoint)
    start, end, *through = find_latents(
        [options["start"], options["end"], *options["through"]],
        checkpoint,
        steps=options["steps"],
        told=along.at_ends,
    )
    even = row.searched if options["even"] is None else options["even"]
    work = path_latents(
        checkpoint,
        options["path"],
        start,
        end,
        points,
        side=options["side"] or "left",
        through=torch.stack(through) if through else None,
        even=even,
        seed=options["seed"],
        along=along,
    )
    latents = _found(work)
    meta = {
        "command": "interpolate",
        "from": _kept(options["start"]),
        "to": _kept(options["end"]),
        "points": points,
        "path": options["path"],
        "side": options["side"],
        "through": [_kept(endpoint) for endpoint in options["through"]],
        "even": even,
        "classes": classes,
        "guidance": options["guidance"],
        "keeps": ["latents"],
    }
    _run(checkpoint, along.rows(points), latents, sampler, options, meta, out)


def _kept(endpoint: Endpoint) -> list[float] | str:
    """An endpoint for a file's meta."""
    return list(endpoint) if isinstance(endpoint, tuple) else typed(endpoint)


def _check_path(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    """Refuse what the path that was asked for would not heed."""
    path = options["path"]
    row = catalogue.path(path)
    plane = shape == (2,)
    if options["side"] is not None:
        if not row.sided:
            raise ValueError(f"--side {options['side']}: the path {path!r} has no side")
        if not plane:
            raise ValueError(
                f"--side {options['side']} is for the plane; in {math.prod(shape)} "
                "dimensions --through chooses the side"
            )
    given = f"--through {' '.join(map(typed, options['through']))}"
    if row.way_points:
        if not options["through"]:
            raise ValueError(f"the path {path!r} needs its way-points: give --through")
        most = config.MAX_WAY_POINTS
        if len(options["through"]) > most:  # before images are inverted
            raise ValueError(f"a path has at most {most} way-points, got {len(options['through'])}")
    elif options["through"]:
        if not row.sided:
            raise ValueError(f"{given}: the path {path!r} has no way-points")
        if plane:
            raise ValueError(f"{given}: in the plane --side chooses the side of {path!r}")
        if len(options["through"]) > 1:
            raise ValueError(f"{given}: one point chooses the side of {path!r}")


def _classes(options: dict[str, Any], checkpoint: Checkpoint) -> list[int] | None:
    """The classes that were asked for; raises ``ValueError`` for a guidance without any."""
    from engine.checkpoints.classes import find_classes

    config.require_between("guidance", options["guidance"], 0, config.MOST_GUIDANCE)
    if options["classes"] is not None:
        return find_classes(options["classes"], checkpoint)
    if options["guidance"] != 1:
        raise ValueError(f"--guidance {options['guidance']:g} needs a --class to exaggerate")
    return None


def _along_path(
    classes: list[int] | None, options: dict[str, Any], checkpoint: Checkpoint
) -> AlongPath:
    from engine.checkpoints.classes import AlongPath, one_hot

    if classes is None:
        return AlongPath(checkpoint.denoiser)
    if len(classes) > 2:
        raise ValueError(
            f"--class {options['classes']}: a path has one class, or one at each end, "
            f"got {len(classes)}"
        )
    return AlongPath(checkpoint.denoiser, one_hot(classes, checkpoint), options["guidance"])


def _found(work: Generator[Improvement | None, None, Tensor]) -> Tensor:
    """The path that ``work`` looks for; the bar shows the pass and the best energy."""
    with _progress(None, "passes") as bar:

        def show(item: Improvement | None) -> None:
            if item is not None:
                bar.total = item.total
                bar.n = item.step
                bar.set_postfix(energy=f"{item.energy:.3f}")

        return finish(work, show)


@commands.command(help=COMMANDS["invert"])
@_checkpoint
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Data (N, ...) in standardised units as .npy; for images also a picture such as a PNG.",
)
@_steps
@_exact_root
@_device
@_out
def invert(out: Path, **options: Any) -> None:
    """Carry data to latents and save every state; the latents come first, as everywhere."""
    from engine.diffusion import samplers

    _check_output(out)
    sampler = config.SamplerConfig(name="ddim", steps=options["steps"])
    checkpoint = _load_to_draw(options)
    data = _data_file(options["data"], checkpoint)
    _check_trajectory(checkpoint, sampler, len(data), "all")
    frames = samplers.invert(
        checkpoint.denoiser, checkpoint.schedule, data.to(checkpoint.device), steps=options["steps"]
    )
    steps = sampler.resolved_steps(checkpoint.schedule.timesteps)
    collected = _collect(frames, steps + 1, "all")
    meta = _meta(checkpoint, sampler) | {
        "command": "invert",
        "data": str(options["data"]),
        "keeps": ["latents"],
    }
    x, x0 = collected.x[::-1], collected.x0[::-1]
    _save(replace(collected, t=collected.t[::-1], x=x, x0=x0, meta=meta), out)


@commands.command(help=COMMANDS["evaluate"])
@_checkpoint
@click.option("--quick", is_flag=True, help="Fewer samples, and a coarser distance for points.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--told/--untold",
    default=False,
    show_default=True,
    help="For images: tell the network a class for each sample, all in turn.",
)
@click.option(
    "--guidance",
    default=1.0,
    show_default=True,
    help="With --told: 0 ignores the class, 1 heeds it, up to 20 exaggerates it.",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where images are, for a set whose classifier has to be trained first.",
)
@_device
def evaluate(**options: Any) -> None:
    """Measure and print."""
    from engine.analysis import evaluation

    checkpoint = _load(options)
    judged = evaluation.EVALUATIONS[checkpoint.config.resolved_kind]
    if not judged.heeds_drawing and (options["told"] or options["data_root"]):
        states = catalogue.kind(checkpoint.config.resolved_kind).states
        given = "--told" if options["told"] else f"--data-root {options['data_root']}"
        raise ValueError(f"{given}: the checkpoint {options['checkpoint']!r} is of {states}")
    dataset = checkpoint.config.dataset
    if catalogue.data_set(dataset).included and options["data_root"]:
        raise ValueError(f"--data-root {options['data_root']}: {dataset!r} are bundled")
    if options["guidance"] != 1 and not options["told"]:
        raise ValueError(f"--guidance {options['guidance']:g} needs --told")
    stages = evaluation.evaluate(
        checkpoint,
        quick=options["quick"],
        data_root=options["data_root"],
        drawing=evaluation.Drawing(told=options["told"], guidance=options["guidance"]),
    )
    what = ""
    with _progress(None, "done") as bar:

        def show(stage: evaluation.Stage) -> None:
            nonlocal what
            if stage.what != what:  # another kind of work, with a pace of its own
                what = stage.what
                bar.set_description_str(what, refresh=False)
                bar.reset(stage.total)
            bar.total = stage.total
            bar.update(stage.done - bar.n)

        quality = finish(stages, show)
    figures = {
        "checkpoint": options["checkpoint"],
        "dataset": dataset,
        "quick": options["quick"],
        **quality.figures(),
    }
    if judged.heeds_drawing:
        figures |= {"told": options["told"], "guidance": options["guidance"]}
    print(json.dumps(figures) if options["as_json"] else quality.in_words())


@commands.command(help="Serve a window on standard input and output.")
@click.option("--remote", is_flag=True, help="The window is on another machine.")
@_device
def serve(device: str, remote: bool) -> None:
    """Speak frames of the protocol until the input ends."""
    from engine.devices import choose_device
    from engine.service.serve import serve as run

    choose_device(device)
    run(device, remote=remote)


# What the commands share


def _load(options: dict[str, Any]) -> Checkpoint:
    from engine.checkpoints.checkpoint import load_checkpoint
    from engine.devices import choose_device, use_one_thread

    use_one_thread()
    device = choose_device(options["device"])
    return load_checkpoint(options["checkpoint"], device=device, data_root=options["data_root"])


def _load_to_draw(options: dict[str, Any]) -> Checkpoint:
    """The checkpoint of a command that needs images for an exact denoiser alone."""
    checkpoint = _load(options)
    name, root = options["checkpoint"], options["data_root"]
    read = "data_root" in catalogue.kind(checkpoint.config.resolved_kind).options
    if root and not (name.startswith(config.EXACT) and read):
        raise ValueError(f"--data-root {root} needs a checkpoint exact:NAME of images, not {name}")
    return checkpoint


def _sampler_config(options: dict[str, Any]) -> config.SamplerConfig:
    return config.SamplerConfig(name=options["sampler"], steps=options["steps"], eta=options["eta"])


MOST_STATE = 1e6
"""The largest number in a file of states, whose deviation is about 1."""


def _states_file(path: Path, what: str, shape: tuple[int, ...]) -> Any:
    import torch

    from engine.shared.trajectory import load_array

    array = load_array(path, what)
    if array.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise ValueError(f"{what} file {path} must have shape (N, {wanted}), got {array.shape}")
    if (largest := float(abs(array).max())) > MOST_STATE:  # or the network would be blamed for it
        raise ValueError(
            f"{what} file {path} has a value of {largest:.3g}, more than {MOST_STATE:g}"
        )
    return torch.from_numpy(array)


def _data_file(path: Path, checkpoint: Checkpoint) -> Tensor:
    """What ``invert`` is given: states (N, ...), or one picture where states are images."""
    import torch

    from engine.checkpoints.data import DATA
    from engine.commands.endpoints import read_state

    if path.suffix.lower() == ".npy" or not DATA[checkpoint.config.resolved_kind].pictures:
        states: Tensor = _states_file(path, "data", checkpoint.shape)
        return states
    return torch.from_numpy(read_state(path, checkpoint))[None]


def _check_trajectory(
    checkpoint: Checkpoint, sampler: config.SamplerConfig, count: int, keep: str
) -> None:
    from engine.shared.trajectory import check_sizes

    timesteps = checkpoint.schedule.timesteps
    times = config.sampler_times(timesteps, sampler.resolved_steps(timesteps))
    check_sizes(count, checkpoint.sizes_at(times if keep == "all" else times[-1:]))


def _check_output(out: Path) -> None:
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


def _meta(checkpoint: Checkpoint, sampler: config.SamplerConfig) -> dict[str, Any]:
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


def _run(
    checkpoint: Checkpoint,
    denoiser: Denoiser,
    latents: Any,
    sampler: config.SamplerConfig,
    options: dict[str, Any],
    meta: dict[str, Any],
    out: Path,
) -> None:
    from engine.diffusion import samplers

    frames = samplers.sample(
        denoiser,
        checkpoint.schedule,
        latents.to(checkpoint.device),
        sampler=samplers.make_sampler(sampler),
        seed=options["seed"],
    )
    steps = sampler.resolved_steps(checkpoint.schedule.timesteps)
    collected = _collect(frames, steps + 1, options["keep"])
    whole = _meta(checkpoint, sampler) | {"seed": options["seed"], "keep": options["keep"]} | meta
    if options["keep"] == "last" and "keeps" in meta:
        whole["keeps"] = []  # the first state, which the latents are, was not kept
    _save(replace(collected, meta=whole), out)


def _collect(frames: Iterator[Frame], count: int, keep: Literal["all", "last"] | str) -> Trajectory:
    from engine.diffusion.samplers import check_finite
    from engine.shared.trajectory import Trajectory

    times: list[int] = []
    x: list[NDArray[np.float32]] = []
    x0: list[NDArray[np.float32]] = []
    with _progress(count, "frames") as bar:
        for frame in map(check_finite, frames):
            if keep == "last":
                for kept in (times, x, x0):
                    kept.clear()
            times.append(frame.t)
            x.append(frame.x.float().cpu().numpy())
            x0.append(frame.x0.float().cpu().numpy())
            bar.update(1)
    return Trajectory(tuple(times), tuple(x), tuple(x0))


def _save(trajectory: Trajectory, out: Path) -> None:
    trajectory.save(out)
    print(f"{out}: {len(trajectory.t)} frames of {len(trajectory.x[0])} samples")


def _progress(total: int | None, unit: str, initial: int = 0, *, shown: bool = True) -> tqdm[Any]:
    """A bar on a terminal; nothing elsewhere."""
    hidden = not (shown and sys.stderr.isatty())
    return tqdm(total=total, unit=f" {unit}", initial=initial, disable=hidden, leave=False)


class _Interrupt:
    """Turns Ctrl-C and a request to end into a wish that the loop sees between two updates."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        for signal_number, handler in self._before.items():
            signal.signal(signal_number, handler)  # a second one ends at once

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def main() -> None:
    """The entry of ``python -m engine``."""
    leave(run(commands, name=os.environ.get(NAME_VARIABLE, "python -m engine")))
