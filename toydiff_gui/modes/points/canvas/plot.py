"""The plot of one lane: a view that pans and zooms, and the one item that paints it all."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QGraphicsObject, QStyleOptionGraphicsItem, QWidget

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.device import device_pixels, device_rect, pixel_ratio
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import PlotTransform, ViewRange
from toydiff_gui.modes.points.canvas.shared_view import LEAST, MOST, SharedView
from toydiff_gui.modes.points.drawing.background import BackgroundCache
from toydiff_gui.modes.points.drawing.lane import paint_lane
from toydiff_gui.modes.points.drawing.path_marks import paint_path_marks
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.style import theme

# pyqtgraph leaves out mouse moves that come fast; a flick would be taken for a click.
pg.setConfigOption("mouseRateLimit", -1)

FAR = 1e4
"""How far from the origin one can pan."""


class PlotBox(pg.ViewBox):  # type: ignore[misc]
    """Pans by dragging, zooms by the wheel about the pointer; a unit is as long in x as in y.

    Signals:
        clicked: the button was pressed and released in one place (in plot pixels).
        double_clicked: the same twice.
    """

    clicked = Signal(QPointF)
    double_clicked = Signal(QPointF)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.setAspectLocked(True)
        self.setLimits(
            xMin=-FAR,
            xMax=FAR,
            yMin=-FAR,
            yMax=FAR,
            minXRange=LEAST,
            maxXRange=MOST,
            minYRange=LEAST,
            maxYRange=MOST,
        )

    def shown(self) -> ViewRange:
        """The range that is seen."""
        (x0, x1), (y0, y1) = self.viewRange()
        return ViewRange(float(x0), float(x1), float(y0), float(y1))

    def show_range(self, view: ViewRange) -> None:
        """Show ``view``, widened to the shape of the plot."""
        self.setRange(
            xRange=(view.x0, view.x1), yRange=(view.y0, view.y1), padding=0.0, disableAutoRange=True
        )

    def mouseClickEvent(self, event: Any) -> None:
        """Tell of clicks with the left button."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        if event.double():
            self.double_clicked.emit(QPointF(event.pos()))
        else:
            self.clicked.emit(QPointF(event.pos()))

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Pan with the left or middle button; the right one does nothing unexpected."""
        if event.button() == Qt.MouseButton.RightButton:
            event.ignore()
            return
        super().mouseDragEvent(event, axis)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys belong to the window."""
        event.ignore()


class LaneItem(QGraphicsObject):
    """Paints the lane with the functions that exports use.

    Signals:
        painted: a frame is on the canvas.
    """

    painted = Signal()

    def __init__(self, plot: PlotView) -> None:
        super().__init__()
        self._plot = plot
        self._rect = QRectF()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setZValue(-10)

    def set_rect(self, rect: QRectF) -> None:
        """Fill ``rect``."""
        if rect != self._rect:
            self.prepareGeometryChange()
            self._rect = rect

    def boundingRect(self) -> QRectF:
        """The whole plot."""
        return self._rect

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Paint the lane, then tell."""
        self._plot.paint_content(painter, self._rect)
        self.painted.emit()


class PlotView(pg.GraphicsView):  # type: ignore[misc]
    """The plot area of a lane.

    Signals:
        clicked: a click on an empty place (x, y) of the plane.
        double_clicked: two of them.
        pointer_moved: the pointer is at this place of the plot, in pixels.
        pointer_left: it is elsewhere.
        transformed: the same point of the plane lies elsewhere on the screen now.
        painted: a frame has been painted.
    """

    clicked = Signal(float, float)
    double_clicked = Signal(float, float)
    pointer_moved = Signal(QPointF)
    pointer_left = Signal()
    transformed = Signal()
    painted = Signal()

    def __init__(
        self, shared: SharedView, cache: BackgroundCache, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, background=None)
        self._shared = shared
        self._cache = cache
        self._lane: LaneScene | None = None
        self._t = 0.0
        self._selected = self._hovered = False
        self._below = 0.0
        self._card_shown = False
        self._kept: QImage | None = None
        self._style = LaneStyle.of(theme.current())
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        # The item fills the whole viewport: nothing beneath needs to be painted first.
        self.viewport().setAutoFillBackground(False)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.box = PlotBox()
        self.setCentralItem(self.box)
        self.item = LaneItem(self)
        self.scene().addItem(self.item)
        self.item.painted.connect(self.painted)
        self.box.clicked.connect(self._click)
        self.box.double_clicked.connect(self._double_click)
        self.box.sigRangeChangedManually.connect(self._moved_here)
        shared.changed.connect(self._follow)
        self._follow()

    def show_lane(self, lane: LaneScene, t: float) -> None:
        """Paint ``lane`` at ``t`` from now on."""
        self._lane, self._t = lane, t
        self._repaint_all()

    def show_marks(self, lane: LaneScene) -> None:
        """Paint the marks of ``lane``, which is the one shown but for them."""
        self._lane = lane
        self.item.update()

    def show_card(self, shown: bool) -> None:
        """Whether to tell the figures of the point looked at."""
        if shown != self._card_shown:
            self._card_shown = shown
            self.item.update()

    def show_foot(self, below: float) -> None:
        """How far the card goes on below the plot."""
        if below != self._below:
            self._below = below
            self._repaint_all()

    def _repaint_all(self) -> None:
        self._kept = None
        self.item.update()

    def show_frame(self, *, selected: bool, hovered: bool) -> None:
        """How the border looks."""
        if (selected, hovered) != (self._selected, self._hovered):
            self._selected, self._hovered = selected, hovered
            self.item.update()

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        self._repaint_all()

    def transform_of_plot(self) -> PlotTransform:
        """Where the plane lies in the plot, as it is painted."""
        return PlotTransform(QRectF(self.viewport().rect()), self.box.shown())

    def to_data(self, position: QPointF) -> tuple[float, float]:
        """The point of the plane at a place of the plot."""
        return self.transform_of_plot().to_data(position)

    def paint_content(self, painter: QPainter, rect: QRectF) -> None:
        """Paint the lane and the part of the card's frame around it."""
        if self._lane is None:
            painter.fillRect(rect, theme.with_alpha(self._style.palette.canvas, 1.0))
            return
        view = self.box.shown()
        if self._lane.marked is None:
            self._kept = None
            self._paint_lane(painter, rect, view)
        else:
            self._paint_kept(painter, rect, view)
        paint_path_marks(
            painter, rect, self._lane, self._t, view, self._style, card=self._card_shown
        )
        head = self._style.header_height
        card = rect.adjusted(0.0, -head, 0.0, self._below)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_card_frame(painter, card, self._style, selected=self._selected, hovered=self._hovered)

    def _paint_lane(self, painter: QPainter, rect: QRectF, view: ViewRange) -> None:
        assert self._lane is not None
        paint_lane(painter, rect, self._lane, self._t, view, self._style, cache=self._cache)

    def _paint_kept(self, painter: QPainter, rect: QRectF, view: ViewRange) -> None:
        """All but the marks from a picture: while they move, nothing else needs painting."""
        area = device_rect(painter, rect)
        size = area.size().toSize()
        if self._kept is None or self._kept.size() != size:
            self._kept = QImage(size, QImage.Format.Format_RGB32)
            below = QPainter(self._kept)
            ratio = pixel_ratio(painter)
            below.scale(ratio, ratio)
            self._paint_lane(below, QRectF(0.0, 0.0, rect.width(), rect.height()), view)
            below.end()
        with device_pixels(painter, area):
            painter.drawImage(area.topLeft(), self._kept)

    def _click(self, position: QPointF) -> None:
        self.clicked.emit(*self.to_data(position))

    def _double_click(self, position: QPointF) -> None:
        self.double_clicked.emit(*self.to_data(position))

    def _moved_here(self) -> None:
        """Let the other lanes follow what the mouse did in this one."""
        rect = self.viewport().rect()
        before = self._shared.range.fitted(rect.width(), rect.height())
        self._shared.follow(before, self.box.shown())

    def _follow(self) -> None:
        self.box.show_range(self._shared.range)
        self._repaint_all()
        self.transformed.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit the range into the new shape."""
        super().resizeEvent(event)
        if not hasattr(self, "item"):
            return  # while it is being made
        self.item.set_rect(QRectF(self.viewport().rect()))
        self._follow()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell where the pointer is."""
        super().mouseMoveEvent(event)
        self.pointer_moved.emit(event.position())

    def leaveEvent(self, event: Any) -> None:
        """Tell that the pointer has gone."""
        super().leaveEvent(event)
        self.pointer_left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys to the lane and the window; pyqtgraph would swallow them."""
        event.ignore()
