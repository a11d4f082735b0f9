"""One lane: a header over a plot, in a card."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPointF, Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from toydiff_gui.canvas.card import Card
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.canvas.handles import Handles
from toydiff_gui.modes.points.canvas.lane_header import LaneHeader
from toydiff_gui.modes.points.canvas.picking import pick
from toydiff_gui.modes.points.canvas.plot import PlotView
from toydiff_gui.modes.points.canvas.readout import REACH, Readout, describe, nearest_point
from toydiff_gui.modes.points.canvas.shared_view import SharedView
from toydiff_gui.modes.points.canvas.strip_view import StripView
from toydiff_gui.modes.points.canvas.way_points import WayPoints
from toydiff_gui.modes.points.drawing.background import BackgroundCache
from toydiff_gui.modes.points.drawing.overlays import overlay_frame
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.modes.points.settings import INVERSION
from toydiff_gui.state.lanes import lane_of
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK
from toydiff_gui.style import theme
from toydiff_gui.widgets.keys import PANS, ZOOM_STEP


class LaneView(Card):
    """Shows one lane of a scene.

    Signals:
        stops_changed: Tab has other places to visit (``stops``).
        duplicate_asked: make a copy of the lane with this key.
        edit_asked: change the settings of the lane with this key.
        remove_asked: take the lane with this key away.
    """

    stops_changed = Signal()
    duplicate_asked = Signal(str)
    edit_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(
        self,
        key: str,
        state: Store,
        shared: SharedView,
        cache: BackgroundCache,
        parent: QWidget | None = None,
        *,
        selectable: bool = True,
    ) -> None:
        super().__init__(key, state, parent)
        self._selectable = selectable
        self._shared = shared
        self._lane: LaneScene | None = None
        self._t = 0.0
        self._bare: LaneScene | None = None
        self._picture: tuple[object, ...] | None = None
        self._pointer: QPointF | None = None
        self.header = LaneHeader(self)
        self.plot = PlotView(shared, cache, self)
        self.handles = Handles(state, self.plot)
        self.way_points = WayPoints(state, self.plot)
        self.strips = StripView(state, self)
        self.readout = Readout(self.plot.viewport())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.strips)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

        self.header.pressed.connect(self.select)
        self.header.expand_asked.connect(self.toggle_maximised)
        self.header.reset_asked.connect(shared.reset)
        self.header.duplicate_asked.connect(lambda: self._ask(self.duplicate_asked))
        self.header.edit_asked.connect(lambda: self._ask(self.edit_asked))
        self.header.remove_asked.connect(lambda: self._ask(self.remove_asked))
        self.strips.pressed.connect(self.select)
        self.strips.looked_at.connect(self.plot.show_card)
        self.plot.clicked.connect(self._click)
        self.plot.double_clicked.connect(self._double_click)
        self.plot.pointer_moved.connect(self._point_at)
        self.plot.pointer_left.connect(self._point_nowhere)
        self.plot.transformed.connect(self._update_readout)
        self.plot.painted.connect(self.painted)
        state.changed(LOOK).connect(self._show_state)
        state.changed(MODEL).connect(self._update_readout)
        state.changed(INVERSION).connect(self._show_cursor)
        self.way_points.changed.connect(self.stops_changed)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    @property
    def lane(self) -> LaneScene | None:
        """The lane that is shown."""
        return self._lane

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        handles = (*self.handles.handles, *self.way_points.handles)
        return (self, *handles, *self.header.buttons, self.strips)

    def show_lane(self, lane: LaneScene, t: float) -> bool:
        """Show ``lane`` at ``t``; returns whether that is another picture than before."""
        before, self._lane = self._lane, lane
        if lane is not before:
            self._bare = _bare(lane)
        # Frames that arrive later leave the picture as it is.
        picture = self._bare, lane.moments(t), overlay_frame(lane, t)
        same = picture == self._picture
        labelled = before is not None and _labels(before) == _labels(lane)
        marked = before is not None and _marks(before) == _marks(lane)
        self._t, self._picture = t, picture
        if same and labelled and marked:
            return False
        self.strips.show_lane(lane, t)
        if before is None or _strips(before) != _strips(lane):
            self._fit_strips()
        if same and not marked:
            self.plot.show_marks(lane)
        if same and labelled:
            return True
        self.header.show_lane(lane, t)
        self.header.more.offer(lane_of(self._state, lane.key) is not None)
        if not labelled or before is None:
            self.setObjectName(f"lane-{lane.key}")
            self.setAccessibleName(f"Lane {lane.number}: {lane.title.replace('_', ' ')}")
        if before is None:
            self._show_state()
        if same:
            return not marked
        self.setAccessibleDescription(lane.message)
        self.plot.show_lane(lane, t)
        self.handles.show_endpoints(lane.endpoints if lane.kind == "latent" else None)
        self.way_points.show_places(lane.way_points if lane.kind == "latent" else ())
        self._show_cursor()
        self._update_readout()
        return True

    def show_time(self, t: float) -> bool:
        """Show the lane at ``t``; returns whether that is another picture than before."""
        return self._lane is not None and self.show_lane(self._lane, t)

    def select(self) -> None:
        """Make this the selected lane, if lanes here can be selected."""
        if self._lane is not None and self._selectable:
            self._state.update(LOOK, selected_lane=self._lane.key)

    def toggle_maximised(self) -> None:
        """Show this lane alone, or all again."""
        if self._lane is not None:
            super().toggle_maximised()
            if not self.header.expand.hasFocus():  # a field in a dock may, which needs Escape
                self.setFocus()

    def _ask(self, signal: SignalInstance) -> None:
        if self._lane is not None:
            signal.emit(self.key)

    def _show_state(self) -> None:
        if self._lane is None:
            return
        look = self._state.get(LOOK)
        selected = look.selected_lane == self._lane.key
        self.header.show_frame(selected=selected, hovered=self._hovered)
        self.header.expand.show_maximised(look.maximised_lane == self._lane.key)
        self.plot.show_frame(selected=selected, hovered=self._hovered)
        self.strips.show_frame(selected=selected, hovered=self._hovered)

    def _fit_strips(self) -> None:
        self.strips.fit(self.height())
        self.plot.show_foot(self.strips.height() if self.strips.rows else 0.0)

    def _restyle(self) -> None:
        style = LaneStyle.of(theme.current())
        self.header.set_style(style)
        self.plot.set_style(style)
        self.handles.set_style(style)
        self.way_points.set_style(style)
        self.strips.set_style(style)
        self._fit_strips()
        self.readout.refresh_style()
        self.readout.place()

    def _show_cursor(self) -> None:
        """A cross where a click places or picks something."""
        lane = self._lane
        latent = lane is not None and lane.kind == "latent"
        places = latent and lane is not None and lane.endpoints is not None
        crossed = places or (not latent and self._picking)
        shape = Qt.CursorShape.CrossCursor if crossed else Qt.CursorShape.ArrowCursor
        if self.plot.viewport().cursor().shape() != shape:
            self.plot.viewport().setCursor(shape)

    @property
    def _picking(self) -> bool:
        return self._state.get(INVERSION).status == "picking"

    def _click(self, x: float, y: float) -> None:
        self.select()
        lane = self._lane
        if lane is None:
            return
        if lane.kind == "trajectory" and self._picking:
            pick(self._state, lane, x, y)
        elif lane.kind == "latent" and not lane.drawing:
            # While a path is drawn a click may be the first half of one that adds a way-point.
            self.handles.place_nearer(x, y)

    def _double_click(self, x: float, y: float) -> None:
        if self._lane is not None and self._lane.kind == "latent" and self._lane.drawing:
            self.way_points.insert(x, y)
            return
        if self._picking:
            return  # the second click of two picks
        self.handles.take_back_click()
        self._shared.reset()

    def _point_at(self, position: QPointF) -> None:
        self._pointer = position
        self._update_readout()

    def _point_nowhere(self) -> None:
        if self._pointer is not None:
            self._pointer = None
            self.readout.show_text("")
            self.cursor_text.emit("")

    def _update_readout(self) -> None:
        if self._pointer is None or self._lane is None:
            return
        points = self._lane.points_at(self._t)
        transform = self.plot.transform_of_plot()
        index = nearest_point(points, transform, self._pointer, REACH)
        place = transform.to_data(self._pointer)
        text = describe(place, self._state.get(MODEL), index, 0 if points is None else len(points))
        self.readout.show_text(text)
        self.cursor_text.emit(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Strips need room."""
        self._fit_strips()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter selects, + and - zoom, Ctrl with an arrow pans, 0 resets the view."""
        key = Qt.Key(event.key())
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.select()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal) and not control:
            self._shared.zoom(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_Minus and not control:
            self._shared.zoom(ZOOM_STEP)
        elif key == Qt.Key.Key_0 and not control:
            self._shared.reset()
        elif key in PANS and control:
            self._shared.pan(*PANS[key])
        else:
            event.ignore()


def _bare(lane: LaneScene) -> LaneScene:
    """What the plot shows at any time: without marks, labels and all that moves."""
    moving: dict[str, Any] = dict.fromkeys(lane.moments(0.0))
    return replace(
        lane,
        **moving,
        key="",
        number=0,
        title="",
        detail="",
        note="",
        off_data=None,
        marked=None,
        pinned=None,
    )


def _strips(lane: LaneScene) -> tuple[bool, bool]:
    """What decides which strips there are; norms come with the first frame."""
    return lane.joined, lane.latent_norms is not None


def _marks(lane: LaneScene) -> tuple[object, ...]:
    """What is laid over the picture and changes while the pointer moves."""
    return lane.marked, lane.pinned, None if lane.pinned is None else lane.trajectory


def _labels(lane: LaneScene) -> tuple[object, ...]:
    """What only the header shows."""
    return lane.key, lane.number, lane.title, lane.detail, lane.note, lane.off_data
