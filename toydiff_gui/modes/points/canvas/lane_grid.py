"""All lanes of a scene, tiled so that the plots are as large as possible."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.canvas.card_page import CardPage
from toydiff_gui.canvas.hint import HintCard
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_wrapped
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.canvas.lane_view import LaneView
from toydiff_gui.modes.points.canvas.picking import cancel_picking
from toydiff_gui.modes.points.canvas.shared_view import SharedView
from toydiff_gui.modes.points.drawing.background import BackgroundCache
from toydiff_gui.modes.points.drawing.lane_strips import around_plots, strip_scales
from toydiff_gui.modes.points.drawing.shown_plane import default_view
from toydiff_gui.modes.points.scene import Scene
from toydiff_gui.state.lanes import duplicate_lane, remove_lane
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK
from toydiff_gui.style import theme


class LaneGrid(CardPage):
    """The canvas.

    ``set_scene`` is as cheap as ``set_t``.

    Signals:
        view_range_changed: the lanes show another part of the plane.
        duplicate_asked: a copy of the lane with this key was asked for, and has been made.
        edit_asked: whoever has the controls should let the lane with this key be changed.
        remove_asked: the lane with this key was to go, and has gone.
    """

    view_range_changed = Signal()
    duplicate_asked = Signal(str)
    edit_asked = Signal(str)
    remove_asked = Signal(str)

    def __init__(
        self, state: Store, parent: QWidget | None = None, *, selectable: bool = True
    ) -> None:
        super().__init__("Lanes", state, Scene().timesteps, parent)
        self._scene = Scene()
        self._selectable = selectable
        self._cache = BackgroundCache()
        self._surrounded = 0.0
        self._shared = SharedView(default_view(()), self)
        self._hint: HintCard | None = None
        self._shared.changed.connect(self.view_range_changed)

    @property
    def scene(self) -> Scene:
        """What is shown."""
        return self._scene

    @property
    def view_range(self) -> ViewRange:
        """The part of the plane that all lanes show; ``paint_scene`` takes it as its ``views``."""
        return self._shared.range

    def lane_view(self, key: str) -> LaneView | None:
        """The view of the lane ``key``."""
        return self._cards.get(key)

    def set_scene(self, scene: Scene) -> None:
        """Show another scene; only lanes that look different are painted again."""
        self._scene = scene
        keys = [lane.key for lane in scene.lanes]
        changed = keys != list(self._cards)
        for key in [key for key in self._cards if key not in keys]:
            view = self._cards.pop(key)
            self._waiting.discard(key)
            view.hide()
            view.deleteLater()
        self._shared.set_default(default_view(scene.lanes))
        scales = strip_scales(scene.lanes)
        views = {}
        for lane in scene.lanes:
            view = self._cards.get(lane.key) or self._make_view(lane.key)
            if view.show_lane(lane, self._t):
                self._expect(lane.key, view)
            view.strips.show_scales(scales)
            views[lane.key] = view
        self._cards = views
        if changed:
            self._chain_tab_stops()
        if changed or self._surround() != self._surrounded:
            self._arrange()

    def _surround(self) -> float:
        """What the cards take above and below their plots."""
        return around_plots(self._scene.lanes, LaneStyle.of(theme.current()))

    def reset_view(self) -> None:
        """Show the default part of the plane in all lanes."""
        self._shared.reset()

    def show_hint(self) -> HintCard:
        """Lay the card for newcomers over the lanes; it tells when it has been dismissed."""
        if self._hint is None:
            self._hint = HintCard(self)
            self._hint.dismissed.connect(self._forget_hint)
            self._hint.show()
        return self._hint

    def _forget_hint(self) -> None:
        self._hint = None

    def _make_view(self, key: str) -> LaneView:
        view = LaneView(
            key, self._state, self._shared, self._cache, self, selectable=self._selectable
        )
        self._watch(key, view)
        view.stops_changed.connect(self._chain_tab_stops)
        view.duplicate_asked.connect(self._duplicate)
        view.edit_asked.connect(self._edit)
        view.remove_asked.connect(self._remove)
        if self._hint is not None:
            self._hint.raise_()
        return view

    def _duplicate(self, key: str) -> None:
        try:
            copy = duplicate_lane(self._state, key)
        except ValueError as error:
            self._state.post(str(error), error=True)
            return
        self._state.update(LOOK, selected_lane=copy)
        self.duplicate_asked.emit(key)

    def _edit(self, key: str) -> None:
        self._state.update(LOOK, selected_lane=key)
        self.edit_asked.emit(key)

    def _remove(self, key: str) -> None:
        remove_lane(self._state, key)
        if self._state.get(LOOK).maximised_lane == key:
            self._state.update(LOOK, maximised_lane="")
        self.remove_asked.emit(key)

    def _arrange(self) -> None:
        """Give every lane its place; whole pixels, so that lines stay sharp."""
        keys = self._shown_keys()
        style = LaneStyle.of(theme.current())
        area = QRectF(self.rect())
        self._surrounded = self._surround()
        cells = tile(len(keys), area, style.gap, self._surrounded, style.least_width)
        for key, cell in zip(keys, cells, strict=True):
            left, top = round(cell.left()), round(cell.top())
            view = self._cards[key]
            view.setGeometry(left, top, round(cell.right()) - left, round(cell.bottom()) - top)
        for key, view in self._cards.items():
            view.setVisible(key in keys)
        self._wait_for(set(keys))
        if self._hint is not None:
            self._hint.raise_()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape ends picking before all else."""
        if event.key() != Qt.Key.Key_Escape or not cancel_picking(self._state):
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground between the lanes, or a word where there are none."""
        super().paintEvent(event)
        if not self._cards:
            painter = QPainter(self)
            palette = theme.current().palette
            text = "No lanes to show"
            font = theme.font(12, 500)
            draw_wrapped(painter, QRectF(self.rect()), text, font, palette.text_secondary)
            painter.end()
