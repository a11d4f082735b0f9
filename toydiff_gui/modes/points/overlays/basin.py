"""The basin map: where DDIM takes each latent of a part of the plane."""

from __future__ import annotations

from dataclasses import dataclass

from engine.shared import messages
from engine.shared.config import SamplerConfig
from engine.shared.messages import AnyReport, Arrays
from engine.shared.values import value
from toydiff_gui.drawing.scene_parts import Box, Points
from toydiff_gui.modes.points.overlays.computed import (
    Ask,
    Computed,
    Sight,
    Subject,
    grid,
    pixels,
)

COARSE, FINE = (48, 20), (150, 50)
"""Pixels along the longer side of the map and steps of DDIM: first quickly, then well."""


@value
@dataclass(frozen=True)
class BasinLayer:
    """Where each latent of ``box`` ends up: ``landings`` (H, W, 2), the first row at the top."""

    box: Box
    landings: Points

    def at(self, t: float) -> BasinLayer:
        """The same at every ``t``."""
        return self


def _asks(subject: Subject, sight: Sight) -> tuple[Ask, ...]:
    return tuple(
        _map(subject, sight, side, min(most, sight.steps)) for side, most in (COARSE, FINE)
    )


def _map(subject: Subject, sight: Sight, side: int, steps: int) -> Ask:
    width, height = pixels(sight.box, side)

    def collect(layer: BasinLayer | None, message: AnyReport, arrays: Arrays) -> BasinLayer | None:
        if isinstance(message, messages.Frame):
            return BasinLayer(sight.box, arrays["x"].reshape(height, width, 2))
        return layer

    sampler = SamplerConfig(name="ddim", steps=steps)
    request = messages.Sample(checkpoint=subject.ref, sampler=sampler, last=True)
    return Ask(request, {"latents": grid(sight.box, width, height)}, collect, of=sight.steps)


COMPUTED = Computed(_asks)
