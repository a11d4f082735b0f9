"""What the lanes of every mode have in common: how a trajectory grows, and where it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from engine.shared import catalogue, messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import AnyReport, Arrays
from engine.shared.trajectory import Trajectory
from toydiff_gui.engine_client.wanted import Answer
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun
from toydiff_gui.state.store import Store

COARSE_EVALUATIONS, FEWEST_COARSE_EVALUATIONS, FIRST_COARSE_EVALUATIONS = 20, 6, 12
"""While dragging: for a lane at most, at least, and before the pace is known."""
BATCH_MS = 50.0
"""What all lanes together may take: the picture follows the hand within a tenth of a second."""

PREFIX = "lane:"


def lane_key(key: str) -> str:
    """The exchange's key for a lane's answer."""
    return f"{PREFIX}{key}"


def is_of_lane(key: str) -> bool:
    """Whether a key of the exchange is that of a lane's answer."""
    return key.startswith(PREFIX)


class Pace:
    """How many evaluations of the network a lane may take while a hand drags."""

    def __init__(self) -> None:
        self.evaluations = FIRST_COARSE_EVALUATIONS

    def fit(self, sampler: SamplerConfig) -> SamplerConfig:
        """The same sampler with so few steps that the lanes keep up with the hand."""
        each = catalogue.sampler(sampler.name).evaluations  # of a step
        most = (self.evaluations + each - 1) // each
        return replace(sampler, steps=min(sampler.steps or most, most))

    def learn(self, took_ms: float) -> None:
        """Fit the number to what the batch that has just been shown has taken."""
        took = max(1.0, took_ms)
        if took > BATCH_MS:
            fitting = int(self.evaluations * BATCH_MS / took)
            self.evaluations = max(FEWEST_COARSE_EVALUATIONS, fitting)
        elif took < 0.8 * BATCH_MS:
            self.evaluations = min(COARSE_EVALUATIONS, self.evaluations + 1)


def run_collector(
    meta: Mapping[str, Any], *, coarse: bool = False
) -> Callable[[Any, AnyReport, Arrays], LaneRun]:
    """Makes a ``LaneRun`` of frames; ``meta`` goes into its trajectory."""

    def collect(run: LaneRun | None, message: AnyReport, arrays: Arrays) -> LaneRun:
        run = run or LaneRun(status="running", coarse=coarse)
        match message:
            case messages.Frame():
                so_far = run.trajectory or Trajectory(tuple(message.times), meta=meta)
                return replace(run, trajectory=so_far.with_frame(arrays["x"], arrays["x0"]))
            case messages.Result():
                off_data = message.info.get("off_data")
                return replace(run, status="done", seconds=message.seconds, off_data=off_data)
        return run

    return collect


def show_run(store: Store, key: str, answer: Answer) -> None:
    """Put what has come of a trajectory into the run at ``key``."""
    run: LaneRun = store.at(LANE_RUNS, key)
    match answer.status:
        case "empty":
            store.put(LANE_RUNS, key, LaneRun())
        case "running" if answer.value is None:
            if run.trajectory is None and run.status != "running":
                store.put(LANE_RUNS, key, LaneRun(status="running"))
        case "running" | "done":
            store.put(LANE_RUNS, key, answer.value)
        case "failed":
            store.put(LANE_RUNS, key, LaneRun(status="failed", message=answer.message))
        case "lost":
            if run.status == "running":
                run = answer.value or run
                store.put(LANE_RUNS, key, replace(run, status="failed", message=answer.message))
        case "stopped":
            _show_stopped(store, key, answer, run)


def _show_stopped(store: Store, key: str, answer: Answer, run: LaneRun) -> None:
    """What has come stays; it says why where nothing has."""
    if answer.value is not None:
        run = answer.value
    if run.status != "running":
        return  # of older settings, and complete: nothing newer has come
    there = run.trajectory is not None and bool(run.trajectory.x)
    # Neither done nor failed: it holds what has come and waits for nothing.
    whole = run.trajectory is not None and run.trajectory.complete and not run.coarse
    message = "" if there else answer.message
    status: Literal["done", "empty"] = "done" if whole else "empty"
    store.put(LANE_RUNS, key, replace(run, status=status, message=message))


def shower(store: Store, key: str) -> Callable[[Answer], None]:
    """Shows answers in the run at ``key``."""
    return partial(show_run, store, key)


def put_run(store: Store, key: str, run: LaneRun) -> None:
    """Put a run without a trajectory of its own, or a preview, unless it stands there already."""
    before: LaneRun = store.at(LANE_RUNS, key)
    same = (before.status, before.message) == (run.status, run.message)
    if not same or before.trajectory is not run.trajectory:
        store.put(LANE_RUNS, key, run)
