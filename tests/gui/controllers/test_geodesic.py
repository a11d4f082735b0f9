"""When a geodesic is searched for, what becomes of it, and what is never shown."""

import numpy as np
import pytest

from engine.shared import messages
from engine.shared.config import ScheduleConfig
from tests.hands.window import settle, wait_until
from toydiff_gui.controllers.geodesic import NOTHING_FOUND, GeodesicSearch
from toydiff_gui.modes.points.compose import LATENT_KEY, compose
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.lanes import LANES, LaneSpec, duplicate_lane, remove_lane, update_lane
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, LOOK, VIEW

SEARCH, SAMPLES, CANCEL = messages.FindPath, messages.Sample, messages.Cancel
A, B = (-1.0, 2.0), (-1.0, -2.0)
TURN = {"schedule": ScheduleConfig(timesteps=20)}


def bow(bend, points=500, a=A, b=B):
    """A path between two points that leaves the line to the right by up to ``bend``."""
    s = np.linspace(0, 1, points)[:, None]
    sideways = bend * np.sin(np.pi * s) * np.array([[1.0, 0.0]])
    return ((1 - s) * np.asarray(a) + s * np.asarray(b) + sideways).astype(np.float32)


def improve(desk, search, latents, step=10, energy=20.0, *, turn=True):
    few = latents[::50]
    desk.link.report(
        messages.PathFound(
            job=search.message.job, step=step, total=80, energy=energy, elapsed=0.1 * step
        ),
        {
            "latents": latents,
            "t": np.array([250, 125, 0]),
            "x": np.stack([few, few, few]),
            "x0": np.stack([few, few, few]),
        },
    )
    if turn:  # lanes follow in the next one
        wait_until(lambda: not desk.exchange._flush_timer.isActive(), "the picture")
        settle()


def find(desk, search, latents, energies=(20.0, 18.0)):
    desk.link.report(
        messages.Result(
            job=search.message.job,
            seconds=3.2,
            info={"energies": list(energies), "off_data": 0.0, "coefficients": 6},
        ),
        {"latents": latents},
    )


@pytest.fixture
def searching(resting):
    """A search for the lane 'ddim', just asked for."""
    update_lane(resting.state, "ddim", path="geodesic")
    resting.search = resting.until_sent(SEARCH)
    return resting


@pytest.fixture
def found(searching):
    """The search has ended and the lane is complete."""
    find(searching, searching.search, bow(1.0))
    (packet,) = searching.heard(SAMPLES)
    finish(searching, packet)
    return searching


def finish(desk, packet):
    desk.link.frames(packet)
    desk.link.finish(packet)


def first_state(desk, key="ddim"):
    return desk.run(key).trajectory.x[0]


# When there is a search


def test_nothing_is_searched_for_while_nobody_looks(resting):
    state = resting.state
    state.update(SAMPLING, a=(0.5, 0.5))
    state.update(VIEW, lab=True, sample_dock=False)
    state.update(VIEW, sample_dock=True, presentation=True)
    update_lane(state, "ddim-few", path="geodesic")  # is not shown
    state.update(VIEW, lab=False, presentation=False)
    state.update(SAMPLING, mode="samples")
    update_lane(state, "ddim", path="geodesic")  # starts from no path
    assert resting.heard(SEARCH) == []
    assert "geodesic" not in resting.exchange.under_way
    assert state.get(GEODESIC).status == "idle"


@pytest.mark.parametrize("who", ["lane", "all lanes", "lab"])
def test_who_looks_has_it_searched_for_once(resting, who):
    state = resting.state
    state.update(SAMPLING, a=(0.5, -0.25), path_points=40)
    if who == "lane":
        update_lane(state, "ddpm", path="geodesic")
    elif who == "lab":
        state.update(VIEW, lab=True)
    else:
        state.update(SAMPLING, path="geodesic")
    (search,) = resting.heard(SEARCH)
    assert (search.message.checkpoint, search.message.points) == ("v", 40)
    assert search.arrays["start"].tolist() == [0.5, -0.25]
    assert search.arrays["end"].tolist() == list(B)
    assert state.get(GEODESIC).status == "searching"
    state.update(VIEW, lab=True)
    duplicate_lane(state, "ddim")
    state.update(SAMPLING, seed=9, count=7, eta=0.5)
    assert resting.heard(SEARCH) == []


def test_a_search_begins_when_the_hand_lets_go(resting):
    state = resting.state
    update_lane(state, "ddim", path="geodesic")
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(0.0, 0.0))
    assert resting.heard(SEARCH) == []
    assert state.get(GEODESIC).status == "idle"
    state.set(DRAGGING, False)
    (search,) = resting.heard(SEARCH)
    assert search.arrays["start"].tolist() == [0, 0]


def test_equal_ends_and_ends_at_the_origin_are_searched_for_like_others(resting):
    update_lane(resting.state, "ddim", path="geodesic")
    resting.state.update(SAMPLING, a=(0.0, 0.0), b=(0.0, 0.0))
    (search,) = resting.heard(SEARCH)
    find(resting, search, bow(0.0, a=(0, 0), b=(0, 0)))
    (packet,) = resting.heard(SAMPLES)
    assert not packet.arrays["latents"].any()
    lane = compose(resting.state).lane(LATENT_KEY)
    assert lane.endpoints == ((0.0, 0.0), (0.0, 0.0))
    assert not lane.latent_norms.any()


# What is seen of it


def test_lanes_wait_see_better_and_better_paths_and_then_start_from_the_best(searching):
    desk, search = searching, searching.search
    assert desk.run("ddpm").status == "done"  # is not concerned
    for bend, energy in ((0.5, 30.0), (0.8, 22.0)):
        improve(desk, search, bow(bend), energy=energy)
        run = desk.run()
        assert (run.status, run.coarse) == ("running", True)
        assert run.trajectory.t == (250, 125, 0)
        np.testing.assert_array_equal(run.trajectory.x[0], bow(bend)[::50])
        np.testing.assert_array_equal(desk.state.get(GEODESIC).latents, bow(bend))
        drawn = compose(desk.state).lane(LATENT_KEY)
        assert any(np.array_equal(line.latents, bow(bend)) for line in drawn.paths) or (
            np.array_equal(drawn.latents, bow(bend))
        )
    assert desk.state.get(GEODESIC).energies == (30.0, 22.0)
    assert desk.heard(SAMPLES) == []
    find(desk, search, bow(1.0), (20.0, 18.0))
    (packet,) = desk.heard(SAMPLES)
    assert (packet.message.slot, packet.message.sampler.steps) == ("ddim", 250)
    np.testing.assert_array_equal(packet.arrays["latents"], bow(1.0))
    finish(desk, packet)
    np.testing.assert_array_equal(first_state(desk), bow(1.0))
    geodesic = desk.state.get(GEODESIC)
    assert (geodesic.status, geodesic.seconds, geodesic.coefficients) == ("done", 3.2, 6)
    assert geodesic.energies == (30.0, 20.0, 18.0)
    settle()
    assert desk.at_rest()


def test_a_preview_is_of_the_network_without_noise_so_other_lanes_do_not_show_it(resting):
    state = resting.state
    state.set(
        LANES,
        (
            LaneSpec("plain", path="geodesic"),
            LaneSpec("named", path="geodesic", checkpoint="v"),
            LaneSpec("exact", path="geodesic", exact=True),
            LaneSpec("other", path="geodesic", checkpoint="moons"),
            LaneSpec("noisy", path="geodesic", sampler="ddpm"),
            LaneSpec("second", path="geodesic", sampler="heun"),
        ),
    )
    search = resting.until_sent(SEARCH)
    improve(resting, search, bow(0.5))
    shown = {lane.key for lane in state.get(LANES) if resting.run(lane.key).trajectory is not None}
    assert shown == {"plain", "named", "second"}


def test_lanes_on_the_geodesic_share_one_path(found):
    copy = duplicate_lane(found.state, "ddim")
    assert found.heard(SAMPLES, SEARCH) == []
    np.testing.assert_array_equal(first_state(found, copy), bow(1.0))
    update_lane(found.state, copy, steps=40)
    (packet,) = found.heard(SAMPLES, SEARCH)
    assert packet.message.slot == copy
    np.testing.assert_array_equal(packet.arrays["latents"], bow(1.0))


def test_the_path_is_drawn_between_its_own_ends_only(found):
    state = found.state
    state.update(LOOK, selected_lane="ddim")
    np.testing.assert_array_equal(compose(state).lane(LATENT_KEY).latents, bow(1.0))
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(1.0, 1.0))
    for packet in found.heard(SAMPLES, messages.Interpolate):
        finish(found, packet)
    state.set(DRAGGING, False)  # nobody has begun to search yet
    drawn = compose(state).lane(LATENT_KEY)
    np.testing.assert_allclose(drawn.latents, bow(1.0, a=(1, 1)), atol=1e-5)
    np.testing.assert_allclose(drawn.latent_norms[0], 2**0.5, rtol=1e-6)


# Dragging


def test_while_an_end_is_dragged_the_last_path_moves_along(found):
    state = found.state
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(1.0, 1.0))
    packets = found.heard(SAMPLES, SEARCH)
    (packet,) = packets
    np.testing.assert_allclose(packet.arrays["latents"], bow(1.0, a=(1, 1)), atol=1e-5)
    assert packet.message.sampler.steps < 30
    finish(found, packet)
    assert found.run().coarse
    state.update(SAMPLING, a=(2.0, 1.0))
    state.set(DRAGGING, False)
    (search,) = found.heard(SEARCH)
    assert search.arrays["start"].tolist() == [2, 1]
    # Once more, before the new search has found anything.
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(0.0, 1.0))
    (packet,) = found.heard(SAMPLES)
    np.testing.assert_allclose(packet.arrays["latents"], bow(1.0, a=(0, 1)), atol=1e-5)


def test_a_path_of_another_model_does_not_move_along(found):
    found.state.set(DRAGGING, True)
    found.open("/other", **TURN)
    found.state.update(SAMPLING, a=(1.0, 1.0))
    assert found.heard(SAMPLES) == []
    assert found.geodesic.latents() is None


def test_a_drag_ends_a_search_and_its_best_path_moves_along(searching):
    improve(searching, searching.search, bow(0.5))
    searching.state.set(DRAGGING, True)
    assert searching.heard(messages.Message) == []  # nothing has moved yet
    searching.state.update(SAMPLING, b=(0.0, -2.0))
    (packet,) = searching.heard(SAMPLES)
    np.testing.assert_allclose(packet.arrays["latents"], bow(0.5, b=(0, -2)), atol=1e-5)
    assert searching.state.get(GEODESIC).status == "stopped"
    assert "geodesic" not in searching.exchange.under_way


# Late answers


def test_what_was_found_for_an_older_place_is_not_used(searching):
    desk, old = searching, searching.search
    improve(desk, old, bow(0.5))
    desk.state.update(SAMPLING, a=(2.0, 2.0))
    # Before anybody could tell the engine:
    improve(desk, old, bow(0.7), turn=False)
    np.testing.assert_array_equal(first_state(desk), bow(0.5)[::50])
    cancel, new = desk.heard(CANCEL, SEARCH)
    assert cancel.message.job == old.message.job
    improve(desk, old, bow(0.8))
    find(desk, old, bow(0.9))
    assert desk.state.get(GEODESIC).latents is None
    assert desk.state.get(GEODESIC).status == "searching"
    assert desk.heard(SAMPLES) == []
    path = bow(0.4, a=(2, 2))
    find(desk, new, path)
    (packet,) = desk.heard(SAMPLES)
    np.testing.assert_array_equal(packet.arrays["latents"], path)


def test_a_result_that_comes_between_two_moves_holds_when_the_hand_is_back(searching):
    """There and back within one turn: nobody may wait for what has come."""
    desk = searching
    desk.state.update(SAMPLING, a=(2.0, 2.0))
    find(desk, desk.search, bow(1.0))
    desk.state.update(SAMPLING, a=A)
    assert len(desk.heard(SAMPLES, SEARCH)) == 1
    assert desk.state.get(GEODESIC).status == "done"


def test_frames_of_an_older_path_do_not_come_over_the_search_for_the_next(found):
    desk = found
    desk.state.update(SAMPLING, seed=8)
    (older,) = desk.heard(SAMPLES)
    desk.link.frames(older, 0, 5)
    desk.state.update(SAMPLING, a=(2.0, 2.0))
    cancels = [packet.message.job for packet in desk.heard(CANCEL, SEARCH)]
    assert older.message.job in cancels
    before = desk.run()
    desk.link.frames(older, 5)
    desk.link.finish(older)
    settle()
    assert desk.run() is before
    assert desk.state.get(GEODESIC).status == "searching"


def test_another_number_of_points_is_another_path(searching):
    improve(searching, searching.search, bow(0.5))
    searching.state.update(SAMPLING, path_points=60)
    cancel, new = searching.heard(CANCEL, SEARCH)
    assert cancel.message.job == searching.search.message.job
    assert new.message.points == 60
    find(searching, searching.search, bow(1.0))
    assert searching.heard(SAMPLES) == []
    find(searching, new, bow(1.0, 60))
    (packet,) = searching.heard(SAMPLES)
    assert packet.arrays["latents"].shape == (60, 2)


def test_another_model_has_another_geodesic(searching):
    desk, old = searching, searching.search
    improve(desk, old, bow(0.5))
    desk.open("/other", **TURN)
    improve(desk, old, bow(0.6))
    find(desk, old, bow(0.9))
    assert desk.run().trajectory is None  # T is 20 now: nothing of 250 steps is shown
    (new,) = desk.heard(SEARCH)
    assert new.message.checkpoint == "/other"
    assert desk.state.get(GEODESIC).latents is None
    find(desk, new, bow(0.3))
    (packet,) = desk.heard(SAMPLES)
    assert (packet.message.checkpoint, packet.message.sampler.steps) == ("/other", 20)


# Ends


def test_a_search_that_is_stopped_leaves_its_best_path(searching):
    improve(searching, searching.search, bow(0.5))
    searching.geodesic.stop()
    cancel, packet = searching.heard(CANCEL, SAMPLES, SEARCH)
    assert cancel.message.job == searching.search.message.job
    np.testing.assert_array_equal(packet.arrays["latents"], bow(0.5))
    finish(searching, packet)
    assert searching.state.get(GEODESIC).status == "stopped"
    find(searching, searching.search, bow(1.0))  # was on its way
    assert searching.heard(SAMPLES) == []
    searching.geodesic.stop()
    assert searching.at_rest()
    # Again, for the same ends.
    searching.geodesic.search_again()
    (again,) = searching.heard(SEARCH)
    find(searching, again, bow(0.9))
    (packet,) = searching.heard(SAMPLES)
    np.testing.assert_array_equal(packet.arrays["latents"], bow(0.9))


def test_a_search_that_is_stopped_before_it_has_found_anything_says_so_in_its_lanes(searching):
    searching.geodesic.stop()
    assert searching.heard(SAMPLES, SEARCH) == []
    assert (searching.run().status, searching.run().message) == ("failed", NOTHING_FOUND)
    assert compose(searching.state).lane("ddim").message == NOTHING_FOUND
    searching.geodesic.search_again()
    (again,) = searching.heard(SEARCH)
    improve(searching, again, bow(0.5))
    assert searching.run().status == "running"


def test_searching_again_in_the_midst_of_a_search_begins_anew(searching):
    improve(searching, searching.search, bow(0.5))
    searching.geodesic.search_again()
    cancel, again = searching.heard(CANCEL, SEARCH, SAMPLES)
    assert cancel.message.job == searching.search.message.job
    improve(searching, searching.search, bow(0.8))
    assert searching.state.get(GEODESIC).latents is None
    find(searching, again, bow(1.0))
    assert searching.state.get(GEODESIC).status == "done"


def test_searching_again_begins_from_other_starts_each_time(searching):
    seeds = [searching.search.message.seed]
    for _ in range(2):
        searching.geodesic.search_again()
        *_, again = searching.heard(SEARCH)
        seeds.append(again.message.seed)
    searching.state.update(SAMPLING, a=(0.0, 1.0))
    *_, elsewhere = searching.heard(SEARCH)
    assert [*seeds, elsewhere.message.seed] == [0, 1, 2, 0]


def test_a_search_that_fails_says_so_once_and_not_again(searching):
    failure = messages.Failure(job=searching.search.message.job, message="the path left the plane")
    searching.link.report(failure)
    assert searching.heard(SEARCH, SAMPLES) == []
    assert searching.messages == [("The path left the plane.", True)]
    assert searching.run().message == "the path left the plane"
    assert searching.at_rest()
    searching.state.update(SAMPLING, a=(0.0, 1.0))
    assert len(searching.heard(SEARCH)) == 1


def test_a_search_that_fails_leaves_its_best_path(searching):
    improve(searching, searching.search, bow(0.5))
    failure = messages.Failure(job=searching.search.message.job, message="no room")
    searching.link.report(failure)
    (packet,) = searching.heard(SAMPLES, SEARCH)
    np.testing.assert_array_equal(packet.arrays["latents"], bow(0.5))
    geodesic = searching.state.get(GEODESIC)
    assert (geodesic.status, geodesic.message) == ("failed", "no room")
    np.testing.assert_array_equal(geodesic.latents, bow(0.5))
    assert geodesic.energies == (20.0,)


def test_a_search_that_was_stopped_is_not_taken_up_again_by_a_drag_of_something_else(searching):
    improve(searching, searching.search, bow(0.5))
    searching.geodesic.stop()
    searching.heard()
    searching.state.set(DRAGGING, True)
    searching.state.update(SAMPLING, through=((1.0, 0.0),))
    settle()
    searching.state.set(DRAGGING, False)
    assert searching.heard(SEARCH) == []
    assert searching.state.get(GEODESIC).status == "stopped"


def test_going_back_to_ends_of_a_moment_ago_asks_nothing(found):
    found.state.update(SAMPLING, a=(2.0, 2.0))
    (elsewhere,) = found.heard(SEARCH)
    find(found, elsewhere, bow(0.5, a=(2, 2)))
    finish(found, found.heard(SAMPLES)[-1])
    found.state.update(SAMPLING, a=A)
    assert found.heard(SEARCH, SAMPLES, messages.Interpolate) == []
    np.testing.assert_array_equal(found.state.get(GEODESIC).latents, bow(1.0))
    np.testing.assert_array_equal(first_state(found), bow(1.0))
    assert found.state.get(GEODESIC).status == "done"


def test_the_same_settings_elsewhere_search_from_the_same_starts(searching):
    for _ in range(2):
        searching.geodesic.search_again()
        searching.heard(SEARCH)
    fresh = Store()
    fresh.apply(searching.state.settings)
    search = GeodesicSearch(fresh, searching.exchange)
    search.watch(searching.point_lanes.between, lambda: True)
    (wanted,) = search.wanted()
    assert wanted.request.seed == 2


@pytest.mark.parametrize("how", ["other path", "hidden", "removed", "samples"])
def test_a_search_ends_with_the_last_lane_that_wants_it(searching, how):
    copy = duplicate_lane(searching.state, "ddim")
    for key in ("ddim", copy):
        assert searching.heard(CANCEL) == []
        if how == "other path":
            update_lane(searching.state, key, path="spherical")
        elif how == "hidden":
            update_lane(searching.state, key, shown=False)
        elif how == "removed":
            remove_lane(searching.state, key)
    if how == "samples":
        searching.state.update(SAMPLING, mode="samples")
    jobs = [packet.message.job for packet in searching.heard(CANCEL)]
    assert searching.search.message.job in jobs
    assert "geodesic" not in searching.exchange.under_way
    assert searching.state.get(GEODESIC).status == "stopped"
    find(searching, searching.search, bow(1.0))
    assert searching.state.get(GEODESIC).latents is None


def test_after_the_death_of_an_engine_it_is_searched_for_again(searching):
    improve(searching, searching.search, bow(0.5))
    searching.link.die("the engine was ended by signal 9")
    settle()
    assert searching.at_rest()
    geodesic = searching.state.get(GEODESIC)
    assert (geodesic.status, geodesic.message) == ("failed", "the engine was ended by signal 9")
    assert searching.run().status == "failed"
    searching.geodesic.search_again()
    assert searching.heard(SEARCH) == []  # of whom?
    assert searching.at_rest()
    searching.restart()
    search = searching.heard(SEARCH)[-1]
    improve(searching, searching.search, bow(0.7))  # of the dead one
    assert searching.state.get(GEODESIC).latents is None
    find(searching, search, bow(1.0))
    packet = searching.heard(SAMPLES)[-1]
    np.testing.assert_array_equal(packet.arrays["latents"], bow(1.0))
