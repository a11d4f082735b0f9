"""The engine's commands.

Bad input ends with status 2 and one line on standard error that names the thing and its value; no
traceback, and nothing that existed is changed. What needs torch is imported by the command that
needs it, so that help is quick.
"""

from __future__ import annotations

import os

import click

import engine
from engine.commands.evaluate import evaluate
from engine.commands.fetch import fetch
from engine.commands.interpolate import interpolate
from engine.commands.invert import invert
from engine.commands.sample import sample
from engine.commands.serve import serve
from engine.commands.train import train
from engine.shared.command_help import NAME_VARIABLE
from engine.shared.command_line import Commands, leave, run


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(engine.__version__, prog_name="toydiff")
def commands() -> None:
    """ToyDiff's engine: train diffusion models and sample from them."""


for command in (train, sample, interpolate, invert, evaluate, fetch, serve):
    commands.add_command(command)


def main() -> None:
    """The entry of ``python -m engine``."""
    leave(run(commands, name=os.environ.get(NAME_VARIABLE, "python -m engine")))
