"""The path between A and B in the dock 'Sample': its kind, side, spacing and way-points."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, Qt

from engine.paths import curves
from engine.shared.config import PATHS
from tests.hands.mouse_and_keys import click, key
from toydiff_gui.modes.points.panels import path as section
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.panels.search import search_text
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.lanes import update_lane
from toydiff_gui.state.results import GEODESIC, GeodesicRun
from toydiff_gui.state.view import VIEW

HERE = QPoint(8, 10)
ENDS = [
    ((-2.0, 0.0), (2.0, 0.0)),
    ((-1.0, 0.7), (3.0, -2.1)),
    ((0.3, -0.4), (-0.6, 0.8)),
    ((-2.0, 0.0), (2.0, 0.01)),
    ((-1.0, 2.0), (-1.0, -2.0)),
    ((1.0, 1.0), (2.0, 2.0)),
    ((0.0, 0.0), (1.0, 0.0)),
    ((0.0, 0.0), (0.0, 0.0)),
]


@pytest.fixture
def path(sample_dock):
    return sample_dock.path


def latents(sampling, points=33):
    a, b = (torch.tensor(point) for point in (sampling.a, sampling.b))
    through = torch.tensor(sampling.through) if sampling.through else None
    made = curves.make_path(sampling.path, a, b, points, side=sampling.side, through=through)
    return made.numpy()


def test_each_kind_is_chosen_and_explained(path, app_state):
    for kind in PATHS[::-1]:
        button = path.kind.button(kind)
        click(button)
        assert app_state.get(SAMPLING).path == kind
        assert len(button.toolTip()) > 40
    assert "does not keep the norm" in path.kind.button("prior-preserving").toolTip()
    key(path.kind.button("linear"), Qt.Key.Key_Right)
    assert app_state.get(SAMPLING).path == "spherical"


@pytest.mark.parametrize(("a", "b"), ENDS)
def test_a_side_is_offered_exactly_where_it_makes_a_difference(path, app_state, a, b):
    app_state.update(SAMPLING, a=a, b=b, path="spherical")
    left, right = (latents(Sampling(a=a, b=b, path="spherical", side=s)) for s in ("left", "right"))
    differ = not np.allclose(left, right, atol=1e-3)
    assert path.side.isEnabled() == differ
    if differ:
        click(path.side.button("right"))
        assert app_state.get(SAMPLING).side == "right"
    else:
        assert (
            path.side.toolTip() == "A side is to choose only where A and B lie opposite each other"
        )
        assert path.side.button("right").toolTip() == path.side.toolTip()


def test_opposite_means_the_same_as_in_the_engine():
    assert section.PARALLEL == curves.PARALLEL


def test_sides_belong_to_paths_that_turn(path, app_state):
    app_state.update(SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.0))
    assert not path.side.isEnabled()
    assert "no lane follows one" in path.side.toolTip()
    update_lane(app_state, "ddim", path="norm-guided")
    assert path.side.isEnabled()
    update_lane(app_state, "ddim", shown=False)
    assert not path.side.isEnabled()
    app_state.update(VIEW, lab=True)  # the table compares those that turn as well
    assert path.side.isEnabled()


def test_even_spacing_is_a_choice_but_for_the_geodesic(path, app_state):
    click(path.even, HERE)
    assert app_state.get(SAMPLING).even
    click(path.even, HERE)
    assert not app_state.get(SAMPLING).even
    app_state.update(SAMPLING, path="geodesic")
    assert path.even.isChecked()
    assert not path.even.isEnabled()
    assert path.even.toolTip() == "The geodesic is always spaced evenly where it is decoded"
    app_state.update(SAMPLING, path="linear")
    assert not path.even.isChecked()
    assert path.even.isEnabled()


def test_way_points_are_counted_and_cleared(path, app_state):
    assert not path.way_points.isVisible()
    click(path.kind.button("drawn"))
    assert path.way_point_text.text() == "Double click in lane 1 to add a way-point."
    assert not path.clear_button.isEnabled()
    app_state.update(SAMPLING, through=((0.0, -1.0),))
    assert path.way_point_text.text().startswith("1 way-point. Double click")
    app_state.update(SAMPLING, through=((0.0, -1.0), (0.5, -1.0)))
    assert path.way_point_text.text().startswith("2 way-points. ")
    click(path.clear_button)
    assert app_state.get(SAMPLING).through == ()


@pytest.mark.parametrize("kind", ["spherical", "norm-guided", "drawn", "prior-preserving"])
def test_swapped_ends_have_the_same_path(path, app_state, kind):
    app_state.update(
        SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.0), path=kind, through=((-1.0, -1.0), (1.0, -0.5))
    )
    before = latents(app_state.get(SAMPLING))
    click(path.swap_button)
    assert app_state.get(SAMPLING).a == (2.0, 0.0)
    np.testing.assert_allclose(latents(app_state.get(SAMPLING))[::-1], before, atol=1e-5)


def test_reset_takes_back_the_path_as_well(path, app_state):
    app_state.update(SAMPLING, path="drawn", side="right", even=True, through=((0.0, 1.0),))
    assert path.header.reset.isVisible()
    click(path.header.reset)
    assert app_state.get(SAMPLING) == Sampling()
    assert not path.header.reset.isVisible()


def test_without_a_path_everything_is_greyed_and_says_why(sample_dock, path, app_state):
    app_state.update(SAMPLING, mode="samples", path="spherical")
    for widget in (path.kind.button("linear"), path.side, path.even, path.swap_button):
        assert not widget.isEnabled()
    assert path.toolTip() == "Choose 'Interpolation' above to use the path from A to B"
    app_state.update(VIEW, lab=True)
    assert path.toolTip() == "Choose 'Interpolation' in 'Sample' to use the path from A to B"


def test_the_search_is_followed_in_a_line(qtbot, sample_dock, path, app_state):
    app_state.set(ENGINE, EngineStatus("ready"))
    click(path.kind.button("geodesic"))
    line = path.search

    def told():
        return line.text.text().replace("\N{NO-BREAK SPACE}", " ")

    assert line.isVisible()
    assert told() == "not searched for yet"
    app_state.set(GEODESIC, GeodesicRun("searching", 20, 80, (36.0, 30.0), 0.8, 6))
    assert told() == "searching · step 20 of 80 · energy 36 → 30"
    assert (line.bar.isVisible(), line.bar.value(), line.bar.maximum()) == (True, 20, 80)
    with qtbot.waitSignal(sample_dock.stop_search_requested):
        click(line.button)
    app_state.set(GEODESIC, GeodesicRun("stopped", 21, 80, (36.0, 21.26), 0.8, 6))
    assert told() == "stopped · energy 36 → 21.3 · 6 coefficients · 800 ms"
    assert not line.bar.isVisible()
    assert line.button.accessibleName() == "Search again"
    with qtbot.waitSignal(sample_dock.search_again_requested):
        click(line.button)
    app_state.set(ENGINE, EngineStatus("dead", message="out of memory"))
    assert not line.button.isEnabled()
    assert "needs the engine" in line.button.toolTip()
    app_state.update(VIEW, lab=True)
    assert not line.isVisible()  # the laboratory shows it at length


def test_a_search_that_failed_says_why():
    assert search_text(GeodesicRun("failed", message="The path left the plane.")) == (
        "The path left the plane."
    )
    assert search_text(GeodesicRun("done", 1, 1, (float("inf"), 3.0), 3.21, 1)) == (
        "energy 3 → 3 · 1 coefficient · 3.2 s"
    )
