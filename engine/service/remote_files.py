"""What a window and an engine on another machine say of files. No torch.

The engine has a folder of its own: ``runs/NAME`` for trainings, ``received/DIGEST.safetensors`` for
checkpoints that the window has sent. Names of these in requests are relative to it, and lead to no
file outside of it. Sets of images alone lie elsewhere: where a request says, or where they usually
are on that machine.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.shared import catalogue, messages
from engine.shared.config import EXACT
from engine.shared.files import make_folder, write_atomically
from engine.shared.run_files import RUN_FILES
from engine.shared.sent_files import RECEIVED, RUNS, received_name, require_size
from engine.training.run_lock import in_training

MOST_RECEIVED = 20
"""Checkpoints that are kept of those received; of more, those go that were used longest ago."""

Asked = TypeVar("Asked", bound=msgspec.Struct)


class RemoteFiles:
    """The engine's own folder ``root``, for a window on another machine."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def resolved(self, request: Asked) -> Asked:
        """``request`` with paths of this machine for the names in it.

        Raises ``ValueError`` for a name that leads elsewhere.
        """
        changes: dict[str, str] = {}
        for field in ("out", "checkpoint"):
            name = getattr(request, field, None)
            if isinstance(name, str):
                changes[field] = self._path(name, within=RUNS if field == "out" else "")
        return msgspec.structs.replace(request, **changes) if changes else request

    def fetch(self, name: str) -> NDArray[np.uint8] | None:
        """The bytes of a training's file, such as 'runs/NAME/checkpoint.safetensors'.

        None if it is not there. Raises ``ValueError`` for any other file, for one that is too
        large, and while something trains there: an engine that lost its window has yet to notice.
        """
        path = self._run_file(name)
        if in_training(path.parent):
            raise ValueError(f"{path.parent.name} is still in training there")
        try:
            require_size(path.stat().st_size, name)
            return np.fromfile(path, np.uint8)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"cannot read {name}: {error.strerror or error}") from error

    def deliver(self, name: str, content: NDArray[Any]) -> None:
        """Keep a file that the window has sent.

        Raises ``ValueError`` for a name that is none of ours, and when it cannot be kept.
        """
        require_size(content.nbytes, name)
        data = content.tobytes()
        if name.startswith(f"{RECEIVED}/"):
            if name != received_name(data):
                raise ValueError(f"what was sent as {name!r} is something else")
            path = self._inside(name)
        else:
            path = self._run_file(name)
            if in_training(path.parent):
                raise ValueError(f"{path.parent.name} is still in training there")
        make_folder(path.parent)
        try:
            write_atomically(path, lambda stream: stream.write(data))
        except OSError as error:
            raise ValueError(f"cannot keep {name}: {error.strerror or error}") from error
        if path.parent.name == RECEIVED:
            self._tidy(path.parent)

    def _path(self, name: str, within: str = "") -> str:
        prefix = EXACT if name.startswith(EXACT) else ""
        bare = name.removeprefix(prefix)
        if not within and "/" not in bare and "\\" not in bare and ":" not in bare:
            if name == messages.LIVE or bare in catalogue.names(catalogue.BUNDLED):
                return name
            raise ValueError(f"{name!r} is no checkpoint that the engine has")
        found = self._inside(bare)
        folder = PurePosixPath(bare).parts[0]
        if folder == RECEIVED:
            with suppress(OSError):  # not there, as whoever opens it will say
                os.utime(found)
        if folder != within if within else folder not in (RUNS, RECEIVED):
            raise ValueError(f"{name!r} is not in the folder of the engine")
        return f"{prefix}{found}"

    def _run_file(self, name: str) -> Path:
        parts = name.split("/")
        if len(parts) != 3 or parts[0] != RUNS or parts[2] not in RUN_FILES:
            raise ValueError(f"{name!r} is no file of a training")
        return self._inside(name)

    def _inside(self, name: str) -> Path:
        """The path of 'FOLDER/NAME' or 'FOLDER/NAME/FILE', also with links followed."""
        parts = name.split("/")
        usable = all(
            part and part[0] != "." and len(part) <= 200 and part.isprintable() and "\\" not in part
            for part in parts
        )
        if not (usable and 2 <= len(parts) <= 3):
            raise ValueError(f"{name!r} is not in the folder of the engine")
        path = self._root.joinpath(*parts)
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise ValueError(f"{name!r} leads out of the folder of the engine")
        return path

    @staticmethod
    def _tidy(folder: Path) -> None:
        with suppress(OSError):  # what another engine has tidied meanwhile
            kept = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
            for path in kept[:-MOST_RECEIVED]:
                path.unlink()
