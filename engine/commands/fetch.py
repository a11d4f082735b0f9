"""The command ``fetch``, for a terminal, and as the child of an engine that serves a window."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from engine.image_files import places
from engine.shared.command_help import COMMANDS
from engine.shared.config import require_choice
from engine.shared.files import staging_folder
from engine.shared.work import finish

if TYPE_CHECKING:
    from engine.image_files.downloads import Fetched

REPORT_SECONDS = 0.1


@click.command(
    help=f"{COMMANDS['fetch']}\n\n"
    f"NAME is one of {', '.join(places.FETCHED)}. Addresses and md5 sums are torchvision's, "
    "and so is the layout of the folder. A set that is there already is not fetched again; a "
    "broken connection is tried again, and what is not whole is removed."
)
@click.argument("name")
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Where to put it [default: {places.ROOT_VARIABLE} or the user's data folder].",
)
@click.option(
    "--report-to-engine",
    "staging",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    hidden=True,
    help="Fetch by way of this folder; report in lines of JSON; end with the standard input.",
)
def fetch(name: str, data_root: Path | None, staging: Path | None) -> None:
    """Fetch a set and say where it is."""
    require_choice("set of images to fetch", name, places.FETCHED, ())
    root = places.download_root(data_root)
    if staging is not None:
        _serve_engine(name, root, staging)
        return
    from engine.image_files.downloads import fetch as fetch_steps

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it tidies up
    with staging_folder(root, name) as folder:
        place = _with_bar(fetch_steps(name, root, folder))
    print(f"{place}: {name} is here")


def _with_bar(work: Generator[Fetched, None, Path]) -> Path:
    with tqdm(unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:

        def show(fetched: Fetched) -> None:
            bar.total = fetched.total
            bar.update(fetched.done - bar.n)

        return finish(work, show)


def _serve_engine(name: str, root: Path, staging: Path) -> None:
    """Fetch and report on standard output, one JSON object a line.

    ``done`` and ``total`` on the way, ``place`` or ``failure`` at the end. The engine removes
    ``staging``; should it die, its end of the standard input closes, and this process does so.
    """
    threading.Thread(target=_end_with_input, args=(staging,), daemon=True).start()
    from engine.image_files.downloads import fetch as fetch_steps

    told = 0.0

    def tell(fetched: Fetched) -> None:
        nonlocal told
        if time.monotonic() - told >= REPORT_SECONDS or fetched.done == fetched.total:
            told = time.monotonic()
            _tell(done=fetched.done, total=fetched.total)

    try:
        _tell(place=str(finish(fetch_steps(name, root, staging), tell)))
    except ValueError as error:
        _tell(failure=str(error))


def _tell(**report: object) -> None:
    print(json.dumps(report), flush=True)


def _end_with_input(staging: Path) -> None:
    while sys.stdin.buffer.read(1):
        pass
    shutil.rmtree(staging, ignore_errors=True)
    os._exit(1)
