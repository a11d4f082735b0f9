"""The window: where everything stands, and who hears whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSettings, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QResizeEvent, QShortcut
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

from toydiff_gui import memory, names, scenes, theme
from toydiff_gui.canvas import LaneGrid
from toydiff_gui.comparer import Comparer
from toydiff_gui.composer import alphas_cumprod, compose, data_points
from toydiff_gui.conductor import Conductor
from toydiff_gui.controls import DockRail, MessageBar
from toydiff_gui.diagnostics import DiagnosticsPage
from toydiff_gui.engine_link import EngineKind, EngineLink
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.spec import ThemeName
from toydiff_gui.export.stills import clipboard_data
from toydiff_gui.help_dialog import HelpDialog
from toydiff_gui.inverter import Inverter
from toydiff_gui.layers import LayerKeeper
from toydiff_gui.panels.sample import SamplePanel
from toydiff_gui.panels.train import TrainPanel
from toydiff_gui.playback import Playback
from toydiff_gui.runs import Runs
from toydiff_gui.scene import Scene
from toydiff_gui.state import AppState
from toydiff_gui.thumbnails import forward_thumbnails
from toydiff_gui.timeline import TimelinePanel, install_shortcuts
from toydiff_gui.timers import single_shot
from toydiff_gui.toolbar import Toolbar

BUNDLED = (("v", "V"), ("gaussians8", "8 Gaussians"), ("moons", "Moons"))
HINT_SEEN = "window/hint_seen"
THUMBNAILS, THUMBNAIL_SHAPE = 24, (36, 48)
COPY_SIZE = (1920, 1200)


class MainWindow(QMainWindow):
    """ToyDiff's window. Starts its engine when it is first shown."""

    def __init__(
        self,
        settings: QSettings,
        *,
        engine: EngineKind = "process",
        device: str = "auto",
        runs_folder: Path | None = None,
        open_ref: str | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("ToyDiff")
        self._settings = settings
        self.state = AppState(self)
        memory.restore(settings, self.state)
        self._apply_theme()
        self.playback = Playback(self.state.model.schedule.timesteps, self)
        self.runs = Runs(settings, runs_folder)
        self.link = EngineLink(engine, device, self)
        self.conductor = Conductor(self.state, self.link, self.playback, self.runs, self)
        self.layers = LayerKeeper(self.state, self.link, self.playback, self)
        self.comparer = Comparer(self.state, self.link, self.conductor.pathfinder, self)
        self.inverter = Inverter(self.state, self.link, self)
        self._open_ref = open_ref
        self._task_waiting: scenes.Task | None = None
        self._export: ExportDialog | None = None
        self._help: HelpDialog | None = None
        self._played_once = False
        self._scene_timer = single_shot(self, 0, self._show_scene)
        self._build()
        self._connect()
        self._install_keys()
        self._show_model()
        self._show_docks()
        self._show_page()
        self._show_scene()
        self.setMinimumSize(1000, 640)
        if not memory.restore_geometry(settings, self):
            self.resize(self._first_size())
        self.grid.setFocus()

    # Building

    def _build(self) -> None:
        self.toolbar = Toolbar(self.state)
        self.toolbar.set_scenes([(task.key, task.title, task.tooltip) for task in scenes.TASKS])
        self.train_panel = TrainPanel(self.state)
        self.sample_panel = SamplePanel(self.state)
        self.train_rail = DockRail("Train", "left")
        self.sample_rail = DockRail("Sample", "right")
        self.grid = LaneGrid(self.state)
        self.timeline = TimelinePanel(self.state, self.playback)
        canvas = QWidget()
        canvas.setProperty("surface", "window")
        self.messages = MessageBar()
        around = QGridLayout(canvas)
        around.setContentsMargins(8, 8, 8, 8)
        # Its lanes are not among the state's: settings and overlays cannot belong to them.
        self.forward_grid = LaneGrid(self.state, selectable=False)
        self.forward_grid.setAccessibleName("Lanes of the forward process")
        self.diagnostics = DiagnosticsPage(self.state, self.playback, self.link, self.forward_grid)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.grid)
        self.pages.addWidget(self.diagnostics)
        around.addWidget(self.pages, 0, 0)
        # In the same cell: messages lie over the lanes and push nothing aside.
        around.addWidget(
            self.messages, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter
        )
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.train_rail)
        middle.addWidget(self.train_panel)
        middle.addWidget(canvas, 1)
        middle.addWidget(self.sample_panel)
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
        if self._settings.value(HINT_SEEN) is None:
            self.grid.show_hint().dismissed.connect(self._remember_hint)

    def _connect(self) -> None:
        state, conductor = self.state, self.conductor
        for signal in (
            state.sampling_changed,
            state.lanes_changed,
            state.model_changed,
            state.training_changed,
            state.engine_changed,
            state.run_changed,
            state.view_changed,
            state.marks_changed,
            state.layers_changed,
            state.geodesic_changed,
            state.inversion_changed,
            state.others_changed,
        ):
            signal.connect(self._scene_later)
        state.model_changed.connect(self._show_model)
        state.view_changed.connect(self._apply_theme)
        state.view_changed.connect(self._show_docks)
        state.view_changed.connect(self._show_page)
        state.engine_changed.connect(self._show_engine)
        state.training_changed.connect(self._show_can_continue)
        state.training_config_changed.connect(self._show_can_continue)
        state.message_posted.connect(self.messages.show_message)
        self.messages.changed.connect(self._place_messages)
        self.playback.t_changed.connect(self.grid.set_t)
        self.playback.t_changed.connect(self.forward_grid.set_t)
        conductor.model_opened.connect(self._on_model_opened)
        self.train_panel.train_requested.connect(conductor.train)
        self.train_panel.pause_requested.connect(conductor.pause)
        self.train_panel.resume_requested.connect(conductor.resume)
        self.train_panel.stop_requested.connect(conductor.stop)
        self.grid.edit_asked.connect(self.sample_panel.edit_lane)
        self.grid.view_range_changed.connect(self._show_layers_of_view)
        pathfinder = conductor.pathfinder
        self.sample_panel.stop_search_requested.connect(pathfinder.stop)
        self.sample_panel.search_again_requested.connect(pathfinder.search_again)
        self.sample_panel.invert_file_requested.connect(self.inverter.invert_file)
        self.sample_panel.pick_requested.connect(self.inverter.pick_points)
        self.train_rail.open_requested.connect(lambda: state.update_view(train_dock=True))
        self.sample_rail.open_requested.connect(lambda: state.update_view(sample_dock=True))
        bar = self.toolbar
        bar.model_chosen.connect(self._choose_model)
        bar.scene_chosen.connect(self.show_task)
        bar.open_requested.connect(self.ask_for_checkpoint)
        bar.export_requested.connect(self.show_export)
        bar.copy_requested.connect(self.copy_picture)
        bar.reset_view_requested.connect(self.reset_view)
        bar.help_requested.connect(self.show_help)
        bar.restart_requested.connect(conductor.restart_engine)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    def _install_keys(self) -> None:
        install_shortcuts(self, self.playback)
        for keys, act in (
            ("Ctrl+E", self.show_export),
            ("Ctrl+O", self.ask_for_checkpoint),
            ("Ctrl+Shift+C", self.copy_picture),
            ("Ctrl+0", self.reset_view),
            ("Ctrl+1", lambda: self.state.update_view(page="explore")),
            ("Ctrl+2", lambda: self.state.update_view(page="diagnostics")),
            ("F1", self.show_help),
            ("F11", self.toggle_presentation),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)
        for number in range(1, 10):
            shortcut = QShortcut(QKeySequence(str(number)), self.grid)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda number=number: self.select_lane(number))

    def _first_size(self) -> QSize:
        screen = self.screen().availableSize()
        return QSize(min(1440, screen.width()), min(900, screen.height()))

    # What is shown

    def _scene_later(self) -> None:
        if not self._scene_timer.isActive():
            self._scene_timer.start()

    def _show_scene(self) -> None:
        scene = compose(self.state)
        self.grid.set_scene(scene)
        waits = self.state.view.page == "explore"  # the plots and the forward process are complete
        self.playback.set_reached(scene.reached() if waits else 0)

    def _show_layers_of_view(self) -> None:
        view = self.grid.view_range
        self.layers.set_view((view.x0, view.x1, view.y0, view.y1))

    def current_scene(self) -> Scene:
        """What is to be exported: the scene of this moment, as far as it is zoomed in.

        That is the forward process while it is shown, else the lanes.
        """
        if self.state.view.page == "diagnostics":
            forward = self.diagnostics.current_scene
            if forward is not None:
                return forward
        view = self.grid.view_range
        return replace(compose(self.state), view=(view.x0, view.x1, view.y0, view.y1))

    def _show_model(self) -> None:
        model = self.state.model
        table = alphas_cumprod(model.schedule)
        self.timeline.set_schedule(table)
        points = data_points(model.dataset, model.mean, model.std)
        self.timeline.set_thumbnails(forward_thumbnails(points, table, THUMBNAILS, THUMBNAIL_SHAPE))
        models = [(ref, f"{label}, bundled") for ref, label in BUNDLED]
        models += [(ref, Path(ref).name) for ref in self.runs.recent()]
        self.toolbar.set_models(models)
        self.sample_panel.set_models(models)
        self.setWindowTitle(f"{names.model_line(model)} – ToyDiff")
        self._show_can_continue()

    def _show_can_continue(self) -> None:
        self.train_panel.set_can_continue(self.conductor.can_continue)

    def _show_docks(self) -> None:
        view = self.state.view
        docks = not view.presentation
        self.train_panel.setVisible(docks and view.train_dock)
        self.train_rail.setVisible(docks and not view.train_dock)
        self.sample_panel.setVisible(docks and view.sample_dock)
        self.sample_rail.setVisible(docks and not view.sample_dock)

    def _show_page(self) -> None:
        explore = self.state.view.page == "explore"
        page = self.grid if explore else self.diagnostics
        if page is self.pages.currentWidget():
            return
        within = self.pages.isAncestorOf(QApplication.focusWidget() or self)
        self.pages.setCurrentWidget(page)
        if within:
            page.setFocus()  # Qt would hand it to some control

    def _show_engine(self) -> None:
        engine = self.state.engine
        for message in self.messages.messages:
            if message.action is not None:
                message.closed.emit()  # it offers what has been done, or is said anew
        if engine.status == "dead":
            self.messages.show_message(
                engine.message[:1].upper() + engine.message[1:].removesuffix(".") + ".",
                True,
                "Restart engine",
                self.conductor.restart_engine,
            )

    def _apply_theme(self) -> None:
        app = QApplication.instance()
        view = self.state.view
        wanted = theme.resolve(view.theme, view.presentation)
        if isinstance(app, QApplication) and (wanted != theme.current() or not app.styleSheet()):
            theme.apply(app, wanted)

    def _place_messages(self) -> None:
        self.messages.setFixedWidth(min(theme.current().px(640), self._canvas.width() - 48))
        self.messages.raise_()

    def _remember_hint(self) -> None:
        self._settings.setValue(HINT_SEEN, True)

    # What can be done

    def select_lane(self, number: int) -> None:
        """Select the lane with this number, if there is one."""
        lane = next((lane for lane in self.grid.scene.lanes if lane.number == number), None)
        if lane is not None:
            self.state.update_view(selected_lane=lane.key)

    def show_task(self, key: str) -> None:
        """Set up a task of the exercise; the bundled model of the V is opened first if need be."""
        chosen = scenes.task(key)
        if self.state.model.ref == scenes.BUNDLED_V:
            self._begin(chosen)
        else:
            self._task_waiting = chosen
            self.conductor.open_model(scenes.BUNDLED_V)

    def _begin(self, chosen: scenes.Task) -> None:
        self._task_waiting = None
        self.state.update_view(page="explore")
        scenes.apply(chosen, self.state)
        self.playback.to_noise()
        self.playback.play()

    def _choose_model(self, ref: str) -> None:
        self._task_waiting = None  # who chooses a model wants to see that
        self.conductor.open_model(ref)

    def _on_model_opened(self, ref: str) -> None:
        if Path(ref).exists():
            self.runs.remember(ref)
            self._show_model()
        if self._task_waiting is not None and ref == scenes.BUNDLED_V:
            self._begin(self._task_waiting)
        elif self._open_ref is not None:
            wanted, self._open_ref = self._open_ref, None
            self.conductor.open_model(wanted)
        elif not self._played_once:
            self._played_once = True
            self.playback.play()

    def ask_for_checkpoint(self) -> None:
        """Choose a checkpoint's file and open it."""
        if self.state.engine.status == "dead":
            self._show_engine()
            return
        if self.state.engine.status != "ready":
            self.state.post("Opening needs the engine, which is not ready.", error=True)
            return
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a checkpoint", "", "Checkpoints (*.safetensors);;All files (*)"
        )
        if name:
            self._choose_model(name)

    def show_export(self) -> None:
        """Open the export dialog; the window plays on beside it."""
        if self._only_plots():
            return
        if self._export is None:
            self._export = ExportDialog(
                self.current_scene, self.playback, self, settings=self._settings
            )
        self._export.show()
        self._export.raise_()
        self._export.activateWindow()

    def copy_picture(self) -> None:
        """Put the canvas, as it is now, on the clipboard."""
        if self._only_plots():
            return
        name: ThemeName = "dark" if theme.current().dark else "light"
        data = clipboard_data(self.current_scene(), self.playback.t, COPY_SIZE, name)
        QGuiApplication.clipboard().setMimeData(data)
        self.state.post("The picture is on the clipboard.")

    def _only_plots(self) -> bool:
        """Whether the page has plots instead of lanes; then says how these are exported."""
        plots = self.state.view.page == "diagnostics" and self.diagnostics.current_scene is None
        if plots:
            self.state.post("Every plot on this page has an export button of its own.")
        return plots

    def reset_view(self) -> None:
        """Show all of every plot that is on the screen again."""
        if self.state.view.page == "explore":
            self.grid.reset_view()
        else:
            self.diagnostics.reset_view()
            self.forward_grid.reset_view()

    def show_help(self) -> None:
        """Open the help."""
        if self._help is None:
            self._help = HelpDialog(self)
            self._help.destroyed.connect(self._forget_help)
        self._help.show()
        self._help.raise_()

    def _forget_help(self) -> None:
        self._help = None

    def toggle_presentation(self) -> None:
        """Switch the view for a projector on or off."""
        self.state.update_view(presentation=not self.state.view.presentation)

    def start_engine(self) -> None:
        """Start the engine; it reports when it has loaded."""
        self.link.start()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the messages over the canvas."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._place_messages)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember, stop an export, let the engine save what runs and end it."""
        self.playback.pause()
        memory.remember(self._settings, self.state)
        memory.remember_geometry(self._settings, self)
        if self._export is not None:
            self._export.stop()
            self._export.close()
        self.messages.clear()
        if QGuiApplication.platformName() == "offscreen":
            # Its clipboard is in this process and outlives the interpreter, whose object it holds.
            QGuiApplication.clipboard().clear()
        self.link.stop()
        if self.state.training.active:
            folder = Path(self.state.training.folder)
            if self.runs.has_checkpoint(folder):
                self.runs.remember(folder)
            else:
                self.runs.discard(folder)  # it had not begun
        self._settings.sync()
        super().closeEvent(event)
