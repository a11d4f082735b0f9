"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.shared import catalogue, config

checkpoint_option = click.option(
    "--checkpoint",
    required=True,
    metavar="NAME_OR_PATH",
    help="A bundled name, a file or a folder; exact:NAME for the exact denoiser of its data.",
)
exact_root_option = click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="For exact:NAME of images: where they are, in torchvision's layout.",
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps."
)


class NewPath(click.Path):
    """A path to write to. An empty one, as of an unset variable, is not the folder here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("'' names nothing to write to.", param, ctx)
        return super().convert(value, param, ctx)


out_option = click.option(
    "--out", required=True, type=NewPath(path_type=Path), help="The file to write."
)
_TWICE = ", ".join(row.name for row in catalogue.SAMPLERS if row.evaluations == 2)
seed_option = click.option(
    "--seed", default=0, show_default=True, help="Feeds every random number."
)
sampler_option = click.option(
    "--sampler",
    default="ddim",
    show_default=True,
    help=f"{', '.join(config.SAMPLERS)}. {_TWICE} evaluates the network 2K - 1 times, "
    "the others K.",
)
steps_option = click.option("--steps", type=int, help="Steps K of the sampler; all T without it.")
eta_option = click.option(
    "--eta", default=0.0, show_default=True, help="DDIM's share of fresh noise, 0..1."
)
keep_option = click.option(
    "--keep",
    type=click.Choice(["all", "last"]),
    default="all",
    show_default=True,
    help="States to keep.",
)
guidance_option = click.option(
    "--guidance",
    default=1.0,
    show_default=True,
    help="With --class: 0 ignores it, 1 heeds it, up to 20 exaggerates it.",
)


def plain_default(what: str, points: object, images: object) -> str:
    """Help for an option whose default depends on the kind of states."""
    return f"{what} [default: {points}; for images {images}]"
