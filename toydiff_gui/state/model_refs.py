"""References to models: what the engine is asked to open, and whether it is on this disk."""

from __future__ import annotations

from pathlib import Path

from engine.shared.config import EXACT, PYTHON
from engine.shared.run_files import CHECKPOINT
from toydiff_gui.state.bundled import NAMES

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


def is_program(ref: str) -> bool:
    """Whether opening it runs a Python file, which nobody wants unasked."""
    return ref.removeprefix(EXACT).startswith(PYTHON)


def program_file(ref: str) -> Path:
    """The Python file that a program's reference runs."""
    return Path(_without_function(ref.removeprefix(EXACT)))


def state_on_disk(ref: str, *, is_here: bool) -> object:
    """What changes when the weights behind ``ref`` do; None where nothing tells.

    ``is_here`` False: files are on another machine.
    """
    if ref in NAMES:
        return ref
    path = Path(ref)
    try:
        file = path / CHECKPOINT if path.is_dir() else path
        found = file.stat() if is_here and not ref.startswith(PYTHON) else None
    except (OSError, ValueError):
        return None
    return None if found is None else (str(file), found.st_mtime_ns, found.st_size, found.st_ino)


def _without_function(ref: str) -> str:
    """The place that ``ref`` names: of ``python:FILE[:FUNCTION]``, the file.

    As the engine splits it (``engine.checkpoints.own_model``), which would bring torch with it.
    """
    if not ref.startswith(PYTHON):
        return ref
    place = ref.removeprefix(PYTHON)
    file, colon, function = place.rpartition(":")
    # A drive's letter is no file: C:\\net.py has no function.
    return file if colon and function.isidentifier() and len(file) >= 2 else place
