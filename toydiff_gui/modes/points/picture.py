"""The picture of points in the plane, for export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.export.picture_contract import Part, SheetCell
from toydiff_gui.modes.points.drawing.background import BackgroundCache
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.path_marks import paint_path_marks
from toydiff_gui.modes.points.drawing.picture import paint_scene
from toydiff_gui.modes.points.drawing.shown_plane import shown_view
from toydiff_gui.modes.points.scene import LaneScene, Scene


@dataclass(frozen=True)
class PointsPicture:
    """All lanes of a scene."""

    scene: Scene

    @property
    def title(self) -> str:
        """The model in a line."""
        return self.scene.title

    @property
    def timesteps(self) -> int:
        """T."""
        return self.scene.timesteps

    def reached(self) -> int:
        """The smallest t that all lanes have arrived at."""
        return self.scene.reached()

    def parts(self) -> list[Part]:
        """The lanes."""
        return [
            Part(lane.key, lane.title, lane.trajectory, lane.status) for lane in self.scene.lanes
        ]

    def only(self, key: str) -> PointsPicture:
        """One lane."""
        lanes = tuple(lane for lane in self.scene.lanes if lane.key == key)
        return PointsPicture(replace(self.scene, lanes=lanes))

    def cache(self) -> BackgroundCache:
        """Backgrounds do not change with t."""
        return BackgroundCache()

    def paint(
        self,
        painter: QPainter,
        rect: QRectF,
        t: float,
        style: LaneStyle,
        *,
        vector: bool = False,
        cache: BackgroundCache | None = None,
    ) -> None:
        """As ``paint_scene``."""
        paint_scene(painter, rect, self.scene, t, style, vector=vector, cache=cache)

    def sheet(
        self, times: Sequence[int], area: QRectF, style: LaneStyle, caption: float, gap: float
    ) -> list[SheetCell]:
        """A row for each lane; of a single lane, the times share the sheet."""
        lanes = self._sheet_lanes()
        if len(lanes) == 1:
            cells = tile(len(times), area, gap, caption)
        else:
            wide = (area.width() - gap * (len(times) - 1)) / len(times)
            high = (area.height() - gap * (len(lanes) - 1)) / len(lanes)
            cells = [
                QRectF(
                    area.left() + column * (wide + gap), area.top() + row * (high + gap), wide, high
                )
                for row in range(len(lanes))
                for column in range(len(times))
            ]
        moments = [(lane, t) for lane in lanes for t in times]
        return [
            SheetCell(lane.title, t, place, partial(self._paint_cell, lane, t, style))
            for (lane, t), place in zip(moments, cells, strict=True)
        ]

    def _sheet_lanes(self) -> list[LaneScene]:
        """The lanes that change with time, if there are any."""
        moving = [
            lane
            for lane in self.scene.lanes
            if lane.kind == "trajectory" and lane.trajectory is not None and lane.trajectory.x
        ]
        return moving or list(self.scene.lanes)

    def _paint_cell(
        self,
        lane: LaneScene,
        t: int,
        style: LaneStyle,
        painter: QPainter,
        plot: QRectF,
        vector: bool,
    ) -> None:
        view = shown_view(self.scene)
        paint_lane(painter, plot, lane, t, view, style, vector=vector)
        paint_path_marks(painter, plot, lane, t, view, style, vector=vector)
