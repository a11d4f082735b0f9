"""The page 'Diagnostics' in mode Images: what is asked, drawn, pointed at and saved."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from engine.datasets.images import DIGITS, load_digits
from engine.shared import messages, noise_tables
from engine.shared.config import ScheduleConfig
from tests.hands.fake_engine import FakeEngine
from toydiff_gui.app import installed_modes
from toydiff_gui.diagnostics.chart import Density, HeatMap
from toydiff_gui.diagnostics.chart_layout import lay_out
from toydiff_gui.diagnostics.contract import ModeDiagnostics
from toydiff_gui.diagnostics.density import colour_numbers, mean_times, opacities
from toydiff_gui.diagnostics.films import row_places, slots
from toydiff_gui.diagnostics.findings import ErrorMaps, PairDensity
from toydiff_gui.diagnostics.maps import heat_pixels
from toydiff_gui.diagnostics.moment import hover_lines, paint_moment
from toydiff_gui.diagnostics.page import DiagnosticsPage
from toydiff_gui.diagnostics.painting import paint_card, time_colours
from toydiff_gui.diagnostics.saving import chart_svg, save_chart
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.engine_client.client import Client
from toydiff_gui.modes.images.diagnostics import charts as image_charts
from toydiff_gui.modes.images.settings import IMAGE_DATA, IMAGE_SAMPLING
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TrainingRun
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import theme
from toydiff_gui.style.theme import DARK

SCHEDULE = ScheduleConfig(name="cosine", timesteps=100)
KINDS = ["density", "loss", "exact_loss", "error_map"]
MAP_TIMES = (60, 30, 10)


def digits_model(**changes):
    transform = load_digits().transform
    model = ModelInfo(
        "digits",
        "digits",
        SCHEDULE,
        mean=tuple(transform.mean.ravel().tolist()),
        std=tuple(transform.std.ravel().tolist()),
        shape=(1, 8, 8),
        labels=DIGITS,
    )
    return replace(model, **changes)


def some_counts(cells=80, bins=10):
    """A ridge along the diagonal: early bins near, late ones off it."""
    counts = np.zeros((bins, cells, cells), np.int32)
    for b in range(bins):
        for k in range(5, cells - 5):
            counts[b, k + b // 3, k] = 1000 if b == 0 else 10
    return counts


def density_found():
    edges = np.round(np.linspace(0, 100, 11)).astype(np.int64)
    return PairDensity(100, some_counts(), edges, 0.97, 0.05, -0.0004)


def maps_found():
    random = np.random.default_rng(0)
    errors = tuple(random.uniform(0, k + 1, (1, 8, 8)) for k in range(3))
    return ErrorMaps(100, np.array(MAP_TIMES), errors)


@pytest.fixture
def link(qapp):
    return FakeEngine()


@pytest.fixture
def state(qapp):
    state = Store()
    state.set(ENGINE, EngineStatus("ready"))
    show_model(state, digits_model())
    state.update(VIEW, page="diagnostics")
    return state


@pytest.fixture
def page(qtbot, app, state, link):
    playback = Playback(100)
    makes = {mode.kind: mode.diagnostics for mode in installed_modes.MODES}
    page = DiagnosticsPage(state, playback, Client(link), makes)
    page.playback = playback
    qtbot.addWidget(page)
    page.resize(880, 680)
    page.show()
    qtbot.waitUntil(lambda: not page.noise_requests.refresh_timer.isActive())
    return page


def asked(link):
    return link.asked(messages.Diagnose)


def answer(link, message):
    """Answer a request as the engine would."""

    def report(done, total, arrays):
        diagnosis = messages.Diagnosis(
            job=message.job, kind=message.kind, done=done, total=total, timesteps=100
        )
        link.report(diagnosis, arrays)

    if message.kind == "density":
        found = density_found()
        figures = {name: np.array([getattr(found, name)]) for name in ("r", "mse", "bias")}
        report(1, 2, {"counts": found.counts // 2, "edges": found.edges} | figures)
        report(2, 2, {"counts": found.counts, "edges": found.edges} | figures)
    elif message.kind == "error_map":
        found = maps_found()
        for k, error in enumerate(found.errors):
            report(k + 1, 3, {"t": found.t[k : k + 1], "error": error})
    else:
        level = 0.2 if message.kind == "loss" else 0.01
        for k, t in enumerate((80, 40, 1)):
            arrays = {"t": np.array([t]), "loss": np.array([level]), "error": np.array([0.01])}
            report(k + 1, 3, arrays)
    link.report(messages.Result(job=message.job))


@pytest.fixture
def answered(page, link):
    for message in asked(link):
        answer(link, message)
    return page


def give_images(link, count=20):
    """Answer the last request for images."""
    request = link.asked(messages.BrowseImages)[-1]
    digits = load_digits()
    arrays = {"images": digits.images[:count], "labels": digits.labels[:count]}
    link.report(messages.Result(job=request.job), arrays)
    return digits.images[:count]


def press_key_view(qtbot, page, view):
    qtbot.mouseClick(page.views.button(view), Qt.MouseButton.LeftButton)


# What is asked


def test_images_are_diagnosed_in_their_own_way(page, state, link):
    requests = asked(link)
    assert [message.kind for message in requests] == KINDS
    by_kind = {message.kind: message for message in requests}
    # Far fewer than of points, since each has many numbers; more of small images than of large.
    assert by_kind["loss"].count == by_kind["exact_loss"].count == 4 * 32
    show_model(state, digits_model(ref="large", shape=(1, 28, 28)))
    page.noise_requests.refresh_timer.timeout.emit()
    assert next(m for m in asked(link)[4:] if m.kind == "loss").count == 32
    assert (by_kind["loss"].seed, by_kind["loss"].times) == (
        by_kind["exact_loss"].seed,
        by_kind["exact_loss"].times,
    )
    assert page.card("density").isVisible()
    assert page.card("error-maps").isVisible()
    assert not page.card("pairs-1").isVisible()
    assert page.card("density").chart.message == "computing, 0 %"


def test_the_users_own_folder_goes_along(page, state, link):
    state.update(IMAGE_DATA, roots=("/my/data",))
    show_model(state, digits_model(ref="other"))
    page.noise_requests.refresh_timer.timeout.emit()
    assert {message.data_root for message in asked(link)[-4:]} == {"/my/data"}


def test_findings_are_shown(answered):
    chart = answered.card("density").chart
    assert dict(chart.figures) == {"r": "0.97", "MSE": "0.05", "bias": "0.000"}
    assert np.array_equal(chart.density.counts, some_counts())
    assert [each.t for each in answered.card("error-maps").chart.maps] == list(MAP_TIMES)
    names = [curve.name for curve in answered.loss.chart.curves]
    assert names == ["network", "by heart"]
    assert answered.loss.chart.y.high < 0.3  # as high as the loss is
    assert not answered.noise_requests.busy


def test_back_to_points_the_cards_are_the_old_ones(answered, state, link):
    show_model(state, ModelInfo(ref="moons", dataset="moons"))
    answered.noise_requests.refresh_timer.timeout.emit()
    assert [message.kind for message in asked(link)[-3:]] == ["pairs", "loss", "exact_loss"]
    assert not answered.card("density").isVisible()
    assert answered.card("pairs-1").isVisible()


def test_data_that_are_not_here_are_said_and_asked_for_again(qtbot, page, state, link):
    for message in asked(link):
        link.report(messages.Failure(job=message.job, message="MNIST is nowhere to be found"))
    assert page.card("density").chart.message == "MNIST is nowhere to be found"
    assert page.card("error-maps").chart.message == "MNIST is nowhere to be found"
    qtbot.waitUntil(lambda: not page.noise_requests.refresh_timer.isActive())
    before = len(asked(link))
    state.update(IMAGE_DATA, done=5)  # of no importance
    assert not page.noise_requests.refresh_timer.isActive()
    state.update(IMAGE_DATA, places={"mnist": "/data"})
    page.noise_requests.refresh_timer.timeout.emit()
    assert [message.kind for message in asked(link)[before:]] == KINDS


def test_a_network_in_training_is_followed(page, state, link):
    from engine.datasets.images import image_training
    from engine.shared.trajectory import Trajectory

    preview = Trajectory([100], [np.zeros((1, 1, 8, 8), np.float32)])
    state.set(
        TRAINING,
        TrainingRun(
            "running", 10, 100, preview=preview, folder="/run", config=image_training("digits")
        ),
    )
    page.noise_requests.refresh_timer.timeout.emit()
    requests = asked(link)[-4:]
    assert [message.kind for message in requests] == KINDS
    assert {message.checkpoint for message in requests} == {"live"}


# What is drawn


def painted(chart, t=50.0, size=(460, 330), vector=False):
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    style = LaneStyle.of(theme.Theme())
    frame = paint_card(painter, QRectF(0, 0, *size), chart, style, vector=vector)
    paint_moment(painter, chart, frame, t, style, vector=vector)
    painter.end()
    return image, frame


def test_density_is_solid_where_there_are_many_and_coloured_by_time(app):
    counts = np.zeros((2, 4, 4), np.int32)
    counts[0, 1, 2] = 100
    counts[1, 3, 0] = 1
    density = Density(counts, np.array([0, 50, 100]), -4.0, 4.0)
    solid = opacities(density)
    assert solid[1, 2] == 1.0
    assert 0.1 < solid[3, 0] < 0.4
    assert np.count_nonzero(solid) == 2
    times = mean_times(density)
    assert (times[1, 2], times[3, 0]) == (25.5, 75.5)
    numbers = colour_numbers(density, 100, 64)
    assert numbers[1, 2] == int(25.5 * 64 / 101)
    assert density.at(0.5, -1.0) == (100, 25.5)
    assert density.at(9.0, 0.0) == (0, 0.0)


@pytest.mark.parametrize("vector", [False, True])
def test_density_lies_where_its_values_are(app, vector):
    counts = np.zeros((1, 80, 80), np.int32)
    counts[0, 60, 20] = 7  # predicted +2, true -2
    found = PairDensity(100, counts, np.array([0, 100]), 1.0, 0.0, 0.0)
    chart = image_charts.density_chart(found, 4.0)
    image, frame = painted(replace(chart, identity=False), vector=vector)
    expected = QColor(time_colours()[int(50.5 * 64 / 101)])
    x, y = frame.x(-1.95), frame.y(2.05)
    assert image.pixelColor(round(x), round(y)) == expected
    assert image.pixelColor(round(frame.x(1.95)), round(frame.y(-1.9))) == QColor(DARK.canvas)


def test_error_maps_are_heat_on_their_own_scales(app):
    values = np.array([[0.0, 0.5], [1.0, 0.25]])
    pixels = heat_pixels(values, "#000000", "#FF8040")
    assert pixels[:, 0, 0].tolist() == [0, 0, 0]
    assert pixels[:, 1, 0].tolist() == [255, 128, 64]
    assert pixels[:, 0, 1].tolist() == [128, 64, 32]
    assert np.array_equal(heat_pixels(values / 1e6, "#000000", "#FF8040"), pixels)
    assert heat_pixels(np.zeros((2, 2)), "#102030", "#FFFFFF")[:, 0, 0].tolist() == [16, 32, 48]


def test_error_maps_are_painted_where_they_are_pointed_at(app):
    chart = image_charts.error_chart(maps_found())
    image, frame = painted(chart, t=28)
    assert len(frame.spots) == 3
    spot = frame.spots[1]
    frame_colour = image.pixelColor(round(spot.left()) - 1, round(spot.center().y()))
    assert frame_colour == QColor(DARK.accent)  # the one nearest to t
    grey = chart.maps[1].values
    row, column = np.unravel_index(grey.argmax(), grey.shape)
    at = QPointF(
        spot.left() + (column + 0.5) / 8 * spot.width(),
        spot.top() + (row + 0.5) / 8 * spot.height(),
    )
    assert image.pixelColor(at.toPoint()) == QColor(DARK.error)
    said = hover_lines(chart, frame, at, 10)
    assert said[0] == f"row {row + 1}, column {column + 1}"
    assert said[1].startswith("error ")
    assert hover_lines(chart, frame, QPointF(2, 2), 10) == []
    assert frame.time_of(chart, at) == 30


def test_channels_are_averaged_in_a_map_and_apart_in_the_table():
    error = np.stack([np.full((8, 8), 0.2), np.full((8, 8), 0.4), np.full((8, 8), 0.6)])
    chart = image_charts.error_chart(ErrorMaps(100, np.array([7]), (error,)))
    assert chart.maps[0].values == pytest.approx(np.full((8, 8), 0.4))
    t, channel, _, _, values = chart.table.columns
    assert len(t) == 192
    assert values[channel == 2] == pytest.approx(np.full(64, 0.6))


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_maps_of_any_number_find_room(app, count):
    maps = tuple(HeatMap(k + 1, np.ones((28, 28)), ("mean 1", "most 1")) for k in range(count))
    chart = replace(image_charts.error_chart(maps_found()), maps=maps)
    body = QRectF(0, 48, 460, 280)
    frame = lay_out(chart, body, LaneStyle.of(theme.Theme()))
    assert all(body.contains(spot) for spot in frame.spots)
    assert not any(a.intersects(b) for k, a in enumerate(frame.spots) for b in frame.spots[k + 1 :])


def forward(index=3):
    digits = load_digits()
    image = digits.standardised(slice(index, index + 1))[0]
    films, deviation = image_charts.forward_charts(image, "it", SCHEDULE, digits.transform, 5)
    return digits.images[index], films, deviation


def test_films_lead_from_the_image_into_noise():
    pixels, films, deviation = forward()
    for film in films.films:
        assert (film.times[0], film.times[-1]) == (100, 0)
        assert np.array_equal(film.pixels[-1], pixels)
        assert not np.array_equal(film.pixels[0], pixels)
        assert np.array_equal(film.pixels[film.index_at(0.4)], pixels)
    steps, closed = films.films
    assert not np.array_equal(steps.pixels[25], closed.pixels[25])
    bars = noise_tables.alphas_cumprod(SCHEDULE)
    law = next(curve for curve in deviation.curves if curve.role == "reference")
    image = load_digits().standardised(slice(3, 4))[0]
    assert law.at(100) == pytest.approx(np.sqrt(bars[100] * image.var() + 1 - bars[100]))
    for curve in deviation.curves:
        assert curve.at(0) == pytest.approx(image.std(), rel=1e-4)
        assert curve.y == pytest.approx(law.y, abs=0.35)  # 64 pixels


def test_both_ways_into_noise_agree_over_many_images():
    digits = load_digits()
    found = []
    for seed in range(30):
        image = digits.standardised(slice(3, 4))[0]
        charts = image_charts.forward_charts(image, "", SCHEDULE, digits.transform, seed)
        found.append([[curve.at(50) for curve in charts[1].curves]])
    steps, closed, law = np.mean(found, axis=(0, 1))
    assert steps == pytest.approx(law, abs=0.05)
    assert closed == pytest.approx(law, abs=0.05)


def test_films_show_the_image_of_each_place_and_that_of_now(app):
    pixels, films, _ = forward()
    image, frame = painted(films, t=0, size=(900, 320))
    style = LaneStyle.of(theme.Theme())
    row = row_places(films, frame, style)[0]
    places = slots(row, films.films[0], style)
    assert 3 <= len(places) <= 12
    assert all(frame.plot.adjusted(-1, -1, 1, 1).contains(place) for place in places)
    # The image of now, at the right end, is the image of the data.
    now = QRectF(row.adjusted(0, -3, 0, 3))
    side = now.height()
    now = QRectF(frame.plot.right() - side, now.top(), side, side)
    for r, c in ((0, 0), (3, 4), (7, 2)):
        at = QPointF(now.left() + (c + 0.5) / 8 * side, now.top() + (r + 0.5) / 8 * side)
        assert abs(image.pixelColor(at.toPoint()).red() - int(pixels[0, r, c])) <= 1


# The page's other views


def test_forward_process_of_an_image(qtbot, page, state, link):
    press_key_view(qtbot, page, "forward")
    assert page.current_scene is None
    assert page.stack.currentWidget() is page.forward_of("images")
    assert page.card("forward-films").chart.message == "Reading some images of the data…"
    give_images(link)
    assert len(page.card("forward-films").chart.films) == 2
    assert "image 1 of 20" in page.card("forward-films").chart.subtitle
    first = page.card("forward-films").chart
    page._show()
    assert page.card("forward-films").chart is first  # nothing is computed again
    assert page.another.text() == "Another image"
    qtbot.mouseClick(page.another, Qt.MouseButton.LeftButton)
    assert "image 2 of 20" in page.card("forward-films").chart.subtitle
    assert len(link.asked(messages.BrowseImages)) == 1
    state.update(IMAGE_SAMPLING, seed=77)
    assert "seed 77" in page.card("forward-films").chart.subtitle


def test_a_click_on_a_film_sets_the_time(qtbot, page, link):
    press_key_view(qtbot, page, "forward")
    give_images(link)
    frame = page.card("forward-films").frame
    place = QPoint(round(frame.x(25)), round(frame.plot.center().y()))
    qtbot.mouseClick(page.card("forward-films"), Qt.MouseButton.LeftButton, pos=place)
    assert page.playback.t == pytest.approx(25, abs=1)
    before = page.card("forward-films").grab().toImage()
    page.playback.set_t(90)
    assert page.card("forward-films").grab().toImage() != before


def test_a_click_on_an_error_map_sets_its_time(qtbot, answered):
    spot = answered.card("error-maps").frame.spots[2]
    qtbot.mouseClick(
        answered.card("error-maps"), Qt.MouseButton.LeftButton, pos=spot.center().toPoint()
    )
    assert answered.playback.t == MAP_TIMES[2]


def test_signal_at_T_of_images(qtbot, page, link):
    press_key_view(qtbot, page, "schedule")
    assert page.left.chart.message == "Reading some images of the data…"
    give_images(link, count=200)
    assert page.left.chart.bars
    assert "along the" in page.left.chart.subtitle


def test_directions_of_images_are_brightness_and_the_widest(page):
    random = np.random.default_rng(0)
    flat = random.standard_normal((500, 16)) + 3 * random.standard_normal((500, 1))
    found = page.mode("images").directions(flat.reshape(500, 1, 4, 4))
    assert [each.name for each in found] == ["the brightness", "the widest direction"]
    brightness, widest = found
    assert brightness.along.var() == pytest.approx(1 + 16 * 9, rel=0.2)
    assert widest.along.var() == pytest.approx(brightness.along.var(), rel=0.05)


def test_images_that_cannot_be_had_are_said(qtbot, page, state, link):
    press_key_view(qtbot, page, "forward")
    request = link.asked(messages.BrowseImages)[-1]
    link.report(messages.Failure(job=request.job, message="Nothing in /data"))
    assert page.card("forward-films").chart.message == "Nothing in /data"
    state.update(IMAGE_DATA, places={"mnist": "/there"})
    assert len(link.asked(messages.BrowseImages)) == 2
    give_images(link)
    assert page.card("forward-films").chart.films
    show_model(state, digits_model(dataset="unheard of"))
    assert "Nothing is known of the images" in page.card("forward-films").chart.message


@pytest.mark.parametrize(
    ("host", "where"), [("", "not on this computer"), ("ada@big-box", "not on ada@big-box")]
)
def test_missing_data_are_said_in_the_words_of_the_window(qtbot, page, state, link, host, where):
    state.set(ENGINE, EngineStatus("ready", host=host))
    state.update(IMAGE_DATA, places={"mnist": ""})
    show_model(state, digits_model(dataset="mnist", ref="mnist"))
    qtbot.waitUntil(lambda: not page.noise_requests.refresh_timer.isActive())
    told = f"MNIST is {where}: download it in the panel Train, or choose its folder there"
    why = "the data set 'mnist' is not here: name its folder with --data-root"
    for message in asked(link)[-4:]:
        link.report(messages.Failure(job=message.job, message=why))
    for card in (page.card("density"), page.card("error-maps"), page.loss):
        assert card.chart.message == told
    press_key_view(qtbot, page, "forward")
    assert page.card("forward-films").chart.message == "Reading some images of the data…"
    assert not page.another.isEnabled()  # there is none yet
    request = link.asked(messages.BrowseImages)[-1]
    link.report(messages.Failure(job=request.job, message=why))
    assert page.card("forward-films").chart.message == told
    assert not page.another.isEnabled()
    assert page.another.toolTip() == told
    state.update(IMAGE_DATA, places={"mnist": "/there"})
    request = link.asked(messages.BrowseImages)[-1]
    arrays = {"images": np.zeros((3, 1, 8, 8), np.uint8), "labels": np.arange(3)}
    link.report(messages.Result(job=request.job), arrays)
    assert page.another.isEnabled()


def test_a_folder_that_is_not_known_is_to_be_chosen(qtbot, page, state, link):
    show_model(state, digits_model(dataset="folder", ref="own"))
    press_key_view(qtbot, page, "forward")
    request = link.asked(messages.BrowseImages)[-1]
    link.report(messages.Failure(job=request.job, message="name it with --data-root"))
    told = "The folder of the images is not known: choose it in the panel Train"
    assert page.card("forward-films").chart.message == told


def test_forward_process_of_points_is_as_before(qtbot, page, state):
    press_key_view(qtbot, page, "forward")
    show_model(state, ModelInfo(ref="moons", dataset="moons"))
    assert page.current_scene is not None
    assert page.stack.currentWidget() is not page.forward_of("images")
    assert page.another.text() == "Another point"


# Saving


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "csv"])
def test_every_plot_can_be_saved(app, tmp_path, kind):
    _, films, deviation = forward()
    plots = (
        image_charts.density_chart(density_found(), 4.0),
        image_charts.error_chart(maps_found()),
        films,
        deviation,
    )
    for chart in plots:
        path = tmp_path / f"{chart.key}.{kind}"
        save_chart(chart, 50, path, kind, "light")
        data = path.read_bytes()
        start_of = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "csv": b"t"}[kind]
        assert data.startswith(start_of)
        if kind == "csv":
            rows = list(csv.reader(io.StringIO(data.decode())))
            assert len(rows) == 1 + len(chart.table.columns[0])
        if kind == "png":
            assert not QImage(str(path)).isNull()


def test_density_is_saved_as_shapes(app):
    svg = chart_svg(image_charts.density_chart(density_found(), 4.0), 50, "dark")
    assert b"<image" not in svg


def test_cards_are_exported_from_their_menu(answered):
    for card in (answered.card("density"), answered.card("error-maps")):
        assert card.save_button.isEnabled()
        assert card.accessibleName()
        assert card.grab(QRect(0, 0, 50, 50)).width() == 50


def test_a_mode_that_gives_nothing_has_its_losses_and_the_schedules(qtbot, app, state, link):
    makes = {mode.kind: ModeDiagnostics for mode in installed_modes.MODES}
    page = DiagnosticsPage(state, Playback(100), Client(link), makes)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitUntil(lambda: not page.noise_requests.refresh_timer.isActive())
    assert [message.kind for message in asked(link)] == ["loss", "exact_loss"]
    for message in asked(link):
        answer(link, message)
    assert [card for card in page.cards if card.isVisible()] == [page.loss, page.schedules]
    assert [curve.name for curve in page.loss.chart.curves] == ["network", "best possible"]
    press_key_view(qtbot, page, "schedule")
    assert page.left.chart.message == "The data are not shown."
    press_key_view(qtbot, page, "forward")
    assert page.status.text() == "Nothing is shown of the forward process here"
    assert not page.another.isVisible()
    assert page.current_scene is None
    with pytest.raises(ValueError, match="no scene"):
        page.current_picture  # noqa: B018


def test_a_training_of_another_mode_is_diagnosed_as_its_own(page, state, link):
    from engine.shared.config import TrainingConfig
    from engine.shared.trajectory import Trajectory

    preview = Trajectory([100], [np.zeros((1, 2), np.float32)])
    config = TrainingConfig(dataset="moons")
    training = TrainingRun("running", 10, 100, preview=preview, folder="/run", config=config)
    state.set(TRAINING, training)
    page.noise_requests.refresh_timer.timeout.emit()
    requests = asked(link)[len(KINDS) :]
    assert [message.kind for message in requests] == ["pairs", "loss", "exact_loss"]
    assert {message.checkpoint for message in requests} == {"live"}
    assert page.card("pairs-1").isVisible()
    assert not page.card("density").isVisible()
