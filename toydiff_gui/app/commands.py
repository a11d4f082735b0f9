"""All that can be done in the window: its menus, keys and list of keys come from this table."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from toydiff_gui.app import installed_modes
from toydiff_gui.modes.tasks import Task
from toydiff_gui.state.actions import Action, Place, Row
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, VIEW
from toydiff_gui.timeline import time_actions

if TYPE_CHECKING:
    from toydiff_gui.app.window import MainWindow

THEMES = (
    ("system", "Theme of the system", "Light or dark, as the desktop is"),
    ("dark", "Dark theme", "Light on dark"),
    ("light", "Light theme", "Dark on light, for bright rooms and paper"),
)


def actions_of(window: MainWindow) -> tuple[Row, ...]:
    """The table of ``window``, in the order of the list of keys.

    The models and tasks on offer change while the window is open: see ``model_actions`` and
    ``task_actions``.
    """
    return (
        *time_actions(window.playback),
        *_lane_actions(window),
        *(row for mode in installed_modes.MODES for row in mode.keys),
        *_page_actions(window.state),
        *_window_actions(window),
        *_look_actions(window.state),
    )


def model_actions(window: MainWindow, models: Iterable[tuple[str, str]]) -> tuple[Action, ...]:
    """Open one of ``models``: pairs of what the engine is asked for and what the user reads."""
    return tuple(
        Action(
            f"model.{ref}",
            label,
            partial(window.choose_model, ref),
            place=Place("Models"),
            enabled=lambda: _engine_is(window.state, "ready"),
            checked=partial(_shows_model, window.state, ref),
        )
        for ref, label in models
    )


def task_actions(window: MainWindow, tasks: Iterable[Task]) -> tuple[Action, ...]:
    """Set up one of the exercise's ``tasks``."""
    return tuple(
        Action(
            f"task.{task.key}",
            task.title,
            partial(window.show_task, task.key),
            tip=task.tooltip,
            place=Place("Tasks"),
            enabled=lambda: _engine_is(window.state, "ready"),
        )
        for task in tasks
    )


def _lane_actions(window: MainWindow) -> tuple[Action, ...]:
    state = window.state
    return (
        *(
            Action(
                f"lane.select.{number}",
                f"Select lane {number}",
                partial(window.select_lane, number),
                keys=(str(number),),
                help="select a lane",
                reach="lanes",
                enabled=partial(_has_lane, window, number),
            )
            for number in range(1, 10)
        ),
        Action(
            "lane.all",
            "Show all lanes again",
            lambda: state.update(LOOK, maximised_lane=""),
            keys=("Esc",),
            help="all lanes again after one was shown alone",
            reach="left over",
            enabled=lambda: bool(state.get(LOOK).maximised_lane),
        ),
    )


def _page_actions(state: Store) -> tuple[Action, ...]:
    line = "the pages Explore and Diagnostics"
    return (
        Action(
            "page.explore",
            "Explore",
            lambda: state.update(VIEW, page="explore"),
            tip="Lanes side by side on one timeline",
            keys=("Ctrl+1",),
            help=line,
            checked=lambda: state.get(VIEW).page == "explore",
            choice="page",
        ),
        Action(
            "page.diagnostics",
            "Diagnostics",
            lambda: state.update(VIEW, page="diagnostics"),
            tip="What the network predicts, what the schedule does, the forward process",
            keys=("Ctrl+2",),
            help=line,
            checked=lambda: state.get(VIEW).page == "diagnostics",
            choice="page",
        ),
    )


def _window_actions(window: MainWindow) -> tuple[Action, ...]:
    state = window.state
    return (
        Action(
            "view.reset",
            "Reset the plots' view",
            window.reset_view,
            tip="Show all of every plot again, at the same scale",
            keys=("Ctrl+0",),
            help="reset the view",
            place=Place("View", section=1, order=1),
        ),
        Action(
            "model.open",
            "Open",
            window.ask_for_checkpoint,
            tip="Open a checkpoint from a file",
            keys=("Ctrl+O",),
            help="open a checkpoint",
            enabled=lambda: _engine_is(state, "ready"),
            refuse=window.refuse_to_open,
        ),
        Action(
            "export.show",
            "Export film or picture…",
            window.show_export,
            keys=("Ctrl+E",),
            help="export",
            place=Place("Export"),
            enabled=lambda: window.shows_lanes,
            refuse=window.point_to_plots,
        ),
        Action(
            "export.copy",
            "Copy the picture",
            window.copy_picture,
            keys=("Ctrl+Shift+C",),
            help="copy the picture",
            place=Place("Export"),
            enabled=lambda: window.shows_lanes,
            refuse=window.point_to_plots,
        ),
        Action(
            "view.presentation",
            "Presentation view",
            lambda: state.update(VIEW, presentation=not state.get(VIEW).presentation),
            tip="Larger type and thicker lines, for a projector",
            keys=("F11",),
            help="presentation view",
            place=Place("View", section=1),
            checked=lambda: state.get(VIEW).presentation,
        ),
        Action(
            "help.show",
            "Help",
            window.show_help,
            tip="What is shown here, and all keys",
            keys=("F1",),
            help="this help",
        ),
        Action(
            "engine.restart",
            "Restart the engine",
            window.controllers.engine.start_again,
            tip="Start another engine when the one of now has ended",
            place=Place("View", section=3),
            enabled=lambda: _engine_is(state, "dead"),
        ),
    )


def _look_actions(state: Store) -> tuple[Action, ...]:
    return (
        *(
            Action(
                f"theme.{key}",
                title,
                partial(state.update, VIEW, theme=key),
                tip=tip,
                place=Place("View"),
                checked=partial(_has_theme, state, key),
                choice="theme",
            )
            for key, title, tip in THEMES
        ),
        Action(
            "dock.train",
            "Panel 'Train'",
            lambda: state.update(VIEW, train_dock=not state.get(VIEW).train_dock),
            place=Place("View", section=2),
            checked=lambda: state.get(VIEW).train_dock,
        ),
        Action(
            "dock.sample",
            "Panel 'Sample'",
            lambda: state.update(VIEW, sample_dock=not state.get(VIEW).sample_dock),
            place=Place("View", section=2),
            checked=lambda: state.get(VIEW).sample_dock,
        ),
    )


def _engine_is(state: Store, status: str) -> bool:
    return state.get(ENGINE).status == status


def _has_lane(window: MainWindow, number: int) -> bool:
    return window.lane_with(number) is not None


def _shows_model(state: Store, ref: str) -> bool:
    return state.get(MODEL).ref == ref


def _has_theme(state: Store, theme: str) -> bool:
    return state.get(VIEW).theme == theme
