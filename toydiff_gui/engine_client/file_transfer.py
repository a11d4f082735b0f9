"""What files are in messages to an engine on another machine, where none of ours are.

The window speaks of checkpoints and trainings by their paths on its own machine, whichever engine
it has. On the way out a path becomes a name that the engine knows, and the file is sent before it
if need be. On the way in, a training's report is held back until what it has saved is here.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.shared import catalogue, messages
from engine.shared.config import EXACT, PYTHON
from engine.shared.files import write_atomically
from engine.shared.messages import Packet
from engine.shared.run_files import CHECKPOINT, RUN_FILES
from engine.shared.sent_files import MOST_KNOWN, RECEIVED, received_name, require_size, run_name


@dataclass
class Delivery:
    """Packets on their way: to the engine, and to the window."""

    to_engine: list[Packet] = field(default_factory=list)
    to_window: list[Packet] = field(default_factory=list)


@dataclass
class _Pending:
    """Files of a training that are being fetched into ``folder``; ``then`` is reported after."""

    folder: Path
    files: Sequence[str]
    then: Packet


_Stamp = tuple[int, int]


class FileTransfer:
    """Changes packets in both directions for one connection; each direction has its thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trainings: dict[int, Path] = {}
        self._pending: dict[int, _Pending] = {}
        self._known: dict[Path, tuple[_Stamp, str]] = {}
        self._last_fetch = 0

    def outgoing(self, packet: Packet) -> Delivery:
        """What to send for a request of the window's."""
        if packet.message.job < 0:  # one of our own
            return Delivery(to_engine=[packet])
        with self._lock:
            try:
                return Delivery(to_engine=self._outgoing(packet))
            except (ValueError, OSError) as error:
                failure = messages.Failure(job=packet.message.job, message=_in_words(error))
                return Delivery(to_window=[Packet(failure)])

    def incoming(self, packet: Packet) -> Delivery:
        """What to report, and what to ask first, for a report of the engine's."""
        with self._lock:
            message = packet.message
            if (pending := self._pending.pop(message.job, None)) is not None:
                return self._arrived(pending, packet)
            ends = isinstance(message, messages.Result | messages.Failure)
            if ends and (folder := self._trainings.pop(message.job, None)) is not None:
                return Delivery(to_engine=[self._fetch(folder, RUN_FILES, packet)])
            return Delivery(to_window=[packet])

    def _outgoing(self, packet: Packet) -> list[Packet]:
        message = packet.message
        if isinstance(message, messages.Train):
            folder = Path(message.out)
            sent = self._send_run(folder, message.job) if message.resume else []
            self._trainings[message.job] = folder
            # The engine's copy changes from now on, and ours stays until it is fetched.
            self._known.pop((folder / CHECKPOINT).resolve(), None)
            return [*sent, Packet(msgspec.structs.replace(message, out=run_name(folder.name)))]
        if isinstance(message, messages.Fetch):
            then = Packet(messages.Result(job=message.job))
            return [self._fetch(Path(message.path), RUN_FILES, then)]
        name = getattr(message, "checkpoint", None)
        if not isinstance(name, str):
            return [packet]
        sent, there = self._checkpoint(name, message.job)
        changed: Any = msgspec.structs.replace(message, checkpoint=there)
        return [*sent, Packet(changed, packet.arrays)]

    def _checkpoint(self, name: str, job: int) -> tuple[list[Packet], str]:
        """What to send before a request that names a checkpoint, and its name there."""
        if name.startswith(PYTHON):
            raise ValueError(
                f"{name!r} is a program on this machine; the engine on the other runs none of ours"
            )
        prefix = EXACT if name.startswith(EXACT) else ""
        bare = name.removeprefix(prefix)
        if bare == messages.LIVE or bare in catalogue.names(catalogue.BUNDLED):
            return [], name
        path = Path(bare)
        if path.is_dir():
            path /= CHECKPOINT
        if not path.is_file():
            raise ValueError(f"no checkpoint {bare!r} on this machine to send to the engine")
        path = path.resolve()
        if (known := self._unchanged(path)) is not None:
            self._known[path] = self._known.pop(path)  # the newest
            return [], prefix + known
        content = _read(path)
        there = received_name(content)
        self._known[path] = (_stamp(path), there)
        self._forget_oldest()
        return [_delivery(there, content, job)], prefix + there

    def _send_run(self, folder: Path, job: int) -> list[Packet]:
        """What there is here of a training that is to go on there."""
        sent = []
        for name in RUN_FILES:
            path, there = (folder / name).resolve(), run_name(folder.name, name)
            if path.is_file() and self._unchanged(path) is None:
                sent.append(_delivery(there, _read(path), job))
                self._known[path] = (_stamp(path), there)
        return sent

    def _fetch(self, folder: Path, files: Sequence[str], then: Packet) -> Packet:
        self._last_fetch -= 1  # the window counts its own requests up
        job = self._last_fetch
        self._pending[job] = _Pending(folder, files, then)
        there = run_name(folder.name, files[0])
        return Packet(messages.Fetch(job=job, slot=str(job), path=there))

    def _arrived(self, pending: _Pending, packet: Packet) -> Delivery:
        """Keep a file that was fetched and go for the next one."""
        name, *others = pending.files
        first = name == RUN_FILES[0]
        content = packet.arrays.get("content")
        if isinstance(packet.message, messages.Failure):
            why = packet.message.message
            return Delivery(to_window=[_not_fetched(pending, name, why) if first else pending.then])
        if content is None and first:
            return Delivery(to_window=[pending.then])  # it has saved nothing
        if content is not None:
            try:
                self._keep(pending.folder / name, content, run_name(pending.folder.name, name))
            except OSError as error:
                return Delivery(to_window=[_not_fetched(pending, name, _in_words(error))])
        if not others:
            return Delivery(to_window=[pending.then])
        return Delivery(to_engine=[self._fetch(pending.folder, others, pending.then)])

    def _keep(self, path: Path, content: Any, there: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda stream: stream.write(content.tobytes()))
        path = path.resolve()
        self._known[path] = (_stamp(path), there)

    def _forget_oldest(self) -> None:
        """Count on no more of what was sent than the engine keeps."""
        sent = [path for path, (_, there) in self._known.items() if there.startswith(RECEIVED)]
        for path in sent[:-MOST_KNOWN]:
            del self._known[path]

    def _unchanged(self, path: Path) -> str | None:
        """The name over there of a file that the engine has as it is here."""
        known = self._known.get(path)
        return known[1] if known is not None and known[0] == _stamp(path) else None


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _read(path: Path) -> bytes:
    require_size(path.stat().st_size, path)
    return path.read_bytes()


def _delivery(there: str, content: bytes, job: int) -> Packet:
    message = messages.Deliver(job=job, path=there)
    return Packet(message, {"content": np.frombuffer(content, np.uint8)})


def _not_fetched(pending: _Pending, name: str, why: str) -> Packet:
    text = f"{name} of {pending.folder.name!r} could not be fetched: {why}"
    return Packet(messages.Failure(job=pending.then.message.job, message=text))


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return str(error)
