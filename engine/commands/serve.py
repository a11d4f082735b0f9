"""The command ``serve``, which the window starts."""

from __future__ import annotations

import click

from engine.commands.options import device_option


@click.command(help="Serve a window on standard input and output.")
@click.option("--remote", is_flag=True, help="The window is on another machine.")
@device_option
def serve(device: str, remote: bool) -> None:
    """Speak frames of the protocol until the input ends."""
    from engine.devices import choose_device
    from engine.service.serve import serve as run

    choose_device(device)
    run(device, remote=remote)
