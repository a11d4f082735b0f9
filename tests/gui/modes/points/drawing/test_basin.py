"""The plane of latents: the basin map, its edges, and what is written on it."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.drawing.basin import extent_of, find_edges, landing_colours
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.overlays.basin import BasinLayer
from toydiff_gui.modes.points.scene import LaneScene, PathLine
from toydiff_gui.style.theme import DARK, LIGHT, Theme, contrast

STYLE = LaneStyle.of(Theme(DARK, True))
RECT = QRectF(0, 0, 400, 400)
VIEW = ViewRange(-2.5, 2.5, -2.5, 2.5)
BOX = (-2.5, 2.5, -2.5, 2.5)

pytestmark = pytest.mark.usefixtures("qapp")


def pixels(side=100):
    middle = np.linspace(-2.5, 2.5, side + 1)
    middle = (middle[1:] + middle[:-1]) / 2
    x, y = np.meshgrid(middle, middle[::-1])
    return np.stack([x, y], axis=2)


def torn_basin(angle=0.0):
    """Latents to either side of a line through the origin land far apart."""
    z = pixels()
    normal = np.array([np.cos(angle), np.sin(angle)])
    side = np.sign(z @ normal)[..., None]
    return BasinLayer(BOX, (0.2 * z + side * normal).astype(np.float32))


def lane_of(*, arrived=True, basin=None, **fields):
    path = np.stack([np.linspace(-2, 2, 200), np.zeros(200)], axis=1).astype(np.float32)
    data = np.random.default_rng(0).normal(0, 0.6, (800, 2)).astype(np.float32)
    fields = {"overlays": frozenset({"basin"}), "data": data, **fields}
    return LaneScene(
        "latent",
        1,
        "Latent x_T",
        kind="latent",
        latents=path,
        joined=True,
        endpoints=((-2.0, 0.0), (2.0, 0.0)),
        layers={"basin": basin or torn_basin()} if arrived else {},
        **fields,
    )


def draw(lane, style=STYLE, rect=RECT):
    image = QImage(int(rect.width()), int(rect.height()), QImage.Format.Format_RGB32)
    image.fill(QColor("#FF00FF"))
    painter = QPainter(image)
    paint_lane(painter, rect, lane, 0, VIEW, style)
    painter.end()
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, 90, 135])
def test_a_tear_is_found_along_its_whole_length(degrees):
    angle = np.radians(degrees)
    layer = torn_basin(angle)
    extent = extent_of(layer.landings.reshape(-1, 2))
    chains = find_edges(layer, extent)
    places = np.concatenate(chains)
    normal, along = (
        np.array([np.cos(angle), np.sin(angle)]),
        np.array([-np.sin(angle), np.cos(angle)]),
    )
    assert np.abs(places @ normal).max() < 0.05  # a pixel
    reach = np.sort(places @ along)
    assert reach[0] < -2.3
    assert reach[-1] > 2.3
    assert np.diff(reach).max() < 0.2
    assert len(max(chains, key=len)) > 0.5 * len(places)


@pytest.mark.parametrize("degrees", [0, 30, 60])
def test_a_blurred_tear_is_one_thin_line(degrees):
    """A network does not tear as sharply as the exact denoiser: several pixels jump."""
    angle = np.radians(degrees)
    normal = np.array([np.cos(angle), np.sin(angle)])
    z = pixels()
    landings = 0.02 * z + np.tanh(12.0 * (z @ normal))[..., None] * normal
    layer = BasinLayer(BOX, landings.astype(np.float32))
    places = np.concatenate(find_edges(layer, extent_of(landings.reshape(-1, 2))))
    assert np.abs(places @ normal).max() < 0.06
    assert len(places) < 2.2 * 100


def test_a_smooth_map_has_no_tear():
    layer = BasinLayer(BOX, (0.4 * pixels()).astype(np.float32))
    assert find_edges(layer, extent_of(layer.landings.reshape(-1, 2))) == []
    noisy = pixels() + np.random.default_rng(0).normal(0, 0.05, (100, 100, 2))
    noisy = BasinLayer(BOX, noisy.astype(np.float32))
    assert find_edges(noisy, extent_of(noisy.landings.reshape(-1, 2))) == []


@pytest.mark.parametrize("dark", [True, False])
def test_colours_tell_places_apart_and_leave_the_path_readable(dark):
    extent = extent_of(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    corners = np.array([[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [0.0, 0.0]])
    colours = landing_colours(corners, extent, dark=dark)
    assert colours.shape == (5, 4)
    assert (colours[:, 3] == 255).all()
    for first in range(4):
        for second in range(first):
            assert np.abs(colours[first, :3].astype(int) - colours[second, :3]).max() > 15
    left, right = colours[0].astype(int), colours[1].astype(int)
    assert left[1] > left[0] + 20  # teal
    assert right[0] > right[1] + 20  # purple
    palette = DARK if dark else LIGHT
    for colour in colours:
        name = "#" + "".join(f"{channel:02X}" for channel in colour[:3])
        for end in (palette.endpoint_a, palette.endpoint_b, palette.text):
            assert contrast(name, end) >= (1.8 if end != palette.text else 4.5)
    assert np.array_equal(
        landing_colours(np.array([[np.nan, 9.0]]), extent, dark=dark)[0, 3:], [255]
    )


def test_the_map_is_drawn_where_it_belongs_with_its_first_row_at_the_top():
    layer = BasinLayer(BOX, pixels().astype(np.float32))
    data = pixels().reshape(-1, 2).astype(np.float32)
    image = draw(lane_of(basin=layer, data=data))
    extent = extent_of(data)
    for x, y in ((-1.5, 1.5), (-1.5, -1.5), (1.5, -1.2)):
        spot = image[round(200 - 80 * y), round(200 + 80 * x)]
        expected = landing_colours(np.array([x, y]), extent, dark=True)[:3].astype(int)
        assert np.abs(spot - expected).max() < 8
    bare = draw(lane_of(overlays=frozenset()))
    assert (np.abs(bare - image).max(axis=2) > 10).mean() > 0.8
    assert np.array_equal(draw(lane_of(arrived=False)), bare)  # not before it has arrived


def test_the_tear_is_dashed_and_named_and_the_inset_says_where_latents_land():
    image = draw(lane_of())
    text = np.array(QColor(DARK.text).getRgb()[:3])
    column = (np.abs(image[230:390, 198:203] - text).max(axis=2) < 110).any(axis=1)
    assert 0.35 < column.mean() < 0.8
    smooth = draw(lane_of(basin=BasinLayer(BOX, (0.4 * pixels()).astype(np.float32))))
    assert not (np.abs(smooth[230:390, 198:203] - text).max(axis=2) < 110).any()
    # The inset lies in a corner that the path leaves free.
    corners = [image[8:70, 330:392], image[8:70, 8:70], image[330:392, 330:392]]
    panel = np.array(QColor(DARK.panel).getRgb()[:3])
    assert max((np.abs(corner - panel).max(axis=2) < 40).mean() for corner in corners) > 0.4


def test_other_paths_are_thin_lines_with_labels_that_do_not_meet():
    lower = np.stack([np.linspace(-2, 2, 200), -1.5 * np.ones(200)], axis=1).astype(np.float32)
    without = lane_of(path_label="Linear")
    lane = replace(without, paths=(PathLine("Below", lower),))
    apart = np.abs(draw(lane) - draw(without)).max(axis=2) > 20
    row = round(200 + 1.5 * 80)
    assert apart[row - 1 : row + 2, 60:340].any(axis=0).mean() > 0.6
    rows = np.flatnonzero(apart.any(axis=1))
    assert rows.max() - rows.min() >= 14  # the label beside it
    tiny = QRectF(0, 0, 120, 110)
    labels = np.abs(draw(lane, rect=tiny) - draw(replace(lane, path_label=""), rect=tiny))
    assert not labels.any()  # no room for words


def test_way_points_are_numbered_discs():
    lane = lane_of(overlays=frozenset(), way_points=((0.0, 1.0), (1.0, -1.0)), drawing=True)
    image = draw(lane)
    text = np.array(QColor(DARK.text).getRgb()[:3])
    for x, y in lane.way_points:
        column, row = round(200 + 80 * x), round(200 - 80 * y)
        disc = image[row - 7 : row + 8, column - 7 : column + 8]
        assert (np.abs(disc - text).max(axis=2) < 30).sum() > 70


def test_picked_points_are_ringed_with_their_letters():
    picked = np.array([[-1.0, 0.5], [1.0, -0.5]], np.float32)
    lane = LaneScene("ddim", 2, "DDIM", picked=picked)
    apart = np.abs(draw(lane) - draw(replace(lane, picked=None))).max(axis=2) > 40
    for (x, y), colour in zip(picked, (DARK.endpoint_a, DARK.endpoint_b), strict=True):
        column, row = round(200 + 80 * x), round(200 - 80 * y)
        spot = apart[row - 8 : row + 9, column - 8 : column + 9]
        assert spot.any()
        assert not spot[7:10, 7:10].any()  # the point itself stays free
        near = draw(lane)[row - 12 : row + 12, column - 12 : column + 20]
        ink = np.array(QColor(colour).getRgb()[:3])
        assert (np.abs(near - ink).max(axis=2) < 20).sum() > 60
