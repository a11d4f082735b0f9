"""The samples, to be clicked: A, B, C, a class; pointed at, they are seen large beside."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QScrollBar, QWidget

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.card_words import paint_card_words
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.modes.images import endpoints
from toydiff_gui.modes.images.canvas.card import ImageCard
from toydiff_gui.modes.images.compose import NO_ATTENTION
from toydiff_gui.modes.images.drawing.page import (
    TILES,
    tiles_layout_of,
    tiles_words,
    time_of_tiles,
)
from toydiff_gui.modes.images.drawing.tiles import TilesLayout, paint_tiles
from toydiff_gui.modes.images.endpoints import SAMPLES_KEY
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER, IMAGE_ZOOM
from toydiff_gui.state.lanes import LANE_RUNS, LANES, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.widgets import ShyButton
from toydiff_gui.widgets.keys import BY_KEYBOARD

CLICK = 4.0
"""Pixels that the pointer may move between press and release of a click."""
TOOLTIP = (
    "Click a tile to make it A, another to make it B, and so on in turn; with Shift it becomes C.\n"
    "The right button has more. The wheel, + and - make the tiles larger or smaller.\n"
    "With the keyboard: arrows go from tile to tile, Enter is a click, A, B and C name the end."
)
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_LETTERS: dict[Qt.Key, Mark] = {Qt.Key.Key_A: "A", Qt.Key.Key_B: "B", Qt.Key.Key_C: "C"}
_CLICKS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
_KEYS = {
    *_ARROWS,
    *_LETTERS,
    *_CLICKS,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
}
_LARGER = (Qt.Key.Key_Plus, Qt.Key.Key_Equal)


class SamplesCard(ImageCard):
    """The grid of samples.

    Signals:
        class_asked: the tile with this number shall be of this class; None for none.
        stop_requested: enough of what is being sampled, tiles and strips.
    """

    class_asked = Signal(int, object)
    stop_requested = Signal()

    def __init__(self, state: Store, parent: QWidget) -> None:
        super().__init__(TILES, "Samples", state, parent)
        self._pointed: int | None = None
        self._focused = 0
        self._by_keyboard = False
        """Whether the keyboard, not a click or the window, has brought the focus here."""
        self._pressed: tuple[QPointF, float] | None = None
        self._panned = False
        self._sampling = False
        self.scroll_bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.scroll_bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_bar.setAccessibleName("Scroll the samples")
        self.scroll_bar.valueChanged.connect(self._scrolled)
        self.larger = ShyButton("plus", "Larger tiles", "Larger tiles (wheel, +)", parent=self)
        self.smaller = ShyButton("minus", "Smaller tiles", "Smaller tiles (wheel, -)", parent=self)
        self.larger.clicked.connect(lambda: self.zoom(1))
        self.smaller.clicked.connect(lambda: self.zoom(-1))
        tip = "Stop; what has come stays (Escape)"
        self.stop_button = ShyButton("stop", "Stop sampling", tip, parent=self)
        self.stop_button.clicked.connect(self.stop_requested)
        self.stop_button.reveal(True)  # whoever waits need not look for it
        self.stop_button.hide()
        self._add_buttons(self.smaller, self.larger)
        self.setToolTip(TOOLTIP)
        for slot in (IMAGE_CARD, IMAGE_ZOOM, IMAGE_POINTER):
            state.changed(slot).connect(self._show_view)
        for signal in (state.changed(LANE_RUNS), state.changed(LANES), state.changed(MODEL)):
            signal.connect(self._show_running)
        self._show_running()

    # What is shown

    @property
    def tiles(self) -> TilesLayout:
        """Where the tiles lie now."""
        return tiles_layout_of(
            self._card_of_tiles(),
            self._scene,
            self._style,
            ratio=self._ratio(),
            zoom=self._state.get(IMAGE_ZOOM),
            scroll=float(self.scroll_bar.value()),
        )

    @property
    def focused(self) -> int | None:
        """The tile that the keyboard is on."""
        if not self._count or not self.hasFocus() or not self._by_keyboard:
            return None
        return min(self._focused, self._count - 1)

    @property
    def _count(self) -> int:
        trajectory = self._scene.tiles.trajectory
        return len(trajectory.x[0]) if trajectory is not None and trajectory.x else 0

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        return (self, self.stop_button, *self.buttons)

    @property
    def running(self) -> bool:
        """Whether tiles or strips are being sampled, so that there is something to stop."""
        state = self._state
        if self._sampling:  # the runs are the old ones until something new has come
            return True
        keys = (SAMPLES_KEY, *(lane.key for lane in shown_lanes(state)))
        return any(state.at(LANE_RUNS, key).status == "running" for key in keys)

    def set_sampling(self, sampling: bool) -> None:
        """Say whether tiles or strips are on their way, even if nothing of them has come."""
        self._sampling = sampling
        self._show_running()

    @property
    def _inset(self) -> float:
        """Room up to Stop while that is there: it does not move when the others are seen."""
        if not self.running:
            return super()._inset
        buttons = (self.stop_button, *self.buttons)
        return sum(button.width() for button in buttons) + self._style.px(4)

    def _place_buttons(self) -> None:
        super()._place_buttons()
        first = self.smaller.geometry()
        self.stop_button.move(first.left() - self.stop_button.width(), first.top())

    def _show_running(self) -> None:
        running = self.running
        if self.stop_button.isVisibleTo(self) == running:
            return
        if self.stop_button.hasFocus():  # or Qt would give it to the button beside
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.stop_button.setVisible(running)
        self._update_header()

    def _card_of_tiles(self) -> QRectF:
        """The card without the scroll bar."""
        bar = self.scroll_bar.width() if self.scroll_bar.isVisibleTo(self) else 0
        return self._card().adjusted(0, 0, -bar, 0)

    def _depends_on(self) -> object:
        card = self._scene.tiles
        frame = None if card.trajectory is None else card.trajectory.index_at(self._t)
        picture = (
            frame,
            card.states_at(self._t),
            card.preview,
            card.status,
            card.message,
            dict(card.marks),
            card.classes,
            card.pinned,
            self._scene.shape,
            self._scene.mean,
            self._scene.std,
            self._state.get(IMAGE_ZOOM),
        )
        words = card.note, tiles_words(self._scene), time_of_tiles(self._scene, self._t)
        return picture, words

    def _refresh(self, before: object, now: object) -> None:
        self._arrange()
        self.update()

    def _arrange(self) -> None:
        bar = self.scroll_bar
        layout = tiles_layout_of(
            self._card(),
            self._scene,
            self._style,
            ratio=self._ratio(),
            zoom=self._state.get(IMAGE_ZOOM),
        )
        most = round(layout.most_scroll)
        if most > 0:  # the bar takes room, so that the tiles may be smaller
            width = bar.sizeHint().width()
            narrow = self._card().adjusted(0, 0, -width, 0)
            layout = tiles_layout_of(
                narrow,
                self._scene,
                self._style,
                ratio=self._ratio(),
                zoom=self._state.get(IMAGE_ZOOM),
            )
            most = max(1, round(layout.most_scroll))
            top = round(self._style.header_height) + 4
            bar.setGeometry(self.width() - width - 2, top, width, max(self.height() - top - 4, 1))
        bar.setVisible(most > 0)
        bar.setRange(0, most)
        bar.setPageStep(max(1, round(layout.area.height())))
        bar.setSingleStep(max(1, round(layout.pitch[1])))
        self.smaller.setEnabled(self._state.get(IMAGE_ZOOM) > 1)
        self.larger.setEnabled(bool(self._count) and layout.columns > 1)

    def _show_view(self) -> None:
        """The zoom or the tile pointed at has changed, here or elsewhere."""
        pointed = self._state.get(IMAGE_POINTER).hovered_tile
        if pointed != self._pointed:
            before, self._pointed = self._pointed, pointed
            for index in (before, pointed):
                self._update_tile(index)
        self.show_scene(self._scene, self._t)

    def _update_tile(self, index: int | None) -> None:
        if index is None or index >= self._count:
            return
        out = self._style.px(12)  # a frame, and half of a badge
        self.update(self.tiles.tile(index).adjusted(-out, -out, out, out).toAlignedRect())

    def _scrolled(self) -> None:
        self.update()

    # What can be done

    def zoom(self, step: int, place: QPointF | None = None) -> None:
        """Larger tiles, or smaller ones; the tile at ``place`` stays beneath it."""
        layout = self.tiles
        held = layout.tile_at(place) if place is not None else self.focused
        whole = tiles_layout_of(self._card(), self._scene, self._style, ratio=self._ratio()).columns
        zoom = self._state.get(IMAGE_ZOOM)
        # Skip what looks the same: eight columns become two at four times as well as at seven.
        while True:
            zoom += step
            if not 1 <= zoom <= whole:
                return
            if -(-whole // zoom) != layout.columns:
                break
        self._state.set(IMAGE_ZOOM, zoom)
        if held is not None:
            self._keep_in_place(held, place)

    def _keep_in_place(self, index: int, place: QPointF | None) -> None:
        unscrolled = tiles_layout_of(
            self._card_of_tiles(),
            self._scene,
            self._style,
            ratio=self._ratio(),
            zoom=self._state.get(IMAGE_ZOOM),
        )
        y = self.tiles.area.center().y() if place is None else place.y()
        self.scroll_bar.setValue(round(unscrolled.tile(index).center().y() - y))

    def _show_tile(self, index: int) -> None:
        """Scroll so far that the tile is seen."""
        layout = self.tiles
        tile, area, value = layout.tile(index), layout.area, self.scroll_bar.value()
        if tile.top() < area.top():
            self.scroll_bar.setValue(value - round(area.top() - tile.top()))
        elif tile.bottom() + layout.caption > area.bottom():
            self.scroll_bar.setValue(value + round(tile.bottom() + layout.caption - area.bottom()))

    def place(self, index: int, mark: Mark | None = None) -> None:
        """Make a tile A, B or C, or what comes next; the card beside shows it from now on."""
        endpoints.place_tile(self._state, index, mark)

    def menu_of(self, index: int) -> QMenu:
        """What can be done with a tile."""
        state = self._state
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setAccessibleName(f"Tile {index + 1}")
        says: dict[Mark, str] = {
            "A": "The path begins here",
            "B": "The path ends here",
            "C": "The third corner of the slice, and what a drawn path goes through",
        }
        for mark, tip in says.items():
            action = menu.addAction(f"Make it {mark}")
            action.setToolTip(tip)
            action.triggered.connect(lambda _=False, mark=mark: self.place(index, mark))
        menu.addSeparator()
        classes = menu.addMenu("Class")
        labels = state.get(MODEL).labels
        classes.setEnabled(bool(labels))
        classes.menuAction().setToolTip(
            "Which class this tile is asked for" if labels else "This network knows no classes"
        )
        now = endpoints.tile_class(state, index)
        choices: list[tuple[str, int | None]] = [("None", None)]
        choices += [(label, number) for number, label in enumerate(labels)]
        for label, number in choices:
            action = classes.addAction(label)
            action.setCheckable(True)
            action.setChecked(number == now)
            action.triggered.connect(
                lambda _=False, number=number: self.class_asked.emit(index, number)
            )
        menu.addSeparator()
        self._looking(menu, index, "Show it large", "picture", "Keep it in the card beside")
        attention = self._looking(
            menu, index, "Show its attention", "attention", "Where its pixels look in the network"
        )
        if not state.get(MODEL).attends:
            attention.setEnabled(False)
            attention.setToolTip(NO_ATTENTION)
        return menu

    def _looking(
        self,
        menu: QMenu,
        index: int,
        text: str,
        face: Literal["picture", "attention"],
        tip: str,
    ) -> QAction:
        action = menu.addAction(text)
        action.setToolTip(tip)
        action.triggered.connect(
            lambda: self._state.update(IMAGE_CARD, pinned_tile=index, attention_of="", face=face)
        )
        return action

    def _point_at(self, index: int | None) -> None:
        self._state.update(IMAGE_POINTER, hovered_tile=index)
        self.cursor_text.emit("" if index is None else self.describe(index))

    def describe(self, index: int) -> str:
        """A tile in words: its number, what it is an end of, its class."""
        card = self._scene.tiles
        parts = [f"tile {index + 1} of {self._count}"]
        if index in card.marks:
            parts.append(card.marks[index])
        if index < len(card.classes) and card.classes[index]:
            parts.append(f"class {card.classes[index]}")
        return " \N{MIDDLE DOT} ".join(parts)

    def _go_to(self, index: int) -> None:
        """The keyboard goes to another tile."""
        before = self._focused
        self._focused = min(max(index, 0), self._count - 1)
        self._show_tile(self._focused)
        self._update_tile(before)
        self._update_tile(self._focused)
        self.setAccessibleDescription(self.describe(self._focused))
        self._point_at(self._focused)

    # Qt

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click, or to drag the tiles."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position(), float(self.scroll_bar.value())
            self._panned = False
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at a tile, or drag what does not fit."""
        place = event.position()
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            start, value = self._pressed
            if self._panned or (place - start).manhattanLength() > CLICK:
                self._panned = True
                self.scroll_bar.setValue(round(value + start.y() - place.y()))
                return
        index = self.tiles.tile_at(place) if self._count else None
        shape = Qt.CursorShape.ArrowCursor if index is None else Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)
        self._point_at(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click makes the tile an endpoint."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        start, self._pressed = self._pressed[0], None
        layout = self.tiles
        index = layout.tile_at(event.position()) if self._count else None
        if self._panned or index is None or layout.tile_at(start) != index:
            return
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.place(index, "C" if shift else None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What else can be done with the tile: the one pointed at, or the keyboard's."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        layout = self.tiles
        index = self.focused if keyboard else layout.tile_at(QPointF(event.pos()))
        if index is None or not self._count:
            return
        place = event.globalPos()
        if keyboard:
            place = self.mapToGlobal(layout.tile(index).center().toPoint())
        menu = self.menu_of(index)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(QPoint(place))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Larger or smaller tiles about the pointer; with Shift, scroll."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if not turned or not self._count:
            event.ignore()
            return
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            step = self.scroll_bar.singleStep() / 2
            self.scroll_bar.setValue(round(self.scroll_bar.value() - turned / 120 * step))
        else:
            self.zoom(1 if turned > 0 else -1, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End go to tiles; Enter clicks; A, B, C name; + and - zoom.

        Escape stops what is being sampled.
        """
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self.running:
            self.stop_requested.emit()
            return
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        columns = self.tiles.columns
        if control or not self._count:
            event.ignore()
            return
        self._by_keyboard = True
        now = min(self._focused, self._count - 1)
        if key in _ARROWS:
            across, down = _ARROWS[key]
            target = now + across + down * columns
            if 0 <= target < self._count:
                self._go_to(target)
        elif key == Qt.Key.Key_Home:
            self._go_to(0)
        elif key == Qt.Key.Key_End:
            self._go_to(self._count - 1)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            seen = max(1, len(self.tiles.visible_rows()) - 1)
            self._go_to(now + (seen if key == Qt.Key.Key_PageDown else -seen) * columns)
        elif key in _CLICKS:
            self.place(now, "C" if shift else None)
        elif key in _LETTERS:
            self.place(now, _LETTERS[key])
        elif key in _LARGER:
            self.zoom(1)
        elif key == Qt.Key.Key_Minus:
            self.zoom(-1)
        elif key == Qt.Key.Key_0:
            self._state.set(IMAGE_ZOOM, 1)
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        """Keep the keys that play and step through time elsewhere in the window."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._count
            and event.key() in _KEYS
            and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            event.accept()
            return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        self._point_at(self.focused)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard is on a tile now."""
        super().focusInEvent(event)
        if event.reason() in BY_KEYBOARD and self._count:
            self._by_keyboard = True
            self._go_to(self._focused)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The tile that the keyboard was on is let go."""
        super().focusOutEvent(event)
        self._update_tile(self._focused)
        if event.reason() == Qt.FocusReason.PopupFocusReason:
            return  # its own menu, which belongs to that tile
        self._by_keyboard = False
        if not self.underMouse():
            self._point_at(None)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is pointed at that cannot be seen."""
        self._point_at(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect, style, scene = self._card(), self._style, self._scene
        head = QRectF(0, 0, rect.width(), style.header_height)
        painter.fillRect(rect, QColor(style.palette.canvas))
        dirty: QRect = event.rect()
        if dirty.top() <= head.bottom():
            painter.fillRect(head, QColor(style.palette.panel))
            paint_card_words(
                painter,
                head,
                "Samples",
                scene.tiles.note,
                tiles_words(scene),
                style,
                right_below=time_of_tiles(scene, self._t),
                right_inset=self._inset,
            )
        paint_tiles(self._paper(painter), self.tiles, hovered=self._pointed, focused=self.focused)
        paint_card_frame(painter, rect, style, selected=False, hovered=self._hovered)
        painter.end()
        self.painted.emit()
