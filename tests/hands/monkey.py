"""Random hands on a window: what all modes have. See ``tests.hands.random_actions``."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QWidget

from tests.hands.mouse_and_keys import click, key, type_number
from tests.hands.window import lanes_done, run_for, settle, wait_until
from toydiff_gui.app import installed_modes
from toydiff_gui.app.window import MainWindow
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.modes.tasks import Task
from toydiff_gui.panels.lane_dock import LaneDock
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANES
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.playback import SPEEDS
from toydiff_gui.state.training import TRAINING

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Monkey:
    """Does to a window what every mode has. Each method without underscore is an action.

    A subclass is of one mode: ``MODE`` is its key, ``HOME`` its model, ``_tasks`` what its menu
    offers.
    """

    MODE = ""
    HOME = ""
    MODELS: tuple[str, ...] = ()

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
        for task in self._tasks():
            named[f"task {task.key}"] = lambda task=task: self._trigger(f"task.{task.key}")
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
            named[f"theme {name}"] = lambda name=name: self._trigger(f"theme.{name}")
        return named

    # What a mode has of its own

    @staticmethod
    def _tasks() -> tuple[Task, ...]:
        """Those of the exercise in this mode."""
        return ()

    def _shown(self) -> list[str]:
        """The keys of what is drawn."""
        return [lane.key for lane in self.main.shown.lanes()]

    def _is_complete(self) -> bool:
        """Whether all that is shown has arrived."""
        return lanes_done(self.main)

    # Canvas

    def reset_the_view(self) -> None:
        self._trigger("view.reset")

    # Models

    def _trigger(self, action: str) -> None:
        entry = self.main.toolbar.entry(action)
        if entry is not None:
            entry.trigger()

    def choose_a_model(self) -> None:
        self._trigger(f"model.{self.dice.choice(self.MODELS)}")

    def back_home(self) -> None:
        self._trigger(f"model.{self.HOME}")

    def look_into_the_other_mode(self) -> None:
        here = self.main.modes.mode.key
        other = self.dice.choice([mode.key for mode in installed_modes.MODES if mode.key != here])
        for mode in (other, here):
            click(self.main.toolbar.mode.button(mode))
            if self.main.state.get(ENGINE).status == "ready":
                wait_until(
                    lambda mode=mode: (
                        self.main.modes.mode.key == mode
                        or self.main.state.get(ENGINE).status != "ready"
                    ),
                    f"mode {mode}",
                )
            run_for(self.dice.choice((0.0, 0.05)))

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
        self._trigger("view.presentation")

    def show_a_dock(self) -> None:
        click(self.dice.choice((self.main.train_rail, self.main.sample_rail)).button)

    def docks_from_the_menu(self) -> None:
        self._trigger(self.dice.choice(("dock.train", "dock.sample")))

    def resize(self) -> None:
        self.main.resize(self.dice.randint(900, 1900), self.dice.randint(600, 1100))

    def help(self) -> None:
        if self.main._help is None:
            click(self.main.toolbar.help_button)
            key(self.main, Qt.Key.Key_F1)
        else:
            self.main._help.close()

    def copy(self) -> None:
        self._trigger("export.copy")

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
        self._trigger("export.show")
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
        if number is not None and self.main.state.get(ENGINE).status == "ready":
            self.kills += 1
            os.kill(number, signal.SIGTERM if os.name != "posix" else signal.SIGKILL)
            wait_until(
                lambda: self.main.state.get(ENGINE).status == "dead", "the death of the engine"
            )

    def restart_the_engine(self) -> None:
        self._trigger("engine.restart")

    def wait_for_the_lanes(self) -> None:
        """Of the small model: a task may have opened one that takes minutes on a busy machine."""
        state = self.main.state
        if state.get(ENGINE).status != "ready" or state.get(TRAINING).active:
            return
        self.back_home()
        state.update(SAMPLING, steps=10)
        state.update(IMAGE_SAMPLING, steps=10, count=16)
        settle()
        try:
            wait_until(
                lambda: (
                    (state.get(MODEL).ref == self.HOME and self._is_complete())
                    or state.get(ENGINE).status != "ready"
                ),
                "the lanes",
            )
        except TimeoutError as error:
            raise TimeoutError(f"{error} of {state.get(MODEL).ref!r}") from error


class LaneMonkey(Monkey):
    """A mode with lanes that its docks list and set."""

    def actions(self) -> dict[str, Callable[[], None]]:
        """All there is to do, by name; with each lane, that is shown or hidden."""
        named = super().actions()
        for lane in self.main.state.get(LANES):
            named[f"lane {lane.key}"] = lambda lane=lane: self._toggle_lane(lane.key)
        return named

    @property
    def _dock(self) -> LaneDock:
        raise NotImplementedError

    @property
    def _train_dock(self) -> QWidget:
        raise NotImplementedError

    def hide_a_dock(self) -> None:
        click(self.dice.choice((self._train_dock, self._dock)).hide_button)

    def _some_row(self) -> Any:
        rows = list(self._dock.lanes.rows.values())
        return self.dice.choice(rows) if rows else None

    def add_a_lane(self) -> None:
        actions = list(self._dock.lanes.add_actions.values())
        self.dice.choice(actions).trigger()

    def a_lane_for_each_number_of_steps(self) -> None:
        self._dock.lanes.steps_action.trigger()

    def all_paths_side_by_side(self) -> None:
        self._dock.lanes.paths_action.trigger()

    def open_the_menu_of_lanes(self) -> None:
        click(self._dock.lanes.add_button)

    def duplicate_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_D, CONTROL)

    def remove_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_Delete)

    def lanes_of_the_exercise(self) -> None:
        self._dock.lanes.header.reset_requested.emit()

    def edit_a_lane(self) -> None:
        if (row := self._some_row()) is not None:
            key(row.check, Qt.Key.Key_F2)

    def change_a_lane(self) -> None:
        panel, dice = self._dock, self.dice
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
        editor = self._dock.editor
        if editor is not None and editor.key:
            click(editor.close_button)

    def choose_a_lane_in_the_list(self) -> None:
        if (row := self._some_row()) is not None:
            click(row, QPoint(row.width() // 2, row.height() // 2))

    def _toggle_lane(self, lane: str) -> None:
        if (row := self._dock.lanes.rows.get(lane)) is not None:
            click(row.check, QPoint(8, 10))

    def set_eta(self) -> None:
        type_number(self._dock.lanes.eta_box, self.dice.choice(("0", "0.3", "1", "2", "-1")))

    def slide_eta(self) -> None:
        self._dock.lanes.eta_slider.setValue(self.dice.randrange(101))
