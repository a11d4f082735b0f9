"""Mode Images in the window, used with mouse and keys; the engine is a pretended one."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication

from engine.datasets.images import image_training
from engine.shared import catalogue, messages
from tests.hands.mouse_and_keys import click, key
from tests.hands.window import settle, wait_until
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.read_image import read_image
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.modes.images.settings import (
    IMAGE_CARD,
    IMAGE_INVERSION,
    IMAGE_SAMPLING,
    IMAGE_ZOOM,
)
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.state import bundled
from toydiff_gui.state.lanes import LANE_RUNS, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.training import TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, VIEW

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
KINDS = (messages.Sample, messages.Interpolate)


@pytest.fixture(autouse=True)
def all_bundled(monkeypatch):
    """Whether they are in this installation does not matter to the window's behaviour."""
    monkeypatch.setattr(bundled, "_is_there", lambda name: True)


def segment(window, mode):
    return window.toolbar.mode.button(mode)


def to_images(window):
    click(segment(window, "images"))
    window.link.answer_all()
    window.playback.pause()
    settle()


@pytest.fixture
def images(window):
    """A window in mode Images, its tiles and strips complete."""
    to_images(window)
    assert window.state.at(LANE_RUNS, "ddim").status == "done"
    return window


def new(window, *kinds):
    settle()
    sent, window.link.sent[:] = list(window.link.sent), []
    window.link._answered = 0
    return [packet for packet in sent if isinstance(packet.message, kinds or KINDS)]


def tile_place(window, index):
    return window.mode("images").page.samples.tiles.tile(index).center().toPoint()


def latents(window, index):
    return window.state.at(LANE_RUNS, "samples").trajectory.x[0][index]


def titles(menu):
    return [action.text() for action in menu.actions()]


def test_the_switch_opens_the_mode_and_leads_back(window):
    assert window.state.get(MODEL).ref == "v"
    points = window.state.get(TRAINING_CONFIG)
    click(segment(window, "images"))
    assert window.link.asked(messages.Open)[-1].checkpoint == "mnist"
    window.link.answer_all()
    assert window.state.get(MODEL).kind == catalogue.IMAGES
    assert window.toolbar.mode.current == "images"
    assert window.mode("images").page.isVisible()
    assert not window.mode("2d").page.isVisible()
    assert window.mode("images").train_dock.isVisible()
    assert window.mode("images").sample_dock.isVisible()
    assert not window.mode("2d").train_dock.isVisible()
    assert not window.mode("2d").sample_dock.isVisible()
    assert window.state.get(TRAINING_CONFIG).unet is not None
    assert "1a  64 images with DDPM" in titles(window.toolbar.tasks_button.menu())
    click(segment(window, "2d"))
    window.link.answer_all()
    assert window.state.get(MODEL).ref == "v"
    assert window.mode("2d").page.isVisible()
    assert window.mode("2d").train_dock.isVisible()
    assert not window.mode("images").train_dock.isVisible()
    assert window.state.get(TRAINING_CONFIG) == points
    assert window.state.at(LANE_RUNS, "ddim").trajectory.x[0].shape == (500, 2)
    assert "1b  Interpolation with DDPM" in titles(window.toolbar.tasks_button.menu())


def test_a_mode_opens_what_it_was_left_with(images):
    images.models.open("digits")
    images.link.answer_all()
    click(segment(images, "2d"))
    images.link.answer_all()
    assert images.state.get(MODEL).ref == "v"
    to_images(images)
    assert images.state.get(MODEL).ref == "digits"


def test_a_mode_that_cannot_be_opened_is_not_shown_as_chosen(window):
    click(segment(window, "images"))
    opening = new(window, messages.Open)[-1]
    window.link.report(messages.Failure(job=opening.message.job, message="it is damaged"))
    settle()
    assert window.toolbar.mode.current == "2d"
    assert segment(window, "2d").isChecked()
    assert window.mode("2d").page.isVisible()


def test_clicks_on_tiles_lead_from_a_to_b(images):
    new(images)
    samples = images.mode("images").page.samples
    click(samples, tile_place(images, 9))
    asked = new(images)
    assert [packet.message.slot for packet in asked] == ["ddpm", "ddpm-shared", "ddim"]
    assert np.array_equal(asked[0].arrays["start"], latents(images, 9))
    click(samples, tile_place(images, 20))
    asked = new(images)
    assert np.array_equal(asked[0].arrays["start"], latents(images, 9))
    assert np.array_equal(asked[0].arrays["end"], latents(images, 20))
    scene = images.mode("images").page.scene
    assert {scene.tiles.marks[9], scene.tiles.marks[20]} == {"A", "B"}
    assert scene.looked_at.title == "Tile 21"


def test_c_makes_room_for_a_and_b_but_takes_no_tile_of_theirs(images):
    samples = images.mode("images").page.samples
    QTest.mouseClick(samples, Qt.MouseButton.LeftButton, SHIFT, tile_place(images, 9))
    assert images.state.get(IMAGE_SAMPLING).c.tile == 9
    click(samples, tile_place(images, 9))
    assert images.state.get(IMAGE_SAMPLING).a.tile == 9
    assert images.state.get(IMAGE_SAMPLING).c is None
    assert endpoints.third_corner(images.state).tile not in (
        9,
        images.state.get(IMAGE_SAMPLING).b.tile,
    )
    QTest.mouseClick(samples, Qt.MouseButton.LeftButton, SHIFT, tile_place(images, 9))
    assert images.state.get(IMAGE_SAMPLING).c is None
    (said,) = images.messages.messages
    assert said.text == "Tile 10 is A: C must be another tile."


def test_the_keyboard_does_the_same(images):
    samples = images.mode("images").page.samples
    samples.setFocus(Qt.FocusReason.TabFocusReason)
    new(images)
    key(samples, Qt.Key.Key_Right)
    key(samples, Qt.Key.Key_Return)
    assert images.state.get(IMAGE_SAMPLING).a.tile == 1
    key(samples, Qt.Key.Key_Right)
    key(samples, Qt.Key.Key_Return, SHIFT)
    assert images.state.get(IMAGE_SAMPLING).c.tile == 2
    assert len(new(images)) == 3


def test_stop_is_there_from_the_request_on(images):
    samples = images.mode("images").page.samples
    stop, before = samples.stop_button, images.state.at(LANE_RUNS, "samples").trajectory
    assert not stop.isVisible()
    new(images)
    images.state.update(IMAGE_SAMPLING, seed=6)
    (tiles,) = new(images)
    assert images.state.at(LANE_RUNS, "samples").status == "done"  # of the seed before
    assert stop.isVisible()
    samples.setFocus(Qt.FocusReason.TabFocusReason)
    key(samples, Qt.Key.Key_Escape)
    (cancel,) = new(images, messages.Cancel)
    assert cancel.message.job == tiles.message.job
    assert not stop.isVisible()
    settle()
    assert not new(images)
    assert images.state.at(LANE_RUNS, "samples").trajectory is before


def test_stop_stays_from_the_tiles_to_the_last_strip(images):
    stop = images.mode("images").page.samples.stop_button
    new(images)
    images.state.update(IMAGE_SAMPLING, seed=6)
    (tiles,) = new(images)
    stop.setFocus(Qt.FocusReason.TabFocusReason)
    images.link.frames(tiles)
    images.link.finish(tiles)
    assert stop.hasFocus()
    (first, *others) = new(images)
    for strip in others:
        images.link.finish(strip)
    assert stop.hasFocus()
    images.link.report(messages.Failure(job=first.message.job, message="no room left"))
    settle()
    assert not stop.isVisible()


def test_keys_select_strips(images):
    page = images.mode("images").page
    page.setFocus()
    key(page, Qt.Key.Key_2)
    assert images.state.get(LOOK).selected_lane == "ddpm"
    key(page, Qt.Key.Key_4)
    settle()
    assert images.state.get(LOOK).selected_lane == "ddim"
    assert page.scene.selected == "ddim"


def test_a_class_for_one_tile(images):
    new(images)
    menu = images.mode("images").page.samples.menu_of(5)
    classes = next(action.menu() for action in menu.actions() if action.text() == "Class")
    next(action for action in classes.actions() if action.text() == "7").trigger()
    (asked,) = new(images)
    assert asked.arrays["classes"][5].argmax() == 7
    assert asked.arrays["classes"].sum() == 1


def test_the_attention_view_asks_only_while_it_is_open(images):
    new(images)
    images.playback.set_t(100)
    images.playback.set_t(50)
    assert not new(images, messages.Attend)
    click(images.mode("images").page.face.faces.button("attention"))
    (asked,) = new(images, messages.Attend)
    assert asked.message.times == [50]
    click(images.mode("images").page.face.faces.button("picture"))
    images.playback.set_t(20)
    assert not new(images, messages.Attend)


def test_a_click_on_a_face_leaves_the_keys_to_the_timeline(images):
    images.mode("images").page.setFocus()
    images.playback.set_t(100)
    for face in ("attention", "slice", "picture"):
        click(images.mode("images").page.face.faces.button(face))
        assert images.state.get(IMAGE_CARD).face == face
        t = images.playback.t
        key(QApplication.focusWidget(), Qt.Key.Key_Right)
        assert images.playback.t == t - 1
        key(QApplication.focusWidget(), Qt.Key.Key_Space)
        assert images.playback.playing
        images.playback.pause()


def test_escape_returns_to_all_cards_from_a_dock(images):
    page, dock = images.mode("images").page, images.mode("images").sample_dock
    fields = dock.findChildren(QAbstractSpinBox)
    fields[0].setFocus()
    click(page.samples.expand)
    assert not page.strips.isVisible()
    key(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert page.strips.isVisible()
    click(page.strips.expand)
    dock.overlays.findChildren(QAbstractButton)[0].setFocus()
    key(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert page.samples.isVisible()


def test_the_same_time_for_all_and_thumbnails_of_the_pinned_tile(images):
    images.playback.set_t(100)
    settle()
    assert images.mode("images").page.t == 100
    assert len(images.timeline.track._images) == 28
    before = images.timeline.track._images[-1]
    click(images.mode("images").page.samples, tile_place(images, 3))
    settle()
    assert not np.array_equal(images.timeline.track._images[-1], before)


@pytest.mark.parametrize("name", ["images-1a", "images-1e"])
def test_a_task_of_images_sets_the_scene(images, name):
    images.state.update(IMAGE_SAMPLING, path="geodesic", eta=0.5, tile_class=3, steps=7)
    images.toolbar.entry(f"task.{name}").trigger()
    images.link.answer_all()
    images.playback.pause()
    state = images.state
    assert state.get(IMAGE_SAMPLING).path == "linear"
    assert state.get(IMAGE_SAMPLING).tile_class is None
    if name == "images-1a":
        assert (state.get(IMAGE_SAMPLING).sampler, state.get(IMAGE_SAMPLING).steps) == (
            "ddpm",
            None,
        )
        assert [lane.key for lane in shown_lanes(state)] == ["ddpm"]
    else:
        paths = [lane.path_name(state.get(IMAGE_SAMPLING)) for lane in shown_lanes(state)]
        assert paths == ["linear", "spherical", "prior-preserving"]


def test_a_task_of_images_opens_their_model(images):
    images.models.open("digits")
    images.link.answer_all()
    images.show_task("images-1b")
    images.link.answer_all()
    images.playback.pause()
    assert images.state.get(MODEL).ref == "mnist"
    assert [lane.key for lane in shown_lanes(images.state)] == ["ddpm"]


def test_what_is_exported_is_what_is_seen(images):
    scene = images.current_scene()
    assert isinstance(scene, ImageScene)
    assert len(scene.strips) == 3


def test_a_training_of_images_shows_its_tiles(images):
    click(images.mode("images").train_dock.data.cards["digits"])
    new(images)
    click(images.mode("images").train_dock.run.train_button)
    (train,) = new(images, messages.Train)
    assert train.message.config.dataset == "digits"
    job = train.message.job
    states = np.zeros((3, 16, 1, 8, 8), np.float32)
    arrays = {
        "steps": np.array([1]),
        "losses": np.array([1.0], np.float32),
        "t": np.array([250, 100, 0]),
        "x": states,
        "x0": states,
        "mean": np.array([0.2]),
        "std": np.array([0.3]),
    }
    snapshot = messages.Snapshot(job=job, step=1, total=100, elapsed=0.1, remaining=None)
    images.link.report(snapshot, arrays)
    settle()
    tiles = images.mode("images").page.scene.tiles
    assert tiles.note == "in training · step 1"
    assert tiles.trajectory.x[0].shape == (16, 1, 8, 8)
    images.grab()  # of another size than the model's images: it can be painted
    images.link.report(messages.Result(job=job, cancelled=True))
    settle()
    assert images.mode("images").page.scene.tiles.trajectory.x[0].shape == (64, 1, 28, 28)


def test_after_a_death_the_engine_is_asked_again(images):
    new(images)
    images.link.die("the engine was ended by signal 9")
    settle()
    assert images.state.at(LANE_RUNS, "samples").trajectory is not None  # what there was stays
    assert not segment(images, "2d").isEnabled()
    images.controllers.engine.start_again()
    images.link.get_ready()
    images.link.answer_all()
    assert images.state.get(MODEL).ref == "mnist"
    assert images.state.at(LANE_RUNS, "samples").status == "done"
    assert [packet.message.slot for packet in new(images)] == [
        "samples",
        "ddpm",
        "ddpm-shared",
        "ddim",
    ]


def test_settings_of_both_modes_come_back(images, workshop):
    images.state.update(IMAGE_SAMPLING, count=25, path="spherical", seed=7)
    images.state.update(IMAGE_CARD, face="slice")
    images.state.set(IMAGE_ZOOM, 2)
    images.state.update(TRAINING_CONFIG, **vars(image_training("fashion", "small")))
    workshop.close(images)
    again = workshop.open()
    assert again.state.get(IMAGE_SAMPLING).count == 25
    assert (again.state.get(IMAGE_SAMPLING).path, again.state.get(IMAGE_SAMPLING).seed) == (
        "spherical",
        7,
    )
    assert (again.state.get(IMAGE_ZOOM), again.state.get(IMAGE_CARD).face) == (2, "slice")
    assert again.state.get(TRAINING_CONFIG).resolved_kind == catalogue.POINTS  # it begins in 2D
    again.link.get_ready()
    again.link.answer_all()
    again.playback.pause()
    to_images(again)
    assert again.state.get(TRAINING_CONFIG) == image_training("fashion", "small")


# Images of one's own


def test_an_image_file_becomes_an_endpoint(images, tmp_path):
    picture = QImage(56, 56, QImage.Format.Format_RGB32)
    picture.fill(QColor("white"))
    path = tmp_path / "weiß.png"
    picture.save(str(path))
    new(images)
    images.mode("images").sample_dock.invert_file_requested.emit("B", str(path))
    (asked,) = new(images, messages.Invert)
    assert asked.arrays["data"].shape == (1, 1, 28, 28)
    assert asked.arrays["data"] == pytest.approx(np.full((1, 1, 28, 28), (1 - 0.3) / 0.4))
    assert images.state.get(IMAGE_INVERSION).status == "running"
    found = np.ones((1, 1, 28, 28), np.float32)
    answer = {"latents": found, "errors": np.array([0.1], np.float32)}
    images.link.report(messages.Result(job=asked.message.job), answer)
    assert images.state.get(IMAGE_SAMPLING).b.label == "weiß.png"
    strips = new(images)
    assert np.array_equal(strips[0].arrays["end"], found[0])
    scene = images.mode("images").page.scene
    assert scene.endpoints[1].image == pytest.approx(asked.arrays["data"][0])
    # Another model of the same shape inverts it anew, without being told.
    images.models.open("fashion")
    images.link.answer_all()
    (asked,) = new(images, messages.Invert)
    assert asked.message.checkpoint == "fashion"


def test_an_inversion_can_be_stopped(images):
    pixels = np.zeros((1, 28, 28), np.uint8)
    images.mode("images").inversion.invert_image("A", pixels, "zero")
    (asked,) = new(images, messages.Invert)
    a = images.state.get(IMAGE_SAMPLING).a
    wait_until(images.mode("images").sample_dock.inversion.dismiss.isVisible, "the line")
    click(images.mode("images").sample_dock.inversion.dismiss)
    (cancel,) = new(images, messages.Cancel)
    assert cancel.message.job == asked.message.job
    images.link.report(
        messages.Result(job=asked.message.job),
        {"latents": np.ones((1, 1, 28, 28), np.float32), "errors": np.zeros(1, np.float32)},
    )
    assert images.state.get(IMAGE_SAMPLING).a is a
    assert images.state.get(IMAGE_INVERSION).status == "idle"


def test_images_for_both_ends_are_inverted_one_after_the_other(images):
    inverter = images.mode("images").inversion
    for mark, level in (("A", 10), ("B", 20), ("A", 30)):
        inverter.invert_image(mark, np.full((1, 28, 28), level, np.uint8), f"level {level}")
    asked = new(images, messages.Invert)
    assert len(asked) == 2  # the third took the place of the first
    images.link.report(
        messages.Result(job=asked[1].message.job),
        {"latents": np.ones((1, 1, 28, 28), np.float32), "errors": np.zeros(1, np.float32)},
    )
    assert images.state.get(IMAGE_SAMPLING).b.label == "level 20"
    (last,) = new(images, messages.Invert)
    assert last.arrays["data"].mean() == pytest.approx((30 / 255 - 0.3) / 0.4)


def found_of(packet):
    """An answer to a request to invert."""
    arrays = {"latents": np.ones((1, 1, 28, 28), np.float32), "errors": np.zeros(1, np.float32)}
    return messages.Result(job=packet.message.job), arrays


def test_a_tile_that_is_clicked_meanwhile_is_not_overridden_by_an_inversion(images):
    samples, inverter = images.mode("images").page.samples, images.mode("images").inversion
    click(samples, tile_place(images, 9))  # A, so that the next is B
    new(images)
    for mark in ("B", "C"):
        inverter.invert_image(mark, np.zeros((1, 28, 28), np.uint8), f"for {mark}")
    (asked,) = new(images, messages.Invert)
    click(samples, tile_place(images, 20))
    sent = new(images, messages.Cancel, messages.Invert)
    assert asked.message.job in {packet.message.job for packet in sent}
    images.link.report(*found_of(asked))
    settle()
    assert images.state.get(IMAGE_SAMPLING).b.tile == 20
    # What waits for another end comes all the same, unless that is chosen as well.
    (second,) = [packet for packet in sent if isinstance(packet.message, messages.Invert)]
    assert images.state.get(IMAGE_INVERSION).source == "for C"
    QTest.mouseClick(samples, Qt.MouseButton.LeftButton, SHIFT, tile_place(images, 30))
    assert images.state.get(IMAGE_INVERSION).status == "idle"
    images.link.report(*found_of(second))
    settle()
    assert images.state.get(IMAGE_SAMPLING).c.tile == 30


def test_an_inversion_stays_when_only_other_things_change(images):
    images.mode("images").inversion.invert_image("B", np.zeros((1, 28, 28), np.uint8), "zero")
    (asked,) = new(images, messages.Invert)
    images.state.update(IMAGE_SAMPLING, tile_class=3, path="linear")  # the ends are asked for 3 now
    images.link.answer_all()
    click(images.mode("images").page.samples, tile_place(images, 9))
    assert images.state.get(IMAGE_SAMPLING).a.tile == 9
    images.link.report(*found_of(asked))
    settle()
    assert images.state.get(IMAGE_SAMPLING).b.label == "zero"


def test_points_of_mode_2d_are_there_again_after_a_look_at_images(window):
    data = np.array([[0.5, 0.5], [1.0, 1.0]], np.float32)
    window.mode("2d").inversion._invert(data, "mine")
    (asked,) = new(window, messages.Invert)
    answer = {"latents": data, "errors": np.zeros(2, np.float32)}
    window.link.report(messages.Result(job=asked.message.job), answer)
    found = window.state.get(INVERSION)
    assert found.status == "done"
    to_images(window)
    assert window.state.get(IMAGE_INVERSION).status == "idle"  # it is not about images
    new(window)
    click(segment(window, "2d"))
    window.link.answer_all()
    assert not new(window, messages.Invert)
    assert window.state.get(INVERSION) == found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an image"),
        (b"\x89PNG\r\n\x1a\n1234", "is not an image"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_image_is_refused_with_its_name(images, tmp_path, content, words):
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    a = images.state.get(IMAGE_SAMPLING).a
    images.mode("images").inversion.invert_file("A", str(path))
    (said,) = images.messages.messages
    assert "broken.png" in said.text
    assert words in said.text
    assert images.state.get(IMAGE_SAMPLING).a is a
    assert not new(images, messages.Invert)


def test_an_image_is_cut_to_its_middle_and_scaled(qapp, tmp_path):
    picture = QImage(40, 20, QImage.Format.Format_ARGB32)
    picture.fill(QColor("red"))
    for x in range(10, 30):
        for y in range(20):
            picture.setPixelColor(x, y, QColor(0, 0, 255) if x < 20 else QColor(0, 0, 0, 0))
    path = tmp_path / "middle.png"
    picture.save(str(path))
    pixels = read_image(path, (3, 10, 10))
    assert pixels.shape == (3, 10, 10)
    assert pixels[:, 5, 2].tolist() == [0, 0, 255]
    assert pixels[:, 5, 7].tolist() == [255, 255, 255]  # what is transparent shows paper
    grey = read_image(path, (1, 10, 10))
    assert grey[0, 5, 2] == 29  # 0.114 * 255


def test_an_image_that_is_too_large_is_refused_unread(qapp, tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    QImage(30, 10, QImage.Format.Format_RGB32).save(str(path))
    monkeypatch.setattr("toydiff_gui.modes.images.read_image.MAX_SIDE", 20)
    with pytest.raises(ValueError, match=r"large.png has 30 x 10 pixels, more than 20"):
        read_image(path, (1, 8, 8))


def test_ends_that_were_tiles_stay_when_the_seed_changes(images):
    a = images.state.get(IMAGE_SAMPLING).a
    images.state.update(IMAGE_SAMPLING, seed=6)
    images.link.answer_all()
    settle()
    assert images.state.get(IMAGE_SAMPLING).a is a
    assert endpoints.end_label(images.state, a) == "Tile 1 of seed 5"
    assert images.mode("images").page.scene.tiles.marks == {}


def test_the_help_speaks_of_images(images):
    key(images, Qt.Key.Key_F1)
    settle()
    assert "film strips" in images._help.page.toPlainText()


def test_the_presentation_view_hides_the_docks_of_this_mode(images):
    key(images, Qt.Key.Key_F11)
    assert not images.mode("images").train_dock.isVisible()
    assert not images.mode("images").sample_dock.isVisible()
    key(images, Qt.Key.Key_F11)
    assert images.mode("images").train_dock.isVisible()
    images.state.update(VIEW, train_dock=False)
    assert images.train_rail.isVisible()
    click(images.train_rail.findChildren(type(images.toolbar.help_button))[0], QPoint(8, 8))
    assert images.mode("images").train_dock.isVisible()


def test_a_search_can_be_begun_again_though_the_points_are_samples(window):
    window.toolbar.entry("task.1a").trigger()
    window.link.answer_all()
    assert window.state.get(SAMPLING).mode == "samples"
    to_images(window)
    path = window.mode("images").sample_dock.path
    click(path.kind.button("geodesic"))
    wait_until(lambda: window.link.asked(messages.FindPath), "the search")
    button = path.search.button
    assert button.accessibleName() == "Stop the search"
    click(button)
    assert button.accessibleName() == "Search again"
    assert button.isEnabled()
    assert "from other starts" in button.toolTip()
    click(button)
    wait_until(lambda: len(window.link.asked(messages.FindPath)) == 2, "another search")


def test_a_search_of_points_is_along_a_path_alone(images):
    images.state.update(SAMPLING, mode="samples")
    click(segment(images, "2d"))
    images.link.answer_all()
    button = images.mode("2d").sample_dock.path.search.button
    assert not button.isEnabled()
    assert "There is no path" in button.toolTip()
