"""How an engine is started: the one place that knows its command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import engine


def engine_command(*arguments: str) -> list[str]:
    """The engine with ``arguments``; ``-P`` keeps a user's own ``engine.py`` out of its way."""
    return [sys.executable, "-P", "-m", "engine", *arguments]


def engine_environment() -> dict[str, str]:
    """The engine is found where the window's own copy is, installed or not."""
    environment = dict(os.environ)
    root = str(Path(engine.__file__).resolve().parents[2])
    paths = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join([root, *(path for path in paths if path)])
    return environment
