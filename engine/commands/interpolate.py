"""The command ``interpolate``."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.commands.endpoint_types import Endpoint, EndpointType, command_with_lists, typed
from engine.commands.options import (
    checkpoint_option,
    device_option,
    eta_option,
    exact_root_option,
    guidance_option,
    keep_option,
    out_option,
    plain_default,
    sampler_option,
    seed_option,
    steps_option,
)
from engine.commands.progress import progress_bar
from engine.commands.running import (
    check_output,
    check_trajectory,
    classes_of,
    load_to_draw,
    sample_and_save,
    sampler_of,
)
from engine.shared import catalogue, config
from engine.shared.command_help import COMMANDS
from engine.shared.work import finish

if TYPE_CHECKING:
    from torch import Tensor

    from engine.checkpoints.checkpoint import Checkpoint
    from engine.checkpoints.classes import AlongPath
    from engine.paths.decoded_paths import Improvement


PATH_POINTS = [row.path_points for row in catalogue.KINDS]


@click.command(cls=command_with_lists("--through"), help=COMMANDS["interpolate"])
@checkpoint_option
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
@click.option("--points", type=int, help=plain_default("Points on the path.", *PATH_POINTS))
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
@guidance_option
@sampler_option
@steps_option
@eta_option
@seed_option
@keep_option
@exact_root_option
@device_option
@out_option
def interpolate(out: Path, **options: Any) -> None:
    """Carry a path to the data and save every state."""
    import torch

    from engine.commands.endpoints import check_endpoint, find_latents
    from engine.paths.latents import path_latents

    check_output(out)
    config.require_between("seed", options["seed"], 0, 2**63 - 1)
    if options["points"] is not None:
        config.require_between("points", options["points"], 2, config.MAX_POINTS)
    row = catalogue.path(options["path"])
    if options["side"] is not None:
        config.require_choice("side", options["side"], config.SIDES, ())
    sampler = sampler_of(options)
    checkpoint = load_to_draw(options)
    points = options["points"] or catalogue.kind(checkpoint.config.resolved_kind).path_points
    flags = {"--from": [options["start"]], "--to": [options["end"]]}
    flags["--through"] = list(options["through"])
    for flag, endpoints in flags.items():
        for endpoint in endpoints:
            check_endpoint(flag, endpoint, checkpoint)
    _check_path(options, checkpoint.latent_shape)
    check_trajectory(checkpoint, sampler, points, options["keep"])
    classes = classes_of(options, checkpoint)
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
    sample_and_save(checkpoint, along.rows(points), latents, sampler, options, meta, out)


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
    with progress_bar(None, "passes") as bar:

        def show(item: Improvement | None) -> None:
            if item is not None:
                bar.total = item.total
                bar.n = item.step
                bar.set_postfix(energy=f"{item.energy:.3f}")

        return finish(work, show)
