"""The picture of images, for export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.export.picture_contract import Part, SheetCell
from toydiff_gui.modes.images.attention_file import AttentionNumbers
from toydiff_gui.modes.images.drawing.page import (
    FACE_TITLES,
    STRIPS,
    face_filled,
    filled_cards,
    paint_image_scene,
)
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.drawing.sheet import paint_image_cells
from toydiff_gui.modes.images.scene import AttentionCard, ImageScene, SliceCard, TilesCard

SAMPLES = "samples"
"""Key of the tiles; a strip has that of its lane, the card beside the tiles that of its face."""


@dataclass(frozen=True)
class ImagesPicture:
    """Samples, strips, and what is looked at beside the samples."""

    scene: ImageScene

    @property
    def title(self) -> str:
        """The model in a line."""
        return self.scene.title

    @property
    def timesteps(self) -> int:
        """T."""
        return self.scene.timesteps

    def reached(self) -> int:
        """The smallest t that samples and strips have arrived at."""
        return self.scene.reached()

    def parts(self) -> list[Part]:
        """The samples, the strips, the card beside the samples; those that show something."""
        tiles, found = self.scene.tiles, []
        if tiles.trajectory is not None:
            found.append(Part(SAMPLES, "Samples", tiles.trajectory, tiles.status))
        found += [
            Part(strip.key, strip.title, strip.trajectory, strip.status)
            for strip in self.scene.strips
        ]
        if face_filled(self.scene):
            found.append(self._face())
        return found

    def _face(self) -> Part:
        face = self.scene.face
        part = Part(face, FACE_TITLES[face], stands=True)
        if face == "slice":
            return replace(part, status=self.scene.slice.status)
        if face == "picture":
            return part
        card = self.scene.attention
        recording = "the attention is still being recorded; wait until it is complete"
        return replace(
            part,
            status=card.status,
            numbers=AttentionNumbers(card),
            unfinished=recording if card.status == "running" else "",
            jumps=_gaps_in(card, self.timesteps),
        )

    def only(self, key: str) -> ImagesPicture:
        """The samples, a strip, or the card beside the samples."""
        scene = self.scene
        if key == scene.face:
            return ImagesPicture(replace(scene, tiles=TilesCard(), strips=()))
        alone = replace(
            scene,
            tiles=scene.tiles if key == SAMPLES else TilesCard(),
            strips=tuple(strip for strip in scene.strips if strip.key == key),
            face="picture",
            looked_at=None,
            attention=AttentionCard(),
            slice=SliceCard(),
        )
        return ImagesPicture(alone)

    def cache(self) -> None:
        """All of it changes with t."""

    def paint(
        self,
        painter: QPainter,
        rect: QRectF,
        t: float,
        style: LaneStyle,
        *,
        vector: bool = False,
        cache: None = None,
    ) -> None:
        """As ``paint_image_scene``."""
        paint_image_scene(Paper(painter, self.scene, t, style, vector), rect)

    def sheet(
        self, times: Sequence[int], area: QRectF, style: LaneStyle, caption: float, gap: float
    ) -> list[SheetCell]:
        """Everything once for each time."""
        shown = self.parts()
        name = shown[0].title if len(shown) == 1 else ""
        if filled_cards(self.scene) == {STRIPS}:  # wide: below each other
            high = (area.height() - gap * (len(times) - 1)) / len(times)
            cells = [
                QRectF(area.left(), area.top() + row * (high + gap), area.width(), high)
                for row in range(len(times))
            ]
        else:
            cells = tile(len(times), area, gap, caption)
        return [
            SheetCell(name, t, place, partial(self._paint_cell, t, style))
            for t, place in zip(times, cells, strict=True)
        ]

    def _paint_cell(
        self, t: int, style: LaneStyle, painter: QPainter, rect: QRectF, vector: bool
    ) -> None:
        paint_image_cells(Paper(painter, self.scene, t, style, vector), rect)


def _gaps_in(card: AttentionCard, timesteps: int) -> str:
    """At which times the card would stand still, in words; '' if at none."""
    if card.averaged or card.image is None:
        return ""
    run = card.image.made or card.image.trajectory
    # The network is never asked at t = 0; weights are kept by the timeline's t.
    times = {round(t * timesteps / run.t[0]) for t in run.t if t >= 1}
    known = len(times & card.weights.keys())
    if known == len(times):
        return ""
    return (
        f"the attention is known at {known} of {len(times)} times only: switch on "
        "'Mean over t', or show another face, for a film or a sheet"
    )
