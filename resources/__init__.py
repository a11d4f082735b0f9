"""The files that ToyDiff brings along: checkpoints, fonts and icons."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Where a bundled file lies, as in `path("fonts", "Inter.ttf")`."""
    return FOLDER.joinpath(*parts)
