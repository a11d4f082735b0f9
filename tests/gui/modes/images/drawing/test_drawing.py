"""Pictures of mode Images, checked by their pixels."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from engine.shared.polyline import neighbour_gaps
from engine.shared.trajectory import Trajectory
from tests.hands.image_scenes import SIDE, image_scene
from toydiff_gui.drawing.raster import (
    ImageCache,
    colours,
    drawn,
    fitted,
    image_of,
    mosaic,
    paint_image,
    scaled,
)
from toydiff_gui.drawing.style import LaneStyle, picture_style
from toydiff_gui.modes.images.drawing.attention import (
    attention_layout,
    cell_rect,
    entropy_bits,
    head_map,
    overlay,
    paint_attention,
    relative,
)
from toydiff_gui.modes.images.drawing.film_strips import (
    bar_rects,
    image_scales,
    paint_norms_row,
    paint_strip_row,
    strips_layout,
)
from toydiff_gui.modes.images.drawing.large_image import (
    film_frames,
    look_layout,
    paint_look,
    thumb_of,
)
from toydiff_gui.modes.images.drawing.page import (
    FACE,
    STRIPS,
    TILES,
    body_of,
    filled_cards,
    page_layout,
    paint_image_scene,
    tiles_layout_of,
)
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.drawing.slice_map import CORNERS, paint_plane, plane_layout
from toydiff_gui.modes.images.drawing.tiles import paint_tiles, tiles_layout
from toydiff_gui.modes.images.scene import (
    AttentionCard,
    ImageScene,
    SliceCard,
    StripLane,
    TilesCard,
)
from toydiff_gui.style.theme import DARK, LIGHT, Theme

THEMES = {"dark": Theme(DARK, True), "light": Theme(LIGHT, False)}
DARK_STYLE = LaneStyle.of(THEMES["dark"])
CARD = QRectF(0, 0, 420, 400)
MAGENTA = "#FF00FF"

pytestmark = pytest.mark.usefixtures("qapp")


def picture(paint, width=420, height=400, ratio=1.0):
    image = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(MAGENTA))
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return rgb(image)


def rgb(image):
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def part(array, rect, ratio=1.0):
    """The pixels of ``rect``, which lies on whole ones."""
    x, y = round(rect.left() * ratio), round(rect.top() * ratio)
    wide, high = round(rect.width() * ratio), round(rect.height() * ratio)
    return array[y : y + high, x : x + wide]


def ink(colour):
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)])


def coloured(count=6, side=8):
    """Images of three channels, each pixel of a value of its own."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, 3, side, side), np.uint8)


# Pixels


def test_a_whole_multiple_repeats_every_pixel():
    images = coloured()
    big = scaled(images, 24, 16)
    for row in range(16):
        for column in range(24):
            assert (big[:, :, row, column] == images[:, :, row // 2, column // 3]).all()


def test_other_sizes_are_the_mean_of_what_lies_beneath():
    image = coloured(1, 3)[0]
    times = 20  # a fine grid that both sizes divide
    for size in (2, 4, 5):
        fine = image.repeat(times, axis=1).repeat(times, axis=2).astype(float)
        cell = 3 * times // size
        exact = fine.reshape(3, size, cell, size, cell).mean(axis=(2, 4))
        assert np.abs(scaled(image, size, size) - exact).max() <= 0.51


def test_scaling_keeps_flat_images_flat():
    for level in (0, 7, 255):
        flat = np.full((2, 1, 28, 28), level, np.uint8)
        assert (scaled(flat, 43, 17) == level).all()


@pytest.mark.parametrize("size", [(8, 8), (24, 24), (11, 13)])
def test_colours_are_those_of_the_channels(size):
    images = coloured()
    argb = drawn(images, *size)
    expected = scaled(images, *size)
    assert (argb >> 24 == 255).all()
    for channel, shift in enumerate((16, 8, 0)):
        assert (argb >> shift & 255 == expected[:, channel]).all()
    grey = colours(images[:, :1])
    assert (grey == images[:, 0].astype(np.uint32) * 0x010101 + 0xFF000000).all()


def test_a_mosaic_is_in_reading_order_with_nothing_between():
    tiles = np.arange(1, 6, dtype=np.uint32)[:, None, None] * np.ones((1, 2, 3), np.uint32)
    whole = mosaic(tiles, 3, (1, 2))
    assert whole.tolist() == [
        [1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3],
        [1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3],
        [0] * 11,
        [0] * 11,
        [4, 4, 4, 0, 5, 5, 5, 0, 0, 0, 0],
        [4, 4, 4, 0, 5, 5, 5, 0, 0, 0, 0],
    ]


def test_a_size_is_a_whole_multiple_where_that_wastes_little():
    assert fitted(60, 60, (28, 28)) == (56, 56)
    assert fitted(43, 43, (28, 28)) == (43, 43)
    assert fitted(20, 100, (28, 28)) == (20, 20)
    assert fitted(100, 50, (8, 16)) == (24, 48)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_images_are_drawn_pixel_for_pixel(ratio):
    images = coloured(1, 8)
    side = round(16 * ratio)
    image = image_of(drawn(images, side, side)[0])
    place = QRectF(20, 12, side / ratio, side / ratio)
    shown = picture(lambda painter: paint_image(painter, place, image), 80, 60, ratio)
    left, top = round(20 * ratio), round(12 * ratio)
    found = shown[top : top + side, left : left + side]
    assert (found == scaled(images[0], side, side).transpose(1, 2, 0)).all()
    assert (shown[:top] == ink(MAGENTA)).all()


# Tiles


def tiles_picture(scene, t=0, style=DARK_STYLE, ratio=1.0, **options):
    zoom, scroll = options.pop("zoom", 1), options.pop("scroll", 0.0)
    cache = options.pop("cache", None)
    layout = tiles_layout_of(CARD, scene, style, ratio=ratio, zoom=zoom, scroll=scroll)

    def paint(painter):
        painter.fillRect(CARD, QColor(style.palette.canvas))
        paint_tiles(Paper(painter, scene, t, style, cache=cache), layout, **options)

    return layout, picture(paint, ratio=ratio)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("count", [1, 7, 64])
def test_every_tile_shows_its_own_image(count, ratio):
    scene = image_scene(count=count)
    scene = replace(scene, tiles=replace(scene.tiles, marks={}, pinned=None))
    for t in (0, 60):
        layout, shown = tiles_picture(scene, t, ratio=ratio)
        pixels = scene.pixels(scene.tiles.states_at(t))
        for index in range(count):
            found = part(shown, layout.tile(index), ratio)
            expected = scaled(pixels[index, 0], layout.wide, layout.high)
            assert (found == expected[:, :, None]).all()


def test_colour_images_keep_their_channels():
    states = np.linspace(-1, 1, 3 * 4 * 4, dtype=np.float32).reshape(1, 3, 4, 4)
    scene = ImageScene(
        shape=(3, 4, 4),
        mean=(0.5, 0.4, 0.3),
        std=(0.5, 0.4, 0.3),
        tiles=TilesCard(Trajectory([1, 0], [states] * 2, [states] * 2), status="done"),
    )
    layout, shown = tiles_picture(scene)
    exact = np.round(
        255 * (states[0] * np.array(scene.std)[:, None, None] + np.array(scene.mean)[:, None, None])
    )
    middle = part(shown, layout.tile(0))[:: layout.high // 4, :: layout.wide // 4]
    assert (np.abs(middle - exact.transpose(1, 2, 0)) <= 1).all()


def test_the_prediction_is_shown_on_demand():
    scene = image_scene(count=4)
    scene = replace(scene, tiles=replace(scene.tiles, marks={}, pinned=None, preview=True))
    layout, shown = tiles_picture(scene, 250)
    expected = scaled(scene.pixels(scene.tiles.trajectory.x0[0])[2, 0], layout.wide, layout.high)
    assert (part(shown, layout.tile(2)) == expected[:, :, None]).all()


@pytest.mark.parametrize("captions", [False, True])
@pytest.mark.parametrize(("count", "zoom"), [(1, 1), (7, 1), (64, 1), (64, 3), (400, 1), (400, 9)])
def test_pointing_finds_the_tile_that_is_drawn_there(count, zoom, captions):
    area = QRectF(10, 58, 400, 330)
    layout = tiles_layout(area, count, (28, 28), DARK_STYLE, zoom=zoom, captions=captions)
    for index in range(count):
        rect = layout.tile(index)
        inset = rect.adjusted(0.25, 0.25, -0.25, -0.25)
        for place in (rect.center(), inset.topLeft(), inset.bottomRight()):
            seen = index if area.contains(place) else None
            assert layout.tile_at(place) == seen
    assert layout.tile_at(QPointF(5, 5)) is None
    assert layout.tile_at(layout.tile(count - 1).bottomRight() + QPointF(50, 60)) is None


@pytest.mark.parametrize("count", [1, 5, 64, 400])
def test_all_tiles_fit_unless_they_are_zoomed(count):
    layout = tiles_layout(QRectF(0, 0, 300, 200), count, (28, 28), DARK_STYLE)
    assert layout.most_scroll == 0
    assert all(layout.area.contains(layout.tile(index)) for index in range(count))


def test_zoomed_tiles_are_larger_and_scrolled_to():
    area = QRectF(0, 0, 300, 200)
    once = tiles_layout(area, 64, (28, 28), DARK_STYLE)
    twice = tiles_layout(area, 64, (28, 28), DARK_STYLE, zoom=2)
    assert twice.columns == -(-once.columns // 2)
    assert twice.wide > 1.5 * once.wide
    end = tiles_layout(area, 64, (28, 28), DARK_STYLE, zoom=2, scroll=1e6)
    assert end.tile(63).bottom() <= area.bottom() + 1e-6
    assert end.tile(0).bottom() < area.top()


def test_scrolled_tiles_show_their_own_images_too():
    scene = image_scene(count=64)
    scene = replace(scene, tiles=replace(scene.tiles, marks={}, pinned=None))
    layout, shown = tiles_picture(scene, zoom=3, scroll=137.0)
    pixels = scene.pixels(scene.tiles.states_at(0))
    seen = [index for index in range(64) if layout.area.contains(layout.tile(index))]
    assert len(seen) >= 3
    for index in seen:
        expected = scaled(pixels[index, 0], layout.wide, layout.high)
        assert (part(shown, layout.tile(index)) == expected[:, :, None]).all()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_endpoints_are_framed_in_their_colours_with_their_letters(theme):
    style = LaneStyle.of(THEMES[theme])
    scene = image_scene()
    marks = {3: "A", 20: "B", 30: "C"}
    scene = replace(scene, tiles=replace(scene.tiles, marks=marks, pinned=40))
    layout, shown = tiles_picture(scene, style=style)
    palette = style.palette
    expected = {3: palette.endpoint_a, 20: palette.endpoint_b, 30: palette.text, 40: palette.text}
    for index, colour in expected.items():
        rect = layout.tile(index)
        left = shown[round(rect.center().y()), round(rect.left()) - 2]
        assert np.abs(left - ink(colour)).max() <= 12, index
    for index in marks:  # the disc of the letter, beside the letter
        rect = layout.tile(index)
        corner = shown[round(rect.top()) + 1, round(rect.right()) + 4]
        assert np.abs(corner - ink(expected[index])).max() <= 30
    rect = layout.tile(43)
    assert (shown[round(rect.center().y()), round(rect.left()) - 2] == ink(palette.canvas)).all()


def test_frames_are_whole_where_the_tiles_fill_their_area():
    scene = image_scene(count=1)
    scene = replace(scene, tiles=replace(scene.tiles, marks={0: "A"}, pinned=None))
    side = scene.shape[1]
    layout = tiles_layout(QRectF(20, 20, 4 * side, 4 * side), 1, (side, side), DARK_STYLE)
    tile = layout.tile(0)
    assert tile == layout.area
    shown = picture(lambda painter: paint_tiles(Paper(painter, scene, 0, DARK_STYLE), layout))
    middle_x, middle_y = round(tile.center().x()), round(tile.center().y())
    left, top = round(tile.left()) - 2, round(tile.top()) - 2
    right, bottom = round(tile.right()) + 1, round(tile.bottom()) + 1
    for x, y in ((middle_x, top), (middle_x, bottom), (left, middle_y), (right, middle_y)):
        assert np.abs(shown[y, x] - ink(DARK_STYLE.palette.endpoint_a)).max() <= 12


def test_class_names_stand_below_their_tiles():
    scene = image_scene(count=9)
    named = replace(scene, tiles=replace(scene.tiles, classes=("7",) * 9, marks={}, pinned=None))
    layout, shown = tiles_picture(named)
    assert layout.caption > 0
    below = QRectF(layout.tile(4).left(), layout.tile(4).bottom() + 1, layout.tile(4).width(), 12)
    assert part(shown, below).max() > 100
    _, plain = tiles_picture(replace(scene, tiles=replace(scene.tiles, marks={}, pinned=None)))
    assert (plain != shown).any()


def test_tiles_too_small_for_words_have_none():
    scene = image_scene(count=400)
    scene = replace(scene, tiles=replace(scene.tiles, classes=("Ankle boot",) * 400))
    assert tiles_layout_of(CARD, scene, DARK_STYLE).caption == 0


@pytest.mark.parametrize("status", ["empty", "failed"])
def test_without_tiles_the_card_says_why(status):
    card = TilesCard(status=status, message="the engine is starting")
    _, shown = tiles_picture(ImageScene(tiles=card))
    colour = DARK.error if status == "failed" else DARK.text_secondary
    assert np.abs(shown - ink(colour)).max(axis=2).min() < 8
    middle = np.argwhere((shown != ink(DARK.canvas)).any(axis=2)).mean(axis=0)
    assert np.abs(middle - [224, 210]).max() < 30


def test_the_same_picture_is_made_once():
    scene = image_scene()
    cache = ImageCache()
    _, first = tiles_picture(scene, 60, cache=cache)
    _, again = tiles_picture(scene, 60, cache=cache, hovered=9)
    assert cache.made == 1
    assert (first != again).any()
    tiles_picture(scene, 0, cache=cache)
    assert cache.made == 2


# Strips

STRIP_CARD = QRectF(0, 0, 848, 300)


def strip_picture(scene, row, t=0, style=DARK_STYLE, **options):
    layout = strips_layout(STRIP_CARD, scene, style)
    scales = image_scales(scene)

    def paint(painter):
        paint_strip_row(Paper(painter, scene, t, style), layout, row, scales, **options)

    return layout, picture(paint, 848, 300)


@pytest.mark.parametrize("path", [2, 12, 40])
def test_every_image_of_a_strip_is_in_its_column(path):
    scene = image_scene(count=4, path=path)
    for t in (0, 125):
        layout, shown = strip_picture(scene, 1, t)
        pixels = scene.pixels(scene.strips[1].states_at(t))
        for index in range(path):
            rect = layout.image(1, index)
            expected = scaled(pixels[index, 0], *layout.side)
            assert (part(shown, rect) == expected[:, :, None]).all()
            assert abs(rect.center().x() - layout.x_of(index)) <= 1
            assert layout.index_at(rect.center().x()) == index
            assert layout.row_at(rect.center()) == 1


def test_gaps_stand_on_one_logarithmic_scale():
    scene = image_scene(count=4)
    scales = image_scales(scene)
    layout = strips_layout(STRIP_CARD, scene, DARK_STYLE)
    low, high = np.log(scales.gap)
    for row, strip in enumerate(scene.strips):
        gaps = neighbour_gaps(strip.states_at(0))
        track = layout.bars(row)
        bars = bar_rects(track, layout, gaps, scales, DARK_STYLE)
        assert len(bars) == len(gaps) == 11
        ground = min(1.5, track.height())
        share = ((np.log(gaps) - low) / (high - low)).clip(0, 1)
        heights = np.array([bar.height() for bar in bars])
        assert np.allclose(heights, ground + share * (track.height() - ground))
        assert np.allclose([bar.bottom() for bar in bars], track.bottom())
        between = [(layout.x_of(k) + layout.x_of(k + 1)) / 2 for k in range(11)]
        assert np.allclose([bar.center().x() for bar in bars], between)


def test_bars_are_coloured_along_the_path():
    scene = image_scene(count=4)
    layout, shown = strip_picture(scene, 0)
    gaps = neighbour_gaps(scene.strips[0].states_at(0))
    bars = bar_rects(layout.bars(0), layout, gaps, image_scales(scene), DARK_STYLE)
    found = [shown[round(bar.bottom()) - 2, round(bar.center().x())] for bar in bars]
    assert np.abs(found[0] - ink(DARK.path_stops[0])).max() <= 2
    assert np.abs(found[-1] - ink(DARK.path_stops[-1])).max() <= 2
    assert np.abs(found[5] - ink(DARK.path_stops[2])).max() <= 12
    assert len({tuple(colour) for colour in found}) == len(found)


def test_the_scale_does_not_change_with_time_and_is_kept():
    scene = image_scene(count=4)
    first = image_scales(scene)
    assert image_scales(replace(scene, marked=3, selected="ddpm")) is first
    every = [
        gap
        for strip in scene.strips
        for k in (0, 12, 25, 38, 50)
        for gap in neighbour_gaps(strip.trajectory.x[k])
    ]
    assert first.gap[1] == pytest.approx(max(every))
    other = replace(scene, strips=scene.strips[:1])
    assert image_scales(other) is not first


def test_what_is_looked_at_is_framed():
    scene = image_scene(count=4)
    _, bare = strip_picture(scene, 0)
    layout, shown = strip_picture(scene, 0, marked=2, pinned=7)
    changed = np.flatnonzero((bare != shown).any(axis=(0, 2)))
    columns = {layout.index_at(float(x)) for x in changed} - {None}
    assert {2, 7} <= columns <= {1, 2, 3, 6, 7, 8}
    for index, colour in ((2, DARK.text), (7, DARK.accent)):
        rect = layout.image(0, index)
        left = shown[round(rect.center().y()), round(rect.left()) - 2]
        assert np.abs(left - ink(colour)).max() <= 60


def test_the_selected_strip_is_marked_by_more_than_colour():
    scene = image_scene(count=4)
    layout, shown = strip_picture(scene, 2, selected=True)
    row = part(shown, layout.rows[2].adjusted(0, 1, 0, 0))
    assert (row[5:, 1] == ink(DARK.accent)).all()
    assert (row[5, 30] == ink(DARK.selected)).all()


def test_the_norms_leave_the_band_in_the_middle():
    scene = image_scene(count=4)
    layout = strips_layout(STRIP_CARD, scene, DARK_STYLE)
    scales = image_scales(scene)
    shown = picture(
        lambda painter: paint_norms_row(Paper(painter, scene, 0, DARK_STYLE), layout, scales),
        848,
        300,
    )
    track_top, track_high = layout.norms.top() + 6, layout.norms.height() - 12
    norms = scene.strips[0].latent_norms
    for index in (0, 5, 11):
        x = round(layout.x_of(index))
        share = scales.norm_share(norms[[index]])[0]
        y = track_top + track_high * (1 - share)
        column = shown[round(layout.norms.top()) + 2 : round(layout.norms.bottom()), x]
        colourful = np.ptp(column, axis=1)
        seen = layout.norms.top() + 2 + int(colourful.argmax())
        assert abs(seen - y) <= 2.5, index


def test_a_strip_that_failed_says_so():
    scene = image_scene(count=4)
    broken = replace(scene.strips[0], status="failed", message="it broke", trajectory=None)
    _, shown = strip_picture(replace(scene, strips=(broken,)), 0)
    assert np.abs(shown - ink(DARK.error)).max(axis=2).min() < 20


def test_strips_of_a_long_path_still_fit():
    scene = image_scene(count=4, path=64)
    layout = strips_layout(QRectF(0, 0, 400, 200), scene, DARK_STYLE)
    assert layout.side[0] >= 1
    assert layout.image(2, 63).right() <= 400


# One image


def test_the_large_image_is_the_one_looked_at():
    scene = image_scene()
    body = QRectF(0, 0, 460, 340)
    layout = look_layout(body, scene.shape, DARK_STYLE)
    shown = picture(
        lambda painter: paint_look(Paper(painter, scene, 60, DARK_STYLE), layout), 460, 340
    )
    state = scene.pixels(scene.looked_at.state_at(60))
    size = round(layout.picture.width()), round(layout.picture.height())
    assert size[0] % 8 == 0  # a whole multiple
    assert (part(shown, layout.picture) == scaled(state, *size)[0][:, :, None]).all()
    assert layout.pixel_at(layout.picture.topLeft() + QPointF(1, 1), scene.shape) == (0, 0)
    end = layout.picture.bottomRight() - QPointF(1, 1)
    assert layout.pixel_at(end, scene.shape) == (7, 7)


def test_its_whole_way_is_shown_below_it():
    scene = image_scene()
    body = QRectF(0, 0, 460, 340)
    layout = look_layout(body, scene.shape, DARK_STYLE)
    shown = picture(
        lambda painter: paint_look(Paper(painter, scene, 0, DARK_STYLE), layout), 460, 340
    )
    run, index = scene.looked_at.trajectory, scene.looked_at.index
    frames = film_frames(run, len(layout.thumbs))
    assert (frames[0], frames[-1]) == (0, 50)
    for rect, k in zip(layout.thumbs, frames, strict=True):
        expected = scaled(scene.pixels(run.x[k][index]), *layout.thumb_size)[0]
        inner = part(shown, rect.adjusted(1, 1, -1, -1))  # the frame's corners are round
        assert (inner == expected[1:-1, 1:-1, None]).all()
    now = thumb_of(run, frames, 0)
    assert now == len(frames) - 1
    rect = layout.thumbs[now]
    left = shown[round(rect.center().y()), round(rect.left()) - 2]
    assert np.abs(left - ink(DARK.accent)).max() <= 60


def test_what_has_not_arrived_is_left_open():
    scene = image_scene()
    run = scene.looked_at.trajectory
    half = Trajectory(run.t, run.x[:10], run.x0[:10])
    scene = replace(scene, looked_at=replace(scene.looked_at, trajectory=half))
    body = QRectF(0, 0, 460, 340)
    layout = look_layout(body, scene.shape, DARK_STYLE)
    shown = picture(
        lambda painter: paint_look(Paper(painter, scene, 0, DARK_STYLE), layout), 460, 340
    )
    assert (part(shown, layout.thumbs[-1]) == ink(DARK.field)).all()


# Attention


def test_the_overlay_grows_with_the_weight():
    """From the dimmed image to the bare accent, in proportion."""
    image = np.full((1, 8, 8), 200, np.uint8)
    weights = np.linspace(0, 0.2, 16, dtype=np.float32).reshape(4, 4)
    for style in map(LaneStyle.of, THEMES.values()):
        mixed = overlay(image, weights, 16, 16, style)
        red = (mixed >> 16 & 255).astype(float)
        cells = red.reshape(4, 4, 4, 4).transpose(0, 2, 1, 3)
        assert (cells == cells[:, :, :1, :1]).all()  # sharp cells
        ground = 0 if style.dark else 255
        base = ground + (200 - ground) * 0.45
        accent = int(style.palette.accent[1:3], 16)
        exact = base + (accent - base) * weights / weights.max()
        assert np.abs(cells[:, :, 0, 0] - exact).max() <= 0.51


def test_a_head_map_is_blank_without_weight_and_accent_at_its_most():
    weights = np.zeros((3, 3), np.float32)
    assert (head_map(weights, 9, DARK_STYLE) & 0xFFFFFF == int(DARK.canvas[1:], 16)).all()
    weights[1, 2] = 0.4
    shown = head_map(weights, 9, DARK_STYLE) & 0xFFFFFF
    assert (shown[3:6, 6:9] == int(DARK.accent[1:], 16)).all()
    assert (shown[:3] == int(DARK.canvas[1:], 16)).all()
    assert relative(np.zeros((2, 2), np.float32)).max() == 0


@pytest.mark.parametrize(
    ("weights", "bits"),
    [([1.0], 0.0), ([0.25] * 4, 2.0), ([0.5, 0.5, 0.0], 1.0), ([0.5, 0.25, 0.25], 1.5)],
)
def test_entropy_is_that_of_the_row(weights, bits):
    assert entropy_bits(np.array(weights, np.float32)) == pytest.approx(bits)


BODY = QRectF(0, 0, 460, 340)


def attention_picture(scene, t=60, body=BODY, style=DARK_STYLE, **options):
    layer = scene.attention.layer
    layout = attention_layout(body, scene.shape, layer.heads if layer else 0, style)
    shown = picture(
        lambda painter: paint_attention(Paper(painter, scene, t, style), layout, **options),
        round(body.width()),
        round(body.height()),
    )
    return layout, shown


def test_the_picture_shows_the_weights_of_the_chosen_head():
    scene = image_scene(face="attention")
    card = replace(scene.attention, head=2, query=(1, 4))
    scene = replace(scene, attention=card)
    layout, shown = attention_picture(scene)
    known = card.time_at(60)
    row = card.weights[known][2][1 * SIDE + 4].reshape(SIDE, SIDE)
    size = round(layout.picture.width())
    image = scene.pixels(card.image.state_at(60))
    exact = overlay(image, row, size, size, DARK_STYLE)
    found = part(shown, layout.picture)
    at = [round((k + 0.5) * size / SIDE) for k in range(SIDE)]
    for y in at:
        for x in at:
            value = exact[y, x]
            assert (found[y, x] == [value >> 16 & 255, value >> 8 & 255, value & 255]).all()


def test_the_query_is_framed_where_pointing_finds_it():
    scene = image_scene(face="attention")
    scene = replace(scene, attention=replace(scene.attention, query=(2, 5)))
    layout, shown = attention_picture(scene)
    rect = cell_rect(layout.picture, SIDE, (2, 5))
    assert layout.cell_at(rect.center(), SIDE) == (2, 5)
    edge = shown[round(rect.center().y()), round(rect.left()) - 2 : round(rect.left()) + 2]
    assert edge.min(axis=1).max() > 200  # white
    assert edge.max(axis=1).min() < 120  # within a dark line
    for cell in ((0, 0), (6, 6), (3, 1)):
        inside = cell_rect(layout.picture, SIDE, cell).center()
        assert layout.cell_at(inside, SIDE) == cell


def test_heads_lie_side_by_side_and_the_chosen_one_is_framed():
    scene = image_scene(face="attention")
    layout, shown = attention_picture(scene)
    maps = scene.attention.maps_at(60)
    assert len(layout.heads) == 4
    for index, rect in enumerate(layout.heads):
        assert layout.head_at(rect.center()) == index
        inner = part(shown, rect.adjusted(4, 4, -4, -4))
        exact = head_map(maps[index], round(rect.width()), DARK_STYLE)[4:-4, 4:-4]
        assert (inner[:, :, 1] == (exact >> 8 & 255)).all()
    rect = layout.heads[0]
    left = shown[round(rect.center().y()), round(rect.left()) - 2]
    assert np.abs(left - ink(DARK.accent)).max() <= 12


def test_an_average_is_that_of_all_times():
    scene = image_scene(face="attention")
    averaged = replace(scene.attention, averaged=True)
    every = np.stack([weights[:, 24] for weights in averaged.weights.values()])
    exact = every.mean(axis=0).reshape(4, SIDE, SIDE)
    assert np.allclose(averaged.maps_at(60), exact)
    assert np.allclose(averaged.maps_at(200), exact)
    _, one = attention_picture(scene)
    _, mean = attention_picture(replace(scene, attention=averaged))
    assert (one != mean).any()


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("body", [(460, 340), (376, 217), (220, 230), (900, 500), (120, 90)])
def test_everything_stays_inside_the_card(heads, body):
    rect = QRectF(0, 0, *body)
    layout = attention_layout(rect, (1, 28, 28), heads, DARK_STYLE)
    assert rect.contains(layout.picture)
    fields = (
        [layout.layer_field, layout.facts, *layout.heads] if body != (120, 90) else layout.heads
    )
    for place in fields:
        assert place.isEmpty() or rect.contains(place), (heads, body, place)
    for first, place in enumerate(layout.heads):
        assert not place.intersects(layout.picture)
        assert not any(place.intersects(other) for other in layout.heads[first + 1 :])


def test_heads_are_shown_before_words_where_room_is_short():
    """A card of the presentation view at the window's smallest size, and one of no such need."""
    projector = replace(DARK_STYLE, scale=1.35)
    body = QRectF(0, 0, 540, 150)
    low = attention_layout(body, (1, 8, 8), 4, projector)
    assert len(low.heads) == 4
    assert low.heads[0].width() >= projector.px(24)
    assert low.layer_label.isEmpty()
    for place in (low.layer_field, low.averaged_field, *low.heads):
        assert body.contains(place)
    assert not low.layer_field.intersects(low.averaged_field)
    narrow = attention_layout(QRectF(0, 0, 380, 230), (1, 8, 8), 16, projector)
    assert narrow.layer_field.width() >= projector.px(110)
    assert not narrow.layer_field.intersects(narrow.averaged_field)
    high = attention_layout(BODY, (1, 8, 8), 4, DARK_STYLE)
    assert not high.layer_label.isEmpty()


def test_without_attention_the_card_says_why():
    scene = replace(image_scene(face="attention"), attention=AttentionCard(message="there is none"))
    _, shown = attention_picture(scene)
    assert np.abs(shown - ink(DARK.text_secondary)).max(axis=2).min() < 30


# Slice


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_thumbnails_and_endpoints_lie_in_the_plane(ratio):
    scene = image_scene(face="slice")
    body = QRectF(0, 0, 460, 340)
    layout = plane_layout(body, scene, DARK_STYLE, ratio=ratio)
    shown = picture(
        lambda painter: paint_plane(Paper(painter, scene, 0, DARK_STYLE), layout), 460, 340, ratio
    )
    wide, high = layout.thumb
    pixels = scene.pixels(scene.slice.images)
    left, top = round(layout.map.left() * ratio), round(layout.map.top() * ratio)
    for row, column in ((0, 5), (3, 6), (6, 3)):
        x, y = left + column * (wide + layout.line), top + row * (high + layout.line)
        expected = scaled(pixels[row * SIDE + column], wide, high)[0]
        assert (shown[y : y + high, x : x + wide] == expected[:, :, None]).all()
    u0, u1, v0, v1 = scene.slice.box
    assert layout.place_of(u0, v1) == layout.map.topLeft()
    assert layout.place_of(u1, v0) == layout.map.bottomRight()
    for u, v in ((0.3, 0.9), (-0.2, 1.2)):
        assert np.allclose(layout.point_at(layout.place_of(u, v)), (u, v))
    assert layout.point_at(QPointF(-99, -99)) == (u0, v1)
    for mark, colour in (("A", DARK.endpoint_a), ("B", DARK.endpoint_b), ("C", DARK.text)):
        place = layout.place_of(*CORNERS[mark])
        disc = shown[round(place.y() * ratio), round((place.x() - 6) * ratio)]
        assert np.abs(disc - ink(colour)).max() <= 40, mark
    dot = layout.place_of(*scene.slice.dot)
    middle = shown[round(dot.y() * ratio), round(dot.x() * ratio)]
    assert np.abs(middle - ink(DARK.accent)).max() <= 2
    size = round(layout.picture.width() * ratio), round(layout.picture.height() * ratio)
    large = scaled(scene.pixels(scene.slice.at_dot), *size)[0]
    assert (part(shown, layout.picture, ratio) == large[:, :, None]).all()


# The whole


def test_cards_share_the_page_without_overlapping():
    scene = image_scene()
    every = frozenset({TILES, FACE, STRIPS})
    for width, height in ((848, 688), (688, 508), (408, 488), (3800, 2100)):
        area = QRectF(0, 0, width, height)
        layout = page_layout(area, scene, DARK_STYLE, every)
        cards = [layout.tiles, layout.face, layout.strips]
        for index, card in enumerate(cards):
            assert area.contains(card)
            assert not any(card.intersects(other) for other in cards[index + 1 :])
        assert layout.tiles.width() + layout.face.width() == pytest.approx(width - 8)
        alone = page_layout(area, scene, DARK_STYLE, frozenset({TILES}))
        assert alone.tiles == area


def test_only_what_has_something_to_show_gets_a_card():
    assert filled_cards(ImageScene()) == frozenset()
    assert filled_cards(image_scene()) == {TILES, FACE, STRIPS}
    assert filled_cards(image_scene(face="attention", attends=False)) == {TILES, STRIPS}
    bare = ImageScene(strips=(StripLane("ddim", 1, "DDIM"),), slice=SliceCard(), face="slice")
    assert filled_cards(bare) == {STRIPS}


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("face", ["picture", "attention", "slice"])
def test_a_picture_is_painted_by_the_same_function_at_any_size(face, theme):
    scene = image_scene(face=face)
    for size in ((640, 360), (1440, 900), (300, 500)):
        style = picture_style(THEMES[theme], size[1])

        def paint(painter, size=size, style=style):
            paint_image_scene(Paper(painter, scene, 60, style), QRectF(0, 0, *size))

        shown = picture(paint, *size)
        assert not (shown == ink(MAGENTA)).all(axis=2).any()
        again = picture(paint, *size)
        assert (shown == again).all()
    assert body_of(CARD, style).top() == style.header_height


def test_an_empty_scene_says_so():
    shown = picture(
        lambda painter: paint_image_scene(Paper(painter, ImageScene(), 0, DARK_STYLE), CARD),
        420,
        400,
    )
    assert np.abs(shown - ink(DARK.text_secondary)).max(axis=2).min() < 30


def test_drawing_leaves_no_references_behind():
    """PySide6 6.12 drops a reference to None too many per call and dies of it."""
    scene = image_scene()
    image = QImage(480, 360, QImage.Format.Format_RGB32)

    def frame(t):
        painter = QPainter(image)
        paint_image_scene(Paper(painter, scene, t, DARK_STYLE), QRectF(0, 0, 480, 360))
        painter.end()

    for t in range(10):
        frame(t)
    before = sys.getrefcount(None)
    for t in range(100):
        frame(t % 10)
    assert abs(sys.getrefcount(None) - before) < 60
