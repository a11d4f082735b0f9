"""The window: where everything stands, and who hears whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QGuiApplication,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui.app import installed_modes
from toydiff_gui.app.commands import actions_of, model_actions, task_actions
from toydiff_gui.app.help import HelpDialog
from toydiff_gui.app.keys import install_keys
from toydiff_gui.app.mode_switch import ModeSwitch
from toydiff_gui.app.toolbar import Toolbar
from toydiff_gui.controllers.assembly import Controllers
from toydiff_gui.controllers.fetch_home import FetchHome
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.diagnostics.page import DiagnosticsPage
from toydiff_gui.engine_client.link import EngineKind, EngineLink
from toydiff_gui.engine_client.ssh import Address
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.export.spec import ThemeName
from toydiff_gui.export.stills import clipboard_data
from toydiff_gui.modes import tasks
from toydiff_gui.modes.contract import Laboratory, Mode, ModeAtWork
from toydiff_gui.modes.tasks import Task
from toydiff_gui.state import remember, wording
from toydiff_gui.state.bundled import all_bundled
from toydiff_gui.state.describe import alphas_cumprod
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.model_refs import FILTERS, is_here, program_file, reference_of
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.programs import allow_program
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store
from toydiff_gui.state.timers import single_shot
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, MARKED, PINNED, VIEW
from toydiff_gui.style import sheet, theme
from toydiff_gui.timeline import TimelinePanel
from toydiff_gui.widgets import DockRail, MessageBar, Segment

COPY_SIZE = (1920, 1200)


class MainWindow(QMainWindow):
    """ToyDiff's window. Starts its engine when it is first shown."""

    def __init__(
        self,
        settings: SettingsFile,
        *,
        engine: EngineKind | Address = "process",
        device: str = "auto",
        runs_folder: Path | None = None,
        open_ref: str | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("ToyDiff")
        self._settings = settings
        settings.on_change = single_shot(self, 0, settings.save).start
        self.state = Store(self)
        remember.restore(settings, self.state, installed_modes.MODES)
        self.modes = ModeSwitch(self.state, settings, self)
        self._apply_theme()
        self.playback = Playback(self.state.get(MODEL).schedule.timesteps, self)
        self.runs = Runs(settings, runs_folder)
        self.link = EngineLink(engine, device, self)
        self.controllers = Controllers(
            self.state, self.link, self.playback, self.runs, self.modes, self
        )
        self.models, self.training = self.controllers.models, self.controllers.training
        self.geodesic, self.exchange = self.controllers.geodesic, self.controllers.exchange
        self.fetch_home = FetchHome(self.state, self.controllers.client, self.runs, self.link, self)
        self._open_ref = open_ref
        self._task_waiting: Task | None = None
        self._export: ExportDialog | None = None
        self._help: HelpDialog | None = None
        self._played_once = False
        self._mode = self.modes.mode
        self._at_work: dict[str, ModeAtWork] = {}
        self._scene_timer = single_shot(self, 0, self._show_scene)
        self.rows = actions_of(self)
        self.keys = install_keys(self, self.rows)
        self._build()
        self._connect()

        self._show_model()
        self._show_docks()
        self._show_page()
        self._show_scene()
        self.setMinimumSize(1000, 640)
        if not remember.restore_geometry(settings, self):
            self.resize(self._first_size())
        self._shown_page.setFocus()

    # Building

    def _build(self) -> None:
        segments = [Segment(mode.key, mode.title, mode.tip) for mode in installed_modes.MODES]
        self.toolbar = Toolbar(self.state, self.rows, segments)
        self.train_rail = DockRail("Train", "left")
        self.sample_rail = DockRail("Sample", "right")
        self.timeline = TimelinePanel(self.state, self.playback)
        canvas = QWidget()
        canvas.setProperty("surface", "window")
        self.messages = MessageBar()
        around = QGridLayout(canvas)
        around.setContentsMargins(8, 8, 8, 8)
        self.diagnostics = DiagnosticsPage(
            self.state,
            self.playback,
            self.controllers.client,
            {mode.kind: mode.diagnostics for mode in reversed(installed_modes.MODES)},
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.diagnostics)
        around.addWidget(self.pages, 0, 0)
        # In the same cell: messages lie over the lanes and push nothing aside.
        around.addWidget(
            self.messages, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter
        )
        self._middle = middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.train_rail)
        middle.addWidget(canvas, 1)
        middle.addWidget(self.sample_rail)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addLayout(middle, 1)
        column.addWidget(self.timeline)
        self.setCentralWidget(whole)
        self._canvas = canvas
        self.lab = Laboratory(
            self.state,
            self.controllers,
            self.playback,
            self._settings,
            self.timeline.set_thumbnails,
            installed_modes.mode_of,
        )

    def mode(self, key: str) -> ModeAtWork:
        """The mode with this key at work, which it is from now on; raises ``KeyError``."""
        return self._work(installed_modes.mode(key))

    @property
    def shown(self) -> ModeAtWork:
        """The mode on show."""
        return self._work(self.modes.mode)

    def _work(self, mode: Mode) -> ModeAtWork:
        """Build what a mode has, when it is shown for the first time."""
        if mode.key in self._at_work:
            return self._at_work[mode.key]
        work = self._at_work[mode.key] = mode.work(self.lab, self)
        self.pages.addWidget(work.page)
        self._middle.insertWidget(self._middle.indexOf(self._canvas), work.train_dock)
        self._middle.insertWidget(self._middle.indexOf(self.sample_rail), work.sample_dock)
        for dock in (work.train_dock, work.sample_dock):
            dock.hide()
        self.playback.t_changed.connect(work.show_t)
        work.show_t(self.playback.t)
        work.train_dock.train_requested.connect(self.training.train)
        work.train_dock.pause_requested.connect(self.training.pause)
        work.train_dock.resume_requested.connect(self.training.resume)
        work.train_dock.stop_requested.connect(self.training.stop)
        self.keys.reach_lanes(work.page)
        work.sample_dock.set_models(self._known_models())
        return work

    def _connect(self) -> None:
        state = self.state
        state.slot_changed.connect(self._scene_later)
        state.changed(MODEL).connect(self._show_model)
        self.modes.changed.connect(self._show_model)
        self.modes.changed.connect(self._scene_later)
        state.changed(VIEW).connect(self._apply_theme)
        state.changed(VIEW).connect(self._show_docks)
        state.changed(VIEW).connect(self._show_page)
        state.changed(ENGINE).connect(self._show_engine)
        state.changed(TRAINING).connect(self._show_can_continue)
        state.changed(TRAINING_CONFIG).connect(self._show_can_continue)
        state.message_posted.connect(self.messages.show_message)
        state.program_asked.connect(self._ask_to_run)
        self.messages.changed.connect(self._place_messages)
        self.models.opened.connect(self._on_model_opened)
        self.fetch_home.fetched.connect(self._show_model)
        self.training.runs_changed.connect(self._show_model)
        self.train_rail.open_requested.connect(lambda: state.update(VIEW, train_dock=True))
        self.sample_rail.open_requested.connect(lambda: state.update(VIEW, sample_dock=True))
        self.toolbar.mode_chosen.connect(self.show_mode)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    def _first_size(self) -> QSize:
        screen = self.screen().availableSize()
        return QSize(min(1440, screen.width()), min(900, screen.height()))

    # What is shown

    def _scene_later(self) -> None:
        if not self._scene_timer.isActive():
            self._scene_timer.start()

    def _show_scene(self) -> None:
        lanes = self.modes.mode.lanes
        along = lanes is not None and lanes.follows_path(self.state.get(lanes.settings))
        self.timeline.set_along(along)
        reached = self.shown.show_scene()
        # The plots and the forward process are complete.
        waits = self.state.get(VIEW).page == "explore"
        self.playback.set_reached(reached if waits else 0)

    def current_scene(self) -> Any:
        """The scene of this moment, as far as it is zoomed in.

        That is the forward process while it is shown, else the lanes.
        """
        forward = self._forward
        return self.shown.scene() if forward is None else forward.current_scene

    def current_picture(self) -> Picture:
        """What is to be exported: the scene of this moment, as its mode draws it."""
        forward = self._forward
        return self.shown.picture() if forward is None else forward.current_picture

    @property
    def _forward(self) -> DiagnosticsPage | None:
        """The page with the forward process, while that is shown."""
        shown = self.state.get(VIEW).page == "diagnostics"
        there = shown and self.diagnostics.current_scene is not None
        return self.diagnostics if there else None

    def _show_model(self) -> None:
        self.timeline.set_schedule(alphas_cumprod(self.state.get(MODEL).schedule))
        self.shown.show_model()
        self.toolbar.set_models(model_actions(self, self._known_models()))
        for work in self._at_work.values():
            work.sample_dock.set_models(self._known_models())
        self._show_mode()
        self._choose_parts()
        self._show_title()
        self._show_can_continue()

    def _known_models(self) -> list[tuple[str, str]]:
        """All that can be chosen: by reference and name."""
        models = [(ref, f"{label}, bundled") for ref, label in all_bundled()]
        return models + [(ref, Path(ref).name) for ref in self.runs.recent()]

    def _show_can_continue(self) -> None:
        for work in self._at_work.values():
            work.train_dock.set_can_continue(self.training.can_continue)

    def _show_mode(self) -> None:
        """Docks, page and tasks of the mode that the model belongs to."""
        mode = self.modes.mode
        self.toolbar.set_mode(mode.key)
        self.toolbar.set_tasks(task_actions(self, mode.tasks))
        if mode is not self._mode:
            self._mode = mode
            self.state.update(LOOK, maximised_lane="")  # what was alone belongs to the other
            self.state.set(MARKED, None)
            self.state.set(PINNED, None)
        self._show_docks()
        self._show_page()

    def _choose_parts(self) -> None:
        work = self.shown
        self.geodesic.watch(work.between, work.looks_at_geodesic)
        self.exchange.set_parts((self.models, *work.parts))

    def _show_docks(self) -> None:
        view, shown = self.state.get(VIEW), self.shown
        docks = not view.presentation
        for work in self._at_work.values():
            here = docks and work is shown
            work.train_dock.setVisible(here and view.train_dock)
            work.sample_dock.setVisible(here and view.sample_dock)
        self.train_rail.setVisible(docks and not view.train_dock)
        self.sample_rail.setVisible(docks and not view.sample_dock)

    @property
    def _shown_page(self) -> QWidget:
        explores = self.state.get(VIEW).page == "explore"
        return self.shown.page if explores else self.diagnostics

    def _show_page(self) -> None:
        page = self._shown_page
        if page is self.pages.currentWidget():
            return
        within = self.pages.isAncestorOf(QApplication.focusWidget() or self)
        self.pages.setCurrentWidget(page)
        if within:
            page.setFocus()  # Qt would hand it to some control

    def _show_title(self) -> None:
        place = wording.engine_place(self.state.get(ENGINE))
        title = f"{wording.model_line(self.state.get(MODEL))} – ToyDiff"
        self.setWindowTitle(f"{title} on {place}" if place else title)

    def _show_engine(self) -> None:
        engine = self.state.get(ENGINE)
        self._show_title()
        for message in self.messages.messages:
            if message.action is not None:
                message.closed.emit()  # it offers what has been done, or is said anew
        if engine.status == "dead":
            self.messages.show_message(
                engine.message[:1].upper() + engine.message[1:].removesuffix(".") + ".",
                True,
                "Connect again" if engine.host else "Restart engine",
                self.controllers.engine.start_again,
            )
        elif engine.status == "starting" and engine.message:
            text = f"{wording.starting(engine).removesuffix('.')}."
            self.messages.show_message(text, True, "Stop trying", self.controllers.engine.give_up)

    def _apply_theme(self) -> None:
        app = QApplication.instance()
        view = self.state.get(VIEW)
        wanted = theme.resolve(view.theme, view.presentation)
        if isinstance(app, QApplication) and (wanted != theme.current() or not app.styleSheet()):
            sheet.apply(app, wanted)

    def _place_messages(self) -> None:
        self.messages.setFixedWidth(min(theme.current().px(640), self._canvas.width() - 48))
        self.messages.raise_()

    # What can be done

    def lane_with(self, number: int) -> str | None:
        """The key of the lane with this number, if there is one."""
        lanes = self.shown.lanes()
        return next((lane.key for lane in lanes if lane.number == number), None)

    def select_lane(self, number: int) -> None:
        """Select the lane with this number, if there is one."""
        key = self.lane_with(number)
        if key is not None:
            self.state.update(LOOK, selected_lane=key)

    def show_task(self, key: str) -> None:
        """Set up a task of the exercise; its bundled model is opened first if need be."""
        chosen = installed_modes.task(key)
        here = chosen.any_model and chosen.model not in dict(all_bundled())
        if self.state.get(MODEL).ref == chosen.model or here:  # else any images will do
            self._begin(chosen)
        else:
            self._task_waiting = chosen
            self.models.open(chosen.model)

    def show_mode(self, key: str) -> None:
        """Show the model in another mode, or open the one that mode was last used with.

        Where there is none, a bundled one.
        """
        mode = installed_modes.mode(key)
        if self.modes.is_shown(mode) or self.modes.choose(mode):
            return
        program, ref = self.modes.program_for(mode), self.modes.model_for(mode)
        if program is not None:
            self._ask_to_run(program, opens=True)
        if ref is None and program is not None:
            return
        if ref is None:
            self.state.post(mode.no_model, error=True)
            return
        self.choose_model(ref)

    def _ask_to_run(self, ref: str, opens: bool) -> None:
        """Say that a program was not opened, with a button that runs it."""
        file = program_file(ref)

        def run() -> None:
            allow_program(self.state, ref)
            if opens:
                self.choose_model(ref)

        whose = "" if opens else ", the model of a lane,"
        text = f"{file}{whose} is a program and was not opened."
        self.messages.show_message(text, True, f"Run {file.name}", run)

    def _begin(self, chosen: Task) -> None:
        self._task_waiting = None
        self.state.update(VIEW, page="explore")
        tasks.apply(chosen, self.state)
        self.playback.to_noise()
        self.playback.play()

    def choose_model(self, ref: str) -> None:
        """Open a model in place of the one of now."""
        self._task_waiting = None  # who chooses a model wants to see that
        self.models.open(ref)

    def _on_model_opened(self, ref: str) -> None:
        if is_here(ref):
            self.runs.remember(ref)
            self._show_model()
        if self._task_waiting is not None and ref == self._task_waiting.model:
            self._begin(self._task_waiting)
        elif self._open_ref is not None:
            wanted, self._open_ref = self._open_ref, None
            allow_program(self.state, wanted)  # it was named on the command line
            self.models.open(wanted)
        elif not self._played_once:
            self._played_once = True
            self.playback.play()

    def ask_for_checkpoint(self) -> None:
        """Choose a file and open its model: weights, a pipeline, a network of one's own."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a model", "", FILTERS)
        if name:
            ref = reference_of(name)
            allow_program(self.state, ref)  # the dialog says what it does
            self.choose_model(ref)

    def refuse_to_open(self) -> None:
        """Say why no model can be opened now."""
        if self.state.get(ENGINE).status == "dead":
            self._show_engine()
        else:
            self.state.post("Opening needs the engine, which is not ready.", error=True)

    def show_export(self) -> None:
        """Open the export dialog; the window plays on beside it."""
        if self._export is None:
            self._export = ExportDialog(
                self.current_picture, self.playback, self, settings=self._settings
            )
        self._export.show()
        self._export.raise_()
        self._export.activateWindow()

    def copy_picture(self) -> None:
        """Put the canvas, as it is now, on the clipboard."""
        name: ThemeName = "dark" if theme.current().dark else "light"
        data = clipboard_data(self.current_picture(), self.playback.t, COPY_SIZE, name)
        QGuiApplication.clipboard().setMimeData(data)
        self.state.post("The picture is on the clipboard.")

    @property
    def shows_lanes(self) -> bool:
        """Whether the page has lanes that can be exported, not plots."""
        explore = self.state.get(VIEW).page == "explore"
        return explore or self.diagnostics.current_scene is not None

    def point_to_plots(self) -> None:
        """Say how the plots on the page are exported."""
        self.state.post("Every plot on this page has an export button of its own.")

    def reset_view(self) -> None:
        """Show all of every plot that is on the screen again."""
        if self.state.get(VIEW).page == "explore":
            self.shown.reset_view()
        else:
            self.diagnostics.reset_view()

    def show_help(self) -> None:
        """Open the help."""
        if self._help is None:
            self._help = HelpDialog(self.rows, self)
            self._help.destroyed.connect(self._forget_help)
        self._help.show()
        self._help.raise_()

    def _forget_help(self) -> None:
        self._help = None

    def start_engine(self) -> None:
        """Start the engine; it reports when it has loaded."""
        self.link.start()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the messages over the canvas."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._place_messages)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no widget has wanted may be the key of an action."""
        if not self.keys.press(event):
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember, stop an export, let the engine save what runs and end it."""
        self.playback.pause()
        remember.remember(self._settings, self.state, installed_modes.MODES)
        self.modes.remember()
        remember.remember_geometry(self._settings, self)
        if self._export is not None:
            self._export.stop()
            self._export.close()
        self.messages.clear()
        if QGuiApplication.platformName() == "offscreen":
            # Its clipboard is in this process and outlives the interpreter, whose object it holds.
            QGuiApplication.clipboard().clear()
        self.link.stop()
        if self.state.get(TRAINING).active:
            folder = Path(self.state.get(TRAINING).folder)
            if self.runs.has_checkpoint(folder):
                self.runs.remember(folder)
            elif not self.runs.is_away(folder):
                self.runs.discard(folder)  # it had not begun
        self._settings.save()
        super().closeEvent(event)
