"""The canvas, used as a user does: with the mouse, the wheel and the keyboard."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from engine.shared.trajectory import Trajectory
from toydiff_gui.canvas.hint import HintCard
from toydiff_gui.modes.points.canvas.lane_grid import LaneGrid
from toydiff_gui.modes.points.drawing.shown_plane import default_view
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.model import ModelInfo, show_model
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, LOOK
from toydiff_gui.style import theme
from toydiff_gui.style.theme import DARK, LIGHT, Theme

LEFT = Qt.MouseButton.LeftButton
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
TIMES = (250, 125, 60, 0)
PIXEL = 0.04
"""Two pixels in standardised units, at the size of these tests."""


@pytest.fixture(autouse=True)
def _dark_theme(qapp):
    theme.set_theme(Theme())
    yield
    theme.set_theme(Theme())


@pytest.fixture(autouse=True)
def _no_old_windows(qapp):
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


def scene_of(state, *, lanes=3, points=40, joined=True, **fields):
    """What the window would show: the path and a few lanes that shrink it towards the data."""
    sampling = state.get(SAMPLING)
    path = np.linspace(sampling.a, sampling.b, points).astype(np.float32)
    if not joined:
        path = np.random.default_rng(0).normal(0, 1, (points, 2)).astype(np.float32)
    endpoints = (sampling.a, sampling.b) if joined else None
    latent = LaneScene(
        "latent", 1, "Latent x_T", kind="latent", latents=path, joined=joined, endpoints=endpoints
    )
    shown = [latent]
    for number in range(2, lanes + 2):
        frames = [path * (1 - 0.1 * index * number / 3) for index in range(len(TIMES))]
        trajectory = Trajectory(list(TIMES), frames, frames)
        shown.append(
            LaneScene(
                f"lane{number}",
                number,
                f"Lane {number}",
                trajectory=trajectory,
                joined=joined,
                **fields,
            )
        )
    return Scene(tuple(shown), 250, np.linspace(1, 0.1, 251))


class Canvas:
    """A canvas in a window of its own, whose scene follows the endpoints."""

    def __init__(self, qtbot, **options):
        self.qtbot = qtbot
        self.options = options
        self.state = Store()
        self.grid = LaneGrid(self.state)
        qtbot.addWidget(self.grid)
        self.grid.resize(800, 640)
        self.painted = []
        self.grid.frame_painted.connect(self.painted.append)
        self.state.changed(SAMPLING).connect(self.rebuild)
        self.rebuild()
        self.grid.show()
        qtbot.waitExposed(self.grid)
        self.settle()

    def rebuild(self):
        self.grid.set_scene(scene_of(self.state, **self.options))

    def settle(self):
        """Let what is due be painted."""
        for _ in range(4):
            QApplication.processEvents()

    def view(self, key="latent"):
        return self.grid.lane_view(key)

    def plot(self, key="latent"):
        return self.view(key).plot

    def handle(self, end=0):
        return self.view().handles.handles[end]

    def place(self, x, y, key="latent"):
        """Where (x, y) lies in the plot, in whole pixels."""
        return self.plot(key).transform_of_plot().point(x, y).toPoint()

    def send(self, widget, kind, position, buttons=LEFT, modifiers=NO_MODIFIER, button=LEFT):
        local = QPointF(position)
        spot = QPointF(widget.mapToGlobal(QPoint(0, 0))) + local
        event = QMouseEvent(kind, local, spot, button, buttons, modifiers)
        QApplication.sendEvent(widget, event)

    def press(self, widget, position, **options):
        self.send(widget, QEvent.Type.MouseButtonPress, position, **options)

    def move(self, widget, position, **options):
        options.setdefault("button", Qt.MouseButton.NoButton)
        self.send(widget, QEvent.Type.MouseMove, position, **options)

    def release(self, widget, position, **options):
        options.setdefault("buttons", Qt.MouseButton.NoButton)
        self.send(widget, QEvent.Type.MouseButtonRelease, position, **options)

    def click(self, position, key="latent"):
        viewport = self.plot(key).viewport()
        self.press(viewport, position)
        self.release(viewport, position)
        self.settle()

    def double_click(self, position, key="latent"):
        viewport = self.plot(key).viewport()
        self.press(viewport, position)
        self.release(viewport, position)
        self.send(viewport, QEvent.Type.MouseButtonDblClick, position)
        self.release(viewport, position)
        self.settle()

    def drag_handle(self, end, x, y, modifiers=NO_MODIFIER, let_go=True):
        """Take the disc by its middle and carry it to (x, y)."""
        handle = self.handle(end)
        centre = QPoint(handle.width() // 2, handle.height() // 2)
        self.press(handle, centre)
        viewport = self.plot().viewport()
        start = viewport.mapFromGlobal(handle.mapToGlobal(centre))
        target = self.place(x, y)
        for share in (0.3, 0.7, 1.0):
            spot = QPointF(start) + (QPointF(target) - QPointF(start)) * share
            # The handle moves along, so the position within it does as well.
            local = handle.mapFrom(viewport, spot.toPoint())
            self.move(handle, local, modifiers=modifiers)
        if let_go:
            self.release(handle, handle.mapFrom(viewport, target))
        self.settle()

    def drag_plot(self, key, by):
        viewport = self.plot(key).viewport()
        start = QPoint(60, 40)
        self.press(viewport, start)
        for share in (0.2, 0.5, 1.0):
            self.move(viewport, start + QPoint(round(by[0] * share), round(by[1] * share)))
        self.release(viewport, start + QPoint(*by))
        self.settle()

    def wheel(self, key, position, steps):
        viewport = self.plot(key).viewport()
        spot = QPointF(viewport.mapToGlobal(position))
        event = QWheelEvent(
            QPointF(position),
            spot,
            QPoint(),
            QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton,
            NO_MODIFIER,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, event)
        self.settle()

    def key(self, widget, key, modifiers=NO_MODIFIER):
        self.qtbot.keyClick(widget, key, modifiers)
        self.settle()

    def range(self, key):
        return self.plot(key).box.shown()

    def pixel(self, key, position):
        """The colour on the screen at a place of a plot."""
        viewport = self.plot(key).viewport()
        spot = viewport.mapTo(self.grid, position)
        return self.grid.grab(QRect(spot, spot)).toImage().pixelColor(0, 0)

    def is_near(self, key, position, colour):
        seen, expected = self.pixel(key, position), QColor(colour)
        return all(
            abs(one - other) < 24
            for one, other in zip(seen.getRgb()[:3], expected.getRgb()[:3], strict=True)
        )


@pytest.fixture
def canvas(qtbot):
    return Canvas(qtbot)


def beside(position):
    """On the disc but off its letter."""
    return position - QPoint(7, 0)


# Endpoints


def test_dragging_a_moves_it_in_the_state_and_on_the_screen(canvas):
    before = canvas.place(-1.0, 2.0)
    assert canvas.is_near("latent", beside(before), DARK.endpoint_a)
    canvas.drag_handle(0, 1.0, 0.5)
    x, y = canvas.state.get(SAMPLING).a
    assert (x, y) == pytest.approx((1.0, 0.5), abs=PIXEL)
    assert (x, y) == (round(x, 2), round(y, 2))
    assert canvas.state.get(SAMPLING).b == (-1.0, -2.0)
    assert canvas.is_near("latent", beside(canvas.place(x, y)), DARK.endpoint_a)
    assert not canvas.is_near("latent", beside(before), DARK.endpoint_a)


def test_lanes_hear_of_a_drag_while_it_lasts(canvas):
    heard = []
    canvas.state.changed(DRAGGING).connect(lambda: heard.append(canvas.state.get(DRAGGING)))
    canvas.drag_handle(1, 0.0, -1.0, let_go=False)
    assert heard == [True]
    assert canvas.handle(1).active
    canvas.release(canvas.handle(1), QPoint(20, 20))
    assert heard == [True, False]


def test_a_press_without_a_move_is_no_drag(canvas):
    heard = []
    canvas.state.changed(DRAGGING).connect(lambda: heard.append(canvas.state.get(DRAGGING)))
    canvas.state.changed(SAMPLING).connect(lambda: heard.append("moved"))
    handle = canvas.handle(0)
    # Off the middle: the disc must not jump to the pointer.
    canvas.press(handle, QPoint(15, 24))
    canvas.release(handle, QPoint(15, 24))
    assert heard == []
    assert canvas.state.get(SAMPLING).a == (-1.0, 2.0)


@pytest.mark.parametrize(
    ("target", "expected"), [((1.0, 1.8), (1.0, 2.0)), ((-0.8, 0.0), (-1.0, 0.0))]
)
def test_shift_keeps_to_the_line_through_where_the_drag_began(canvas, target, expected):
    canvas.drag_handle(0, *target, modifiers=SHIFT)
    assert canvas.state.get(SAMPLING).a == pytest.approx(expected, abs=PIXEL)
    fixed = 1 if expected[1] == 2.0 else 0
    assert canvas.state.get(SAMPLING).a[fixed] == expected[fixed]


def test_escape_takes_a_drag_back(canvas):
    canvas.drag_handle(0, 1.0, 1.0, let_go=False)
    assert canvas.state.get(SAMPLING).a != (-1.0, 2.0)
    canvas.key(canvas.handle(0), Qt.Key.Key_Escape)
    assert canvas.state.get(SAMPLING).a == (-1.0, 2.0)
    assert not canvas.state.get(DRAGGING)


def test_a_drag_ends_where_the_plot_ends(canvas):
    canvas.drag_handle(0, 90.0, 0.0)
    view = canvas.range("latent")
    assert canvas.state.get(SAMPLING).a[0] == pytest.approx(view.x1, abs=0.05)


def test_arrow_keys_nudge(canvas):
    handle = canvas.handle(0)
    canvas.key(handle, Qt.Key.Key_Right)
    assert canvas.state.get(SAMPLING).a == (-0.99, 2.0)
    canvas.key(handle, Qt.Key.Key_Up, SHIFT)
    assert canvas.state.get(SAMPLING).a == (-0.99, 2.1)
    canvas.key(canvas.handle(1), Qt.Key.Key_Left)
    canvas.key(canvas.handle(1), Qt.Key.Key_Down)
    assert canvas.state.get(SAMPLING).b == (-1.01, -2.01)


def test_arrow_keys_do_not_step_through_time_while_a_handle_has_them(canvas):
    for key, kept in ((Qt.Key.Key_Left, True), (Qt.Key.Key_Space, False)):
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, NO_MODIFIER)
        event.ignore()
        QApplication.sendEvent(canvas.handle(0), event)
        assert event.isAccepted() is kept


def test_a_place_that_the_state_refuses_is_told(canvas, qtbot):
    canvas.state.update(SAMPLING, a=(1000.0, 0.0))
    with qtbot.waitSignal(canvas.state.message_posted) as told:
        canvas.key(canvas.handle(0), Qt.Key.Key_Right)
    assert "1000.01" in told.args[0]
    assert told.args[1] is True
    assert canvas.state.get(SAMPLING).a == (1000.0, 0.0)


def test_tab_goes_from_the_lane_to_a_and_on_to_b(canvas, qtbot):
    canvas.view().setFocus(Qt.FocusReason.TabFocusReason)
    names = []
    for _ in range(7):
        names.append(QApplication.focusWidget().accessibleName())
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert names == [
        "Lane 1: Latent x T",
        "Endpoint A",
        "Endpoint B",
        "Show this lane alone",
        "Reset the view",
        "Gaps and norms along the path",
        "Lane 2: Lane 2",
    ]
    assert canvas.handle(0).accessibleDescription() == "x −1, y 2"


def test_a_click_places_the_nearer_endpoint(canvas):
    canvas.click(canvas.place(0.5, 1.0))
    assert canvas.state.get(SAMPLING).a == pytest.approx((0.5, 1.0), abs=PIXEL)
    assert canvas.state.get(SAMPLING).b == (-1.0, -2.0)
    canvas.click(canvas.place(1.5, -1.5))
    assert canvas.state.get(SAMPLING).b == pytest.approx((1.5, -1.5), abs=PIXEL)


def test_a_click_in_another_lane_places_nothing(canvas):
    canvas.click(canvas.place(0.5, 1.0, "lane2"), "lane2")
    assert canvas.state.get(SAMPLING) == Store().get(SAMPLING)


def test_samples_have_no_endpoints(qtbot):
    canvas = Canvas(qtbot, joined=False)
    assert not canvas.handle(0).isVisible()
    canvas.click(canvas.place(0.5, 1.0))
    assert canvas.state.get(SAMPLING) == Store().get(SAMPLING)


def test_the_halo_shows_under_the_pointer(canvas):
    rim = canvas.place(-1.0, 2.0) - QPoint(14, 0)
    canvas.qtbot.mouseMove(canvas.view("lane2").header, QPoint(5, 5))
    canvas.settle()
    before = canvas.pixel("latent", rim)
    handle = canvas.handle(0)
    canvas.qtbot.mouseMove(handle, handle.rect().center())
    canvas.settle()
    assert canvas.pixel("latent", rim).red() > before.red() + 40
    canvas.qtbot.mouseMove(canvas.plot("lane2").viewport(), QPoint(5, 5))
    canvas.settle()
    assert canvas.pixel("latent", rim) == before


# The view


def test_the_wheel_zooms_all_lanes_about_the_pointer(canvas):
    spot = QPoint(90, 70)
    before = canvas.plot("lane2").to_data(QPointF(spot))
    wide = canvas.range("lane2")
    canvas.wheel("lane2", spot, 3)
    assert canvas.plot("lane2").to_data(QPointF(spot)) == pytest.approx(before, abs=1e-6)
    ranges = [canvas.range(key) for key in ("latent", "lane2", "lane3", "lane4")]
    for other in ranges:
        assert np.allclose(list(vars(other).values()), list(vars(ranges[0]).values()))
    assert ranges[0].x1 - ranges[0].x0 < 0.95 * (wide.x1 - wide.x0)


def test_dragging_pans_all_lanes_and_moves_no_endpoint(canvas):
    spot = QPoint(90, 70)
    held = canvas.plot("latent").to_data(QPointF(spot))
    canvas.drag_plot("latent", (40, 30))
    for key in ("latent", "lane3"):
        moved = canvas.plot(key).to_data(QPointF(spot + QPoint(40, 30)))
        assert moved == pytest.approx(held, abs=1e-6)
    assert canvas.state.get(SAMPLING) == Store().get(SAMPLING)
    # The discs come along.
    assert canvas.is_near("latent", beside(canvas.place(-1.0, 2.0)), DARK.endpoint_a)
    centre = canvas.handle(0).geometry().center()
    assert (centre - canvas.place(-1.0, 2.0)).manhattanLength() <= 3


@pytest.mark.parametrize("way", ["double click", "icon", "key", "call"])
def test_the_view_can_be_reset(canvas, way):
    usual = canvas.range("lane2")
    canvas.wheel("lane2", QPoint(60, 60), -4)
    assert canvas.range("lane3") != usual
    if way == "double click":
        canvas.double_click(canvas.place(1.0, 0.0, "lane3"), "lane3")
    elif way == "icon":
        canvas.qtbot.mouseClick(canvas.view("lane3").header.reset, LEFT)
    elif way == "key":
        canvas.key(canvas.view("lane3"), Qt.Key.Key_0)
    else:
        canvas.grid.reset_view()
    canvas.settle()
    for key in ("latent", "lane2", "lane3"):
        assert vars(canvas.range(key)) == pytest.approx(vars(usual))


def test_a_double_click_among_the_latents_places_nothing(canvas):
    usual = canvas.range("latent")
    canvas.wheel("latent", QPoint(60, 60), 3)
    canvas.double_click(QPoint(200, 100))
    assert canvas.state.get(SAMPLING) == Store().get(SAMPLING)
    assert vars(canvas.range("latent")) == pytest.approx(vars(usual))


def test_keys_zoom_and_pan(canvas):
    view = canvas.view("lane2")
    before = canvas.range("lane2")
    canvas.key(view, Qt.Key.Key_Plus)
    near = canvas.range("lane2")
    assert near.x1 - near.x0 == pytest.approx((before.x1 - before.x0) / 1.25)
    canvas.key(view, Qt.Key.Key_Minus)
    canvas.key(view, Qt.Key.Key_Right, CONTROL)
    assert canvas.range("lane3").x0 > before.x0


def test_a_unit_is_as_long_in_x_as_in_y_at_any_size(canvas):
    for size in ((800, 640), (600, 640), (1000, 420), (430, 800)):
        canvas.grid.resize(*size)
        canvas.settle()
        for key in ("latent", "lane2"):
            view, viewport = canvas.range(key), canvas.plot(key).viewport()
            assert (view.x1 - view.x0) / viewport.width() == pytest.approx(
                (view.y1 - view.y0) / viewport.height()
            )
            default = default_view(canvas.grid.scene.lanes)
            assert view.x0 <= default.x0 + 1e-9
            assert view.y1 >= default.y1 - 1e-9


@pytest.mark.parametrize("lanes", [1, 3])
def test_going_to_and_fro_does_not_zoom_out(qtbot, lanes):
    canvas = Canvas(qtbot, lanes=lanes)  # two tall lanes or four flat ones; alone it is between
    canvas.drag_plot("lane2", (10, 5))
    before = canvas.range("lane2")
    for _ in range(3):
        canvas.state.update(LOOK, maximised_lane="lane2")
        canvas.settle()
        canvas.drag_plot("lane2", (10, 5))
        canvas.drag_plot("lane2", (-10, -5))
        canvas.state.update(LOOK, maximised_lane="")
        canvas.settle()
    assert vars(canvas.range("lane2")) == pytest.approx(vars(before), abs=1e-6)


def test_other_data_bring_their_own_view_unless_it_was_moved(canvas):
    far = np.array([[5.0, 5.0], [-5.0, -5.0]], np.float32)
    canvas.options["data"] = far
    canvas.rebuild()
    canvas.settle()
    assert canvas.range("lane2").y1 > 5.0
    canvas.wheel("lane2", QPoint(60, 60), 2)
    moved = canvas.range("lane2")
    canvas.options["data"] = far / 2
    canvas.rebuild()
    canvas.settle()
    assert canvas.range("lane2") == moved


# Lanes


def test_lanes_tile_the_canvas(canvas):
    rects = [canvas.view(key).geometry() for key in ("latent", "lane2", "lane3", "lane4")]
    assert [(rect.left(), rect.top()) for rect in rects] == [(0, 0), (404, 0), (0, 324), (404, 324)]
    assert {(rect.width(), rect.height()) for rect in rects} == {(396, 316)}
    canvas.options["lanes"] = 0
    canvas.rebuild()
    assert canvas.view("latent").geometry() == canvas.grid.rect()
    canvas.options["lanes"] = 8
    canvas.rebuild()
    assert len({canvas.view(lane.key).x() for lane in canvas.grid.scene.lanes}) == 3


def test_a_click_selects_the_lane(canvas):
    assert canvas.state.get(LOOK).selected_lane == "ddim"
    canvas.click(QPoint(50, 50), "lane2")
    assert canvas.state.get(LOOK).selected_lane == "lane2"
    canvas.qtbot.mouseClick(canvas.view("lane3").header, LEFT, pos=QPoint(120, 20))
    assert canvas.state.get(LOOK).selected_lane == "lane3"
    canvas.key(canvas.view("lane4"), Qt.Key.Key_Return)
    assert canvas.state.get(LOOK).selected_lane == "lane4"
    border = canvas.view("lane4")
    image = canvas.grid.grab(border.geometry()).toImage()
    seen = image.pixelColor(border.width() // 2, border.height() - 1)
    assert abs(seen.green() - QColor(DARK.accent).green()) < 30
    assert canvas.view("lane3").geometry().isValid()


def test_one_lane_alone_and_back(canvas):
    canvas.qtbot.mouseClick(canvas.view("lane3").header.expand, LEFT)
    assert canvas.state.get(LOOK).maximised_lane == "lane3"
    assert canvas.view("lane3").geometry() == canvas.grid.rect()
    assert not canvas.view("lane2").isVisible()
    assert canvas.view("lane3").header.expand.accessibleName() == "Show all lanes"
    canvas.view("lane3").setFocus()
    canvas.key(canvas.view("lane3"), Qt.Key.Key_Escape)
    assert canvas.state.get(LOOK).maximised_lane == ""
    assert canvas.view("lane2").isVisible()
    canvas.state.update(LOOK, maximised_lane="a lane that is not shown")
    assert canvas.view("lane2").isVisible()


def test_the_icons_show_when_the_lane_is_looked_at(canvas):
    header = canvas.view("lane2").header
    corner = QRect(header.reset.geometry().translated(header.mapTo(canvas.grid, QPoint(0, 0))))

    def ink():
        image = canvas.grid.grab(corner).toImage()
        panel = QColor(DARK.panel)
        return sum(
            abs(image.pixelColor(x, y).green() - panel.green()) > 40
            for x in range(image.width())
            for y in range(image.height())
        )

    canvas.qtbot.mouseMove(canvas.view("lane4").header, QPoint(5, 5))
    canvas.settle()
    assert ink() == 0
    header.reset.setFocus(Qt.FocusReason.TabFocusReason)
    canvas.settle()
    assert ink() > 10
    canvas.view("lane3").setFocus()
    canvas.settle()
    assert ink() == 0


def test_the_read_out_tells_both_units_and_the_point(canvas):
    show_model(canvas.state, ModelInfo(ref="v", dataset="v", mean=(10.0, -4.0), std=(2.0, 0.5)))
    told = []
    canvas.grid.cursor_text.connect(told.append)
    x, y = canvas.grid.scene.lane("lane2").points_at(250)[7]
    spot = canvas.place(float(x), float(y), "lane2")
    canvas.move(canvas.plot("lane2").viewport(), spot, buttons=Qt.MouseButton.NoButton)
    canvas.settle()
    label = canvas.view("lane2").findChild(QLabel, "cursor-readout")
    assert label.isVisible()
    at = canvas.plot("lane2").to_data(QPointF(spot))
    minus = "\N{MINUS SIGN}"
    assert f"x {at[0]:.2f}  y {at[1]:.2f}".replace("-", minus) in label.text()
    assert f"data {10 + 2 * at[0]:.2f}, {-4 + 0.5 * at[1]:.2f}".replace("-", minus) in label.text()
    assert "point 8 of 40" in label.text()
    assert told[-1] == label.text()
    canvas.move(
        canvas.plot("lane2").viewport(), spot + QPoint(60, 0), buttons=Qt.MouseButton.NoButton
    )
    assert "point" not in label.text()
    QApplication.sendEvent(canvas.plot("lane2"), QEvent(QEvent.Type.Leave))
    assert not label.isVisible()
    assert told[-1] == ""


# Painting


def paints(canvas):
    """Counts the paintings of each lane from now on."""
    counts = {}
    for lane in canvas.grid.scene.lanes:
        counts[lane.key] = 0

        def count(key=lane.key):
            counts[key] += 1

        canvas.view(lane.key).painted.connect(count)
    return counts


def test_the_frame_of_t_is_painted_and_told(canvas):
    canvas.painted.clear()
    with canvas.qtbot.waitSignal(canvas.grid.frame_painted) as told:
        canvas.grid.set_t(60)
    assert told.args == [60]
    x, y = canvas.grid.scene.lane("lane2").points_at(60)[0]
    assert canvas.is_near("lane2", canvas.place(float(x), float(y), "lane2"), DARK.endpoint_a)


def test_many_times_between_two_frames_are_painted_once(canvas):
    counts = paints(canvas)
    before = canvas.grid.frames_painted
    for t in (200, 125, 100, 60, 30):
        canvas.grid.set_t(t)
    with canvas.qtbot.waitSignal(canvas.grid.frame_painted) as told:
        pass
    canvas.settle()
    assert told.args == [30]
    assert counts == {"latent": 0, "lane2": 1, "lane3": 1, "lane4": 1}
    # 200 shows the frame of 250 still: that one was told without painting.
    assert canvas.grid.frames_painted == before + 2


def test_nothing_is_painted_when_nothing_changes(canvas):
    canvas.grid.set_t(60)
    canvas.settle()
    counts = paints(canvas)
    canvas.grid.set_t(60)
    canvas.grid.set_t(45)  # the sampler has no state between 60 and 0
    scene = canvas.grid.scene
    canvas.grid.set_scene(replace(scene, title="another title"))
    canvas.grid.set_scene(Scene(tuple(replace(lane) for lane in scene.lanes), 250))
    canvas.settle()
    assert set(counts.values()) == {0}
    assert canvas.grid.t == 45


def test_only_the_lane_that_changes_is_painted(canvas):
    counts = paints(canvas)
    scene = canvas.grid.scene
    changed = replace(scene.lanes[2], message="failed", status="failed")
    canvas.grid.set_scene(replace(scene, lanes=(*scene.lanes[:2], changed, *scene.lanes[3:])))
    canvas.settle()
    assert counts == {"latent": 0, "lane2": 0, "lane3": 1, "lane4": 0}


def test_another_note_leaves_the_plot_alone(canvas):
    counts = paints(canvas)
    scene = canvas.grid.scene
    view = canvas.view("lane2")
    before = canvas.grid.grab(view.geometry()).toImage()
    canvas.settle()
    counts.update(dict.fromkeys(counts, 0))
    noted = replace(scene.lanes[1], note="250 steps · 52 ms")
    canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], noted, *scene.lanes[2:])))
    canvas.settle()
    assert set(counts.values()) == {0}
    assert canvas.grid.grab(view.geometry()).toImage() != before


def test_a_trajectory_that_grows_is_shown_as_it_comes(canvas):
    scene = canvas.grid.scene
    full = scene.lanes[1].trajectory
    growing = Trajectory(list(TIMES), full.x[:2], full.x0[:2])
    lane = replace(scene.lanes[1], trajectory=growing)
    scene = replace(scene, lanes=(scene.lanes[0], lane))
    canvas.grid.set_scene(scene)
    canvas.grid.set_t(0)
    canvas.settle()
    counts = paints(canvas)
    grown = replace(lane, trajectory=growing.with_frame(full.x[2], full.x0[2]))
    canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], grown)))
    canvas.settle()
    assert counts["lane2"] == 1
    x, y = full.x[2][-1]
    assert canvas.is_near("lane2", canvas.place(float(x), float(y), "lane2"), DARK.endpoint_b)


def test_frames_that_arrive_later_leave_the_plot_alone(canvas):
    canvas.grid.set_t(250)
    scene = canvas.grid.scene
    full = scene.lanes[1].trajectory
    begun = replace(scene.lanes[1], trajectory=Trajectory(full.t, full.x[:1], full.x0[:1]))
    canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], begun)))
    canvas.settle()
    counts = paints(canvas)
    for frames in range(2, len(full.t) + 1):
        grown = Trajectory(full.t, full.x[:frames], full.x0[:frames])
        lane = replace(begun, trajectory=grown)
        canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], lane)))
        canvas.settle()
    assert set(counts.values()) == {0}
    canvas.grid.set_t(0)  # which has come meanwhile
    canvas.settle()
    x, y = full.x[-1][-1]
    assert canvas.is_near("lane2", canvas.place(float(x), float(y), "lane2"), DARK.endpoint_b)
    pinned = [replace(lane, pinned=3) for lane in (begun, scene.lanes[1])]
    canvas.grid.set_t(250)
    canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], pinned[0])))
    canvas.settle()
    counts["lane2"] = 0
    canvas.grid.set_scene(replace(scene, lanes=(scene.lanes[0], pinned[1])))
    canvas.settle()
    assert counts["lane2"] == 1  # the way of the pinned point is longer


def test_latents_that_come_once_more_leave_the_plot_alone(canvas):
    counts = paints(canvas)
    scene = canvas.grid.scene
    again = replace(scene.lanes[0], latents=scene.lanes[0].latents.copy())
    canvas.grid.set_scene(replace(scene, lanes=(again, *scene.lanes[1:])))
    canvas.settle()
    assert set(counts.values()) == {0}
    moved = replace(again, latents=again.latents + np.float32(0.1))
    canvas.grid.set_scene(replace(scene, lanes=(moved, *scene.lanes[1:])))
    canvas.settle()
    assert counts == {"latent": 1, "lane2": 0, "lane3": 0, "lane4": 0}


def test_a_lane_that_goes_takes_its_waiting_along(canvas):
    canvas.grid.set_t(60)
    canvas.options["lanes"] = 1
    canvas.rebuild()
    canvas.settle()
    assert canvas.painted[-1] == 60
    assert canvas.view("lane3") is None


def test_another_theme_repaints_everything(canvas):
    spot = QPoint(30, 20)
    assert canvas.is_near("lane2", spot, DARK.canvas)
    theme.set_theme(Theme(LIGHT, False))
    canvas.settle()
    assert canvas.is_near("lane2", spot, LIGHT.canvas)
    assert canvas.is_near("latent", beside(canvas.place(-1.0, 2.0)), LIGHT.endpoint_a)
    height = canvas.view("lane2").header.height()
    theme.set_theme(Theme(LIGHT, False, 1.35, 1.6))
    canvas.settle()
    assert canvas.view("lane2").header.height() == round(1.35 * height)


def test_the_hint_is_whole_where_it_is_narrow_from_the_start(qtbot):
    room = QWidget()
    qtbot.addWidget(room)
    room.resize(408, 500)
    card = HintCard(room)
    room.show()
    qtbot.waitExposed(room)
    assert card.text.wordWrap()
    assert card.text.height() >= card.text.heightForWidth(card.text.width())
    assert room.rect().contains(card.geometry())


def test_the_hint_goes_when_it_is_dismissed(canvas, qtbot):
    card = canvas.grid.show_hint()
    canvas.settle()
    assert card.isVisible()
    assert canvas.grid.rect().contains(card.geometry())
    assert "Drag A and B" in card.text.text()
    canvas.grid.resize(420, 380)
    canvas.settle()
    assert canvas.grid.rect().contains(card.geometry())
    assert card.text.height() >= card.text.heightForWidth(card.text.width())
    with qtbot.waitSignal(card.dismissed):
        qtbot.mouseClick(card.button, LEFT)
    assert not card.isVisible()


def test_time_that_moves_on_while_a_new_picture_is_painted_is_told_as_painted(canvas):
    canvas.grid.set_t(200)
    canvas.settle()
    keys = [lane.key for lane in canvas.grid.scene.lanes]
    painted = set()

    def move_on(key):
        painted.add(key)
        if painted == set(keys):
            canvas.grid.set_t(199)  # of the same frames: nothing is painted again for it

    for key in keys:
        canvas.view(key).painted.connect(lambda key=key: move_on(key))
    canvas.state.update(SAMPLING, a=(0.5, 0.5))  # every lane is to be painted
    canvas.settle()
    assert painted == set(keys)
    assert canvas.painted[-1] == 199
