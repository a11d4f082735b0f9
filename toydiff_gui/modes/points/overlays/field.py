"""The vector field: the noise that a lane's denoiser sees at the places of a grid, at all times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.shared import messages
from engine.shared.messages import AnyReport, Arrays
from engine.shared.values import value
from toydiff_gui.drawing.scene_parts import Box, Points
from toydiff_gui.modes.points.overlays.computed import Ask, Computed, Sight, Subject, grid

COLUMNS, ROWS = 38, 24
"""Arrows over the box."""


@value
@dataclass(frozen=True)
class FieldLayer:
    """The noise that a denoiser sees at the places of a grid, at every time that has arrived.

    ``points`` (G, 2); ``eps`` maps t to (G, 2), of the times that have arrived.
    """

    box: Box
    columns: int
    points: Points
    eps: Mapping[int, Points]

    def time_at(self, t: float) -> int | None:
        """The time nearest to ``t`` that has arrived; None while there is none."""
        return min(self.eps, key=lambda known: abs(known - t), default=None)

    def at(self, t: float) -> FieldLayer:
        """What it shows at ``t``, alone."""
        known = self.time_at(t)
        return replace(self, eps={} if known is None else {known: self.eps[known]})


def _asks(subject: Subject, sight: Sight) -> tuple[Ask, ...]:
    points = grid(sight.box, COLUMNS, ROWS)
    places = _times(subject, sight.t)
    empty = FieldLayer(sight.box, COLUMNS, points, {})

    def collect(layer: FieldLayer | None, message: AnyReport, arrays: Arrays) -> FieldLayer:
        layer = layer or empty
        if isinstance(message, messages.FieldAt):
            return replace(layer, eps={**layer.eps, places[message.t]: arrays["eps"]})
        return layer

    def request(times: list[int]) -> messages.Field:
        return messages.Field(checkpoint=subject.ref, times=times)

    ordered = request(sorted(places))
    return (Ask(request(list(places)), {"points": points}, collect, alike=ordered),)


COMPUTED = Computed(_asks)


def _times(subject: Subject, t: float) -> dict[int, int]:
    """The own times to ask for, coarse to fine, and where each is on the timeline."""
    if subject.timesteps <= subject.shown:
        times = coarse_to_fine(subject.timesteps, subject.own_time(t))
        return {own: subject.on_timeline(own) for own in times}
    scale = subject.timesteps / subject.shown
    first = max(1, round(t))
    return {round(at * scale): at for at in coarse_to_fine(subject.shown, first)}


def coarse_to_fine(timesteps: int, first: int) -> list[int]:
    """All t in 1..T, the one that is looked at first, then ever finer steps through all of them."""
    times = [first]
    step = 1 << max(0, timesteps.bit_length() - 4)
    while step:
        times += range(timesteps, 0, -step)
        step //= 2
    return list(dict.fromkeys(times))
