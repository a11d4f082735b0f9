"""The user's settings: one file of JSON, checked when it is read; nothing in it is ever run.

Qt's own settings would not do: Qt for Python unpickles what it finds in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from filelock import FileLock
from platformdirs import user_config_path

from engine.shared.files import write_atomically
from toydiff_gui.state import earlier_settings

NAME = "settings.json"
MOST_BYTES = 16 * 2**20
"""A larger file is not ours."""
PATIENCE = 1.0
"""Seconds to wait for another window that writes the same file."""

T = TypeVar("T")


def open_settings() -> SettingsFile:
    """The user's settings, from the file of an earlier version where there is none of this one."""
    folder = user_config_path("ToyDiff", "ToyDiff", roaming=True)
    return SettingsFile(folder / NAME, earlier_settings.place())


class SettingsFile:
    """Values by key, such as 'state/view', in a JSON file: what msgspec can encode.

    A file that is damaged is set aside, and one that cannot be read or written is done without.
    Windows may share a file: of a key that several have changed the last change is kept.
    ``earlier`` is a file of Qt's, read while there is no file of ours, and left as it is.
    """

    def __init__(self, path: Path, earlier: Path | None = None) -> None:
        self.path = path
        self.on_change: Callable[[], object] = lambda: None
        """Called when there is something to ``save``."""
        self._values: dict[str, bytes] = {}
        """What the file held when it was last read, and what was put here since; as JSON."""
        self._put: dict[str, bytes] = {}
        """As last put here or first read; so that what others have changed is not put back."""
        self._changed: set[str] = set()
        with suppress(OSError):  # then this window begins without them
            there = path.exists()
            self._values = _read(path)
            self._put = dict(self._values)
            if earlier is not None and not there:
                for key, value in earlier_settings.read(earlier).items():
                    self.put(key, value)

    def get(self, key: str, kind: type[T]) -> T | None:
        """The value of a key; None where there is none that is a sound ``kind``."""
        if key not in self._values:
            return None
        try:
            return msgspec.json.decode(self._values[key], type=kind)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def put(self, key: str, value: Any) -> None:
        """Set a value, bytes too; what is no Unicode, such as the name of a file, is not kept."""
        try:
            coded = msgspec.json.encode(value)
        except (UnicodeEncodeError, RecursionError):
            return
        if self._put.get(key) != coded:
            self._put[key] = self._values[key] = coded
            self._changed.add(key)
            self.on_change()

    def save(self) -> None:
        """Write what has been changed; if that cannot be, it is tried again next time."""
        if not self._changed:
            return
        path = Path(os.path.realpath(self.path))  # a link stays one
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path):
                changed = {key: self._put[key] for key in self._changed}
                values = self._values | _read(path) | changed
                lines = [msgspec.json.encode(key) + b": " + values[key] for key in sorted(values)]
                text = b"{\n" + b",\n".join(lines) + b"\n}\n"
                write_atomically(path, lambda stream: stream.write(text))
            self._values = values
            self._changed.clear()


def _read(path: Path) -> dict[str, bytes]:
    """The values in a file, as JSON; none where there is no file.

    One that is damaged is set aside. Raises ``OSError`` if it cannot be read.
    """
    if not path.is_file():  # a pipe would be waited for
        return {}
    with path.open("rb") as stream:
        text = stream.read(MOST_BYTES + 1)
    try:
        if len(text) > MOST_BYTES:
            raise ValueError("too large")
        values = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        with suppress(OSError):
            path.replace(path.with_name(f"{path.name}.damaged"))
        return {}
    return {key: bytes(value) for key, value in values.items()}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other windows from writing meanwhile, where the file system knows locks."""
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE)
    with suppress(OSError, NotImplementedError):  # with a hanging window, go on without
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
