"""The window: where everything stands, and who hears whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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

from toydiff_gui import memory, names, sheet, tasks, theme
from toydiff_gui.app.commands import actions_of, model_actions, task_actions
from toydiff_gui.app.keys import install_keys
from toydiff_gui.app.mode_switch import ModeKeeper
from toydiff_gui.bundled import bundled_images, bundled_points
from toydiff_gui.canvas import LaneGrid
from toydiff_gui.canvas.images import ImagePage
from toydiff_gui.composer import alphas_cumprod, compose, data_points
from toydiff_gui.controllers.assembly import Controllers
from toydiff_gui.controllers.fetch_home import FetchHome
from toydiff_gui.controls import DockRail, MessageBar
from toydiff_gui.diagnostics import DiagnosticsPage
from toydiff_gui.engine_client.wanted import Part
from toydiff_gui.engine_link import EngineKind, EngineLink
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.spec import ThemeName
from toydiff_gui.export.stills import clipboard_data
from toydiff_gui.help_dialog import HelpDialog
from toydiff_gui.image_composer import compose_images, image_thumbnails
from toydiff_gui.image_scene import ImageScene
from toydiff_gui.modes.images.attention import AttentionRequests
from toydiff_gui.modes.images.costs import NetworkCosts
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.inversion import ImageInversion
from toydiff_gui.modes.images.lane_requests import ImageLanes
from toydiff_gui.modes.images.settings import (
    ATTENTION,
    IMAGE_CARD,
    IMAGE_POINTER,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
    SLICE,
)
from toydiff_gui.modes.images.slice import SliceRequests
from toydiff_gui.modes.points.comparison import PathComparison
from toydiff_gui.modes.points.inversion import PointInversion
from toydiff_gui.modes.points.lane_requests import PointLanes
from toydiff_gui.modes.points.overlay_requests import OverlayRequests
from toydiff_gui.modes.points.settings import INVERSION, LAYERS, SAMPLING
from toydiff_gui.panels.images.sample import ImageSamplePanel
from toydiff_gui.panels.images.train import ImageTrainPanel
from toydiff_gui.panels.sample import SamplePanel
from toydiff_gui.panels.train import TrainPanel
from toydiff_gui.playback import Playback
from toydiff_gui.references import FILTERS, is_here, program_file, reference_of
from toydiff_gui.remote_engine import Address
from toydiff_gui.runs import Runs
from toydiff_gui.scene import Scene
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES
from toydiff_gui.state.model import MODEL, OTHER_MODELS
from toydiff_gui.state.programs import allow_program
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import MARKED, PINNED, VIEW
from toydiff_gui.thumbnails import forward_thumbnails, thumbnail_times
from toydiff_gui.timeline import TimelinePanel
from toydiff_gui.timers import single_shot
from toydiff_gui.toolbar import Toolbar

HINT_SEEN = "window/hint_seen"
THUMBNAILS, THUMBNAIL_SHAPE = 24, (36, 48)
IMAGE_THUMBNAILS = 28
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
        memory.restore(settings, self.state)
        self.modes = ModeKeeper(self.state, settings, self)
        self._apply_theme()
        self.playback = Playback(self.state.get(MODEL).schedule.timesteps, self)
        self.runs = Runs(settings, runs_folder)
        self.link = EngineLink(engine, device, self)
        self.controllers = Controllers(self.state, self.link, self.playback, self.runs, self)
        self.models, self.training = self.controllers.models, self.controllers.training
        self.geodesic, self.exchange = self.controllers.geodesic, self.controllers.exchange
        self.fetch_home = FetchHome(self.state, self.controllers.client, self.runs, self.link, self)
        self.overlays = OverlayRequests(self.state, self.exchange, self.playback, self)
        self.comparison = PathComparison(self.state, self.geodesic)
        self.inversion = PointInversion(self.state, self.exchange, self)
        self.point_lanes = PointLanes(
            self.state, self.exchange, self.playback, self.models, self.geodesic, self
        )
        self.image_lanes = ImageLanes(self.state, self.exchange, self.models, self.geodesic, self)
        self.slice = SliceRequests(self.state, self.exchange)
        self.attention = AttentionRequests(self.state, self.exchange, self.playback)
        self.image_inversion = ImageInversion(self.state, self.controllers.client, self)
        self.image_sets = ImageSets(self.state, self.controllers.client, settings, self)
        self.costs = NetworkCosts(self.state, self.exchange)
        self._open_ref = open_ref
        self._task_waiting: tasks.Task | None = None
        self._export: ExportDialog | None = None
        self._help: HelpDialog | None = None
        self._played_once = False
        self._mode = self.modes.mode
        self._thumbnails_of: tuple[object, int] | None = None
        self._scene_timer = single_shot(self, 0, self._show_scene)
        self.rows = actions_of(self)
        self._build()
        self._connect()
        self.keys = install_keys(self, self.rows, (self.grid, self.image_page))
        self._show_model()
        self._show_docks()
        self._show_page()
        self._show_scene()
        self.setMinimumSize(1000, 640)
        if not memory.restore_geometry(settings, self):
            self.resize(self._first_size())
        self._shown_page.setFocus()

    # Building

    def _build(self) -> None:
        self.toolbar = Toolbar(self.state, self.rows)
        self.train_panel = TrainPanel(self.state)
        self.sample_panel = SamplePanel(self.state)
        self.image_train_panel = ImageTrainPanel(self.state)
        self.image_sample_panel = ImageSamplePanel(self.state)
        self.train_rail = DockRail("Train", "left")
        self.sample_rail = DockRail("Sample", "right")
        self.grid = LaneGrid(self.state)
        self.image_page = ImagePage(self.state)
        self.timeline = TimelinePanel(self.state, self.playback)
        canvas = QWidget()
        canvas.setProperty("surface", "window")
        self.messages = MessageBar()
        around = QGridLayout(canvas)
        around.setContentsMargins(8, 8, 8, 8)
        # Its lanes are not among the state's: settings and overlays cannot belong to them.
        self.forward_grid = LaneGrid(self.state, selectable=False)
        self.forward_grid.setAccessibleName("Lanes of the forward process")
        self.diagnostics = DiagnosticsPage(
            self.state, self.playback, self.controllers.client, self.forward_grid
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.grid)
        self.pages.addWidget(self.image_page)
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
        middle.addWidget(self.image_train_panel)
        middle.addWidget(canvas, 1)
        middle.addWidget(self.sample_panel)
        middle.addWidget(self.image_sample_panel)
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
        if not self._settings.get(HINT_SEEN, bool):
            self.grid.show_hint().dismissed.connect(self._remember_hint)

    def _connect(self) -> None:
        state = self.state
        for signal in (
            state.changed(SAMPLING),
            state.changed(LANES),
            state.changed(MODEL),
            state.changed(TRAINING),
            state.changed(ENGINE),
            state.changed(LANE_RUNS),
            state.changed(VIEW),
            state.changed(MARKED),
            state.changed(PINNED),
            state.changed(LAYERS),
            state.changed(GEODESIC),
            state.changed(INVERSION),
            state.changed(OTHER_MODELS),
            state.changed(IMAGE_SAMPLING),
            state.changed(IMAGE_CARD),
            state.changed(IMAGE_POINTER),
            state.changed(SLICE),
            state.changed(ATTENTION),
        ):
            signal.connect(self._scene_later)
        state.changed(MODEL).connect(self._show_model)
        state.changed(VIEW).connect(self._apply_theme)
        state.changed(VIEW).connect(self._show_docks)
        state.changed(VIEW).connect(self._show_page)
        state.changed(ENGINE).connect(self._show_engine)
        state.changed(TRAINING).connect(self._show_can_continue)
        state.changed(TRAINING_CONFIG).connect(self._show_can_continue)
        state.message_posted.connect(self.messages.show_message)
        state.program_asked.connect(self._ask_to_run)
        self.messages.changed.connect(self._place_messages)
        self.playback.t_changed.connect(self.grid.set_t)
        self.playback.t_changed.connect(self.image_page.set_t)
        self.playback.t_changed.connect(self.forward_grid.set_t)
        self.models.opened.connect(self._on_model_opened)
        self.fetch_home.fetched.connect(self._show_model)
        self.training.runs_changed.connect(self._show_model)
        for panel in (self.train_panel, self.image_train_panel):
            panel.train_requested.connect(self.training.train)
            panel.pause_requested.connect(self.training.pause)
            panel.resume_requested.connect(self.training.resume)
            panel.stop_requested.connect(self.training.stop)
        self.grid.edit_asked.connect(self.sample_panel.edit_lane)
        self.grid.view_range_changed.connect(self._show_layers_of_view)
        self.sample_panel.stop_search_requested.connect(self.geodesic.stop)
        self.sample_panel.search_again_requested.connect(self.geodesic.search_again)
        self.sample_panel.invert_file_requested.connect(self.inversion.invert_file)
        self.sample_panel.pick_requested.connect(self.inversion.pick_points)
        self._connect_images()
        self.train_rail.open_requested.connect(lambda: state.update(VIEW, train_dock=True))
        self.sample_rail.open_requested.connect(lambda: state.update(VIEW, sample_dock=True))
        self.toolbar.mode_chosen.connect(self.show_mode)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._apply_theme)

    def _connect_images(self) -> None:
        """The controls of mode Images, and those who carry out what they ask."""
        page, train, sample = self.image_page, self.image_train_panel, self.image_sample_panel
        page.time_asked.connect(self.playback.set_t)
        page.class_asked.connect(self._set_tile_class)
        page.stop_requested.connect(self.image_lanes.stop)
        self.image_lanes.busy_changed.connect(page.set_sampling)
        train.download_requested.connect(self.image_sets.fetch)
        train.cancel_download_requested.connect(self.image_sets.cancel_fetch)
        train.data_root_requested.connect(self.image_sets.set_root)
        train.folder_requested.connect(self.image_sets.use_folder)
        train.thumbnails_requested.connect(self.image_sets.show_on_card)
        sample.browse_requested.connect(self.image_sets.browse)
        sample.invert_image_requested.connect(self.image_inversion.invert_image)
        sample.invert_file_requested.connect(self.image_inversion.invert_file)
        sample.cancel_inversion_requested.connect(self.image_inversion.cancel)
        sample.stop_search_requested.connect(self.geodesic.stop)
        sample.search_again_requested.connect(self.geodesic.search_again)

    def _first_size(self) -> QSize:
        screen = self.screen().availableSize()
        return QSize(min(1440, screen.width()), min(900, screen.height()))

    # What is shown

    def _scene_later(self) -> None:
        if not self._scene_timer.isActive():
            self._scene_timer.start()

    def _show_scene(self) -> None:
        scene: Scene | ImageScene
        if self.state.get(MODEL).images:
            scene = compose_images(self.state)
            self.image_page.set_scene(scene)
            self._show_image_thumbnails()
        else:
            scene = compose(self.state)
            self.grid.set_scene(scene)
        waits = (
            self.state.get(VIEW).page == "explore"
        )  # the plots and the forward process are complete
        self.playback.set_reached(scene.reached() if waits else 0)

    def _show_layers_of_view(self) -> None:
        view = self.grid.view_range
        self.overlays.set_view((view.x0, view.x1, view.y0, view.y1))

    def _show_image_thumbnails(self) -> None:
        """The tile that is pinned, in the row above time, when it is there."""
        run = self.state.at(LANE_RUNS, SAMPLES_KEY)
        if run.status != "done":
            return
        shown = (run.trajectory, self.state.get(IMAGE_CARD).pinned_tile)
        if (
            self._thumbnails_of is None
            or self._thumbnails_of[0] is not shown[0]
            or (self._thumbnails_of[1] != shown[1])
        ):
            self._thumbnails_of = shown
            times = thumbnail_times(self.state.get(MODEL).schedule.timesteps, IMAGE_THUMBNAILS)
            pictures = image_thumbnails(self.state, times)
            self.timeline.set_thumbnails(pictures, of_pixels=True)

    def current_scene(self) -> Scene | ImageScene:
        """What is to be exported: the scene of this moment, as far as it is zoomed in.

        That is the forward process while it is shown, else the lanes.
        """
        if self.state.get(VIEW).page == "diagnostics":
            forward = self.diagnostics.current_scene
            if forward is not None:
                return forward
        if self.state.get(MODEL).images:
            return compose_images(self.state)
        view = self.grid.view_range
        return replace(compose(self.state), view=(view.x0, view.x1, view.y0, view.y1))

    def _show_model(self) -> None:
        model = self.state.get(MODEL)
        table = alphas_cumprod(model.schedule)
        self.timeline.set_schedule(table)
        self._thumbnails_of = None
        if model.images:
            self.timeline.set_thumbnails([])
        else:
            points = data_points(model.dataset, model.mean, model.std)
            pictures = forward_thumbnails(points, table, THUMBNAILS, THUMBNAIL_SHAPE)
            self.timeline.set_thumbnails(pictures)
        bundled = (*bundled_points(), *bundled_images())
        models = [(ref, f"{label}, bundled") for ref, label in bundled]
        models += [(ref, Path(ref).name) for ref in self.runs.recent()]
        self.toolbar.set_models(model_actions(self, models))
        for panel in (self.sample_panel, self.image_sample_panel):
            panel.set_models(models)
        self._show_mode()
        self._choose_parts()
        self._show_title()
        self._show_can_continue()

    def _show_can_continue(self) -> None:
        for panel in (self.train_panel, self.image_train_panel):
            panel.set_can_continue(self.training.can_continue)

    def _show_mode(self) -> None:
        """Docks, page and tasks of the mode that the model belongs to."""
        offered = tasks.IMAGE_TASKS if self.state.get(MODEL).images else tasks.TASKS
        self.toolbar.set_tasks(task_actions(self, offered))
        if self.modes.mode != self._mode:
            self._mode = self.modes.mode
            self.state.update(VIEW, maximised_lane="")  # what was alone belongs to the other
            self.state.set(MARKED, None)
            self.state.set(PINNED, None)
        self._show_docks()
        self._show_page()

    def _choose_parts(self) -> None:
        parts: tuple[Part, ...] = (
            self.inversion,
            self.geodesic,
            self.point_lanes,
            self.overlays,
            self.comparison,
        )
        lanes: PointLanes | ImageLanes = self.point_lanes
        if self.state.get(MODEL).images:
            lanes = self.image_lanes
            parts = (self.geodesic, lanes, self.slice, self.attention, self.costs)
        self.geodesic.watch(lanes.between, lanes.looks_at_geodesic)
        self.exchange.set_parts((self.models, *parts))

    def _show_docks(self) -> None:
        view, images = self.state.get(VIEW), self.state.get(MODEL).images
        docks = not view.presentation
        self.train_panel.setVisible(docks and view.train_dock and not images)
        self.image_train_panel.setVisible(docks and view.train_dock and images)
        self.train_rail.setVisible(docks and not view.train_dock)
        self.sample_panel.setVisible(docks and view.sample_dock and not images)
        self.image_sample_panel.setVisible(docks and view.sample_dock and images)
        self.sample_rail.setVisible(docks and not view.sample_dock)

    @property
    def _shown_page(self) -> QWidget:
        lanes = self.image_page if self.state.get(MODEL).images else self.grid
        return lanes if self.state.get(VIEW).page == "explore" else self.diagnostics

    def _show_page(self) -> None:
        page = self._shown_page
        if page is self.pages.currentWidget():
            return
        within = self.pages.isAncestorOf(QApplication.focusWidget() or self)
        self.pages.setCurrentWidget(page)
        if within:
            page.setFocus()  # Qt would hand it to some control

    def _show_title(self) -> None:
        place = names.engine_place(self.state.get(ENGINE))
        title = f"{names.model_line(self.state.get(MODEL))} – ToyDiff"
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
            text = f"{names.starting(engine).removesuffix('.')}."
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

    def _remember_hint(self) -> None:
        self._settings.put(HINT_SEEN, True)

    # What can be done

    def lane_with(self, number: int) -> str | None:
        """The key of the lane with this number, if there is one."""
        images = self.state.get(MODEL).images
        lanes = self.image_page.scene.strips if images else self.grid.scene.lanes
        return next((lane.key for lane in lanes if lane.number == number), None)

    def select_lane(self, number: int) -> None:
        """Select the lane with this number, if there is one."""
        key = self.lane_with(number)
        if key is not None:
            self.state.update(VIEW, selected_lane=key)

    def show_task(self, key: str) -> None:
        """Set up a task of the exercise; its bundled model is opened first if need be."""
        chosen = tasks.task(key)
        here = chosen.images and chosen.model not in dict(bundled_images())
        if self.state.get(MODEL).ref == chosen.model or here:  # else any images will do
            self._begin(chosen)
        else:
            self._task_waiting = chosen
            self.models.open(chosen.model)

    def show_mode(self, mode: str) -> None:
        """Open the model that ``mode`` was last used with, or a bundled one."""
        if mode == self.modes.mode:
            return
        program, ref = self.modes.program_for(mode), self.modes.model_for(mode)
        if program is not None:
            self._ask_to_run(program, opens=True)
        if ref is None and program is not None:
            return
        if ref is None:
            self.state.post(
                "There is no model of images here: train one with 'toydiff train', or open one.",
                error=True,
            )
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

    def _set_tile_class(self, index: int, number: int | None) -> None:
        """Ask for a tile of a class of its own; None for none."""
        asked = dict(self.state.get(IMAGE_SAMPLING).tile_classes)
        asked[index] = number
        self.state.update(IMAGE_SAMPLING, tile_classes=tuple(sorted(asked.items())))

    def _begin(self, chosen: tasks.Task) -> None:
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
                self.current_scene, self.playback, self, settings=self._settings
            )
        self._export.show()
        self._export.raise_()
        self._export.activateWindow()

    def copy_picture(self) -> None:
        """Put the canvas, as it is now, on the clipboard."""
        name: ThemeName = "dark" if theme.current().dark else "light"
        data = clipboard_data(self.current_scene(), self.playback.t, COPY_SIZE, name)
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
            self.grid.reset_view()
            self.state.set(IMAGE_ZOOM, 1)
        else:
            self.diagnostics.reset_view()
            self.forward_grid.reset_view()

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
        memory.remember(self._settings, self.state)
        self.modes.remember()
        memory.remember_geometry(self._settings, self)
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
