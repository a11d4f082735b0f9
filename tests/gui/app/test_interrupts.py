"""The signals that end a program reach the window's loop."""

import os
import signal

import pytest

from toydiff_gui.app.interrupts import Interrupts


@pytest.mark.skipif(os.name != "posix", reason="a process cannot send itself these elsewhere")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_the_end_and_nothing_else_happens(qtbot, number):
    before = signal.getsignal(number)
    interrupts = Interrupts()
    try:
        with qtbot.waitSignal(interrupts.asked_to_end):
            os.kill(os.getpid(), number)
    finally:
        interrupts.stop()
    assert signal.getsignal(number) == before
