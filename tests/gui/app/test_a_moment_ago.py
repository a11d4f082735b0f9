"""Back to settings of a moment ago: the picture is there at once, and nobody asks the engine.

With mouse and keys on the whole window. The engine is a pretended one, which answers whatever it
is asked: what it was not asked for cannot have come from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from engine.shared import catalogue, messages
from tests.hands.fake_engine import FakeEngine
from tests.hands.mouse_and_keys import Drag, click, key, type_number
from tests.hands.window import wait_until
from toydiff_gui.modes.images.settings import ATTENTION, IMAGE_SAMPLING, SLICE
from toydiff_gui.modes.points.settings import COMPARISON, LAYERS, SAMPLING
from toydiff_gui.state import bundled
from toydiff_gui.state.lanes import LANES, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import GEODESIC

SPACE = Qt.Key.Key_Space
CONTROL = Qt.KeyboardModifier.ControlModifier
ATTENDED = {"layers": [{"name": "middle", "side": 7, "heads": 2}]}


@pytest.fixture(autouse=True)
def _all_bundled(monkeypatch):
    """Whether they are in this installation does not matter to the window's behaviour."""
    monkeypatch.setattr(bundled, "_is_there", lambda name: True)


@pytest.fixture(autouse=True)
def _noise_of_its_seed(monkeypatch):
    """Random samplers make something else of another seed, along a path as well."""
    latents = FakeEngine.latents

    def with_noise(self, request, arrays):
        noise = request.seed / 100 if catalogue.sampler(request.sampler.name).random else 0
        return latents(self, request, arrays) + np.float32(noise)

    monkeypatch.setattr(FakeEngine, "latents", with_noise)


def answer(link):
    """Answer all that has been asked since the last time, whatever it is."""
    for packet in link.sent[link._answered :]:
        request, arrays = packet.message, packet.arrays
        result = messages.Result(job=request.job, seconds=0.5)
        match request:
            case messages.Field():
                for t in request.times:
                    eps = arrays["points"] * np.float32(t / 250)
                    link.report(messages.FieldAt(job=request.job, t=t), {"x0": eps, "eps": eps})
                link.report(result)
            case messages.FindPath():
                path = np.linspace(arrays["start"], arrays["end"], request.points)
                info = {"energies": [2.0, 1.0], "coefficients": 8}
                found = messages.Result(job=request.job, info=info)
                link.report(found, {"latents": path.astype(np.float32)})
            case messages.ComparePaths():
                for path in request.paths:
                    measured = messages.PathMeasured(
                        job=request.job, path=path, length=3, gap=1, gap_ratio=2, off_data=0.1
                    )
                    link.report(measured)
                link.report(result)
            case messages.Attend():
                for index, t in enumerate(request.times):
                    weights = np.full((2, 49, 49), 1 / 49, np.float32)
                    attention = messages.AttentionAt(
                        job=request.job, index=index, t=t, layer="middle", side=7
                    )
                    link.report(attention, {"weights": weights})
                link.report(messages.Result(job=request.job, info=ATTENDED))
            case messages.MeasureCost():
                info = {"parameters": 1000, "seconds_per_step": 0.1, "bytes": 4000}
                link.report(messages.Result(job=request.job, info=info))
    link.answer()


def come_to_rest(window):
    """Let everything be asked and answered."""

    def at_rest():
        answered = window.link._answered == len(window.link.sent)
        answer(window.link)
        overlays = window.mode("2d").overlays
        return answered and not window.controllers.busy and not overlays.busy

    wait_until(at_rest, "rest")


def turn():
    """One turn of the event loop: what is due now, without any waiting."""
    QApplication.processEvents()


@dataclass(frozen=True)
class Seen:
    """All that is on show, and of which settings."""

    scene: object
    model: object
    results: tuple


def seen(window):
    state = window.state
    slots = (COMPARISON, GEODESIC, SLICE, ATTENTION)
    layers = tuple((place, state.at(LAYERS, place)) for place in sorted(state.keys(LAYERS)))
    results = (*(state.get(slot) for slot in slots), layers)
    return Seen(window.shown.page.scene, state.get(MODEL), results)


def different(one, other, name="seen"):
    """The names of the parts that differ, however deep; arrays by what they hold."""
    if one is other:
        return []
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return [] if np.array_equal(one, other) else [name]
    parts, others = _parts(one), _parts(other)
    if type(one) is not type(other) or parts.keys() != others.keys():
        return [name]
    if not parts:
        return [] if one == other else [name]
    return [
        each
        for key, part in parts.items()
        for each in different(part, others[key], f"{name}.{key}")
    ]


def _parts(whole):
    if is_dataclass(whole):
        return {each.name: getattr(whole, each.name) for each in fields(whole) if each.compare}
    if isinstance(whole, tuple):
        return dict(enumerate(whole))
    return whole if isinstance(whole, Mapping) else {}


def asked(window):
    requests = [packet.message for packet in window.link.sent]
    return [type(one).__name__ for one in requests if isinstance(one, messages.Request)]


@pytest.fixture
def points(window):
    """The plane with all that can be looked at there at once."""
    sample = window.mode("2d").sample_dock
    click(sample.lanes.rows["ddim"])
    for kind in ("field", "warp", "difference", "basin"):
        click(sample.overlays.buttons[kind])
    come_to_rest(window)
    assert {kind for _, kind in window.state.keys(LAYERS)} == {
        "field",
        "warp",
        "difference",
        "basin",
    }
    return window


@pytest.fixture
def images(window):
    """The mode Images, its tiles and strips complete."""
    click(window.toolbar.mode.button("images"))
    come_to_rest(window)
    return window


def same_again(window, before):
    """By the names of what differs: to print whole scenes would take pytest a minute."""
    differing = different(seen(window), before)[:5]
    assert differing == []


def something_else(window, before):
    differing = different(seen(window), before)[:5]
    assert differing != []


def at_once(window, back, before):
    """``back`` leads to what was ``before``: after one turn all is there, and nobody has asked."""
    del window.link.sent[:]
    window.link._answered = 0
    back()
    turn()
    assert asked(window) == []
    same_again(window, before)
    come_to_rest(window)
    assert asked(window) == []
    same_again(window, before)


def there_and_back(window, go, back):
    """Away to something else that is looked at for a while, and back."""
    before = seen(window)
    go()
    come_to_rest(window)
    something_else(window, before)
    at_once(window, back, before)


# Points


def test_an_endpoint_that_was_dragged_away_is_typed_back(points):
    before, boxes = seen(points), points.mode("2d").sample_dock.path.endpoints.boxes
    drag = Drag(points, 0)
    drag.to(0.6, 1.1, moves=5)
    come_to_rest(points)
    drag.let_go()
    come_to_rest(points)
    something_else(points, before)
    type_number(boxes["A", 1], "2")
    come_to_rest(points)  # half way A is somewhere else
    at_once(points, lambda: type_number(boxes["A", 0], "-1"), before)
    assert points.state.get(SAMPLING).a == (-1.0, 2.0)


def test_so_it_is_with_a_lane_on_a_geodesic_and_the_table_of_paths(points):
    sample = points.mode("2d").sample_dock
    click(sample.path.kind.button("geodesic"))
    come_to_rest(points)
    click(sample.face.button("paths"))
    come_to_rest(points)
    before = seen(points)
    assert points.state.get(GEODESIC).status == points.state.get(COMPARISON).status == "done"
    drag = Drag(points, 1)
    drag.to(1.0, -1.0, moves=4)
    drag.let_go()
    come_to_rest(points)
    something_else(points, before)
    boxes = sample.path.endpoints.boxes
    type_number(boxes["B", 1], "-2")
    come_to_rest(points)
    at_once(points, lambda: type_number(boxes["B", 0], "-1"), before)


@pytest.mark.parametrize(
    ("field", "away", "home"), [("seed_field", "9", "5"), ("steps_field", "20", "")]
)
def test_numbers_of_lanes_are_typed_back(points, field, away, home):
    box = getattr(points.mode("2d").sample_dock.start, field).box
    there_and_back(points, lambda: type_number(box, away), lambda: type_number(box, home))


def test_samples_instead_of_a_path_and_back(points):
    mode = points.mode("2d").sample_dock.start.mode
    there_and_back(
        points, lambda: click(mode.button("samples")), lambda: click(mode.button("interpolation"))
    )


@pytest.mark.parametrize("kind", ["field", "warp", "difference", "basin"])
def test_an_overlay_is_taken_away_and_laid_over_again(points, kind):
    button = points.mode("2d").sample_dock.overlays.buttons[kind]
    there_and_back(points, lambda: click(button), lambda: click(button))


def test_a_lane_is_hidden_and_shown(points):
    check = points.mode("2d").sample_dock.lanes.rows["ddpm"].check
    there_and_back(points, lambda: key(check, SPACE), lambda: key(check, SPACE))


def test_another_model_and_back(points):
    def choose(ref):
        points.toolbar.entry(f"model.{ref}").trigger()

    there_and_back(points, lambda: choose("moons"), lambda: choose("v"))


def test_a_lane_of_points_is_duplicated(points):
    row = points.mode("2d").sample_dock.lanes.rows["ddim"]
    del points.link.sent[:]
    points.link._answered = 0
    key(row, Qt.Key.Key_D, CONTROL)
    turn()
    assert asked(points) == []
    (copy,) = {lane.key for lane in shown_lanes(points.state)} - {"ddpm", "ddpm-shared", "ddim"}
    page = points.mode("2d").page
    one, other = page.scene.lane("ddim"), page.scene.lane(copy)
    assert other.status == "done"
    assert different(other.trajectory, one.trajectory) == []
    assert different(other.layers, one.layers) == []
    assert len(other.layers) == 3
    come_to_rest(points)
    assert asked(points) == []


# Images


def test_the_mode_is_switched_there_and_back(points):
    mode = points.toolbar.mode
    plane = seen(points)
    there_and_back(points, lambda: click(mode.button("images")), lambda: click(mode.button("2d")))
    same_again(points, plane)
    click(mode.button("images"))
    come_to_rest(points)
    there_and_back(points, lambda: click(mode.button("2d")), lambda: click(mode.button("images")))


@pytest.mark.parametrize(
    ("field", "away", "home"),
    [("seed_field", "9", "5"), ("steps_field", "20", "50"), ("count_field", "16", "64")],
)
def test_numbers_of_tiles_are_typed_back(images, field, away, home):
    box = getattr(images.mode("images").sample_dock.start, field).box
    there_and_back(images, lambda: type_number(box, away), lambda: type_number(box, home))


def test_an_end_of_the_strips_is_another_tile_and_the_one_of_before(images):
    def make_a(index):
        tiles = images.mode("images").page.samples.tiles
        click(images.mode("images").page.samples, tiles.tile(index).center().toPoint())

    end = images.state.get(IMAGE_SAMPLING).a
    make_a(7)
    make_a(9)  # A and B in turn
    come_to_rest(images)
    before = seen(images)
    make_a(3)
    come_to_rest(images)
    make_a(9)
    come_to_rest(images)
    something_else(images, before)
    assert images.state.get(IMAGE_SAMPLING).a != end
    at_once(images, lambda: (make_a(7), make_a(9)), before)


@pytest.mark.parametrize("face", ["attention", "slice"])
def test_the_card_is_turned_and_turned_back(images, face):
    faces = images.mode("images").page.face.faces
    click(faces.button(face))
    come_to_rest(images)
    there_and_back(
        images, lambda: click(faces.button("picture")), lambda: click(faces.button(face))
    )


def test_a_strip_is_duplicated(images):
    row = images.mode("images").sample_dock.lanes.rows["ddim"]
    del images.link.sent[:]
    images.link._answered = 0
    key(row, Qt.Key.Key_D, CONTROL)
    turn()
    assert asked(images) == []
    keys = {lane.key for lane in images.state.get(LANES)}
    (copy,) = keys - {"ddpm", "ddpm-shared", "ddim", "ddim-few"}
    strips = {strip.key: strip for strip in images.mode("images").page.scene.strips}
    assert strips[copy].status == "done"
    assert different(strips[copy].trajectory, strips["ddim"].trajectory) == []
    come_to_rest(images)
    assert asked(images) == []
