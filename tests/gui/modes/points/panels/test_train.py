"""The dock 'Train': what is set arrives in the state, what the state says is seen."""

from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from engine.datasets.images import image_training
from engine.shared.config import POINT_SETS, ScheduleConfig, TrainingConfig
from toydiff_gui.app.installed_modes import mode_of
from toydiff_gui.modes.points.panels.train import PointTrainPanel
from toydiff_gui.panels.loss_plot import in_columns, smoothed, ticks
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.model import ModelInfo
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG, TrainingRun
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import sheet
from toydiff_gui.style.theme import DARK, LIGHT, Theme

QUALITY = {"distance": 0.026, "distance_floor": 0.018, "off_data": 0.002, "off_data_floor": 0.001}


pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    return state


@pytest.fixture
def panel(qtbot, state):
    panel = PointTrainPanel(state, mode_of)
    qtbot.addWidget(panel)
    panel.resize(296, 704)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    qtbot.waitUntil(lambda: panel.data.drawn)
    return panel


def type_in(qtbot, box, text):
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box.lineEdit(), text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def colours(widget, rect=None):
    image = widget.grab(rect or QRect(QPoint(0, 0), widget.size())).toImage()
    return [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]


def running(**changes):
    values = {"status": "running", "step": 3000, "total": 6000, "elapsed": 20.4, "remaining": 9.2}
    return TrainingRun(**(values | changes))


def test_a_training_of_images_is_measured_as_such(panel, state):
    quality = {"distance": 43.883, "distance_floor": 3.221, "recognised": 0.5}
    state.set(TRAINING, running(quality=quality, config=image_training("digits")))
    distance, second = panel.run.figures
    assert (distance.caption.text(), distance.value.text()) == ("Fréchet", "43.88")
    assert (second.heading.text(), second.value.text()) == ("Recognised", "50.0 %")
    assert panel.run.whose.text() == "Training of Digits 8, in mode Images"
    assert panel.run.whose.isVisible()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_training_of_another_mode_may_be_measured_by_fewer_or_more(qtbot, state, count):
    images = mode_of("images")
    other = replace(images, figures=(*images.figures, *images.figures)[:count])
    panel = PointTrainPanel(state, lambda kind: other if kind == images.kind else mode_of(kind))
    qtbot.addWidget(panel)
    panel.show()
    quality = {"distance": 43.883, "recognised": 0.5}
    state.set(TRAINING, running(quality=quality, config=image_training("digits")))
    seen = [row.value.text() for row in panel.run.figures if row.isVisible()]
    assert seen == ["43.88", "50.0 %"][:count]
    state.set(TRAINING, running(quality=QUALITY, config=TrainingConfig()))
    assert [row.value.text() for row in panel.run.figures if row.isVisible()] == ["0.026", "0.2 %"]


@pytest.mark.parametrize("name", POINT_SETS)
def test_data_set_is_chosen_and_drawn(qtbot, panel, state, name):
    card = panel.data.cards[name]
    inside = QRect(8, 8, card.width() - 16, 30)
    assert {c.name() for c in colours(card, inside)} > {DARK.canvas.lower()}
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert state.get(TRAINING_CONFIG).dataset == name
    assert [key for key, c in panel.data.cards.items() if c.isChecked()] == [name]


def test_schedule_is_chosen_and_its_curve_follows(qtbot, panel, state):
    card = panel.schedule.cards["cosine"]
    before = card.grab().toImage()
    qtbot.mouseClick(panel.schedule.zero_terminal, Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    assert state.get(TRAINING_CONFIG).schedule.zero_terminal
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert state.get(TRAINING_CONFIG).schedule == ScheduleConfig(name="cosine", zero_terminal=True)
    assert card.grab().toImage() != before
    assert panel.network.predicts.box.currentText() == "auto (v)"


@pytest.mark.parametrize(
    ("field", "text", "read"),
    [
        ("width_field", "64", lambda c: c.model.width),
        ("depth_field", "4", lambda c: c.model.depth),
        ("fields.timesteps", "100", lambda c: c.schedule.timesteps),
        ("fields.steps", "2000", lambda c: c.steps),
        ("fields.batch", "256", lambda c: c.batch_size),
        ("fields.rate", "0.01", lambda c: c.rate),
        ("fields.seed", "7", lambda c: c.seed),
    ],
)
def test_fields_write_to_the_state_and_can_be_reset(qtbot, panel, state, field, text, read):
    default = read(TrainingConfig())
    assert not panel.network.header.reset.isVisible()
    type_in(qtbot, attrgetter(field)(panel.network).box, text)
    assert read(state.get(TRAINING_CONFIG)) == pytest.approx(float(text))
    assert panel.network.header.reset.isVisible()
    qtbot.mouseClick(panel.network.header.reset, Qt.MouseButton.LeftButton)
    assert read(state.get(TRAINING_CONFIG)) == default
    assert attrgetter(field)(panel.network).value == default


def test_impossible_number_gets_a_sentence(qtbot, panel, state):
    with qtbot.waitSignal(state.message_posted) as said:
        type_in(qtbot, panel.network.width_field.box, "9999")
    assert said.args == ["Width must be between 4 and 2\u2009048, got 9999.", True]
    assert panel.network.width_field.box.lineEdit().text() == "128"
    assert state.get(TRAINING_CONFIG) == TrainingConfig()


def test_impossible_combination_gets_a_sentence_and_is_undone(qtbot, panel, state):
    panel.network.predicts.box.setFocus()
    qtbot.keyClick(panel.network.predicts.box, Qt.Key.Key_Down)
    assert state.get(TRAINING_CONFIG).prediction == "noise"
    with qtbot.waitSignal(state.message_posted) as said:
        qtbot.mouseClick(panel.schedule.zero_terminal, Qt.MouseButton.LeftButton, pos=QPoint(8, 12))
    assert "zero terminal signal" in said.args[0]
    assert said.args[1] is True
    assert not panel.schedule.zero_terminal.isChecked()
    assert not state.get(TRAINING_CONFIG).schedule.zero_terminal


def test_the_panel_shows_what_others_set(panel, state):
    state.update(TRAINING_CONFIG, dataset="moons", steps=1234, seed=3)
    assert panel.data.cards["moons"].isChecked()
    assert panel.network.fields.steps.box.lineEdit().text() == "1\u2009234"
    assert panel.network.fields.seed.value == 3


def test_train_waits_for_the_engine(qtbot, panel, state):
    state.set(ENGINE, EngineStatus("starting"))
    assert not panel.run.train_button.isEnabled()
    assert "starting" in panel.run.train_button.toolTip()
    state.set(ENGINE, EngineStatus("dead", message="out of memory"))
    assert "out of memory" in panel.run.train_button.toolTip()
    state.set(ENGINE, EngineStatus("ready"))
    with qtbot.waitSignal(panel.train_requested):
        qtbot.mouseClick(panel.run.train_button, Qt.MouseButton.LeftButton)


def test_train_becomes_train_more(panel):
    assert panel.run.train_button.text() == "Train"
    panel.set_can_continue(True)
    assert panel.run.train_button.text() == "Train more"
    panel.set_can_continue(False)
    assert panel.run.train_button.text() == "Train"


def test_one_button_is_filled_and_fields_lock_while_training(qtbot, panel, state):
    def filled():
        return [
            button.text()
            for button in panel.findChildren(QPushButton)
            if colours(button, QRect(6, 6, 2, 2))[0] == QColor(DARK.accent)
        ]

    assert filled() == ["Train"]
    state.set(TRAINING, running())
    assert filled() == ["Pause"]
    assert not panel.network.width_field.box.isEnabled()
    assert not panel.data.cards["v"].isEnabled()
    assert not panel.run.train_button.isEnabled()
    with qtbot.waitSignal(panel.pause_requested):
        qtbot.mouseClick(panel.run.pause_button, Qt.MouseButton.LeftButton)
    state.set(TRAINING, running(status="paused"))
    assert panel.run.pause_button.text() == "Resume"
    assert filled() == ["Resume"]
    with qtbot.waitSignal(panel.resume_requested):
        qtbot.mouseClick(panel.run.pause_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(panel.stop_requested):
        qtbot.mouseClick(panel.run.stop_button, Qt.MouseButton.LeftButton)
    state.set(TRAINING, running(status="done", step=6000))
    assert filled() == ["Train"]
    assert panel.network.width_field.box.isEnabled()


def test_progress_is_told_in_numbers(panel, state):
    steps = np.arange(1, 3001)
    losses = np.full(3000, 0.413, np.float32)
    state.set(TRAINING, running(steps=steps, losses=losses, quality=QUALITY))
    seen = {label.text() for label in panel.findChildren(QLabel) if label.isVisible()}
    assert {
        "0.413",
        "0.026",
        "· floor 0.018",
        "0.2 %",
        "· floor 0.1 %",
        "3\u2009000 of 6\u2009000 steps",
        "0:20 elapsed · 0:09 left",
    } <= seen
    assert panel.run.figures[0].bar.fraction == pytest.approx(0.026 / (5.5 * 0.018))
    state.set(TRAINING, running(status="done", step=6000, elapsed=3700.0))
    assert panel.run.time_text.text() == "1:01:40 elapsed · done"
    assert panel.run.figures[0].value.text() == "–"


def test_one_step_is_no_steps(panel, state):
    state.set(TRAINING, running(step=1))
    assert panel.run.steps_text.text() == "1 of 6\u2009000 steps"
    state.set(TRAINING, running(status="done", step=1, total=1))
    assert panel.run.steps_text.text() == "1 step"
    assert wording.model_line(ModelInfo("v", "v", trained_steps=1)).endswith("trained 1 step")


def test_loss_is_drawn_where_it_belongs(panel, state):
    steps = np.arange(1, 3001)
    losses = np.linspace(1.0, 0.0, 3000).astype(np.float32)
    state.set(TRAINING, running(steps=steps, losses=losses))
    plot = panel.run.loss_plot
    image = plot.grab().toImage()
    accent = QColor(DARK.accent)
    found = [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y) == accent
    ]
    x, y = np.array(found).T
    assert x.max() == pytest.approx(plot.width() / 2, abs=3)  # half the steps, half the width
    left, right = y[x < x.min() + 10].mean(), y[x > x.max() - 10].mean()
    assert left < 0.3 * plot.height() < 0.7 * plot.height() < right


def test_many_losses_become_one_value_a_pixel():
    rng = np.random.default_rng(0)
    steps = np.arange(1, 100_001)
    losses = rng.normal(0.5, 0.1, 100_000).astype(np.float32)
    losses[77_777] = np.nan
    column, low, high, mean = in_columns(steps, losses, 100_000, 250)
    assert len(column) == 250
    for k in (0, 100, 249):
        inside = losses[(steps * 250 // 100_001) == k]
        inside = inside[np.isfinite(inside)]
        assert (low[k], high[k]) == (inside.min(), inside.max())
        assert mean[k] == pytest.approx(inside.mean(), rel=1e-5)
    np.testing.assert_allclose(smoothed(np.full(9, 2.0)), 2.0)


def test_diverged_and_empty_losses_are_survived(panel, state):
    for losses in ([], [np.nan, np.inf], [1e30, 1.0], [0.0, 0.0]):
        values = np.array(losses, np.float32)
        state.set(TRAINING, running(steps=np.arange(1, len(values) + 1), losses=values))
        panel.run.loss_plot.grab()


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.9), (0.41, 0.42), (0, 1e30), (1e-9, 2e-9)])
def test_ticks_are_few_and_inside(low, high):
    marks = ticks(low, high)
    assert 1 <= len(marks) <= 6
    assert all(low * 0.999 <= mark <= high * 1.001 for mark in marks)


def test_dock_is_hidden_on_request(qtbot, panel, state):
    qtbot.mouseClick(panel.hide_button, Qt.MouseButton.LeftButton)
    assert not state.get(VIEW).train_dock


@pytest.mark.parametrize("height", [704, 524, 300])
def test_nothing_is_cut_off_and_all_can_be_reached(
    qtbot, cut_texts, panel, state, app, height, chosen
):
    sheet.apply(app, chosen)
    state.set(TRAINING, running(status="done", step=6000, quality=QUALITY))
    panel.set_can_continue(True)
    panel.resize(panel.width(), height)
    area = panel.scroll_area

    def nothing_is_cut():
        assert cut_texts(panel) == set()
        assert panel.width() == chosen.px(296)
        assert area.widget().width() <= area.viewport().width()

    qtbot.waitUntil(nothing_is_cut)
    field = panel.network.fields.seed.box
    area.ensureWidgetVisible(field)
    assert area.viewport().rect().contains(field.mapTo(area.viewport(), field.rect().center()))


def test_nothing_runs_while_nothing_happens(panel):
    from PySide6.QtCore import QTimer

    assert not [timer for timer in panel.findChildren(QTimer) if timer.isActive()]


def test_a_theme_that_comes_back_looks_as_before(qtbot, panel, app):
    before = panel.grab().toImage()
    for chosen in (Theme(LIGHT, False), Theme(DARK, True, 1.35, 1.6), Theme()):
        sheet.apply(app, chosen)
        panel.resize(panel.width(), 704)
        assert panel.grab().toImage() != before or chosen == Theme()
    qtbot.waitUntil(lambda: panel.grab().toImage() == before)


def test_all_fits_into_the_usual_window_without_scrolling(panel):
    assert panel.scroll_area.verticalScrollBar().maximum() == 0


def test_a_panel_that_is_gone_draws_no_more_data_sets(state):
    panel = PointTrainPanel(state, mode_of)
    panel.show()  # which draws the first of them as soon as it can
    shiboken6.delete(panel)
    QApplication.processEvents()
