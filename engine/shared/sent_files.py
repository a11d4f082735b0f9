"""What files are called that go between a window and an engine on another machine."""

from __future__ import annotations

import hashlib

RUNS, RECEIVED = "runs", "received"

MAX_FILE_BYTES = 512 * 2**20

MOST_KNOWN = 10
"""So many of those that it has sent a window counts on: there may be another window."""


def run_name(name: str, file: str = "") -> str:
    """The training ``name``, or a file of it, as requests name it."""
    return f"{RUNS}/{name}" + (f"/{file}" if file else "")


def received_name(content: bytes) -> str:
    """A checkpoint's file that is sent, as requests name it."""
    return f"{RECEIVED}/{hashlib.sha256(content).hexdigest()}.safetensors"


def require_size(size: int, what: object) -> None:
    """Raises ``ValueError`` for a file that is too large to be sent."""
    if size > MAX_FILE_BYTES:
        raise ValueError(f"{what} has {size} bytes, more than the {MAX_FILE_BYTES} that are sent")
