"""What an export is made from: a scene that nothing in the window can change any more."""

from __future__ import annotations

from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.parts import AnyScene, freeze, only, parts

__all__ = ["check_complete", "freeze", "only"]


def check_complete(scene: AnyScene) -> None:
    """Raise ``ExportError`` unless there is something to show and all of it has arrived."""
    found = parts(scene)
    if not any(part.has_frames or part.stands for part in found):
        raise ExportError("there is nothing to export yet: no lane has samples")
    for part in found:
        run = part.trajectory
        if run is not None and not run.complete:
            if part.status == "failed":
                raise ExportError(f"lane {part.title!r} has failed; switch it off or run it again")
            raise ExportError(
                f"lane {part.title!r} is still being sampled; wait until it is complete"
            )
        if part.attention is not None and part.status == "running":
            raise ExportError("the attention is still being recorded; wait until it is complete")
