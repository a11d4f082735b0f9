"""What can be laid over a lane, each at the time shown; see ``modes.points.overlays.table``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toydiff_gui.modes.points.drawing.overlays.density import paint_density
from toydiff_gui.modes.points.drawing.overlays.difference import (
    paint_difference,
    paint_difference_scale,
)
from toydiff_gui.modes.points.drawing.overlays.field import paint_field
from toydiff_gui.modes.points.drawing.overlays.forward import paint_forward
from toydiff_gui.modes.points.drawing.overlays.trajectories import paint_trajectories
from toydiff_gui.modes.points.drawing.overlays.warp import paint_warp
from toydiff_gui.modes.points.drawing.paper import Paper
from toydiff_gui.modes.points.scene import LaneScene

__all__ = ["PAINTERS", "OverlayPainter", "overlay_frame", "paint_overlays"]

Paint = Callable[[Paper, LaneScene, float], None]


@dataclass(frozen=True)
class OverlayPainter:
    """How an overlay of samples is painted."""

    overlay: str
    paint: Paint
    paint_above: Paint | None = None
    """What lies above all other overlays."""
    seen: Callable[[LaneScene, float], object] | None = None
    """What it shows at a time besides what the lane has then (``LaneScene.moments``)."""


PAINTERS = (
    OverlayPainter("difference", paint_difference, paint_above=paint_difference_scale),
    OverlayPainter("density", paint_density, seen=lambda lane, t: round(t)),
    OverlayPainter("forward", paint_forward),
    OverlayPainter("warp", paint_warp),
    OverlayPainter("field", paint_field),
    OverlayPainter("trajectories", paint_trajectories, seen=lambda lane, t: lane.trajectory),
)
"""From the bottom to the top; the states lie above them all, 'preview' is painted with them."""


def paint_overlays(paper: Paper, lane: LaneScene, t: float) -> None:
    """Paint what is laid over ``lane``, at ``t``, beneath its states."""
    if lane.kind == "latent":
        return
    painters = [painter for painter in PAINTERS if painter.overlay in lane.overlays]
    for painter in painters:
        painter.paint(paper, lane, t)
    for painter in painters:
        if painter.paint_above is not None:
            painter.paint_above(paper, lane, t)


def overlay_frame(lane: LaneScene, t: float) -> tuple[object, ...]:
    """What the overlays of ``lane`` show at ``t`` besides ``lane.moments(t)``."""
    return tuple(
        painter.seen(lane, t)
        for painter in PAINTERS
        if painter.overlay in lane.overlays and painter.seen is not None
    )
