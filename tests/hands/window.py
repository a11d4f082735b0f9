"""A window to measure: its own settings and runs, and an event loop that waits for conditions."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QEventLoop, QTimer  # Qt must find the platform above
from PySide6.QtWidgets import QApplication

from toydiff_gui.app.window import MainWindow
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, shown_lanes
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.view import VIEW

PATIENCE = 120.0


def application() -> QApplication:
    """The application; whoever asked for it keeps it until all windows are gone."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return app


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Let events run until ``condition`` holds; raises ``TimeoutError`` naming ``what``."""
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        run_for(0.005)


def settle(rounds: int = 6) -> None:
    """Let what is due happen: queued signals, timers without delay, painting, deleting."""
    for _ in range(rounds):
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def run_for(seconds: float) -> None:
    """Let events run, sleeping in between as a program at rest does."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


@contextmanager
def window(size: tuple[int, int] = (1440, 900), engine: str = "process") -> Iterator[MainWindow]:
    """A window with the bundled model, all three lanes computed, its hint dismissed, standing."""
    if QApplication.instance() is None:
        raise RuntimeError("call application() first and keep what it returns")
    with tempfile.TemporaryDirectory(prefix="toydiff-bench-", ignore_cleanup_errors=True) as name:
        settings = SettingsFile(Path(name) / "settings.json")
        settings.put("window/hint_seen", True)
        main = MainWindow(settings, runs_folder=Path(name) / "runs", engine=engine)  # type: ignore[arg-type]
        main.state.update(VIEW, theme="dark")
        main.resize(*size)
        main.show()
        main.start_engine()
        try:
            wait_until(lambda: main.state.get(ENGINE).status == "ready", "the engine")
            wait_until(lambda: lanes_done(main), "the lanes")
            main.playback.pause()
            yield main
        finally:
            main.close()
            main.deleteLater()
            settle()


def lanes_done(main: MainWindow) -> bool:
    """Whether every lane or strip that is shown has all its frames, in full."""
    state = main.state
    runs = [state.at(LANE_RUNS, lane.key) for lane in shown_lanes(state)]
    busy = main.controllers.busy
    return not busy and all(run.status == "done" and not run.coarse for run in runs)
