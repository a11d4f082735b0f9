"""A grid of straight lines of latents, carried along by the flow to the time shown."""

from __future__ import annotations

import numpy as np

from toydiff_gui.drawing.style import blend
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.overlays.warp import WarpLayer
from toydiff_gui.modes.points.scene import LaneScene

OPACITY = 0.5


def paint_warp(paper: Paper, lane: LaneScene, t: float) -> None:
    """Where the lines have been carried; torn places show as long straight pieces."""
    layer: WarpLayer | None = lane.layer("warp")
    if layer is None or (k := layer.trajectory.index_at(t)) is None:
        return
    lines = layer.trajectory.x[k].reshape(-1, layer.points_per_line, 2)
    palette = paper.style.palette
    # Mixed, not translucent: where the pieces of a line meet they would look like beads.
    colour = blend(palette.canvas, palette.text_secondary, OPACITY).name()
    paper.lines(
        np.ascontiguousarray(lines[:, :-1]).reshape(-1, 2),
        np.ascontiguousarray(lines[:, 1:]).reshape(-1, 2),
        colours=(colour,),
        width=1.0,
        opacity=1.0,
    )
