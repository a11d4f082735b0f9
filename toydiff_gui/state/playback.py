"""The one time of all lanes, and what makes it run. No widgets, and no idea what is shown.

The clock is divided into slots of 1/60 s. Playing means: at the slot k after the one where playing
began, t has moved by floor(k * speed). So a late timer skips frames instead of slowing down, and
the intervals between painted frames do not beat between one and two refreshes of the screen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer, Signal

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
SLOTS_PER_SECOND = 60
HOLD_SLOTS = 30
"""How long a loop rests on its last frame: half a second."""

# A timer that fires at its due time must find itself in the new slot, whatever the rounding.
_ROUNDING = 1e-4


class Playback(QObject):
    """Time t between T (noise) and 0 (data), and the transport.

    Playing runs from noise to data, or from data to noise in reverse. It waits, with no timer
    running, where no frames have arrived yet (below ``reached``).

    Signals:
        t_changed(int): there is another t.
        changed(): playing, loop, reverse, speed, reached or timesteps are others now.
    """

    t_changed = Signal(int)
    changed = Signal()

    def __init__(
        self,
        timesteps: int = 250,
        parent: QObject | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._timesteps = timesteps
        self._t = timesteps
        self._reached = timesteps
        self._playing = False
        self._loop = False
        self._reverse = False
        self._speed = 1.0
        self._anchor_slot = 0
        self._anchor_t = timesteps
        self._hold_until: int | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)

    @property
    def timesteps(self) -> int:
        """T, the number of steps of the noise schedule."""
        return self._timesteps

    @property
    def t(self) -> int:
        """The time shown: T is noise, 0 is data."""
        return self._t

    @property
    def playing(self) -> bool:
        """Whether time runs, or waits for frames to arrive."""
        return self._playing

    @property
    def waiting(self) -> bool:
        """Whether playing waits for frames that have not arrived."""
        if not self._playing or self._hold_until is not None or self._t == self._end:
            return False
        return self._t < self._reached or (not self._reverse and self._t == self._reached)

    @property
    def loop(self) -> bool:
        """Whether playing begins again after its end."""
        return self._loop

    @property
    def reverse(self) -> bool:
        """Whether playing runs from data to noise."""
        return self._reverse

    @property
    def speed(self) -> float:
        """Steps of t per 1/60 s, one of ``SPEEDS``."""
        return self._speed

    @property
    def reached(self) -> int:
        """The smallest t whose frames have arrived in all lanes."""
        return self._reached

    @property
    def _start(self) -> int:
        return 0 if self._reverse else self._timesteps

    @property
    def _end(self) -> int:
        return self._timesteps if self._reverse else 0

    def toggle(self) -> None:
        """Play, or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Let time run; at the end, begin again."""
        if self._playing:
            return
        self._playing = True
        if self._t == self._end:
            self._move_to(self._start)
        self._run_from_here()
        self.changed.emit()

    def pause(self) -> None:
        """Let time stand still."""
        if not self._playing:
            return
        self._stop()
        self.changed.emit()

    def step(self, steps: int) -> None:
        """Pause and go ``steps`` towards data (negative: towards noise)."""
        self.pause()
        self.set_t(self._t - steps)

    def to_noise(self) -> None:
        """Go to t = T."""
        self.set_t(self._timesteps)

    def to_data(self) -> None:
        """Go to t = 0."""
        self.set_t(0)

    def set_t(self, t: int) -> None:
        """Go to ``t``, held within 0..T; playing goes on from there."""
        t = min(max(int(t), 0), self._timesteps)
        if t == self._t:  # also a slider that repeats what it was told
            return
        self._move_to(t)
        self._resume()

    def set_timesteps(self, timesteps: int) -> None:
        """Take a schedule of T = ``timesteps``, of which nothing has arrived yet."""
        if timesteps < 1:
            raise ValueError(f"timesteps must be at least 1, got {timesteps}")
        if timesteps == self._timesteps:
            return
        at_noise = self._t == self._timesteps
        self._timesteps = timesteps
        self._reached = timesteps
        self._move_to(timesteps if at_noise else min(self._t, timesteps))
        self._resume()
        self.changed.emit()

    def set_reached(self, t: int) -> None:
        """Say that all frames down to ``t`` have arrived; waiting ends when that lets it."""
        reached = min(max(int(t), 0), self._timesteps)
        if reached == self._reached:
            return
        waited = self.waiting
        self._reached = reached
        if waited:
            self._run_from_here()
        self.changed.emit()

    def set_loop(self, loop: bool) -> None:
        """Begin again after the end, or not."""
        if loop != self._loop:
            self._loop = loop
            self._resume()
            self.changed.emit()

    def set_reverse(self, reverse: bool) -> None:
        """Run from data to noise, or from noise to data."""
        if reverse != self._reverse:
            self._reverse = reverse
            self._resume()
            self.changed.emit()

    def set_speed(self, speed: float) -> None:
        """Set the speed; raises ``ValueError`` for one that is not among ``SPEEDS``."""
        if speed not in SPEEDS:
            known = ", ".join(f"{value:g}" for value in SPEEDS)
            raise ValueError(f"speed must be one of {known}, got {speed!r}")
        if speed != self._speed:
            self._speed = float(speed)
            self._resume()
            self.changed.emit()

    def tick(self) -> None:
        """Catch up with the clock and set the timer for the next move."""
        if not self._playing:
            return
        slot = self._slot()
        if self._hold_until is not None:
            if slot >= self._hold_until:
                self._move_to(self._start)
                self._run_from_here()
            else:
                self._wake_at(self._hold_until)
            return
        if self.waiting:  # frames went away: a new run has begun
            self._timer.stop()
            return
        moved = math.floor((slot - self._anchor_slot) * self._speed)
        if self._reverse:
            target = min(self._anchor_t + moved, self._timesteps)
        else:
            target = max(self._anchor_t - moved, self._reached)
        self._move_to(target)
        self._schedule(slot)

    def _move_to(self, t: int) -> None:
        if t != self._t:
            self._t = t
            self.t_changed.emit(t)

    def _slot(self) -> int:
        return math.floor(self._clock() * SLOTS_PER_SECOND + _ROUNDING)

    def _run_from_here(self) -> None:
        """Count slots from now on, unless there is nothing to play."""
        self._hold_until = None
        self._anchor_slot = self._slot()
        self._anchor_t = self._t
        self._schedule(self._anchor_slot)

    def _resume(self) -> None:
        """As ``_run_from_here`` after a change of the transport; a rest at the end is cut short."""
        if self._playing:
            self._run_from_here()

    def _schedule(self, slot: int) -> None:
        if not self._playing:  # a slot of t_changed may have paused
            return
        if self._t == self._end:
            self._end_reached(slot)
        elif self.waiting:
            self._timer.stop()
        else:
            moved = abs(self._t - self._anchor_t)
            due = self._anchor_slot + math.ceil((moved + 1) / self._speed)
            self._wake_at(max(due, slot + 1))

    def _end_reached(self, slot: int) -> None:
        if self._loop:
            self._hold_until = slot + HOLD_SLOTS
            self._wake_at(self._hold_until)
        else:
            self._stop()
            self.changed.emit()

    def _stop(self) -> None:
        self._playing = False
        self._hold_until = None
        self._timer.stop()

    def _wake_at(self, slot: int) -> None:
        delay = slot / SLOTS_PER_SECOND - self._clock()
        self._timer.start(max(0, math.ceil(delay * 1000)))
