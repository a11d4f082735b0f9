"""How long mode Images takes to paint, beside drawing tile by tile in the same run.

    QT_QPA_PLATFORM=offscreen python -m bench.image_painting [--json]

Both draw the same tiles, all of them new, at the same place into the same picture. Medians of
processor time, which other programs do not lengthen much; the ratio counts.
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

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRectF  # Qt must find the platform above
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from engine.datasets.images import ImageSet, standardisation_of
from tests.hands.image_scenes import image_scene
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.canvas.page import ImagePage
from toydiff_gui.modes.images.drawing.page import tiles_layout_of
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.drawing.tiles import TilesLayout, paint_tiles
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER
from toydiff_gui.state.store import Store
from toydiff_gui.style.theme import Theme

FRAMES, WARM_UP = 40, 6
CARD = QRectF(0, 0, 374, 394)
"""The card of the samples in a window of 1440 x 900."""
PAGE = (848, 688)


def some_images(side: int, channels: int, count: int = 512) -> ImageSet:
    """Random images: what is in them does not matter to how long they take."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, channels, side, side), np.uint8)
    labels = np.zeros(count, np.int64)
    return ImageSet("random", images, labels, (), standardisation_of(images))


def _milliseconds(show: Callable[[int], object]) -> float:
    """The median over the frames, after a few that do not count."""
    taken = []
    for index in range(FRAMES + WARM_UP):
        begin = time.thread_time()
        show(index)
        taken.append(1e3 * (time.thread_time() - begin))
    return statistics.median(taken[WARM_UP:])


def _tile_by_tile(painter: QPainter, layout: TilesLayout, scene: ImageScene, t: float) -> None:
    """An image for every tile, scaled by Qt: what comes to mind first."""
    states = scene.tiles.states_at(t)
    assert states is not None
    for index, state in enumerate(states):
        pixels = np.ascontiguousarray(scene.pixels(state).transpose(1, 2, 0))
        high, wide, channels = pixels.shape
        kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
        image = QImage(pixels.data, wide, high, channels * wide, kind)
        painter.drawImage(layout.tile(index), image)


def _pair(count: int, side: int, channels: int) -> tuple[float, float]:
    """All tiles at once, and tile by tile, in milliseconds."""
    scene = image_scene(some_images(side, channels), count=count, attends=False)
    scene = replace(scene, tiles=replace(scene.tiles, marks={}, pinned=None))
    style = LaneStyle.of(Theme())
    layout = tiles_layout_of(CARD, scene, style)
    times = scene.tiles.trajectory.t if scene.tiles.trajectory is not None else [0]
    image = QImage(round(CARD.width()), round(CARD.height()), QImage.Format.Format_RGB32)

    def frame(paint: Callable[[QPainter, float], object]) -> Callable[[int], None]:
        def show(index: int) -> None:
            painter = QPainter(image)
            painter.fillRect(CARD, QColor(style.palette.canvas))
            paint(painter, float(times[index % len(times)]))
            painter.end()

        return show

    ours = _milliseconds(
        frame(lambda painter, t: paint_tiles(Paper(painter, scene, t, style), layout))
    )
    peer = _milliseconds(frame(lambda painter, t: _tile_by_tile(painter, layout, scene, t)))
    return ours, peer


def _page(face: str, side: int, hover: bool) -> float:
    """The whole page in milliseconds: another time each frame, or another tile pointed at."""
    state = Store()
    page = ImagePage(state)
    page.resize(*PAGE)
    scene = image_scene(some_images(side, 1), face=face)  # type: ignore[arg-type]
    state.update(IMAGE_CARD, face=face)
    page.set_scene(scene)
    page.show()
    QApplication.processEvents()
    run = scene.tiles.trajectory
    assert run is not None

    def show(index: int) -> None:
        if hover:
            state.update(IMAGE_POINTER, hovered_tile=index % 64)
            assert scene.looked_at is not None
            looked = replace(scene.looked_at, index=index % 64)
            page.set_scene(replace(scene, looked_at=looked))
        else:
            page.set_t(run.t[index % len(run.t)])
        QApplication.processEvents()

    result = _milliseconds(show)
    page.close()
    return result


def measure() -> dict[str, float]:
    """All figures, in milliseconds and as ratios."""
    figures: dict[str, float] = {}
    for count, side, channels in ((64, 28, 1), (64, 8, 1), (64, 32, 3), (400, 28, 1)):
        name = f"{count} tiles of {side}x{side}" + (" in colour" if channels == 3 else "")
        ours, peer = _pair(count, side, channels)
        figures[f"{name}, ms"] = ours
        figures[f"{name}, one by one, ms"] = peer
        figures[f"ratio, {name}"] = ours / peer
    for face in ("picture", "attention", "slice"):
        figures[f"page with {face}, another time, ms"] = _page(face, 28, hover=False)
    figures["page, another tile pointed at, ms"] = _page("picture", 28, hover=True)
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
