"""Time runs by the clock, waits for what has not arrived, and rests when nothing moves."""

import pytest
from PySide6.QtCore import QTimer

from toydiff_gui.state.playback import HOLD_SLOTS, SPEEDS, Playback

SLOT = 1 / 60


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def playback(qapp, clock):
    """250 steps, all of which have arrived; its timer is driven by ``run``."""
    playback = Playback(250, clock=clock)
    playback.set_reached(0)
    yield playback
    playback.pause()


def run(playback, clock, slots, *, late=0.0):
    """Let ``slots`` of 1/60 s pass with a tick in each, ``late`` seconds after it began."""
    start = clock.now
    for slot in range(1, slots + 1):
        clock.now = start + slot * SLOT + late
        playback.tick()
    clock.now = start + slots * SLOT


def idle(playback):
    return not any(timer.isActive() for timer in playback.findChildren(QTimer))


def test_it_starts_at_noise_and_rests(playback):
    assert (playback.t, playback.timesteps, playback.playing) == (250, 250, False)
    assert idle(playback)


def test_one_step_a_sixtieth_of_a_second(playback, clock):
    playback.play()
    for expected in range(249, 229, -1):
        run(playback, clock, 1)
        assert playback.t == expected


@pytest.mark.parametrize("speed", SPEEDS)
def test_speed(playback, clock, speed):
    playback.set_speed(speed)
    playback.play()
    run(playback, clock, 40)
    assert playback.t == 250 - int(40 * speed)


def test_a_late_timer_skips_instead_of_slowing_down(playback, clock):
    playback.play()
    run(playback, clock, 10)
    clock.now += 0.5
    playback.tick()
    assert playback.t == 250 - 10 - 30


def test_lateness_does_not_add_up(playback, clock):
    playback.play()
    run(playback, clock, 100, late=0.012)
    assert playback.t == 150


def test_the_timer_aims_at_the_grid(playback, clock):
    clock.now = 1000.004  # inside a slot
    playback.play()
    timer = playback.findChild(QTimer)
    due = clock.now + timer.interval() / 1000
    assert 0 <= due - (1000 + SLOT) < 0.0011


def test_at_the_end_it_stops_and_rests_and_play_begins_again(playback, clock, qtbot):
    playback.set_t(2)
    playback.play()
    with qtbot.waitSignal(playback.changed):
        run(playback, clock, 2)
    assert (playback.t, playback.playing) == (0, False)
    assert idle(playback)
    playback.play()
    assert (playback.t, playback.playing) == (250, True)


def test_loop_holds_the_last_frame_and_begins_again(playback, clock):
    playback.set_loop(True)
    playback.set_t(1)
    playback.play()
    run(playback, clock, 1)
    assert playback.t == 0
    run(playback, clock, HOLD_SLOTS - 1)
    assert playback.t == 0
    run(playback, clock, 1)
    assert playback.t == 250
    run(playback, clock, 3)
    assert playback.t == 247


def test_reverse_runs_from_data_to_noise(playback, clock):
    playback.to_data()
    playback.set_reverse(True)
    playback.play()
    run(playback, clock, 5)
    assert playback.t == 5
    run(playback, clock, 300)
    assert (playback.t, playback.playing) == (250, False)
    playback.play()
    assert playback.t == 0


def test_turning_round_while_playing(playback, clock):
    playback.play()
    run(playback, clock, 50)
    playback.set_reverse(True)
    run(playback, clock, 20)
    assert playback.t == 220


def test_it_waits_where_nothing_has_arrived_and_goes_on_when_it_has(playback, clock):
    playback.set_reached(245)
    playback.play()
    run(playback, clock, 20)
    assert (playback.t, playback.playing, playback.waiting) == (245, True, True)
    assert idle(playback)
    playback.set_reached(240)
    assert not playback.waiting
    assert not idle(playback)
    run(playback, clock, 2)
    assert playback.t == 243, "waiting must not be made up for"


def test_a_new_run_does_not_move_time_and_playing_waits_for_it(playback, clock):
    playback.set_t(100)
    playback.play()
    run(playback, clock, 5)
    playback.set_reached(250)
    run(playback, clock, 5)
    assert (playback.t, playback.waiting) == (95, True)
    playback.set_reached(0)
    run(playback, clock, 5)
    assert playback.t == 90


def test_reverse_waits_too(playback, clock):
    playback.set_reached(250)
    playback.set_reverse(True)
    playback.play()
    assert (playback.t, playback.waiting) == (0, True)
    assert idle(playback)
    playback.set_reached(0)
    run(playback, clock, 3)
    assert playback.t == 3


def test_stepping_pauses(playback, clock):
    playback.play()
    run(playback, clock, 10)
    playback.step(1)
    assert (playback.t, playback.playing) == (239, False)
    playback.step(-1)
    assert playback.t == 240
    assert idle(playback)


def test_time_is_held_within_its_range(playback):
    playback.set_t(999)
    assert playback.t == 250
    playback.set_t(-5)
    assert playback.t == 0
    playback.step(1)
    assert playback.t == 0


def test_scrubbing_while_playing_goes_on_from_there(playback, clock):
    playback.play()
    run(playback, clock, 10)
    playback.set_t(100)
    run(playback, clock, 10)
    assert playback.t == 90


def test_a_view_that_repeats_the_time_does_not_disturb_it(playback, clock):
    playback.t_changed.connect(playback.set_t)
    playback.set_speed(0.25)
    playback.play()
    for _ in range(20):
        clock.now += 3 * SLOT
        playback.tick()
    assert playback.t == 250 - 15


def test_another_number_of_steps(playback):
    playback.set_t(200)
    playback.set_timesteps(100)
    assert (playback.timesteps, playback.t, playback.reached) == (100, 100, 100)
    playback.set_timesteps(400)
    assert playback.t == 400, "at noise it stays at noise"


def test_what_changes_nothing_tells_nothing(playback, qtbot):
    with qtbot.assertNotEmitted(playback.changed), qtbot.assertNotEmitted(playback.t_changed):
        playback.set_t(250)
        playback.set_loop(False)
        playback.set_reverse(False)
        playback.set_speed(1.0)
        playback.set_reached(0)
        playback.set_timesteps(250)
        playback.pause()


def test_a_speed_that_there_is_not(playback):
    with pytest.raises(ValueError, match="got 3"):
        playback.set_speed(3)


def test_by_the_real_clock_it_plays_to_the_end(qapp, qtbot):
    playback = Playback(12)
    playback.set_reached(0)
    seen = []
    playback.t_changed.connect(seen.append)
    with qtbot.waitSignal(playback.changed, check_params_cb=lambda: not playback.playing):
        playback.play()
    assert seen[-1] == 0
    assert seen == sorted(seen, reverse=True)
    assert idle(playback)
