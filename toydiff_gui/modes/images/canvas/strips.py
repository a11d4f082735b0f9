"""The film strips, to be pointed at: a place on the path is marked in all of them."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QWidget

from engine.shared.polyline import neighbour_gaps
from engine.shared.values import same
from toydiff_gui.canvas.path_marker import PathMarker
from toydiff_gui.drawing.card import paint_card_border
from toydiff_gui.drawing.path_strips import StripScales
from toydiff_gui.modes.images.canvas.card import ImageCard
from toydiff_gui.modes.images.drawing.film_strips import (
    StripsLayout,
    image_gap,
    image_scales,
    paint_norms_row,
    paint_strip_row,
    paint_strips_head,
    strips_layout,
)
from toydiff_gui.modes.images.drawing.page import STRIPS
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, MARKED, PINNED

TOOLTIP = (
    "A row for each sampler: what it makes of the same latents, from A to B.\n"
    "Bars: how far apart neighbouring images are at this time, on one logarithmic scale for all "
    "rows; the number is the largest.\n"
    "Norm: how far each latent is from the origin. Latents of the prior lie in the shaded band; "
    "those in the middle of a straight line fall short of it and decode to grey.\n"
    "Point at an image to see that place in all rows; click to keep it."
)
NONE_SHOWN = "Switch on a sampler lane in the panel beside"
_ACROSS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_DOWN = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


_Seen = tuple[tuple[object, ...], object]
"""What the rows depend on, one by one, and what all of the card depends on."""


class StripsCard(PathMarker, ImageCard):
    """All strips below each other, with the norms of their latents."""

    _keys = frozenset({*_ACROSS, *_DOWN, *_ENTER, Qt.Key.Key_Home, Qt.Key.Key_End})

    def __init__(self, state: Store, parent: QWidget) -> None:
        super().__init__(STRIPS, "Interpolation", state, parent)
        self._scales = StripScales()
        self._looking = False
        self._marked, self._pinned = state.get(MARKED), state.get(PINNED)
        self._row = 0
        """The strip that the keyboard is on."""
        self.setToolTip(TOOLTIP)
        state.changed(MARKED).connect(self._show_marks)
        state.changed(PINNED).connect(self._show_marks)
        state.changed(LOOK).connect(self._show_selection)
        self._selected = state.get(LOOK).selected_lane

    # What is shown

    @property
    def strips(self) -> StripsLayout:
        """Where everything lies now."""
        return strips_layout(self._card(), self._scene, self._style, ratio=self._ratio())

    def _header_height(self) -> float:
        return self.strips.head.height()

    def _depends_on(self) -> object:
        scene = self._scene
        self._scales = image_scales(scene)
        rows = tuple(
            (
                None if strip.trajectory is None else strip.trajectory.index_at(self._t),
                strip.states_at(self._t),
                strip.preview,
                strip.status,
                strip.message,
                strip.title,
                strip.detail,
                strip.number,
            )
            for strip in scene.strips
        )
        norms = tuple(strip.latent_norms for strip in scene.strips)
        rest = (
            scene.path_label,
            norms,
            scene.prior_norms,
            self._scales,
            scene.shape,
            scene.mean,
            scene.std,
            scene.selected,
        )
        return rows, rest

    def _refresh(self, before: object, now: object) -> None:
        """Only the rows that look different, unless it is more than rows."""
        old, new = cast(_Seen | None, before), cast(_Seen, now)
        if old is None or not same(old[1], new[1]) or len(old[0]) != len(new[0]):
            self._place_buttons()
            self.update()
            return
        layout = self.strips
        for index, (was, row) in enumerate(zip(old[0], new[0], strict=True)):
            if not same(row, was):
                self.update(layout.rows[index].toAlignedRect())

    def _show_selection(self) -> None:
        if self._state.get(LOOK).selected_lane != self._selected:
            self._selected = self._state.get(LOOK).selected_lane
            self.update()

    def _show_marks(self) -> None:
        """Only the columns that are marked, or were, look different."""
        layout = self.strips
        out = self._style.px(4)
        for old, new in (
            (self._marked, self._state.get(MARKED)),
            (self._pinned, self._state.get(PINNED)),
        ):
            if old == new:
                continue
            for index in (old, new):
                if index is not None:
                    x = layout.left + index * layout.cell
                    column = QRectF(x - out, 0, layout.cell + 2 * out, self.height())
                    self.update(column.toAlignedRect())
        if self._marked != self._state.get(MARKED) and not layout.norms.isEmpty():
            words = QRectF(layout.norms)
            words.setRight(layout.left)
            self.update(words.toAlignedRect())
        self._marked, self._pinned = self._state.get(MARKED), self._state.get(PINNED)

    # What can be done

    def _look_at(self, row: int, index: int) -> None:
        """Mark a place of the path in all strips; the card beside shows it as this one has it."""
        self._looking = True
        self._row = row
        strip = self._scene.strips[row]
        self._state.update(IMAGE_POINTER, hovered_strip=strip.key)
        self._state.set(MARKED, index)
        text = self.describe(row, index)
        self.setAccessibleDescription(text)
        self.cursor_text.emit(text)

    def describe(self, row: int, index: int) -> str:
        """A place on the path in words, as the strip ``row`` has it."""
        strip, scene = self._scene.strips[row], self._scene
        parts = [f"{strip.title}: image {index + 1} of {self.strips.count}"]
        states = strip.states_at(self._t)
        if states is not None and len(states) > 1 and index < len(states):
            near = max(index - 1, 0)
            gaps = neighbour_gaps(states[near : index + 2])
            parts.append("gap " + ", ".join(image_gap(float(gap)) for gap in gaps))
        norms = strip.latent_norms
        if norms is not None and index < len(norms):
            said = f"norm {float(norms[index]):.1f}"
            if scene.prior_norms[2] > 0:
                low, _, high = scene.prior_norms
                said += f", prior {low:.1f}\N{EN DASH}{high:.1f}"
            parts.append(said)
        return " \N{MIDDLE DOT} ".join(parts)

    def _look_away(self) -> None:
        if self._looking:
            self._looking = False
            self._state.set(MARKED, None)
            self._state.update(IMAGE_POINTER, hovered_strip="")
            self.cursor_text.emit("")

    def _select(self, row: int) -> None:
        self._state.update(LOOK, selected_lane=self._scene.strips[row].key)

    def _pin(self, row: int, index: int) -> None:
        """Keep a place of the path, or let it go."""
        strip = self._scene.strips[row]
        same = self._state.get(PINNED) == index and self._state.get(LOOK).selected_lane == strip.key
        self._select(row)
        if same:
            self.unpin()
        else:
            self._state.set(PINNED, index)
            self._state.update(IMAGE_CARD, attention_of=strip.key)

    def unpin(self) -> None:
        """Let go of the place that is kept."""
        self._state.set(PINNED, None)
        self._state.update(IMAGE_CARD, attention_of="")

    def _found(self, place: QPointF) -> tuple[int, int] | None:
        """Strip and position at ``place``."""
        layout = self.strips
        row, index = layout.row_at(place), layout.index_at(place.x())
        if row is None or index is None or row >= len(self._scene.strips):
            return None
        there = self._scene.strips[row].states_at(self._t)
        return (row, index) if there is not None and index < len(there) else None

    # Qt

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the strip; on an image, keep its place."""
        event.accept()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        row = self.strips.row_at(event.position())
        found = self._found(event.position())
        if found is not None:
            self._look_at(*found)
            self._pin(*found)
        elif row is not None and row < len(self._scene.strips):
            self._select(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark what the pointer is on."""
        found = self._found(event.position())
        if found is None:
            self._look_away()
        elif found != (self._row, self._state.get(MARKED)) or not self._looking:
            self._look_at(*found)
        shape = Qt.CursorShape.ArrowCursor if found is None else Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go along the path and from strip to strip, Enter keeps a place, Escape not."""
        key, rows = Qt.Key(event.key()), len(self._scene.strips)
        if key == Qt.Key.Key_Escape and self._state.get(PINNED) is not None:
            self.unpin()
        elif key not in self._keys or not rows:
            event.ignore()
        else:
            row = min(max(min(self._row, rows - 1) + _DOWN.get(key, 0), 0), rows - 1)
            place = self._place_after(key, _ACROSS.get(key, 0), self.strips.count)
            self._look_at(row, place)
            if key in _ENTER:
                self._pin(row, place)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is to be seen anew, with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect, style, scene = self._card(), self._style, self._scene
        layout, paper = self.strips, self._paper(painter)
        dirty = QRectF(event.rect())
        painter.fillRect(rect, QColor(style.palette.canvas))
        if dirty.intersects(layout.head):
            paint_strips_head(paper, layout, right_inset=self._inset)
        if not scene.strips:
            paper.message(layout.rows[0], NONE_SHOWN)
        for row, strip in enumerate(scene.strips):
            if dirty.intersects(layout.rows[row]):
                paint_strip_row(
                    paper,
                    layout,
                    row,
                    self._scales,
                    selected=strip.key == self._selected,
                    marked=self._marked,
                    pinned=self._pinned,
                )
        if dirty.intersects(layout.norms):
            paint_norms_row(paper, layout, self._scales, marked=self._marked)
        paint_card_border(painter, rect, style, selected=False, hovered=self._hovered)
        painter.end()
        self.painted.emit()
