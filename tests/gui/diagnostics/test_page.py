"""The page 'Diagnostics' as a user meets it, with an engine that answers when the test says so."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from engine.shared import messages
from tests.hands.window import settle, wait_until
from toydiff_gui.diagnostics.moment import hover_lines
from toydiff_gui.modes.points.diagnostics.forward import CLOSED_KEY, POINT_KEY, STEPS_KEY
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.model import MODEL, ModelInfo, show_model
from toydiff_gui.state.training import TRAINING, TrainingRun
from toydiff_gui.state.view import LOOK, VIEW

KINDS = ["pairs", "loss", "exact_loss"]
TIMES = np.arange(250, 0, -10)


def asked(window):
    """What has been asked of the engine about the network so far."""
    return window.link.asked(messages.Diagnose)


def pairs_of(message, scale=0.7, timesteps=250):
    random = np.random.default_rng(message.seed)
    eps = random.standard_normal((message.count, 2)).astype(np.float32)
    return {
        "t": random.integers(1, timesteps + 1, message.count),
        "eps": eps,
        "eps_hat": np.float32(scale) * eps,
        "dimensions": np.array([0, 1]),
        "r": np.array([0.81, 0.72]),
        "mse": np.array([(1 - scale) ** 2, 0.48]),
        "bias": np.array([0.02, -0.01]),
    }


def report(window, message, done, total, arrays, timesteps=250):
    window.link.report(
        messages.Diagnosis(
            job=message.job, kind=message.kind, done=done, total=total, timesteps=timesteps
        ),
        arrays,
    )


def answer(window, message, *, upto=None, scale=0.7, level=0.5):
    """Answer one request; a loss only as far as ``upto`` times, and then without an end."""
    if message.kind == "pairs":
        report(window, message, message.count, message.count, pairs_of(message, scale))
    else:
        for k, t in enumerate(TIMES[:upto]):
            loss = level * (1.0 if message.kind == "loss" else 0.9)
            arrays = {"t": np.array([t]), "loss": np.array([loss]), "error": np.array([0.01])}
            report(window, message, k + 1, len(TIMES), arrays)
    if upto is None:
        window.link.report(messages.Result(job=message.job))


def open_page(window, view="network"):
    QTest.mouseClick(window.toolbar.page.button("diagnostics"), Qt.MouseButton.LeftButton)
    QTest.mouseClick(window.diagnostics.views.button(view), Qt.MouseButton.LeftButton)
    settle()
    return window.diagnostics


@pytest.fixture
def page(window):
    """The page with all findings of the bundled model."""
    page = open_page(window)
    for message in asked(window):
        answer(window, message)
    settle()
    return page


def at(card, x, y=None):
    """A place in the plot of ``card``: above t = ``x``, half-way up."""
    place = QPointF(card.frame.x(x), card.frame.plot.center().y() if y is None else y)
    return place.toPoint()


def pair_cards(page):
    """The cards of true and predicted noise, one for each dimension."""
    return [page.card("pairs-1"), page.card("pairs-2")]


def cards_of_points(page):
    """The cards about the network that mode 2D shows; others are for images."""
    cards = [*pair_cards(page), page.loss, page.schedules]
    assert [card for card in page.network_grid.cards if card.isVisible()] == cards
    return cards


# What is asked, and when


def test_nothing_is_asked_before_the_page_is_seen(window):
    assert asked(window) == []
    page = open_page(window)
    assert page.isVisible()
    assert not window.mode("2d").page.isVisible()
    requests = asked(window)
    assert [message.kind for message in requests] == KINDS
    assert {message.checkpoint for message in requests} == {"v"}
    assert len({message.slot for message in requests}) == 3
    assert page.loss.chart.empty
    assert page.loss.chart.message == "computing, 0 %"
    assert not page.loss.save_button.isEnabled()
    assert not page.schedules.chart.empty  # needs no engine


def test_the_curve_grows_as_it_comes_in(window):
    page = open_page(window)
    _, loss, exact = asked(window)
    answer(window, loss, upto=3)
    settle()
    assert page.loss.chart.curves[0].x.tolist() == [250, 240, 230]
    assert "computing, 12 %" in page.loss.chart.subtitle
    answer(window, exact, upto=2)
    settle()
    assert [curve.name for curve in page.loss.chart.curves] == ["network", "best possible"]
    assert "computing" in page.status.text()


def test_findings_are_shown(page):
    first, second = pair_cards(page)
    assert first.chart.title == "True and predicted noise, dimension 1"
    assert "3 200 dots" in first.chart.subtitle.replace("\u2009", " ")
    assert dict(first.chart.figures) == {"r": "0.81", "MSE": "0.09", "bias": "0.02"}
    assert dict(second.chart.figures)["r"] == "0.72"
    assert first.accessibleName() == first.chart.title
    assert "r 0.81" in first.accessibleDescription()
    assert [curve.role for curve in page.loss.chart.curves] == ["main", "reference"]
    assert page.status.text() == "the model of the lanes"
    assert not page.noise_requests.busy


def test_nothing_is_asked_again_for_what_is_there(page, window):
    QTest.mouseMove(window.toolbar, QPoint(5, 5))  # a card under the pointer looks another way
    settle()

    def leave_and_return():
        window.state.update(VIEW, page="explore")
        settle()
        assert not page.isVisible()
        window.state.update(VIEW, page="diagnostics")
        settle()

    leave_and_return()  # the layout may have come to rest only now
    before = len(asked(window))
    charts = [card.chart for card in page.cards[:4]]
    painted = [card.pictures_painted for card in page.cards[:4]]
    for _ in range(2):
        leave_and_return()
    assert len(asked(window)) == before
    assert all(card.chart is chart for card, chart in zip(page.cards, charts, strict=False))
    assert [card.pictures_painted for card in page.cards[:4]] == painted


def test_hiding_the_page_ends_what_is_not_complete_alone(window):
    page = open_page(window)
    pairs, loss, exact = asked(window)
    answer(window, pairs)
    answer(window, loss, upto=4)
    window.state.update(VIEW, page="explore")
    settle()
    cancelled = {message.job for message in window.link.asked(messages.Cancel)}
    assert {loss.job, exact.job} <= cancelled
    assert pairs.job not in cancelled
    answer(window, loss, upto=9)  # too late
    open_page(window)
    assert [message.kind for message in asked(window)[3:]] == ["loss", "exact_loss"]
    assert page.loss.chart.empty
    # The other views of the page need no engine either.
    window.state.update(VIEW, diagnostics="forward")
    settle()
    assert not page.noise_requests.busy


def test_another_model_takes_everything_of_the_old_one_away(page, window):
    show_model(window.state, ModelInfo(ref="moons", dataset="moons"))
    settle()
    assert page.loss.chart.empty
    assert all(card.chart.empty for card in pair_cards(page))
    newer = asked(window)[3:]
    assert {message.checkpoint for message in newer} == {"moons"}
    old = asked(window)[0]
    report(window, old, old.count, old.count, pairs_of(old))
    settle()
    assert all(card.chart.empty for card in pair_cards(page))
    for message in newer:
        answer(window, message, scale=0.5)
    settle()
    assert dict(page.card("pairs-1").chart.figures)["MSE"] == "0.25"


def test_late_answers_about_the_old_model_change_nothing(window):
    page = open_page(window)
    old = asked(window)
    answer(window, old[1], upto=4)
    show_model(window.state, ModelInfo(ref="moons", dataset="moons"))
    settle()
    newer = asked(window)[3:]
    assert [message.kind for message in newer] == KINDS
    for message in newer:
        answer(window, message, scale=0.5, level=0.3)
    settle()
    assert not page.noise_requests.busy  # what was superseded is not waited for
    shown = [card.chart for card in page.network_grid.cards]
    for message in old:
        answer(window, message)
    settle()
    assert all(a.chart is b for a, b in zip(page.network_grid.cards, shown, strict=True))
    assert dict(page.card("pairs-1").chart.figures)["MSE"] == "0.25"
    assert page.loss.chart.main.at(100) == pytest.approx(0.3)


def test_new_weights_are_looked_at_anew_but_their_best_possible_is_known(page, window):
    model = window.state.get(MODEL)
    show_model(window.state, replace(model, revision=model.revision + 1))
    settle()
    assert [message.kind for message in asked(window)[3:]] == ["pairs", "loss"]


def training(step, window, folder="/runs/a"):
    window.state.set(
        TRAINING,
        TrainingRun(status="running", step=step, total=6000, folder=folder, preview=object()),
    )
    settle()


def test_a_training_is_looked_at_as_it_goes_on(page, window, monkeypatch):
    # The preview lane is none of this test's business.
    monkeypatch.setattr("toydiff_gui.modes.points.compose._preview_lane", lambda *args: None)
    training(500, window)
    newer = asked(window)[3:]
    assert [message.kind for message in newer] == KINDS
    assert {message.checkpoint for message in newer} == {"live"}
    assert "step 500" in page.status.text()
    assert page.loss.chart.empty
    training(600, window)
    assert len(asked(window)) == 6  # one at a time
    for message in newer:
        answer(window, message)
    settle()
    assert page.noise_requests.live_timer.isActive()
    assert page.noise_requests.live_timer.interval() <= 4000
    assert len(asked(window)) == 6
    shown = page.card("pairs-1").chart
    page.noise_requests.live_timer.timeout.emit()
    settle()
    newer = asked(window)[6:]
    assert [message.kind for message in newer] == ["pairs", "loss"]  # the data are the same
    assert page.card("pairs-1").chart is shown  # until the newer ones are complete
    assert page.status.text().endswith("computing, 33 %")
    for message in newer:
        answer(window, message, scale=0.5)
    settle()
    assert dict(page.card("pairs-1").chart.figures)["MSE"] == "0.25"
    assert not page.noise_requests.live_timer.isActive()  # nothing has changed since
    window.state.update(VIEW, page="explore")
    training(700, window)
    assert not page.noise_requests.live_timer.isActive()
    assert len(asked(window)) == 8


def test_the_end_of_a_training_shows_the_model_again(page, window, monkeypatch):
    monkeypatch.setattr("toydiff_gui.modes.points.compose._preview_lane", lambda *args: None)
    training(500, window, folder="/runs/a")
    for message in asked(window)[3:]:
        answer(window, message)
    window.state.set(TRAINING, TrainingRun(status="done", step=600, folder="/runs/a"))
    show_model(window.state, ModelInfo(ref="/runs/a", dataset="v"))
    settle()
    assert [message.kind for message in asked(window)[6:]] == ["pairs", "loss"]
    assert all(card.chart.empty for card in pair_cards(page))


def test_without_an_engine_the_plots_say_so(workshop, fake_engine):
    window = workshop.open()
    page = open_page(window)
    assert asked(window) == []
    assert page.loss.chart.message == "The engine is starting…"
    window.link.get_ready()
    window.link.answer_all()
    assert len(asked(window)) == 3
    answer(window, asked(window)[0])
    answer(window, asked(window)[1], upto=5)
    window.link.die("it was killed")
    settle()
    assert page.loss.chart.message == "The engine is not running."
    assert not page.card("pairs-1").chart.empty  # complete, and still true
    window.controllers.engine.start_again()
    window.link.get_ready()
    window.link.answer_all()
    assert [message.kind for message in asked(window)[3:]] == KINDS


def test_a_failure_is_said_in_the_plot_and_not_asked_for_again(window):
    page = open_page(window)
    loss = asked(window)[1]
    window.link.report(messages.Failure(job=loss.job, message="this network has diverged"))
    settle()
    assert page.loss.chart.message == "this network has diverged"
    window.state.update(VIEW, page="explore")
    window.state.update(VIEW, page="diagnostics")
    settle()
    assert "loss" not in [message.kind for message in asked(window)[3:]]


# Time


def test_clicking_and_dragging_in_a_plot_over_time_sets_t(page, window):
    for card in (page.loss, page.schedules):
        window.playback.play()
        QTest.mousePress(card, Qt.MouseButton.LeftButton, pos=at(card, 200))
        assert abs(window.playback.t - 200) <= 1
        assert not window.playback.playing
        QTest.mouseMove(card, at(card, 90))
        assert abs(window.playback.t - 90) <= 1
        QTest.mouseRelease(card, Qt.MouseButton.LeftButton, pos=at(card, 90))
        QTest.mouseMove(card, at(card, 30))
        assert abs(window.playback.t - 90) <= 1
    scatter = page.card("pairs-1")
    place = QPointF(scatter.frame.bar.center().x(), scatter.frame.bar_y(150, 250)).toPoint()
    QTest.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=place)
    assert abs(window.playback.t - 150) <= 2


def accent_columns(card):
    """The x of the columns that are accent from top to bottom."""
    image = card.grab().toImage()
    plot = card.frame.plot.toRect()
    heights = [plot.top() + plot.height() * k // 20 for k in range(1, 20)]

    def accent(x, y):
        colour = image.pixelColor(x, y)
        return colour.green() > colour.red() + 60 and colour.green() > 120

    return [
        x
        for x in range(plot.left() + 1, plot.right())
        if sum(accent(x, y) for y in heights) > len(heights) * 0.7
    ]


def test_all_plots_over_time_show_one_line_at_t(page, window):
    for t in (180, 40):
        window.playback.set_t(t)
        settle()
        for card in (page.loss, page.schedules):
            columns = accent_columns(card)
            assert columns
            assert abs(np.mean(columns) - card.frame.x(t)) < 2


def test_only_the_line_is_painted_while_time_runs(page, window):
    settle()
    painted = [card.pictures_painted for card in page.cards]
    for t in range(250, 200, -1):
        window.playback.set_t(t)
        QApplication.processEvents()
    assert [card.pictures_painted for card in page.cards] == painted


def test_a_network_of_another_number_of_steps_keeps_its_own_times(window):
    page = open_page(window)
    loss = asked(window)[1]
    arrays = {"t": np.array([500]), "loss": np.array([0.1]), "error": np.array([0.01])}
    report(window, loss, 1, 2, arrays, timesteps=500)
    report(window, loss, 2, 2, arrays | {"t": np.array([1])}, timesteps=500)
    window.playback.set_t(100)
    settle()
    assert page.loss.t == 200
    assert page.schedules.t == 100
    QTest.mouseClick(page.loss, Qt.MouseButton.LeftButton, pos=at(page.loss, 300))
    assert abs(window.playback.t - 150) <= 1


# Looking closer


def turn_wheel(card, position, steps):
    place = QPointF(position)
    event = QWheelEvent(
        place,
        card.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(card, event)


def test_zooming_is_shared_by_plots_with_the_same_axis(page):
    first, second = pair_cards(page)
    place = first.frame.plot.center().toPoint()
    turn_wheel(first, place, 3)
    assert first.frame.x1 - first.frame.x0 == pytest.approx(7 / 1.25**3)
    assert second.frame.x1 - second.frame.x0 == pytest.approx(7 / 1.25**3)
    assert page.loss.window_shown.x0 == 0
    page.loss.setFocus()
    QTest.keyClick(page.loss, Qt.Key.Key_Plus)
    assert page.loss.window_shown.x0 == pytest.approx(0.1)
    assert page.schedules.window_shown.x0 == pytest.approx(0.1)
    assert page.schedules.window_shown.y0 == 0  # only time is common
    QTest.keyClick(page.loss, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert page.schedules.window_shown.x0 == pytest.approx(0.18)
    QTest.keyClick(page.loss, Qt.Key.Key_0)
    assert page.schedules.window_shown.x0 == 0
    QTest.mouseDClick(second, Qt.MouseButton.LeftButton, pos=place)
    assert first.frame.x1 == 3.5


def test_dragging_in_the_dots_pans_and_reset_view_shows_all(page, window):
    first = page.card("pairs-1")
    turn_wheel(first, first.frame.plot.center().toPoint(), 2)
    before = first.frame.x0
    middle = first.frame.plot.center().toPoint()
    QTest.mousePress(first, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(first, middle + QPoint(20, 0))
    QTest.mouseRelease(first, Qt.MouseButton.LeftButton, pos=middle + QPoint(20, 0))
    span = first.frame.x1 - first.frame.x0
    assert before - first.frame.x0 == pytest.approx(20 / first.frame.plot.width() * span, rel=0.01)
    window.toolbar.entry("view.reset").trigger()
    assert (first.frame.x0, first.frame.x1) == (-3.5, 3.5)


def test_the_pointer_is_told_the_value(page):
    card = page.loss
    place = at(card, 100)
    before = card.grab().toImage()
    position = QPointF(place)
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        position,
        card.mapToGlobal(position),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(card, move)
    assert card.grab().toImage() != before
    lines = hover_lines(card.chart, card.frame, position, 10)
    assert lines[1:] == ["network 0.50 ± 0.01", "best possible 0.45 ± 0.01"]


def test_the_quantity_of_the_schedules_is_chosen(page):
    box = page.quantity
    seen = set()
    for index in range(box.count()):
        box.setCurrentIndex(index)
        chart = page.schedules.chart
        seen.add(chart.y.label)
        assert chart.title == "Noise schedules"
        assert box.itemData(index, Qt.ItemDataRole.ToolTipRole)
    assert len(seen) == 6


# Pages and keys


def test_keys_change_the_page(window):
    for keys, page in (("Ctrl+2", "diagnostics"), ("Ctrl+1", "explore")):
        QTest.keySequence(window, QKeySequence(keys))
        assert window.state.get(VIEW).page == page
        assert window.toolbar.page.current == page


def test_a_task_leads_back_to_the_lanes(page, window):
    window.show_task("1e")
    settle()
    assert window.state.get(VIEW).page == "explore"
    assert window.mode("2d").page.isVisible()


def test_tab_reaches_every_control_of_the_page(page):
    page.views.button("network").setFocus()
    met = set()
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        met.add(QApplication.focusWidget())
    for card in cards_of_points(page):
        assert card in met
        assert card.save_button in met
    assert page.quantity in met
    for widget in met:
        if not page.isAncestorOf(widget):
            continue
        assert widget.accessibleName() or widget.parent().accessibleName()


@pytest.mark.parametrize("size", [(1440, 900), (1000, 700)])
def test_cards_keep_a_legible_size(page, window, size):
    window.resize(*size)
    settle()
    for card in cards_of_points(page):
        least = card.minimumSizeHint()
        assert card.width() >= least.width()
        assert card.height() >= least.height()
    rects = [card.geometry() for card in cards_of_points(page)]
    assert not any(a.intersects(b) for k, a in enumerate(rects) for b in rects[:k])


def test_the_signal_left_is_shown(window):
    page = open_page(window, "schedule")
    assert page.left.chart.bars[0].role == "main"
    assert page.start.isVisible()
    assert page.difference.width() > 1.8 * page.start.width()
    assert asked(window) == []


# Saving


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "csv"])
def test_a_plot_is_saved_from_its_menu(page, window, tmp_path, monkeypatch, kind):
    folder = tmp_path / "new"
    folder.mkdir()
    wanted = folder / "the loss"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(wanted), ""))
    posted = []
    window.state.message_posted.connect(lambda text, error: posted.append((text, error)))
    action = next(action for action in page.loss.menu.actions() if action.data() == kind)
    action.trigger()
    (saved,) = folder.iterdir()
    assert saved.name == f"the loss.{kind}"
    assert saved.stat().st_size > 500
    assert posted == [(f"Saved the loss.{kind}.", False)]
    first = saved.read_bytes()
    light = next(action for action in page.loss.menu.actions() if action.data() == "light")
    light.trigger()
    action.trigger()
    assert (saved.read_bytes() != first) == (kind != "csv")


def test_a_refused_folder_is_told_in_one_sentence(page, window, tmp_path, monkeypatch):
    wanted = tmp_path / "gone" / "a.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(wanted), ""))
    posted = []
    window.state.message_posted.connect(lambda text, error: posted.append((text, error)))
    page.loss.save_asked.emit("png", "")
    assert posted == [(f"Cannot write {wanted}: No such file or directory.", True)]


def test_the_export_button_of_the_bar_points_to_those_of_the_plots(page, window):
    posted = []
    window.state.message_posted.connect(lambda text, error: posted.append(text))
    window.toolbar.entry("export.show").trigger()
    window.toolbar.entry("export.copy").trigger()
    assert posted == ["Every plot on this page has an export button of its own."] * 2


# The forward process


def test_the_forward_process_is_on_the_timeline_and_can_be_exported(window):
    page = open_page(window, "forward")
    scene = window.current_scene()
    assert [lane.key for lane in scene.lanes] == [STEPS_KEY, CLOSED_KEY, POINT_KEY]
    assert all(lane.trajectory.complete for lane in scene.lanes)
    assert scene.reached() == 0
    assert "forward process" in scene.title
    data = scene.lanes[0].points_at(0)
    assert np.array_equal(data, scene.lanes[1].points_at(0))
    assert not np.array_equal(scene.lanes[0].points_at(250), scene.lanes[1].points_at(250))
    window.playback.set_t(250)
    settle()
    noise = window.diagnostics.forward_of("points").grab().toImage()
    window.playback.set_t(0)
    settle()
    assert window.diagnostics.forward_of("points").grab().toImage() != noise
    assert window.diagnostics.forward_of("points").t == 0
    assert page.another.isVisible()
    assert asked(window) == []


def test_a_click_chooses_the_point_that_is_copied(window):
    page = open_page(window, "forward")
    plot = window.diagnostics.forward_of("points").lane_view(CLOSED_KEY).plot
    target = window.current_scene().lanes[0].points_at(0)[17]
    place = plot.transform_of_plot().point(*map(float, target)).toPoint()
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    wait_until(lambda: page.mode("points").forward.point != (), "the click")
    settle()
    assert np.linalg.norm(np.array(page.mode("points").forward.point) - target) < 0.05
    copies = window.current_scene().lane(POINT_KEY)
    assert np.array_equal(
        copies.points_at(0), np.repeat([page.mode("points").forward.point], 500, 0).astype("f4")
    )
    before = page.mode("points").forward.point
    QTest.mouseClick(page.another, Qt.MouseButton.LeftButton)
    assert page.mode("points").forward.point != before
    assert window.current_scene().lane(POINT_KEY).note.startswith("500 copies of (")


def test_lanes_of_the_forward_process_are_neither_selected_nor_left_maximised(window):
    window.state.update(LOOK, selected_lane="ddim")
    open_page(window, "forward")
    view = window.diagnostics.forward_of("points").lane_view(CLOSED_KEY)
    QTest.mouseClick(view.header, Qt.MouseButton.LeftButton, pos=QPoint(60, 12))
    QTest.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    settle()
    assert window.state.get(LOOK).selected_lane == "ddim"
    view.toggle_maximised()
    assert window.state.get(LOOK).maximised_lane == CLOSED_KEY
    window.state.update(VIEW, page="explore")
    settle()
    assert window.state.get(LOOK).maximised_lane == ""
    assert window.mode("2d").page.lane_view("ddim").isVisible()
    # One of the other page stays alone while one looks at the diagnostics.
    window.state.update(LOOK, maximised_lane="ddim")
    open_page(window, "forward")
    assert window.state.get(LOOK).maximised_lane == "ddim"


def test_playing_does_not_wait_for_lanes_on_this_page(workshop, fake_engine):
    window = workshop.open()  # its engine says nothing
    open_page(window, "forward")
    assert window.playback.reached == 0
    window.state.update(VIEW, page="explore")
    settle()
    assert window.playback.reached == 250


def test_the_forward_process_follows_the_model_and_the_seed(window):
    open_page(window, "forward")
    first = window.current_scene().lanes[0].points_at(100)
    window.state.update(SAMPLING, seed=77)
    settle()
    second = window.current_scene().lanes[0].points_at(100)
    assert first.shape == second.shape
    assert not np.array_equal(first, second)
    show_model(window.state, ModelInfo(ref="moons", dataset="moons"))
    settle()
    assert not np.array_equal(window.current_scene().lanes[0].points_at(0), first)
    assert "Moons" in window.current_scene().title
