"""The part of the plane that a scene is shown in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.scene import LaneScene, Scene

DEFAULT_HALF = 2.6
"""Half the side of the default view: standardised data reach about 2, latents about 3."""

MARGIN = 1.12
"""How much larger than the data the default view is, where the data reach farther than usual."""


def default_view(lanes: Iterable[LaneScene]) -> ViewRange:
    """The square about the origin that holds the data and most of the latents.

    It depends on the data alone, so that the picture stays where it is while the samples move.
    """
    half = DEFAULT_HALF
    for lane in lanes:
        if lane.data is not None and lane.data.shape[1:] == (2,):
            finite = lane.data[np.isfinite(lane.data).all(axis=1)]
            if len(finite):
                half = max(half, MARGIN * float(np.abs(finite).max()))
                break  # lanes share one data set
    return ViewRange(-half, half, -half, half)


def shown_view(scene: Scene) -> ViewRange:
    """The part of the plane that ``scene`` asks for, or the default."""
    return default_view(scene.lanes) if scene.view is None else ViewRange(*scene.view)
