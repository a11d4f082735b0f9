"""Is the film fluent while the window trains, and does the training keep its speed?

    QT_QPA_PLATFORM=offscreen python -m bench.fluency [--pairs 3] [--seconds 10] [--json]

In pairs of runs, in turn: the window trains while it plays three lanes of 500 points in a loop; the
same engine gets the same requests without a window. Printed are the intervals between painted
frames that differ in t (without the rest at the end of the loop) and the ratio of the speeds. A
busy machine spoils the figures: the load before the runs is printed with them.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from engine.shared import messages
from engine.shared.config import SamplerConfig, TrainingConfig
from engine.shared.messages import Packet
from engine.shared.wire import read_packet, write_packet
from tests.hands.window import application, wait_until, window
from toydiff_gui.engine_client.command import engine_command, engine_environment
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG

LIMIT_P95_MS, LIMIT_SPEED = 20.0, 0.9
SETTLE_SNAPSHOTS = 2
"""Snapshots of a training before its speed counts: the first ones load what they need."""
CONFIG = TrainingConfig(steps=100_000_000, checkpoint_every=1000)
LANES = ("ddpm", "ddpm-shared", "ddim")
A, B, POINTS, SEED = (-1.0, 2.0), (-1.0, -2.0), 500, 5


@dataclass
class Figures:
    """Intervals in milliseconds; speeds in updates per second, a pair each."""

    p50: float
    p95: float
    worst: float
    frames: int
    with_window: list[float]
    without_window: list[float]
    p95_of_runs: list[float]
    ratio: float
    load_before: float
    limit_p95: float = LIMIT_P95_MS
    limit_ratio: float = LIMIT_SPEED


class Pace:
    """The speed of a training, from the snapshots as they come in."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def note(self, packet: Packet) -> None:
        """Take note of a snapshot; other packets do not matter."""
        if isinstance(packet.message, messages.Snapshot):
            self._seen.append((time.perf_counter(), packet.message.step))

    @property
    def settled(self) -> bool:
        """Whether measuring has begun."""
        return len(self._seen) >= SETTLE_SNAPSHOTS

    @property
    def seconds(self) -> float:
        """How long it has been measured."""
        if not self.settled:
            return 0.0
        return self._seen[-1][0] - self._seen[SETTLE_SNAPSHOTS - 1][0]

    @property
    def speed(self) -> float:
        """Updates per second."""
        steps = self._seen[-1][1] - self._seen[SETTLE_SNAPSHOTS - 1][1]
        return steps / self.seconds


def with_window(
    seconds: float, profile: cProfile.Profile | None = None
) -> tuple[float, list[float]]:
    """Train and play in the window: updates per second, intervals in seconds."""
    with window() as main:
        main.state.update(TRAINING_CONFIG, **vars(CONFIG))
        pace = Pace()
        main.link.received.connect(pace.note)
        main.playback.set_loop(True)
        main.playback.play()
        main.training.train()
        wait_until(lambda: pace.settled, "the first snapshots")
        painted: list[tuple[float, int]] = []
        main.mode("2d").page.frame_painted.connect(
            lambda t: painted.append((time.perf_counter(), t))
        )
        if profile:
            profile.enable()
        wait_until(lambda: pace.seconds >= seconds, "the training", seconds + 60)
        if profile:
            profile.disable()
        main.playback.pause()
        main.training.stop()
        wait_until(lambda: not main.state.get(TRAINING).active, "the end of the training")
    intervals = [
        after - before
        for (before, first), (after, second) in itertools.pairwise(painted)
        # From t = 0 the loop goes on after a rest.
        if first != second and first != 0
    ]
    return pace.speed, intervals


def without_window(seconds: float) -> float:
    """The same requests to the same engine, read by a program that does nothing else."""
    with tempfile.TemporaryDirectory(prefix="toydiff-bench-", ignore_cleanup_errors=True) as name:
        process = subprocess.Popen(
            engine_command("serve", "--device", "auto"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=engine_environment(),
        )
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        write_packet(stdin, Packet(messages.Open(job=1, checkpoint="v")))
        ends = {"start": np.float32(A), "end": np.float32(B)}
        for job, lane in enumerate(LANES, 2):
            request = messages.Interpolate(
                job=job,
                slot=lane,
                checkpoint="v",
                sampler=SamplerConfig(name=lane, steps=250),  # type: ignore[arg-type]
                points=POINTS,
                seed=SEED,
            )
            write_packet(stdin, Packet(request, {k: np.asarray(v) for k, v in ends.items()}))
        done = 0
        while done <= len(LANES):
            done += isinstance(_read(stdout).message, messages.Result)
        out = str(Path(name) / "run")
        write_packet(stdin, Packet(messages.Train(job=9, config=CONFIG, out=out)))
        pace = Pace()
        while pace.seconds < seconds:
            pace.note(_read(stdout))
        stdin.close()
        while read_packet(stdout) is not None:
            pass
        process.wait()
        stdout.close()
    return pace.speed


def _read(stream: IO[bytes]) -> Packet:
    packet = read_packet(stream)
    if packet is None:
        raise RuntimeError("the engine has ended")
    return packet


def measure(pairs: int, seconds: float, profile: cProfile.Profile | None = None) -> Figures:
    """Run ``pairs`` of ``seconds`` each and gather the figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    intervals: list[float] = []
    p95s: list[float] = []
    ours: list[float] = []
    theirs: list[float] = []
    for pair in range(pairs):
        for which in (0, 1) if pair % 2 == 0 else (1, 0):
            if which == 0:
                speed, seen = with_window(seconds, profile)
                ours.append(speed)
                intervals += seen
                p95s.append(1000 * float(np.percentile(seen, 95)))
            else:
                theirs.append(without_window(seconds))
    milliseconds = 1000 * np.array(intervals)
    return Figures(
        p50=float(np.percentile(milliseconds, 50)),
        p95=float(np.percentile(milliseconds, 95)),
        worst=float(milliseconds.max()),
        frames=len(intervals),
        with_window=ours,
        without_window=theirs,
        p95_of_runs=p95s,
        ratio=sum(ours) / sum(theirs),
        load_before=load,
    )


def main() -> int:
    """Measure, print, and say by the exit status whether both limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true", help="where the window's time goes")
    options = parser.parse_args()
    profile = cProfile.Profile() if options.profile else None
    app = application()
    figures = measure(options.pairs, options.seconds, profile)
    app.closeAllWindows()
    fluent, unslowed = figures.p95 <= LIMIT_P95_MS, figures.ratio >= LIMIT_SPEED
    if options.json:
        print(json.dumps(asdict(figures)))
    else:
        print(
            f"{figures.frames} frames, load before {figures.load_before:.1f}\n"
            f"interval p50 {figures.p50:.1f} ms, p95 {figures.p95:.1f} ms "
            f"(limit {LIMIT_P95_MS:.0f}{'' if fluent else ': MISSED'}), "
            f"worst {figures.worst:.0f} ms"
        )
        for ours, theirs, p95 in zip(
            figures.with_window, figures.without_window, figures.p95_of_runs, strict=True
        ):
            print(
                f"updates/s with window {ours:.0f}, without {theirs:.0f}: {ours / theirs:.2f}; "
                f"p95 {p95:.1f} ms"
            )
        print(f"ratio {figures.ratio:.2f} (limit {LIMIT_SPEED}{'' if unslowed else ': MISSED'})")
    if profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(30)
    return 0 if fluent and unslowed else 1


if __name__ == "__main__":
    sys.exit(main())
