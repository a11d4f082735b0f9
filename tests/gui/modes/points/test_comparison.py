"""When the paths are compared, and what is never shown in their table."""

import numpy as np
import pytest

from engine.shared import messages
from engine.shared.config import ScheduleConfig
from tests.hands.window import settle, wait_until
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING, Comparison, PathFigures
from toydiff_gui.state.view import DRAGGING, VIEW

COMPARE, SEARCH, CANCEL = messages.ComparePaths, messages.FindPath, messages.Cancel
PLAIN = ["linear", "spherical", "prior-preserving", "norm-guided"]


def measure(desk, packet, path="linear", length=4.0):
    desk.link.report(
        messages.PathMeasured(
            job=packet.message.job, path=path, length=length, gap=0.25, gap_ratio=30.0, off_data=0.5
        )
    )


def finish(desk, packet):
    desk.link.report(messages.Result(job=packet.message.job))


@pytest.fixture
def looking(resting):
    """The laboratory is open, and the paths are being compared."""
    resting.state.update(VIEW, lab=True)
    wait_until(lambda: resting.link.asked(COMPARE), "the comparison")
    resting.search, resting.first = resting.heard(COMPARE, SEARCH)
    return resting


@pytest.fixture
def compared(looking):
    """And have been."""
    for path in PLAIN:
        measure(looking, looking.first, path)
    finish(looking, looking.first)
    return looking


def rest(desk):
    """Wait for the pause after the last change to be over."""
    settle()
    wait_until(lambda: not desk.exchange.settling, "the pause")


def test_nothing_is_compared_while_nobody_looks(resting):
    state = resting.state
    state.update(SAMPLING, a=(0.5, 0.5))
    for view in (
        {"lab": True, "sample_dock": False},
        {"sample_dock": True, "presentation": True},
        {"presentation": False, "lab": False},
    ):
        state.update(VIEW, **view)
        settle()
        assert "comparison" not in resting.exchange.under_way | resting.exchange.settling
    state.update(SAMPLING, mode="samples")
    state.update(VIEW, lab=True)
    settle()
    assert "comparison" not in resting.exchange.under_way | resting.exchange.settling
    assert resting.heard(COMPARE) == []


def test_the_table_is_asked_for_as_the_lanes_would_show_it(resting):
    state = resting.state
    state.update(SAMPLING, a=(0.5, -0.25), path_points=40, steps=50, side="right", even=True)
    state.update(SAMPLING, through=((0.0, 1.0),))
    state.update(VIEW, lab=True)
    packet = resting.until_sent(COMPARE)
    message = packet.message
    assert (message.checkpoint, message.points, message.side, message.even) == (
        "v",
        40,
        "right",
        True,
    )
    assert (message.sampler.name, message.sampler.steps) == ("ddim", 50)
    assert message.paths == [*PLAIN, "drawn"]
    assert {name: value.tolist() for name, value in packet.arrays.items()} == {
        "start": [0.5, -0.25],
        "end": [-1.0, -2.0],
        "through": [[0.0, 1.0]],
    }
    assert state.get(COMPARISON) == Comparison("running", {}, 50)


def test_figures_come_one_after_another(looking):
    measure(looking, looking.first, "spherical", 5.5)
    assert looking.state.get(COMPARISON) == Comparison(
        "running", {"spherical": PathFigures(5.5, 0.25, 30.0, 0.5)}, 250
    )
    measure(looking, looking.first, "linear")
    finish(looking, looking.first)
    assert looking.state.get(COMPARISON).status == "done"
    assert set(looking.state.get(COMPARISON).figures) == {"spherical", "linear"}
    looking.state.update(VIEW, theme="light")
    looking.state.update(SAMPLING, seed=9, count=3, eta=0.5)
    rest(looking)
    assert looking.heard(COMPARE) == []
    assert "comparison" not in looking.exchange.under_way | looking.exchange.settling


@pytest.mark.parametrize(
    "change",
    [
        {"a": (0.0, 1.0)},
        {"b": (0.0, 1.0)},
        {"path_points": 30},
        {"steps": 20},
        {"side": "right"},
        {"even": True},
        {"through": ((1.0, 1.0),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_figures_of_other_paths_are_not_shown(looking, change):
    state = looking.state
    measure(looking, looking.first)
    state.update(SAMPLING, **change)
    settle()
    assert state.get(COMPARISON).figures == {}  # within one frame
    measure(looking, looking.first, "spherical")
    finish(looking, looking.first)
    assert state.get(COMPARISON).figures == {}
    assert looking.first.message.job in [c.job for c in looking.link.asked(CANCEL)]
    looking.until_sent(COMPARE)
    measure(looking, looking.first, "spherical")
    assert state.get(COMPARISON).figures == {}


def test_endpoints_in_the_hand_are_compared_when_it_lets_go(compared):
    state = compared.state
    state.set(DRAGGING, True)
    for x in (0.1, 0.2):
        state.update(SAMPLING, a=(x, 1.0))
        rest(compared)
    assert compared.heard(COMPARE) == []
    assert state.get(COMPARISON).figures == {}
    state.set(DRAGGING, False)
    packet = compared.until_sent(COMPARE)
    assert packet.arrays["start"].tolist() == pytest.approx([0.2, 1.0])


def test_endpoints_that_are_nudged_are_compared_once(compared):
    for x in (0.1, 0.2, 0.3):
        compared.state.update(SAMPLING, a=(x, 1.0))
        settle()
    packet = compared.until_sent(COMPARE)
    assert packet.arrays["start"].tolist() == pytest.approx([0.3, 1.0])


def test_the_geodesic_comes_in_when_it_is_found(compared):
    path = np.linspace([-1, 2], [-1, -2], 500, dtype=np.float32)
    info = {"energies": [3.0], "off_data": 0.0, "coefficients": 6}
    compared.link.report(
        messages.Result(job=compared.search.message.job, info=info), {"latents": path}
    )
    again = compared.until_sent(COMPARE)
    assert again.message.paths == [*PLAIN, "geodesic"]
    np.testing.assert_array_equal(again.arrays["geodesic"], path)
    assert set(compared.state.get(COMPARISON).figures) == set(PLAIN)  # they are still true
    measure(compared, again, "geodesic")
    finish(compared, again)
    # While it is searched for again, what was measured holds.
    compared.geodesic.search_again()
    rest(compared)
    assert compared.heard(COMPARE) == []
    assert set(compared.state.get(COMPARISON).figures) == {*PLAIN, "geodesic"}


def test_who_closes_the_laboratory_waits_for_nothing(looking):
    state = looking.state
    measure(looking, looking.first)
    state.update(VIEW, lab=False)
    settle()
    assert looking.at_rest()
    jobs = [packet.message.job for packet in looking.heard(CANCEL)]
    assert looking.first.message.job in jobs
    measure(looking, looking.first, "spherical")
    finish(looking, looking.first)
    assert state.get(COMPARISON) == Comparison()
    state.update(VIEW, lab=True)
    looking.until_sent(COMPARE)


def test_a_table_that_is_complete_is_kept_as_long_as_it_is_true(compared):
    state = compared.state
    state.update(VIEW, lab=False)
    state.update(VIEW, lab=True)
    rest(compared)
    assert compared.heard(COMPARE) == []
    assert set(state.get(COMPARISON).figures) == set(PLAIN)
    state.update(VIEW, lab=False)
    state.update(SAMPLING, a=(0.0, 1.0))
    state.update(VIEW, lab=True)
    settle()
    assert state.get(COMPARISON).figures == {}
    compared.until_sent(COMPARE)


def test_another_model_is_compared_anew(looking):
    measure(looking, looking.first)
    looking.open("/short", schedule=ScheduleConfig(timesteps=20))
    assert looking.state.get(COMPARISON).figures == {}
    measure(looking, looking.first, "spherical")
    packet = looking.until_sent(COMPARE)
    assert (packet.message.checkpoint, packet.message.sampler.steps) == ("/short", 20)
    measure(looking, looking.first, "spherical")
    assert looking.state.get(COMPARISON).figures == {}


def test_what_fails_is_said_and_not_tried_again(looking):
    looking.link.report(messages.Failure(job=looking.first.message.job, message="no room"))
    assert looking.state.get(COMPARISON).status == "failed"
    assert looking.state.get(COMPARISON).message == "no room"
    looking.state.update(VIEW, theme="light")
    rest(looking)
    assert looking.heard(COMPARE) == []
    assert "comparison" not in looking.exchange.under_way | looking.exchange.settling


def test_after_the_death_of_an_engine_the_paths_are_compared_again(looking):
    measure(looking, looking.first)
    looking.link.die("the engine was ended by signal 9")
    comparison = looking.state.get(COMPARISON)
    assert (comparison.status, comparison.message) == ("failed", "the engine was ended by signal 9")
    rest(looking)
    assert looking.at_rest()
    looking.heard()
    looking.restart()
    packet = looking.until_sent(COMPARE)
    measure(looking, looking.first, "spherical")  # of the dead one
    assert looking.state.get(COMPARISON).figures == {}
    measure(looking, packet)
    finish(looking, packet)
    assert looking.state.get(COMPARISON).status == "done"
    rest(looking)
    assert looking.heard(COMPARE) == []
