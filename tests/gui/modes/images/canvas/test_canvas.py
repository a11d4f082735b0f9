"""Mode Images on the screen: what users do with it, and what is painted for it."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from engine.shared.trajectory import Trajectory
from tests.hands.image_scenes import SIDE, image_scene
from tests.hands.window import settle
from toydiff_gui.drawing.raster import scaled
from toydiff_gui.modes.images.canvas.page import ImagePage
from toydiff_gui.modes.images.drawing.attention import cell_rect
from toydiff_gui.modes.images.drawing.large_image import film_frames
from toydiff_gui.modes.images.drawing.page import FACE, STRIPS, TILES
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.modes.images.scene import (
    ImageScene,
)
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER, IMAGE_SAMPLING, IMAGE_ZOOM
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.lanes import LANE_RUNS, LANES, LaneRun, shown_lanes
from toydiff_gui.state.model import MODEL, show_model
from toydiff_gui.state.view import DRAGGING, LOOK, MARKED, PINNED
from toydiff_gui.style import sheet
from toydiff_gui.style.theme import DARK

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def state(app, app_state):
    app_state.set(ENGINE, EngineStatus("ready"))
    show_model(
        app_state,
        replace(
            app_state.get(MODEL),
            ref="digits",
            dataset="digits",
            shape=(1, 8, 8),
            labels=tuple("0123456789"),
            attends=True,
        ),
    )
    return app_state


@pytest.fixture
def scene():
    return image_scene()


@pytest.fixture
def page(qtbot, state, scene):
    page = ImagePage(state)
    qtbot.addWidget(page)
    page.resize(848, 688)
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun(scene.tiles.trajectory, status="done"))
    page.set_scene(scene)
    page.set_t(60)
    page.show()
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.setFocus()
    hover(page, QPoint(0, 0))
    settle()
    return page


def whole(point):
    return QPoint(round(point.x()), round(point.y()))


def tile(page, index):
    return whole(page.samples.tiles.tile(index).center())


def click(widget, place, modifiers=Qt.KeyboardModifier.NoModifier):
    QTest.mouseClick(widget, LEFT, modifiers, place)
    settle()


def hover(widget, place):
    QTest.mouseMove(widget, place)
    settle()


def key(widget, *keys, modifiers=Qt.KeyboardModifier.NoModifier):
    for one in keys:
        QTest.keyClick(widget, one, modifiers)
    settle()


def by_tab(widget):
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    settle()


def rgb(widget):
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


class Paints(QObject):
    """Counts how often and where a widget is painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.regions = []
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.regions.append(event.rect())
        return False


# Clicking


def test_clicks_make_a_and_b_in_turn(page, state, scene):
    for index in (5, 12, 40):
        click(page.samples, tile(page, index))
    latents = scene.tiles.trajectory.x[0]
    assert (state.get(IMAGE_SAMPLING).a.latents == latents[40]).all()
    assert (state.get(IMAGE_SAMPLING).b.latents == latents[12]).all()
    assert state.get(IMAGE_SAMPLING).c is None
    assert (state.get(IMAGE_SAMPLING).a.tile, state.get(IMAGE_SAMPLING).b.tile) == (40, 12)
    assert (state.get(IMAGE_CARD).pinned_tile, state.get(IMAGE_CARD).attention_of) == (40, "")


def test_shift_makes_c(page, state):
    click(page.samples, tile(page, 9), SHIFT)
    assert state.get(IMAGE_SAMPLING).c.tile == 9
    assert state.get(IMAGE_SAMPLING).a is None


def test_a_press_that_ends_elsewhere_is_no_click(page, state):
    QTest.mousePress(page.samples, LEFT, Qt.KeyboardModifier.NoModifier, tile(page, 3))
    QTest.mouseRelease(page.samples, LEFT, Qt.KeyboardModifier.NoModifier, tile(page, 4))
    click(page.samples, QPoint(200, 20))  # the header
    assert state.get(IMAGE_SAMPLING).a is None


def test_pointing_marks_a_tile_and_says_what_it_is(page, state):
    said = []
    page.cursor_text.connect(said.append)
    hover(page.samples, tile(page, 17))
    assert state.get(IMAGE_POINTER).hovered_tile == 17
    assert said[-1] == "tile 18 of 64 · B"
    hover(page.samples, QPoint(200, 20))
    assert state.get(IMAGE_POINTER).hovered_tile is None
    hover(page.samples, tile(page, 2))
    QApplication.sendEvent(page.samples, leaving())
    assert state.get(IMAGE_POINTER).hovered_tile is None
    assert said[-1] == ""


def leaving():
    return QEvent(QEvent.Type.Leave)


def test_pointing_paints_two_tiles_and_makes_no_picture_anew(page, state):
    hover(page.samples, tile(page, 9))
    made = page.samples._cache.made
    paints = Paints(page.samples)
    hover(page.samples, tile(page, 10))
    assert len(paints.regions) == 1
    region = paints.regions[0]
    assert region.width() < page.samples.width() / 2
    assert region.height() < page.samples.height() / 4
    assert region.contains(tile(page, 9))
    assert region.contains(tile(page, 10))
    assert page.samples._cache.made == made


def test_the_tile_pointed_at_is_framed(page):
    hover(page.samples, tile(page, 33))
    rect = page.samples.tiles.tile(33)
    left = rgb(page.samples)[round(rect.center().y()), round(rect.left()) - 2]
    assert np.abs(left - [0xE9, 0xEC, 0xF0]).max() <= 20


# The menu


def menu_at(page, index):
    menu = page.samples.menu_of(index)
    page.samples_menu = menu  # keep it
    return {action.text(): action for action in menu.actions() if action.text()}


def test_the_menu_names_endpoints(page, state):
    for index, text in ((7, "Make it C"), (8, "Make it B"), (9, "Make it A")):
        menu_at(page, index)[text].trigger()
    assert [
        end.tile
        for end in (
            state.get(IMAGE_SAMPLING).a,
            state.get(IMAGE_SAMPLING).b,
            state.get(IMAGE_SAMPLING).c,
        )
    ] == [9, 8, 7]


def test_the_menu_asks_for_a_class(page, state):
    asked = []
    page.class_asked.connect(lambda index, number: asked.append((index, number)))
    classes = menu_at(page, 7)["Class"].menu()
    names = [action.text() for action in classes.actions()]
    assert names == ["None", *"0123456789"]
    assert [action.isChecked() for action in classes.actions()] == [True] + [False] * 10
    classes.actions()[4].trigger()
    classes.actions()[0].trigger()
    assert asked == [(7, 3), (7, None)]


def test_the_menu_says_why_something_cannot_be_done(page, state):
    show_model(state, replace(state.get(MODEL), labels=(), attends=False))
    actions = menu_at(page, 7)
    assert not actions["Class"].isEnabled()
    assert "no classes" in actions["Class"].toolTip()
    assert not actions["Show its attention"].isEnabled()
    assert "no attention" in actions["Show its attention"].toolTip()


def test_the_menu_leads_to_the_attention(page, state):
    menu_at(page, 7)["Show its attention"].trigger()
    view = state.get(IMAGE_CARD)
    assert (view.face, view.pinned_tile, view.attention_of) == ("attention", 7, "")


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_the_right_button_opens_the_menu(page):
    place = tile(page, 7)
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, place, page.samples.mapToGlobal(place)
    )
    QApplication.sendEvent(page.samples, event)
    menu = page.samples.findChild(QMenu)
    assert menu.isVisible()
    assert menu.accessibleName() == "Tile 8"
    menu.close()
    settle()


# Zoom


def wheel(widget, place, turns, modifiers=Qt.KeyboardModifier.NoModifier):
    at = QPointF(place)
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(place)),
        QPoint(),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    settle()


def test_the_wheel_enlarges_the_tile_beneath_it(page, state):
    place, before = tile(page, 36), page.samples.tiles
    wheel(page.samples, place, 1)
    after = page.samples.tiles
    assert state.get(IMAGE_ZOOM) == 2
    assert (before.columns, after.columns) == (8, 4)
    assert after.wide > before.wide
    assert abs(after.tile(36).center().y() - place.y()) <= after.tile(36).height() / 2
    assert page.samples.scroll_bar.isVisible()
    wheel(page.samples, place, -1)
    assert state.get(IMAGE_ZOOM) == 1
    assert not page.samples.scroll_bar.isVisible()
    wheel(page.samples, place, -1)
    assert state.get(IMAGE_ZOOM) == 1


def test_every_step_of_the_zoom_is_seen_until_one_tile_fills_the_row(page, state):
    seen = [page.samples.tiles.columns]
    for _ in range(12):
        page.samples.zoom(1)
        seen.append(page.samples.tiles.columns)
    distinct = list(dict.fromkeys(seen))
    assert distinct == [8, 4, 3, 2, 1]
    assert seen[: len(distinct)] == distinct
    assert not page.samples.larger.isEnabled()


def test_zoomed_tiles_are_scrolled_by_wheel_bar_and_dragging(page, state):
    page.samples.zoom(1)
    bar = page.samples.scroll_bar
    bar.setValue(0)
    place = QPoint(150, 200)
    wheel(page.samples, place, -1, SHIFT)
    assert bar.value() > 0
    bar.setValue(50)
    QTest.mousePress(page.samples, LEFT, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseMove(page.samples, place - QPoint(0, 40))
    QTest.mouseRelease(page.samples, LEFT, Qt.KeyboardModifier.NoModifier, place - QPoint(0, 40))
    assert bar.value() == 90
    assert state.get(IMAGE_SAMPLING).a is None  # that was no click
    index = page.samples.tiles.tile_at(QPointF(place))
    click(page.samples, place)
    assert state.get(IMAGE_SAMPLING).a.tile == index


def test_buttons_zoom_too(page, state):
    page.samples.larger.click()
    assert state.get(IMAGE_ZOOM) == 2
    page.samples.smaller.click()
    assert state.get(IMAGE_ZOOM) == 1
    assert not page.samples.smaller.isEnabled()


# The keyboard


def test_arrows_go_from_tile_to_tile_and_show_them_large(page, state):
    by_tab(page.samples)
    assert state.get(IMAGE_POINTER).hovered_tile == 0
    key(page.samples, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left)
    assert state.get(IMAGE_POINTER).hovered_tile == 16
    assert page.samples.accessibleDescription() == "tile 17 of 64"
    key(page.samples, Qt.Key.Key_End)
    assert state.get(IMAGE_POINTER).hovered_tile == 63
    key(page.samples, Qt.Key.Key_Right, Qt.Key.Key_Down)
    assert state.get(IMAGE_POINTER).hovered_tile == 63
    key(page.samples, Qt.Key.Key_Home)
    assert state.get(IMAGE_POINTER).hovered_tile == 0


def test_enter_and_space_click_and_letters_name(page, state):
    by_tab(page.samples)
    key(page.samples, Qt.Key.Key_Return)
    key(page.samples, Qt.Key.Key_Right, Qt.Key.Key_Space)
    key(page.samples, Qt.Key.Key_Right)
    key(page.samples, Qt.Key.Key_Return, modifiers=SHIFT)
    images = state.get(IMAGE_SAMPLING)
    assert (images.a.tile, images.b.tile, images.c.tile) == (0, 1, 2)
    for letter in (Qt.Key.Key_C, Qt.Key.Key_B, Qt.Key.Key_A):
        key(page.samples, Qt.Key.Key_Right, letter)
    images = state.get(IMAGE_SAMPLING)
    assert (images.a.tile, images.b.tile, images.c.tile) == (5, 4, 3)


def test_keys_zoom_and_the_focused_tile_stays_in_sight(page, state):
    by_tab(page.samples)
    key(page.samples, Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_End)
    layout = page.samples.tiles
    assert layout.columns == 3
    assert layout.area.contains(layout.tile(63))
    key(page.samples, Qt.Key.Key_PageUp)
    assert state.get(IMAGE_POINTER).hovered_tile < 63
    key(page.samples, Qt.Key.Key_0)
    assert state.get(IMAGE_ZOOM) == 1


def test_a_click_leaves_the_keys_of_the_timeline_alone(page, state):
    """Space plays and arrows step unless the keyboard itself has come to the tiles."""
    page.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    page.setFocus()
    click(page.samples, tile(page, 4))
    assert not page.samples.hasFocus()
    by_tab(page.samples)
    for one in (Qt.Key.Key_Space, Qt.Key.Key_Left):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, one, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        QApplication.sendEvent(page.samples, event)
        assert event.isAccepted()


def test_tab_reaches_everything_in_order(page, state):
    state.update(IMAGE_CARD, face="attention")
    page.set_scene(image_scene(face="attention"))
    settle()
    by_tab(page.samples)
    seen = [page.samples]
    for _ in range(30):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        if QApplication.focusWidget() in seen:
            break
        seen.append(QApplication.focusWidget())
    for stop in (page.face, page.face.layer, page.face.averaged, page.strips, page.strips.expand):
        assert stop in seen
    assert seen.index(page.face) < seen.index(page.face.layer) < seen.index(page.strips)
    for stop in seen:
        assert stop.accessibleName(), stop
        assert stop.toolTip(), stop


# The card beside


def test_faces_are_chosen_in_the_header(page, state):
    for name in ("attention", "slice", "picture"):
        page.face.faces.button(name).click()
        assert state.get(IMAGE_CARD).face == name
    state.update(IMAGE_CARD, face="slice")
    assert page.face.faces.current == "slice"


def test_attention_is_greyed_where_there_is_none(page, state):
    assert page.face.faces.button("attention").isEnabled()
    show_model(state, replace(state.get(MODEL), attends=False))
    button = page.face.faces.button("attention")
    assert not button.isEnabled()
    assert "no attention" in button.toolTip()


def test_a_small_picture_leads_to_its_time(page, scene):
    asked = []
    page.time_asked.connect(asked.append)
    look = page.face.look()
    click(page.face, whole(look.thumbs[2].center()))
    frames = film_frames(scene.looked_at.trajectory, len(look.thumbs))
    assert asked == [scene.looked_at.trajectory.t[frames[2]]]


def test_pixels_of_smaller_images_in_training_are_read_out(page, scene):
    said = []
    page.cursor_text.connect(said.append)
    looked, known = scene.looked_at, scene.looked_at.trajectory
    small = [[states[:, :, ::2, ::2] for states in part] for part in (known.x, known.x0)]
    looked = replace(looked, trajectory=Trajectory(known.t, *small))
    page.set_scene(replace(scene, looked_at=looked))
    look = page.face.look()
    hover(page.face, whole(look.picture.bottomRight() - QPointF(3, 3)))
    assert said[-1].startswith("row 4, column 4 · ")


def test_pixels_are_read_out(page, scene):
    said = []
    page.cursor_text.connect(said.append)
    look = page.face.look()
    side = look.picture.width() / 8
    hover(page.face, whole(look.picture.topLeft() + QPointF(2.5 * side, 4.5 * side)))
    state = scene.looked_at.state_at(60)
    level = int(scene.pixels(state)[0, 4, 2])
    assert said[-1].startswith("row 5, column 3 · ")
    assert said[-1].endswith(f"pixel {level}")


@pytest.fixture
def looking(page, state):
    state.update(IMAGE_CARD, face="attention")
    page.set_scene(image_scene(face="attention"))
    settle()
    return page


def test_a_click_on_the_picture_is_the_query(looking, state):
    layout = looking.face.attention()
    click(looking.face, whole(cell_rect(layout.picture, SIDE, (5, 2)).center()))
    assert state.get(IMAGE_CARD).query == (5, 2)
    click(looking.face, whole(layout.heads[2].center()))
    assert state.get(IMAGE_CARD).head == 2
    assert state.get(IMAGE_CARD).query == (5, 2)


def test_layer_and_average_are_chosen(looking, state):
    assert looking.face.layer.isVisible()
    assert [looking.face.layer.itemText(0)] == ["Middle, 7 × 7"]
    looking.face.layer.activated.emit(0)
    assert (state.get(IMAGE_CARD).layer, state.get(IMAGE_CARD).query) == ("middle", None)
    looking.face.averaged.click()
    assert state.get(IMAGE_CARD).averaged
    state.update(IMAGE_CARD, averaged=False)
    assert not looking.face.averaged.isChecked()


def test_keys_move_the_query_and_change_heads(looking, state):
    by_tab(looking.face)
    key(looking.face, Qt.Key.Key_Right)
    assert state.get(IMAGE_CARD).query == (3, 4)
    key(looking.face, Qt.Key.Key_Up)
    assert state.get(IMAGE_CARD).query == (2, 3)  # the scene of the test stays at (3, 3)
    key(looking.face, Qt.Key.Key_PageDown)
    assert state.get(IMAGE_CARD).head == 1
    assert "bits" in looking.face.accessibleDescription()


@pytest.fixture
def slicing(page, state):
    state.update(IMAGE_CARD, face="slice")
    page.set_scene(image_scene(face="slice"))
    settle()
    return page


def test_the_dot_is_dragged_within_the_map(slicing, state):
    plane = slicing.face.plane()
    drags = []
    state.changed(DRAGGING).connect(lambda: drags.append(state.get(DRAGGING)))
    none = Qt.KeyboardModifier.NoModifier
    QTest.mousePress(slicing.face, LEFT, none, whole(plane.place_of(0.25, 0.75)))
    assert np.allclose(state.get(IMAGE_CARD).dot, (0.25, 0.75), atol=0.01)
    QTest.mouseMove(slicing.face, whole(plane.place_of(1.0, 0.5)))
    assert np.allclose(state.get(IMAGE_CARD).dot, (1.0, 0.5), atol=0.01)
    QTest.mouseMove(slicing.face, QPoint(1, 1))
    QTest.mouseRelease(slicing.face, LEFT, none, QPoint(1, 1))
    assert state.get(IMAGE_CARD).dot == (-0.25, 1.25)
    assert drags == [True, False]


def test_arrows_nudge_the_dot(slicing, state):
    by_tab(slicing.face)
    key(slicing.face, Qt.Key.Key_Right)
    assert state.get(IMAGE_CARD).dot == (0.61, 0.4)
    key(slicing.face, Qt.Key.Key_Up, modifiers=SHIFT)
    assert state.get(IMAGE_CARD).dot == (0.6, 0.5)


# Strips


def image(page, row, index):
    return whole(page.strips.strips.image(row, index).center())


def test_pointing_at_a_strip_marks_the_place_in_all(page, state):
    said = []
    page.cursor_text.connect(said.append)
    hover(page.strips, image(page, 1, 6))
    assert state.get(MARKED) == 6
    assert state.get(IMAGE_POINTER).hovered_strip == "ddpm-shared"
    assert said[-1].startswith("DDPM, shared noise: image 7 of 12 · gap ")
    assert "norm" in said[-1]
    layout = page.strips.strips
    shown = rgb(page.strips)
    for row in range(3):
        rect = layout.image(row, 6)
        left = shown[round(rect.center().y()), round(rect.left()) - 2]
        assert np.abs(left - [0xE9, 0xEC, 0xF0]).max() <= 60
    QApplication.sendEvent(page.strips, leaving())
    assert state.get(MARKED) is None
    assert state.get(IMAGE_POINTER).hovered_strip == ""


def test_a_click_keeps_the_place_and_another_lets_it_go(page, state):
    click(page.strips, image(page, 0, 4))
    assert (state.get(PINNED), state.get(LOOK).selected_lane) == (4, "ddpm")
    assert state.get(IMAGE_CARD).attention_of == "ddpm"
    click(page.strips, image(page, 0, 4))
    assert (state.get(PINNED), state.get(IMAGE_CARD).attention_of) == (None, "")
    click(page.strips, QPoint(30, image(page, 1, 0).y()))  # the name
    assert (state.get(PINNED), state.get(LOOK).selected_lane) == (None, "ddpm-shared")


def test_pointing_paints_single_columns(page, state):
    hover(page.strips, image(page, 1, 6))
    made = page.strips._cache.made
    paints = Paints(page.strips)
    state.set(MARKED, 7)
    settle()
    assert sum(region.width() for region in paints.regions) < page.strips.width()
    assert page.strips._cache.made == made


def test_keys_go_along_the_path_and_from_strip_to_strip(page, state, monkeypatch):
    monkeypatch.setattr(page.strips, "underMouse", lambda: False)
    by_tab(page.strips)
    key(page.strips, Qt.Key.Key_Right)
    assert state.get(MARKED) == 6
    key(page.strips, Qt.Key.Key_Right, Qt.Key.Key_Down)
    assert (state.get(MARKED), state.get(IMAGE_POINTER).hovered_strip) == (7, "ddpm-shared")
    key(page.strips, Qt.Key.Key_Return)
    assert (state.get(PINNED), state.get(LOOK).selected_lane) == (7, "ddpm-shared")
    key(page.strips, Qt.Key.Key_Home)
    assert state.get(MARKED) == 0
    key(page.strips, Qt.Key.Key_Escape)
    assert state.get(PINNED) is None
    page.samples.setFocus()
    settle()
    assert state.get(MARKED) is None


# Painting


def test_what_looks_the_same_is_not_painted_again(page, scene):
    paints = [Paints(card) for card in page.cards]
    page.set_scene(replace(scene))
    page.set_t(60)
    page.set_t(57)  # the sampler visits every fifth time
    settle()
    assert [len(one.regions) for one in paints] == [0, 0, 0]
    strips = (scene.strips[0], replace(scene.strips[1], detail="η = 0.5"), scene.strips[2])
    page.set_scene(replace(scene, strips=strips))
    settle()
    assert [len(one.regions) for one in paints] == [0, 0, 1]
    assert paints[2].regions[0].height() < page.strips.height() / 2
    page.set_scene(replace(scene, strips=strips, looked_at=replace(scene.looked_at, index=9)))
    settle()
    assert [len(one.regions) for one in paints] == [0, 1, 1]


def shorter(run, frames):
    return replace(run, x=run.x[:frames], x0=run.x0[:frames])


def test_frames_that_arrive_later_leave_what_is_seen_alone(page, scene):
    def growing(frames):
        tiles = replace(scene.tiles, trajectory=shorter(scene.tiles.trajectory, frames))
        return replace(scene, tiles=tiles, looked_at=None)

    page.set_t(250)
    page.set_scene(growing(1))
    settle()
    paints = [Paints(card) for card in page.cards]
    for frames in (2, 3, 20):
        page.set_scene(growing(frames))
        settle()
    assert [len(one.regions) for one in paints] == [0, 0, 0]
    page.set_t(0)
    settle()
    assert len(paints[0].regions) == 1


def test_attention_at_other_times_leaves_what_is_seen_alone(page):
    scene = image_scene(face="attention")
    weights = scene.attention.weights

    def known(times, **fields):
        some = {t: weights[t] for t in times}
        return replace(scene, attention=replace(scene.attention, weights=some, **fields))

    page.set_scene(known([60]))
    settle()
    paints = Paints(page.face)
    page.set_scene(known([60, 100]))
    settle()
    assert not paints.regions
    page.set_scene(known([100]))
    settle()
    assert len(paints.regions) == 1
    page.set_scene(known([60, 100], averaged=True))
    settle()
    page.set_scene(known([60, 100, 200], averaged=True))
    settle()
    assert len(paints.regions) == 3


def test_every_frame_is_told_once_it_is_painted(page, qtbot):
    painted = []
    page.frame_painted.connect(painted.append)
    before = page.frames_painted
    for t in (40, 20, 0):
        page.set_t(t)
        qtbot.waitUntil(lambda t=t: painted[-1:] == [t])
        shown = rgb(page.samples)
        layout = page.samples.tiles
        pixels = page.scene.pixels(page.scene.tiles.states_at(t))
        rect = layout.tile(21)
        found = shown[
            round(rect.top()) : round(rect.bottom()), round(rect.left()) : round(rect.right())
        ]
        assert (found == scaled(pixels[21, 0], layout.wide, layout.high)[:, :, None]).all()
    page.set_t(1)  # the same picture as at 5, but for who counts
    qtbot.waitUntil(lambda: painted[-1:] == [1])
    assert painted == [40, 20, 0, 1]
    assert page.frames_painted == before + 4


def test_many_times_in_a_row_are_painted_once(page, qtbot):
    paints = Paints(page.samples)
    painted = []
    page.frame_painted.connect(painted.append)
    for t in range(200, 0, -5):
        page.set_t(t)
    qtbot.waitUntil(lambda: painted[-1:] == [5])
    assert painted == [5]
    assert len(paints.regions) == 1


def test_a_hidden_page_waits_for_nobody(page):
    painted = []
    page.frame_painted.connect(painted.append)
    page.hide()
    page.set_t(30)
    settle()
    assert painted == [30]


@pytest.mark.parametrize("size", [(848, 688), (688, 508), (408, 488), (240, 200)])
def test_all_cards_are_on_the_page_at_any_size(page, size):
    page.resize(*size)
    settle()
    places = [card.geometry() for card in page.cards]
    assert all(card.isVisible() for card in page.cards)
    for index, place in enumerate(places):
        assert page.rect().contains(place)
        assert not any(place.intersects(other) for other in places[index + 1 :])


def test_one_card_can_be_shown_alone(page, state):
    for card in page.cards:
        card.expand.click()
        settle()
        assert state.get(LOOK).maximised_lane == card.key
        assert [other.isVisible() for other in page.cards] == [
            other is card for other in page.cards
        ]
        key(page, Qt.Key.Key_Escape)
        assert state.get(LOOK).maximised_lane == ""
        assert all(other.isVisible() for other in page.cards)
    assert {card.key for card in page.cards} == {TILES, FACE, STRIPS}


def test_themes_are_followed(page, chosen, app):
    sheet.apply(app, chosen)
    settle()
    palette = chosen.palette
    for card in page.cards:
        shown = rgb(card)
        colour = [int(palette.canvas[k : k + 2], 16) for k in (1, 3, 5)]
        assert (shown == colour).all(axis=2).any()
    assert page.samples.style_of_card.type_scale == chosen.type_scale


def test_without_strips_the_page_says_where_they_come_from(page, scene):
    page.set_scene(replace(scene, strips=()))
    settle()
    shown = rgb(page.strips)
    colour = [int(DARK.text_secondary[k : k + 2], 16) for k in (1, 3, 5)]
    assert np.abs(shown - colour).max(axis=2).min() < 40
    hover(page.strips, QPoint(300, 60))
    click(page.strips, QPoint(300, 60))
    by_tab(page.strips)
    key(page.strips, Qt.Key.Key_Right)


def test_an_empty_page_bears_every_hand(qtbot, state):
    page = ImagePage(state)
    qtbot.addWidget(page)
    page.resize(700, 500)
    page.show()
    page.set_t(0)
    settle()
    for face in ("picture", "attention", "slice"):
        page.set_scene(ImageScene(face=face))
        for card in page.cards:
            for place in (QPoint(5, 5), QPoint(100, 100), card.rect().center()):
                hover(card, place)
                click(card, place)
                click(card, place, SHIFT)
            by_tab(card)
            key(card, Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_Home, Qt.Key.Key_Plus)
            wheel(card, QPoint(50, 80), 1)
    assert state.get(IMAGE_SAMPLING).a is None
    assert isinstance(page, QWidget)


def test_stop_is_there_while_something_is_sampled(page, state, scene):
    button = page.samples.stop_button
    assert button.accessibleName() == "Stop sampling"
    assert not button.isVisible()
    hover(page.strips, QPoint(300, 60))
    for run_key in (SAMPLES_KEY, shown_lanes(state)[0].key):
        state.put(LANE_RUNS, run_key, LaneRun(scene.tiles.trajectory, status="running"))
        assert button.isVisible()
        shown, place = rgb(page.samples), button.pos()
        middle = button.geometry().center()
        ground = shown[place.y() + 1, place.x() + 1]
        assert np.abs(shown[middle.y(), middle.x()] - ground).max() > 40  # not pointed at
        hover(page.samples, tile(page, 3))
        assert button.pos() == place
        hover(page.strips, QPoint(300, 60))
        state.put(LANE_RUNS, run_key, LaneRun(scene.tiles.trajectory))
        assert not button.isVisible()
    lane = shown_lanes(state)[0]
    state.put(LANE_RUNS, lane.key, LaneRun(status="running"))
    state.set(LANES, [replace(one, shown=one is not lane) for one in state.get(LANES)])
    assert not button.isVisible()
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun(status="running"))
    show_model(state, replace(state.get(MODEL), shape=(2,)))
    assert not button.isVisible()


def test_a_click_on_stop_and_escape_ask_to_stop(page, state, scene):
    asked = []
    page.stop_requested.connect(lambda: asked.append(True))
    by_tab(page.samples)
    key(page.samples, Qt.Key.Key_Escape)
    assert not asked
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun(scene.tiles.trajectory, status="running"))
    key(page.samples, Qt.Key.Key_Escape)
    assert len(asked) == 1
    click(page.samples.stop_button, page.samples.stop_button.rect().center())
    assert len(asked) == 2
    by_tab(page.samples.stop_button)
    key(page.samples.stop_button, Qt.Key.Key_Escape)
    assert len(asked) == 3
    key(page.samples.stop_button, Qt.Key.Key_Space)
    assert len(asked) == 4
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun(scene.tiles.trajectory))
    assert page.samples.hasFocus()  # not a button beside it, which the next Space would press


def test_escape_goes_on_to_the_page_when_nothing_is_sampled(page, state):
    state.update(LOOK, maximised_lane=TILES)
    by_tab(page.samples)
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun(status="running"))
    key(page.samples, Qt.Key.Key_Escape)
    assert state.get(LOOK).maximised_lane == TILES
    state.put(LANE_RUNS, SAMPLES_KEY, LaneRun())
    key(page.samples, Qt.Key.Key_Escape)
    assert state.get(LOOK).maximised_lane == ""
