"""Random actions on the window: does anything break, leak or stay behind?

Every kind of action of the mode is done at least once, with every lane shown in turn; the rest are
drawn at random. Whatever is wrong ends the run with its name: an exception, also in a thread or a
destructor; a warning of Qt; a thread, a process, a timer or a window that stays; memory that grows
between the middle and the end. Memory is looked at with the window in one and the same state.
"""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from PySide6.QtCore import QObject, QThread, QTimer, qInstallMessageHandler
from PySide6.QtGui import QPixmapCache
from PySide6.QtWidgets import QApplication, QFileDialog

from tests.hands.image_monkey import ImageMonkey
from tests.hands.monkey import Monkey
from tests.hands.point_monkey import PointMonkey
from tests.hands.window import run_for, settle, wait_until, window
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_SAMPLING, ImageCard, ImageSampling
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING, Sampling
from toydiff_gui.panels import lane_recipes
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.training import TRAINING
from toydiff_gui.state.view import LOOK, MARKED, PINNED, VIEW, Look

HARMLESS = ("This plugin does not support",)
"""Said by platforms without a window manager."""
MOST_NEW_OBJECTS, MOST_NEW_QOBJECTS, MOST_NEW_MEGABYTES = 0.03, 12, 12.0
"""What may be more at the end than in the middle: caches fill, pools round up."""
LEAST_JOBS = 50
RARE = {"kill the engine": 0.1, "export a film": 0.3, "train": 0.5, "resize": 0.5, "copy": 0.3}
"""Weights of actions that take long; the others weigh 1."""
MONKEYS: dict[str, type[Monkey]] = {"2d": PointMonkey, "images": ImageMonkey}


@dataclass
class Count:
    """What there is at one moment."""

    after: int
    megabytes: float
    objects: int
    qobjects: int


@dataclass
class Report:
    """What was done, and what was counted on the way."""

    actions: int
    jobs: int
    seconds: float
    done: dict[str, int] = field(default_factory=dict)
    lanes: dict[str, int] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Troubles:
    """Collects what goes wrong where nobody catches it."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.doing = "starting"

    def add(self, what: str) -> None:
        """Note a trouble, with what was being done."""
        self.found.append(f"while doing '{self.doing}': {what}")

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Listen to everything that tells of trouble."""
        before = sys.excepthook, sys.unraisablehook, threading.excepthook
        handler = qInstallMessageHandler(self._of_qt)
        sys.excepthook = lambda *error: self.add("".join(traceback.format_exception(*error)))
        sys.unraisablehook = lambda info: self.add(
            f"unraisable in {info.object!r}: "
            + "".join(traceback.format_exception(info.exc_type, info.exc_value, info.exc_traceback))
        )
        threading.excepthook = lambda info: self.add(f"in a thread: {info.exc_value!r}")
        try:
            yield
        finally:
            sys.excepthook, sys.unraisablehook, threading.excepthook = before
            qInstallMessageHandler(handler)

    def _of_qt(self, kind: Any, context: Any, text: str) -> None:
        if not text.startswith(HARMLESS):
            self.add(f"Qt says: {text}")


def _close_popups() -> None:
    """A menu that a key has opened waits for a choice, and everything with it."""
    if popup := QApplication.activePopupWidget():
        popup.close()


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Dialogs of the system are cancelled at once, menus after a moment; nothing is downloaded."""
    timer = QTimer()
    timer.setInterval(30)
    timer.timeout.connect(_close_popups)
    timer.start()
    with (
        patch.object(QFileDialog, "getSaveFileName", lambda *args, **kw: ("", "")),
        patch.object(QFileDialog, "getExistingDirectory", lambda *args, **kw: ""),
        patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: ("", "")),
        patch.object(ImageSets, "fetch", lambda *args: None),
    ):
        yield
    timer.stop()


def _calm(main: MainWindow, monkey: Monkey) -> None:
    """Bring the window to the state in which it is counted."""
    home = monkey.HOME
    main.playback.pause()
    main.playback.set_loop(False)
    main.playback.set_reverse(False)
    main.playback.set_speed(1.0)
    if main._help is not None:
        main._help.close()
    if main._export is not None:
        main._export.stop()
        main._export.close()
    if main.state.get(ENGINE).status == "dead":
        main.controllers.engine.start_again()
    wait_until(lambda: main.state.get(ENGINE).status == "ready", "the engine")
    if main.state.get(TRAINING).active:
        wait_until(lambda: main.state.get(TRAINING).status != "starting", "the training")
        main.training.stop()
        wait_until(lambda: not main.state.get(TRAINING).active, "the end of the training")
    main.state.update(
        VIEW,
        theme="dark",
        presentation=False,
        train_dock=True,
        sample_dock=True,
        lab=False,
        page="explore",
    )
    main.state.set(LOOK, Look())
    if (question := main.mode("images").train_dock.data.question) is not None:
        question.reject()
    default = Sampling(steps=20)
    main.state.update(SAMPLING, **{name: getattr(default, name) for name in vars(default)})
    # Endpoints are of a model; those of the next one are placed anew.
    main.state.update(IMAGE_SAMPLING, **vars(ImageSampling(count=16, steps=10)))
    main.state.update(IMAGE_CARD, **vars(ImageCard()))
    lane_recipes.restore_defaults(main.state)
    main.state.set(INVERSION, Inversion())
    main.state.set(MARKED, None)
    main.state.set(PINNED, None)
    for panel in (main.mode("2d").sample_dock, main.mode("images").sample_dock):
        if panel.editor is not None:
            panel.editor.close()
    settle()
    opened: list[str] = []
    connection = main.models.opened.connect(opened.append)
    main.models.open(home)
    wait_until(lambda: home in opened, "the model")
    main.models.opened.disconnect(connection)
    main.show_mode(monkey.MODE)
    wait_until(monkey._is_complete, "the lanes")
    main.resize(1440, 900)
    main.mode("2d").page.reset_view()
    main.playback.to_data()
    main.messages.clear()
    settle()
    wait_until(
        lambda: not [timer for timer in main.findChildren(QTimer) if timer.isActive()],
        "the last timers",
    )
    settle()


def _count(main: MainWindow, after: int, monkey: Monkey) -> Count:
    _calm(main, monkey)
    # These have limits of their own, and fill until then.
    main.mode("2d").page._cache._pictures.clear()
    main.exchange._remembered.clear()
    QPixmapCache.clear()
    gc.collect()
    with suppress(OSError, AttributeError):  # free memory that glibc keeps for later is no growth
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    windows = QApplication.topLevelWidgets()
    # What mode 2D holds are the lanes of its last visit, however many these were.
    plane = main.mode("2d")
    unseen = 0 if main.shown is plane else len(plane.page.findChildren(QObject))
    return Count(
        after=after,
        megabytes=psutil.Process().memory_info().rss / 2**20,
        objects=len(gc.get_objects()),
        qobjects=sum(1 + len(top.findChildren(QObject)) for top in windows) - unseen,
    )


def _plan(names: list[str], actions: int, dice: random.Random) -> list[str]:
    """Each once, in any order, then what chance wants."""
    once = dice.sample(names, len(names))
    weights = [RARE.get(name, 1.0) for name in names]
    return (once + dice.choices(names, weights, k=max(0, actions - len(once))))[:actions]


def run(actions: int, seed: int, *, mode: str = "2d", quiet: bool = True) -> Report:
    """Do ``actions`` things in ``mode`` and report; troubles are in the report."""
    dice = random.Random(seed)
    troubles = Troubles()
    begin = time.perf_counter()
    process = psutil.Process()
    children = set(process.children(recursive=True))
    threads = set(threading.enumerate())
    report = Report(actions, 0, 0.0)
    with (
        tempfile.TemporaryDirectory(prefix="toydiff-random-", ignore_cleanup_errors=True) as name,
        troubles.watch(),
        _no_waiting(),
    ):
        with window() as main:
            jobs: Counter[str] = Counter()
            main.link.received.connect(lambda packet: jobs.update([type(packet.message).__name__]))
            shown: Counter[str] = Counter()
            monkey = MONKEYS[mode](main, dice, Path(name))
            if main.modes.mode.key != mode:
                _calm(main, monkey)
            kinds = monkey.actions()
            done: Counter[str] = Counter()
            plan = _plan(list(kinds), actions, dice)
            quarters = {len(plan) * quarter // 4 for quarter in (1, 2, 3, 4)}
            for number, what in enumerate(plan, 1):
                troubles.doing = what
                if not quiet:
                    print(f"{number}: {what}", file=sys.stderr, flush=True)
                kinds[what]()
                done[what] += 1
                run_for(dice.choice((0.0, 0.0, 0.02, 0.05)))
                if main.state.get(ENGINE).status == "dead" and dice.random() < 0.3:
                    main.controllers.engine.start_again()
                    wait_until(lambda: main.state.get(ENGINE).status != "starting", "the engine")
                shown.update(monkey._shown())
                if number in quarters:
                    report.counts.append(_count(main, number, monkey))
            troubles.doing = "closing"
            main_timers = main
            report.jobs = jobs["Result"]
            if main._export is not None:
                main._export.close()
            main.close()
            settle()
            if [timer for timer in main_timers.findChildren(QTimer) if timer.isActive()]:
                troubles.add("a timer goes on")
            if [thread for thread in main.findChildren(QThread) if thread.isRunning()]:
                troubles.add("a QThread goes on")
        settle()
        report.done, report.lanes = dict(done), dict(shown)
    for left in set(threading.enumerate()) - threads:
        if not isinstance(left, threading._DummyThread):  # type: ignore[attr-defined]
            troubles.add(f"{left} goes on")
    for child in set(process.children(recursive=True)) - children:
        troubles.add(f"{child} goes on")
    if visible := [top for top in QApplication.topLevelWidgets() if top.isVisible()]:
        troubles.add(f"{visible} are still there")
    report.seconds = time.perf_counter() - begin
    _judge(report, troubles, set(kinds))
    report.troubles = troubles.found
    return report


def _judge(report: Report, troubles: Troubles, kinds: set[str]) -> None:
    troubles.doing = "all of it"
    if len(report.done) < len(kinds) and report.actions >= len(kinds):
        troubles.add(f"never done: {kinds - set(report.done)}")
    if report.actions < 4 * len(kinds):
        return  # too short to tell growth from caches that fill
    if report.jobs < LEAST_JOBS:
        troubles.add(f"only {report.jobs} jobs have finished")
    middle, end = report.counts[1], report.counts[3]
    # Pages that happen to be half empty come and go; what leaks is there every time.
    least = min(count.megabytes for count in report.counts[2:])
    if least - middle.megabytes > MOST_NEW_MEGABYTES:
        troubles.add(f"memory grew from {middle.megabytes:.1f} to {least:.1f} MB")
    if end.objects > (1 + MOST_NEW_OBJECTS) * middle.objects:
        troubles.add(f"Python objects grew from {middle.objects} to {end.objects}")
    if end.qobjects > middle.qobjects + MOST_NEW_QOBJECTS:
        troubles.add(f"QObjects grew from {middle.qobjects} to {end.qobjects}")
