"""The user's own points: picked or read from a file, inverted, and what becomes of them."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from engine.shared import messages
from engine.shared.config import ScheduleConfig
from tests.hands.mouse_and_keys import click, key
from tests.hands.window import settle
from toydiff_gui.modes.points import read_points as reading
from toydiff_gui.modes.points.compose import compose
from toydiff_gui.modes.points.read_points import read_points
from toydiff_gui.modes.points.settings import INVERSION, MAX_LANE_POINTS, SAMPLING
from toydiff_gui.state.results import Inversion

INVERT, SAMPLES, CANCEL = messages.Invert, messages.Sample, messages.Cancel
TWO = np.array([[0.5, 0.25], [-1.0, 2.0]], np.float32)
THREE = np.array([[0.5, 0.25], [-1.0, 2.0], [0.0, -0.125]], np.float32)
SHORT = {"schedule": ScheduleConfig(timesteps=20)}


def answer(desk, packet, latents, errors=None):
    errors = np.full(len(latents), 0.01, np.float32) if errors is None else errors
    desk.link.report(
        messages.Result(job=packet.message.job), {"latents": latents, "errors": errors}
    )


def table(path, points, separator=",", header=None):
    lines = [] if header is None else [header]
    lines += [separator.join(f"{value:.9g}" for value in row) for row in points]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def of_three(resting, tmp_path):
    """Three points of a file, inverted; the lanes start from their latents."""
    resting.inverter.invert_file(str(table(tmp_path / "three.csv", THREE)))
    answer(resting, resting.until_sent(INVERT), 2 * THREE)
    for packet in resting.heard(SAMPLES):
        resting.link.frames(packet)
        resting.link.finish(packet)
    return resting


@pytest.fixture
def of_two(resting, tmp_path):
    """Two points of a file, inverted."""
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    answer(resting, resting.until_sent(INVERT), 2 * TWO)
    resting.heard()
    return resting


# Files


@pytest.mark.parametrize("separator", [",", ";", " ", "\t", " , "])
@pytest.mark.parametrize("header", [None, "x,y", "# x y", "Größe; Länge"])
def test_tables_are_read_whatever_parts_their_columns(tmp_path, separator, header):
    path = table(tmp_path / "päth points.csv", THREE, separator, header)
    np.testing.assert_array_equal(read_points(path, 2), THREE)


def test_tables_may_have_a_mark_empty_lines_and_other_ends_of_lines(tmp_path):
    path = tmp_path / "points.txt"
    path.write_bytes(b"\xef\xbb\xbfx,y\r\n0.5,0.25\r\n\r\n# more\r\n-1,2e0\r\n+0,-.125")
    np.testing.assert_array_equal(read_points(path, 2), THREE)


@pytest.mark.parametrize("kind", ["f4", "f8", "f2"])
@pytest.mark.parametrize("suffix", [".npy", ".NPY"])
def test_arrays_are_read(tmp_path, kind, suffix):
    path = tmp_path / f"points{suffix}"
    with path.open("wb") as stream:
        np.save(stream, THREE.astype(kind))
    found = read_points(path, 2)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, THREE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no points"),
        (b"\n \n", "has no points"),
        (b"x,y\n", "has no points"),
        (b"# nothing\n# at all\n", "has no points"),
        (b"x,y\n# nothing\n", "has no points"),
        (b"1,2,3\n4,5,6\n", "must have 2 columns, got shape (2, 3)"),
        (b"1\n2\n3\n", "must have 2 columns, got shape (3, 1)"),
        (b"1,2\nnan,4\n", "point 2 is [nan, 4.0]"),
        (b"1,2\n3,inf\n", "point 2 is [3.0, inf]"),
        (b"1,2\n1e300,4\n", "point 2 is [inf, 4.0]"),
        (b"1e7,2\n", "point 1 is [10000000.0, 2.0]"),
        (b"x,y\n1,2\n3\n", "not a table of numbers: line 3 is '3'"),
        (b"1,2\n\n3,four\n", "not a table of numbers: line 3 is '3 four'"),
        (b"0,5;1,5\n0,25;2,5\n", "must have 2 columns, got shape (2, 4)"),
        (b"\x00\x01\x02\xff\xfe\x80", "not a table of numbers"),
        (b"\x7fELF\x02\x01\x01" + bytes(9), "has no points"),  # names of columns, for all one knows
        (b"a\n" + b"z" * 10**6, "line 2 is '" + 40 * "z" + "'"),
    ],
)
def test_tables_that_are_none_are_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"points file points\.csv") as refusal:
        read_points(path, 2)
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 160


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((3, 3), np.float32), "must have 2 columns, got shape (3, 3)"),
        (np.zeros((3, 2, 2), np.float32), "must have 2 columns"),
        (np.zeros(4, np.float32), "must have shape"),
        (np.zeros((0, 2), np.float32), "must have shape"),
        (np.zeros((3, 2), np.int64), "floating-point"),
        (np.array([[1.0, np.nan]]), "NaN"),
        (np.array([[1.0, 2e6]], np.float32), "too large"),
        (np.array([[None, 1]], object), "not an .npy file of numbers"),
        (np.zeros((MAX_LANE_POINTS + 1, 2), np.float32), f"more than {MAX_LANE_POINTS}"),
    ],
    ids=str,
)
def test_arrays_that_are_no_points_are_refused_in_a_sentence(tmp_path, array, said):
    path = tmp_path / "points.npy"
    np.save(path, array)
    with pytest.raises(ValueError, match="points file") as refusal:
        read_points(path, 2)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["points.csv", "points.npy"])
def test_what_is_too_large_is_not_read_at_all(tmp_path, name, monkeypatch):
    path = tmp_path / name
    with path.open("wb") as stream:
        stream.truncate(reading.MAX_FILE_BYTES + 1)  # takes no room on the disk
    monkeypatch.setattr("pathlib.Path.open", None)
    monkeypatch.setattr("pathlib.Path.read_text", None)
    with pytest.raises(ValueError, match=f"{name} has {reading.MAX_FILE_BYTES + 1} bytes, more"):
        read_points(path, 2)


def test_more_points_than_lanes_hold_are_refused_before_they_are_read(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("1,2\n" * MAX_LANE_POINTS + "not,read\n")
    with pytest.raises(ValueError, match=f"has {MAX_LANE_POINTS + 1} points, more than"):
        read_points(path, 2)


@pytest.mark.parametrize("name", ["missing.csv", "missing.npy", "folder", "folder.npy"])
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path, name):
    if "folder" in name:
        (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"points file .*{name} cannot be read: "):
        read_points(tmp_path / name, 2)


def test_a_file_that_is_refused_changes_nothing_but_the_foot(resting, tmp_path):
    before = resting.state.get(SAMPLING)
    resting.inverter.invert_file(str(tmp_path / "missing.csv"))
    inversion = resting.state.get(INVERSION)
    assert (inversion.status, inversion.source) == ("failed", "missing.csv")
    ((text, error),) = resting.messages
    assert error
    assert text == inversion.message[:1].upper() + inversion.message[1:] + "."
    assert resting.state.get(SAMPLING) == before
    assert resting.heard(INVERT, SAMPLES) == []
    assert resting.at_rest()


# What becomes of points


def test_two_points_become_the_ends_of_the_path(resting, tmp_path):
    resting.state.update(SAMPLING, mode="samples")
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    assert resting.state.get(INVERSION).status == "running"
    packet = resting.until_sent(INVERT)
    assert (packet.message.checkpoint, packet.message.replay) == ("v", True)
    np.testing.assert_array_equal(packet.arrays["data"], TWO)
    errors = np.array([0.01, 0.02], np.float32)
    answer(resting, packet, 2 * TWO, errors)
    sampling, inversion = resting.state.get(SAMPLING), resting.state.get(INVERSION)
    assert (sampling.mode, sampling.a, sampling.b) == (
        "interpolation",
        (1.0, 0.5),
        (-2.0, 4.0),
    )
    assert (inversion.status, inversion.source) == ("done", "two.csv")
    np.testing.assert_array_equal(inversion.data, TWO)
    np.testing.assert_array_equal(inversion.latents, 2 * TWO)
    np.testing.assert_array_equal(inversion.errors, errors)
    np.testing.assert_array_equal(compose(resting.state).lane("ddim").picked, TWO)
    assert len(resting.asked()) == 3
    assert resting.at_rest() is False  # the lanes are on their way


@pytest.mark.parametrize("count", [1, 3, 40])
def test_other_numbers_of_points_are_replayed(resting, tmp_path, count):
    points = np.linspace([-1, 0.5], [1, -0.5], count).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    before = resting.state.get(SAMPLING)
    resting.inverter.invert_file(str(tmp_path / "points.npy"))
    answer(resting, resting.until_sent(INVERT), 2 * points)
    assert resting.state.get(SAMPLING).mode == "inverted"
    if count == 1:
        assert (resting.state.get(SAMPLING).a, resting.state.get(SAMPLING).b) == (
            before.a,
            before.b,
        )
    packets = resting.heard(SAMPLES)
    assert [packet.message.slot for packet in packets] == ["ddpm", "ddpm-shared", "ddim"]
    for packet in packets:
        np.testing.assert_array_equal(packet.arrays["latents"], 2 * points)
        resting.link.frames(packet)
        resting.link.finish(packet)
    lane = compose(resting.state).lane("ddim")
    assert not lane.joined
    assert len(lane.picked) == min(count, 20)
    settle()
    assert resting.at_rest()
    resting.state.update(SAMPLING, a=(0.0, 0.0), count=7, path_points=9)
    assert resting.heard(SAMPLES) == []  # nothing that these lanes depend on


def test_latents_that_no_endpoint_can_have_are_said(resting, tmp_path):
    before = resting.state.get(SAMPLING)
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    answer(resting, resting.until_sent(INVERT), 2000 * TWO)
    assert resting.state.get(SAMPLING) == before
    assert len(resting.messages) == 1
    assert resting.messages[0][1]


# Races


def test_the_last_of_several_files_wins(resting, tmp_path):
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    old = resting.until_sent(INVERT)
    resting.inverter.invert_file(str(table(tmp_path / "three.csv", THREE)))
    new = resting.until_sent(INVERT)
    resting.link.report(messages.Result(job=old.message.job, cancelled=True))
    answer(resting, old, TWO)
    assert resting.state.get(INVERSION).status == "running"
    answer(resting, new, 3 * THREE)
    np.testing.assert_array_equal(resting.state.get(INVERSION).latents, 3 * THREE)
    answer(resting, old, TWO)
    np.testing.assert_array_equal(resting.state.get(INVERSION).latents, 3 * THREE)


@pytest.mark.parametrize("how", ["dismissed", "bad file", "picking"])
def test_what_is_given_up_does_not_come_back(resting, tmp_path, how):
    before = resting.state.get(SAMPLING)
    resting.inverter.invert_file(str(table(tmp_path / "three.csv", THREE)))
    packet = resting.until_sent(INVERT)
    if how == "dismissed":
        resting.state.set(INVERSION, Inversion())
    elif how == "picking":
        resting.inverter.pick_points()
    else:
        resting.inverter.invert_file(str(tmp_path / "missing.csv"))
    left = resting.state.get(INVERSION)
    (cancel,) = resting.heard(CANCEL)
    assert cancel.message.job == packet.message.job
    answer(resting, packet, 2 * THREE)
    assert resting.state.get(INVERSION) is left
    assert resting.state.get(SAMPLING) == before
    assert resting.at_rest()


def test_a_failure_is_said_in_the_foot_and_in_lanes_that_wait(of_three, tmp_path):
    of_three.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    packet = of_three.until_sent(INVERT)
    of_three.link.report(messages.Failure(job=packet.message.job, message="no room"))
    settle()
    assert of_three.messages == [("No room.", True)]
    assert of_three.state.get(INVERSION).status == "failed"
    assert of_three.run().message == "no room"  # mode 'inverted' is still on
    assert of_three.at_rest()


def test_what_was_inverted_survives_a_bad_file_and_a_dead_engine(of_three, tmp_path):
    before = of_three.state.get(INVERSION)
    assert before.status == "done"
    of_three.inverter.invert_file(str(tmp_path / "missing.csv"))
    assert of_three.state.get(INVERSION) is before
    of_three.link.die("gone")
    of_three.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    assert of_three.state.get(INVERSION) is before
    (missing, _), (dead, _) = of_three.messages
    assert "missing.csv" in missing
    assert dead == "Inverting needs the engine, which is not ready."


def test_without_an_engine_it_is_said(resting, tmp_path):
    resting.link.die("gone")
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    assert resting.state.get(INVERSION).status == "idle"
    assert resting.messages == [("Inverting needs the engine, which is not ready.", True)]
    assert resting.at_rest()


def test_after_the_death_of_an_engine_points_are_inverted_again(resting, tmp_path):
    resting.inverter.invert_file(str(table(tmp_path / "three.csv", THREE)))
    old = resting.until_sent(INVERT)
    resting.link.die("the engine was ended by signal 9")
    inversion = resting.state.get(INVERSION)
    assert (inversion.status, inversion.message) == ("failed", "the engine was ended by signal 9")
    assert resting.at_rest()
    resting.restart()
    new = resting.until_sent(INVERT)
    np.testing.assert_array_equal(new.arrays["data"], THREE)
    answer(resting, old, TWO)
    answer(resting, new, 2 * THREE)
    assert resting.state.get(INVERSION).status == "done"
    assert resting.state.get(SAMPLING).mode == "inverted"


def test_points_that_were_dismissed_while_there_was_no_engine_are_not_inverted(resting, tmp_path):
    resting.inverter.invert_file(str(table(tmp_path / "three.csv", THREE)))
    resting.until_sent(INVERT)
    resting.link.die("gone")
    resting.state.set(INVERSION, Inversion())
    resting.restart()
    assert resting.heard(INVERT) == []


# Another model


def test_another_model_inverts_the_same_points(of_two):
    of_two.open("/short", **SHORT)
    packet = of_two.until_sent(INVERT)
    assert packet.message.checkpoint == "/short"
    np.testing.assert_array_equal(packet.arrays["data"], TWO)
    assert of_two.state.get(INVERSION).latents is None
    answer(of_two, packet, 3 * TWO)
    assert (of_two.state.get(SAMPLING).a, of_two.state.get(SAMPLING).b) == (
        (1.5, 0.75),
        (-3.0, 6.0),
    )


def test_another_model_moves_no_endpoint_that_the_user_has_moved_and_keeps_the_mode(of_two):
    state = of_two.state
    state.update(SAMPLING, a=(0.0, 0.0), mode="samples")
    of_two.heard()
    of_two.open("/short", **SHORT)
    answer(of_two, of_two.until_sent(INVERT), 3 * TWO)
    assert (state.get(SAMPLING).a, state.get(SAMPLING).b) == ((0.0, 0.0), (-2.0, 4.0))
    assert state.get(SAMPLING).mode == "samples"
    np.testing.assert_array_equal(state.get(INVERSION).latents, 3 * TWO)


def test_lanes_wait_for_the_latents_of_the_model_that_is_shown(of_three):
    of_three.state.update(SAMPLING, seed=8)
    old = of_three.heard(SAMPLES)[-1]
    of_three.open("/short", **SHORT)
    of_three.link.frames(old)
    of_three.link.finish(old)
    packet = of_three.until_sent(INVERT)
    assert of_three.run().trajectory is None
    assert of_three.heard(SAMPLES) == []
    answer(of_three, packet, 3 * THREE)
    packets = of_three.heard(SAMPLES)
    assert {packet.message.checkpoint for packet in packets} == {"/short"}
    np.testing.assert_array_equal(packets[0].arrays["latents"], 3 * THREE)


def test_a_model_that_is_opened_while_points_are_inverted_inverts_them_itself(resting, tmp_path):
    resting.inverter.invert_file(str(table(tmp_path / "two.csv", TWO)))
    old = resting.until_sent(INVERT)
    resting.open("/short", **SHORT)
    answer(resting, old, 5 * TWO)
    new = resting.until_sent(INVERT)
    assert resting.state.get(INVERSION).latents is None
    answer(resting, new, 3 * TWO)
    assert resting.state.get(SAMPLING).a == (1.5, 0.75)
    assert resting.state.get(SAMPLING).mode == "interpolation"


def test_picking_comes_and_goes_with_the_settings(resting):
    before = resting.state.settings
    resting.inverter.pick_points()
    began = resting.state.settings
    resting.state.update(INVERSION, data=TWO[:1])
    picked = resting.state.settings
    for settings, status, points in (
        (before, "idle", TWO[:0]),
        (picked, "picking", TWO[:1]),
        (began, "picking", TWO[:0]),
        (before, "idle", TWO[:0]),
    ):
        resting.state.apply(settings)
        assert resting.state.get(INVERSION).status == status
        np.testing.assert_array_equal(resting.state.get(INVERSION).data, points)
        assert resting.state.settings == settings


def test_what_was_picked_of_another_models_data_is_let_go(resting):
    resting.inverter.pick_points()
    picking = resting.state.get(INVERSION)
    resting.state.set(INVERSION, replace(picking, data=TWO[:1]))
    resting.open("/short", **SHORT)
    assert resting.state.get(INVERSION).status == "picking"
    assert len(resting.state.get(INVERSION).data) == 0
    resting.state.set(INVERSION, replace(picking, data=TWO))
    np.testing.assert_array_equal(resting.until_sent(INVERT).arrays["data"], TWO)


# By hand


def place(view, x, y):
    """Where (x, y) of the plane is in the plot of a lane."""
    return view.plot.transform_of_plot().point(x, y).toPoint()


def choose(window):
    """Choose 'Click two data points' below the lanes."""
    window.mode("2d").sample_dock.inversion.pick_action.trigger()
    settle()


def test_two_points_are_picked_by_clicks_in_a_lane(window):
    state, lane = window.state, window.mode("2d").page.lane_view("ddim")
    window.link.sent.clear()
    choose(window)
    data = window.mode("2d").page.scene.lane("ddim").data
    first, second = data[100], data[700]
    click(lane.plot.viewport(), place(lane, *first))
    assert state.get(INVERSION).status == "picking"
    assert len(state.get(INVERSION).data) == 1
    settle()
    assert len(window.mode("2d").page.scene.lane("ddpm").picked) == 1  # in every lane
    click(lane.plot.viewport(), place(lane, *second))
    assert state.get(INVERSION).status == "running"
    settle()
    (packet,) = [packet for packet in window.link.sent if isinstance(packet.message, INVERT)]
    np.testing.assert_allclose(packet.arrays["data"], [first, second], atol=0.05)
    assert all(np.abs(data - row).max(axis=1).min() < 0.05 for row in packet.arrays["data"])
    window.link.report(
        messages.Result(job=packet.message.job),
        {"latents": 2 * TWO, "errors": np.array([0.004, 0.012], np.float32)},
    )
    settle()
    assert state.get(SAMPLING).a == (1.0, 0.5)
    assert window.mode("2d").page.scene.lane("latent").endpoints == ((1.0, 0.5), (-2.0, 4.0))
    assert (
        "round trip: 0.008 mean, 0.012 largest"
        in window.mode("2d").sample_dock.inversion.text.text()
    )


@pytest.mark.parametrize("clicks", [0, 1])
def test_escape_gives_up_picking(window, clicks):
    state, lane = window.state, window.mode("2d").page.lane_view("ddim")
    sampling = state.get(SAMPLING)
    window.link.sent.clear()
    choose(window)
    for _ in range(clicks):
        click(lane.plot.viewport(), place(lane, 0.5, 0.5))
    assert len(state.get(INVERSION).data) == clicks
    window.mode("2d").page.setFocus()
    key(window.mode("2d").page, Qt.Key.Key_Escape)
    settle()
    assert state.get(INVERSION).status == "idle"
    assert window.mode("2d").page.scene.lane("ddim").picked is None
    click(lane.plot.viewport(), place(lane, 0.5, 0.5))
    settle()
    assert state.get(INVERSION).status == "idle"
    assert state.get(SAMPLING) == sampling
    assert window.link.sent == []
