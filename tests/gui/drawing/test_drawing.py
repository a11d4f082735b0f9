"""Pictures of lanes, checked by their pixels and their SVG."""

import re
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QBuffer, QIODevice, QPointF, QRect, QRectF, QSize, Qt, QThread
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.figures import gap, length, pair, plain
from toydiff_gui.drawing.geometry import arcs_inside, clip_segments
from toydiff_gui.drawing.style import LaneStyle, picture_style
from toydiff_gui.drawing.tiling import best_columns, tile
from toydiff_gui.drawing.view import PlotTransform, ViewRange, tick_step, ticks
from toydiff_gui.modes.points.drawing.background import BackgroundCache, paint_ring_labels
from toydiff_gui.modes.points.drawing.header import paint_header
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.marks import coordinates_of
from toydiff_gui.modes.points.drawing.measures import measure_variants, measures
from toydiff_gui.modes.points.drawing.picture import paint_scene
from toydiff_gui.modes.points.drawing.shown_plane import default_view, shown_view
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.style import theme
from toydiff_gui.style.theme import DARK, LIGHT, Theme

THEMES = {"dark": Theme(DARK, True), "light": Theme(LIGHT, False)}
VIEW = ViewRange(-2.0, 2.0, -2.0, 2.0)
RECT = QRectF(0, 0, 400, 300)

pytestmark = pytest.mark.usefixtures("qapp")


def lane_of(points, *, joined=False, times=(250, 0), **fields):
    frames = [np.asarray(frame, np.float32) for frame in np.atleast_3d(points)]
    trajectory = Trajectory(list(times))
    for frame in frames:
        trajectory = trajectory.with_frame(frame, fields.get("x0", frame))
    fields.pop("x0", None)
    return LaneScene("ddim", 2, "DDIM", trajectory=trajectory, joined=joined, **fields)


def still(points, **fields):
    points = np.asarray(points, np.float32)
    return lane_of(np.stack([points, points]), **fields)


def picture(paint, width=400, height=300, ratio=1.0):
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("#FF00FF"))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return image


def draw(lane, style, t=0, ratio=1.0, **options):
    return picture(
        lambda painter: paint_lane(painter, RECT, lane, t, VIEW, style, **options), ratio=ratio
    )


def rgb(image):
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def colour(text):
    return np.array(QColor(text).getRgb()[:3])


def distance(image, x, y, text):
    """How far the pixel's colour is from ``text``, in steps of the worst channel."""
    return int(np.abs(rgb(image)[int(y), int(x)] - colour(text)).max())


def svg(paint, width=400, height=300):
    size = QSize(width, height)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    painter = QPainter(generator)
    paint(painter)
    painter.end()
    return bytes(buffer.data()).decode()


def circles(text):
    return np.array(
        re.findall(r'<circle cx="([-\d.e]+)" cy="([-\d.e]+)" r="([\d.e-]+)"', text), float
    )


# Where things are


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_a_point_lies_where_its_coordinates_say(name, ratio):
    style = LaneStyle.of(THEMES[name])
    image = draw(still([[1.25, -0.75]]), style, ratio=ratio)
    # 300 pixels high for 4 units: 75 pixels a unit about the middle (200, 150).
    x, y = (200 + 1.25 * 75) * ratio, (150 + 0.75 * 75) * ratio
    assert distance(image, x, y, style.palette.canvas) > 120
    assert distance(image, x + 8 * ratio, y, style.palette.canvas) < 10
    assert distance(image, x, y + 8 * ratio, style.palette.canvas) < 10


def test_a_point_is_centred_to_a_fraction_of_a_pixel():
    style = LaneStyle.of(THEMES["dark"])
    for shift in np.linspace(0.0, 1.0, 9):
        x, y = 100.0 + shift, 120.0 + 0.6 * shift
        data = np.array([[(x - 200) / 75, (150 - y) / 75]], np.float32)

        def dot(painter, data=data):
            painter.fillRect(RECT, QColor("black"))
            paint_points(painter, RECT, VIEW, data, diameter=5.0, opacity=1.0, colours=("#FFFFFF",))

        light = rgb(picture(dot))[..., 0].astype(float)
        rows, columns = np.indices(light.shape) + 0.5
        assert (light * columns).sum() / light.sum() == pytest.approx(x, abs=0.15)
        assert (light * rows).sum() / light.sum() == pytest.approx(y, abs=0.15)
    assert style.point_diameter(1, 300, joined=True) > style.point_diameter(10**5, 300, joined=True)


def test_the_atlas_draws_what_a_painter_draws_slowly():
    rng = np.random.default_rng(0)
    points = rng.normal(0.0, 0.8, (400, 2)).astype(np.float32)
    steps = np.arange(400) % 3
    colours = ("#FFB73E", "#F87BC0", "#5790F0")
    options = {"diameter": 6.0, "opacity": 0.8, "colours": colours, "steps": steps}

    def paint(vector):
        def inner(painter):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(RECT, QColor(DARK.canvas))
            paint_points(painter, RECT, VIEW, points, vector=vector, **options)

        return rgb(picture(inner))

    fast, slow = paint(False), paint(True)
    assert (slow - colour(DARK.canvas)).any()
    apart = np.abs(fast - slow)
    assert apart.mean() < 1.0
    # Only rims may differ, where an eighth of a pixel moves the shading.
    assert np.percentile(apart, 99) < 40


def test_points_that_are_not_finite_are_left_out():
    style = LaneStyle.of(THEMES["dark"])
    bad = np.array([[np.nan, 0.0], [np.inf, 1.0], [-np.inf, np.nan], [0.5, 0.5]], np.float32)
    with_bad = rgb(draw(still(bad), style))
    spot = (slice(100, 125), slice(225, 250))
    alone = rgb(draw(still([bad[3]]), style))[spot]
    assert (alone == with_bad[spot]).all()
    assert np.abs(alone - colour(DARK.canvas)).max() > 90
    joined = draw(still(bad, joined=True), style)
    assert distance(joined, 200 + 37, 150 - 37, DARK.endpoint_a) < 8


def test_a_far_point_outside_of_the_view_paints_nothing():
    style = LaneStyle.of(THEMES["dark"])
    nothing = draw(LaneScene("a", 1, "A"), style)
    assert draw(still([[1e30, 0.0], [50.0, -50.0]]), style) == nothing


def test_points_of_another_shape_are_refused_in_words():
    style = LaneStyle.of(THEMES["dark"])
    lane = LaneScene("a", 1, "A", kind="latent", latents=np.zeros((3, 8, 8), np.float32))
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    try:
        with pytest.raises(ValueError, match=r"\(N, 2\), got \(3, 8, 8\)"):
            paint_lane(painter, RECT, lane, 0, VIEW, style)
    finally:
        painter.end()


# The path


def test_the_path_is_coloured_from_a_to_b():
    style = LaneStyle.of(THEMES["light"])
    path = np.stack([np.linspace(-1.8, 1.8, 400), np.full(400, 0.6)], axis=1)
    image = draw(still(path, joined=True), style)
    expected = theme.path_colours(400, LIGHT)
    seen = rgb(image)
    for index in (60, 130, 200, 270, 340):
        x, y = 200 + 75 * path[index, 0], 150 - 75 * 0.6
        assert np.abs(seen[int(y), int(x)] - expected[index].astype(int)).max() < 12
    # Its ends carry the marks of A and B.
    assert distance(image, 200 - 75 * 1.8, 105, LIGHT.endpoint_a) < 4
    assert distance(image, 200 + 75 * 1.8, 105, LIGHT.endpoint_b) < 4


def test_neighbours_are_joined_and_a_tear_shows():
    style = LaneStyle.of(THEMES["dark"])
    left = np.stack([np.linspace(-1.5, -1.0, 100), np.full(100, 0.5)], axis=1)
    torn = np.concatenate([left, left + np.array([2.4, 0.0])])
    apart = draw(still(torn, joined=False), style)
    joined = draw(still(torn, joined=True), style)
    row, columns = 150 - 37, slice(200 - 60, 200 + 60)
    bridge = np.abs(
        rgb(joined)[row - 2 : row + 2, columns] - rgb(apart)[row - 2 : row + 2, columns]
    )
    assert (bridge.max(axis=(0, 2)) > 15).all()


def test_a_path_that_only_passes_by_a_corner_is_not_seen():
    style = LaneStyle.of(THEMES["dark"])
    # Each line's box touches the picture, the line itself does not.
    corner = [[-4.0, 1.5], [-2.0, 3.2]]
    past = draw(still(corner, joined=True), style)
    assert np.array_equal(rgb(past), rgb(draw(still(corner, joined=False), style)))


def test_a_wide_line_is_wide_and_a_vector_line_is_one_line():
    lane = still([[-1.0, 0.3], [1.0, 0.3]], joined=True)
    background = still([[-1.0, 0.3], [1.0, 0.3]])
    widths = []
    for line_scale in (1.0, 4.0):
        style = LaneStyle.of(Theme(DARK, True, 1.0, line_scale))
        column = rgb(draw(lane, style))[100:150, 230] - rgb(draw(background, style))[100:150, 230]
        widths.append(int((np.abs(column).max(axis=1) > 40).sum()))
    assert widths[0] in (1, 2)
    assert widths[1] in (4, 5)


def test_states_come_from_the_frame_that_the_sampler_had_reached():
    style = LaneStyle.of(THEMES["dark"])
    lane = lane_of([[[-1.0, 1.0]], [[1.0, -1.0]]], times=(250, 100))
    early, late = draw(lane, style, t=101), draw(lane, style, t=100)
    assert distance(early, 125, 75, DARK.canvas) > 90 > distance(late, 125, 75, DARK.canvas)
    assert distance(late, 275, 225, DARK.canvas) > 90 > distance(early, 275, 225, DARK.canvas)


def test_predicted_data_are_rings_tied_to_their_states():
    style = LaneStyle.of(THEMES["dark"])
    state, predicted = [[-1.0, 0.4]], np.array([[1.0, 0.4]], np.float32)
    without = draw(still(state, x0=predicted), style)
    with_x0 = draw(still(state, x0=predicted, overlays=frozenset({"preview"})), style)
    y = 150 - 30
    changed = np.abs(rgb(with_x0) - rgb(without)).max(axis=2)
    assert changed[y - 1 : y + 1, 150:250].max(axis=0).min() > 10  # the tie
    # A ring about (275, 120), hollow, with nothing beyond it.
    radius = style.point_diameter(1, 300, joined=False) / 2
    assert changed[y, 274 + round(radius)] > 60
    assert changed[y, 275] < 30
    assert changed[y - 8 : y + 8, 277 + round(radius)].max() == 0


def test_a_handful_of_points_is_large_enough_to_be_found():
    style = LaneStyle.of(THEMES["dark"])

    def size(count):
        return style.point_diameter(count, 270, joined=False)

    assert size(5) > 1.5 * size(1000)
    assert size(1000) > size(20_000)
    assert size(1) == size(5)  # but not without bounds


# Surroundings


@pytest.mark.parametrize("name", THEMES)
def test_grid_axes_and_faint_data_lie_beneath(name):
    style = LaneStyle.of(THEMES[name])
    canvas = style.palette.canvas
    image = rgb(draw(LaneScene("a", 1, "A"), style))
    across = np.abs(image[40] - colour(canvas)).max(axis=1)
    axis, grid = across[200], across[125]  # x = 0, x = -1
    assert axis > grid > 3
    assert across[160] == 0
    data = np.full((50, 2), 0.5, np.float32) + np.random.default_rng(0).normal(0, 0.1, (50, 2))
    faint = rgb(draw(LaneScene("a", 1, "A", data=data.astype(np.float32)), style))
    place = np.abs(faint - image)[95:130, 220:255].max(axis=2)
    assert 10 < place.max() < 120


def test_the_endpoints_numbers_do_not_run_into_each_other():
    style = LaneStyle.of(THEMES["dark"])
    transform = PlotTransform(RECT, VIEW)
    for ends in (
        ((-0.81, 1.0), (-0.3, 1.0)),  # side by side
        ((0.5, 0.1), (0.5, -0.05)),  # one above the other
        ((-1.5, 0.0), (1.5, 0.0)),
    ):
        first, second = coordinates_of(transform, ends, style)
        assert not first.box.intersects(second.box)
        assert (first.text, second.text) == tuple(pair(*end) for end in ends)
    # Where there is room both stand below ...
    assert first.base.y() == second.base.y() > 150
    down = np.stack([np.full(20, 300.0), np.linspace(150, 290, 20)], axis=1)
    first, aside = coordinates_of(transform, ends, style, down)
    assert first.base.y() > 150 > aside.base.y()  # ... unless the path runs there


def test_a_ring_has_no_label_where_something_else_is():
    style = LaneStyle.of(THEMES["dark"])
    transform = PlotTransform(RECT, ViewRange(-4.0, 4.0, -3.0, 3.0))

    def labels(*taken):
        image = picture(lambda painter: paint_ring_labels(painter, transform, style, taken))
        return (rgb(image) != colour("#FF00FF")).any(axis=2)

    free = labels()
    assert free.sum() > 50
    two_sigma = QPointF(200 + 100 * 0.809, 150 + 100 * 0.588)
    box = QRectF(two_sigma.x() - 4, two_sigma.y() - 4, 8, 8)
    left = labels(box)
    assert left.sum() < free.sum()
    assert not left[195:222, 268:294].any()
    assert free[195:222, 268:294].any()
    assert np.array_equal(left[:190], free[:190])  # the others stay
    path = np.array([[two_sigma.x() - 2, two_sigma.y()], [10.0, 10.0]])
    crossed = picture(lambda painter: paint_ring_labels(painter, transform, style, [], path))
    assert np.array_equal((rgb(crossed) != colour("#FF00FF")).any(axis=2), left)


def test_the_latents_are_shaded_and_ringed():
    style = LaneStyle.of(THEMES["dark"])
    lane = LaneScene("latent", 1, "Latent", kind="latent", endpoints=((-1.0, 1.0), (1.0, -1.0)))
    image = draw(lane, style)
    assert distance(image, 206, 156, DARK.canvas) > 20  # the middle, off the axes
    assert distance(image, 25, 20, DARK.canvas) < 3  # beyond three sigma
    ring = rgb(image)[150 - 8, 100:140] - rgb(image)[150 - 8, 99:139]
    assert np.abs(ring).max() > 8  # one sigma lies at 125
    # Discs in amber and blue; the letter is in the middle, so look beside it.
    assert distance(image, 125 - 7, 75, DARK.endpoint_a) < 6
    assert distance(image, 275 - 7, 225, DARK.endpoint_b) < 6


def test_an_endpoint_out_of_sight_waits_at_the_edge():
    style = LaneStyle.of(THEMES["dark"])
    lane = LaneScene("latent", 1, "L", kind="latent", endpoints=((-9.0, 0.4), (1.0, -1.0)))
    seen = rgb(draw(lane, style))[120 - 10 : 120 + 10, 0:26]
    amber = seen[..., 0] - seen[..., 2]
    assert amber.max() > 60


@pytest.mark.parametrize("name", THEMES)
def test_why_a_lane_is_empty_is_said_in_its_middle(name):
    style = LaneStyle.of(THEMES[name])
    nothing = draw(LaneScene("a", 1, "A"), style)
    starting = draw(LaneScene("a", 1, "A", message="The engine is starting…"), style)
    changed = np.abs(rgb(starting) - rgb(nothing)).max(axis=2)
    rows, columns = np.nonzero(changed > 30)
    assert abs(columns.mean() - 200) < 12
    assert abs(rows.mean() - 150) < 6
    long = "Sampling failed: " + "the weights hold a number that is not finite; " * 6
    wrapped = draw(LaneScene("a", 1, "A", status="failed", message=long), style)
    rows, columns = np.nonzero(np.abs(rgb(wrapped) - rgb(nothing)).max(axis=2) > 60)
    assert rows.max() - rows.min() > 40  # several lines
    assert columns.min() > 4
    assert columns.max() < 396


def test_a_failure_is_told_also_above_points():
    style = LaneStyle.of(THEMES["dark"])
    lane = still([[1.5, 1.5]], status="failed", message="The engine stopped")
    quiet = still([[1.5, 1.5]], status="done", message="The engine stopped")
    assert draw(quiet, style) == draw(still([[1.5, 1.5]]), style)
    assert draw(lane, style) != draw(quiet, style)


def test_the_header_shows_selection_and_measures():
    style = LaneStyle.of(THEMES["dark"])
    lane = still(np.stack([np.linspace(-1, 1, 5), np.zeros(5)], axis=1), joined=True)
    rect = QRectF(0, 0, 400, style.header_height)

    def head(**options):
        return picture(
            lambda painter: paint_header(painter, rect, lane, 0, style, **options), 400, 48
        )

    plain_head, selected = head(), head(selected=True)
    assert distance(selected, 14, 13, DARK.accent) < 8
    assert distance(plain_head, 14, 13, DARK.selected) < 8
    times = "\N{MULTIPLICATION SIGN}"
    length_of_path = ("path length", "2.0")
    assert measures(lane, 0) == (
        length_of_path,
        ("largest gap", f"0.50 (1{times})"),
        ("off-data", "–"),
    )
    short = measure_variants(replace(lane, off_data=0.0062), 0)[-2]
    assert short == (("length", "2.0"), ("gap", "0.50"), ("off-data", "0.6 %"))
    broken = still([[0.0, 0.0], [np.nan, 1.0]], joined=True)
    assert measures(broken, 0)[:2] == (("path length", "–"), ("largest gap", "–"))
    assert measures(still([[0.0, 0.0]] * 1200), 0) == (("points", "1\N{THIN SPACE}200"),)


def test_a_kept_background_is_used_until_something_changes():
    style = LaneStyle.of(THEMES["dark"])
    data = np.random.default_rng(0).normal(0, 1, (500, 2)).astype(np.float32)
    cache = BackgroundCache()
    lane = lane_of([[[-1.0, 1.0]], [[1.0, -1.0]]], data=data)
    fresh = [draw(lane, style, t=t) for t in (250, 0)]
    assert [draw(lane, style, t=t, cache=cache) for t in (250, 0)] == fresh
    assert cache.painted == 1
    draw(lane, LaneStyle.of(THEMES["light"]), cache=cache)
    draw(lane, style, cache=cache, ratio=2.0)
    assert cache.painted == 3
    other = picture(
        lambda painter: paint_lane(
            painter, RECT, lane, 0, ViewRange(-1, 1, -1, 1), style, cache=cache
        )
    )
    assert cache.painted == 4
    assert other != fresh[1]
    small = BackgroundCache(max_bytes=1)
    for t in (250, 0):
        assert draw(lane, style, t=t, cache=small) == fresh[t == 0]
    assert small.painted == 1


# Whole pictures


def scene_of(count=4, points=30):
    rng = np.random.default_rng(2)
    path = np.linspace((-1, 1), (1, -1), points).astype(np.float32)
    data = rng.normal(0, 0.7, (200, 2)).astype(np.float32)
    lanes = [
        LaneScene(
            "latent",
            1,
            "Latent x_T",
            "t = 250",
            kind="latent",
            latents=path,
            joined=True,
            endpoints=((-1.0, 1.0), (1.0, -1.0)),
        )
    ]
    for number in range(2, count + 1):
        frames = [path, (path * 0.8 + 0.05 * number).astype(np.float32)]
        trajectory = Trajectory([250, 0], frames, frames)
        lanes.append(
            LaneScene(
                f"lane{number}",
                number,
                f"Lane {number}",
                "250 steps",
                trajectory=trajectory,
                joined=True,
                data=data,
                overlays=frozenset({"preview"}),
            )
        )
    return Scene(tuple(lanes), 250, np.linspace(1.0, 0.1, 251), "V")


def test_a_picture_grows_as_a_whole():
    scene = scene_of()

    def paint(width, height):
        style = picture_style(THEMES["dark"], height)
        return picture(
            lambda painter: paint_scene(painter, QRectF(0, 0, width, height), scene, 0, style),
            width,
            height,
        )

    small, large = paint(640, 360), paint(1920, 1080)
    shrunk = large.scaled(
        small.size(),
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    # Redrawn three times as large: the same picture but for the sharpness of its lines.
    assert np.abs(rgb(shrunk) - rgb(small)).mean() < 6
    # Not scaled: the large one has sharper edges than the small one blown up.
    blown = small.scaled(large.size(), mode=Qt.TransformationMode.SmoothTransformation)
    edges = [np.abs(np.diff(rgb(image), axis=1)).max() for image in (large, blown)]
    assert edges[0] > edges[1]


def test_the_time_is_in_the_picture():
    scene, style = scene_of(), picture_style(THEMES["dark"], 360)
    rect = QRectF(0, 0, 640, 360)
    first, second = (
        picture(lambda painter, t=t: paint_scene(painter, rect, scene, t, style), 640, 360)
        for t in (60, 61)
    )
    foot = slice(345, 360)
    assert (rgb(first)[foot] != rgb(second)[foot]).any()
    assert (rgb(first)[:340] == rgb(second)[:340]).all()  # no lane has changed


def test_a_vector_picture_holds_no_pixels():
    scene, style = scene_of(), LaneStyle.of(THEMES["light"])
    rect = QRectF(0, 0, 800, 600)
    text = svg(
        lambda painter: paint_scene(painter, rect, scene, 0, style, vector=True, selected="lane2"),
        800,
        600,
    )
    assert "<image" not in text
    assert "<text" not in text  # words are outlines
    assert "<path" in text
    assert len(circles(text)) > 4 * 30


def test_vector_points_lie_where_pixels_do():
    style = LaneStyle.of(THEMES["dark"])
    points = [[-1.0, 0.5], [0.25, 1.5], [3.9, 0.0]]  # the last one is out of sight
    text = svg(
        lambda painter: paint_lane(painter, RECT, still(points), 0, VIEW, style, vector=True)
    )
    found = circles(text)
    radius = style.point_diameter(3, 300, joined=False) / 2
    assert found[:, :2] == pytest.approx(np.array([[125.0, 112.5], [218.75, 37.5]]))
    assert found[:, 2] == pytest.approx(radius, abs=1e-3)


def test_nothing_of_a_vector_lane_leaves_its_plot():
    style = LaneStyle.of(THEMES["dark"])
    view = ViewRange(-1.0, 1.0, -1.0, 1.0)
    wild = np.random.default_rng(1).normal(0, 4, (60, 2))
    lane = still(wild, joined=True)
    rect = QRectF(100, 80, 200, 150)
    text = svg(lambda painter: paint_lane(painter, rect, lane, 0, view, style, vector=True))
    latent = LaneScene("latent", 1, "L", kind="latent", latents=lane.points_at(0))
    text += svg(lambda painter: paint_lane(painter, rect, latent, 0, view, style, vector=True))
    corners = [
        tuple(map(float, pair.split(",")))
        for points in re.findall(r'points="([^"]+)"', text)
        for pair in points.split()
    ]
    for path in re.findall(r'fill="none"[^>]*>\s*<path[^>]* d="([^"]+)"', text):
        pairs = re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)
        corners += [
            (float(pairs[0][0]), float(pairs[0][1])),
            (float(pairs[-1][0]), float(pairs[-1][1])),
        ]
    corners += [(x, y) for x, y, _ in circles(text)]
    assert len(corners) > 60
    across, along = np.array(corners).T
    assert across.min() >= 100 - 0.6
    assert across.max() <= 300 + 0.6
    assert along.min() >= 80 - 0.6
    assert along.max() <= 230 + 0.6


class _Export(QThread):
    def __init__(self, scene, style):
        super().__init__()
        self._scene, self._style = scene, style
        self.images = []

    def run(self):
        assert threading.current_thread() is not threading.main_thread()
        cache = BackgroundCache()
        for t in (250, 0, 250):
            image = QImage(480, 360, QImage.Format.Format_RGB32)
            painter = QPainter(image)
            paint_scene(painter, QRectF(0, 0, 480, 360), self._scene, t, self._style, cache=cache)
            painter.end()
            self.images.append(image)


def test_a_worker_thread_draws_the_same_picture(qtbot):
    scene, style = scene_of(points=300), LaneStyle.of(THEMES["dark"])
    rect = QRectF(0, 0, 480, 360)
    cache = BackgroundCache()
    export = _Export(scene, style)
    with qtbot.waitSignal(export.finished):
        export.start()
        here = [
            picture(
                lambda painter, t=t: paint_scene(painter, rect, scene, t, style, cache=cache),
                480,
                360,
            )
            for t in (250, 0, 250)
        ]
    export.wait()
    assert export.images == here


def test_drawing_leaves_no_references_behind():
    """PySide6 6.12 drops a reference to None too many per call and dies of it."""
    scene, style = scene_of(points=200), LaneStyle.of(THEMES["dark"])
    cache = BackgroundCache()
    image = QImage(480, 360, QImage.Format.Format_RGB32)

    def frame(t):
        painter = QPainter(image)
        paint_scene(painter, QRectF(0, 0, 480, 360), scene, t, style, cache=cache)
        painter.end()

    for t in range(20):
        frame(t)
    before = sys.getrefcount(None)
    for t in range(300):
        frame(t % 251)
    assert abs(sys.getrefcount(None) - before) < 100


# Numbers and geometry


def test_lanes_tile_for_the_largest_plots():
    assert best_columns(1, 800, 600, 8, 48) == 1
    assert best_columns(4, 830, 670, 8, 48) == 2
    assert best_columns(2, 830, 400, 8, 48) == 2
    assert best_columns(2, 400, 900, 8, 48) == 1
    assert best_columns(9, 900, 900, 8, 48) == 3
    cells = tile(4, QRectF(10, 20, 808, 608), 8, 48)
    assert [(cell.left(), cell.top()) for cell in cells] == [
        (10, 20),
        (418, 20),
        (10, 328),
        (418, 328),
    ]
    assert tile(0, RECT, 8, 48) == []


def test_a_unit_is_as_long_in_x_as_in_y():
    view = VIEW.fitted(400, 300)
    assert (view.x1 - view.x0) / 400 == pytest.approx((view.y1 - view.y0) / 300)
    transform = PlotTransform(QRectF(30, 40, 400, 300), VIEW)
    place = transform.point(0.3, -1.2)
    assert transform.to_data(place) == pytest.approx((0.3, -1.2))
    assert transform.to_pixels(np.array([[0.3, -1.2]], np.float32))[0] == pytest.approx(
        (place.x(), place.y())
    )


def test_the_default_view_holds_the_data_and_does_not_follow_samples():
    data = np.array([[0.0, 4.0], [np.nan, 9.0]], np.float32)
    far = default_view([LaneScene("a", 1, "A", data=data)])
    assert far.y1 > 4
    assert far == default_view([still([[50.0, 50.0]], data=data)])
    usual = default_view(scene_of().lanes)
    assert 2.4 <= usual.x1 <= 3.2


def test_ticks_are_round_numbers_with_room_for_their_labels():
    assert tick_step(56.0, 72.0) == pytest.approx(2.0)
    assert tick_step(120.0, 72.0) == pytest.approx(1.0)
    assert tick_step(1200.0, 72.0) == pytest.approx(0.1)
    assert ticks(-2.3, 2.3, 2.0) == [-2.0, 0.0, 2.0]


def test_numbers_are_written_briefly():
    assert [plain(value) for value in (-1.0, 2.5, 0.004, -0.25, -0.001)] == [
        "−1",
        "2.5",
        "0",
        "−0.25",
        "0",
    ]
    assert (length(884.2), length(3.84), gap(4.2), gap(0.0111)) == ("884", "3.8", "4.20", "0.011")


def test_lines_and_circles_are_cut_at_the_edge():
    rect = QRectF(0, 0, 10, 10)
    segments = np.array([[-5.0, 5, 15, 5], [2, 2, 3, 3], [-5, -5, -1, -1], [4, -3, 4, 20]])
    clipped, kept = clip_segments(segments, rect)
    assert kept.tolist() == [True, True, False, True]
    assert clipped == pytest.approx(np.array([[0.0, 5, 10, 5], [2, 2, 3, 3], [4, 0, 4, 10]]))
    assert arcs_inside(QPointF(5, 5), 3, rect) == [(0.0, 360.0)]
    assert arcs_inside(QPointF(5, 5), 30, rect) == []
    assert sum(span for _, span in arcs_inside(QPointF(0, 5), 3, rect)) == pytest.approx(180.0)
    with_gap = arcs_inside(QPointF(5, 5), 3, rect, (-46.0, -26.0))
    assert sum(span for _, span in with_gap) == pytest.approx(340.0)


def test_a_scene_can_ask_for_a_part_of_the_plane(qtbot):
    scene = Scene(lanes=(LaneScene("a", 1, "A"),), view=(0.0, 1.0, 2.0, 3.0))
    assert shown_view(scene) == ViewRange(0.0, 1.0, 2.0, 3.0)
    assert shown_view(replace(scene, view=None)) == default_view(scene.lanes)
