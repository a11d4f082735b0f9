"""Choosing data points to be inverted, by a click in a lane."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.modes.points.settings import INVERSION
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store

ENOUGH = 2
"""Points that are picked: one for A, one for B."""


def pick(state: Store, lane: LaneScene, x: float, y: float) -> None:
    """Choose the data point of ``lane`` that is nearest to (x, y), unless there are enough.

    The first choice takes the place of points that have been inverted before.
    """
    known = lane.data if lane.cloud is None else lane.cloud
    inversion = state.get(INVERSION)
    if inversion.latents is not None:
        inversion = Inversion(status=inversion.status)
    if known is None or len(known) == 0 or len(inversion.data) >= ENOUGH:
        return
    apart = np.linalg.norm(known - np.array([x, y], np.float32), axis=1)
    nearest = known[[int(np.nan_to_num(apart, nan=np.inf).argmin())]]
    chosen = np.vstack([inversion.data, nearest]).astype(np.float32)
    state.set(INVERSION, replace(inversion, data=chosen))


def cancel_picking(state: Store) -> bool:
    """Give up choosing; returns whether there was anything to give up."""
    if state.get(INVERSION).status != "picking":
        return False
    known = state.get(INVERSION).latents is not None
    state.set(INVERSION, replace(state.get(INVERSION), status="done") if known else Inversion())
    return True
