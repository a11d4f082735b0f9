"""What an export is made from: a scene that nothing in the window can change any more."""

from __future__ import annotations

from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.parts import AnyScene, only, parts
from toydiff_gui.image_scene import AttentionCard

__all__ = ["check_complete", "only"]


def check_complete(scene: AnyScene, *, every_time: bool = True) -> None:
    """Raise ``ExportError`` unless there is something to show and all of it has arrived.

    With ``every_time``, attention that a film or a sheet goes through must be known at all times.
    """
    found = parts(scene)
    if not any(part.has_frames or part.stands for part in found):
        raise ExportError("there is nothing to export yet: no lane has samples")
    for part in found:
        run = part.trajectory
        if run is not None and not run.complete:
            if part.status == "failed":
                raise ExportError(f"lane {part.title!r} has failed; switch it off or run it again")
            if part.status == "empty":
                raise ExportError(
                    f"lane {part.title!r} was stopped before it was complete; run it again"
                )
            raise ExportError(
                f"lane {part.title!r} is still being sampled; wait until it is complete"
            )
        if part.attention is not None and part.status == "running":
            raise ExportError("the attention is still being recorded; wait until it is complete")
        if part.attention is not None and every_time:
            _check_times(part.attention, scene.timesteps)


def _check_times(card: AttentionCard, timesteps: int) -> None:
    """Between the times that are known the card would stand still."""
    if card.averaged or card.image is None:
        return
    run = card.image.made or card.image.trajectory
    # The network is never asked at t = 0; weights are kept by the timeline's t.
    times = {round(t * timesteps / run.t[0]) for t in run.t if t >= 1}
    known = len(times & card.weights.keys())
    if known < len(times):
        raise ExportError(
            f"the attention is known at {known} of {len(times)} times only: switch on "
            "'Mean over t', or show another face, for a film or a sheet"
        )
