"""Strips, tears and marks: what is drawn of a path besides its points."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.figures import share
from toydiff_gui.drawing.plates import around, best_place
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import PlotTransform, ViewRange
from toydiff_gui.modes.points.drawing.header import fitting_measures
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.lane_strips import (
    StripLayout,
    paint_strips,
    strip_rows,
    strip_scales,
    strips_height,
)
from toydiff_gui.modes.points.drawing.measures import measure_variants
from toydiff_gui.modes.points.drawing.path_marks import card_lines, paint_path_marks
from toydiff_gui.modes.points.drawing.picture import paint_scene
from toydiff_gui.modes.points.drawing.tears import find_tear, paint_tear
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.style.theme import DARK, LIGHT, Theme

STYLE = LaneStyle.of(Theme(DARK, True))
RECT = QRectF(0, 0, 400, 300)
VIEW = ViewRange(-2.0, 2.0, -2.0, 2.0)
STRIP = QRectF(0, 0, 300, 48)
ROWS = ("gap", "norm")
PRIOR = (0.225, 1.177, 2.716)

pytestmark = pytest.mark.usefixtures("qapp")


def torn(count=100, at=50, width=1.5):
    """A path along x whose neighbours are 0.01 apart, but for one gap."""
    x = np.full(count - 1, 0.01)
    x[at] = width
    x = np.concatenate([[0.0], x.cumsum()]) - 1.2
    return np.stack([x, np.full(count, 0.3)], axis=1).astype(np.float32)


def lane_of(points, **fields):
    states = [np.asarray(points, np.float32)] * 2
    trajectory = Trajectory([250, 0], states, states)
    fields.setdefault("joined", True)
    return LaneScene("ddim", 2, "DDIM", trajectory=trajectory, **fields)


def with_norms(points, **fields):
    norms = np.linspace(2.0, 0.0, len(points))
    return lane_of(points, latent_norms=norms, prior_norms=PRIOR, **fields)


def picture(paint, size=None):
    image = QImage(size or QSize(400, 300), QImage.Format.Format_RGB32)
    image.fill(QColor("#FF00FF"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter)
    painter.end()
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def strips(lane, rows=ROWS, lanes=None, style=STYLE):
    scales = strip_scales(lanes or [lane])
    return picture(
        lambda painter: paint_strips(painter, STRIP, lane, 0, rows, scales, style), QSize(300, 48)
    )


def heights(image, style=STYLE):
    """How high the bars stand in each column of the gap strip."""
    panel = np.array(QColor(style.palette.panel).getRgb()[:3])
    track = image[2:24, 46:248]
    return (np.abs(track - panel).max(axis=2) > 40).sum(axis=0)


def test_a_tear_is_a_peak_at_its_place_and_all_lanes_share_a_scale():
    lane, wide = with_norms(torn()), with_norms(torn(width=0.5))
    bars = heights(strips(lane, lanes=[lane, wide]))
    peak = int(bars.argmax())
    assert peak == pytest.approx(50.5 / 99 * 202, abs=3)
    assert bars.max() >= 17
    assert np.median(bars) < 8
    # The same gap is as high in another lane, and a smaller tear is lower than a larger one.
    lower = heights(strips(wide, lanes=[lane, wide]))
    assert np.median(lower) == np.median(bars)
    assert lower.max() < bars.max()
    assert heights(strips(wide)).max() == bars.max()  # alone, its tear is the highest there is


def test_a_gap_narrower_than_a_pixel_is_not_lost():
    many = torn(count=4000, at=1234)
    many[:, 0] = np.concatenate([[0.0], np.where(np.arange(3999) == 1234, 1.0, 1e-4).cumsum()])
    bars = heights(strips(with_norms(many)))
    assert bars.max() >= 17
    assert (bars == bars.max()).sum() <= 2


def test_bars_have_the_colours_of_the_path():
    image = strips(with_norms(torn()))
    row = image[21]  # near the ground of the first strip
    amber, blue = (np.array(QColor(c).getRgb()[:3]) for c in (DARK.endpoint_a, DARK.endpoint_b))
    assert np.abs(row[48] - amber).max() < 40
    assert np.abs(row[244] - blue).max() < 40


def test_the_norm_is_a_line_over_the_band_of_the_prior():
    lane = with_norms(torn())
    image = strips(lane)
    norm = image[26:47]
    panel = np.array(QColor(DARK.panel).getRgb()[:3])
    bright = np.abs(norm - panel).max(axis=2) > 90
    first, last = (np.flatnonzero(bright[:, column]).mean() for column in (60, 235))
    assert last > first + 6  # it falls from 2 to 0
    # Without the prior's quantiles there is neither band nor dashes.
    bare = strips(replace(lane, prior_norms=None), lanes=[lane])[26:47]
    assert (np.abs(norm - bare).max(axis=2) > 3).sum() > 500


def test_the_mark_is_a_line_through_all_strips_and_the_norm_is_told_there():
    lane = with_norms(torn())
    plain, marked = strips(lane), strips(replace(lane, marked=25))
    layout = StripLayout(STRIP, ROWS, 100, STYLE)
    x = round(layout.x_of(25))
    changed = np.abs(marked - plain).max(axis=2) > 40
    assert changed[2:46, x - 1 : x + 2].any(axis=1).mean() > 0.9
    assert not changed[:, x + 6 : 245].any()
    assert changed[26:, 255:].any()  # the number: 1.49 instead of the least, 0.00
    assert layout.index_at(layout.x_of(25)) == 25
    assert layout.index_at(-50) == 0
    assert layout.index_at(1e4) == 99


def test_strips_give_way_where_there_is_no_room():
    lane = with_norms(torn())
    assert strip_rows(lane, 400, STYLE) == ("gap", "norm")
    assert strip_rows(lane, 48 + 48 + 119, STYLE) == ("gap",)
    assert strip_rows(lane, 48 + 28 + 83, STYLE) == ()
    assert strip_rows(replace(lane, latent_norms=None), 400, STYLE) == ("gap",)
    assert strip_rows(replace(lane, joined=False), 400, STYLE) == ()
    assert (strips_height(ROWS, STYLE), strips_height(("gap",), STYLE)) == (48, 28)


def test_scales_are_kept_until_a_lane_has_other_points():
    lane = with_norms(torn())
    first = strip_scales([lane])
    assert strip_scales([replace(lane, marked=3)]) is first
    grown = with_norms(torn(width=3.0))
    assert strip_scales([lane, grown]).gap[1] == pytest.approx(3.0, abs=1e-5)
    more = replace(lane, trajectory=Trajectory([250, 100, 0], lane.trajectory.x))
    far = replace(more, trajectory=more.trajectory.with_frame(9 * torn(), torn()))
    assert strip_scales([far]).gap[1] == pytest.approx(9 * first.gap[1], rel=1e-5)
    assert strip_scales([]).gap[0] > 0
    broken = with_norms(np.full((10, 2), np.nan))
    assert strip_scales([broken]).gap == strip_scales([]).gap


# Tears


def test_a_tear_stands_out_against_its_neighbours_and_the_view():
    tear = find_tear(torn(), 4.0)
    assert tear is not None
    assert (tear.index, tear.gap) == (50, pytest.approx(1.5, abs=1e-5))
    assert find_tear(torn(width=0.07), 4.0) is None  # seven times the rest
    assert find_tear(torn(width=0.10), 4.0) is None  # a fortieth of the view
    assert find_tear(torn(width=0.10), 1.0) is not None
    scribble = np.random.default_rng(0).normal(size=(500, 2))
    assert find_tear(scribble, 4.0) is None
    assert find_tear(np.full((9, 2), np.nan), 4.0) is None
    assert find_tear(torn()[:2], 4.0) is None


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_a_tear_is_ringed_bridged_and_named(palette):
    style = LaneStyle.of(Theme(palette, palette is DARK))
    points = torn()

    def draw(lane):
        return picture(lambda painter: paint_lane(painter, RECT, lane, 0, VIEW, style))

    marked, failed = draw(lane_of(points)), draw(lane_of(points, status="failed"))
    transform = PlotTransform(RECT, VIEW)
    ends = [transform.point(*map(float, points[k])) for k in (50, 51)]
    text = np.array(QColor(palette.text).getRgb()[:3])
    near_text = np.abs(marked - text).max(axis=2) < 40
    for end in ends:
        x, y = round(end.x()), round(end.y())
        assert near_text[y - 7 : y + 8, x - 7 : x + 8].sum() > 15
    y, between = round(ends[0].y()), slice(round(ends[0].x()) + 8, round(ends[1].x()) - 8)
    dashes = near_text[y - 1 : y + 1, between].any(axis=0)
    assert 0.3 < dashes.mean() < 0.8
    changed = np.abs(marked - failed).max(axis=2) > 30
    assert changed.sum() > 600  # the plate


@pytest.mark.parametrize(
    ("status", "off_data", "said"),
    [("running", None, "–"), ("done", 0.002, "0.2 %"), ("done", None, None)],
)
def test_a_share_that_will_not_come_is_not_waited_for(status, off_data, said):
    lane = lane_of(torn(), status=status, off_data=off_data)
    for measures in measure_variants(lane, 0):
        assert dict(measures).get("off-data") == said


def test_the_plate_of_a_tear_leaves_the_data_in_sight():
    points = torn()

    def plate(lane):
        image = QImage(400, 300, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        placed = paint_tear(painter, PlotTransform(RECT, VIEW), lane, points, STYLE)
        painter.end()
        return placed

    middle = PlotTransform(RECT, VIEW).point(*map(float, points[50:52].mean(axis=0)))
    for side in (1.0, -1.0):
        data = np.random.default_rng(0).uniform((-1, 0.05), (1, 1.5), (300, 2)) * (1.0, side)
        lane = lane_of(points, data=(data + np.array([0, 0.3])).astype(np.float32))
        above = plate(lane).center().y() < middle.y()
        assert above == (side < 0)


def test_a_plate_keeps_clear_of_what_it_must_not_cover():
    size, bounds = QSizeF(60, 20), QRectF(0, 0, 300, 200)
    middle = QPointF(150, 100)
    above, below = around(middle, size, 20, sides="ns", rounds=1)
    assert best_place(size, [above, below], bounds).center() == above
    blocked = QRectF(130, 60, 40, 20)
    assert best_place(size, [above, below], bounds, [blocked]).center() == below
    cloud = np.random.default_rng(0).uniform((125, 60), (175, 80), (100, 2))
    assert best_place(size, [above, below], bounds, points=cloud).center() == below
    assert best_place(size, [above, below], bounds, faint=cloud).center() == below
    other = cloud + np.array([0, 60])
    assert best_place(size, [above, below], bounds, points=cloud, faint=other).center() == below
    corner = best_place(size, [QPointF(-10, -10)], bounds)
    assert bounds.contains(corner)


# Marks


def test_the_point_looked_at_is_ringed_and_so_is_a_neighbour_that_is_apart():
    transform = PlotTransform(RECT, VIEW)
    points = torn()

    def rings(**marks):
        lane = with_norms(points, **marks)
        bare = picture(lambda painter: None)
        image = picture(lambda painter: paint_path_marks(painter, RECT, lane, 0, VIEW, STYLE))
        changed = np.abs(image - bare).max(axis=2) > 0
        places = [transform.point(*map(float, points[k])).toPoint() for k in (20, 50, 51)]
        return [bool(changed[p.y() - 7 : p.y() + 8, p.x() - 7 : p.x() + 8].any()) for p in places]

    assert rings(marked=20) == [True, False, False]
    assert rings(marked=50) == [False, True, True]
    assert rings(pinned=51) == [False, False, True]
    assert rings(marked=400) == [False, False, False]  # of a longer path than this one
    assert rings() == [False, False, False]


def test_the_card_says_what_the_strips_show():
    lane = with_norms(torn())
    assert card_lines(lane, torn(), 0) == ["gap 0.010", "norm 2.00"]
    assert card_lines(lane, torn(), 50)[0] == "gap 1.50"
    assert card_lines(replace(lane, latent_norms=None), torn(), 99) == ["gap 0.010"]
    bare = picture(lambda painter: None)
    marked = replace(lane, marked=10)
    options = [
        picture(
            lambda painter, card=card: paint_path_marks(
                painter, RECT, marked, 0, VIEW, STYLE, card=card
            )
        )
        for card in (False, True)
    ]
    inked = [(np.abs(image - bare).max(axis=2) > 0).sum() for image in options]
    assert inked[1] > inked[0] + 1000


def test_the_pinned_trajectory_is_solid_behind_and_faint_ahead():
    times = [250, 200, 150, 100, 50, 0]
    frames = [np.array([[-1.5 + 0.6 * k, 0.5], [0.0, -1.5]], np.float32) for k in range(6)]
    lane = LaneScene(
        "ddim", 2, "DDIM", trajectory=Trajectory(times, frames, frames), joined=True, pinned=0
    )
    canvas = np.array(QColor(DARK.canvas).getRgb()[:3])

    def draw(painter):
        painter.fillRect(RECT, QColor(DARK.canvas))
        paint_path_marks(painter, RECT, lane, 100, VIEW, STYLE)

    image = picture(draw)
    y = round(150 - 0.5 * 75)
    past = np.abs(image[y - 1 : y + 1, 110:150] - canvas).max(axis=(0, 2)).mean()
    future = np.abs(image[y - 1 : y + 1, 260:300] - canvas).max(axis=(0, 2)).mean()
    assert past > 1.8 * future > 40


# Header


def test_the_header_says_as_much_as_fits():
    lane = lane_of(torn(), off_data=0.0062)
    times = "\N{MULTIPLICATION SIGN}"
    assert fitting_measures(lane, 0, STYLE, 600) == (
        ("path length", "2.5"),
        ("largest gap", f"1.50 (150{times})"),
        ("off-data", "0.6 %"),
    )
    assert fitting_measures(lane, 0, STYLE, 240)[0] == ("length", "2.5")
    assert fitting_measures(lane, 0, STYLE, 150) == (("gap", "1.50"), ("off-data", "0.6 %"))
    assert fitting_measures(lane, 0, STYLE, 10) == measure_variants(lane, 0)[-1]
    assert [share(value) for value in (0.0, 0.006, 0.42, None, float("nan"))] == [
        "0 %",
        "0.6 %",
        "42 %",
        "–",
        "–",
    ]
    samples = lane_of(torn(), joined=False, off_data=0.25)
    assert measure_variants(samples, 0)[0] == (("points", "100"), ("off-data", "25 %"))


# Pictures


def scene_of(lanes=3, **fields):
    shown = [
        replace(with_norms(torn(width=0.3 * k), **fields), key=f"lane{k}", number=k)
        for k in range(1, lanes + 1)
    ]
    return Scene(tuple(shown), 250, np.linspace(1.0, 0.1, 251))


def test_an_export_has_the_strips_tears_and_marks():
    rect = QRectF(0, 0, 900, 700)

    def draw(scene):
        return picture(lambda painter: paint_scene(painter, rect, scene, 0, STYLE), QSize(900, 700))

    plain = draw(scene_of())
    marked = draw(scene_of(marked=30, pinned=70))
    assert (np.abs(marked - plain).max(axis=2) > 40).sum() > 400
    without = draw(scene_of(joined=False))
    assert (np.abs(without - plain).max(axis=2) > 40).sum() > 2000


def test_a_vector_picture_has_them_without_pixels(tmp_path):
    file = tmp_path / "strips.svg"
    generator = QSvgGenerator()
    generator.setFileName(str(file))
    generator.setSize(QSize(900, 700))
    generator.setViewBox(QRect(0, 0, 900, 700))
    painter = QPainter(generator)
    paint_scene(painter, QRectF(0, 0, 900, 700), scene_of(marked=30), 0, STYLE, vector=True)
    painter.end()
    text = file.read_text()
    assert "<image" not in text
    assert "<text" not in text
    assert text.count("linearGradient") >= 3
