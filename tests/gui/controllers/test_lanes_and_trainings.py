"""What is asked of the engine when something changes, and what becomes of its answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.shared import messages
from engine.shared.config import ModelConfig, ScheduleConfig, TrainingConfig
from engine.shared.run_files import CHECKPOINT
from tests.hands.window import settle, wait_until
from toydiff_gui.controllers.lanes import (
    COARSE_EVALUATIONS,
    FEWEST_COARSE_EVALUATIONS,
    FIRST_COARSE_EVALUATIONS,
)
from toydiff_gui.modes.points.compose import LATENT_KEY, compose
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import (
    LANES,
    LaneSpec,
    add_lane,
    duplicate_lane,
    remove_lane,
    update_lane,
)
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import DRAGGING

LANE_KEYS = ["ddpm", "ddpm-shared", "ddim"]
SAMPLES = messages.Sample


def slots(packets):
    return [packet.message.slot for packet in packets]


# Lanes


def test_the_model_is_opened_first_and_then_every_lane_is_asked_for(desk):
    desk.state.update(SAMPLING, seed=7)
    assert desk.asked() == []  # nobody is there yet
    desk.link.get_ready()
    (opening,) = desk.asked(messages.Open)
    assert opening.message.checkpoint == "v"
    desk.link.describe(opening.message.job)
    asked = desk.asked()
    assert slots(asked) == LANE_KEYS
    for packet in asked:
        message = packet.message
        assert (message.checkpoint, message.points, message.seed) == ("v", 500, 7)
        assert message.sampler.steps == 250
        assert packet.arrays["start"].tolist() == [-1, 2]
        assert packet.arrays["end"].tolist() == [-1, -2]
    assert desk.opened == ["v"]
    assert desk.controllers.busy


def test_frames_are_shown_as_they_arrive(desk):
    desk.link.get_ready()
    desk.link.describe(desk.asked(messages.Open)[0].message.job)
    first, *_ = desk.asked()
    desk.link.frames(first, 0, 3)
    assert desk.run("ddpm").trajectory.reached == 250  # the first is shown at once
    wait_until(lambda: desk.run("ddpm").trajectory.reached == 248, "the frames")
    assert desk.run("ddpm").status == "running"
    desk.link.frames(first, 3)
    desk.link.finish(first)
    run = desk.run("ddpm")
    assert (run.status, run.coarse, run.seconds) == ("done", False, 0.25)
    assert run.trajectory.complete


@pytest.mark.parametrize(
    ("change", "lanes"),
    [
        ({"a": (0.5, 0.5)}, LANE_KEYS),
        ({"seed": 6}, LANE_KEYS),
        ({"steps": 40}, LANE_KEYS),
        ({"path_points": 100}, LANE_KEYS),
        ({"eta": 0.5}, ["ddim"]),  # the others have no eta
        ({"count": 17}, []),  # belongs to the other mode
    ],
)
def test_only_what_a_change_concerns_is_asked_for_again(resting, change, lanes):
    resting.state.update(SAMPLING, **change)
    assert slots(resting.asked()) == lanes
    resting.link.answer_all()
    resting.link.sent.clear()
    resting.state.changed(LANES).emit()
    assert resting.asked() == []  # all is there


def test_going_back_before_the_answer_shows_the_first_place_without_asking(resting):
    resting.state.update(SAMPLING, a=(0.0, 0.0))
    moved = resting.asked()
    resting.state.update(SAMPLING, a=(-1.0, 2.0))
    assert resting.asked() == []
    for packet in moved:  # late, of a place that is no more
        resting.link.frames(packet)
        resting.link.finish(packet)
    settle()
    run = resting.run()
    assert (run.status, run.trajectory.x[0][0].tolist()) == ("done", [-1, 2])
    assert not resting.controllers.busy


def test_an_answer_of_an_older_wish_is_never_shown(resting):
    resting.state.update(SAMPLING, a=(1.0, 1.0))
    old = resting.asked()[-1]
    resting.state.update(SAMPLING, a=(2.0, 2.0))
    new = resting.asked()[-1]
    resting.link.frames(new)
    resting.link.finish(new)
    resting.link.frames(old)
    resting.link.finish(old)
    settle()
    assert resting.run().trajectory.x[0][0].tolist() == [2, 2]


def test_a_lane_that_is_switched_off_is_cancelled_and_asked_for_when_it_is_back(resting):
    resting.state.update(SAMPLING, seed=9)
    asked = resting.asked()
    update_lane(resting.state, "ddpm", shown=False)
    settle()
    (cancel,) = resting.link.asked(messages.Cancel)
    assert cancel.job == asked[0].message.job
    resting.link.sent.clear()
    update_lane(resting.state, "ddpm", shown=True)
    assert slots(resting.asked()) == ["ddpm"]


def test_a_lane_with_steps_of_its_own_keeps_them(resting):
    update_lane(resting.state, "ddim-few", shown=True)
    (packet,) = resting.asked()
    assert packet.message.sampler.steps == 20
    resting.state.update(SAMPLING, steps=40)
    assert slots(resting.asked()) == LANE_KEYS  # not the lane with 20 steps


def test_samples_bring_their_latents(resting):
    resting.state.update(SAMPLING, mode="samples", count=64)
    asked = resting.asked(SAMPLES)
    assert slots(asked) == LANE_KEYS
    assert {(packet.message.count, packet.message.seed) for packet in asked} == {(64, 5)}
    resting.link.frames(asked[0], 0, 1)
    latents = resting.run(LATENT_KEY).latents
    np.testing.assert_array_equal(latents, resting.link.latents(asked[0].message, {}))


def test_frames_of_the_path_are_no_latents_of_samples(resting):
    resting.state.update(SAMPLING, seed=9)
    path = resting.asked()[0]
    # The mode has changed, but the lanes have not been asked for again yet.
    resting.state.update(SAMPLING, mode="samples", count=64)
    resting.link.frames(path, 0, 2)
    assert resting.run(LATENT_KEY).latents is None


def test_a_path_is_never_shown_as_samples_nor_the_other_way_round(resting):
    assert resting.run().trajectory is not None
    resting.state.update(SAMPLING, mode="samples", count=1)
    assert len(resting.asked(SAMPLES)) == 3
    assert {resting.run(key).trajectory for key in LANE_KEYS} == {None}
    assert resting.run().status == "running"


def test_another_mode_ends_what_is_on_its_way_since_the_engine_would_not(resting):
    resting.state.update(SAMPLING, seed=3)
    jobs = [packet.message.job for packet in resting.asked()]
    resting.state.update(SAMPLING, mode="samples")
    settle()
    cancelled = [p.message.job for p in resting.link.sent if isinstance(p.message, messages.Cancel)]
    assert cancelled == jobs
    assert slots(resting.asked(SAMPLES)) == LANE_KEYS


def test_lanes_of_another_model_are_empty_until_its_own_frames_come(resting):
    resting.models.open("moons")
    (opening,) = resting.asked(messages.Open)
    assert resting.run().trajectory is not None  # it may yet fail
    resting.link.describe(opening.message.job, TrainingConfig(dataset="moons"))
    assert resting.run().trajectory is None


def test_a_failure_is_said_once_in_each_lane_and_in_words(resting):
    resting.state.update(SAMPLING, seed=3)
    asked = resting.asked()
    for packet in asked:
        resting.link.report(messages.Failure(job=packet.message.job, message="too many points"))
    settle()
    assert {resting.run(key).status for key in LANE_KEYS} == {"failed"}
    assert resting.run().message == "too many points"
    assert resting.messages == [("Too many points.", True)] * 3
    assert resting.asked() == []  # no endless trying
    resting.state.update(SAMPLING, seed=4)
    assert slots(resting.asked()) == LANE_KEYS


# Dragging


def test_a_drag_asks_for_few_steps_one_batch_at_a_time_and_for_the_newest_place(resting):
    state, link = resting.state, resting.link
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(0.0, 1.0))
    first = resting.asked()
    assert slots(first) == LANE_KEYS
    assert {packet.message.sampler.steps for packet in first} == {FIRST_COARSE_EVALUATIONS}
    for x in (0.1, 0.2, 0.3):
        state.update(SAMPLING, a=(x, 1.0))
        assert resting.asked() == []  # the first is not there yet
    for packet in first:
        link.frames(packet)
        link.finish(packet)
    assert resting.run().coarse
    assert resting.run().trajectory.x[0][0].tolist() == [0, 1]
    second = resting.asked()
    assert slots(second) == LANE_KEYS
    assert second[0].arrays["start"].tolist() == pytest.approx([0.3, 1.0])
    state.set(DRAGGING, False)
    last = resting.asked()
    assert slots(last) == LANE_KEYS
    assert {packet.message.sampler.steps for packet in last} == {250}
    assert last[0].arrays["start"].tolist() == pytest.approx([0.3, 1.0])


def test_after_a_drag_the_coarse_picture_stays_until_the_full_one_has_come_as_far(resting):
    state, link = resting.state, resting.link
    resting.playback.set_reached(0)
    resting.playback.set_t(100)
    state.set(DRAGGING, True)
    state.update(SAMPLING, a=(0.0, 1.0))
    for packet in resting.asked():
        link.frames(packet)
        link.finish(packet)
    state.set(DRAGGING, False)
    full = resting.asked()[-1]
    link.frames(full, 0, 150)
    # The coarse frames have set it, and it finds those of the full picture.
    flush = resting.exchange._flush_timer
    wait_until(lambda: not flush.isActive(), "a flush")
    assert resting.run().coarse  # t = 101 is not enough
    link.frames(full, 150)
    link.finish(full)
    assert not resting.run().coarse
    assert resting.run().trajectory.complete


def test_a_press_that_moves_nothing_asks_for_nothing(resting):
    resting.state.set(DRAGGING, True)
    assert resting.asked() == []
    resting.state.set(DRAGGING, False)
    assert resting.asked() == []


def test_a_hand_that_rests_asks_for_nothing_more(resting):
    resting.state.set(DRAGGING, True)
    resting.state.update(SAMPLING, a=(0.0, 1.0))
    asked = resting.asked()
    resting.point_lanes._pace.evaluations = 6  # the pace has been learned: what is there will do
    for packet in asked:
        resting.link.frames(packet)
        resting.link.finish(packet)
    assert resting.asked() == []
    assert not resting.controllers.busy


def test_coarse_runs_never_have_more_steps_than_asked_for(resting):
    resting.state.update(SAMPLING, steps=8)
    resting.link.answer_all()
    resting.link.sent.clear()
    resting.state.set(DRAGGING, True)
    resting.state.update(SAMPLING, a=(0.0, 1.0))
    assert {packet.message.sampler.steps for packet in resting.asked()} == {8}


@pytest.mark.parametrize("last", [False, True])
def test_the_hand_is_followed_although_a_lane_fails(resting, last):
    resting.state.set(DRAGGING, True)
    resting.state.update(SAMPLING, a=(0.0, 1.0))
    first = resting.asked()
    resting.state.update(SAMPLING, a=(0.5, 1.0))
    assert resting.asked() == []
    broken = first[-1 if last else 0]
    for packet in first:
        if packet is broken:
            failure = messages.Failure(job=packet.message.job, message="no room")
            resting.link.report(failure)
        else:
            resting.link.frames(packet)
            resting.link.finish(packet)
    second = resting.asked()
    assert slots(second) == LANE_KEYS
    assert second[0].arrays["start"].tolist() == [0.5, 1.0]


def test_fewer_steps_are_asked_for_where_the_machine_is_slow(resting, monkeypatch):
    asked, took = [], 400.0
    monkeypatch.setattr(resting.exchange, "_batch_began", Watch(lambda: took))
    resting.state.set(DRAGGING, True)
    for move in range(12):
        took = 400.0 if move < 3 else 5.0
        resting.state.update(SAMPLING, a=(0.1 * move, 1.0))
        packets = resting.asked()
        asked.append(packets[0].message.sampler.steps)
        for packet in packets:
            resting.link.frames(packet)
            resting.link.finish(packet)
    assert asked[:4] == [FIRST_COARSE_EVALUATIONS] + 3 * [FEWEST_COARSE_EVALUATIONS]
    assert asked[4:] == list(range(FEWEST_COARSE_EVALUATIONS + 1, FEWEST_COARSE_EVALUATIONS + 9))
    resting.point_lanes._pace.evaluations = COARSE_EVALUATIONS
    resting.state.update(SAMPLING, a=(2.0, 1.0))
    for packet in resting.asked():
        resting.link.frames(packet)
        resting.link.finish(packet)
    assert resting.point_lanes._pace.evaluations == COARSE_EVALUATIONS


class Watch:
    """A clock that says what the test says."""

    def __init__(self, elapsed):
        self.elapsed = elapsed

    def start(self):
        pass


def test_heun_evaluates_twice_a_step_and_takes_half_as_many(resting):
    update_lane(resting.state, "ddim", sampler="heun")
    resting.heard()
    resting.state.set(DRAGGING, True)
    resting.state.update(SAMPLING, a=(0.0, 1.0))
    steps = {packet.message.slot: packet.message.sampler.steps for packet in resting.asked()}
    assert steps == {
        "ddpm": FIRST_COARSE_EVALUATIONS,
        "ddpm-shared": FIRST_COARSE_EVALUATIONS,
        "ddim": FIRST_COARSE_EVALUATIONS // 2,
    }


# Lanes that are their own


def test_a_lane_is_asked_for_with_what_is_its_own(resting):
    state = resting.state
    update_lane(state, "ddim", seed=77, eta=0.5, steps=30, path="spherical")
    (packet,) = resting.asked()
    message = packet.message
    assert (message.seed, message.path, message.side) == (77, "spherical", "left")
    assert (message.sampler.steps, message.sampler.eta) == (30, 0.5)
    update_lane(state, "ddim", exact=True)
    (packet,) = resting.asked()
    assert packet.message.checkpoint == "exact:v"
    update_lane(state, "ddim", path="drawn")
    state.update(SAMPLING, through=((0.0, 1.0), (1.0, 0.5)))
    (packet,) = resting.asked()
    assert packet.arrays["through"].tolist() == [[0, 1], [1, 0.5]]
    state.update(SAMPLING, side="right")  # no lane goes round anything
    assert resting.asked() == []


def test_a_lane_of_another_checkpoint_waits_until_it_is_known(resting):
    state = resting.state
    before = resting.run().trajectory
    update_lane(state, "ddim", checkpoint="gaussians8")
    (opening,) = resting.asked(messages.Open)
    assert opening.message.checkpoint == "gaussians8"
    assert resting.run().trajectory is not before  # it was of another model
    state.update(SAMPLING, seed=3)
    assert {packet.message.slot for packet in resting.asked()} == {"ddpm", "ddpm-shared"}
    resting.link.describe(
        opening.message.job,
        TrainingConfig(dataset="gaussians8", schedule=ScheduleConfig(timesteps=40)),
    )
    (packet,) = resting.asked()
    assert (packet.message.checkpoint, packet.message.sampler.steps) == ("gaussians8", 40)
    resting.link.frames(packet, timesteps=40)
    resting.link.finish(packet)
    lane = compose(state).lane("ddim")
    assert lane.trajectory.t[0] == 250  # on the one timeline
    assert lane.trajectory.t[-1] == 0
    assert resting.opened == ["v"]
    assert state.get(MODEL).ref == "v"


def test_frames_of_a_lanes_former_checkpoint_are_not_shown(resting):
    state = resting.state
    state.update(SAMPLING, seed=3)
    *_, old = resting.asked()
    resting.link.frames(old, 0, 3)
    update_lane(state, "ddim", checkpoint="moons")
    resting.asked(messages.Open)
    resting.link.frames(old, 3)
    resting.link.finish(old)
    settle()
    assert resting.run().trajectory is None
    update_lane(state, "ddim", checkpoint=None, exact=True)
    (packet,) = resting.asked()
    resting.link.frames(packet)
    resting.link.finish(packet)
    update_lane(state, "ddim", exact=False)
    resting.asked()
    assert resting.run().trajectory is None  # the exact answer is not the network's


def test_a_checkpoint_that_is_not_there_is_said_once_and_not_at_every_move(resting):
    state = resting.state
    update_lane(state, "ddim", checkpoint="/gone")
    (opening,) = resting.asked(messages.Open)
    resting.link.report(messages.Failure(job=opening.message.job, message="no such file: /gone"))
    for x in (0.1, 0.2):
        state.update(SAMPLING, a=(x, 1.0))
        for packet in resting.asked():  # and no Open
            resting.link.finish(packet)
    copy = duplicate_lane(state, "ddim")
    assert resting.asked(messages.Open) == []
    for key in ("ddim", copy):
        assert (resting.run(key).status, resting.run(key).message) == (
            "failed",
            "no such file: /gone",
        )
    assert resting.messages == [("No such file: /gone.", True)]
    # Whoever chooses it once more has it looked for once more.
    for lane in ("ddim", copy):
        update_lane(state, lane, checkpoint=None)
    resting.asked()
    update_lane(state, "ddim", checkpoint="/gone")
    assert len(resting.asked(messages.Open)) == 1


def test_a_lane_that_is_made_after_another_was_removed_has_nothing_of_it(resting):
    state = resting.state
    first = add_lane(state, LaneSpec("", seed=77, sampler="ddpm"))
    (packet,) = resting.asked()
    resting.link.frames(packet)
    resting.link.finish(packet)
    remove_lane(state, first)
    again = add_lane(state, LaneSpec("", seed=78, sampler="ddpm"))  # within one turn
    assert again == first
    (packet,) = resting.asked()
    assert packet.message.slot == again
    assert resting.run(again).trajectory is None
    # And while it is on its way.
    resting.link.frames(packet, 0, 3)
    remove_lane(state, again)
    resting.link.frames(packet, 3)
    resting.link.finish(packet)
    assert packet.message.job in [cancel.job for cancel in resting.link.asked(messages.Cancel)]
    assert add_lane(state, LaneSpec("", seed=78, sampler="ddpm")) == again
    assert resting.run(again).trajectory is None
    assert slots(resting.asked()) == [again]


def test_a_lane_that_is_duplicated_is_there_at_once(resting):
    copy = duplicate_lane(resting.state, "ddim")
    assert resting.asked() == []
    assert resting.run(copy).status == "done"
    assert resting.run(copy).trajectory == resting.run("ddim").trajectory


# Models


def test_nothing_of_the_model_before_comes_into_the_lanes_of_the_next(resting):
    resting.state.update(SAMPLING, seed=3)
    old = resting.asked()[-1]
    resting.link.frames(old, 0, 200)
    resting.models.open("/short")
    (opening,) = resting.asked(messages.Open)
    short = TrainingConfig(schedule=ScheduleConfig(timesteps=20))
    resting.link.describe(opening.message.job, short)
    resting.link.frames(old, 200)  # before anything else can happen
    resting.link.finish(old)
    assert resting.run().trajectory is None
    new = resting.asked()[-1]
    resting.link.frames(new, timesteps=20)
    resting.link.finish(new)
    assert resting.run().trajectory.t == tuple(range(20, -1, -1))


def test_a_model_with_fewer_timesteps_takes_the_timeline_along(resting):
    resting.models.open("/somewhere/short")
    (opening,) = resting.asked(messages.Open)
    config = TrainingConfig(schedule=ScheduleConfig(timesteps=40))
    resting.link.describe(opening.message.job, config)
    assert resting.playback.timesteps == 40
    assert {packet.message.sampler.steps for packet in resting.asked()} == {40}
    assert resting.state.get(MODEL).ref == "/somewhere/short"


def test_a_model_that_cannot_be_opened_changes_nothing(resting):
    before, run = resting.state.get(MODEL), resting.run()
    resting.models.open("/somewhere/broken")
    (opening,) = resting.asked(messages.Open)
    resting.link.report(
        messages.Failure(job=opening.message.job, message="/somewhere/broken is damaged")
    )
    settle()
    assert resting.messages == [("/somewhere/broken is damaged.", True)]
    assert resting.state.get(MODEL) == before
    assert resting.run() is run
    assert resting.opened == ["v"]


def test_the_model_that_was_asked_for_last_counts(resting):
    """Whichever of them the engine answers first."""
    resting.models.open("/somewhere/slow")
    resting.models.open("/somewhere/quick")
    slow, quick = resting.asked(messages.Open)
    resting.link.describe(quick.message.job)
    resting.link.describe(slow.message.job)
    assert resting.state.get(MODEL).ref == "/somewhere/quick"
    assert resting.opened[-1] == "/somewhere/quick"


def test_new_weights_behind_the_same_name_are_sampled_anew(resting, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"first")
    resting.open(str(file))
    for packet in resting.heard(messages.Interpolate):
        resting.link.frames(packet)
        resting.link.finish(packet)
    before = resting.state.get(MODEL).revision
    resting.models.open(str(file))
    assert resting.heard(messages.Open, messages.Interpolate) == []  # it is the same
    file.write_bytes(b"second")
    resting.models.open(str(file))
    (opening,) = resting.heard(messages.Open)
    resting.link.describe(opening.message.job)
    assert resting.state.get(MODEL).revision == before + 1
    assert slots(resting.heard(messages.Interpolate)) == LANE_KEYS


# Training


SMALL = {"steps": 200, "model": ModelConfig(width=8, depth=1, embedding=8)}


def begin(desk, **changes):
    desk.state.update(TRAINING_CONFIG, **(SMALL | changes))
    desk.training.train()
    (packet,) = desk.asked(messages.Train)
    return packet.message


def tell(desk, job, step, total=200, new=10):
    times = np.array([250, 125, 0])
    x = np.zeros((3, 4, 2), np.float32)
    desk.link.report(
        messages.Snapshot(
            job=job,
            step=step,
            total=total,
            elapsed=1.5,
            remaining=2.5,
            values={"distance": 0.3, "distance_floor": 0.02},
        ),
        {
            "steps": np.arange(step - new + 1, step + 1),
            "losses": np.full(new, 0.5, np.float32),
            "t": times,
            "x": x,
            "x0": x,
        },
    )


def save(request):
    """What the engine leaves in the folder."""
    (Path(request.out) / CHECKPOINT).write_bytes(b"weights")


def test_a_training_reports_until_it_is_done_and_its_model_is_shown(resting):
    request = begin(resting)
    assert resting.state.get(TRAINING).status == "starting"
    assert resting.runs.config(resting.runs._root / request.out) == request.config
    tell(resting, request.job, 100)
    training = resting.state.get(TRAINING)
    assert (training.status, training.step, training.total) == ("running", 100, 200)
    assert len(training.losses) == 10
    assert training.quality["distance"] == 0.3
    assert training.preview is not None
    tell(resting, request.job, 110)
    assert resting.state.get(TRAINING).steps.tolist() == list(range(91, 111))
    save(request)
    resting.link.report(messages.Result(job=request.job))
    assert resting.state.get(TRAINING).status == "done"
    (opening,) = resting.asked(messages.Open)
    assert opening.message.checkpoint == request.out
    assert resting.runs.recent() == [request.out]


def test_a_training_that_ends_does_not_take_its_user_from_the_model_just_chosen(resting):
    request = begin(resting)
    tell(resting, request.job, 200, new=200)
    save(request)
    resting.models.open("moons")
    resting.link.report(messages.Result(job=request.job))
    (opening,) = resting.asked(messages.Open)
    assert opening.message.checkpoint == "moons"
    resting.link.describe(opening.message.job)
    assert resting.state.get(MODEL).ref == "moons"
    assert resting.messages[-1][0].startswith("The training has ended; its model is in the list: ")


def test_pause_and_resume_are_passed_on_once(resting):
    request = begin(resting)
    resting.training.pause()  # it has not begun
    assert resting.link.sent == []
    tell(resting, request.job, 10)
    resting.training.pause()
    resting.training.pause()
    (pause,) = resting.link.asked(messages.Pause)
    assert pause.job == request.job
    assert resting.state.get(TRAINING).status == "paused"
    tell(resting, request.job, 20)  # was on its way
    assert resting.state.get(TRAINING).status == "paused"
    resting.training.resume()
    assert len(resting.link.asked(messages.Resume)) == 1
    assert resting.state.get(TRAINING).status == "running"


def test_stopping_keeps_what_was_learned(resting):
    request = begin(resting)
    tell(resting, request.job, 50)
    resting.training.stop()
    resting.training.stop()
    (cancel,) = resting.link.asked(messages.Cancel)
    assert cancel.job == request.job
    assert resting.state.get(TRAINING).status == "stopping"
    resting.link.sent.clear()
    save(request)
    resting.link.report(messages.Result(job=request.job, cancelled=True))
    (opening,) = resting.asked(messages.Open)
    assert opening.message.checkpoint == request.out


def test_a_stopped_training_has_as_many_steps_as_its_model(resting):
    request = begin(resting)
    tell(resting, request.job, 57)
    resting.training.stop()
    resting.link.sent.clear()
    save(request)
    resting.link.report(messages.Result(job=request.job, cancelled=True))
    (opening,) = resting.asked(messages.Open)
    resting.link.describe(opening.message.job, request.config, step=59)  # it went on meanwhile
    training = resting.state.get(TRAINING)
    assert (training.step, training.total, training.status) == (59, 200, "done")
    assert resting.state.get(MODEL).trained_steps == 59
    resting.open("moons")
    assert resting.state.get(TRAINING).step == 59


def test_a_training_that_was_stopped_before_it_began_leaves_no_folder(resting):
    request = begin(resting)
    resting.training.stop()
    resting.link.report(messages.Result(job=request.job, cancelled=True))
    assert resting.asked(messages.Open) == []
    assert not list(resting.runs._root.iterdir())
    assert resting.runs.recent() == []


def test_training_on_goes_on_in_the_same_folder_for_as_many_steps(resting):
    request = begin(resting)
    tell(resting, request.job, 200, new=200)
    save(request)
    resting.link.report(messages.Result(job=request.job))
    (opening,) = resting.asked(messages.Open)
    resting.link.describe(opening.message.job, request.config, step=200)
    resting.asked()
    assert resting.training.can_continue
    resting.training.train()
    (more,) = resting.asked(messages.Train)
    assert (more.message.out, more.message.resume) == (request.out, True)
    assert more.message.config == replace(request.config, steps=400)
    tell(resting, more.message.job, 210, total=400)
    assert resting.state.get(TRAINING).steps.tolist() == list(range(1, 211))


def test_another_configuration_begins_anew(resting):
    request = begin(resting)
    save(request)
    resting.link.report(messages.Result(job=request.job))
    (opening,) = resting.asked(messages.Open)
    resting.link.describe(opening.message.job, request.config, step=200)
    resting.asked()
    resting.state.update(TRAINING_CONFIG, batch_size=99)
    assert not resting.training.can_continue
    resting.training.train()
    (packet,) = resting.asked(messages.Train)
    assert not packet.message.resume
    assert packet.message.out != request.out


def test_a_training_that_fails_says_why(resting):
    request = begin(resting)
    resting.link.report(messages.Failure(job=request.job, message="cannot save: disk full"))
    assert resting.state.get(TRAINING).status == "failed"
    assert resting.messages == [("The training has ended: cannot save: disk full.", True)]


def test_a_folder_that_cannot_be_made_is_said(resting, tmp_path):
    (tmp_path / "Läufe 1").write_text("in the way")
    resting.state.update(TRAINING_CONFIG, steps=10)
    resting.training.train()
    assert resting.asked(messages.Train) == []
    ((text, error),) = resting.messages
    assert error
    assert text.startswith("Cannot begin a training: ")
    assert not resting.state.get(TRAINING).active


# The end of an engine


def test_a_death_keeps_what_has_arrived_and_a_restart_asks_for_all_again(resting):
    resting.state.update(SAMPLING, seed=9)
    first, *_ = resting.asked()
    resting.link.frames(first, 0, 5)
    wait_until(lambda: resting.run("ddpm").status == "running", "the frames")
    resting.link.die("the engine was ended by signal 9")
    assert resting.state.get(ENGINE).status == "dead"
    assert resting.run("ddpm").status == "failed"
    assert len(resting.run("ddpm").trajectory.x) == 5
    assert resting.run("ddim").trajectory.complete  # of before
    assert resting.at_rest()
    resting.controllers.engine.start_again()
    assert resting.link.starts == 1
    assert resting.state.get(ENGINE).status == "starting"
    resting.controllers.engine.start_again()
    assert resting.link.starts == 1
    resting.link.get_ready()
    (opening,) = resting.asked(messages.Open)
    resting.link.describe(opening.message.job)
    assert slots(resting.asked()) == LANE_KEYS


def test_what_a_training_had_saved_when_the_engine_died_is_in_the_list(resting):
    request = begin(resting)
    tell(resting, request.job, 50)
    save(request)
    resting.link.die("the engine was ended by signal 9")
    assert resting.state.get(TRAINING).status == "failed"
    assert resting.runs.recent() == [request.out]


def test_a_training_that_had_saved_nothing_when_the_engine_died_leaves_no_folder(resting):
    request = begin(resting)
    (Path(request.out) / "metrics.jsonl").write_text('{"step": 1}\n')
    resting.link.die("the engine was ended by signal 9")
    assert not Path(request.out).exists()
    assert resting.runs.recent() == []


def test_frames_of_before_a_death_are_not_shown_after_it(resting):
    resting.state.update(SAMPLING, seed=9)
    packet = resting.asked()[0]
    resting.link.frames(packet, 0, 2)  # waits to be shown
    resting.link.die("gone")
    run = resting.run("ddpm")
    settle()
    resting.link.frames(packet, 2, 4)
    assert resting.run("ddpm") is run


def test_lanes_say_what_sets_them_apart(resting):
    update_lane(resting.state, "ddim-few", shown=True)
    *_, many, few = compose(resting.state).lanes
    assert [lane.title for lane in (many, few)] == ["DDIM", "DDIM"]
    assert [lane.detail for lane in (many, few)] == ["η = 0", "η = 0"]
    assert [lane.note.split(" · ")[0] for lane in (many, few)] == ["250 steps", "20 steps"]
    update_lane(resting.state, "ddim-few", path="geodesic", eta=0.5, seed=7, exact=True)
    *_, many, few = compose(resting.state).lanes
    assert (many.detail, few.title) == ("linear", "Exact denoiser")
    assert few.detail == "geodesic, η = 0.5, seed 7"
