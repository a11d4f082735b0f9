"""What can be laid over a lane, each at the time shown; see ``scene.OVERLAYS``."""

from __future__ import annotations

from toydiff_gui.drawing.overlays.density import paint_density
from toydiff_gui.drawing.overlays.difference import paint_difference, paint_difference_scale
from toydiff_gui.drawing.overlays.field import paint_field
from toydiff_gui.drawing.overlays.forward import paint_forward
from toydiff_gui.drawing.overlays.trajectories import paint_trajectories
from toydiff_gui.drawing.overlays.warp import paint_warp
from toydiff_gui.drawing.paper import Paper
from toydiff_gui.scene import LaneScene

__all__ = ["overlay_frame", "paint_overlays"]

_PAINTERS = (
    ("difference", paint_difference),
    ("density", paint_density),
    ("forward", paint_forward),
    ("warp", paint_warp),
    ("field", paint_field),
    ("trajectories", paint_trajectories),
)
"""From the bottom to the top; the states lie above them all, 'preview' is painted with them."""


def paint_overlays(paper: Paper, lane: LaneScene, t: float) -> None:
    """Paint what is laid over ``lane``, at ``t``, beneath its states."""
    if lane.kind == "latent":
        return
    for name, paint in _PAINTERS:
        if name in lane.overlays:
            paint(paper, lane, t)
    if "difference" in lane.overlays:
        paint_difference_scale(paper, lane, t)


def overlay_frame(lane: LaneScene, t: float) -> tuple[object, ...]:
    """What the overlays of ``lane`` show at ``t`` besides ``lane.moments(t)``."""
    frame: list[object] = []
    if "density" in lane.overlays:
        frame.append(round(t))
    if "trajectories" in lane.overlays:
        frame.append(lane.trajectory)
    return tuple(frame)
