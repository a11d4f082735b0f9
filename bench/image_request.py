"""How soon a request for samples is on the screen, and how soon it is complete.

    QT_QPA_PLATFORM=offscreen python -m bench.image_request [--checkpoint digits] [--rounds 7]
                                                            [--json]

The die of the seed is clicked in a window whose engine has loaded: the time until the first frame
of the new samples is painted, and until their last is, the strips of the path coming meanwhile.
Then as many samples are drawn without a window, with threads that wait asleep, as in the commands.
Each as a share of its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when torch is loaded

from engine.shared.trajectory import Trajectory
from tests.hands.window import application, lanes_done, settle, wait_until, window
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL

FIRST_LIMIT, WHOLE_LIMIT = 0.5, 2.0
"""Seconds: to the first frame on the screen, and for all samples."""


@dataclass
class Figures:
    """Seconds, medians and the worst of all rounds."""

    first: float
    first_worst: float
    whole: float
    whole_worst: float
    alone: float
    alone_worst: float
    rounds: int
    samples: int
    steps: int
    load_before: float

    @property
    def ratios(self) -> dict[str, float]:
        """What was taken over what is allowed."""
        return {
            "first": self.first / FIRST_LIMIT,
            "whole": self.whole / WHOLE_LIMIT,
            "alone": self.alone / WHOLE_LIMIT,
        }


class Watch:
    """Notes when a frame of samples other than those of before is on the screen."""

    def __init__(self, main: MainWindow, before: Trajectory | None) -> None:
        self._main, self._before = main, before
        self.first = self.whole = 0.0
        self._connection = main.mode("images").page.samples.painted.connect(self._note)

    def _note(self) -> None:
        shown = self._main.mode("images").page.scene.tiles.trajectory
        if shown is None or shown is self._before or not shown.x:
            return
        self.first = self.first or time.perf_counter()
        if shown.complete:
            self.whole = self.whole or time.perf_counter()

    def stop(self) -> None:
        """Note nothing more."""
        self._main.mode("images").page.samples.painted.disconnect(self._connection)


def in_window(checkpoint: str, rounds: int) -> tuple[list[float], list[float]]:
    """For each click, the seconds to the first frame and to the last."""
    first, whole = [], []
    with window() as main:
        main.models.open(checkpoint)
        wait_until(lambda: main.state.get(MODEL).ref == checkpoint, "the model")
        die = main.mode("images").sample_dock.start.seed_field.dice_button
        assert die is not None
        for _ in range(rounds + 1):
            settle()
            wait_until(lambda: lanes_done(main), "the strips")
            watch = Watch(main, main.state.at(LANE_RUNS, SAMPLES_KEY).trajectory)
            began = time.perf_counter()
            die.click()
            while not watch.whole:
                settle(1)  # no naps in between: they would be part of what is measured
            watch.stop()
            first.append(watch.first - began)
            whole.append(watch.whole - began)
    return first[1:], whole[1:]  # the first of all warms up


def alone(checkpoint: str, rounds: int, samples: int, steps: int) -> list[float]:
    """Seconds for the same samples in this process."""
    import engine

    loaded = engine.load_checkpoint(checkpoint)
    seconds = []
    for seed in range(rounds + 1):
        latents = engine.draw_latents(seed=seed, count=samples, shape=loaded.shape)
        began = time.perf_counter()
        sampler = engine.DDIM(steps=steps)
        for _ in engine.sample(loaded.denoiser, loaded.schedule, latents, sampler=sampler):
            pass
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def measure(checkpoint: str, rounds: int) -> Figures:
    """All of it."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    first, whole = in_window(checkpoint, rounds)
    samples, steps = 64, 50  # what the window begins with
    by_itself = alone(checkpoint, rounds, samples, steps)
    return Figures(
        first=statistics.median(first),
        first_worst=max(first),
        whole=statistics.median(whole),
        whole_worst=max(whole),
        alone=statistics.median(by_itself),
        alone_worst=max(by_itself),
        rounds=rounds,
        samples=samples,
        steps=steps,
        load_before=load,
    )


def main() -> int:
    """Measure, print, and say by the exit status whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checkpoint", default="digits")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    app = application()
    figures = measure(options.checkpoint, options.rounds)
    app.closeAllWindows()
    ratios = figures.ratios
    if options.json:
        print(json.dumps({**asdict(figures), "ratios": ratios}))
    else:
        print(
            f"{figures.samples} samples of {options.checkpoint!r}, DDIM, {figures.steps} steps, "
            f"load before {figures.load_before:.1f}"
        )
        for name, what in (
            ("first", "first frame painted"),
            ("whole", "last frame painted"),
            ("alone", "without a window"),
        ):
            usual, worst = getattr(figures, name), getattr(figures, f"{name}_worst")
            missed = " MISSED" if ratios[name] > 1 else ""
            print(
                f"{what}: {usual:.2f} s (worst {worst:.2f} s), "
                f"to its limit {ratios[name]:.2f}{missed}"
            )
    return 0 if max(ratios.values()) <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
