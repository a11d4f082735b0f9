"""All overlays of points, in the order in which they are offered.

To add one: a row here, and what paints it in ``drawing.overlays``; if the engine computes it, also
a file beside this one.
"""

from __future__ import annotations

from toydiff_gui.modes.points.overlays import basin, difference, field, warp
from toydiff_gui.modes.points.overlays.computed import Overlay

OVERLAYS = (
    Overlay(
        "trajectories",
        "Trajectories",
        "The way of each point from noise to data: past solid, future faint.",
        "trajectories",
    ),
    Overlay(
        "field",
        "Vector field",
        "Where the probability flow carries a point from here, at this t: the direction that DDIM "
        "takes.",
        "field",
        computed=field.COMPUTED,
    ),
    Overlay(
        "density",
        "Density",
        "How densely the data lie at this t, noised as far, and how densely the samples do.",
        "density",
    ),
    Overlay(
        "preview",
        "x̂₀ preview",
        "For each point the clean point that the denoiser predicts from it at this t, and a line "
        "to it.",
        "preview",
    ),
    Overlay(
        "warp",
        "Grid warp",
        "A grid carried along by the flow: where it is stretched, paths tear.",
        "warp",
        computed=warp.COMPUTED,
    ),
    Overlay(
        "forward",
        "Forward process",
        "The data on their way into noise at this t: what the samples should look like.",
        "forward",
    ),
    Overlay(
        "difference",
        "Difference",
        "Where, at this t, the noise that this lane's denoiser predicts differs from the exact "
        "one of the data, as a heat map.",
        "difference",
        computed=difference.COMPUTED,
        not_exact="This lane is the exact denoiser: it does not differ from itself",
    ),
    Overlay(
        "basin",
        "Basin map",
        "Colours the latents in lane 1 by where each one ends up with DDIM: where colours meet, a "
        "path that crosses is torn.",
        "basin",
        over_latents=True,
        computed=basin.COMPUTED,
    ),
)


def keys(*, over_latents: bool) -> frozenset[str]:
    """What can be laid over the latents, or over a lane of samples."""
    return frozenset(row.key for row in OVERLAYS if row.over_latents == over_latents)
