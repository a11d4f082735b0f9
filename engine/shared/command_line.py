"""What every command line of ToyDiff shares. No torch.

Bad input ends with status 2 and one line on standard error that names the thing and its value.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from engine.shared.command_help import LATER


class Commands(click.Group):
    """A group that names commands of later versions as such."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that ``args`` names."""
        if args and args[0] in LATER:
            raise click.UsageError(f"the command {args[0]!r} comes with a later version")
        return super().resolve_command(ctx, args)


def run(group: click.Group, arguments: Sequence[str] | None = None, name: str = "toydiff") -> int:
    """Run a command and return its exit status; errors become one line on standard error."""
    # Threads that wait for each other in a busy loop stall where they must share the cores, with
    # the window or another training: two of them to a half, many to a crawl. Asleep they do not.
    # Read when torch is loaded, so it is said before; the engine's processes inherit it.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for stream in (sys.stdout, sys.stderr):  # names of files may not fit a terminal's encoding
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = group.main(
            None if arguments is None else list(arguments), prog_name=name, standalone_mode=False
        )
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except click.ClickException as error:
        return _complain(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ValueError as error:
        return _complain(str(error), 2)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _complain(f"cannot write{where}: {error.strerror or error}", 2)


def leave(status: int) -> NoReturn:
    """End the process with ``status``.

    One of several that torchrun has started ends without the interpreter's clearing up. Threads of
    gloo may outlive their group, and one that asks for the interpreter while that goes aborts the
    process (pytorch/pytorch, pull request 179291): a training that is saved would count as failed.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _complain(message: str, status: int) -> int:
    print(f"toydiff: {' '.join(message.split())}", file=sys.stderr)
    return status
