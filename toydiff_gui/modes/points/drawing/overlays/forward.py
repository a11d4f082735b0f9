"""The forward process: the data with as much noise as at the time shown, in place of the data."""

from __future__ import annotations

import math

from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.modes.points.drawing.background import MAX_DATA
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.scene import LaneScene


def paint_forward(paper: Paper, lane: LaneScene, t: float) -> None:
    """The noised data, as faint as the data they stand for."""
    points = None if lane.forward is None else lane.forward.index_at(t)
    if lane.forward is None or points is None:
        return
    state = lane.forward.x[points]
    style, rect = paper.style, paper.rect
    colour = style.data
    paint_points(
        paper.painter,
        rect,
        paper.view,
        state[:: math.ceil(len(state) / MAX_DATA)],
        diameter=style.stroke(1.7) * style.zoom(min(rect.width(), rect.height())),
        opacity=min(1.0, 1.4 * colour.alphaF()),
        colours=(colour.name(),),
        vector=paper.vector,
    )
