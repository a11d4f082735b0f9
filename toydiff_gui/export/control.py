"""The thread-safe handle by which an export tells how far it is and learns that it shall stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from toydiff_gui.export.errors import CancelledError

Progress = Callable[[int, int], object]


class Control:
    """Progress out, cancelling in. ``cancel`` may be called from any thread."""

    def __init__(self, progress: Progress | None = None) -> None:
        self._progress = progress
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._on_cancel: Callable[[], object] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether ``cancel`` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the export to stop, also when it waits for another program."""
        self._cancelled.set()
        with self._lock:
            if self._on_cancel is not None:
                self._on_cancel()

    def on_cancel(self, callback: Callable[[], object] | None) -> None:
        """Have ``cancel`` call ``callback``, which frees a blocked export; None takes it back."""
        with self._lock:
            self._on_cancel = callback
            if callback is not None and self._cancelled.is_set():
                callback()

    def check(self) -> None:
        """Raise ``CancelledError`` once ``cancel`` was called."""
        if self._cancelled.is_set():
            raise CancelledError

    def report(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` frames are finished; raises ``CancelledError``."""
        if self._progress is not None:
            self._progress(done, total)
        self.check()
