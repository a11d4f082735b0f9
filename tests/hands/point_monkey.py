"""Random hands on mode 2D."""

from __future__ import annotations

from contextlib import suppress
from unittest.mock import patch

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from engine.shared.config import PATHS, POINT_SETS, SCHEDULES, SIDES, ModelConfig, ScheduleConfig
from tests.hands.monkey import SHIFT, LaneMonkey
from tests.hands.mouse_and_keys import Drag, click, drag_plot, key, mouse, type_number, wheel
from tests.hands.window import run_for, settle
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.modes.points.tasks import TASKS
from toydiff_gui.modes.tasks import Task
from toydiff_gui.panels.lane_dock import LaneDock
from toydiff_gui.state.bundled import bundled
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, MARKED, PINNED, VIEW


class PointMonkey(LaneMonkey):
    """The canvas of lanes, endpoints in the plane, trainings with points."""

    MODE = "2d"
    HOME = "v"
    MODELS = tuple(ref for ref, _ in bundled("points"))

    @staticmethod
    def _tasks() -> tuple[Task, ...]:
        """Those of the exercise in the plane."""
        return TASKS

    @property
    def _dock(self) -> LaneDock:
        return self.main.mode("2d").sample_dock

    @property
    def _train_dock(self) -> QWidget:
        return self.main.mode("2d").train_dock

    # Canvas

    def _latent(self) -> QWidget | None:
        view = self.main.mode("2d").page.lane_view("latent")
        path = self.main.state.get(SAMPLING).mode == "interpolation"
        return view.plot.viewport() if view is not None and view.isVisible() and path else None

    def _some_lane(self) -> str:
        keys = [lane.key for lane in self.main.mode("2d").page.scene.lanes]
        alone = self.main.state.get(LOOK).maximised_lane
        return alone if alone in keys else self.dice.choice(keys)

    def drag_an_endpoint(self) -> None:
        if self._latent() is None:
            self.main.state.update(LOOK, maximised_lane="")
            self.main.state.update(SAMPLING, mode="interpolation")
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
        view = self.main.mode("2d").page.lane_view(self._some_lane())
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
        view = self.main.mode("2d").page.lane_view(self._some_lane())
        wheel(view.plot.viewport(), QPoint(50, 70), self.dice.choice((-3, -1, 1, 3)))

    def hover(self) -> None:
        view = self.main.mode("2d").page.lane_view(self._some_lane())
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
        click(self.main.mode("2d").page.lane_view(self._some_lane()).header, QPoint(60, 12))

    def show_a_lane_alone(self) -> None:
        click(self.main.mode("2d").page.lane_view(self._some_lane()).header.expand)

    def nudge(self) -> None:
        view = self.main.mode("2d").page.lane_view("latent")
        handle = view.handles.handles[self.dice.randrange(2)]
        if handle.isVisible():
            handle.setFocus()
            key(handle, self.dice.choice((Qt.Key.Key_Left, Qt.Key.Key_Up)), SHIFT)

    # Sample panel

    def type_an_endpoint(self) -> None:
        box = self.dice.choice(list(self.main.mode("2d").sample_dock.path.endpoint_boxes.values()))
        type_number(box, self.dice.choice(("0.5", "-1.25", "2,5", "1e9", "nan", "x", "", "0")))

    def swap(self) -> None:
        click(self.main.mode("2d").sample_dock.path.swap_button)

    def throw_endpoints(self) -> None:
        click(self.main.mode("2d").sample_dock.path.random_button)

    def reset_the_path(self) -> None:
        self.main.mode("2d").sample_dock.path.header.reset_requested.emit()

    def switch_the_mode(self) -> None:
        mode = self.dice.choice(("interpolation", "samples", "inverted"))
        click(self.main.mode("2d").sample_dock.start.mode.button(mode))

    def set_the_number_of_points(self) -> None:
        type_number(
            self.main.mode("2d").sample_dock.start.count_field.box,
            self.dice.choice(("1", "2", "500", "1000", "3000", "0", "1e9", "500")),
        )

    def set_the_steps(self) -> None:
        type_number(
            self.main.mode("2d").sample_dock.start.steps_field.box,
            self.dice.choice(("1", "10", "50", "250", "", "99999", "-1")),
        )

    def set_the_seed(self) -> None:
        type_number(
            self.main.mode("2d").sample_dock.start.seed_field.box, str(self.dice.randrange(10**12))
        )

    def throw_a_seed(self) -> None:
        click(self.main.mode("2d").sample_dock.start.seed_field.dice_button)

    def switch_an_overlay(self) -> None:
        click(self.dice.choice(list(self.main.mode("2d").sample_dock.overlays.buttons.values())))

    def choose_a_path(self) -> None:
        click(self.main.mode("2d").sample_dock.path.kind.button(self.dice.choice(PATHS)))

    def choose_a_side(self) -> None:
        if self.dice.random() < 0.5:
            self.main.state.update(SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.0))
        click(self.main.mode("2d").sample_dock.path.side.button(self.dice.choice(SIDES)))

    def space_evenly(self) -> None:
        click(self.main.mode("2d").sample_dock.path.even, QPoint(8, 10))

    def draw_a_path(self) -> None:
        count = self.dice.randrange(4)
        through = tuple((self.dice.uniform(-3, 3), self.dice.uniform(-3, 3)) for _ in range(count))
        self.main.state.update(SAMPLING, path="drawn", through=through)

    def clear_the_way_points(self) -> None:
        click(self.main.mode("2d").sample_dock.path.clear_button)

    def search_or_stop(self) -> None:
        panel = self.main.mode("2d").sample_dock
        click(panel.geodesic.button if self.main.state.get(VIEW).lab else panel.path.search.button)

    def turn_the_dock(self) -> None:
        face = self.main.mode("2d").sample_dock.face
        click(face.button(self.dice.choice(("sample", "paths"))))

    def choose_a_path_in_the_table(self) -> None:
        click(self.main.mode("2d").sample_dock.comparison.rows[self.dice.choice(PATHS)])

    def export_the_comparison(self) -> None:
        name = self.dice.choice((str(self.folder / "Pfade.csv"), "", str(self.folder / "x" / "y")))
        with patch.object(QFileDialog, "getSaveFileName", lambda *args, **kw: (name, "")):
            click(self.main.mode("2d").sample_dock.export_button)

    def look_at_a_point(self) -> None:
        self.main.state.set(MARKED, self.dice.choice((None, 0, 3, 499, 10**6)))

    def pin_a_point(self) -> None:
        self.main.state.set(PINNED, self.dice.choice((None, 0, 1, 250)))

    # Inversion

    def pick_points(self) -> None:
        inversion = self.main.mode("2d").sample_dock.inversion
        if self.main.state.get(INVERSION).status == "picking":
            click(inversion.button)
        else:
            inversion.pick_action.trigger()

    def invert_a_file(self) -> None:
        good, bad = self.folder / "Punkte.csv", self.folder / "schlecht.csv"
        good.write_text("0.5,0.5\n-0.5,0.25\n1,1\n")
        bad.write_text("one,two,three\n")
        name = str(self.dice.choice((good, bad, self.folder / "fehlt.npy", "")))
        with patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: (name, "")):
            self.main.mode("2d").sample_dock.inversion.file_action.trigger()

    def forget_the_points(self) -> None:
        click(self.main.mode("2d").sample_dock.inversion.dismiss)

    # Training

    def choose_data(self) -> None:
        click(self.main.mode("2d").train_dock.data.cards[self.dice.choice(POINT_SETS)])

    def choose_a_schedule(self) -> None:
        click(self.main.mode("2d").train_dock.schedule.cards[self.dice.choice(SCHEDULES)])

    def zero_terminal(self) -> None:
        self.main.mode("2d").train_dock.schedule.zero_terminal.click()

    def set_a_number_of_training(self) -> None:
        panel = self.main.mode("2d").train_dock
        box, texts = self.dice.choice(
            (
                (panel.network.width_field.box, ("8", "16", "3", "x")),
                (panel.network.depth_field.box, ("1", "2", "0")),
                (panel.network.fields.timesteps.box, ("2", "20", "60", "1")),
                (panel.network.fields.steps.box, ("50", "100", "0")),
                (panel.network.fields.batch.box, ("8", "32", "-1")),
                (panel.network.fields.rate.box, ("0.001", "0.01", "2", "nan")),
                (panel.network.fields.seed.box, ("1", "7")),
            )
        )
        type_number(box, self.dice.choice(texts))

    def choose_a_prediction(self) -> None:
        box = self.main.mode("2d").train_dock.network.predicts.box
        if box.isEnabled():
            box.setCurrentIndex(self.dice.randrange(box.count()))
            box.activated.emit(box.currentIndex())

    def reset_the_model(self) -> None:
        self.main.mode("2d").train_dock.network.header.reset_requested.emit()

    def train(self) -> None:
        state = self.main.state
        if not state.get(TRAINING).active and self.dice.random() < 0.6:
            with suppress(ValueError):  # a prediction that the schedule refuses
                state.update(
                    TRAINING_CONFIG,
                    steps=self.dice.choice((30, 80, 100_000)),
                    model=ModelConfig(width=8, depth=1, embedding=8),
                    schedule=ScheduleConfig(timesteps=self.dice.choice((5, 20, 250))),
                    batch_size=16,
                    points=300,
                    checkpoint_every=40,
                )
        click(self.main.mode("2d").train_dock.run.train_button)

    def pause_or_resume(self) -> None:
        click(self.main.mode("2d").train_dock.run.pause_button)

    def stop(self) -> None:
        click(self.main.mode("2d").train_dock.run.stop_button)

    def let_it_train(self) -> None:
        run_for(0.3)
