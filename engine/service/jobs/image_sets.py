"""What a window asks about sets of images, as work of the service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeVar

import numpy as np
import torch

import engine
from engine.checkpoints.data import DATA
from engine.datasets.images import ImageSet
from engine.image_files.loading import load_steps
from engine.image_files.places import FETCHED, download_root, places, root_of
from engine.service.jobs.answers import WAITING, Waiting, Work
from engine.shared import messages
from engine.shared.config import TrainingConfig, require_between, require_choice
from engine.shared.files import staging_folder
from engine.shared.messages import Packet
from engine.shared.work import reported
from engine.training.cost import measure_cost

MOST_BROWSED = 10_000
FETCH = (sys.executable, "-P", "-m", "engine", "fetch")
"""The command of the child that fetches."""

Found = TypeVar("Found")
REPORT_SECONDS = 0.1


def find_data(request: messages.FindData) -> Work:
    """Where the sets are."""
    yield None
    roots = [root_of(text) for text in request.data_roots]
    first = roots[0] if roots else None
    info = {**places(*roots), "download_root": str(download_root(first))}
    return Packet(messages.Result(job=request.job, info=info))


def browse_images(request: messages.BrowseImages) -> Work:
    """Some images of a set; the first ones are the same for any count."""
    if not DATA[request.config.resolved_kind].pictures:
        raise ValueError(f"the data set {request.config.dataset!r} has no images")
    require_between("number of images", request.count, 1, MOST_BROWSED)
    require_between("seed", request.seed, 0, 2**63 - 1)
    began = time.perf_counter()
    found = yield from load_for_window(request.config, request.data_root, request.job)
    count = len(found.images)
    rows = np.random.default_rng(request.seed).permutation(count)[: request.count]
    labels = found.labels[rows] if len(found.labels) else found.labels
    info = {"count": count, "names": list(found.names), "note": found.note}
    message = messages.Result(job=request.job, info=info, seconds=time.perf_counter() - began)
    return Packet(message, {"images": found.images[rows], "labels": labels, "rows": rows})


def load_for_window(
    config: TrainingConfig, data_root: str, job: int
) -> Generator[Packet | None, None, ImageSet]:
    """The training images; the reading of a folder, which can take long, is reported."""
    yield None
    return (yield from _reading(load_steps(config, root_of(data_root)), job))


def read_for_window(
    config: TrainingConfig, data_root: str, job: int
) -> Generator[Packet | None, None, None]:
    """Read the files of the training data of any kind, which loading then finds read."""
    work = DATA[config.resolved_kind].read_steps(config, root_of(data_root))
    yield from _reading(work, job)


def _reading(
    work: Generator[tuple[int, int], None, Found], job: int
) -> Generator[Packet | None, None, Found]:
    began = told = time.perf_counter()

    def progress(item: tuple[int, int]) -> Packet | None:
        nonlocal told
        done, total = item
        now = time.perf_counter()
        if now - told < REPORT_SECONDS:
            return None
        told, elapsed = now, now - began
        return _progress(job, done, total, elapsed, elapsed / done * (total - done))

    return reported(work, progress)


def measure(request: messages.MeasureCost, device: torch.device, micro_batch: int | None) -> Work:
    """What a training would cost."""
    began = time.perf_counter()
    cost = yield from measure_cost(request.config, device, micro_batch)
    seconds = time.perf_counter() - began
    return Packet(messages.Result(job=request.job, info=cost.asdict(), seconds=seconds))


def download(
    request: messages.DownloadData, wake: Callable[[], object]
) -> Generator[Packet | Waiting | None, None, Packet]:
    """Fetch a set by a process of its own; ``wake`` is called when that has something to say.

    Closed early, it kills the process and removes what has come so far.
    """
    require_choice("set of images to fetch", request.dataset, FETCHED, ())
    root = download_root(root_of(request.data_root))
    yield None
    began = time.perf_counter()
    first = 0.0
    with staging_folder(root, request.dataset) as staging:
        child = _Child([request.dataset, "--data-root", str(root)], staging, wake)
        try:
            while (report := child.said()) is not _ENDED:
                if report is None:
                    yield WAITING
                    continue
                elapsed = time.perf_counter() - began
                if "place" in report:
                    info = {"root": str(root), "place": report["place"]}
                    return Packet(messages.Result(job=request.job, info=info, seconds=elapsed))
                if "failure" in report:
                    raise ValueError(report["failure"])
                first = first or elapsed  # what comes before is no measure of the pace
                done, total = report["done"], report["total"]
                remaining = (elapsed - first) / done * (total - done) if done else None
                yield _progress(request.job, done, total, elapsed, remaining)
        finally:
            child.end()
    raise ValueError(
        f"cannot fetch {request.dataset!r}: the process ended with status {child.status}"
    )


_ENDED: dict[str, Any] = {}


class _Child:
    """The process that fetches; a thread reads what it says."""

    def __init__(self, arguments: list[str], staging: Path, wake: Callable[[], object]) -> None:
        environment = dict(os.environ)
        # Found where this engine is, installed or not.
        root = str(Path(engine.__file__).resolve().parents[3])
        paths = environment.get("PYTHONPATH", "").split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join([root, *(path for path in paths if path)])
        self._process = subprocess.Popen(
            [*FETCH, *arguments, "--report-to-engine", str(staging)],
            stdin=subprocess.PIPE,  # its end is a sign for the child that this engine is gone
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert self._process.stdout is not None
        self._said: SimpleQueue[dict[str, Any]] = SimpleQueue()
        reading = (self._process.stdout, self._said, wake)
        self._reader = threading.Thread(target=_read_lines, args=reading, daemon=True)
        self._reader.start()

    @property
    def status(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait()

    def said(self) -> dict[str, Any] | None:
        """Its next report; None while there is none, ``_ENDED`` at the end."""
        try:
            return self._said.get_nowait()
        except Empty:
            return None

    def end(self) -> None:
        """Kill it, if it still runs, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def _read_lines(
    stream: IO[bytes], said: SimpleQueue[dict[str, Any]], wake: Callable[[], object]
) -> None:
    for line in stream:
        said.put(json.loads(line))
        wake()
    said.put(_ENDED)
    wake()


def _progress(job: int, done: int, total: int, elapsed: float, remaining: float | None) -> Packet:
    return Packet(
        messages.Progress(job=job, done=done, total=total, elapsed=elapsed, remaining=remaining)
    )
