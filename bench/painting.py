"""How long a frame takes to paint, beside pyqtgraph's ScatterPlotItem in the same run.

    QT_QPA_PLATFORM=offscreen python -m bench.painting [--json]

Both draw a frame of points that all have moved, into an 800x800 view. Medians; the ratio counts,
since milliseconds drift with the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pyqtgraph as pg  # Qt must find the platform above
from PySide6.QtWidgets import QApplication

from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.points.canvas.lane_grid import LaneGrid
from toydiff_gui.modes.points.overlays.field import FieldLayer
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.state.store import Store

SIZE = 800
COUNTS = (1_000, 10_000, 100_000)
FRAMES = 24
WARM_UP = 4

Frame = NDArray[np.float32]


def _frames(count: int, seed: int = 0, *, ordered: bool = False) -> list[Frame]:
    """A cloud that turns; ``ordered`` gives a curve, whose neighbours lie close together."""
    points = np.random.default_rng(seed).normal(0.0, 0.8, (count, 2))
    if ordered:
        along = np.linspace(-1.0, 1.0, count)
        points = np.stack([2.0 * along, np.sin(3.0 * along)], axis=1)
    turns = np.exp(1j * np.linspace(0.0, 1.0, FRAMES + WARM_UP))
    flat = points[:, 0] + 1j * points[:, 1]
    return [
        np.stack([(flat * turn).real, (flat * turn).imag], axis=1).astype(np.float32)
        for turn in turns
    ]


def _milliseconds(show: Callable[[int], None]) -> float:
    """The median over the frames, after a few that do not count."""
    taken = []
    for index in range(FRAMES + WARM_UP):
        begin = time.perf_counter()
        show(index)
        taken.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(taken[WARM_UP:])


def _scatter(count: int) -> float:
    view = pg.GraphicsView()
    view.resize(SIZE, SIZE)
    box = pg.ViewBox()
    box.setAspectLocked(True)
    view.setCentralItem(box)
    item = pg.ScatterPlotItem(size=4, pen=None, brush="w")
    box.addItem(item)
    box.setRange(xRange=(-3, 3), yRange=(-3, 3), padding=0)
    view.show()
    frames = _frames(count)

    def show(index: int) -> None:
        item.setData(pos=frames[index])
        view.viewport().repaint()

    result = _milliseconds(show)
    view.close()
    return result


def _field(times: list[int]) -> FieldLayer:
    """Some noise for the places of a grid of 24 by 24."""
    side = np.linspace(-2.6, 2.6, 24)
    x, y = np.meshgrid(side, side[::-1])
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    eps = {t: np.tanh(points * (1.0 + t / len(times))) for t in times}
    return FieldLayer((-2.6, 2.6, -2.6, 2.6), 24, points, eps)


def _lanes(
    count: int,
    lanes: int,
    joined: bool,
    width: int,
    height: int,
    overlays: tuple[str, ...] = (),
    *,
    marks: bool = False,
) -> float:
    """Frames of the whole canvas: background, overlays, points, strips, headers with measures.

    With ``marks`` the time stands and the pointer goes along a strip instead.
    """
    grid = LaneGrid(Store())
    grid.resize(width, height)
    times = list(range(FRAMES + WARM_UP - 1, -1, -1))
    data = np.random.default_rng(9).normal(0.0, 0.8, (8000, 2)).astype(np.float32)
    table = np.linspace(1.0, 0.1, len(times))
    norms = np.linspace(0.0, 2.0, count)
    scenes = []
    for number in range(1, lanes + 1):
        # As with a path: independent noise scatters one lane, the others keep the order.
        frames = _frames(count, number, ordered=joined and number > 1)
        trajectory = Trajectory(tuple(times), tuple(frames), tuple(frames))
        scenes.append(
            LaneScene(
                f"lane{number}",
                number,
                f"Lane {number}",
                "250 steps",
                trajectory=trajectory,
                joined=joined,
                data=data,
                overlays=frozenset(overlays),
                alphas_cumprod=table,
                cloud=data,
                layers={"field": _field(times)} if "field" in overlays else {},
                latent_norms=norms if joined else None,
                prior_norms=(0.2, 1.2, 2.7),
                marked=0 if marks else None,
            )
        )
    grid.set_scene(Scene(tuple(scenes), times[0], table))
    grid.show()
    QApplication.processEvents()
    views = [grid.lane_view(scene.key) for scene in scenes]

    def show(index: int) -> None:
        if marks:
            moved = tuple(replace(scene, marked=index) for scene in scenes)
            grid.set_scene(Scene(moved, times[0], table))
        else:
            grid.set_t(times[index])
        for view in views:
            assert view is not None
            view.plot.viewport().repaint()  # headers and strips that wait are painted with it

    result = _milliseconds(show)
    grid.close()
    return result


def measure() -> dict[str, float]:
    """All figures, in milliseconds and as ratios."""
    figures: dict[str, float] = {}
    for count in COUNTS:
        ours = _lanes(count, 1, False, SIZE, SIZE)
        peer = _scatter(count)
        figures[f"lane, {count} points, ms"] = ours
        figures[f"ScatterPlotItem, {count} points, ms"] = peer
        figures[f"ratio, {count} points"] = ours / peer
    figures["four lanes of 1000 points, ms"] = _lanes(1000, 4, False, 830, 670)
    path = _lanes(1000, 4, True, 830, 670)
    figures["four lanes of paths of 1000 points, one scattered, ms"] = path
    for overlays in (("density", "field"), ("density", "trajectories")):
        three = _lanes(500, 3, True, 830, 670, overlays)
        figures[f"three lanes of 500 points, {' and '.join(overlays)}, ms"] = three
    figures["eight lanes of 500 points, ms"] = _lanes(500, 8, True, 1060, 680)
    pointing = _lanes(500, 8, True, 1060, 680, marks=True)
    figures["eight lanes of 500 points, pointing at a strip, ms"] = pointing
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    figures = measure()
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:<56} {value:8.2f}")
    del app


if __name__ == "__main__":
    main()
