"""What moves through time, as actions."""

from __future__ import annotations

from toydiff_gui.state.actions import Action
from toydiff_gui.state.playback import Playback


def time_actions(playback: Playback) -> tuple[Action, ...]:
    """Play, step, go to either end, loop and reverse. Fields and buttons keep their keys."""
    stepping, ends = "a step towards noise, towards data", "noise, data"
    return (
        Action(
            "time.play",
            "Play or pause",
            playback.toggle,
            tip="Let time run, or stand still",
            keys=("Space",),
            help="play, pause",
            yields=True,
            repeats=False,
            checked=lambda: playback.playing,
        ),
        Action(
            "time.back",
            "Step towards noise",
            lambda: playback.step(-1),
            tip="One step of time towards noise",
            keys=("Left",),
            help=stepping,
            yields=True,
        ),
        Action(
            "time.forward",
            "Step towards data",
            lambda: playback.step(1),
            tip="One step of time towards data",
            keys=("Right",),
            help=stepping,
            yields=True,
        ),
        Action(
            "time.to_noise",
            "To noise",
            playback.to_noise,
            tip="Go to pure noise, t = T",
            keys=("Home",),
            help=ends,
            yields=True,
            repeats=False,
        ),
        Action(
            "time.to_data",
            "To data",
            playback.to_data,
            tip="Go to the finished samples, t = 0",
            keys=("End",),
            help=ends,
            yields=True,
            repeats=False,
        ),
        Action(
            "time.loop",
            "Loop",
            lambda: playback.set_loop(not playback.loop),
            tip="Begin again when playing has come to its end",
            keys=("L",),
            help="loop",
            yields=True,
            repeats=False,
            checked=lambda: playback.loop,
        ),
        Action(
            "time.reverse",
            "Reverse",
            lambda: playback.set_reverse(not playback.reverse),
            tip="Play from data to noise instead of noise to data",
            keys=("R",),
            help="reverse",
            yields=True,
            repeats=False,
            checked=lambda: playback.reverse,
        ),
    )
