"""One process at a time trains in a folder.

An engine whose connection broke goes on until it notices, which can take minutes; meanwhile another
may be asked to go on with the same training. Whoever came later would lose what it has learned when
the first one saves.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from engine.shared.run_files import LOCK


class RunLock:
    """Held while a training may write to ``folder``; the system frees it if the process dies.

    Raises ``ValueError`` if another one holds it. A file system that knows no locks has none.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK
        # Threads of this process are no exception: the one that opens may not be the one that ends.
        self._lock = FileLock(self._path, timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ValueError(
                f"{folder} is in training in another process; wait until that one has ended"
            ) from error
        except (OSError, NotImplementedError):
            pass

    def release(self) -> None:
        """Let others train here; more than once is harmless."""
        if self._lock.is_locked:
            with suppress(OSError):  # Windows keeps what is open
                self._path.unlink()
            self._lock.release()


def in_training(folder: Path) -> bool:
    """Whether a process trains in ``folder`` now."""
    if not (folder / LOCK).exists():
        return False
    try:
        RunLock(folder).release()
    except ValueError:
        return True
    return False
