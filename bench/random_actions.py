"""A thousand random actions on the window: does anything break, leak or stay behind?

    QT_QPA_PLATFORM=offscreen python -m bench.random_actions [--actions 1000] [--seed 0] [--json]

Every kind of action is done at least once, with every lane shown in turn; the rest are drawn at
random. Whatever is wrong ends the run with its name: an exception, also in a thread or a
destructor; a warning of Qt; a thread, a process, a timer or a window that stays; memory that grows
between the middle and the end. Memory is looked at with the window in one and the same state.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QThread, QTimer, qInstallMessageHandler
from PySide6.QtGui import QPixmapCache
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget

from bench.hands import Drag, click, drag_plot, key, mouse, type_number, wheel
from bench.window import application, lanes_done, run_for, settle, wait_until, window
from engine.config import PATHS, POINT_SETS, SCHEDULES, SIDES, ModelConfig, ScheduleConfig
from toydiff_gui import scenes
from toydiff_gui.main_window import MainWindow
from toydiff_gui.panels import lane_recipes
from toydiff_gui.playback import SPEEDS
from toydiff_gui.state import Inversion, Sampling

HARMLESS = ("This plugin does not support",)
"""Said by platforms without a window manager."""
MOST_NEW_OBJECTS, MOST_NEW_QOBJECTS, MOST_NEW_MEGABYTES = 0.03, 12, 12.0
"""What may be more at the end than in the middle: caches fill, pools round up."""
LEAST_JOBS = 50
RARE = {"kill the engine": 0.1, "export a film": 0.3, "train": 0.5, "resize": 0.5, "copy": 0.3}
"""Weights of actions that take long; the others weigh 1."""
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


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
    """Dialogs of the system are cancelled at once, menus after a moment."""
    timer = QTimer()
    timer.setInterval(30)
    timer.timeout.connect(_close_popups)
    timer.start()
    with (
        patch.object(QFileDialog, "getSaveFileName", lambda *args, **kw: ("", "")),
        patch.object(QFileDialog, "getExistingDirectory", lambda *args, **kw: ""),
        patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: ("", "")),
    ):
        yield
    timer.stop()


class Monkey:
    """Does things to a window. Each method without underscore is an action."""

    def __init__(self, main: MainWindow, dice: random.Random, folder: Path) -> None:
        self.main, self.dice, self.folder = main, dice, folder
        self.kills = 0
        self._film = 0
        self._files = self._make_files()

    def _make_files(self) -> list[Path]:
        import resources

        bundled = Path(str(resources.__path__[0])) / "checkpoints" / "v.safetensors"
        whole = bundled.read_bytes()
        contents = {
            "heil.safetensors": whole,
            "abgeschnitten.safetensors": whole[: len(whole) // 2],
            "leer.safetensors": b"",
            "fremd.safetensors": b"\x80\x04K\x01.",
            "ver dreht ä.safetensors": whole[:2000] + whole[2100:] + b"x" * 100,
        }
        for name, content in contents.items():
            (self.folder / name).write_bytes(content)
        return [self.folder / name for name in (*contents, "nicht da.safetensors")]

    def actions(self) -> dict[str, Callable[[], None]]:
        """All there is to do, by name."""
        named = {
            name.replace("_", " "): getattr(self, name)
            for name in dir(self)
            if not name.startswith("_") and callable(getattr(self, name)) and name != "actions"
        }
        for task in scenes.TASKS:
            named[f"task {task.key}"] = lambda task=task: self._trigger("_scenes", task.key)
        for lane in self.main.state.lanes:
            named[f"lane {lane.key}"] = lambda lane=lane: self._toggle_lane(lane.key)
        for name, which, modifiers in (
            ("Space", Qt.Key.Key_Space, None),
            ("Left", Qt.Key.Key_Left, None),
            ("Right", Qt.Key.Key_Right, None),
            ("Home", Qt.Key.Key_Home, None),
            ("End", Qt.Key.Key_End, None),
            ("L", Qt.Key.Key_L, None),
            ("R", Qt.Key.Key_R, None),
            ("Escape", Qt.Key.Key_Escape, None),
            ("Tab", Qt.Key.Key_Tab, None),
            ("Backtab", Qt.Key.Key_Backtab, SHIFT),
            ("Up", Qt.Key.Key_Up, None),
            ("Enter", Qt.Key.Key_Return, None),
            ("Ctrl+0", Qt.Key.Key_0, CONTROL),
            ("Ctrl+arrow", Qt.Key.Key_Up, CONTROL),
            ("plus", Qt.Key.Key_Plus, None),
            ("minus", Qt.Key.Key_Minus, None),
            ("1", Qt.Key.Key_1, None),
            ("2", Qt.Key.Key_2, None),
            ("3", Qt.Key.Key_3, None),
            ("4", Qt.Key.Key_4, None),
            ("5", Qt.Key.Key_5, None),
        ):
            named[f"key {name}"] = lambda which=which, modifiers=modifiers: key(
                QApplication.focusWidget() or self.main,
                which,
                modifiers or Qt.KeyboardModifier.NoModifier,
            )
        for name in ("system", "dark", "light"):
            named[f"theme {name}"] = self.main.toolbar._themes[name].trigger
        return named

    # Canvas

    def _latent(self) -> QWidget | None:
        view = self.main.grid.lane_view("latent")
        path = self.main.state.sampling.mode == "interpolation"
        return view.plot.viewport() if view is not None and view.isVisible() and path else None

    def _some_lane(self) -> str:
        keys = [lane.key for lane in self.main.grid.scene.lanes]
        alone = self.main.state.view.maximised_lane
        return alone if alone in keys else self.dice.choice(keys)

    def drag_an_endpoint(self) -> None:
        if self._latent() is None:
            self.main.state.update_view(maximised_lane="")
            self.main.state.update_sampling(mode="interpolation")
            settle()
        hand = Drag(self.main, self.dice.randrange(2))
        for _ in range(self.dice.randint(1, 5)):
            hand.to(self.dice.uniform(-4, 4), self.dice.uniform(-4, 4), self.dice.randint(1, 3))
            run_for(0.02)
        if self.dice.random() < 0.1:
            key(hand._handle, Qt.Key.Key_Escape)
        hand.let_go()

    def click_on_the_latents(self) -> None:
        if (viewport := self._latent()) is not None:
            spot = QPoint(self.dice.randrange(viewport.width()), self.dice.randrange(60) + 20)
            mouse(viewport, QEvent.Type.MouseButtonPress, spot)
            mouse(viewport, QEvent.Type.MouseButtonRelease, spot, held=Qt.MouseButton.NoButton)

    def double_click_a_lane(self) -> None:
        view = self.main.grid.lane_view(self._some_lane())
        viewport, spot = view.plot.viewport(), QPoint(30, 30)
        for kind in (
            QEvent.Type.MouseButtonPress,
            QEvent.Type.MouseButtonRelease,
            QEvent.Type.MouseButtonDblClick,
            QEvent.Type.MouseButtonRelease,
        ):
            mouse(viewport, kind, spot)

    def pan(self) -> None:
        by = QPoint(self.dice.randint(-80, 80), self.dice.randint(-80, 80))
        drag_plot(self.main, self._some_lane(), QPoint(100, 60), by)

    def zoom(self) -> None:
        view = self.main.grid.lane_view(self._some_lane())
        wheel(view.plot.viewport(), QPoint(50, 70), self.dice.choice((-3, -1, 1, 3)))

    def hover(self) -> None:
        view = self.main.grid.lane_view(self._some_lane())
        viewport = view.plot.viewport()
        for _ in range(4):
            spot = QPoint(
                self.dice.randrange(viewport.width()), self.dice.randrange(viewport.height())
            )
            mouse(
                viewport,
                QEvent.Type.MouseMove,
                spot,
                button=Qt.MouseButton.NoButton,
                held=Qt.MouseButton.NoButton,
            )

    def select_a_lane(self) -> None:
        click(self.main.grid.lane_view(self._some_lane()).header, QPoint(60, 12))

    def show_a_lane_alone(self) -> None:
        click(self.main.grid.lane_view(self._some_lane()).header.expand)

    def reset_the_view(self) -> None:
        self.main.toolbar.reset_view_action.trigger()

    def nudge(self) -> None:
        view = self.main.grid.lane_view("latent")
        handle = view.handles.handles[self.dice.randrange(2)]
        if handle.isVisible():
            handle.setFocus()
            key(handle, self.dice.choice((Qt.Key.Key_Left, Qt.Key.Key_Up)), SHIFT)

    # Sample panel

    def type_an_endpoint(self) -> None:
        box = self.dice.choice(list(self.main.sample_panel.path.endpoint_boxes.values()))
        type_number(box, self.dice.choice(("0.5", "-1.25", "2,5", "1e9", "nan", "x", "", "0")))

    def swap(self) -> None:
        click(self.main.sample_panel.path.swap_button)

    def throw_endpoints(self) -> None:
        click(self.main.sample_panel.path.random_button)

    def reset_the_path(self) -> None:
        self.main.sample_panel.path.header.reset_requested.emit()

    def switch_the_mode(self) -> None:
        mode = self.dice.choice(("interpolation", "samples", "inverted"))
        click(self.main.sample_panel.start.mode.button(mode))

    def set_the_number_of_points(self) -> None:
        type_number(
            self.main.sample_panel.start.count_field.box,
            self.dice.choice(("1", "2", "500", "1000", "3000", "0", "1e9", "500")),
        )

    def set_the_steps(self) -> None:
        type_number(
            self.main.sample_panel.start.steps_field.box,
            self.dice.choice(("1", "10", "50", "250", "", "99999", "-1")),
        )

    def set_the_seed(self) -> None:
        type_number(self.main.sample_panel.start.seed_field.box, str(self.dice.randrange(10**12)))

    def throw_a_seed(self) -> None:
        click(self.main.sample_panel.start.seed_field.dice_button)

    def set_eta(self) -> None:
        type_number(
            self.main.sample_panel.lanes.eta_box, self.dice.choice(("0", "0.3", "1", "2", "-1"))
        )

    def slide_eta(self) -> None:
        self.main.sample_panel.lanes.eta_slider.setValue(self.dice.randrange(101))

    def switch_an_overlay(self) -> None:
        click(self.dice.choice(list(self.main.sample_panel.overlays.buttons.values())))

    def choose_a_path(self) -> None:
        click(self.main.sample_panel.path.kind.button(self.dice.choice(PATHS)))

    def choose_a_side(self) -> None:
        if self.dice.random() < 0.5:
            self.main.state.update_sampling(a=(-2.0, 0.0), b=(2.0, 0.0))
        click(self.main.sample_panel.path.side.button(self.dice.choice(SIDES)))

    def space_evenly(self) -> None:
        click(self.main.sample_panel.path.even, QPoint(8, 10))

    def draw_a_path(self) -> None:
        count = self.dice.randrange(4)
        through = tuple((self.dice.uniform(-3, 3), self.dice.uniform(-3, 3)) for _ in range(count))
        self.main.state.update_sampling(path="drawn", through=through)

    def clear_the_way_points(self) -> None:
        click(self.main.sample_panel.path.clear_button)

    def search_or_stop(self) -> None:
        panel = self.main.sample_panel
        click(panel.geodesic.button if self.main.state.view.lab else panel.path.search.button)

    def turn_the_dock(self) -> None:
        face = self.main.sample_panel.face
        click(face.button(self.dice.choice(("sample", "paths"))))

    def choose_a_path_in_the_table(self) -> None:
        click(self.main.sample_panel.comparison.rows[self.dice.choice(PATHS)])

    def export_the_comparison(self) -> None:
        name = self.dice.choice((str(self.folder / "Pfade.csv"), "", str(self.folder / "x" / "y")))
        with patch.object(QFileDialog, "getSaveFileName", lambda *args, **kw: (name, "")):
            click(self.main.sample_panel.export_button)

    def look_at_a_point(self) -> None:
        self.main.state.set_marked(self.dice.choice((None, 0, 3, 499, 10**6)))

    def pin_a_point(self) -> None:
        self.main.state.set_pinned(self.dice.choice((None, 0, 1, 250)))

    # Lanes

    def _some_row(self) -> Any:
        rows = list(self.main.sample_panel.lanes.rows.values())
        return self.dice.choice(rows) if rows else None

    def add_a_lane(self) -> None:
        actions = list(self.main.sample_panel.lanes.add_actions.values())
        self.dice.choice(actions).trigger()

    def a_lane_for_each_number_of_steps(self) -> None:
        self.main.sample_panel.lanes.steps_action.trigger()

    def all_paths_side_by_side(self) -> None:
        self.main.sample_panel.lanes.paths_action.trigger()

    def open_the_menu_of_lanes(self) -> None:
        click(self.main.sample_panel.lanes.add_button)

    def duplicate_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_D, CONTROL)

    def remove_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_Delete)

    def lanes_of_the_exercise(self) -> None:
        self.main.sample_panel.lanes.header.reset_requested.emit()

    def edit_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_F2)

    def change_a_lane(self) -> None:
        panel, dice = self.main.sample_panel, self.dice
        if panel.editor is None or not panel.editor.key:
            self.edit_a_lane()
        if panel.editor is None or not panel.editor.key:
            return
        editor = panel.editor
        match dice.randrange(4):
            case 0:
                type_number(editor.steps.box, dice.choice(("", "1", "10", "999")))
            case 1:
                type_number(editor.eta.box, dice.choice(("", "0.5", "7")))
            case 2:
                type_number(editor.seed.box, dice.choice(("", "3", "x")))
            case 3:
                box = dice.choice((editor.sampler, editor.path, editor.denoiser))
                if box.isEnabled():
                    box.setCurrentIndex(dice.randrange(box.count()))
                    box.activated.emit(box.currentIndex())

    def close_the_editor(self) -> None:
        editor = self.main.sample_panel.editor
        if editor is not None and editor.key:
            click(editor.close_button)

    # Inversion

    def pick_points(self) -> None:
        inversion = self.main.sample_panel.inversion
        if self.main.state.inversion.status == "picking":
            click(inversion.button)
        else:
            inversion.pick_action.trigger()

    def invert_a_file(self) -> None:
        good, bad = self.folder / "Punkte.csv", self.folder / "schlecht.csv"
        good.write_text("0.5,0.5\n-0.5,0.25\n1,1\n")
        bad.write_text("one,two,three\n")
        name = str(self.dice.choice((good, bad, self.folder / "fehlt.npy", "")))
        with patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: (name, "")):
            self.main.sample_panel.inversion.file_action.trigger()

    def forget_the_points(self) -> None:
        click(self.main.sample_panel.inversion.dismiss)

    def choose_a_lane_in_the_list(self) -> None:
        if (row := self._some_row()) is not None:
            click(row, QPoint(row.width() // 2, row.height() // 2))

    def _toggle_lane(self, lane: str) -> None:
        if (row := self.main.sample_panel.lanes.rows.get(lane)) is not None:
            click(row.check, QPoint(8, 10))

    # Training

    def choose_data(self) -> None:
        click(self.main.train_panel.dataset_cards[self.dice.choice(POINT_SETS)])

    def choose_a_schedule(self) -> None:
        click(self.main.train_panel.schedule_cards[self.dice.choice(SCHEDULES)])

    def zero_terminal(self) -> None:
        self.main.train_panel.zero_terminal.click()

    def set_a_number_of_training(self) -> None:
        panel = self.main.train_panel
        box, texts = self.dice.choice(
            (
                (panel.width_field.box, ("8", "16", "3", "x")),
                (panel.depth_field.box, ("1", "2", "0")),
                (panel.timesteps_field.box, ("2", "20", "60", "1")),
                (panel.steps_field.box, ("50", "100", "0")),
                (panel.batch_field.box, ("8", "32", "-1")),
                (panel.rate_field.box, ("0.001", "0.01", "2", "nan")),
                (panel.seed_field.box, ("1", "7")),
            )
        )
        type_number(box, self.dice.choice(texts))

    def choose_a_prediction(self) -> None:
        box = self.main.train_panel.prediction
        if box.isEnabled():
            box.setCurrentIndex(self.dice.randrange(box.count()))
            box.activated.emit(box.currentIndex())

    def reset_the_model(self) -> None:
        self.main.train_panel._model_header.reset_requested.emit()

    def train(self) -> None:
        state = self.main.state
        if not state.training.active and self.dice.random() < 0.6:
            with suppress(ValueError):  # a prediction that the schedule refuses
                state.update_training_config(
                    steps=self.dice.choice((30, 80, 100_000)),
                    model=ModelConfig(width=8, depth=1, embedding=8),
                    schedule=ScheduleConfig(timesteps=self.dice.choice((5, 20, 250))),
                    batch_size=16,
                    points=300,
                    checkpoint_every=40,
                )
        click(self.main.train_panel.train_button)

    def pause_or_resume(self) -> None:
        click(self.main.train_panel.pause_button)

    def stop(self) -> None:
        click(self.main.train_panel.stop_button)

    def let_it_train(self) -> None:
        run_for(0.3)

    # Models

    def _trigger(self, menu: str, data: str) -> None:
        for action in getattr(self.main.toolbar, menu).actions():
            if action.data() == data:
                action.trigger()
                return

    def choose_a_model(self) -> None:
        self.dice.choice(self.main.toolbar._models.actions()).trigger()

    def back_to_v(self) -> None:
        self._trigger("_models", "v")

    def open_a_file(self) -> None:
        name = self.dice.choice([*map(str, self._files), ""])
        with patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: (name, "")):
            key(self.main, Qt.Key.Key_O, CONTROL)
            click(self.main.toolbar.open_button)

    # Timeline

    def scrub(self) -> None:
        track = self.main.timeline.track
        for _ in range(3):
            click(track, QPoint(self.dice.randrange(track.width()), track.height() // 2))

    def press_a_button_of_the_timeline(self) -> None:
        row = self.main.timeline.transport
        buttons = ("to_noise", "back", "play", "forward", "to_data", "loop", "reverse")
        click(getattr(row, self.dice.choice(buttons)))

    def set_the_speed(self) -> None:
        box = self.main.timeline.transport.speed
        box.setCurrentIndex(self.dice.randrange(len(SPEEDS)))
        box.activated.emit(box.currentIndex())

    def watch_the_film(self) -> None:
        self.main.playback.play()
        run_for(0.2)

    # Window

    def presentation(self) -> None:
        key(self.main, Qt.Key.Key_F11)

    def presentation_from_the_menu(self) -> None:
        self.main.toolbar.presentation_action.trigger()

    def hide_a_dock(self) -> None:
        click(self.dice.choice((self.main.train_panel, self.main.sample_panel)).hide_button)

    def show_a_dock(self) -> None:
        click(self.dice.choice((self.main.train_rail, self.main.sample_rail)).button)

    def docks_from_the_menu(self) -> None:
        bar = self.main.toolbar
        self.dice.choice((bar.train_dock_action, bar.sample_dock_action)).trigger()

    def resize(self) -> None:
        self.main.resize(self.dice.randint(900, 1900), self.dice.randint(600, 1100))

    def help(self) -> None:
        if self.main._help is None:
            click(self.main.toolbar.help_button)
            key(self.main, Qt.Key.Key_F1)
        else:
            self.main._help.close()

    def copy(self) -> None:
        self.main.toolbar.copy_action.trigger()

    def close_a_message(self) -> None:
        if messages := self.main.messages.messages:
            click(self.dice.choice(messages).close_button)

    def do_what_a_message_offers(self) -> None:
        for message in self.main.messages.messages:
            if isinstance(message.action, QPushButton):
                click(message.action)
                return

    # Export

    def _dialog(self) -> Any:
        self.main.toolbar.export_action.trigger()
        dialog = self.main._export
        assert dialog is not None
        return dialog

    def export_a_film(self) -> None:
        dialog = self._dialog()
        if dialog.running:
            click(dialog.cancel)
            return
        click(dialog.what.button("film"))
        name = self.dice.choice(("gif", "apng"))
        dialog.format.setCurrentIndex(max(0, dialog.format.findData(name)))
        dialog.format.activated.emit(dialog.format.currentIndex())
        dialog._update(preset="custom", width=160, height=120, seconds=0.3, hold=0.0)
        self._film += 1
        dialog.path.setText(str(self.folder / f"Film {self._film}.{name}"))
        dialog.path.textEdited.emit(dialog.path.text())
        click(dialog.export)

    def cancel_an_export(self) -> None:
        if self.main._export is not None and self.main._export.running:
            click(self.main._export.cancel)

    def export_a_picture(self) -> None:
        dialog = self._dialog()
        if dialog.running:
            return
        what, ending = self.dice.choice((("frame", "png"), ("sheet", "png"), ("trajectory", "npz")))
        click(dialog.what.button(what))
        dialog._update(preset="custom", width=200, height=150)
        self._film += 1
        dialog.path.setText(str(self.folder / f"Bild {self._film}.{ending}"))
        dialog.path.textEdited.emit(dialog.path.text())
        click(dialog.export)

    def look_at_the_export(self) -> None:
        dialog = self._dialog()
        click(dialog.what.button(self.dice.choice(list(dialog.what._segments))))

    def close_the_export(self) -> None:
        if self.main._export is not None:
            key(self.main._export, Qt.Key.Key_Escape)

    # The engine

    def kill_the_engine(self) -> None:
        number = getattr(self.main.link.thread_in_charge, "process_id", None)
        if number is not None and self.main.state.engine.status == "ready":
            self.kills += 1
            os.kill(number, signal.SIGTERM if os.name != "posix" else signal.SIGKILL)
            wait_until(lambda: self.main.state.engine.status == "dead", "the death of the engine")

    def restart_the_engine(self) -> None:
        self.main.toolbar.restart_action.trigger()

    def wait_for_the_lanes(self) -> None:
        if self.main.state.engine.status == "ready" and not self.main.state.training.active:
            self.main.state.update_sampling(steps=10)
            settle()
            wait_until(
                lambda: not self.main.conductor.busy or self.main.state.engine.status != "ready",
                "the lanes",
            )


def _calm(main: MainWindow) -> None:
    """Bring the window to the state in which it is counted."""
    main.playback.pause()
    main.playback.set_loop(False)
    main.playback.set_reverse(False)
    main.playback.set_speed(1.0)
    if main._help is not None:
        main._help.close()
    if main._export is not None:
        main._export.stop()
        main._export.close()
    if main.state.engine.status == "dead":
        main.conductor.restart_engine()
    wait_until(lambda: main.state.engine.status == "ready", "the engine")
    if main.state.training.active:
        wait_until(lambda: main.state.training.status != "starting", "the training")
        main.conductor.stop()
        wait_until(lambda: not main.state.training.active, "the end of the training")
    main.state.update_view(
        theme="dark",
        presentation=False,
        maximised_lane="",
        selected_lane="ddim",
        train_dock=True,
        sample_dock=True,
        overlays={},
        lab=False,
    )
    default = Sampling(steps=20)
    main.state.update_sampling(**{name: getattr(default, name) for name in vars(default)})
    lane_recipes.restore_defaults(main.state)
    main.state.set_inversion(Inversion())
    main.state.set_marked(None)
    main.state.set_pinned(None)
    if main.sample_panel.editor is not None:
        main.sample_panel.editor.close()
    settle()
    opened: list[str] = []
    connection = main.conductor.model_opened.connect(opened.append)
    main.conductor.open_model("v")
    wait_until(lambda: "v" in opened, "the model")
    main.conductor.model_opened.disconnect(connection)
    wait_until(lambda: lanes_done(main), "the lanes")
    main.resize(1440, 900)
    main.grid.reset_view()
    main.playback.to_data()
    main.messages.clear()
    settle()
    wait_until(
        lambda: not [timer for timer in main.findChildren(QTimer) if timer.isActive()],
        "the last timers",
    )
    settle()


def _count(main: MainWindow, after: int) -> Count:
    _calm(main)
    main.grid._cache._pictures.clear()  # it has a limit of its own, and fills until then
    QPixmapCache.clear()
    gc.collect()
    with suppress(OSError, AttributeError):  # free memory that glibc keeps for later is no growth
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    windows = QApplication.topLevelWidgets()
    return Count(
        after=after,
        megabytes=psutil.Process().memory_info().rss / 2**20,
        objects=len(gc.get_objects()),
        qobjects=sum(1 + len(top.findChildren(QObject)) for top in windows),
    )


def _plan(names: list[str], actions: int, dice: random.Random) -> list[str]:
    """Each once, in any order, then what chance wants."""
    once = dice.sample(names, len(names))
    weights = [RARE.get(name, 1.0) for name in names]
    return (once + dice.choices(names, weights, k=max(0, actions - len(once))))[:actions]


def run(actions: int, seed: int, *, quiet: bool = True) -> Report:
    """Do ``actions`` things and report; troubles are in the report."""
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
            main.conductor.jobs_finished.connect(lambda number: jobs.update(["finished"]))
            shown: Counter[str] = Counter()
            monkey = Monkey(main, dice, Path(name))
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
                if main.state.engine.status == "dead" and dice.random() < 0.3:
                    main.conductor.restart_engine()
                    wait_until(lambda: main.state.engine.status != "starting", "the engine")
                shown.update(lane.key for lane in main.grid.scene.lanes)
                if number in quarters:
                    report.counts.append(_count(main, number))
            troubles.doing = "closing"
            main_timers = main
            report.jobs = jobs["finished"]
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


def main() -> int:
    """Run, print, and say by the exit status whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="name each action")
    options = parser.parse_args()
    app = application()
    report = run(options.actions, options.seed, quiet=not options.verbose)
    app.closeAllWindows()
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        print(
            f"{report.actions} actions of {len(report.done)} kinds in {report.seconds:.0f} s, "
            f"{report.jobs} jobs finished, lanes {', '.join(report.lanes)}"
        )
        for count in report.counts:
            print(
                f"after {count.after:5}: {count.megabytes:.1f} MB, "
                f"{count.objects} Python objects, {count.qobjects} QObjects"
            )
        for trouble in report.troubles:
            print(trouble)
        print("all is well" if not report.troubles else f"{len(report.troubles)} troubles")
    return 1 if report.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
