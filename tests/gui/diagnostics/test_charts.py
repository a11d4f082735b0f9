"""What the diagnostics draw and save: against closed forms, and as pixels and files."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from engine import datasets
from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.forward_process import copies_of, in_closed_form, step_by_step, thinned
from toydiff_gui.diagnostics import charts, schedules, signal_left
from toydiff_gui.diagnostics.chart import Axis, Chart, Curve, Table, fixed, short
from toydiff_gui.diagnostics.chart_layout import Window, axis_ticks, lay_out, moved, zoomed
from toydiff_gui.diagnostics.findings import LossCurve, Pairs
from toydiff_gui.diagnostics.labels import place_labels
from toydiff_gui.diagnostics.moment import hover_lines, paint_moment
from toydiff_gui.diagnostics.painting import VIRIDIS_FROM, paint_card, time_colours
from toydiff_gui.diagnostics.saving import (
    chart_pdf,
    chart_png,
    chart_svg,
    picture_size,
    save_chart,
    table_csv,
)
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.diagnostics.charts import pair_chart
from toydiff_gui.style import sheet, theme

LINEAR = ScheduleConfig()
ALL = [
    LINEAR,
    ScheduleConfig(name="quadratic"),
    ScheduleConfig(name="cosine", timesteps=60),
    ScheduleConfig(zero_terminal=True),
]


def some_pairs(count=400, timesteps=250):
    random = np.random.default_rng(0)
    eps = random.standard_normal((count, 2)).astype(np.float32)
    return Pairs(
        timesteps=timesteps,
        t=random.integers(1, timesteps + 1, count),
        eps=eps,
        eps_hat=0.7 * eps,
        dimensions=np.array([0, 1]),
        r=np.array([0.81, 0.72]),
        mse=np.array([0.34, 0.48]),
        bias=np.array([0.02, -0.01]),
    )


def some_loss(level=0.5, timesteps=250):
    t = np.arange(timesteps, 0, -5)
    return LossCurve(timesteps, t, level + 0.3 * (1 - t / timesteps), np.full(len(t), 0.01))


def every_chart():
    data = datasets.load("v").points
    return [
        pair_chart(some_pairs(), 0),
        charts.loss_chart(some_loss(), some_loss(0.48)),
        charts.schedule_chart(LINEAR, "beta"),
        *charts.start_charts(LINEAR, signal_left.directions(data)),
    ]


# Schedules


@pytest.mark.parametrize("config", ALL)
def test_quantities_follow_from_the_schedule(config):
    bars, betas = noise_tables.alphas_cumprod(config), noise_tables.betas(config)
    t = np.arange(1, config.timesteps + 1)
    assert schedules.table(config, "beta")[1:] == pytest.approx(betas[1:])
    signal, noise = schedules.table(config, "signal"), schedules.table(config, "noise")
    assert signal**2 + noise**2 == pytest.approx(np.ones(len(bars)))
    ratio = np.exp(schedules.table(config, "log_snr")[t])
    known = bars[t] > 0
    assert (ratio * noise[t] ** 2)[known] == pytest.approx((signal[t] ** 2)[known])
    assert np.isnan(schedules.table(config, "log_snr")[0])
    # The posterior variance by conditioning the joint normal of x_(t-1) and x_t given x0.
    found = schedules.table(config, "posterior")
    before, after = 1 - bars[t[1:] - 1], 1 - bars[t[1:]]
    together = np.sqrt(1 - betas[t[1:]]) * before
    assert found[2:] == pytest.approx(before - together**2 / after)
    assert np.isnan(found[:2]).all()


def test_the_models_own_schedule_is_the_one_emphasised():
    for config in ALL:
        chart = charts.schedule_chart(config, "alpha_bar")
        (main,) = [curve for curve in chart.curves if curve.role == "main"]
        assert np.array_equal(main.y, noise_tables.alphas_cumprod(config))
        assert {"linear", "quadratic", "cosine"} <= {curve.name for curve in chart.curves}
        assert chart.x.low == config.timesteps
        assert chart.x.high == 0


@pytest.mark.parametrize("quantity", schedules.QUANTITIES, ids=lambda each: each.key)
@pytest.mark.parametrize("config", ALL)
def test_every_quantity_fits_its_axis(config, quantity):
    chart = charts.schedule_chart(config, quantity.key)
    for curve in chart.curves:
        values = curve.y[np.isfinite(curve.y)]
        assert len(values) > config.timesteps - 3
        assert chart.y.low < values.min() <= values.max() < chart.y.high
        assert not chart.y.log or chart.y.low > 0


# The start of sampling


@pytest.mark.parametrize("signal", [0.28, 0.9])
def test_the_end_of_the_forward_process_of_a_gaussian(signal):
    along = np.random.default_rng(0).normal(0.5, 0.6, 400_000)
    end = signal_left.ending(along, signal)
    mean, deviation = signal * along.mean(), np.sqrt(signal**2 * along.var() + 1 - signal**2)
    assert (end.mean, end.deviation) == pytest.approx((mean, deviation))
    exact = (
        np.exp(-(((signal_left.GRID - mean) / deviation) ** 2) / 2) / deviation / np.sqrt(2 * np.pi)
    )
    assert np.abs(end.density - exact).max() < 2e-3
    assert end.kl == pytest.approx((deviation**2 + mean**2 - 1) / 2 - np.log(deviation), rel=0.02)
    assert end.w2 == pytest.approx(np.hypot(mean, deviation - 1), rel=0.02)
    assert end.farthest == pytest.approx(signal * np.abs(along).max())


def test_without_signal_nothing_is_wrong_with_the_start():
    end = signal_left.ending(datasets.load("v").points[:, 0].astype(float), 0.0)
    assert end.kl < 1e-12
    assert end.w2 < 1e-12
    assert end.density == pytest.approx(signal_left.NORMAL)


def test_the_widest_direction_of_correlated_data_is_found():
    random = np.random.default_rng(1)
    data = random.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 20_000)
    direction = signal_left.most_different(signal_left.directions(data), 0.3)
    assert direction.name == "the widest direction"
    assert direction.along.var() == pytest.approx(1.9, rel=0.03)


def test_the_table_of_signals_has_every_schedule_with_and_without_a_zero_end():
    left, density, difference = charts.start_charts(
        LINEAR, signal_left.directions(datasets.load("v").points)
    )
    rows = {bar.name: bar for bar in left.bars}
    assert len(rows) == 6
    assert rows["linear"].role == "main"
    assert rows["linear"].figures[0] == "0.2823"
    assert rows["linear, zero end"].figures == ("0.0000", "0.00", "0.0000", "0.00000")
    assert {curve.name for curve in density.curves} >= {"noised data", "N(0, 1)"}
    flat = next(curve for curve in difference.curves if curve.name == "linear, zero end")
    assert np.abs(flat.y).max() < 1e-12
    assert np.abs(difference.main.y).max() > 1e-3
    looks = [curve.role for curve in difference.curves]
    assert len(set(looks)) == len(looks) == 4  # the legend tells them apart


# The forward process


def test_noising_step_by_step_has_the_moments_of_the_closed_form():
    schedule = ScheduleConfig(timesteps=40)
    random = np.random.default_rng(0)
    x0 = np.stack([random.normal(1.0, 0.5, 60_000), random.normal(0, 1, 60_000)], 1).astype("f4")
    bars, betas = noise_tables.alphas_cumprod(schedule), noise_tables.betas(schedule)
    for trajectory in (step_by_step(x0, schedule, 0), in_closed_form(x0, schedule, 0)):
        assert trajectory.t == tuple(range(40, -1, -1))
        assert np.array_equal(trajectory.x[-1], x0)
        for k in (0, 20, 35):
            bar = bars[trajectory.t[k]]
            x = trajectory.x[k]
            assert x.mean(0) == pytest.approx([bar**0.5, 0], abs=0.02)
            assert x.var(0) == pytest.approx([bar * 0.25 + 1 - bar, 1], abs=0.03)
    steps = step_by_step(x0, schedule, 0)
    added = [
        steps.x[40 - t] - np.sqrt(1 - betas[t]) * steps.x[41 - t] for t in range(1, 41)
    ]  # the noise of each step
    for t in (1, 20, 40):
        assert added[t - 1].std() == pytest.approx(betas[t] ** 0.5, rel=0.02)
    assert abs(np.corrcoef(added[19].ravel(), added[20].ravel())[0, 1]) < 0.02
    closed = in_closed_form(x0, schedule, 0)
    eps = [(closed.x[40 - t] - bars[t] ** 0.5 * x0) / (1 - bars[t]) ** 0.5 for t in (10, 40)]
    assert eps[0] == pytest.approx(eps[1], abs=1e-3)  # one noise for each point


def test_the_forward_process_is_repeatable_bounded_and_of_any_shape():
    schedule = ScheduleConfig(timesteps=1000)
    data = np.random.default_rng(0).normal(size=(9000, 3, 4)).astype("f4")
    few = thinned(data, schedule.timesteps)
    assert 300 < len(few) <= 2000
    assert few.size * schedule.timesteps <= 8_000_000 * 1.01
    first, again = (step_by_step(few[:50], schedule, 4) for _ in range(2))
    assert len(first.t) == 251
    assert first.t[0] == 1000
    assert first.x[0].shape == (50, 3, 4)
    assert all(np.array_equal(a, b) for a, b in zip(first.x, again.x, strict=True))
    assert not np.array_equal(first.x[0], step_by_step(few[:50], schedule, 5).x[0])


def test_the_copies_of_a_point_start_in_it_and_spread_around_its_image():
    point = np.array([1.5, -1.0], np.float32)
    copies = copies_of(point, LINEAR, 0)
    assert np.array_equal(copies.x[-1], np.repeat(point[None], 500, axis=0))
    bar = noise_tables.alphas_cumprod(LINEAR)[-1]
    error = np.sqrt((1 - bar) / 500)
    assert copies.x[0].mean(0) == pytest.approx(bar**0.5 * point, abs=5 * error)
    assert copies.x[0].std(0) == pytest.approx(np.sqrt(1 - bar) * np.ones(2), rel=0.15)


# Layout and painting


@pytest.fixture
def style(app):
    return LaneStyle.of(theme.current())


BODY = QRectF(0, 48, 420, 280)
CARD = QRectF(0, 0, 420, 328)


def paint(chart, style, t=60, window=None, size=(420, 328)):
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    frame = paint_card(painter, QRectF(0, 0, *size), chart, style, window)
    paint_moment(painter, chart, frame, t, style)
    painter.end()
    return image, frame


def test_time_runs_from_noise_at_the_left_to_data_at_the_right(style):
    chart = charts.loss_chart(some_loss(), None)
    frame = lay_out(chart, BODY, style)
    assert frame.x(250) == pytest.approx(frame.plot.left())
    assert frame.x(0) == pytest.approx(frame.plot.right())
    for t in (0, 17, 250):
        assert frame.time_of(chart, QPointF(frame.x(t), 100)) == t
    assert frame.time_of(chart, QPointF(-50, 100)) == 250
    pairs = pair_chart(some_pairs(), 0)
    frame = lay_out(pairs, BODY, style)
    assert frame.time_of(pairs, QPointF(0, frame.bar_y(99, 250))) == 99
    assert frame.bar_y(250, 250) < frame.bar_y(0, 250)


def test_the_line_stands_at_t_with_the_value_there(style):
    chart = charts.loss_chart(some_loss(), None)
    accent = QColor(style.palette.accent)
    seen = {}
    for t in (200, 60):
        image, frame = paint(chart, style, t)
        column = [image.pixelColor(round(frame.x(t) - 0.5), y) for y in range(70, 300, 3)]
        seen[t] = sum(abs(c.green() - accent.green()) < 90 for c in column)
        other, _ = paint(chart, style, 0)
        assert image != other
    assert min(seen.values()) > 60
    assert chart.main.at(60) == pytest.approx(0.5 + 0.3 * (1 - 60 / 250))


def test_dots_have_the_colour_of_their_time(style):
    pairs = some_pairs(3)
    pairs = replace(
        pairs,
        t=np.array([1, 125, 250]),
        eps=np.array([[-2, 0], [0, 0], [2, 0]], np.float32),
        eps_hat=np.array([[-1, 0], [0, 0], [1, 0]], np.float32),
    )
    image, frame = paint(pair_chart(pairs, 0), style)
    colours = [QColor(colour) for colour in time_colours()]
    for x, y, t in ((-2, -1, 1), (0, 0, 125), (2, 1, 250)):
        expected = colours[t * len(colours) // 251]
        found = image.pixelColor(int(frame.x(x)), int(frame.y(y)))
        for channel in ("red", "green", "blue"):
            # The dots are a little translucent.
            assert abs(getattr(found, channel)() - getattr(expected, channel)()) < 40
    import pyqtgraph as pg

    first, last = pg.colormap.get("viridis").map([VIRIDIS_FROM, 1.0])[:, :3]
    assert colours[0].getRgb()[:3] == pytest.approx(tuple(first), abs=3)
    assert colours[-1].getRgb()[:3] == pytest.approx(tuple(last), abs=3)


def test_nothing_is_drawn_outside_of_a_zoomed_plot(style):
    chart = charts.loss_chart(some_loss(), some_loss(0.4))
    zoom = Window(0.2, 0.3, 0.4, 0.5)
    image, frame = paint(chart, style, t=0, window=zoom)
    accent = QColor(style.palette.accent).rgb()
    outside = {
        (x, y)
        for x in range(420)
        for y in range(50, 326)
        if image.pixel(x, y) == accent and not frame.plot.adjusted(-2, -2, 2, 2).contains(x, y)
    }
    assert not outside
    # So does the drawing for vectors, which clips by calculation.
    svg = chart_svg(chart, 0, "dark", zoom).decode()
    assert "clip" not in svg.replace("clipPath id", "")


def test_zooming_keeps_the_point_below_the_pointer_and_panning_stays_inside():
    first, last = zoomed(0.2, 0.8, 0.35, 0.5)
    assert (0.35 - first) / (last - first) == pytest.approx((0.35 - 0.2) / 0.6)
    assert last - first == pytest.approx(0.3)
    assert zoomed(0.0, 1.0, 0.5, 3.0) == (0.0, 1.0)
    assert np.diff(zoomed(0.5, 0.51, 0.505, 0.1)) == pytest.approx(0.01)
    assert moved(0.5, 0.9, 0.3) == pytest.approx((0.6, 1.0))
    assert moved(0.5, 0.9, -0.8) == pytest.approx((0.0, 0.4))


def test_ticks_are_round_and_log_ticks_powers(style):
    labels = [text for _, text in axis_ticks(Axis("", 0, 1), 0.0, 1.0, 200, style)]
    assert labels == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    log = Axis("", 1e-4, 1, log=True)
    assert [text for _, text in axis_ticks(log, *log.ends, 150, style)] == [
        "0.0001",
        "0.001",
        "0.01",
        "0.1",
        "1",
    ]
    close = Axis("", 0.01, 0.05, log=True)
    assert {"0.01", "0.02", "0.05"} <= {
        text for _, text in axis_ticks(close, *close.ends, 200, style)
    }


def test_labels_touch_neither_curves_nor_each_other():
    plot = QRectF(0, 0, 400, 300)
    x = np.linspace(0, 400, 200)
    lines = [np.stack([x, 150 + 100 * np.sin(x / 60 + k)], axis=1) for k in range(3)]
    boxes = []
    for line, middle in zip(lines, place_labels(lines, [(50, 12)] * 3, plot, 6), strict=True):
        assert middle is not None
        box = QRectF(0, 0, 50, 12)
        box.moveCenter(middle)
        assert plot.contains(box)
        for other in lines:
            assert not any(box.contains(QPointF(*point)) for point in other)
        assert not any(box.intersects(other) for other in boxes)
        assert np.linalg.norm(line - (middle.x(), middle.y()), axis=1).min() < 60
        boxes.append(box)


def test_the_pointer_is_told_the_values_of_all_curves(style):
    chart = charts.loss_chart(some_loss(), some_loss(0.4))
    frame = lay_out(chart, BODY, style)
    lines = hover_lines(chart, frame, QPointF(frame.x(100), 150), 10)
    assert lines == ["t 100", "network 0.68 ± 0.01", "best possible 0.58 ± 0.01"]
    assert hover_lines(chart, frame, QPointF(2, 150), 10) == []
    pairs = some_pairs(1)
    chart = pair_chart(pairs, 0)
    frame = lay_out(chart, BODY, style)
    x, y = float(pairs.eps[0, 0]), float(pairs.eps_hat[0, 0])
    assert hover_lines(chart, frame, QPointF(frame.x(x) + 3, frame.y(y)), 10) == [
        f"t {pairs.t[0]}",
        f"true {short(x)}",
        f"predicted {short(y)}",
    ]
    assert hover_lines(chart, frame, QPointF(frame.x(x) + 30, frame.y(y)), 10) == []


def test_numbers_are_written_plainly():
    assert [short(v) for v in (0.0, 0.553, -1.2, 0.0048, 0.00013, 1.2e-7, 1234.0)] == [
        "0",
        "0.55",
        "−1.20",
        "0.0048",
        "0.00013",
        "1.2e−07",
        "1234",
    ]
    assert short(float("nan")) == "–"
    assert fixed(-0.0001, 2) == "0.00"


def test_all_charts_can_be_painted_in_every_look_and_size(chosen, app):
    sheet.apply(app, chosen)
    style = LaneStyle.of(chosen)
    for chart in every_chart():
        for size in ((300, 236), (420, 328), (1300, 800)):
            image, frame = paint(chart, style, size=size)
            assert frame.plot.width() >= 10
            shades = {
                image.pixel(x, y) for x in range(0, size[0], 3) for y in range(50, size[1], 3)
            }
            assert len(shades) > 4


# Files


def rendered(data, size):
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(data)).render(painter, QRectF(0, 0, *size))
    painter.end()
    return image


def grey(image):
    image = image.convertToFormat(QImage.Format.Format_Grayscale8)
    bits = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return bits[:, : image.width()].astype(float)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("look", ["dark", "light"])
def test_vector_pictures_look_like_the_pixels_and_need_no_typeface(app, number, look):
    chart = every_chart()[number]
    png = QImage.fromData(chart_png(chart, 60, look), "png")
    assert (png.width(), png.height()) == picture_size()
    svg = chart_svg(chart, 60, look)
    assert b"<text" not in svg
    assert b"<image" not in svg
    difference = np.abs(grey(rendered(svg, picture_size())) - grey(png))
    assert difference.mean() < 2.5
    ground = grey(png)[600, 4]
    assert (ground > 128) == (look == "light")
    pdf = chart_pdf(chart, 60, look)
    assert pdf.startswith(b"%PDF")
    assert b"/BaseFont" not in pdf
    assert b"/Subtype /Image" not in pdf
    box = re.search(rb"/MediaBox \[([0-9. ]+)\]", pdf)
    assert [float(value) for value in box[1].split()] == pytest.approx([0, 0, 420, 300])


def test_a_pdf_holds_strokes_for_every_dot(app):
    few, many = (chart_pdf(pair_chart(some_pairs(n), 0), 60, "light") for n in (10, 400))
    assert len(many) > len(few) + 5_000


def test_numbers_come_back_from_a_csv(app):
    pairs = some_pairs(50)
    rows = list(csv.reader(io.StringIO(table_csv(pair_chart(pairs, 1).table).decode())))
    assert rows[0] == ["t", "true noise (deviations)", "predicted noise"]
    found = np.array(rows[1:], float)
    assert found[:, 0].tolist() == pairs.t.tolist()
    assert found[:, 1] == pytest.approx(pairs.eps[:, 1])
    assert found[:, 2] == pytest.approx(pairs.eps_hat[:, 1])
    partly = LossCurve(250, some_loss().t[:10], some_loss().loss[:10], some_loss().error[:10])
    table = charts.loss_chart(some_loss(), partly).table
    rows = list(csv.reader(io.StringIO(table_csv(table).decode())))
    assert rows[0][:2] == ["t", "loss, network"]
    assert [row[0] for row in rows[1:3]] == ["250", "245"]
    assert rows[1][3] == f"{partly.loss[0]:.9g}"
    assert rows[-1][3:] == ["", ""]  # the exact one has not come as far


@pytest.mark.parametrize("kind", ["png", "svg", "pdf", "csv"])
def test_a_refused_folder_gives_one_sentence_and_changes_nothing(app, tmp_path, kind):
    chart = charts.loss_chart(some_loss(), None)
    gone = tmp_path / "gone" / f"loss.{kind}"
    with pytest.raises(ValueError, match=re.escape(f"cannot write {gone}: No such file")):
        save_chart(chart, 60, gone, kind, "dark")
    taken = tmp_path / f"taken.{kind}"
    taken.mkdir()
    with pytest.raises(ValueError, match=re.escape(f"cannot write {taken}: ")):
        save_chart(chart, 60, taken, kind, "dark")
    assert list(tmp_path.iterdir()) == [taken]


def test_a_chart_without_data_is_not_saved(app, tmp_path):
    with pytest.raises(ValueError, match="nothing to save yet: 'Loss at each time' is empty"):
        save_chart(charts.loss_chart(None, None, "…"), 0, tmp_path / "a.png", "png", "dark")
    chart = Chart(
        "x", "X", curves=(Curve("a", np.arange(3.0), np.arange(3.0)),), table=Table((), ())
    )
    assert not chart.empty
