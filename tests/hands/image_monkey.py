"""Random hands on mode Images."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from engine.datasets.images import image_training
from engine.shared.config import IMAGE_SETS, PATHS, PRESETS, SCHEDULES, ScheduleConfig, UNetConfig
from tests.hands.monkey import CONTROL, SHIFT, LaneMonkey
from tests.hands.mouse_and_keys import NONE, click, key, mouse, press, type_number, wheel
from tests.hands.window import run_for, settle, wait_until
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.settings import IMAGE_CARD
from toydiff_gui.modes.images.tasks import IMAGE_TASKS
from toydiff_gui.modes.tasks import Task
from toydiff_gui.panels.lane_dock import LaneDock
from toydiff_gui.state.bundled import bundled
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG

MARKS = ("A", "B", "C")
FACES = ("picture", "attention", "slice")


class ImageMonkey(LaneMonkey):
    """Tiles, the card beside them, strips, classes, trainings with small images."""

    MODE = "images"
    HOME = "digits"
    MODELS = tuple(ref for ref, _ in bundled("images"))

    @staticmethod
    def _tasks() -> tuple[Task, ...]:
        """Those of the exercise with images."""
        return IMAGE_TASKS

    @property
    def _dock(self) -> LaneDock:
        return self.main.mode("images").sample_dock

    @property
    def _train_dock(self) -> QWidget:
        return self.main.mode("images").train_dock

    # Canvas

    def _press(
        self, card: QWidget, spot: QPointF | QPoint, modifiers: Qt.KeyboardModifier | None = None
    ) -> None:
        """A click as on a canvas: the pointer comes, presses, lets go."""
        held = modifiers or Qt.KeyboardModifier.NoModifier
        mouse(card, QEvent.Type.MouseMove, spot, button=NONE, held=NONE, modifiers=held)
        mouse(card, QEvent.Type.MouseButtonPress, spot, modifiers=held)
        mouse(card, QEvent.Type.MouseButtonRelease, spot, held=NONE, modifiers=held)

    def _spot(self, widget: QWidget) -> QPoint:
        return QPoint(
            self.dice.randrange(max(widget.width(), 1)),
            self.dice.randrange(max(widget.height(), 1)),
        )

    def _some_tile(self) -> int | None:
        count = self.main.mode("images").page.samples._count
        return self.dice.randrange(count) if count else None

    def _click_tile(self, modifiers: Qt.KeyboardModifier | None = None) -> None:
        samples, tile = self.main.mode("images").page.samples, self._some_tile()
        if tile is not None:
            self._press(samples, samples.tiles.tile(tile).center(), modifiers)

    def click_a_tile(self) -> None:
        self._click_tile()

    def click_a_tile_with_shift(self) -> None:
        self._click_tile(SHIFT)

    def menu_of_a_tile(self) -> None:
        samples, tile = self.main.mode("images").page.samples, self._some_tile()
        if tile is None:
            return
        menu = samples.menu_of(tile)
        choices = [action for action in menu.actions() if action.isEnabled() and not action.menu()]
        for action in menu.actions():
            if action.menu() is not None and action.menu().isEnabled():
                choices += action.menu().actions()
        self.dice.choice([action for action in choices if not action.isSeparator()]).trigger()
        menu.deleteLater()

    def drag_the_tiles(self) -> None:
        samples = self.main.mode("images").page.samples
        start = self._spot(samples)
        mouse(samples, QEvent.Type.MouseButtonPress, start)
        for move in range(1, 4):
            mouse(samples, QEvent.Type.MouseMove, start + QPoint(0, -12 * move), button=NONE)
        mouse(samples, QEvent.Type.MouseButtonRelease, start + QPoint(0, -36), held=NONE)

    def zoom_the_tiles(self) -> None:
        samples = self.main.mode("images").page.samples
        wheel(samples, self._spot(samples), self.dice.choice((-3, -1, 1, 3)))

    def hover_everywhere(self) -> None:
        for card in self.main.mode("images").page.cards:
            for _ in range(3):
                spot = self._spot(card)
                mouse(card, QEvent.Type.MouseMove, spot, button=NONE, held=NONE)

    def keys_on_the_tiles(self) -> None:
        samples = self.main.mode("images").page.samples
        samples.setFocus(Qt.FocusReason.TabFocusReason)
        for _ in range(3):
            which = (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_A)
            key(samples, self.dice.choice((*which, Qt.Key.Key_B, Qt.Key.Key_C, Qt.Key.Key_Return)))

    def switch_the_face(self) -> None:
        click(self.main.mode("images").page.face.faces.button(self.dice.choice(FACES)))

    def click_on_the_face(self) -> None:
        face = self.main.mode("images").page.face
        self._press(face, self._spot(face))

    def drag_the_dot(self) -> None:
        face = self.main.mode("images").page.face
        self.main.state.update(IMAGE_CARD, face="slice")
        settle()
        start = QPoint(face.width() // 3, face.height() // 2)
        mouse(face, QEvent.Type.MouseButtonPress, start)
        for move in range(1, 4):
            mouse(face, QEvent.Type.MouseMove, start + QPoint(9 * move, 5 * move), button=NONE)
            run_for(0.02)
        mouse(face, QEvent.Type.MouseButtonRelease, start, held=NONE)

    def keys_on_the_face(self) -> None:
        face = self.main.mode("images").page.face
        face.setFocus(Qt.FocusReason.TabFocusReason)
        for which in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            key(face, which)

    def choose_a_layer(self) -> None:
        self._choose(self.main.mode("images").page.face.layer)

    def average_the_attention(self) -> None:
        self.main.mode("images").page.face.averaged.click()

    def click_on_a_strip(self) -> None:
        strips = self.main.mode("images").page.strips
        layout = strips.strips
        row = self.dice.choice(layout.rows) if layout.rows else layout.head
        self._press(strips, QPointF(self.dice.uniform(0, layout.right), row.center().y()))

    def keys_on_the_strips(self) -> None:
        strips = self.main.mode("images").page.strips
        strips.setFocus(Qt.FocusReason.TabFocusReason)
        for which in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Return):
            key(strips, which)

    def show_a_card_alone(self) -> None:
        self.dice.choice(self.main.mode("images").page.cards).expand.click()

    # Sample panel

    def _choose(self, box: QComboBox) -> None:
        if box.isEnabled() and box.count():
            box.setCurrentIndex(self.dice.randrange(box.count()))
            box.activated.emit(box.currentIndex())

    def set_the_number_of_images(self) -> None:
        box = self.main.mode("images").sample_dock.start.count_field.box
        type_number(box, self.dice.choice(("1", "2", "16", "36", "0", "1e9", "x")))

    def set_the_steps(self) -> None:
        box = self.main.mode("images").sample_dock.start.steps_field.box
        type_number(box, self.dice.choice(("1", "5", "10", "", "99999", "-1")))

    def set_the_seed(self) -> None:
        box = self.main.mode("images").sample_dock.start.seed_field.box
        type_number(box, str(self.dice.randrange(10**12)))

    def choose_a_class(self) -> None:
        classes = self.main.mode("images").sample_dock.classes
        self._choose(self.dice.choice((classes.tiles, *classes.ends.values())))

    def set_the_guidance(self) -> None:
        box = self.main.mode("images").sample_dock.classes.guidance
        if box.isEnabled():
            type_number(box, self.dice.choice(("0", "1", "2.5", "1e9", "-1", "nan")))

    def same_noise(self) -> None:
        self.main.mode("images").sample_dock.classes.fixed.click()

    def no_classes(self) -> None:
        self.main.mode("images").sample_dock.classes.header.reset_requested.emit()

    def switch_an_overlay(self) -> None:
        click(
            self.dice.choice(list(self.main.mode("images").sample_dock.overlays.buttons.values()))
        )

    def choose_a_path(self) -> None:
        click(self.main.mode("images").sample_dock.path.kind.button(self.dice.choice(PATHS)))

    def set_the_images_of_the_path(self) -> None:
        box = self.main.mode("images").sample_dock.path.count_box
        type_number(box, self.dice.choice(("2", "5", "12", "1", "999")))

    def space_evenly(self) -> None:
        self.main.mode("images").sample_dock.path.even.click()

    def swap(self) -> None:
        click(self.main.mode("images").sample_dock.path.swap_button)

    def throw_endpoints(self) -> None:
        click(self.main.mode("images").sample_dock.path.random_button)

    def reset_the_path(self) -> None:
        self.main.mode("images").sample_dock.path.header.reset_requested.emit()

    def search_or_stop(self) -> None:
        click(self.main.mode("images").sample_dock.path.search.button)

    def menu_of_an_endpoint(self) -> None:
        row = self.main.mode("images").sample_dock.path.rows[self.dice.choice(MARKS)]
        row.menu.aboutToShow.emit()
        harmless = [row.pinned_action, row.random_action]
        if row is self.main.mode("images").sample_dock.path.rows["C"]:
            harmless.append(row.none_action)
        self.dice.choice(harmless).trigger()

    def browse_the_data(self) -> None:
        panel = self.main.mode("images").sample_dock
        panel.browse(self.dice.choice(MARKS))
        run_for(0.1)
        click(panel.browser.others_button)
        if self.dice.random() < 0.5:
            panel.browser.take_button.click()
        if panel.browser is not None:
            panel.browser.reject()

    def invert_an_image_file(self) -> None:
        good, bad = self.folder / "Bild ä.png", self.folder / "kein Bild.png"
        Image.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30).astype(np.uint8)).save(good)
        bad.write_bytes(b"\x89PNG\r\n\x1a\nand nothing that follows")
        name = str(self.dice.choice((good, bad, self.folder / "fehlt.png", "")))
        with patch.object(QFileDialog, "getOpenFileName", lambda *args, **kw: (name, "")):
            self.main.mode("images").sample_dock.ask_for_file(self.dice.choice(MARKS))

    def close_the_line_of_the_inversion(self) -> None:
        self.main.mode("images").sample_dock.inversion.dismiss.click()

    def menu_of_the_inversion(self) -> None:
        click(self.main.mode("images").sample_dock.inversion.button)

    # Pages

    def look_at_the_diagnostics(self) -> None:
        key(self.main, Qt.Key.Key_2, CONTROL)
        run_for(self.dice.choice((0.0, 0.2)))
        key(self.main, Qt.Key.Key_1, CONTROL)

    # Training

    def choose_data(self) -> None:
        press(self.main.mode("images").train_dock.data.cards[self.dice.choice(IMAGE_SETS)])

    def use_a_folder(self) -> None:
        folder = self.dice.choice((str(self.folder), str(self.folder / "fehlt"), ""))
        with patch.object(QFileDialog, "getExistingDirectory", lambda *args, **kw: folder):
            press(self.main.mode("images").train_dock.data.folder_button)

    def choose_a_schedule(self) -> None:
        press(self.main.mode("images").train_dock.schedule.cards[self.dice.choice(SCHEDULES)])

    def choose_a_network(self) -> None:
        press(self.main.mode("images").train_dock.network.presets.cards[self.dice.choice(PRESETS)])

    def learn_the_classes(self) -> None:
        press(self.main.mode("images").train_dock.network.classes)

    def set_a_number_of_training(self) -> None:
        fields = self.main.mode("images").train_dock.network.fields
        field, texts = self.dice.choice(
            (
                (fields.timesteps, ("2", "20", "60", "1")),
                (fields.steps, ("50", "100", "0")),
                (fields.batch, ("8", "32", "-1")),
                (fields.rate, ("0.001", "2", "nan")),
                (fields.seed, ("1", "7")),
            )
        )
        type_number(field.box, self.dice.choice(texts))

    def choose_a_prediction(self) -> None:
        self._choose(self.main.mode("images").train_dock.network.predicts.box)

    def reset_the_model(self) -> None:
        self.main.mode("images").train_dock.network.header.reset_requested.emit()

    def train(self) -> None:
        state = self.main.state
        if not state.get(TRAINING).active and trains_images(state.get(TRAINING_CONFIG)):
            with suppress(ValueError):
                config = replace(
                    image_training("digits"),
                    steps=self.dice.choice((20, 40, 100_000)),
                    unet=UNetConfig(
                        width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8
                    ),
                    schedule=ScheduleConfig(timesteps=self.dice.choice((5, 20, 250))),
                    batch_size=16,
                    checkpoint_every=20,
                )
                state.set(TRAINING_CONFIG, config)
        click(self.main.mode("images").train_dock.run.train_button)

    def pause_or_resume(self) -> None:
        click(self.main.mode("images").train_dock.run.pause_button)

    def stop(self) -> None:
        click(self.main.mode("images").train_dock.run.stop_button)

    def let_it_train(self) -> None:
        run_for(0.3)

    def wait_for_the_picture(self) -> None:
        page, playback = self.main.mode("images").page, self.main.playback
        painted, before = page.frames_painted, playback.t
        playback.set_t(self.dice.randrange(playback.timesteps + 1))
        if page.isVisible() and playback.t != before:
            wait_until(lambda: page.frames_painted > painted, "the picture of this time")
