"""A place where windows are opened, and where nothing may stay of them."""

import threading
from dataclasses import dataclass, field

import psutil
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QApplication

from tests.hands.window import settle, wait_until
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.points.at_work import HINT_SEEN
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.style import theme


def active_timers(window):
    """Timers of the window that would go off."""
    return [timer for timer in window.findChildren(QTimer) if timer.isActive()]


def visible_windows():
    """Windows that are on the screen."""
    return [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


def engine_process(window):
    """The process of the window's engine; None if there is none."""
    number = getattr(window.link.thread_in_charge, "process_id", None)
    return psutil.Process(number) if number is not None else None


@dataclass
class Workshop:
    """Makes windows that share one settings file and one folder, and sees them off."""

    folder: object
    made: list = field(default_factory=list)
    threads: set = field(default_factory=lambda: set(threading.enumerate()))
    processes: set = field(default_factory=lambda: set(psutil.Process().children(recursive=True)))
    seen: set = field(default_factory=lambda: set(visible_windows()))

    @property
    def runs_folder(self):
        return self.folder / "Läufe 1"

    def settings(self):
        self.folder.mkdir(exist_ok=True)
        return SettingsFile(self.folder / "Einstellungen ä.json")

    def open(self, *, hint=False, start=True, size=(1440, 900), **options):
        settings = self.settings()
        if not hint:
            settings.put(HINT_SEEN, True)
        window = MainWindow(settings, runs_folder=self.runs_folder, **options)
        self.made.append(window)
        if size:
            window.resize(*size)
        window.show()
        window.activateWindow()
        wait_until(window.isActiveWindow, "the window")
        settle()
        if start:
            window.start_engine()
        return window

    def close(self, window):
        """Close a window and see that nothing of it stays."""
        self.made.remove(window)
        process = engine_process(window)
        window.close()
        assert window.link.thread_in_charge is None
        assert process is None or not process.is_running()
        settle()
        wait_until(lambda: not active_timers(window), "the last timers")
        assert not [thread for thread in window.findChildren(QThread) if thread.isRunning()]
        window.deleteLater()
        settle()

    def lock_up(self):
        """Close what is still open; nothing may be left of any of them."""
        for window in list(self.made):
            self.close(window)
        left = {
            thread
            for thread in set(threading.enumerate()) - self.threads
            if not isinstance(thread, threading._DummyThread)  # traces of a QThread that was
        }
        assert not left
        assert not set(psutil.Process().children(recursive=True)) - self.processes
        assert not set(visible_windows()) - self.seen
        theme.set_theme(theme.Theme())
        QApplication.instance().setStyleSheet("")
