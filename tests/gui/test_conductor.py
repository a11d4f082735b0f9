"""What is asked of the engine when something changes, and what becomes of its answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.window import settle, wait_until
from engine import protocol
from engine.config import ModelConfig, ScheduleConfig, TrainingConfig
from engine.run_files import CHECKPOINT
from toydiff_gui.composer import LATENT_KEY, compose
from toydiff_gui.conductor import COARSE_STEPS, FEWEST_COARSE_STEPS, FIRST_COARSE_STEPS

LANES = ["ddpm", "ddpm-shared", "ddim"]
SAMPLES = protocol.Sample


def slots(packets):
    return [packet.message.slot for packet in packets]


# Lanes


def test_the_model_is_opened_first_and_then_every_lane_is_asked_for(desk):
    desk.state.update_sampling(seed=7)
    assert desk.asked() == []  # nobody is there yet
    desk.link.get_ready()
    (opening,) = desk.asked(protocol.Open)
    assert opening.message.checkpoint == "v"
    desk.link.describe(opening.message.job)
    asked = desk.asked()
    assert slots(asked) == LANES
    for packet in asked:
        message = packet.message
        assert (message.checkpoint, message.points, message.seed) == ("v", 500, 7)
        assert message.sampler.steps == 250
        assert packet.arrays["start"].tolist() == [-1, 2]
        assert packet.arrays["end"].tolist() == [-1, -2]
    assert desk.opened == ["v"]
    assert desk.conductor.busy


def test_frames_are_shown_as_they_arrive(desk):
    desk.link.get_ready()
    desk.link.describe(desk.asked(protocol.Open)[0].message.job)
    first, *_ = desk.asked()
    desk.link.frames(first, 0, 3)
    settle()
    from bench.window import wait_until

    wait_until(lambda: desk.run("ddpm").trajectory is not None, "the frames")
    assert desk.run("ddpm").status == "running"
    assert desk.run("ddpm").trajectory.reached == 248
    desk.link.frames(first, 3)
    desk.link.finish(first)
    run = desk.run("ddpm")
    assert (run.status, run.coarse, run.seconds) == ("done", False, 0.25)
    assert run.trajectory.complete


@pytest.mark.parametrize(
    ("change", "lanes"),
    [
        ({"a": (0.5, 0.5)}, LANES),
        ({"seed": 6}, LANES),
        ({"steps": 40}, LANES),
        ({"path_points": 100}, LANES),
        ({"eta": 0.5}, ["ddim"]),  # the others have no eta
        ({"count": 17}, []),  # belongs to the other mode
    ],
)
def test_only_what_a_change_concerns_is_asked_for_again(resting, change, lanes):
    resting.state.update_sampling(**change)
    assert slots(resting.asked()) == lanes
    resting.link.answer_all()
    resting.link.sent.clear()
    resting.state.lanes_changed.emit()
    assert resting.asked() == []  # all is there


def test_going_back_before_the_answer_asks_for_the_first_place_again(resting):
    resting.state.update_sampling(a=(0.0, 0.0))
    moved = resting.asked()
    resting.state.update_sampling(a=(-1.0, 2.0))
    back = resting.asked()
    assert slots(back) == LANES
    for packet in moved:  # late, of a place that is no more
        resting.link.frames(packet)
        resting.link.finish(packet)
    settle()
    assert resting.run().trajectory.x[0][0].tolist() == [-1, 2]
    for packet in back:
        resting.link.frames(packet)
        resting.link.finish(packet)
    assert not resting.conductor.busy


def test_an_answer_of_an_older_wish_is_never_shown(resting):
    resting.state.update_sampling(a=(1.0, 1.0))
    old = resting.asked()[-1]
    resting.state.update_sampling(a=(2.0, 2.0))
    new = resting.asked()[-1]
    resting.link.frames(new)
    resting.link.finish(new)
    resting.link.frames(old)
    resting.link.finish(old)
    settle()
    assert resting.run().trajectory.x[0][0].tolist() == [2, 2]


def test_a_lane_that_is_switched_off_is_cancelled_and_asked_for_when_it_is_back(resting):
    resting.state.update_sampling(seed=9)
    asked = resting.asked()
    resting.state.update_lane("ddpm", shown=False)
    settle()
    (cancel,) = resting.link.asked(protocol.Cancel)
    assert cancel.job == asked[0].message.job
    resting.link.sent.clear()
    resting.state.update_lane("ddpm", shown=True)
    assert slots(resting.asked()) == ["ddpm"]


def test_a_lane_with_steps_of_its_own_keeps_them(resting):
    resting.state.update_lane("ddim-few", shown=True)
    (packet,) = resting.asked()
    assert packet.message.sampler.steps == 20
    resting.state.update_sampling(steps=40)
    assert slots(resting.asked()) == LANES  # not the lane with 20 steps


def test_samples_bring_their_latents(resting):
    resting.state.update_sampling(mode="samples", count=64)
    asked = resting.asked(SAMPLES)
    assert slots(asked) == LANES
    assert {(packet.message.count, packet.message.seed) for packet in asked} == {(64, 5)}
    resting.link.frames(asked[0], 0, 1)
    latents = resting.run(LATENT_KEY).latents
    np.testing.assert_array_equal(latents, resting.link.latents(asked[0].message, {}))


def test_frames_of_the_path_are_no_latents_of_samples(resting):
    resting.state.update_sampling(seed=9)
    path = resting.asked()[0]
    # The mode has changed, but the lanes have not been asked for again yet.
    resting.state.update_sampling(mode="samples", count=64)
    resting.link.frames(path, 0, 2)
    assert resting.run(LATENT_KEY).latents is None


def test_a_path_is_never_shown_as_samples_nor_the_other_way_round(resting):
    assert resting.run().trajectory is not None
    resting.state.update_sampling(mode="samples", count=1)
    assert len(resting.asked(SAMPLES)) == 3
    assert {resting.run(key).trajectory for key in LANES} == {None}
    assert resting.run().status == "running"


def test_another_mode_ends_what_is_on_its_way_since_the_engine_would_not(resting):
    resting.state.update_sampling(seed=3)
    jobs = [packet.message.job for packet in resting.asked()]
    resting.state.update_sampling(mode="samples")
    settle()
    cancelled = [p.message.job for p in resting.link.sent if isinstance(p.message, protocol.Cancel)]
    assert cancelled == jobs
    assert slots(resting.asked(SAMPLES)) == LANES


def test_lanes_of_another_model_are_empty_until_its_own_frames_come(resting):
    resting.conductor.open_model("moons")
    (opening,) = resting.asked(protocol.Open)
    assert resting.run().trajectory is not None  # it may yet fail
    resting.link.describe(opening.message.job, TrainingConfig(dataset="moons"))
    assert resting.run().trajectory is None


def test_a_failure_is_said_once_in_each_lane_and_in_words(resting):
    resting.state.update_sampling(seed=3)
    asked = resting.asked()
    for packet in asked:
        resting.link.report(protocol.Failure(job=packet.message.job, message="too many points"))
    settle()
    assert {resting.run(key).status for key in LANES} == {"failed"}
    assert resting.run().message == "too many points"
    assert resting.messages == [("Too many points.", True)] * 3
    assert resting.asked() == []  # no endless trying
    resting.state.update_sampling(seed=4)
    assert slots(resting.asked()) == LANES


# Dragging


def test_a_drag_asks_for_few_steps_one_batch_at_a_time_and_for_the_newest_place(resting):
    state, link = resting.state, resting.link
    state.set_dragging(True)
    state.update_sampling(a=(0.0, 1.0))
    first = resting.asked()
    assert slots(first) == LANES
    assert {packet.message.sampler.steps for packet in first} == {FIRST_COARSE_STEPS}
    for x in (0.1, 0.2, 0.3):
        state.update_sampling(a=(x, 1.0))
        assert resting.asked() == []  # the first is not there yet
    for packet in first:
        link.frames(packet)
        link.finish(packet)
    assert resting.run().coarse
    assert resting.run().trajectory.x[0][0].tolist() == [0, 1]
    second = resting.asked()
    assert slots(second) == LANES
    assert second[0].arrays["start"].tolist() == pytest.approx([0.3, 1.0])
    state.set_dragging(False)
    last = resting.asked()
    assert slots(last) == LANES
    assert {packet.message.sampler.steps for packet in last} == {250}
    assert last[0].arrays["start"].tolist() == pytest.approx([0.3, 1.0])


def test_after_a_drag_the_coarse_picture_stays_until_the_full_one_has_come_as_far(resting):
    state, link = resting.state, resting.link
    resting.playback.set_reached(0)
    resting.playback.set_t(100)
    state.set_dragging(True)
    state.update_sampling(a=(0.0, 1.0))
    for packet in resting.asked():
        link.frames(packet)
        link.finish(packet)
    state.set_dragging(False)
    full = resting.asked()[-1]
    link.frames(full, 0, 150)
    # The coarse frames have set it, and it finds those of the full picture.
    flush = resting.conductor._streams._flush_timer
    wait_until(lambda: not flush.isActive(), "a flush")
    assert resting.run().coarse  # t = 101 is not enough
    link.frames(full, 150)
    link.finish(full)
    assert not resting.run().coarse
    assert resting.run().trajectory.complete


def test_a_press_that_moves_nothing_asks_for_nothing(resting):
    resting.state.set_dragging(True)
    assert resting.asked() == []
    resting.state.set_dragging(False)
    assert resting.asked() == []


def test_a_hand_that_rests_asks_for_nothing_more(resting):
    resting.state.set_dragging(True)
    resting.state.update_sampling(a=(0.0, 1.0))
    asked = resting.asked()
    resting.conductor._coarse_evaluations = 6  # the pace has been learned: what is there will do
    for packet in asked:
        resting.link.frames(packet)
        resting.link.finish(packet)
    assert resting.asked() == []
    assert not resting.conductor.busy


def test_coarse_runs_never_have_more_steps_than_asked_for(resting):
    resting.state.update_sampling(steps=8)
    resting.link.answer_all()
    resting.link.sent.clear()
    resting.state.set_dragging(True)
    resting.state.update_sampling(a=(0.0, 1.0))
    assert {packet.message.sampler.steps for packet in resting.asked()} == {8}


@pytest.mark.parametrize("last", [False, True])
def test_the_hand_is_followed_although_a_lane_fails(resting, last):
    resting.state.set_dragging(True)
    resting.state.update_sampling(a=(0.0, 1.0))
    first = resting.asked()
    resting.state.update_sampling(a=(0.5, 1.0))
    assert resting.asked() == []
    broken = first[-1 if last else 0]
    for packet in first:
        if packet is broken:
            failure = protocol.Failure(job=packet.message.job, message="no room")
            resting.link.report(failure)
        else:
            resting.link.frames(packet)
            resting.link.finish(packet)
    second = resting.asked()
    assert slots(second) == LANES
    assert second[0].arrays["start"].tolist() == [0.5, 1.0]


def test_fewer_steps_are_asked_for_where_the_machine_is_slow(resting, monkeypatch):
    asked, took = [], 400.0
    monkeypatch.setattr(resting.conductor, "_batch_began", Watch(lambda: took))
    resting.state.set_dragging(True)
    for move in range(12):
        took = 400.0 if move < 3 else 5.0
        resting.state.update_sampling(a=(0.1 * move, 1.0))
        packets = resting.asked()
        asked.append(packets[0].message.sampler.steps)
        for packet in packets:
            resting.link.frames(packet)
            resting.link.finish(packet)
    assert asked[:4] == [FIRST_COARSE_STEPS] + 3 * [FEWEST_COARSE_STEPS]
    assert asked[4:] == list(range(FEWEST_COARSE_STEPS + 1, FEWEST_COARSE_STEPS + 9))
    resting.conductor._coarse_evaluations = COARSE_STEPS
    resting.state.update_sampling(a=(2.0, 1.0))
    for packet in resting.asked():
        resting.link.frames(packet)
        resting.link.finish(packet)
    assert resting.conductor._coarse_evaluations == COARSE_STEPS


class Watch:
    """A clock that says what the test says."""

    def __init__(self, elapsed):
        self.elapsed = elapsed

    def start(self):
        pass


def test_heun_evaluates_twice_a_step_and_takes_half_as_many(resting):
    resting.state.update_lane("ddim", sampler="heun")
    resting.heard()
    resting.state.set_dragging(True)
    resting.state.update_sampling(a=(0.0, 1.0))
    steps = {packet.message.slot: packet.message.sampler.steps for packet in resting.asked()}
    assert steps == {
        "ddpm": FIRST_COARSE_STEPS,
        "ddpm-shared": FIRST_COARSE_STEPS,
        "ddim": FIRST_COARSE_STEPS // 2,
    }


# Lanes that are their own


def test_a_lane_is_asked_for_with_what_is_its_own(resting):
    state = resting.state
    state.update_lane("ddim", seed=77, eta=0.5, steps=30, path="spherical")
    (packet,) = resting.asked()
    message = packet.message
    assert (message.seed, message.path, message.side) == (77, "spherical", "left")
    assert (message.sampler.steps, message.sampler.eta) == (30, 0.5)
    state.update_lane("ddim", exact=True)
    (packet,) = resting.asked()
    assert packet.message.checkpoint == "exact:v"
    state.update_lane("ddim", path="drawn")
    state.update_sampling(through=((0.0, 1.0), (1.0, 0.5)))
    (packet,) = resting.asked()
    assert packet.arrays["through"].tolist() == [[0, 1], [1, 0.5]]
    state.update_sampling(side="right")  # no lane goes round anything
    assert resting.asked() == []


def test_a_lane_of_another_checkpoint_waits_until_it_is_known(resting):
    state = resting.state
    before = resting.run().trajectory
    state.update_lane("ddim", checkpoint="gaussians8")
    (opening,) = resting.asked(protocol.Open)
    assert opening.message.checkpoint == "gaussians8"
    assert resting.run().trajectory is not before  # it was of another model
    state.update_sampling(seed=3)
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
    assert state.model.ref == "v"


def test_frames_of_a_lanes_former_checkpoint_are_not_shown(resting):
    state = resting.state
    state.update_sampling(seed=3)
    *_, old = resting.asked()
    resting.link.frames(old, 0, 3)
    state.update_lane("ddim", checkpoint="moons")
    resting.asked(protocol.Open)
    resting.link.frames(old, 3)
    resting.link.finish(old)
    settle()
    assert resting.run().trajectory is None
    state.update_lane("ddim", checkpoint=None, exact=True)
    (packet,) = resting.asked()
    resting.link.frames(packet)
    resting.link.finish(packet)
    state.update_lane("ddim", exact=False)
    resting.asked()
    assert resting.run().trajectory is None  # the exact answer is not the network's


def test_a_checkpoint_that_is_not_there_is_said_once_and_not_at_every_move(resting):
    state = resting.state
    state.update_lane("ddim", checkpoint="/gone")
    (opening,) = resting.asked(protocol.Open)
    resting.link.report(protocol.Failure(job=opening.message.job, message="no such file: /gone"))
    for x in (0.1, 0.2):
        state.update_sampling(a=(x, 1.0))
        for packet in resting.asked():  # and no Open
            resting.link.finish(packet)
    copy = state.duplicate_lane("ddim")
    assert resting.asked(protocol.Open) == []
    for key in ("ddim", copy):
        assert (resting.run(key).status, resting.run(key).message) == (
            "failed",
            "no such file: /gone",
        )
    assert resting.messages == [("No such file: /gone.", True)]
    # Whoever chooses it once more has it looked for once more.
    for lane in ("ddim", copy):
        state.update_lane(lane, checkpoint=None)
    resting.asked()
    state.update_lane("ddim", checkpoint="/gone")
    assert len(resting.asked(protocol.Open)) == 1


def test_a_lane_that_is_made_after_another_was_removed_has_nothing_of_it(resting):
    state = resting.state
    first = state.duplicate_lane("ddim")
    (packet,) = resting.asked()
    resting.link.frames(packet)
    resting.link.finish(packet)
    state.remove_lane(first)
    again = state.duplicate_lane("ddim")  # within one turn
    assert again == first
    (packet,) = resting.asked()  # although nothing of it has changed
    assert packet.message.slot == again
    assert resting.run(again).trajectory is None
    # And while it is on its way.
    resting.link.frames(packet, 0, 3)
    state.remove_lane(again)
    resting.link.frames(packet, 3)
    resting.link.finish(packet)
    assert packet.message.job in [cancel.job for cancel in resting.link.asked(protocol.Cancel)]
    assert state.duplicate_lane("ddim") == again
    assert resting.run(again).trajectory is None
    assert slots(resting.asked()) == [again]


# Models


def test_nothing_of_the_model_before_comes_into_the_lanes_of_the_next(resting):
    resting.state.update_sampling(seed=3)
    old = resting.asked()[-1]
    resting.link.frames(old, 0, 200)
    resting.conductor.open_model("/short")
    (opening,) = resting.asked(protocol.Open)
    short = TrainingConfig(schedule=ScheduleConfig(timesteps=20))
    resting.link.describe(opening.message.job, short)
    resting.link.frames(old, 200)  # before anything else can happen
    resting.link.finish(old)
    assert resting.run().trajectory is None
    new = resting.asked()[-1]
    resting.link.frames(new, timesteps=20)
    resting.link.finish(new)
    assert resting.run().trajectory.t == list(range(20, -1, -1))


def test_a_model_with_fewer_timesteps_takes_the_timeline_along(resting):
    resting.conductor.open_model("/somewhere/short")
    (opening,) = resting.asked(protocol.Open)
    config = TrainingConfig(schedule=ScheduleConfig(timesteps=40))
    resting.link.describe(opening.message.job, config)
    assert resting.playback.timesteps == 40
    assert {packet.message.sampler.steps for packet in resting.asked()} == {40}
    assert resting.state.model.ref == "/somewhere/short"


def test_a_model_that_cannot_be_opened_changes_nothing(resting):
    before, run = resting.state.model, resting.run()
    resting.conductor.open_model("/somewhere/broken")
    (opening,) = resting.asked(protocol.Open)
    resting.link.report(
        protocol.Failure(job=opening.message.job, message="/somewhere/broken is damaged")
    )
    settle()
    assert resting.messages == [("/somewhere/broken is damaged.", True)]
    assert resting.state.model == before
    assert resting.run() is run
    assert resting.opened == ["v"]


def test_the_model_that_was_asked_for_last_counts(resting):
    """Whichever of them the engine answers first."""
    resting.conductor.open_model("/somewhere/slow")
    resting.conductor.open_model("/somewhere/quick")
    slow, quick = resting.asked(protocol.Open)
    resting.link.describe(quick.message.job)
    resting.link.describe(slow.message.job)
    assert resting.state.model.ref == "/somewhere/quick"
    assert resting.opened[-1] == "/somewhere/quick"


def test_new_weights_behind_the_same_name_are_sampled_anew(resting):
    before = resting.state.model.revision
    resting.conductor.open_model("v")
    (opening,) = resting.asked(protocol.Open)
    resting.link.describe(opening.message.job)
    assert resting.state.model.revision == before + 1
    assert slots(resting.asked()) == LANES


# Training


SMALL = {"steps": 200, "model": ModelConfig(width=8, depth=1, embedding=8)}


def begin(desk, **changes):
    desk.state.update_training_config(**(SMALL | changes))
    desk.conductor.train()
    (packet,) = desk.asked(protocol.Train)
    return packet.message


def tell(desk, job, step, total=200, new=10):
    times = np.array([250, 125, 0])
    x = np.zeros((3, 4, 2), np.float32)
    desk.link.report(
        protocol.Snapshot(
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
    assert resting.state.training.status == "starting"
    assert resting.runs.config(resting.runs._root / request.out) == request.config
    tell(resting, request.job, 100)
    training = resting.state.training
    assert (training.status, training.step, training.total) == ("running", 100, 200)
    assert len(training.losses) == 10
    assert training.quality["distance"] == 0.3
    assert training.preview is not None
    tell(resting, request.job, 110)
    assert resting.state.training.steps.tolist() == list(range(91, 111))
    save(request)
    resting.link.report(protocol.Result(job=request.job))
    assert resting.state.training.status == "done"
    (opening,) = resting.asked(protocol.Open)
    assert opening.message.checkpoint == request.out
    assert resting.runs.recent() == [request.out]


def test_a_training_that_ends_does_not_take_its_user_from_the_model_just_chosen(resting):
    request = begin(resting)
    tell(resting, request.job, 200, new=200)
    save(request)
    resting.conductor.open_model("moons")
    resting.link.report(protocol.Result(job=request.job))
    (opening,) = resting.asked(protocol.Open)
    assert opening.message.checkpoint == "moons"
    resting.link.describe(opening.message.job)
    assert resting.state.model.ref == "moons"
    assert resting.messages[-1][0].startswith("The training has ended; its model is in the list: ")


def test_pause_and_resume_are_passed_on_once(resting):
    request = begin(resting)
    resting.conductor.pause()  # it has not begun
    assert resting.link.sent == []
    tell(resting, request.job, 10)
    resting.conductor.pause()
    resting.conductor.pause()
    (pause,) = resting.link.asked(protocol.Pause)
    assert pause.job == request.job
    assert resting.state.training.status == "paused"
    tell(resting, request.job, 20)  # was on its way
    assert resting.state.training.status == "paused"
    resting.conductor.resume()
    assert len(resting.link.asked(protocol.Resume)) == 1
    assert resting.state.training.status == "running"


def test_stopping_keeps_what_was_learned(resting):
    request = begin(resting)
    tell(resting, request.job, 50)
    resting.conductor.stop()
    resting.conductor.stop()
    (cancel,) = resting.link.asked(protocol.Cancel)
    assert cancel.job == request.job
    assert resting.state.training.status == "stopping"
    resting.link.sent.clear()
    save(request)
    resting.link.report(protocol.Result(job=request.job, cancelled=True))
    (opening,) = resting.asked(protocol.Open)
    assert opening.message.checkpoint == request.out


def test_a_stopped_training_has_as_many_steps_as_its_model(resting):
    request = begin(resting)
    tell(resting, request.job, 57)
    resting.conductor.stop()
    resting.link.sent.clear()
    save(request)
    resting.link.report(protocol.Result(job=request.job, cancelled=True))
    (opening,) = resting.asked(protocol.Open)
    resting.link.describe(opening.message.job, request.config, step=59)  # it went on meanwhile
    training = resting.state.training
    assert (training.step, training.total, training.status) == (59, 200, "done")
    assert resting.state.model.trained_steps == 59
    resting.open("moons")
    assert resting.state.training.step == 59


def test_a_training_that_was_stopped_before_it_began_leaves_no_folder(resting):
    request = begin(resting)
    resting.conductor.stop()
    resting.link.report(protocol.Result(job=request.job, cancelled=True))
    assert resting.asked(protocol.Open) == []
    assert not list(resting.runs._root.iterdir())
    assert resting.runs.recent() == []


def test_training_on_goes_on_in_the_same_folder_for_as_many_steps(resting):
    request = begin(resting)
    tell(resting, request.job, 200, new=200)
    save(request)
    resting.link.report(protocol.Result(job=request.job))
    (opening,) = resting.asked(protocol.Open)
    resting.link.describe(opening.message.job, request.config, step=200)
    resting.asked()
    assert resting.conductor.can_continue
    resting.conductor.train()
    (more,) = resting.asked(protocol.Train)
    assert (more.message.out, more.message.resume) == (request.out, True)
    assert more.message.config == replace(request.config, steps=400)
    tell(resting, more.message.job, 210, total=400)
    assert resting.state.training.steps.tolist() == list(range(1, 211))


def test_another_configuration_begins_anew(resting):
    request = begin(resting)
    save(request)
    resting.link.report(protocol.Result(job=request.job))
    (opening,) = resting.asked(protocol.Open)
    resting.link.describe(opening.message.job, request.config, step=200)
    resting.asked()
    resting.state.update_training_config(batch_size=99)
    assert not resting.conductor.can_continue
    resting.conductor.train()
    (packet,) = resting.asked(protocol.Train)
    assert not packet.message.resume
    assert packet.message.out != request.out


def test_a_training_that_fails_says_why(resting):
    request = begin(resting)
    resting.link.report(protocol.Failure(job=request.job, message="cannot save: disk full"))
    assert resting.state.training.status == "failed"
    assert resting.messages == [("The training has ended: cannot save: disk full.", True)]


def test_a_folder_that_cannot_be_made_is_said(resting, tmp_path):
    (tmp_path / "Läufe 1").write_text("in the way")
    resting.state.update_training_config(steps=10)
    resting.conductor.train()
    assert resting.asked(protocol.Train) == []
    ((text, error),) = resting.messages
    assert error
    assert text.startswith("Cannot begin a training: ")
    assert not resting.state.training.active


# The end of an engine


def test_a_death_keeps_what_has_arrived_and_a_restart_asks_for_all_again(resting):
    resting.state.update_sampling(seed=9)
    first, *_ = resting.asked()
    resting.link.frames(first, 0, 5)
    from bench.window import wait_until

    wait_until(lambda: resting.run("ddpm").status == "running", "the frames")
    resting.link.die("the engine was ended by signal 9")
    assert resting.state.engine.status == "dead"
    assert resting.run("ddpm").status == "failed"
    assert len(resting.run("ddpm").trajectory.x) == 5
    assert resting.run("ddim").trajectory.complete  # of before
    assert not resting.conductor.busy
    resting.conductor.restart_engine()
    assert resting.link.starts == 1
    assert resting.state.engine.status == "starting"
    resting.conductor.restart_engine()
    assert resting.link.starts == 1
    resting.link.get_ready()
    (opening,) = resting.asked(protocol.Open)
    resting.link.describe(opening.message.job)
    assert slots(resting.asked()) == LANES


def test_what_a_training_had_saved_when_the_engine_died_is_in_the_list(resting):
    request = begin(resting)
    tell(resting, request.job, 50)
    save(request)
    resting.link.die("the engine was ended by signal 9")
    assert resting.state.training.status == "failed"
    assert resting.runs.recent() == [request.out]


def test_a_training_that_had_saved_nothing_when_the_engine_died_leaves_no_folder(resting):
    request = begin(resting)
    (Path(request.out) / "metrics.jsonl").write_text('{"step": 1}\n')
    resting.link.die("the engine was ended by signal 9")
    assert not Path(request.out).exists()
    assert resting.runs.recent() == []


def test_frames_of_before_a_death_are_not_shown_after_it(resting):
    resting.state.update_sampling(seed=9)
    packet = resting.asked()[0]
    resting.link.frames(packet, 0, 2)  # waits to be shown
    resting.link.die("gone")
    run = resting.run("ddpm")
    settle()
    resting.link.frames(packet, 2, 4)
    assert resting.run("ddpm") is run


def test_lanes_say_what_sets_them_apart(resting):
    resting.state.update_lane("ddim-few", shown=True)
    *_, many, few = compose(resting.state).lanes
    assert [lane.title for lane in (many, few)] == ["DDIM", "DDIM"]
    assert [lane.detail for lane in (many, few)] == ["η = 0", "η = 0"]
    assert [lane.note.split(" · ")[0] for lane in (many, few)] == ["250 steps", "20 steps"]
    resting.state.update_lane("ddim-few", path="geodesic", eta=0.5, seed=7, exact=True)
    *_, many, few = compose(resting.state).lanes
    assert (many.detail, few.title) == ("linear", "Exact denoiser")
    assert few.detail == "geodesic, η = 0.5, seed 7"
