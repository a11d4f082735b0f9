"""What of a scene can be exported alone: lanes of points; samples, strips and a card of images.

The one place that knows which kinds of scenes there are; the rest of the export asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from engine.trajectory import Trajectory
from toydiff_gui.drawing.images.page import FACE_TITLES, face_filled
from toydiff_gui.export.errors import ExportError
from toydiff_gui.image_scene import (
    AttentionCard,
    ImageScene,
    SliceCard,
    TilesCard,
)
from toydiff_gui.scene import Scene

AnyScene = Scene | ImageScene
Weights = Mapping[int, NDArray[np.float32]]

SAMPLES = "samples"
"""Key of the tiles; a strip has that of its lane, the card beside the tiles that of its face."""


@dataclass(frozen=True)
class Part:
    """A part of a scene; ``attention`` is that of the card which shows some."""

    key: str
    title: str
    trajectory: Trajectory | None = None
    status: str = "done"
    attention: AttentionCard | None = None
    stands: bool = False
    """There is something to see although it has no trajectory of its own."""

    @property
    def has_frames(self) -> bool:
        """Whether its trajectory has at least one frame."""
        return self.trajectory is not None and bool(self.trajectory.x)

    @property
    def has_numbers(self) -> bool:
        """Whether there is something to save for NumPy."""
        return self.has_frames or self.attention is not None


@singledispatch
def parts(scene: object) -> list[Part]:
    """The parts of ``scene``, in the order in which they are offered."""
    raise TypeError(f"a scene cannot be a {type(scene).__name__}")


@parts.register
def _(scene: Scene) -> list[Part]:
    return [Part(lane.key, lane.title, lane.trajectory, lane.status) for lane in scene.lanes]


@parts.register
def _(scene: ImageScene) -> list[Part]:
    found = []
    if scene.tiles.trajectory is not None:
        found.append(Part(SAMPLES, "Samples", scene.tiles.trajectory, scene.tiles.status))
    found += [
        Part(strip.key, strip.title, strip.trajectory, strip.status) for strip in scene.strips
    ]
    if face_filled(scene):
        attention = scene.attention if scene.face == "attention" else None
        status = {"attention": scene.attention.status, "slice": scene.slice.status}
        found.append(
            Part(
                scene.face,
                FACE_TITLES[scene.face],
                status=status.get(scene.face, "done"),
                attention=attention,
                stands=True,
            )
        )
    return found


@singledispatch
def _alone(scene: AnyScene, key: str) -> AnyScene:
    raise TypeError(f"a scene cannot be a {type(scene).__name__}")


@_alone.register
def _(scene: Scene, key: str) -> Scene:
    return replace(scene, lanes=tuple(lane for lane in scene.lanes if lane.key == key))


@_alone.register
def _(scene: ImageScene, key: str) -> ImageScene:
    if key == scene.face:
        return replace(scene, tiles=TilesCard(), strips=())
    strips = tuple(strip for strip in scene.strips if strip.key == key)
    tiles = scene.tiles if key == SAMPLES else TilesCard()
    return replace(
        scene,
        tiles=tiles,
        strips=strips,
        face="picture",
        looked_at=None,
        attention=AttentionCard(),
        slice=SliceCard(),
    )


def only(scene: AnyScene, key: str | None) -> AnyScene:
    """``scene`` with the part ``key`` alone; None keeps all. Raises ``ExportError``."""
    if key is None:
        return scene
    known = [part.key for part in parts(scene)]
    if key not in known:
        names = ", ".join(known) or "none"
        raise ExportError(f"there is no lane {key!r}; lanes: {names}")
    return _alone(scene, key)
