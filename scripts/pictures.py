"""Makes the pictures of the README: the tasks in the window, and again with the commands."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from toydiff_gui import memory, scenes
from toydiff_gui.main_window import HINT_SEEN, MainWindow

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
SIZE = (1280, 800)
PATIENCE = 120.0

WINDOW = (  # picture, task, t, theme
    ("1a", "1a", 60, "dark"),
    ("1b", "1b", 0, "dark"),
    ("1c", "1c", 0, "dark"),
    ("1d-samples", "1d-samples", 30, "dark"),
    ("1d", "1d-path", 60, "dark"),
    ("1e", "1e", 0, "dark"),
    ("1e-light", "1e", 0, "light"),
)
_DOWN = ["--from", "-1,2", "--to", "-1,-2", "--points", "500"]
_STILL, _SHEET = ["--size", "800x640"], ["--sheet", "--size", "1600x480"]
COMMANDS = (  # picture, command, how it is drawn
    ("1a", ["sample", "--sampler", "ddpm", "--count", "1000"], _SHEET),
    ("1b", ["interpolate", "--sampler", "ddpm", *_DOWN], _STILL),
    ("1c", ["interpolate", "--sampler", "ddpm-shared", *_DOWN], _STILL),
    ("1d-samples", ["sample", "--sampler", "ddim", "--count", "1000"], _SHEET),
    ("1d", ["interpolate", "--sampler", "ddim", *_DOWN], _STILL),
    ("1e", ["interpolate", "--sampler", "ddim", "--from", "-2,0", "--to", "2,0"], _STILL),
)


def take_window_pictures(folder: Path) -> None:
    """Grab the window after each task has been run in it."""
    app = QApplication([])
    settings = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue(HINT_SEEN, True)
    window = MainWindow(settings, runs_folder=folder / "runs")
    window.resize(*SIZE)
    window.show()
    window.start_engine()

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come as far as its picture")
            app.processEvents()
            time.sleep(0.005)

    def complete() -> bool:
        lanes = window.state.shown_lanes
        return not window.conductor.busy and all(
            window.state.run(lane.key).status == "done" for lane in lanes
        )

    wait(lambda: window.state.engine.status == "ready" and window.state.model.trained_steps > 0)
    for name, key, t, theme in WINDOW:
        window.state.update_view(theme=theme)
        scenes.apply(scenes.task(key), window.state)
        app.processEvents()
        wait(complete)
        window.playback.pause()
        window.playback.set_t(t)
        for _ in range(5):
            app.processEvents()
        window.grab().save(str(FOLDER / f"window-{name}.png"))
    memory.remember(settings, window.state)
    window.close()


def take_command_pictures(folder: Path) -> None:
    """Run each task with the commands and draw what they wrote."""
    toydiff = [sys.executable, "-m", "toydiff_gui"]
    for name, command, how in COMMANDS:
        npz, out = folder / f"{name}.npz", FOLDER / f"command-{name}.png"
        first, *rest = command
        subprocess.run([*toydiff, first, "--checkpoint", "v", *rest, "--out", npz], check=True)
        subprocess.run([*toydiff, "render", npz, *how, "--out", out], check=True)


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        take_window_pictures(Path(scratch))
        take_command_pictures(Path(scratch))


if __name__ == "__main__":
    main()
