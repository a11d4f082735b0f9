"""How long after a move of the mouse the lanes show the new place of an endpoint.

    QT_QPA_PLATFORM=offscreen python -m bench.drag [--moves 60] [--samplers A,B,...] [--json]

A and B are dragged in turn with a lane of 500 points for each sampler, by default the three that
the window begins with. For each move: the time until the lane of latents shows the place, and until
all lanes show coarse trajectories that begin there and are complete; both as painted. Moves come
one after the other, each when the one before is shown, and then in a row without waiting, which
tells how many pictures a second a fast hand sees.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass

import numpy as np

from engine.shared.config import SAMPLERS, require_choice
from tests.hands.mouse_and_keys import Drag
from tests.hands.window import application, lanes_done, run_for, settle, wait_until, window
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.points.canvas.lane_view import LaneView
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.lanes import LANES, LaneSpec

LIMIT_MS = 100.0
DEFAULT_SAMPLERS = ("ddpm", "ddpm-shared", "ddim")


@dataclass
class Figures:
    """Milliseconds from the move to the painted picture."""

    latent_p50: float
    latent_p95: float
    lanes_p50: float
    lanes_p95: float
    lanes_worst: float
    moves: int
    samplers: tuple[str, ...]
    pictures_per_second: float
    full_after_release: float
    load_before: float
    limit: float = LIMIT_MS

    @property
    def ratio(self) -> float:
        """The 95th percentile to the limit."""
        return self.lanes_p95 / self.limit


class Watch:
    """Notes when each lane has been painted from where."""

    def __init__(self, main: MainWindow, lanes: tuple[str, ...]) -> None:
        self._main = main
        self._counted = lanes[-1]
        self.painted: dict[str, tuple[float, tuple[float, float], bool]] = {}
        self.pictures = 0
        for key in ("latent", *lanes):
            view = main.mode("2d").page.lane_view(key)
            assert view is not None
            view.painted.connect(lambda key=key, view=view: self._note(key, view))

    def _note(self, key: str, view: LaneView) -> None:
        lane = view.lane
        if lane is None:
            return
        if key == "latent":
            points, whole = lane.latents, True
        else:
            run = lane.trajectory
            points = run.x[0] if run is not None and run.x else None
            whole = run is not None and run.complete
        if points is not None:
            start = (float(points[0][0]), float(points[0][1]))
            before = self.painted.get(key)
            self.pictures += (
                key == self._counted and (before is None or before[1] != start) and whole
            )
            self.painted[key] = (time.perf_counter(), start, whole)

    def shows(self, key: str, place: tuple[float, float]) -> bool:
        """Whether ``key`` has been painted, complete, from ``place`` on."""
        if key not in self.painted:
            return False
        _, start, whole = self.painted[key]
        return whole and math.dist(start, place) < 1e-4

    def when(self, keys: tuple[str, ...]) -> float:
        """When the last of them was painted."""
        return max(self.painted[key][0] for key in keys)


def measure(moves: int, samplers: tuple[str, ...] = DEFAULT_SAMPLERS) -> Figures:
    """Drag, and gather the figures."""
    lanes = tuple(f"{sampler} {number}" for number, sampler in enumerate(samplers))
    specs = tuple(LaneSpec(key, sampler=name) for key, name in zip(lanes, samplers, strict=True))  # type: ignore[arg-type]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    latent, taken = [], []
    with window() as main:
        main.state.set(LANES, specs)
        settle()
        wait_until(lambda: lanes_done(main), "the lanes")
        watch = Watch(main, lanes)
        main.playback.to_data()
        settle()
        hand = Drag(main, 0)
        for move in range(moves):
            angle = 2 * math.pi * move / moves
            begin = time.perf_counter()
            hand.to(1.5 * math.cos(angle), 1.5 * math.sin(angle))
            place = main.state.get(SAMPLING).a
            # No naps in between: they would be part of what is measured.
            while not watch.shows("latent", place):
                settle(1)
            latent.append(watch.when(("latent",)) - begin)
            wait_until(
                lambda place=place: all(watch.shows(key, place) for key in lanes),  # type: ignore[misc]
                "the lanes",
            )
            taken.append(watch.when(lanes) - begin)
            run_for(0.02)
        watch.pictures = 0
        begin = time.perf_counter()
        for move in range(60):
            angle = 2 * math.pi * move / 60
            hand.to(math.cos(angle), math.sin(angle))
            run_for(1 / 60)
        pictures = watch.pictures / (time.perf_counter() - begin)
        hand.let_go()
        released = time.perf_counter()
        settle()
        wait_until(lambda: lanes_done(main), "the full lanes")
        full = time.perf_counter() - released
    latent_ms, lanes_ms = 1000 * np.array(latent), 1000 * np.array(taken)
    return Figures(
        latent_p50=float(np.percentile(latent_ms, 50)),
        latent_p95=float(np.percentile(latent_ms, 95)),
        lanes_p50=float(np.percentile(lanes_ms, 50)),
        lanes_p95=float(np.percentile(lanes_ms, 95)),
        lanes_worst=float(lanes_ms.max()),
        moves=moves,
        samplers=samplers,
        pictures_per_second=pictures,
        full_after_release=1000 * full,
        load_before=load,
    )


def _samplers(text: str) -> tuple[str, ...]:
    try:
        return tuple(require_choice("sampler", name, SAMPLERS, ()) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main() -> int:
    """Measure, print, and say by the exit status whether the limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument(
        "--samplers",
        type=_samplers,
        default=DEFAULT_SAMPLERS,
        help=f"of {', '.join(SAMPLERS)}; one lane each",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    app = application()
    figures = measure(options.moves, options.samplers)
    app.closeAllWindows()
    kept = figures.ratio <= 1
    if options.json:
        print(json.dumps({**asdict(figures), "ratio": figures.ratio}))
    else:
        print(
            f"{figures.moves} moves of {', '.join(figures.samplers)}, "
            f"load before {figures.load_before:.1f}\n"
            f"latents: p50 {figures.latent_p50:.0f} ms, p95 {figures.latent_p95:.0f} ms\n"
            f"lanes:   p50 {figures.lanes_p50:.0f} ms, p95 {figures.lanes_p95:.0f} ms, "
            f"worst {figures.lanes_worst:.0f} ms; p95 to the limit of {LIMIT_MS:.0f} ms: "
            f"{figures.ratio:.2f}{'' if kept else ' MISSED'}\n"
            f"a fast hand sees {figures.pictures_per_second:.0f} pictures a second; "
            f"all steps {figures.full_after_release:.0f} ms after the release"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
