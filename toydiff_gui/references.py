"""References to models: what the engine is asked to open, and whether it is on this disk."""

from __future__ import annotations

from pathlib import Path

from engine.config import PYTHON
from engine.run_files import CHECKPOINT

PIPELINE = "model_index.json"
"""In a folder that diffusers has saved."""
FILTERS = (
    f"Models (*.safetensors {PIPELINE});;Networks of one's own, which run as programs (*.py);;"
    "All files (*)"
)


def reference_of(file: str) -> str:
    """What opens the model that a chosen file belongs to.

    A file of weights opens itself, a pipeline's index its folder, a Python file as a network of
    the user's own.
    """
    path = Path(file)
    if path.name == PIPELINE:
        return str(path.parent)
    return f"{PYTHON}{file}" if path.suffix == ".py" else file


def is_here(ref: str) -> bool:
    """Whether there is something on this disk to open; bundled names are not looked for."""
    path = Path(_without_function(ref))
    try:
        held = any((path / name).is_file() for name in (CHECKPOINT, PIPELINE))
        return held or path.is_file()
    except (OSError, ValueError):
        return False


def _without_function(ref: str) -> str:
    """The place that ``ref`` names: of ``python:FILE[:FUNCTION]``, the file.

    As the engine splits it (``engine.own_model``), which would bring torch with it.
    """
    if not ref.startswith(PYTHON):
        return ref
    place = ref.removeprefix(PYTHON)
    file, colon, function = place.rpartition(":")
    # A drive's letter is no file: C:\\net.py has no function.
    return file if colon and function.isidentifier() and len(file) >= 2 else place
