"""An export that runs beside the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal, Slot

from toydiff_gui.export.control import Control
from toydiff_gui.export.errors import CancelledError, ExportError

Outcome = tuple[str, str]
"""The path that was written, and a note for the user."""
Work = Callable[[Control], Outcome]


class _Thread(QThread):
    """Runs one piece of work; keeps its outcome as data.

    Signals:
        progressed(int, int): so many frames of so many are done.
    """

    progressed = Signal(int, int)

    def __init__(self, work: Work, parent: QObject) -> None:
        super().__init__(parent)
        self._work = work
        self.control = Control(self.progressed.emit)
        self.outcome: Outcome | None = None
        self.error = ""

    def run(self) -> None:
        """Do the work; an error is a result."""
        try:
            self.outcome = self._work(self.control)
        except CancelledError:
            pass
        except ExportError as error:
            self.error = str(error)
        except MemoryError:
            self.error = "there is not enough memory for this export; choose a smaller size"
        except Exception as error:  # a bug must not take the window along
            self.error = f"the export failed unexpectedly: {type(error).__name__}: {error}"


class ExportJob(QObject):
    """Runs ``work`` in a thread of its own; give it nothing that the window still changes.

    Signals:
        progressed(int done, int total): so many frames are done.
        finished(str path, str note): the export is complete.
        failed(str message): it is not, and nothing was written.
        cancelled(): it was stopped, and nothing was written.
    """

    progressed = Signal(int, int)
    finished = Signal(str, str)
    failed = Signal(str)
    cancelled = Signal()

    def __init__(self, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = _Thread(work, self)
        self._thread.progressed.connect(self.progressed)
        self._thread.finished.connect(self._conclude)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    @property
    def running(self) -> bool:
        """Whether the work goes on."""
        return self._thread.isRunning()

    def start(self) -> None:
        """Begin."""
        self._thread.start(QThread.Priority.LowPriority)

    def cancel(self) -> None:
        """Ask it to stop; it does within a frame and tells so by ``cancelled``."""
        self._thread.control.cancel()

    @Slot()
    def stop(self) -> None:
        """Cancel and wait until the thread has ended and its files are gone."""
        self.cancel()
        self._thread.wait()

    @Slot()
    def _conclude(self) -> None:
        thread = self._thread
        if thread.outcome is not None:
            self.finished.emit(*thread.outcome)
        elif thread.error:
            self.failed.emit(thread.error)
        else:
            self.cancelled.emit()
