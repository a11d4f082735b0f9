"""The difference: how far a lane's denoiser is from the exact one of its data, as a heat map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.shared import messages
from engine.shared.config import EXACT
from engine.shared.messages import AnyReport, Arrays
from engine.shared.values import value
from toydiff_gui.drawing.scene_parts import Box, Points
from toydiff_gui.modes.points.overlays.computed import (
    Ask,
    ComputedInTime,
    Sight,
    Subject,
    grid,
    pixels,
)

SIDE = 64
"""Pixels along the box' longer side."""


@value
@dataclass(frozen=True)
class HeatLayer:
    """A value on the pixels of ``box``: ``values`` maps t to (H, W), the first row at the top."""

    box: Box
    values: Mapping[int, NDArray[np.float32]]
    label: str = ""

    def time_at(self, t: float) -> int | None:
        """The time nearest to ``t`` that has arrived; None while there is none."""
        return min(self.values, key=lambda known: abs(known - t), default=None)

    def at(self, t: float) -> HeatLayer:
        """What it shows at ``t``, alone."""
        known = self.time_at(t)
        return replace(self, values={} if known is None else {known: self.values[known]})


def _asks(subject: Subject, sight: Sight) -> tuple[Ask, ...]:
    """What the denoiser predicts, and what the exact one does."""
    width, height = pixels(sight.box, SIDE)
    arrays = {"points": grid(sight.box, width, height)}
    times = [subject.own_time(sight.t)]
    exact = f"{EXACT}{subject.ref.removeprefix(EXACT)}"
    return tuple(
        Ask(messages.Field(checkpoint=ref, times=times), arrays, _eps, name=name)
        for name, ref in (("own", subject.ref), ("exact", exact))
    )


def _eps(value: Any, message: AnyReport, arrays: Arrays) -> Any:
    return arrays["eps"] if isinstance(message, messages.FieldAt) else value


def _empty(box: Box) -> HeatLayer:
    return HeatLayer(box, {}, "error of the noise")


def _add(layer: HeatLayer, t: int, halves: tuple[Points, ...]) -> HeatLayer:
    own, exact = halves
    width, height = pixels(layer.box, SIDE)
    error = np.linalg.norm(own - exact, axis=1) / 2**0.5
    found = error.reshape(height, width).astype(np.float32)
    return replace(layer, values={**layer.values, t: found})


COMPUTED = ComputedInTime(_asks, _empty, _add)
