"""Ctrl-C and a request to end close the window as its user would, so that nothing is lost."""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class Interrupts(QObject):
    """Listens for SIGINT and SIGTERM.

    Python runs its handlers only between two of its own instructions, and Qt's loop waits outside
    of them; the byte that Python writes to a socket for each signal wakes the loop.

    Signals:
        asked_to_end: somebody wants the program to end.
    """

    asked_to_end = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)
        self._before = {
            number: signal.signal(number, _leave_it_to_the_socket)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def stop(self) -> None:
        """Give the signals back."""
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._reader.close()
        self._writer.close()

    def _woken(self) -> None:
        numbers = self._reader.recv(64)
        if any(number in self._before for number in numbers):
            self.asked_to_end.emit()


def _leave_it_to_the_socket(number: int, frame: object) -> None:
    pass
