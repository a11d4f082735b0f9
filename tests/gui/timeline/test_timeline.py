"""The timeline as a user meets it: keys, the mouse, and what is to be seen."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow, QPushButton, QVBoxLayout, QWidget

from engine import datasets
from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from toydiff_gui.app.keys import install_keys
from toydiff_gui.state.model import MODEL, show_model
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TrainingRun
from toydiff_gui.style import sheet, theme
from toydiff_gui.timeline import TimelinePanel, time_actions
from toydiff_gui.timeline.thumbnails import HALF_HEIGHT, forward_thumbnails, thumbnail_times

ALPHAS = noise_tables.alphas_cumprod(ScheduleConfig())
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def state(qapp):
    sheet.apply(qapp, theme.Theme())
    return Store()


@pytest.fixture
def playback(qapp):
    playback = Playback(250)
    playback.set_reached(0)
    yield playback
    playback.pause()


@pytest.fixture
def panel(qtbot, state, playback):
    panel = TimelinePanel(state, playback)
    qtbot.addWidget(panel)
    panel.set_schedule(ALPHAS)
    panel.resize(1440, panel.height())
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def at(panel, t):
    """Where ``t`` lies on the strip."""
    return QPoint(round(panel.track.scale.x(t)), round(panel.track.strip_rect.center().y()))


def colours(widget):
    """What is seen, as (H, W, 3)."""
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return pixels[..., 2::-1].astype(int)


def near(pixels, name, tolerance=40):
    colour = QColor(name)
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    return (np.abs(pixels - wanted) <= tolerance).all(axis=-1)


# The track


def test_the_panel_is_as_high_as_designed(panel):
    assert panel.height() == 148


@pytest.mark.parametrize("t", [250, 200, 60, 1, 0])
def test_a_press_goes_to_the_time_below_the_pointer(panel, playback, t):
    playback.set_t(120)
    QTest.mouseClick(panel.track, LEFT, pos=at(panel, t))
    assert playback.t == t


def test_dragging_scrubs_and_may_leave_the_track(panel, playback):
    QTest.mousePress(panel.track, LEFT, pos=at(panel, 200))
    for t in (150, 100, 31):
        QTest.mouseMove(panel.track, at(panel, t))
        assert playback.t == t
    QTest.mouseMove(panel.track, QPoint(panel.width() + 300, 10))
    assert playback.t == 0
    QTest.mouseMove(panel.track, QPoint(-300, 10))
    assert playback.t == 250
    QTest.mouseRelease(panel.track, LEFT, pos=at(panel, 100))
    QTest.mouseMove(panel.track, at(panel, 50))
    assert playback.t == 250, "the button is up"


def test_scrubbing_pauses(panel, playback):
    playback.play()
    QTest.mouseClick(panel.track, LEFT, pos=at(panel, 60))
    assert not playback.playing
    assert playback.t == 60


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Qt.Key.Key_Right, 99),
        (Qt.Key.Key_Left, 101),
        (Qt.Key.Key_Home, 250),
        (Qt.Key.Key_End, 0),
        (Qt.Key.Key_PageDown, 90),
        (Qt.Key.Key_PageUp, 110),
    ],
)
def test_keys_on_the_track(panel, playback, key, expected):
    playback.set_t(100)
    panel.track.setFocus()
    QTest.keyClick(panel.track, key)
    assert playback.t == expected


def test_a_screen_reader_hears_t_and_can_set_it(panel, playback):
    playback.set_t(60)
    heard = QAccessible.queryAccessibleInterface(panel.track)
    assert heard.role() == QAccessible.Role.Slider
    assert heard.text(QAccessible.Text.Name) == "Time t"
    assert heard.valueInterface().currentValue() == 60
    assert heard.valueInterface().maximumValue() == 250
    heard.valueInterface().setCurrentValue(40)
    assert playback.t == 40


def test_the_playhead_stands_at_t(panel, playback):
    playback.set_t(60)
    x = at(panel, 60).x()
    accent = near(colours(panel.track), theme.current().palette.accent, 12)
    bottom = int(panel.track.strip_rect.bottom()) - 6
    assert accent[bottom, x - 1 : x + 2].any()
    assert not accent[bottom, at(panel, 30).x()]


def test_hovering_shows_the_time_there(panel, playback):
    playback.set_t(60)
    before = colours(panel.track)
    QTest.mouseMove(panel.track, at(panel, 150))
    x = at(panel, 150).x()
    changed = (colours(panel.track) != before).any(axis=-1)
    assert changed[:18, x - 20 : x + 20].any(), "a flag"
    assert not changed[:, at(panel, 90).x() :].any()
    assert playback.t == 60


def test_what_has_not_arrived_is_dimmed(panel, playback):
    panel.set_thumbnails([np.ones((40, 50))] * 24)
    playback.set_t(200)
    playback.set_reached(100)
    strip = panel.track.strip_rect
    row = colours(panel.track)[int(strip.center().y()) + 8]
    shown, ahead, missing = (row[at(panel, t).x()].sum() for t in (225, 150, 50))
    assert shown > ahead > missing, "the ground is dark and the pictures are bright"
    playback.set_reached(0)
    row = colours(panel.track)[int(strip.center().y()) + 8]
    assert row[at(panel, 50).x()].sum() == pytest.approx(ahead, abs=9)


def test_the_noise_level_falls_from_noise_to_data(panel, playback):
    playback.to_data()
    accent = near(colours(panel.track), theme.current().palette.accent, 60)
    heights = []
    for t in (240, 180, 120, 60):
        column = np.flatnonzero(accent[26:68, at(panel, t).x()])
        heights.append(column.mean())
        strip = panel.track.strip_rect
        level = np.sqrt(1 - ALPHAS[t])
        expected = strip.top() + 4 + (1 - level) * (strip.height() - 9) - 26
        assert heights[-1] == pytest.approx(expected, abs=1.5)
    assert heights == sorted(heights)


def test_thumbnails_are_seen_in_both_themes(panel, qapp):
    picture = np.zeros((40, 50))
    picture[10:30, 15:35] = 1.0
    for now in (theme.Theme(theme.DARK, True), theme.Theme(theme.LIGHT, False)):
        sheet.apply(qapp, now)
        panel.set_thumbnails([picture])
        strip = panel.track.strip_rect
        pixels = colours(panel.track)
        middle = pixels[int(strip.center().y()) + 10, int(strip.center().x())]
        edge = pixels[int(strip.center().y()) + 10, int(strip.left()) + 10]
        assert np.abs(middle - edge).sum() > 100
    sheet.apply(qapp, theme.Theme())


def test_pictures_of_colours_are_shown_in_their_colours(panel, playback):
    picture = np.zeros((40, 50, 3))
    picture[..., 0], picture[..., 2] = 0.8, 0.2
    panel.set_thumbnails([picture], of_pixels=True)
    playback.to_data()
    strip = panel.track.strip_rect
    middle = colours(panel.track)[int(strip.center().y()) - 10, int(strip.center().x())]
    assert np.abs(middle.astype(int) - [204, 0, 51]).max() <= 2


@pytest.mark.parametrize("timesteps", [2, 3, 25, 1000, 10_000])
def test_any_number_of_steps_is_drawn(panel, playback, timesteps):
    playback.set_timesteps(timesteps)
    panel.set_schedule(noise_tables.alphas_cumprod(ScheduleConfig(timesteps=timesteps)))
    panel.grab()
    QTest.mouseClick(panel.track, LEFT, pos=at(panel, 0))
    assert playback.t == 0


# Buttons


def click(widget):
    QTest.mouseClick(widget, LEFT)


def test_the_buttons_move_time(panel, playback):
    buttons = panel.transport
    click(buttons.to_data)
    assert playback.t == 0
    click(buttons.back)
    assert playback.t == 1
    click(buttons.to_noise)
    assert playback.t == 250
    click(buttons.forward)
    assert playback.t == 249
    click(buttons.play)
    assert playback.playing
    assert buttons.play.accessibleName() == "Pause"
    click(buttons.play)
    assert not playback.playing
    assert buttons.play.accessibleName() == "Play"


def test_loop_and_reverse_are_switches(panel, playback):
    click(panel.transport.loop)
    assert playback.loop
    playback.set_loop(False)
    assert not panel.transport.loop.isChecked()
    click(panel.transport.reverse)
    assert playback.reverse


def test_speed_is_chosen_by_key(panel, playback):
    panel.transport.speed.setFocus()
    QTest.keyClick(panel.transport.speed, Qt.Key.Key_Down)
    assert playback.speed == 2.0
    playback.set_speed(0.25)
    assert panel.transport.speed.currentText() == "0.25×"


def test_every_control_has_a_name_and_says_what_it_means(panel):
    buttons = panel.transport
    for widget in (
        buttons.to_noise,
        buttons.back,
        buttons.play,
        buttons.forward,
        buttons.to_data,
        buttons.loop,
        buttons.reverse,
        buttons.speed,
        panel.track,
        panel.training,
    ):
        assert widget.accessibleName()
        assert widget.toolTip()


def test_tab_reaches_every_control(panel):
    panel.transport.to_noise.setFocus()
    seen = set()
    for _ in range(12):
        seen.add(panel.focusWidget())
        QTest.keyClick(panel.focusWidget(), Qt.Key.Key_Tab)
    buttons = panel.transport
    assert {buttons.play, buttons.loop, buttons.reverse, buttons.speed, panel.track} <= seen


def test_the_readout(panel, playback):
    playback.set_t(60)
    assert " ".join(panel.readout.text().split()) == "t = 60 · ᾱ = 0.86 · frame 191/251"


def test_the_readout_keeps_still_while_time_runs(panel, playback):
    playback.set_t(250)
    place = panel.readout.geometry()
    playback.set_t(7)
    assert panel.readout.geometry() == place


@pytest.mark.parametrize("width", [900, 1280, 1440, 2560])
def test_nothing_overlaps(panel, width):
    panel.resize(width, panel.height())
    widgets = (panel.transport, panel.readout, panel.lock, panel.legend)
    places = [w.geometry() for w in widgets if w.isVisible()]
    for before, after in itertools.pairwise(places):
        assert before.right() < after.left()
    assert places[-1].right() <= width


def test_nothing_overlaps_in_the_larger_type_of_a_projector(panel):
    theme.set_theme(theme.Theme(type_scale=1.35))
    panel.resize(1000, panel.height())
    assert panel.readout.isVisible()
    assert not panel.legend.isVisible()
    assert panel.transport.geometry().right() < panel.readout.geometry().left()
    assert panel.readout.geometry().right() <= panel.width()
    panel.resize(1440, panel.height())
    assert panel.legend.isVisible()
    assert panel.readout.geometry().right() < panel.legend.geometry().left()


def test_the_legend_is_for_paths_only(panel, state):
    assert panel.legend.isVisible()
    panel.set_along(False)
    assert not panel.legend.isVisible()


# Training


def test_the_training_is_shown_as_it_goes(panel, state):
    state.set(TRAINING, TrainingRun(status="running", step=1500, total=6000))
    assert panel.training.accessibleDescription() == "step 1500 of 6000, current"
    early = near(colours(panel.training), theme.current().palette.accent, 12)
    state.set(TRAINING, TrainingRun(status="running", step=4500, total=6000))
    late = near(colours(panel.training), theme.current().palette.accent, 12)
    assert np.flatnonzero(early.any(axis=0)).mean() < 600
    assert np.flatnonzero(late.any(axis=0)).mean() > 900


def test_another_model_shows_its_own_training(panel, state):
    state.set(TRAINING, TrainingRun(status="done", step=600, total=600, folder="mine"))
    show_model(state, replace(state.get(MODEL), ref="gaussians8", trained_steps=60000))
    assert panel.training.accessibleDescription() == "step 60000 of 60000, current"
    show_model(state, replace(state.get(MODEL), ref="mine", trained_steps=600))
    assert panel.training.accessibleDescription() == "step 600 of 600, current"


def test_without_a_training_it_says_so(panel):
    assert panel.training.accessibleDescription() == "not trained yet"
    panel.training.grab()


# Keys in the whole window


@pytest.fixture
def window(qtbot, qapp, panel, playback):
    window = QMainWindow()
    body = QWidget()
    column = QVBoxLayout(body)
    window.line = QLineEdit()
    window.button = QPushButton("Press")
    column.addWidget(window.line)
    column.addWidget(window.button)
    column.addWidget(panel)
    window.setCentralWidget(body)
    qtbot.addWidget(window)
    install_keys(window, time_actions(playback))
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.setFocus()
    return window


def press(window, key):
    QTest.keyClick(window.focusWidget() or window, key)


def test_keys_work_anywhere(window, playback):
    press(window, Qt.Key.Key_End)
    assert playback.t == 0
    press(window, Qt.Key.Key_Left)
    assert playback.t == 1
    press(window, Qt.Key.Key_Right)
    assert playback.t == 0
    press(window, Qt.Key.Key_Home)
    assert playback.t == 250
    press(window, Qt.Key.Key_L)
    assert playback.loop
    press(window, Qt.Key.Key_R)
    assert playback.reverse
    press(window, Qt.Key.Key_Space)
    assert playback.playing


def test_keys_are_left_to_a_text_field(window, playback):
    window.line.setFocus()
    QTest.keyClicks(window.line, "l r")
    QTest.keyClick(window.line, Qt.Key.Key_Home)
    assert window.line.text() == "l r"
    assert window.line.cursorPosition() == 0
    assert not playback.loop
    assert not playback.reverse
    assert not playback.playing
    assert playback.t == 250


def test_space_presses_the_button_that_has_the_focus(window, playback, qtbot):
    window.button.setFocus()
    with qtbot.waitSignal(window.button.clicked):
        press(window, Qt.Key.Key_Space)
    assert not playback.playing
    press(window, Qt.Key.Key_Right)
    assert playback.t == 249


# Thumbnails


def test_thumbnails_go_from_noise_to_data():
    points = datasets.load("v").points
    pictures = forward_thumbnails(points, ALPHAS, 24, (40, 52))
    assert len(pictures) == 24
    assert all(p.shape == (40, 52) and p.min() >= 0 and p.max() == 1 for p in pictures)
    last, first = pictures[-1], pictures[0]
    # The V is dark between its arms; noise is densest in the middle.
    scale = 40 / (2 * HALF_HEIGHT)
    row, arm, middle = round(20 - 1.2 * scale), round(26 + 1.2 * scale), 26
    assert last[row, arm] > 3 * last[row, middle]
    assert first[20, 26] > 0.7
    assert first[0, 0] < first[20, 26] / 2


def test_thumbnails_have_the_spread_of_the_closed_form():
    rng = np.random.default_rng(1)
    points = rng.normal(0, 0.3, (8000, 2)).astype(np.float32)
    pictures = forward_thumbnails(points, ALPHAS, 5, (120, 120))
    for t, picture in zip(thumbnail_times(250, 5), pictures, strict=True):
        alpha = np.interp(t, np.arange(251), ALPHAS)
        weight = picture**2  # brightness is the root of density
        y = HALF_HEIGHT - (np.arange(120) + 0.5) * 2 * HALF_HEIGHT / 120
        spread = np.sqrt((weight.sum(axis=1) * y**2).sum() / weight.sum())
        assert spread == pytest.approx(np.sqrt(alpha * 0.09 + 1 - alpha), abs=0.04)


def test_thumbnails_are_the_same_again():
    points = datasets.load("moons").points
    first, second = (forward_thumbnails(points, ALPHAS, 3, (20, 20)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_thumbnails_refuse_what_is_not_in_the_plane():
    with pytest.raises(ValueError, match=r"\(10, 3\)"):
        forward_thumbnails(np.zeros((10, 3)), ALPHAS, 2, (8, 8))
