"""Strips, way-points, picking and a lane's menu, used as a user does."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication

from engine.shared.config import MAX_WAY_POINTS
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.points.canvas.lane_grid import LaneGrid
from toydiff_gui.modes.points.canvas.way_points import insertion
from toydiff_gui.modes.points.drawing.lane_strips import strip_scales
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.state.lanes import LANES, MAX_LANES, LaneSpec, lane_of, shown_lanes
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, LOOK, MARKED, PINNED
from toydiff_gui.style import theme
from toydiff_gui.style.theme import DARK, Theme

LEFT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
PRIOR = (0.225, 1.177, 2.716)
COUNT = 41


@pytest.fixture(autouse=True)
def _dark_theme(qapp):
    theme.set_theme(Theme())
    yield
    theme.set_theme(Theme())


class Lab:
    """A canvas whose scene follows the state, as the window's does."""

    def __init__(self, qtbot, **fields):
        self.qtbot = qtbot
        self.fields = fields
        self.latent_fields = {}
        self.state = Store()
        self.state.set(LANES, (LaneSpec("one"), LaneSpec("two")))
        self.grid = LaneGrid(self.state)
        qtbot.addWidget(self.grid)
        self.grid.resize(1000, 640)
        data = np.random.default_rng(0).uniform(-2, 2, (300, 2)).astype(np.float32)
        self.data = data
        times = (250, 125, 0)
        self.runs = {}
        for scale, key in ((0.9, "one"), (0.6, "two")):
            frames = [self.path() * (scale**k) for k in range(3)]
            self.runs[key] = Trajectory(list(times), frames, frames)
        for signal in (
            self.state.changed(SAMPLING),
            self.state.changed(MARKED),
            self.state.changed(PINNED),
            self.state.changed(INVERSION),
            self.state.changed(LANES),
        ):
            signal.connect(self.rebuild)
        self.rebuild()
        self.grid.show()
        qtbot.waitExposed(self.grid)
        self.settle()

    def path(self):
        sampling = self.state.get(SAMPLING)
        return np.linspace(sampling.a, sampling.b, COUNT).astype(np.float32)

    def rebuild(self):
        state, path = self.state, self.path()
        common = {
            "joined": True,
            "marked": state.get(MARKED),
            "pinned": state.get(PINNED),
            "latent_norms": np.linalg.norm(path, axis=1).astype(np.float64),
            "prior_norms": PRIOR,
            **self.fields,
        }
        latent = LaneScene(
            "latent",
            1,
            "Latent x_T",
            kind="latent",
            latents=path,
            endpoints=(state.get(SAMPLING).a, state.get(SAMPLING).b),
            way_points=state.get(SAMPLING).through,
            **common,
            **self.latent_fields,
        )
        lanes = [
            LaneScene(
                spec.key,
                number,
                "DDIM",
                trajectory=self.runs[spec.key],
                data=self.data,
                picked=state.get(INVERSION).data if len(state.get(INVERSION).data) else None,
                **common,
            )
            for number, spec in enumerate(shown_lanes(state), start=2)
            if spec.key in self.runs
        ]
        self.grid.set_scene(Scene((latent, *lanes), 250, np.linspace(1, 0.1, 251)))

    def settle(self):
        for _ in range(4):
            QApplication.processEvents()

    def view(self, key="one"):
        return self.grid.lane_view(key)

    def strips(self, key="one"):
        return self.view(key).strips

    def on_strip(self, index, key="one"):
        strips = self.strips(key)
        return QPoint(round(strips.layout_of_strips().x_of(index)), strips.height() // 2)

    def send(self, widget, kind, spot, button=NO_BUTTON, buttons=NO_BUTTON):
        local = QPointF(spot)
        event = QMouseEvent(kind, local, QPointF(widget.mapToGlobal(spot)), button, buttons, NONE)
        QApplication.sendEvent(widget, event)
        self.settle()

    def hover(self, index, key="one"):
        self.send(self.strips(key), QEvent.Type.MouseMove, self.on_strip(index, key))

    def leave(self, key="one"):
        QApplication.sendEvent(self.strips(key), QEvent(QEvent.Type.Leave))
        self.settle()

    def click_strip(self, index, key="one"):
        self.qtbot.mouseClick(self.strips(key), LEFT, pos=self.on_strip(index, key))
        self.settle()

    def key(self, widget, key, modifiers=NONE):
        self.qtbot.keyClick(widget, key, modifiers)
        self.settle()

    def place(self, x, y, key="latent"):
        return self.view(key).plot.transform_of_plot().point(x, y).toPoint()

    def click(self, x, y, key="latent"):
        self.qtbot.mouseClick(self.view(key).plot.viewport(), LEFT, pos=self.place(x, y, key))
        self.settle()

    def double_click(self, x, y, key="latent"):
        viewport, spot = self.view(key).plot.viewport(), self.place(x, y, key)
        self.qtbot.mouseClick(viewport, LEFT, pos=spot)
        self.send(viewport, QEvent.Type.MouseButtonDblClick, spot, LEFT, LEFT)
        self.send(viewport, QEvent.Type.MouseButtonRelease, spot, LEFT)

    def drag(self, handle, x, y, let_go=True):
        centre = handle.rect().center()
        self.send(handle, QEvent.Type.MouseButtonPress, centre, LEFT, LEFT)
        viewport = self.view("latent").plot.viewport()
        target = self.place(x, y)
        for share in (0.5, 1.0):
            start = handle.geometry().center()
            spot = QPointF(start) + (QPointF(target) - QPointF(start)) * share
            local = handle.mapFrom(viewport, spot.toPoint())
            self.send(handle, QEvent.Type.MouseMove, local, buttons=LEFT)
        if let_go:
            local = handle.mapFrom(viewport, target)
            self.send(handle, QEvent.Type.MouseButtonRelease, local, LEFT)

    def picture(self, key):
        return self.view(key).plot.viewport().grab().toImage()


@pytest.fixture
def lab(qtbot):
    return Lab(qtbot)


@pytest.fixture
def drawing(lab):
    """A canvas on which a path is drawn, with no way-point yet."""
    lab.latent_fields = {"drawing": True}
    lab.state.update(SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.0), path="drawn")
    lab.settle()
    return lab


# Strips


def test_pointing_at_a_strip_marks_the_point_in_all_lanes(lab):
    before = {key: lab.picture(key) for key in ("latent", "one", "two")}
    lab.hover(10)
    assert lab.state.get(MARKED) == 10
    for key in before:
        spot = lab.grid.scene.lane(key).points_at(250)[10]
        centre = lab.place(*map(float, spot), key=key)
        changed = [
            lab.picture(key).pixelColor(x, y) != before[key].pixelColor(x, y)
            for x in range(centre.x() - 7, centre.x() + 8)
            for y in range(centre.y() - 7, centre.y() + 8)
        ]
        assert sum(changed) > 30
    lab.leave()
    assert lab.state.get(MARKED) is None
    for key, image in before.items():
        assert lab.picture(key) == image


def test_only_the_lane_that_is_pointed_at_has_the_card(lab):
    def bright(key):
        image = lab.picture(key)
        plate = QColor(DARK.selected)
        return sum(
            abs(image.pixelColor(x, y).blue() - plate.blue()) < 3
            for x in range(0, image.width(), 2)
            for y in range(0, image.height(), 2)
        )

    before = {key: bright(key) for key in ("one", "two")}
    lab.hover(20)
    assert bright("one") > before["one"] + 200
    assert bright("two") < before["two"] + 100
    words = lab.strips().accessibleDescription()
    assert "Point 21 of 41" in words
    assert "gap" in words
    assert "norm" in words


def test_a_mark_repaints_nothing_but_the_marks(lab, monkeypatch):
    lab.hover(5)  # from here on the pictures are kept
    painted = []
    from toydiff_gui.modes.points.canvas import plot

    whole = plot.paint_lane
    monkeypatch.setattr(plot, "paint_lane", lambda *a, **k: (painted.append(1), whole(*a, **k)))
    for index in (6, 7, 30):
        lab.hover(index)
    assert lab.state.get(MARKED) == 30
    assert painted == []
    lab.grid.set_t(0)
    lab.settle()
    assert len(painted) == 2  # both lanes that move with time


def test_a_click_pins_a_second_lets_go(lab):
    lab.click_strip(10)
    assert lab.state.get(PINNED) == 10
    lab.click_strip(10, key="two")
    assert lab.state.get(PINNED) is None
    lab.click_strip(30)
    lab.click_strip(5)
    assert lab.state.get(PINNED) == 5
    lab.leave()
    assert lab.state.get(PINNED) == 5
    lab.view("two").setFocus()
    lab.key(lab.view("two"), Qt.Key.Key_Escape)
    assert lab.state.get(PINNED) is None


def test_a_drag_along_the_strip_marks_and_does_not_pin(lab):
    strips = lab.strips()
    lab.send(strips, QEvent.Type.MouseButtonPress, lab.on_strip(5), LEFT, LEFT)
    lab.send(strips, QEvent.Type.MouseMove, lab.on_strip(25), buttons=LEFT)
    assert lab.state.get(MARKED) == 25
    lab.send(strips, QEvent.Type.MouseButtonRelease, lab.on_strip(25), LEFT)
    assert lab.state.get(PINNED) is None
    assert lab.state.get(LOOK).selected_lane == "one"


def test_strips_by_the_keyboard(lab):
    strips = lab.strips()
    strips.setFocus(Qt.FocusReason.TabFocusReason)
    lab.key(strips, Qt.Key.Key_Right)
    assert lab.state.get(MARKED) == COUNT // 2
    lab.key(strips, Qt.Key.Key_Left)
    lab.key(strips, Qt.Key.Key_Right, SHIFT)
    assert lab.state.get(MARKED) == COUNT // 2 + 9
    lab.key(strips, Qt.Key.Key_End)
    lab.key(strips, Qt.Key.Key_Right)
    assert lab.state.get(MARKED) == COUNT - 1
    lab.key(strips, Qt.Key.Key_Home)
    lab.key(strips, Qt.Key.Key_Return)
    assert (lab.state.get(MARKED), lab.state.get(PINNED)) == (0, 0)
    lab.key(strips, Qt.Key.Key_Escape)
    assert lab.state.get(PINNED) is None
    lab.view("two").setFocus()
    lab.settle()
    assert lab.state.get(MARKED) is None


def test_strips_are_there_for_paths_only_and_go_where_there_is_no_room(lab):
    assert lab.strips().isVisible()
    assert lab.strips().rows == ("gap", "norm")
    assert lab.strips().accessibleName()
    assert lab.strips() in lab.view().stops
    tall = lab.view().plot.height()
    lab.fields = {"joined": False}
    lab.rebuild()
    lab.settle()
    assert not lab.strips().isVisible()
    assert lab.view().plot.height() > tall
    lab.fields = {"latent_norms": None}  # the lane waits for its first frame
    lab.rebuild()
    lab.settle()
    assert lab.strips().rows == ("gap",)
    lab.fields = {}
    lab.rebuild()
    lab.settle()
    assert lab.strips().rows == ("gap", "norm")
    lab.grid.resize(1000, 200)
    lab.settle()
    assert lab.strips().rows == ("gap",)
    lab.grid.resize(420, 300)
    lab.settle()
    assert not lab.strips().isVisible()


def test_lanes_share_one_scale(lab):
    scales = strip_scales(lab.grid.scene.lanes)
    assert {lab.strips(key)._scales for key in ("latent", "one", "two")} == {scales}
    assert scales.gap[1] > 0.09


# A lane's menu


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_the_menu_duplicates_and_removes_and_asks_for_changes(lab):
    view = lab.view("two")
    told = []
    lab.grid.edit_asked.connect(told.append)
    more = view.header.more
    assert more.isEnabled()
    lab.qtbot.mouseClick(more, LEFT)
    assert more.menu_of_lane.isVisible()
    more.menu_of_lane.close()
    more.edit.trigger()
    assert told == ["two"]
    assert lab.state.get(LOOK).selected_lane == "two"
    more.duplicate.trigger()
    assert [spec.key for spec in lab.state.get(LANES)] == ["one", "two", "lane-1"]
    assert lab.state.get(LOOK).selected_lane == "lane-1"
    lab.state.update(LOOK, maximised_lane="two")
    more.remove.trigger()
    assert lane_of(lab.state, "two") is None
    assert lab.state.get(LOOK).maximised_lane == ""


def test_the_menu_is_greyed_for_lanes_that_stay(lab):
    more = lab.view("latent").header.more
    assert not more.isEnabled()
    assert more.toolTip()
    assert lab.view("one").header.more.isEnabled()


def test_too_many_lanes_are_refused_in_words(lab):
    full = (LaneSpec("one"), *(LaneSpec(f"more-{k}") for k in range(MAX_LANES - 1)))
    lab.state.set(LANES, full)
    with lab.qtbot.waitSignal(lab.state.message_posted) as told:
        lab.view("one").header.more.duplicate.trigger()
    assert str(MAX_LANES) in told.args[0]
    assert told.args[1] is True
    assert lab.state.get(LANES) == full


# Way-points


def test_a_double_click_adds_a_way_point_and_moves_no_endpoint(drawing):
    heard = []
    drawing.state.changed(SAMPLING).connect(lambda: heard.append(drawing.state.get(SAMPLING)))
    usual = drawing.view("latent").plot.box.shown()
    drawing.double_click(0.5, -1.0)
    ((x, y),) = drawing.state.get(SAMPLING).through
    assert (x, y) == pytest.approx((0.5, -1.0), abs=0.05)
    assert {(sampling.a, sampling.b) for sampling in heard} == {((-2.0, 0.0), (2.0, 0.0))}
    assert drawing.view("latent").plot.box.shown() == usual
    (handle,) = drawing.view("latent").way_points.handles
    assert handle.isVisible()
    assert handle.accessibleName() == "Way-point 1"
    assert handle in drawing.view("latent").stops


def test_a_double_click_elsewhere_still_resets_the_view(lab):
    lab.grid._shared.zoom(0.5)
    lab.double_click(0.2, 0.2)
    assert lab.grid._shared.is_default
    assert lab.state.get(SAMPLING).through == ()


def test_way_points_are_put_where_the_path_grows_least():
    a, b = (-2.0, 0.0), (2.0, 0.0)
    assert insertion((0.0, 1.0), a, b, ()) == 0
    through = ((-1.0, -1.0), (1.0, -1.0))
    assert insertion((-1.8, -0.4), a, b, through) == 0
    assert insertion((0.0, -1.2), a, b, through) == 1
    assert insertion((1.7, -0.3), a, b, through) == 2


def test_way_points_are_dragged_nudged_and_taken_back(drawing):
    drawing.state.update(SAMPLING, through=((-1.0, 1.0), (1.0, 1.0)))
    drawing.settle()
    first, second = drawing.view("latent").way_points.handles
    dragging = []
    drawing.state.changed(DRAGGING).connect(lambda: dragging.append(drawing.state.get(DRAGGING)))
    drawing.drag(second, 0.5, -1.5)
    assert drawing.state.get(SAMPLING).through[0] == (-1.0, 1.0)
    assert drawing.state.get(SAMPLING).through[1] == pytest.approx((0.5, -1.5), abs=0.08)
    assert dragging == [True, False]
    first.setFocus()
    drawing.key(first, Qt.Key.Key_Up)
    drawing.key(first, Qt.Key.Key_Left, SHIFT)
    assert drawing.state.get(SAMPLING).through[0] == (-1.1, 1.01)
    held = drawing.state.get(SAMPLING).through
    drawing.drag(first, 1.5, 1.5, let_go=False)
    assert drawing.state.get(SAMPLING).through != held
    drawing.key(first, Qt.Key.Key_Escape)
    assert drawing.state.get(SAMPLING).through == held
    assert drawing.state.get(DRAGGING) is False


@pytest.mark.parametrize("way", ["delete", "backspace", "double click"])
def test_way_points_are_removed(drawing, way):
    places = ((-1.0, 1.0), (0.0, -1.0), (1.0, 1.0))
    drawing.state.update(SAMPLING, through=places)
    drawing.settle()
    handle = drawing.view("latent").way_points.handles[1]
    handle.setFocus()
    if way == "double click":
        spot = handle.rect().center()
        drawing.send(handle, QEvent.Type.MouseButtonDblClick, spot, LEFT, LEFT)
    else:
        keys = {"delete": Qt.Key.Key_Delete, "backspace": Qt.Key.Key_Backspace}
        drawing.key(handle, keys[way])
    assert drawing.state.get(SAMPLING).through == (places[0], places[2])
    assert len(drawing.view("latent").way_points.handles) == 2
    assert drawing.view("latent").way_points.handles[1].hasFocus()


def test_more_way_points_than_there_may_be_are_refused_in_words(drawing):
    x = np.linspace(-1.9, 1.9, MAX_WAY_POINTS)
    places = tuple((round(float(value), 2), 2.0) for value in x)
    drawing.state.update(SAMPLING, through=places)
    drawing.settle()
    with drawing.qtbot.waitSignal(drawing.state.message_posted) as told:
        drawing.double_click(0.0, -1.5)
    assert str(MAX_WAY_POINTS) in told.args[0]
    assert drawing.state.get(SAMPLING).through == places


# Picking


def test_a_click_picks_the_nearest_data_point(lab):
    before = lab.picture("two")
    lab.click(0.3, 0.3, "one")
    assert len(lab.state.get(INVERSION).data) == 0  # nobody has asked for points
    lab.state.set(INVERSION, Inversion(status="picking"))
    lab.settle()
    assert lab.view("one").plot.viewport().cursor().shape() == Qt.CursorShape.CrossCursor
    for count, place in enumerate(((0.3, 0.3), (-1.2, 0.8)), start=1):
        spot = lab.view("one").plot.to_data(QPointF(lab.place(*place, "one")))
        lab.click(*place, "one")
        picked = lab.state.get(INVERSION).data
        assert picked.shape == (count, 2)
        apart = np.linalg.norm(lab.data - np.array(spot), axis=1)
        assert np.array_equal(picked[-1], lab.data[apart.argmin()])
    assert lab.picture("two") != before  # ringed in all lanes
    lab.click(1.0, 1.0, "one")
    assert len(lab.state.get(INVERSION).data) == 2


def test_the_first_pick_takes_the_place_of_older_points(lab):
    old = np.zeros((5, 2), np.float32)
    lab.state.set(INVERSION, Inversion(status="picking", data=old, latents=old))
    lab.click(0.3, 0.3, "one")
    inversion = lab.state.get(INVERSION)
    assert inversion.status == "picking"
    assert inversion.data.shape == (1, 2)
    assert inversion.latents is None


@pytest.mark.parametrize("known", [False, True])
def test_escape_ends_picking(lab, known):
    old = np.zeros((2, 2), np.float32) if known else None
    lab.state.set(INVERSION, Inversion(status="picking", latents=old))
    lab.state.set(PINNED, 3)
    lab.view("one").setFocus()
    lab.key(lab.view("one"), Qt.Key.Key_Escape)
    assert lab.state.get(INVERSION).status == ("done" if known else "idle")
    assert lab.state.get(PINNED) == 3  # one thing at a time
    assert lab.view("one").plot.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor


def test_latents_are_not_picked(lab):
    lab.state.set(INVERSION, Inversion(status="picking"))
    lab.click(0.5, 0.5, "latent")
    assert len(lab.state.get(INVERSION).data) == 0


def test_what_is_made_anew_but_alike_is_not_painted_again(lab):
    painted = []
    for key in ("latent", "one", "two"):
        lab.view(key).painted.connect(lambda key=key: painted.append(key))
    lab.rebuild()  # other arrays of the same path and norms
    lab.settle()
    assert painted == []
    lab.fields = {"overlays": frozenset({"preview"})}
    lab.rebuild()
    lab.settle()
    assert {"one", "two"} <= set(painted)
