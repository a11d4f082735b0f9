"""The grid warp: straight lines of latents, carried along by the flow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import AnyReport, Arrays
from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.modes.points.overlays.computed import Ask, Computed, Sight, Subject

LINES, LINE_POINTS, STEPS, HALF = 13, 61, 50, 3.0
"""Lines of a family, points on each, steps of DDIM; they span -HALF..HALF."""


@dataclass(frozen=True)
class WarpLayer:
    """A grid of lines carried along: states (lines * points_per_line, 2), line after line."""

    trajectory: Trajectory
    points_per_line: int

    def at(self, t: float) -> WarpLayer:
        """What it shows at ``t``, alone."""
        return replace(self, trajectory=self.trajectory.at(t))


def _asks(subject: Subject, sight: Sight) -> tuple[Ask, ...]:
    def collect(layer: WarpLayer | None, message: AnyReport, arrays: Arrays) -> WarpLayer | None:
        if not isinstance(message, messages.Frame):
            return layer
        if layer is None:
            times = tuple(subject.on_timeline(t) for t in message.times)
            layer = WarpLayer(Trajectory(times), LINE_POINTS)
        return replace(layer, trajectory=layer.trajectory.with_frame(arrays["x"], arrays["x0"]))

    sampler = SamplerConfig(name="ddim", steps=min(STEPS, subject.timesteps))
    request = messages.Sample(checkpoint=subject.ref, sampler=sampler)
    return (Ask(request, {"latents": _lines()}, collect),)


COMPUTED = Computed(_asks)


@lru_cache(maxsize=1)
def _lines() -> Points:
    """The points of an upright and a level family of lines, (2 * lines * points, 2)."""
    at = np.linspace(-HALF, HALF, LINES)
    along = np.linspace(-HALF, HALF, LINE_POINTS)
    fixed, running = np.meshgrid(at, along, indexing="ij")
    upright = np.stack([fixed, running], axis=2)
    level = np.stack([running, fixed], axis=2)
    return np.concatenate([upright, level]).reshape(-1, 2).astype(np.float32)
