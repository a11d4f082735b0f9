"""``toydiff``: without a command the window; the engine's commands are handed to the engine.

The window's process never loads torch, so ``train`` and the like run as ``python -P -m engine``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

import engine
from engine.shared.command_help import COMMANDS, NAME_VARIABLE
from engine.shared.command_line import Commands, run
from toydiff_gui.app import platform_check
from toydiff_gui.engine_client.command import engine_command, engine_environment
from toydiff_gui.engine_client.ssh import OPTIONS_VARIABLE, PYTHON, SCHEME, Address, parse_address

PASS_ON: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}


class EngineChoice(click.ParamType[str | Address]):
    """'process', 'inline' or the address of another machine."""

    name = "process|inline|ssh://HOST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str | Address:
        """The choice that ``value`` is."""
        if isinstance(value, Address) or value in ("process", "inline"):
            return value
        if not str(value).startswith(SCHEME):
            self.fail(
                f"{value!r} is neither 'process' nor 'inline' nor ssh://user@host", param, ctx
            )
        try:
            return parse_address(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(engine.__version__, prog_name="toydiff")
@click.option(
    "--engine",
    "engine_kind",
    type=EngineChoice(),
    default="process",
    show_default=True,
    help="Run the engine beside the window (process); inside it, for debugging (inline); or on "
    "another machine, through OpenSSH: ssh://[user@]host[:port][?python=PATH]. There, ToyDiff must "
    f"be installed for the Python at PATH [default: {PYTHON}], a relative one starting at the home "
    "folder; and a key, or an agent, must let you in without a question. The words of "
    f"{OPTIONS_VARIABLE} in the environment are given to ssh, such as '-F FILE'.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda:N or mps.")
@click.option("--open", "open_ref", metavar="CHECKPOINT", help="Open this checkpoint.")
@click.pass_context
def toydiff(ctx: click.Context, engine_kind: Any, device: str, open_ref: str | None) -> None:
    """Play with diffusion models. Without a command: open the window."""
    if ctx.invoked_subcommand is None:
        ctx.exit(open_window(engine_kind, device, open_ref))


def _pass_on(name: str, summary: str) -> None:
    @toydiff.command(name, help=summary, context_settings=PASS_ON, add_help_option=False)
    @click.pass_context
    def command(ctx: click.Context) -> None:
        ctx.exit(run_engine([name, *ctx.args]))


for _name, _summary in COMMANDS.items():
    _pass_on(_name, _summary)


def _size(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not of the form WIDTHxHEIGHT") from None
    return width, height


@toydiff.command(help="Draw a trajectory as a film or a picture: what the canvas shows.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, metavar="FILE", help=".mp4 .webm .gif .apng .png .svg, folder"
)
@click.option("--size", default="1920x1080", show_default=True, callback=_size)
@click.option("--fps", default=30.0, show_default=True, help="Frames a second of a film.")
@click.option("--t", type=int, help="The time of a single picture; 0 without it.")
@click.option("--sheet", is_flag=True, help="Four stills side by side, .png or .svg.")
@click.option("--theme", default="dark", show_default=True, type=click.Choice(["dark", "light"]))
def render(file: Path, out: str, **options: Any) -> None:
    """Draw ``file`` to ``out``."""
    if complaint := platform_check.explain({"QT_QPA_PLATFORM": "offscreen"}):
        raise click.ClickException(complaint)
    from toydiff_gui.app.render import render_file

    with tqdm(unit=" frames", disable=not sys.stderr.isatty(), leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        note = render_file(file, out, progress=progress, **options)
    print(f"{out}: drawn" + (f" ({note})" if note else ""))


def run_engine(arguments: list[str]) -> int:
    """Run an engine's command in a process of its own and return its exit status."""
    command = engine_command(*arguments)
    # Ctrl-C reaches both processes; the engine decides what to do with it.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        environment = engine_environment() | {NAME_VARIABLE: "toydiff"}
        return subprocess.run(command, check=False, env=environment).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def open_window(engine_kind: Any, device: str, open_ref: str | None) -> int:
    """Open the window and return the exit status of the program."""
    if complaint := platform_check.explain():
        print(f"toydiff: {complaint}", file=sys.stderr)
        return 1
    if platforms := platform_check.usable_platforms():
        os.environ.setdefault("QT_QPA_PLATFORM", ";".join(platforms))
    from PySide6.QtWidgets import QApplication

    from toydiff_gui.app.interrupts import Interrupts
    from toydiff_gui.app.window import MainWindow
    from toydiff_gui.state.settings_file import open_settings
    from toydiff_gui.style import icons

    app = QApplication([sys.argv[0]])
    app.setApplicationName("ToyDiff")
    app.setApplicationDisplayName("ToyDiff")
    app.setDesktopFileName("toydiff")
    window = MainWindow(open_settings(), engine=engine_kind, device=device, open_ref=open_ref)
    window.setWindowIcon(icons.icon("logo") if "logo" in icons.NAMES else app.windowIcon())
    interrupts = Interrupts()
    interrupts.asked_to_end.connect(window.close)
    window.show()
    window.start_engine()
    status = app.exec()
    interrupts.stop()
    return status


def main() -> None:
    """The entry of the console script."""
    sys.exit(run(toydiff, name="toydiff"))


if __name__ == "__main__":
    main()
