"""Makes the README's pictures: the tasks in the window and with the commands, the laboratory.

``--out`` makes them elsewhere, to be compared (``scripts/compare_pictures.py``).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from toydiff_gui.app.installed_modes import MODES, task
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes import tasks
from toydiff_gui.modes.images.settings import ATTENTION, IMAGE_CARD, IMAGE_SAMPLING, SLICE
from toydiff_gui.modes.points.at_work import HINT_SEEN, PointsAtWork
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state import remember
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import DEFAULT_LANES, LANE_RUNS, LANES, LaneSpec, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.view import LOOK, MARKED, VIEW

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
SIZE, LARGE = (1280, 800), (1440, 900)
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
LAB_LANES = (
    LaneSpec("line", path="linear"),
    LaneSpec("round", path="spherical"),
    LaneSpec("geodesic", path="geodesic"),
    LaneSpec("exact", path="linear", exact=True),
    LaneSpec("few", path="linear", steps=10),
    LaneSpec("shared", path="linear", sampler="ddpm-shared"),
    LaneSpec("guided", path="norm-guided"),
)
_DOWN = ["--from", "-1,2", "--to", "-1,-2", "--points", "500"]
_STILL, _SHEET = ["--size", "800x640"], ["--sheet", "--size", "1600x480"]
_STRIP = ["--size", "900x240"]
_DIGITS = [
    "interpolate",
    "--checkpoint",
    "mnist",
    "--from",
    "seed:3",
    "--to",
    "seed:8",
    "--steps",
    "50",
]
COMMANDS = (  # picture, command, how it is drawn
    ("1a", ["sample", "--sampler", "ddpm", "--count", "1000"], _SHEET),
    ("1b", ["interpolate", "--sampler", "ddpm", *_DOWN], _STILL),
    ("1c", ["interpolate", "--sampler", "ddpm-shared", *_DOWN], _STILL),
    ("1d-samples", ["sample", "--sampler", "ddim", "--count", "1000"], _SHEET),
    ("1d", ["interpolate", "--sampler", "ddim", *_DOWN], _STILL),
    ("1e", ["interpolate", "--sampler", "ddim", "--from", "-2,0", "--to", "2,0"], _STILL),
    ("1f-line", _DIGITS, _STRIP),
    ("1f-round", [*_DIGITS, "--path", "spherical"], _STRIP),
)


def take_window_pictures(folder: Path, out: Path) -> None:
    """Grab the window after each task has been run in it."""
    app = QApplication([])
    settings = SettingsFile(folder / "settings.json")
    settings.put(HINT_SEEN, True)
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
        lanes = shown_lanes(window.state)
        return not window.controllers.busy and all(
            window.state.at(LANE_RUNS, lane.key).status == "done" for lane in lanes
        )

    wait(
        lambda: (
            window.state.get(ENGINE).status == "ready" and window.state.get(MODEL).trained_steps > 0
        )
    )
    for name, key, t, theme in WINDOW:
        window.state.update(VIEW, theme=theme)
        tasks.apply(task(key), window.state)
        app.processEvents()
        wait(complete)
        window.playback.pause()
        window.playback.set_t(t)
        for _ in range(5):
            app.processEvents()
        window.grab().save(str(out / f"window-{name}.png"))

    points = window.mode("2d")
    assert isinstance(points, PointsAtWork)

    def at_rest() -> bool:
        parts = (points.overlays, window.diagnostics.noise_requests)
        return complete() and not any(part.busy for part in parts)

    def take(name: str, t: int) -> None:
        for _ in range(50):  # what one answer leads to is asked for a little later
            app.processEvents()
            time.sleep(0.01)
        wait(at_rest)
        window.playback.pause()
        window.playback.set_t(t)
        for _ in range(50):
            app.processEvents()
            time.sleep(0.01)
        wait(at_rest)
        app.processEvents()
        window.grab().save(str(out / f"window-{name}.png"))

    take_laboratory_pictures(window, take)
    take_image_pictures(window, wait, out)
    remember.remember(settings, window.state, MODES)
    window.close()


def take_laboratory_pictures(window: MainWindow, take: Callable[[str, int], None]) -> None:
    """The tear with the flow that makes it, the diagnostics, eight lanes in the laboratory."""
    state = window.state
    window.resize(*LARGE)
    tasks.apply(task("1e"), state)
    state.update(VIEW, theme="light")
    state.update(LOOK, overlays={"ddim": ("field",)})
    take("tear", 0)
    state.update(VIEW, theme="dark", page="diagnostics")
    state.update(LOOK, overlays={})
    take("diagnostics", 60)
    state.set(LANES, LAB_LANES)
    state.update(SAMPLING, side="right")
    overlays = {"latent": ("basin",), "guided": ("density", "field")}
    state.update(VIEW, page="explore", lab=True, train_dock=False)
    state.update(LOOK, selected_lane="geodesic", overlays=overlays)
    state.set(MARKED, 215)
    take("lab", 0)


def take_image_pictures(
    window: MainWindow, wait: Callable[[Callable[[], bool]], None], out: Path
) -> None:
    """Tiles and strips, the attention of a pixel, a slice."""
    state = window.state
    window.models.open("mnist")
    wait(lambda: state.get(MODEL).ref == "mnist")
    state.update(VIEW, theme="dark", lab=False, train_dock=True)
    state.update(LOOK, overlays={}, selected_lane="ddim")
    state.set(LANES, DEFAULT_LANES)
    state.update(IMAGE_SAMPLING, tile_class="each", guidance=1.0, path="spherical")

    def at_rest() -> bool:
        return not window.controllers.busy

    def seen(name: str, t: int, there: Callable[[], bool]) -> None:
        wait(lambda: at_rest() and there())
        window.playback.pause()
        window.playback.set_t(t)
        for _ in range(50):  # what is looked at is asked for again at another t
            QApplication.processEvents()
            time.sleep(0.01)
        wait(lambda: at_rest() and there())
        QApplication.processEvents()
        window.grab().save(str(out / f"window-{name}.png"))

    seen(
        "images",
        0,
        lambda: all(state.at(LANE_RUNS, lane.key).status == "done" for lane in shown_lanes(state)),
    )
    state.update(IMAGE_CARD, face="attention", query=(2, 3))
    seen("attention", 30, lambda: bool(state.get(ATTENTION).weights))
    state.update(VIEW, theme="light")
    state.update(IMAGE_CARD, face="slice")
    seen("slice", 0, lambda: state.get(SLICE).status == "done")


def take_command_pictures(folder: Path, out: Path) -> None:
    """Run each task with the commands and draw what they wrote."""
    toydiff = [sys.executable, "-m", "toydiff_gui"]
    for name, command, how in COMMANDS:
        npz, picture = folder / f"{name}.npz", out / f"command-{name}.png"
        first, *rest = command
        # A checkpoint that the command names itself comes later and counts.
        subprocess.run([*toydiff, first, "--checkpoint", "v", *rest, "--out", npz], check=True)
        subprocess.run([*toydiff, "render", npz, *how, "--out", picture], check=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="where they are put")
    out = parser.parse_args().out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        take_window_pictures(Path(scratch), out)
        take_command_pictures(Path(scratch), out)


if __name__ == "__main__":
    main()
