"""What is laid over lanes, checked against closed forms and by its pixels."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.drawing.contours import contour_segments
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.overlays import overlay_frame
from toydiff_gui.modes.points.drawing.overlays.density import (
    LEAST_BLUR,
    data_density,
    mass_levels,
    sample_density,
)
from toydiff_gui.modes.points.drawing.overlays.difference import heat
from toydiff_gui.modes.points.drawing.overlays.field import arrows
from toydiff_gui.modes.points.drawing.overlays.flow import flow
from toydiff_gui.modes.points.drawing.overlays.trajectories import chosen_points, pieces, ways
from toydiff_gui.modes.points.overlays.difference import HeatLayer
from toydiff_gui.modes.points.overlays.field import FieldLayer
from toydiff_gui.modes.points.overlays.warp import WarpLayer
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style.theme import DARK, LIGHT, Theme

STYLE = LaneStyle.of(Theme(DARK, True))
RECT = QRectF(0, 0, 300, 300)
VIEW = ViewRange(-2.0, 2.0, -2.0, 2.0)
TABLE = noise_tables.alphas_cumprod(ScheduleConfig())
MEAN, DEVIATION = np.array([0.5, -0.3]), 0.4

pytestmark = pytest.mark.usefixtures("qapp")


def exact_eps(x, t):
    """The noise that the exact denoiser of one Gaussian sees."""
    alpha_bar = TABLE[t]
    variance = alpha_bar * DEVIATION**2 + 1 - alpha_bar
    return np.sqrt(1 - alpha_bar) * (x - np.sqrt(alpha_bar) * MEAN) / variance


def grid(columns=15):
    side = np.linspace(-2.0, 2.0, columns)
    x, y = np.meshgrid(side, side[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def field_layer(*times):
    points = grid()
    return FieldLayer((-2, 2, -2, 2), 15, points, {t: exact_eps(points, t) for t in times})


def draw(lane, t=0, style=STYLE):
    image = QImage(300, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("#FF00FF"))
    painter = QPainter(image)
    paint_lane(painter, RECT, lane, t, VIEW, style)
    painter.end()
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    return np.frombuffer(image.constBits(), np.uint8).reshape(300, 300, 3).astype(int)


def changed(lane, overlay, t=0, style=STYLE, threshold=12, layer=None, **fields):
    """Where the overlay makes a difference."""
    layers = {} if layer is None else {overlay: layer}
    with_it = replace(lane, overlays=frozenset({overlay}), layers=layers, **fields)
    apart = draw(with_it, t, style) - draw(replace(lane, overlays=frozenset()), t, style)
    return np.abs(apart).max(axis=2) > threshold


def moving(count=40, frames=26):
    """Points that move to the right, in a lane."""
    start = np.stack([np.full(count, -1.5), np.linspace(-1.2, 1.2, count)], axis=1)
    times = np.linspace(250, 0, frames).round().astype(int).tolist()
    moved = start + np.linspace(0.0, 3.0, frames)[:, None, None] * (1.0, 0.0)
    states = list(moved.astype(np.float32))
    return LaneScene(
        "ddim", 2, "DDIM", trajectory=Trajectory(times, states, states), alphas_cumprod=TABLE
    )


# The flow


@pytest.mark.parametrize("t", [20, 60, 125, 200, 250])
def test_the_flow_is_the_limit_of_ddim_steps(t):
    points = grid().astype(np.float64)
    eps = exact_eps(points, t)
    # One DDIM step of the schedule (Song et al. 2021, equation 12, sigma = 0).
    now, before = TABLE[t], TABLE[t - 1]
    x0 = (points - np.sqrt(1 - now) * eps) / np.sqrt(now)
    step = np.sqrt(before) * x0 + np.sqrt(1 - before) * eps - points
    assert np.linalg.norm(flow(points, eps, t, TABLE) - step) < 0.03 * np.linalg.norm(step)


def test_the_flow_of_a_gaussian_ends_at_its_mean():
    far = np.array([[1.9, 1.9], [-1.9, 1.0]])
    velocity = flow(far, exact_eps(far, 40), 40, TABLE)
    towards = MEAN - far
    cosine = (velocity * towards).sum(1) / np.linalg.norm(velocity, axis=1)
    assert (cosine / np.linalg.norm(towards, axis=1) > 0.99).all()
    assert np.isfinite(flow(far, far, 0, TABLE)).all()
    zero_end = noise_tables.alphas_cumprod(ScheduleConfig(name="cosine", zero_terminal=True))
    assert np.isfinite(flow(far, far, 250, zero_end)).all()


def test_arrows_point_where_the_flow_goes():
    middle, direction = np.array([[100.0, 50.0]]), np.array([[1.0, 0.0]])
    ((shaft, left, right),) = arrows(middle, direction, np.array([20.0]), 4.0)
    assert shaft.tolist() == [90.0, 50.0, 110.0, 50.0]
    assert left[:2].tolist() == right[:2].tolist() == [110.0, 50.0]
    assert left[2] < 110
    assert (left[3] - 50) * (right[3] - 50) < 0


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_the_field_is_drawn_at_the_time_that_has_arrived(palette):
    style = LaneStyle.of(Theme(palette, palette is DARK))
    layer = field_layer(100)
    lane = moving()
    seen = changed(lane, "field", 100, style, layer=layer)
    accent = np.array(QColor(palette.accent).getRgb()[:3])
    image = draw(replace(lane, overlays=frozenset({"field"}), layers={"field": layer}), 100, style)
    assert seen.sum() > 1500
    strongest = image[seen]
    assert np.abs(strongest - accent).max(axis=1).min() < 60
    # Near the mean the flow rests: no long arrows there, and nothing without eps.
    assert not changed(lane, "field", 100, style, layer=field_layer()).any()
    assert not changed(lane, "field", 100, style).any()


@pytest.mark.parametrize(("way", "heads"), [(1.0, "above"), (-1.0, "below")])
def test_the_heads_of_arrows_are_where_points_go(way, heads):
    side = np.linspace(-2.0, 2.0, 3)
    x, y = np.meshgrid(side, side[::-1])
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    # The noise for which the flow is straight up or down: x - eps / sigma = (0, way).
    eps = np.sqrt(1 - TABLE[100]) * (points - np.array([0.0, way]))
    layer = FieldLayer((-2, 2, -2, 2), 3, points, {100: eps})
    seen = changed(moving(), "field", 100, layer=layer)[80:220, 130:170]  # the middle arrow
    rows = np.flatnonzero(seen.any(axis=1))
    widths = [seen[row].sum() for row in (rows[2], rows[-3])]
    wider = "above" if widths[0] > widths[1] else "below"
    assert wider == heads


def test_a_lane_is_another_picture_only_when_what_it_shows_changes():
    layer = field_layer(200)
    lane = replace(moving(), overlays=frozenset({"field"}), layers={"field": layer})
    nearer = replace(layer, eps={**layer.eps, 60: exact_eps(layer.points, 60)})
    farther = replace(layer, eps={**layer.eps, 249: exact_eps(layer.points, 249)})
    assert replace(lane, layers={"field": nearer}).moments(50) != lane.moments(50)
    assert replace(lane, layers={"field": farther}).moments(50) == lane.moments(50)
    heat = HeatLayer((-2, 2, -2, 2), {100: np.zeros((3, 3), np.float32)})
    lane = replace(lane, layers={"difference": heat})
    hotter = replace(heat, values={**heat.values, 40: np.ones((3, 3), np.float32)})
    assert replace(lane, layers={"difference": hotter}).moments(50) != lane.moments(50)
    assert replace(lane, layers={"difference": hotter}).moments(200) == lane.moments(200)


def test_ways_and_densities_change_more_often():
    lane, none = moving(), frozenset()
    assert overlay_frame(lane, 50) == overlay_frame(replace(lane, overlays=none), 90) == ()
    dense = replace(lane, overlays=frozenset({"density"}))
    assert overlay_frame(dense, 50) != overlay_frame(dense, 60)
    run = lane.trajectory
    begun = replace(lane, trajectory=Trajectory(run.t, run.x[:1], run.x0[:1]))
    assert begun.moments(250) == lane.moments(250)
    ways = [replace(each, overlays=frozenset({"trajectories"})) for each in (begun, lane)]
    assert overlay_frame(ways[0], 250) != overlay_frame(ways[1], 250)


# Densities


@pytest.mark.parametrize("t", [0, 60, 250])
def test_the_density_is_that_of_the_noised_data(t):
    rng = np.random.default_rng(0)
    cloud = (MEAN + DEVIATION * rng.normal(size=(200_000, 2))).astype(np.float32)
    x, y = np.linspace(-2, 2, 41), np.linspace(2, -2, 37)
    density = data_density(cloud, TABLE[t], x, y)
    assert density.shape == (37, 41)
    variance = TABLE[t] * DEVIATION**2 + 1 - TABLE[t] + LEAST_BLUR**2
    apart = (x[None, :] - np.sqrt(TABLE[t]) * MEAN[0]) ** 2
    apart = apart + (y[:, None] - np.sqrt(TABLE[t]) * MEAN[1]) ** 2
    expected = np.exp(-apart / (2 * variance)) / (2 * np.pi * variance)
    assert np.abs(density - expected).max() < 0.06 * expected.max()


def test_levels_hold_their_share_of_the_mass():
    x = y = np.linspace(-4, 4, 161)
    density = np.exp(-(x[None, :] ** 2 + y[:, None] ** 2) / 2)
    for mass, level in zip((0.95, 0.5), mass_levels(density, (0.95, 0.5)), strict=True):
        assert density[density >= level].sum() / density.sum() == pytest.approx(mass, abs=0.01)
        # For a normal law in the plane that is a disc: mass = 1 - exp(-r^2 / 2).
        assert level == pytest.approx(1 - mass, abs=0.02)
    assert mass_levels(np.zeros((3, 3))) == []


def test_samples_have_a_density_of_their_own():
    rng = np.random.default_rng(1)
    samples = rng.normal((1.0, 0.0), 0.3, (2000, 2)).astype(np.float32)
    samples[0] = np.nan
    x = y = np.linspace(-2, 2, 81)
    density = sample_density(samples, x, y)
    assert density.sum() * (x[1] - x[0]) ** 2 == pytest.approx(1.0, abs=0.02)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert (x[column], y[row]) == pytest.approx((1.0, 0.0), abs=0.15)


def test_contours_are_where_the_value_is():
    x, y = np.linspace(-1, 1, 60), np.linspace(-1, 1, 50)
    values = np.hypot(x[None, :], y[:, None])
    segments = contour_segments(values, 0.6)
    ends = segments.reshape(-1, 2)
    radius = np.hypot(np.interp(ends[:, 0], range(60), x), np.interp(ends[:, 1], range(50), y))
    assert radius == pytest.approx(np.full(len(radius), 0.6), abs=2e-3)
    scale = np.array([2 / 59, 2 / 49])
    total = np.linalg.norm((segments[:, 2:] - segments[:, :2]) * scale, axis=1).sum()
    assert total == pytest.approx(2 * np.pi * 0.6, rel=5e-3)  # closed, and nothing besides
    saddle = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert len(contour_segments(saddle, 0.5)) == len(contour_segments(1 - saddle, 0.5)) == 2
    assert len(contour_segments(values, 9.0)) == 0


def test_data_are_bands_and_samples_lines_in_another_colour():
    rng = np.random.default_rng(0)
    cloud = rng.normal((-0.9, 0.9), 0.2, (4000, 2)).astype(np.float32)
    lane = moving()
    far = [np.full((300, 2), (1.0, -1.0), np.float32) + rng.normal(0, 0.2, (300, 2))] * 2
    far = [state.astype(np.float32) for state in far]
    lane = replace(lane, trajectory=Trajectory([250, 0], far, far), cloud=cloud)
    image = draw(replace(lane, overlays=frozenset({"density"})))
    seen = changed(lane, "density", threshold=6)
    assert seen[40:120, 40:120].mean() > 0.1  # about (-0.9, 0.9)
    assert not seen[:100, 220:].any()
    quarter = image[170:280, 170:280][seen[170:280, 170:280]]
    assert (quarter[:, 1] - quarter[:, 0] > 40).any()  # the accent is green
    upper = image[40:120, 40:120]
    assert (upper[..., 1] - upper[..., 0]).max() < 30  # the label colour is grey


# Trajectories and lines


def test_trajectories_are_solid_behind_and_faint_ahead():
    lane = moving()
    apart = draw(replace(lane, overlays=frozenset({"trajectories"})), 125) - draw(lane, 125)
    apart = np.abs(apart).max(axis=2)
    behind, ahead = apart[70:230, 60:130].max(axis=0), apart[70:230, 175:240].max(axis=0)
    assert behind.min() > 1.5 * ahead.max()
    assert ahead.min() > 6
    assert len(chosen_points(5000)) <= 60
    assert chosen_points(5000)[[0, -1]].tolist() == [0, 4999]
    assert chosen_points(7).tolist() == list(range(7))


def test_frames_closer_than_a_pixel_are_passed_over_but_the_present_one():
    lines, travelled = ways(moving(count=3).trajectory)
    assert lines.shape == (3, 26, 2)
    assert travelled[:, -1] == pytest.approx(np.full(3, 3.0), abs=1e-5)
    start, end = pieces(travelled * 2.0, now=13)  # 6 units long: some seven lines each
    assert len(start) < 3 * 9
    way, frame = start // 26, end % 26
    assert (way == end // 26).all()
    assert {13, 25} <= set(frame.tolist())
    fine = pieces(travelled * 1e3, now=0)
    assert len(fine[0]) == 3 * 25


def test_a_grid_is_carried_along():
    m = 30
    u = np.linspace(-1.5, 1.5, m)
    line = np.stack([u, np.full(m, 1.0)], axis=1).astype(np.float32)
    moved = line * np.array([1.0, -1.0], np.float32)
    layer = WarpLayer(Trajectory([250, 0], [line, moved], [line, moved]), m)
    for t, row in ((250, 75), (0, 225)):
        seen = changed(moving(), "warp", t, layer=layer)
        rows = np.flatnonzero(seen.sum(axis=1) > 150)
        assert row - 2 <= rows.min() <= rows.max() <= row + 2


def test_the_forward_process_takes_the_place_of_the_data():
    data = np.full((200, 2), (-1.0, -1.0), np.float32)
    noised = np.full((200, 2), (1.0, -1.0), np.float32)
    forward = Trajectory([250, 0], [noised, data], [data, data])
    lane = replace(moving(), data=data)
    seen = changed(lane, "forward", 250, forward=forward)
    assert seen[220:230, 220:230].any()  # where they are now
    assert seen[220:230, 70:80].any()  # and no longer where they were
    assert not changed(lane, "forward", 250).any()  # not before it has arrived


def test_a_difference_is_heat_with_its_scale():
    values = np.zeros((20, 20), np.float32)
    values[12:18, 2:8] = 0.42
    values[0, 0] = np.nan
    layer = HeatLayer((-2, 2, -2, 2), {100: values}, "difference")
    seen = changed(moving(), "difference", 90, layer=layer)
    assert seen[190:260, 45:105].mean() > 0.9
    assert not seen[150:290, 180:].any()
    assert not seen[60:170, 20:].any()
    assert seen[8:28, 150:295].mean() > 0.3  # the plate at the upper right
    nowhere = HeatLayer((-2, 2, -2, 2), {100: np.full((4, 4), np.nan, np.float32)})
    assert not changed(moving(), "difference", 90, layer=nowhere)[60:].any()


def test_heat_tells_small_errors_apart_however_large_others_are():
    near, usual, far = heat(np.array([0.02, 10**-0.5, 500.0]))
    assert usual == pytest.approx(0.5)  # half-way between 0.01 and 10, in decades
    assert near == pytest.approx(np.log10(2) / 3)
    assert far == 1.0
    assert heat(np.array([0.0, 0.005, np.nan])).tolist() == [0.0, 0.0, 0.0]
    values = np.full((20, 20), 0.1, np.float32)
    seen = changed(moving(), "difference", 90, layer=HeatLayer((-2, 2, -2, 2), {100: values}))
    values[:, 15:] = 500.0  # far from the data
    both = changed(moving(), "difference", 90, layer=HeatLayer((-2, 2, -2, 2), {100: values}))
    assert seen[150:290, 20:200].mean() > 0.9
    assert np.array_equal(seen[40:, :200], both[40:, :200])


def test_a_line_of_many_pieces_has_no_beads_where_they_meet():
    pieces_of_it = np.stack([np.linspace(-1.9, 1.9, 60), np.full(60, 0.51)], axis=1)
    line = pieces_of_it.astype(np.float32)
    blank = replace(moving(), trajectory=None, data=None)
    layer = WarpLayer(Trajectory([250], [line], [line]), len(line))
    warped = replace(blank, overlays=frozenset({"warp"}), layers={"warp": layer})
    apart = draw(warped, 250) - draw(blank, 250)
    along = np.abs(apart).max(axis=(0, 2))[30:270]
    along = np.delete(along, [45 - 30, 120 - 30, 150 - 30, 225 - 30])  # ticks and axes
    assert along.min() > 30
    assert along.max() < 1.25 * np.median(along)


def test_all_of_it_is_drawn_as_vectors(tmp_path):
    lane = replace(
        moving(),
        overlays=frozenset({"trajectories", "field", "density", "warp", "difference"}),
        layers={
            "field": field_layer(100),
            "difference": HeatLayer((-2, 2, -2, 2), {100: np.ones((4, 4), np.float32)}),
        },
        cloud=np.random.default_rng(0).normal(0, 0.5, (500, 2)).astype(np.float32),
    )
    file = tmp_path / "lane.svg"
    generator = QSvgGenerator()
    generator.setFileName(str(file))
    generator.setViewBox(QRect(0, 0, 300, 300))
    generator.setSize(QSize(300, 300))
    painter = QPainter(generator)
    paint_lane(painter, RECT, lane, 100, VIEW, STYLE, vector=True)
    painter.end()
    text = file.read_text()
    assert "<image" not in text
    assert text.count("<polyline") + text.count("<path") > 600
