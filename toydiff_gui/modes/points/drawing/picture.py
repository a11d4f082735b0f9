"""A whole picture of a scene, for export: all lanes with headers, and a line about the moment."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.footer import NOTHING, whole_picture
from toydiff_gui.drawing.path_strips import StripScales
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.drawing.background import BackgroundCache
from toydiff_gui.modes.points.drawing.header import paint_header
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.lane_strips import (
    around_plots,
    paint_strips,
    strip_rows,
    strip_scales,
    strips_height,
)
from toydiff_gui.modes.points.drawing.path_marks import paint_path_marks
from toydiff_gui.modes.points.drawing.shown_plane import shown_view
from toydiff_gui.modes.points.scene import LaneScene, Scene

Views = Mapping[str, ViewRange] | ViewRange | None


def paint_scene(
    painter: QPainter,
    rect: QRectF,
    scene: Scene,
    t: float,
    style: LaneStyle,
    views: Views = None,
    *,
    selected: str = "",
    vector: bool = False,
    cache: BackgroundCache | None = None,
) -> None:
    """Paint all lanes of ``scene`` at ``t`` in the grid that gives the largest plots.

    ``views`` is one range for all lanes, one for each by its key, or None for the default. Safe in
    a worker thread on a ``QImage`` (with a ``cache`` that no other thread uses), and on a
    ``QSvgGenerator`` with ``vector=True``.
    """
    message = "" if scene.lanes else NOTHING
    with whole_picture(painter, rect, scene, t, style, vector, message) as area:
        scales = strip_scales(scene.lanes)
        around = around_plots(scene.lanes, style)
        cells = tile(len(scene.lanes), area, style.gap, around, style.least_width)
        fallback = views if isinstance(views, ViewRange) else shown_view(scene)
        for lane, cell in zip(scene.lanes, cells, strict=True):
            view = views.get(lane.key, fallback) if isinstance(views, Mapping) else fallback
            card = QRectF(
                round(cell.left()), round(cell.top()), round(cell.width()), round(cell.height())
            )
            chosen = lane.key == selected
            _paint_card(painter, card, lane, t, view, scales, style, chosen, vector, cache)


def _paint_card(
    painter: QPainter,
    card: QRectF,
    lane: LaneScene,
    t: float,
    view: ViewRange,
    scales: StripScales,
    style: LaneStyle,
    selected: bool,
    vector: bool,
    cache: BackgroundCache | None,
) -> None:
    head = QRectF(card.left(), card.top(), card.width(), style.header_height)
    rows = strip_rows(lane, card.height(), style)
    foot = strips_height(rows, style)
    plot = QRectF(card.left(), head.bottom(), card.width(), card.height() - head.height() - foot)
    paint_lane(painter, plot, lane, t, view, style, vector=vector, cache=cache)
    paint_path_marks(painter, plot, lane, t, view, style, vector=vector)
    if rows:
        strips = QRectF(card.left(), plot.bottom(), card.width(), foot)
        paint_strips(painter, strips, lane, t, rows, scales, style, vector=vector)
    painter.fillRect(head, QColor(style.palette.panel))
    paint_header(painter, head, lane, t, style, selected, vector=vector)
    paint_card_frame(painter, card, style, selected=selected, hovered=False)
