"""The whole window, with a real engine where it matters and a pretended one elsewhere."""

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from engine.shared import messages
from engine.shared.config import ModelConfig, TrainingConfig
from tests.hands.mouse_and_keys import Drag, click, key, type_number
from tests.hands.window import lanes_done, settle, wait_until
from toydiff_gui.app import window as main_window
from toydiff_gui.controllers.lanes import COARSE_EVALUATIONS
from toydiff_gui.modes.points.canvas.handles import EndpointHandle
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.modes.points.tasks import TASKS
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LANES, shown_lanes, update_lane
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import DRAGGING, LOOK, VIEW, Look, ViewSettings, show_overlay
from toydiff_gui.style import theme

LANE_KEYS = ["ddpm", "ddpm-shared", "ddim"]
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QAbstractSlider, QLineEdit)
TINY = {"width": "16", "depth": "1", "timesteps": "20", "batch": "32"}


def controls(window):
    """What a user can set or press, as far as it is seen."""
    found = []
    for widget in window.findChildren(QWidget):
        if not isinstance(widget, (*CONTROLS, EndpointHandle)) or isinstance(widget, QScrollBar):
            continue
        inner = isinstance(widget, QLineEdit) and isinstance(
            widget.parent(), (QAbstractSpinBox, QComboBox)
        )
        if not inner and widget.isVisible():
            found.append(widget)
    return found


def texts(window):
    return [message.text for message in window.messages.messages]


def on_screen(window):
    """What is on the screen now, not what would be painted anew."""
    return window.screen().grabWindow(window.winId()).toImage()


def pixels(image):
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].astype(int)


# Before there is an engine


@pytest.fixture
def early(workshop, fake_engine):
    """A window whose engine still loads."""
    return workshop.open()


def test_the_window_is_there_while_the_engine_still_loads(early):
    assert early.isVisible()
    assert early.link.starts == 1
    needs_it = (
        early.mode("2d").train_dock.run.train_button,
        early.toolbar.open_button,
        early.toolbar.model_button,
        early.toolbar.tasks_button,
    )
    for button in needs_it:
        assert not button.isEnabled()
        assert "starting" in button.toolTip()
    assert early.mode("2d").page.scene.lane("ddim").message == "The engine is starting…"
    assert early.mode("2d").page.scene.lane("latent").endpoints == ((-1.0, 2.0), (-1.0, -2.0))
    key(early, Qt.Key.Key_O, CONTROL)
    assert "not ready" in texts(early)[0]
    early.link.get_ready()
    early.link.answer_all()
    for button in needs_it:
        assert button.isEnabled()
        assert "starting" not in button.toolTip()


def test_the_mode_and_the_page_on_show_stand_out(early):
    for switch, key_ in ((early.toolbar.mode, "2d"), (early.toolbar.page, "explore")):
        assert switch.current == key_
        assert switch.button(key_).font() == theme.font(12, 600)


def test_the_first_model_begins_to_play_and_later_ones_do_not(early):
    assert not early.playback.playing
    early.link.get_ready()
    early.link.answer_all()
    assert early.playback.playing
    early.playback.pause()
    early.models.open("v")
    early.link.answer_all()
    assert not early.playback.playing


def test_a_model_named_at_the_start_is_opened_first_of_all(workshop, fake_engine):
    window = workshop.open(open_ref="moons")
    window.link.get_ready()
    window.link.answer_all()
    assert [message.checkpoint for message in window.link.asked(messages.Open)][-1] == "moons"
    assert window.state.get(MODEL).ref == "moons"


def test_the_hint_is_shown_once_for_all_times(workshop, fake_engine):
    window = workshop.open(hint=True)
    click(window.mode("2d").page._hint.button)
    settle()
    workshop.close(window)
    again = workshop.open(hint=True)
    assert again.mode("2d").page._hint is None


# What can be reached, and what it says of itself


def test_every_control_says_what_it_is(window):
    for widget in controls(window):
        name = widget.accessibleName() or getattr(widget, "text", str)()
        assert name.strip(), f"{widget} in {widget.parent()} has no name"
        assert widget.toolTip().strip(), f"{name} has no tooltip"


def test_tab_reaches_every_control_that_is_enabled(window):
    wanted = {widget for widget in controls(window) if widget.isEnabled()}
    # Of a group that arrows go through, Tab visits the chosen one.
    wanted = {
        widget
        for widget in wanted
        if not (
            isinstance(widget, QAbstractButton)
            and widget.group() is not None
            and widget.group().exclusive()
            and not widget.isChecked()
        )
    }
    visited = []
    window.mode("2d").page.setFocus()
    while len(visited) < 4 * len(wanted):
        key(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        visited.append(QApplication.focusWidget())
        if visited[-1] is visited[0] and len(visited) > 1:
            break
    visited = set(visited)
    visited |= {widget.parentWidget() for widget in visited}  # a spin box's field
    missed = {widget.accessibleName() or widget.text() for widget in wanted - visited}
    assert not missed


def test_keys_move_through_time(window):
    playback = window.playback
    window.mode("2d").page.setFocus()
    key(window.mode("2d").page, Qt.Key.Key_Home)
    assert playback.t == 250
    key(window.mode("2d").page, Qt.Key.Key_Right)
    assert playback.t == 249
    key(window.mode("2d").page, Qt.Key.Key_Left)
    assert playback.t == 250
    key(window.mode("2d").page, Qt.Key.Key_End)
    assert playback.t == 0
    key(window.mode("2d").page, Qt.Key.Key_L)
    assert playback.loop
    key(window.mode("2d").page, Qt.Key.Key_R)
    assert playback.reverse
    key(window.mode("2d").page, Qt.Key.Key_Space)
    assert playback.playing
    key(window.mode("2d").page, Qt.Key.Key_Space)
    assert not playback.playing


def test_numbers_select_lanes(window):
    window.mode("2d").page.setFocus()
    for number, lane in enumerate(["latent", *LANE_KEYS], 1):
        key(window.mode("2d").page, Qt.Key(Qt.Key.Key_0 + number))
        assert window.state.get(LOOK).selected_lane == lane
    key(window.mode("2d").page, Qt.Key.Key_9)  # there is none
    assert window.state.get(LOOK).selected_lane == "ddim"


def test_escape_returns_from_one_lane_to_all(window):
    window.state.update(LOOK, maximised_lane="ddim")
    settle()
    assert not window.mode("2d").page.lane_view("ddpm").isVisible()
    window.mode("2d").page.setFocus()
    key(window.mode("2d").page, Qt.Key.Key_Escape)
    settle()
    assert window.mode("2d").page.lane_view("ddpm").isVisible()


def test_escape_returns_to_all_lanes_from_a_dock(window):
    view, dock = window.mode("2d").page.lane_view("ddim"), window.mode("2d").sample_dock
    for focused in (dock.start.count_field.box, dock.start.mode.button("samples")):
        focused.setFocus()
        click(view.header.expand)
        settle()
        assert not window.mode("2d").page.lane_view("ddpm").isVisible()
        key(QApplication.focusWidget(), Qt.Key.Key_Escape)
        settle()
        assert window.mode("2d").page.lane_view("ddpm").isVisible()
    click(view.header.expand)
    dock.start.mode.button("samples").setFocus()  # of what is alone
    key(QApplication.focusWidget(), Qt.Key.Key_Escape)
    settle()
    assert window.mode("2d").page.lane_view("ddpm").isVisible()


def test_f11_makes_room_for_a_projector_and_takes_it_back(window):
    before = theme.current()
    width = window.mode("2d").page.width()
    key(window, Qt.Key.Key_F11)
    settle()
    assert theme.current().type_scale > before.type_scale
    assert not window.mode("2d").train_dock.isVisible()
    assert not window.mode("2d").sample_dock.isVisible()
    assert not window.train_rail.isVisible()
    assert window.mode("2d").page.width() > width
    key(window, Qt.Key.Key_F11)
    settle()
    assert theme.current() == before
    assert window.mode("2d").train_dock.isVisible()
    assert window.mode("2d").page.width() == width


def test_f1_opens_the_help_and_escape_closes_it(window):
    key(window, Qt.Key.Key_F1)
    assert window._help.isVisible()
    key(window, Qt.Key.Key_F1)
    key(window._help, Qt.Key.Key_Escape)
    settle()
    assert window._help is None
    window.activateWindow()
    wait_until(window.isActiveWindow, "the window")
    key(window, Qt.Key.Key_F1)
    assert window._help.isVisible()
    window._help.close()
    settle()


def test_docks_give_way_to_rails_that_bring_them_back(window):
    for panel, rail in (
        (window.mode("2d").train_dock, window.train_rail),
        (window.mode("2d").sample_dock, window.sample_rail),
    ):
        assert not rail.isVisible()
        click(panel.hide_button)
        settle()
        assert not panel.isVisible()
        assert rail.isVisible()
        click(rail.button)
        settle()
        assert panel.isVisible()


def test_the_theme_follows_the_menu(window):
    window.toolbar.entry("theme.light").trigger()
    settle()
    assert not theme.current().dark
    assert pixels(on_screen(window)).mean() > 160
    window.toolbar.entry("theme.dark").trigger()
    settle()
    assert pixels(on_screen(window)).mean() < 80


def test_copying_puts_the_picture_on_the_clipboard(window):
    key(window, Qt.Key.Key_C, CONTROL | SHIFT)
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == main_window.COPY_SIZE
    assert texts(window) == ["The picture is on the clipboard."]


# What is set arrives at the engine


def last_wishes(window, kind=messages.Interpolate):
    window.link.sent.clear()
    window.link._answered = 0
    settle()
    asked = {packet.message.slot: packet for packet in window.link.sent}
    assert all(isinstance(packet.message, kind) for packet in asked.values())
    window.link.answer_all()
    return asked


def test_typed_endpoints_are_sampled(window):
    type_number(window.mode("2d").sample_dock.path.endpoint_boxes["A", 0], "0.25")
    asked = last_wishes(window)
    assert list(asked) == LANE_KEYS
    assert asked["ddim"].arrays["start"].tolist() == [0.25, 2.0]
    assert window.mode("2d").page.scene.lane("latent").endpoints[0] == (0.25, 2.0)


def test_an_endpoint_that_cannot_be_is_refused_in_words(window):
    for text in ("1e9", "nan", "left", ""):
        window.messages.clear()
        type_number(window.mode("2d").sample_dock.path.endpoint_boxes["A", 0], text)
        (said,) = texts(window)
        assert "A x must" in said
        assert window.state.get(SAMPLING).a == (-1.0, 2.0)
        assert last_wishes(window) == {}


def test_endpoints_are_swapped_and_thrown(window):
    click(window.mode("2d").sample_dock.path.swap_button)
    assert last_wishes(window)["ddpm"].arrays["start"].tolist() == [-1, -2]
    click(window.mode("2d").sample_dock.path.random_button)
    thrown = last_wishes(window)["ddpm"].arrays
    np.testing.assert_allclose(thrown["start"], window.state.get(SAMPLING).a, rtol=1e-6)
    assert thrown["start"].tolist() not in ([-1, 2], [-1, -2])


def test_the_mode_switches_between_path_and_samples(window):
    click(window.mode("2d").sample_dock.start.mode.button("samples"))
    asked = last_wishes(window, messages.Sample)
    assert {packet.message.count for packet in asked.values()} == {1000}
    latent = window.mode("2d").page.scene.lane("latent")
    assert latent.endpoints is None
    assert latent.latents.shape == (1000, 2)
    assert not window.mode("2d").page.scene.lane("ddim").joined
    click(window.mode("2d").sample_dock.start.mode.button("interpolation"))
    assert last_wishes(window) == {}  # the path is remembered
    assert window.mode("2d").page.scene.lane("latent").latents.shape == (500, 2)
    assert window.mode("2d").page.scene.lane("ddim").joined
    assert lanes_done(window)


def test_lanes_come_and_go_with_their_boxes(window):
    rows = window.mode("2d").sample_dock.lanes.rows
    click(rows["ddpm"].check, QPoint(8, 10))
    assert [lane.key for lane in window.current_scene().lanes] == ["latent", *LANE_KEYS[1:]]
    assert last_wishes(window) == {}
    click(rows["ddim-few"].check, QPoint(8, 10))
    assert list(last_wishes(window)) == ["ddim-few"]
    settle()
    assert [lane.number for lane in window.mode("2d").page.scene.lanes] == [1, 2, 3, 4]
    assert window.mode("2d").page.lane_view("ddpm") is None


def test_seed_eta_and_steps_are_passed_on(window):
    panel = window.mode("2d").sample_dock
    type_number(panel.start.seed_field.box, "11")
    assert {packet.message.seed for packet in last_wishes(window).values()} == {11}
    type_number(panel.lanes.eta_box, "0.5")
    asked = last_wishes(window)
    assert list(asked) == ["ddim"]
    assert asked["ddim"].message.sampler.eta == 0.5
    type_number(panel.start.steps_field.box, "50")
    assert {p.message.sampler.steps for p in last_wishes(window).values()} == {50}
    type_number(panel.start.steps_field.box, "251")
    assert "between 1 and 250" in texts(window)[-1]
    assert last_wishes(window) == {}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_a_task_sets_up_everything(window, task):
    window.state.update(SAMPLING, steps=30, eta=0.7)
    window.toolbar.entry(f"task.{task.key}").trigger()
    window.link.answer_all()
    sampling = window.state.get(SAMPLING)
    assert (sampling.steps, sampling.eta) == (None, 0.0)
    for name, value in task.sampling.items():
        assert getattr(sampling, name) == value
    assert tuple(lane.key for lane in shown_lanes(window.state)) == task.lanes
    assert window.playback.playing
    assert lanes_done(window)


def show_moons(window):
    """Show another model in an engine that has not opened 'v' yet."""
    window.models.open("moons")
    window.link.answer_all()
    window.link.die("it was killed")
    window.link.get_ready()
    window.link.answer_all()


def test_a_task_brings_its_model(window):
    show_moons(window)
    window.toolbar.entry("task.1e").trigger()
    assert window.state.get(MODEL).ref == "moons"  # until the other is there
    window.link.answer_all()
    assert window.state.get(MODEL).ref == "v"
    assert window.state.get(SAMPLING).a == (-2.0, 0.0)
    window.models.open("moons")
    window.toolbar.entry("task.1a").trigger()
    assert window.state.get(MODEL).ref == "v"  # it is known now
    assert window.playback.playing


def test_a_task_that_gave_way_to_another_model_does_not_come_back(window):
    show_moons(window)
    window.toolbar.entry("task.1e").trigger()
    window.toolbar.entry("model.gaussians8").trigger()
    task, other = window.link.asked(messages.Open)[-2:]
    window.link.report(messages.Result(job=task.job, cancelled=True))
    window.link.describe(other.job)
    window.link.answer_all()
    window.toolbar.entry("model.v").trigger()
    window.link.answer_all()
    assert window.state.get(MODEL).ref == "v"
    assert window.state.get(SAMPLING).a == Sampling().a


def test_the_preview_of_x0_is_shown(window):
    click(window.mode("2d").sample_dock.overlays.buttons["preview"])
    settle()
    assert window.mode("2d").page.scene.lane("ddim").overlays == {"preview"}


# Time and rest


def test_what_is_on_the_screen_after_playing_is_what_would_be_painted_anew(window):
    window.playback.to_noise()
    settle()
    for t in (*range(250, 200, -7), 120, 119, 3, 0, 60):
        window.playback.set_t(t)
        settle()
    seen, anew = pixels(on_screen(window)), pixels(window.grab().toImage())
    assert np.abs(seen - anew).max() <= 2


class Counter(QObject):
    """Counts the events that cost time."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def eventFilter(self, watched, event):
        if event.type() in (QEvent.Type.Paint, QEvent.Type.Timer, QEvent.Type.UpdateRequest):
            self.seen.append((type(watched).__name__, event.type()))
        return False


def test_at_rest_nothing_happens(window):
    window.mode("2d").page.setFocus()
    settle()
    assert not [timer for timer in window.findChildren(main_window.QTimer) if timer.isActive()]
    counter = Counter()
    QApplication.instance().installEventFilter(counter)
    QTest.qWait(200)  # to see that nothing happens takes a while in which it could
    QApplication.instance().removeEventFilter(counter)
    # Qt looks through its pixmap cache twice a minute, by an object without a class of its own.
    housekeeping = ("QObject", QEvent.Type.Timer)
    assert counter.seen.count(housekeeping) <= 1
    assert [event for event in counter.seen if event != housekeeping] == []


def test_paused_or_at_the_end_nothing_happens_either(window):
    window.playback.set_t(3)
    window.playback.play()
    wait_until(lambda: not window.playback.playing, "the end of the film")
    settle()
    counter = Counter()
    QApplication.instance().installEventFilter(counter)
    QTest.qWait(200)
    QApplication.instance().removeEventFilter(counter)
    # Qt looks through its pixmap cache twice a minute, by an object without a class of its own.
    housekeeping = ("QObject", QEvent.Type.Timer)
    assert counter.seen.count(housekeeping) <= 1
    assert [event for event in counter.seen if event != housekeeping] == []


# Memory


def test_the_next_window_looks_like_the_last(workshop, fake_engine):
    window = workshop.open(size=(1100, 700))
    window.move(20, 30)
    window.state.update(SAMPLING, a=(0.5, 0.25), seed=9, mode="samples", count=77)
    window.state.update(TRAINING_CONFIG, dataset="moons", steps=123, model=ModelConfig(width=32))
    window.state.update(VIEW, theme="light", sample_dock=False)
    window.state.update(LOOK, selected_lane="ddpm")
    show_overlay(window.state, "ddpm", "preview", True)
    update_lane(window.state, "ddpm-shared", shown=False)
    sampling, config = window.state.get(SAMPLING), window.state.get(TRAINING_CONFIG)
    view, look = window.state.get(VIEW), window.state.get(LOOK)
    workshop.close(window)
    again = workshop.open(size=None)
    assert again.state.get(SAMPLING) == sampling
    assert again.state.get(TRAINING_CONFIG) == config
    assert again.state.get(VIEW) == view
    assert again.state.get(LOOK) == look
    assert [lane.key for lane in shown_lanes(again.state)] == ["ddpm", "ddim"]
    assert again.height() == 700  # its width is held to the screen's, which is small here
    assert not again.mode("2d").sample_dock.isVisible()
    assert again.mode("2d").train_dock.data.cards["moons"].isChecked()


def test_presentation_and_a_lane_alone_are_not_remembered(workshop, fake_engine):
    window = workshop.open()
    window.state.update(VIEW, presentation=True)
    window.state.update(LOOK, maximised_lane="ddim")
    workshop.close(window)
    again = workshop.open()
    assert not again.state.get(VIEW).presentation
    assert again.state.get(LOOK).maximised_lane == ""


@pytest.mark.parametrize(
    "spoilt",
    [
        "{",
        [],
        None,
        {"mode": "dream"},
        {"count": -3},
        {"seed": 1e99},
        {"theme": "pink"},
        {"steps": 0},
        {"steps": -1},
        {"steps": "many"},
        {"a": [1]},
        {"dataset": "mnist"},
        "\x00",
    ],
)
def test_damaged_memories_are_forgotten(workshop, fake_engine, spoilt):
    settings = workshop.settings()
    for name in ("sampling", "training", "view", "lanes"):
        settings.put(f"state/{name}", spoilt)
    settings.put("window/geometry", "nowhere")
    settings.put("runs/recent", 7)
    settings.save()
    window = workshop.open()
    window.link.get_ready()
    window.link.answer_all()
    assert lanes_done(window)
    assert texts(window) == []
    assert window.state.get(SAMPLING) == Sampling()
    assert window.state.get(TRAINING_CONFIG) == TrainingConfig()
    assert window.state.get(VIEW) == ViewSettings()
    assert window.state.get(LOOK) == Look()


# Models that were trained or opened


def test_models_that_were_opened_are_listed_until_they_are_gone(window, tmp_path):
    file = tmp_path / "größer.safetensors"
    file.write_bytes(b"x")
    window.models.open(str(file))
    window.link.answer_all()
    assert window.toolbar.entry(f"model.{file}").isChecked()
    file.unlink()
    window.toolbar.entry(f"model.{file}").trigger()
    window.link.report(
        messages.Failure(job=window.link.asked(messages.Open)[-1].job, message="no such checkpoint")
    )
    assert texts(window) == ["No such checkpoint."]
    window.models.open("v")
    window.link.answer_all()
    assert window.toolbar.entry(f"model.{file}") is None


# The end of an engine


def test_a_death_is_told_and_the_button_starts_another(window):
    window.state.update(SAMPLING, a=(0.5, 0.5))
    window.link.answer_all()
    before = window.mode("2d").page.scene.lane("ddim").trajectory
    window.link.die("the engine was ended by signal 9")
    settle()
    (message,) = window.messages.messages
    assert message.text == "The engine was ended by signal 9."
    assert not window.mode("2d").train_dock.run.train_button.isEnabled()
    assert not window.toolbar.open_button.isEnabled()
    assert window.mode("2d").page.scene.lane("ddim").trajectory is before  # nothing else is lost
    window.playback.set_t(100)
    settle()
    assert window.mode("2d").page.t == 100
    starts = window.link.starts
    click(message.action)
    assert window.link.starts == starts + 1
    window.link.get_ready()
    window.link.answer_all()
    assert lanes_done(window)
    assert window.state.get(SAMPLING).a == (0.5, 0.5)
    settle()
    assert texts(window) == []
    assert window.toolbar.open_button.isEnabled()
    assert not window.playback.playing


def test_a_second_death_is_told_as_well(window):
    for _ in range(2):
        window.link.die("the engine was ended by signal 9")
        settle()
        (message,) = window.messages.messages
        click(message.action)
        settle()
        assert window.state.get(ENGINE).status == "starting"


def test_a_restart_that_was_waved_away_can_still_be_had(window):
    window.link.die("the engine was ended by signal 9")
    window.messages.clear()
    starts = window.link.starts
    key(window, Qt.Key.Key_O, CONTROL)  # asks for something that needs it
    settle()
    message = window.messages.messages[-1]
    assert message.action is not None
    click(message.action)
    assert window.link.starts == starts + 1


# With a real engine


@pytest.fixture(scope="module")
def lasting(lasting_workshop):
    window = lasting_workshop.open()
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    wait_until(lambda: lanes_done(window), "the lanes")
    return window


@pytest.fixture
def live(lasting):
    """The window with its engine as it was at the beginning."""
    window = lasting
    window.playback.pause()
    window.playback.set_loop(False)
    window.playback.to_noise()
    default = Sampling()
    window.state.update(SAMPLING, **{name: getattr(default, name) for name in vars(default)})
    for lane in window.state.get(LANES):
        update_lane(window.state, lane.key, shown=lane.key in LANE_KEYS)
    if window.state.get(MODEL).ref != "v":
        window.models.open("v")
        wait_until(lambda: window.state.get(MODEL).ref == "v", "the model")
    window.messages.clear()
    settle()
    wait_until(lambda: lanes_done(window), "the lanes")
    return window


def test_lanes_fill_and_the_film_can_be_played_to_its_end(live):
    for lane in LANE_KEYS:
        trajectory = live.mode("2d").page.scene.lane(lane).trajectory
        assert trajectory.complete
        assert trajectory.x[0].shape == (500, 2)
    assert live.playback.reached == 0
    seen = []
    live.mode("2d").page.frame_painted.connect(seen.append)
    live.playback.set_speed(4.0)
    live.playback.play()
    wait_until(lambda: not live.playback.playing, "the end of the film")
    live.playback.set_speed(1.0)
    settle()
    assert seen[-1] == 0
    assert seen == sorted(seen, reverse=True)


def test_dragging_shows_coarse_lanes_of_the_newest_place_and_then_the_full_ones(live):
    live.playback.to_data()
    shown = []

    def note(lane):
        run = live.state.at(LANE_RUNS, lane)
        if lane in LANE_KEYS and run.status == "done":
            shown.append((lane, run.coarse, len(run.trajectory.t) - 1, run.trajectory.x[0][0]))

    live.state.changed(LANE_RUNS).connect(note)
    drag = Drag(live, 0)
    wanted = []
    for x, y in ((0.0, 1.5), (0.6, 1.0), (1.2, 0.5)):
        drag.to(x, y, moves=3)
        here = live.state.get(SAMPLING).a
        wanted.append(here)
        assert live.state.get(DRAGGING)
        wait_until(
            lambda here=here: (
                all(
                    np.allclose(live.state.at(LANE_RUNS, lane).trajectory.x[0][0], here)
                    for lane in LANE_KEYS
                )
                and not live.controllers.busy
            ),
            "the lanes of this place",
        )
    # A machine that cannot keep up takes fewer.
    assert shown
    assert all(coarse and steps <= COARSE_EVALUATIONS for _, coarse, steps, _ in shown)
    drag.let_go()
    settle()
    wait_until(lambda: lanes_done(live), "the full lanes")
    live.state.changed(LANE_RUNS).disconnect(note)
    full = [entry for entry in shown if not entry[1]]
    assert sorted(lane for lane, *_ in full) == sorted(LANE_KEYS)
    assert {steps for _, _, steps, _ in full} == {250}
    for _, _, _, start in full:
        np.testing.assert_allclose(start, live.state.get(SAMPLING).a, atol=1e-6)
    # The places went by in order: none came back.
    along = [float(start[0]) for lane, *_, start in shown if lane == "ddim"]
    assert along == sorted(along)
    assert live.state.get(SAMPLING).a == pytest.approx((1.2, 0.5), abs=0.03)


def test_a_seed_decides_on_samples_alone(live):
    def ends():
        wait_until(lambda: lanes_done(live), "the lanes")
        return live.state.at(LANE_RUNS, "ddpm").trajectory.x[-1]

    live.state.update(SAMPLING, mode="samples", count=50, steps=10)
    settle()
    first = ends()
    live.state.update(SAMPLING, seed=6)
    settle()
    second = ends()
    live.state.update(SAMPLING, seed=5)
    settle()
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, ends())


def type_config(panel, steps, **changes):
    sizes = TINY | changes
    click(panel.data.cards["moons"])
    type_number(panel.network.width_field.box, sizes["width"])
    type_number(panel.network.depth_field.box, sizes["depth"])
    type_number(panel.network.fields.timesteps.box, sizes["timesteps"])
    type_number(panel.network.fields.batch.box, sizes["batch"])
    type_number(panel.network.fields.steps.box, steps)


def test_training_from_the_panel_makes_a_model_that_the_lanes_use(live, lasting_workshop):
    panel = live.mode("2d").train_dock
    type_config(panel, "200")
    click(panel.run.train_button)
    assert live.state.get(TRAINING).active
    assert not panel.run.train_button.isEnabled()
    assert not panel.network.width_field.box.isEnabled()
    settle()
    assert live.mode("2d").page.lane_view("training") is not None
    wait_until(lambda: live.state.get(TRAINING).status == "done", "the end of the training")
    training = live.state.get(TRAINING)
    assert training.steps.tolist() == list(range(1, 201))
    assert np.isfinite(training.losses).all()
    assert training.quality["distance"] > training.quality["distance_floor"] > 0
    assert panel.run.figures[0].value.text() == f"{training.quality['distance']:.3f}"
    assert training.preview.x[0].shape == (1000, 2)
    folder = Path(training.folder)
    assert folder.parent == lasting_workshop.runs_folder
    wait_until(lambda: live.state.get(MODEL).ref == str(folder), "the new model")
    wait_until(lambda: lanes_done(live), "the lanes")
    assert live.playback.timesteps == 20
    assert live.mode("2d").page.scene.lane("ddim").trajectory.t == tuple(range(20, -1, -1))
    assert live.mode("2d").page.lane_view("training") is None
    assert live.state.get(MODEL).trained_steps == 200
    assert live.toolbar.entry(f"model.{folder}").isChecked()
    assert panel.run.train_button.text() == "Train more"
    assert (folder / "metrics.jsonl").read_text().count("\n") == 200

    click(panel.run.train_button)
    wait_until(lambda: live.state.get(TRAINING).status == "done", "the end of the second training")
    wait_until(lambda: live.state.get(MODEL).trained_steps == 400, "the model again")
    assert live.state.get(TRAINING).steps.tolist() == list(range(1, 401))
    assert (folder / "metrics.jsonl").read_text().count("\n") == 400
    assert len(list(lasting_workshop.runs_folder.iterdir())) == 1
    wait_until(lambda: lanes_done(live), "the lanes")
    assert texts(live) == []


def test_pause_holds_the_steps_and_stop_keeps_what_was_learned(live):
    panel = live.mode("2d").train_dock
    type_config(panel, "1000000")
    click(panel.run.train_button)
    wait_until(lambda: live.state.get(TRAINING).step > 0, "the first snapshot")
    assert live.state.at(LANE_RUNS, "ddim").status == "done"
    click(panel.run.pause_button)
    assert panel.run.pause_button.text() == "Resume"
    # Answers come in order: after this one nothing of before the pause is on its way.
    live.state.update(SAMPLING, seed=99)
    settle()
    wait_until(lambda: lanes_done(live), "the lanes")
    held = live.state.get(TRAINING).step
    live.state.update(SAMPLING, seed=100)
    settle()
    wait_until(lambda: lanes_done(live), "the lanes")
    assert live.state.get(TRAINING).step == held
    assert live.state.get(TRAINING).status == "paused"
    click(panel.run.pause_button)
    wait_until(lambda: live.state.get(TRAINING).step > held, "the next snapshot")
    preview = live.mode("2d").page.scene.lane("training").trajectory
    assert preview.t[0] == live.playback.timesteps
    click(panel.run.stop_button)
    wait_until(lambda: live.state.get(TRAINING).status == "done", "the end of the training")
    folder = live.state.get(TRAINING).folder
    wait_until(lambda: live.state.get(MODEL).ref == folder, "the new model")
    assert live.state.get(MODEL).trained_steps >= held
    wait_until(lambda: lanes_done(live), "the lanes")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 some zip", b"\x80\x04." * 50, None])
def test_a_damaged_or_foreign_file_is_refused_in_one_message(live, tmp_path, monkeypatch, content):
    file = tmp_path / "kaputt ü.safetensors"
    if content is None:
        bundled = Path(main_window.__file__).parents[2] / "resources/checkpoints/v.safetensors"
        file.write_bytes(bundled.read_bytes()[:-100])
    else:
        file.write_bytes(content)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args, **kw: (str(file), ""))
    before, run = live.state.get(MODEL), live.state.at(LANE_RUNS, "ddim")
    click(live.toolbar.open_button)
    wait_until(lambda: live.messages.messages, "the message")
    (said,) = texts(live)
    assert str(file) in said
    assert live.state.get(MODEL) == before
    assert live.state.at(LANE_RUNS, "ddim") is run
    assert live.toolbar.entry(f"model.{file}") is None


def test_a_film_is_exported_while_the_window_plays(live, tmp_path):
    target = tmp_path / "Film ä.gif"
    live.playback.set_loop(True)
    live.playback.play()
    key(live, Qt.Key.Key_E, CONTROL)
    dialog = live._export
    assert dialog.isVisible()
    click(dialog.what.button("film"))
    dialog.format.setCurrentIndex(dialog.format.findData("gif"))
    dialog.format.activated.emit(dialog.format.currentIndex())
    for field, text in (
        (dialog.width_field, "320"),
        (dialog.height_field, "240"),
        (dialog.seconds, "0.5"),
        (dialog.hold, "0"),
    ):
        if field.isEnabled():
            type_number(getattr(field, "box", field), text)
    QGuiApplication.clipboard().setText(str(target))
    dialog.path.selectAll()
    key(dialog.path, Qt.Key.Key_V, CONTROL)
    painted = []
    live.mode("2d").page.frame_painted.connect(painted.append)
    click(dialog.export)
    assert dialog.running
    wait_until(lambda: not dialog.running, "the film")
    live.mode("2d").page.frame_painted.disconnect(painted.append)
    assert target.stat().st_size > 0
    assert len(set(painted)) > 1  # it went on playing
    key(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


# Ends


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_engine_that_is_killed_while_it_trains_can_be_restarted(workshop):
    window = workshop.open()
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    window.state.update(SAMPLING, steps=20, a=(0.5, 0.5))
    settle()
    wait_until(lambda: lanes_done(window), "the lanes")
    window.state.update(
        TRAINING_CONFIG,
        steps=1_000_000,
        checkpoint_every=10,
        model=ModelConfig(width=8, depth=1, embedding=8),
    )
    click(window.mode("2d").train_dock.run.train_button)
    folder = Path(window.state.get(TRAINING).folder)
    wait_until((folder / "checkpoint.safetensors").is_file, "a checkpoint")
    before = window.state.at(LANE_RUNS, "ddim").trajectory
    os.kill(window.link.thread_in_charge.process_id, signal.SIGKILL)
    wait_until(lambda: window.state.get(ENGINE).status == "dead", "the end of the engine")
    assert texts(window) == ["The engine was ended by signal 9."]
    assert window.state.get(TRAINING).status == "failed"
    settle()
    assert window.mode("2d").page.lane_view("training") is None
    assert window.mode("2d").page.scene.lane("ddim").trajectory is before
    click(window.messages.messages[0].action)
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the new engine")
    wait_until(lambda: window.state.at(LANE_RUNS, "ddim").trajectory is not before, "the lanes")
    wait_until(lambda: lanes_done(window), "the lanes")
    np.testing.assert_array_equal(window.state.at(LANE_RUNS, "ddim").trajectory.x[-1], before.x[-1])
    # What the training had saved can be opened, and trained on.
    window.toolbar.entry(f"model.{folder}").trigger()
    wait_until(lambda: window.state.get(MODEL).ref == str(folder), "its model")
    assert window.state.get(MODEL).trained_steps % 10 == 0
    assert window.mode("2d").train_dock.run.train_button.text() == "Train more"


def test_closing_ends_and_saves_a_training_and_the_next_window_lists_it(workshop):
    window = workshop.open()
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    window.state.update(
        TRAINING_CONFIG,
        steps=1_000_000,
        checkpoint_every=1_000_000,
        model=ModelConfig(width=8, depth=1, embedding=8),
    )
    click(window.mode("2d").train_dock.run.train_button)
    wait_until(lambda: window.state.get(TRAINING).step > 0, "the first snapshot")
    step, folder = window.state.get(TRAINING).step, Path(window.state.get(TRAINING).folder)
    assert not (folder / "checkpoint.safetensors").exists()
    process = psutil.Process(window.link.thread_in_charge.process_id)
    workshop.close(window)
    assert not process.is_running()
    assert (folder / "checkpoint.safetensors").is_file()
    assert (folder / "metrics.jsonl").read_text().count("\n") >= step
    assert not list(folder.glob("*.tmp*"))
    again = workshop.open(start=False)
    assert again.toolbar.entry(f"model.{folder}") is not None


def test_closing_before_a_training_has_begun_leaves_no_folder(workshop, fake_engine):
    window = workshop.open()
    window.link.get_ready()
    window.link.answer_all()
    window.training.train()
    folder = Path(window.state.get(TRAINING).folder)
    assert folder.is_dir()
    workshop.close(window)
    assert not folder.exists()


def test_the_inline_engine_serves_a_window_just_as_well(workshop):
    window = workshop.open(engine="inline")
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    window.state.update(SAMPLING, steps=10)
    settle()
    wait_until(lambda: lanes_done(window), "the lanes")
    drag = Drag(window, 1)
    drag.to(0.5, -1.0, moves=2)
    drag.let_go()
    settle()
    wait_until(lambda: lanes_done(window), "the lanes")
    start = window.state.at(LANE_RUNS, "ddim").trajectory.x[0]
    np.testing.assert_allclose(start[-1], window.state.get(SAMPLING).b, atol=1e-6)
    window.state.update(
        TRAINING_CONFIG, steps=1_000_000, model=ModelConfig(width=8, depth=1, embedding=8)
    )
    click(window.mode("2d").train_dock.run.train_button)
    wait_until(lambda: window.state.get(TRAINING).step > 0, "the first snapshot")
    folder = Path(window.state.get(TRAINING).folder)
    workshop.close(window)
    assert (folder / "checkpoint.safetensors").is_file()
