"""The command ``train``: what is asked for becomes a configuration, and is trained."""

from __future__ import annotations

import math
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from engine.commands.options import NewPath, device_option, plain_default
from engine.commands.progress import progress_bar
from engine.datasets.images import IMAGE_DEFAULTS
from engine.shared import catalogue, config
from engine.shared.command_help import COMMANDS
from engine.shared.run_files import STATE
from engine.shared.work import finish

if TYPE_CHECKING:
    import torch

    from engine.training.distributed import Team
    from engine.training.trainer import Trainer


@click.command(help=COMMANDS["train"])
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
    help=plain_default(f"{', '.join(config.SCHEDULES)}.", "linear", "cosine"),
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
    "--batch-size",
    type=int,
    help=plain_default("States an update.", 512, IMAGE_DEFAULTS["batch_size"]),
)
@click.option(
    "--micro-batch", type=int, help="At most so many at once; the same updates in less memory."
)
@click.option(
    "--rate",
    type=float,
    help=plain_default("The learning rate at its peak.", 0.003, IMAGE_DEFAULTS["rate"]),
)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--checkpoint-every",
    type=int,
    help=plain_default("Updates between savings.", 1000, IMAGE_DEFAULTS["checkpoint_every"]),
)
@click.option("--resume", is_flag=True, help="Go on with the training in DIR.")
@click.option("--out", required=True, type=NewPath(path_type=Path), metavar="DIR")
@device_option
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
    from engine.training import distributed, runs
    from engine.training.trainer import TooLittleMemoryError

    stopped, loss = _Interrupt(), math.nan
    steps = runs.train(trainer, folder)
    bar = progress_bar(trainer.config.steps, "updates", trainer.done, shown=trainer.leads)
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
            if trainer.leads or isinstance(error, TooLittleMemoryError):
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
    from engine.training.runs import open_run
    from engine.training.trainer import Trainer

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
            return Trainer(wanted, device, **how)
        if catalogue.data_set(wanted.dataset).own:
            _read_folder(wanted, options["data_root"])
        return open_run(wanted, options["out"], device=device, resume=options["resume"], **how)

    if team is None:
        return opened()
    trainer = team.made(opened)
    trainer.join(team)
    return trainer


def _read_folder(wanted: config.TrainingConfig, folder: Path | None) -> None:
    """Read the user's files, which a training then finds read, and say what was left out."""
    from engine.checkpoints.data import DATA

    states = catalogue.kind(wanted.resolved_kind).states
    with progress_bar(None, states) as bar:

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
