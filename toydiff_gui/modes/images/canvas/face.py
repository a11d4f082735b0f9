"""The card beside the samples: one image large, where its pixels look, or a slice of latents."""

from __future__ import annotations

from typing import Any, cast

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.card_words import paint_card_words
from toydiff_gui.drawing.figures import plain
from toydiff_gui.modes.images.canvas.card import ImageCard
from toydiff_gui.modes.images.compose import NO_ATTENTION
from toydiff_gui.modes.images.drawing.attention import (
    AttentionLayout,
    attention_facts,
    attention_layout,
    attention_time,
    paint_attention,
    shown_head,
)
from toydiff_gui.modes.images.drawing.large_image import (
    LookLayout,
    film_frames,
    look_layout,
    paint_look,
)
from toydiff_gui.modes.images.drawing.page import FACE, body_of, face_words
from toydiff_gui.modes.images.drawing.slice_map import DOT, PlaneLayout, paint_plane, plane_layout
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_POINTER
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING
from toydiff_gui.style import theme
from toydiff_gui.widgets import Segment, SegmentedControl

NUDGE, FAR_NUDGE = 0.01, 0.1
"""How far an arrow moves the dot, without and with Shift."""
FACES = (
    Segment("picture", "Picture", "One image large, with its way from noise to data and its norm"),
    Segment("attention", "Attention", "Where a pixel of the image looks, layer by layer"),
    Segment("slice", "Slice", "The plane of latents through A, B and C, decoded"),
)
TOOLTIPS = {
    "picture": "The image that is pointed at, or the last one clicked. Click a small one below it "
    "to go to its time.\nNorm: how far the state is from the origin; latents of the prior lie in "
    "the shaded band.",
    "attention": "Click the picture to choose which patch looks; click a small map for its head. "
    "Each small map is scaled to its own largest weight.\nWith the keyboard: arrows move the "
    "patch, Page up and down go through the heads.",
    "slice": "Drag the dot: what its latents decode to is shown beside the map.\n"
    "With the keyboard: arrows move the dot, with Shift ten times as far.",
}
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


class FaceCard(ImageCard):
    """Picture, attention or slice, chosen in its header.

    Signals:
        time_asked: a small picture of the trajectory was clicked; carries its t.
    """

    time_asked = Signal(int)

    def __init__(self, state: Store, parent: QWidget) -> None:
        super().__init__(FACE, "Picture, attention and slice", state, parent)
        self._cell: tuple[int, int] | None = None
        """The patch that the pointer is on."""
        self._dragging = self._on_dot = False
        self.faces = SegmentedControl("Look at", FACES, compact=True, parent=self)
        self.faces.chosen.connect(lambda key: state.update(IMAGE_CARD, face=cast(Any, key)))
        self.faces.chosen.connect(self._arrange)  # which label is bold says how wide it is
        for segment in FACES:  # as the tiles: who clicks one still plays with Space
            self.faces.button(segment.key).setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.layer = QComboBox(self)
        self.layer.setAccessibleName("Layer")
        self.layer.setToolTip("Which attention layer of the network, with the side of its grid")
        self.layer.activated.connect(self._choose_layer)
        self.averaged = QCheckBox("Mean over t", self)
        self.averaged.setAccessibleName("Mean over the trajectory")
        self.averaged.setToolTip(
            "Average the weights over all times that have arrived, instead of the time shown"
        )
        self.averaged.toggled.connect(lambda on: state.update(IMAGE_CARD, averaged=on))
        self._shown_layers: tuple[str, ...] = ()
        state.changed(MODEL).connect(self._offer)
        for slot in (IMAGE_CARD, IMAGE_POINTER):
            state.changed(slot).connect(self._show_view)
        self._offer()
        self._show_view()
        self._restyle()

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What Tab visits, in order."""
        segments = [self.faces.button(segment.key) for segment in FACES]
        return (*segments, self, self.layer, self.averaged, *self.buttons)

    # What is shown

    def look(self) -> LookLayout:
        """Where the parts of the picture's face lie."""
        return look_layout(self._body(), self._scene.shape, self._style, ratio=self._ratio())

    def attention(self) -> AttentionLayout:
        """Where the parts of the attention's face lie."""
        layer = self._scene.attention.layer
        heads = layer.heads if layer is not None else 0
        shape = self._scene.shape
        return attention_layout(self._body(), shape, heads, self._style, ratio=self._ratio())

    def plane(self) -> PlaneLayout:
        """Where the map and the dot lie."""
        return plane_layout(self._body(), self._scene, self._style, ratio=self._ratio())

    def _body(self) -> QRectF:
        return body_of(self._card(), self._style)

    def _depends_on(self) -> object:
        scene = self._scene
        common = scene.face, face_words(scene), scene.shape, scene.mean, scene.std
        if scene.face == "attention":
            return common, self._attention_depends_on(scene)
        if scene.face == "slice":
            card = scene.slice
            return common, (
                card.images,
                card.at_dot,
                card.dot,
                card.box,
                card.status,
                card.message,
                card.columns,
                card.rows,
            )
        looked = scene.looked_at
        if looked is None:
            return common, None
        return common, (
            looked.trajectory,
            looked.index,
            looked.preview,
            looked.trajectory.index_at(self._t),
            scene.prior_norms,
        )

    def _attention_depends_on(self, scene: ImageScene) -> object:
        card = scene.attention
        image, known = card.image, card.time_at(self._t)
        return (
            card.weights if card.averaged or known is None else card.weights[known],
            attention_time(card, self._t),
            card.layers,
            card.layer,
            card.head,
            card.query,
            card.averaged,
            card.status,
            card.message,
            None
            if image is None
            else (
                image.index,
                image.preview,
                image.trajectory.index_at(0 if card.averaged else self._t),
                image.states_at(0 if card.averaged else self._t),
            ),
        )

    def _refresh(self, before: object, now: object) -> None:
        self._show_controls()
        self.setToolTip(TOOLTIPS[self._scene.face])
        self.setAccessibleDescription(self._described())
        self.update(self._body().toAlignedRect())
        self._update_header()

    def _described(self) -> str:
        """What is seen, for who cannot see it."""
        scene = self._scene
        if scene.face == "attention":
            maps = scene.attention.maps_at(self._t)
            if maps is None:
                return scene.attention.message
            head = shown_head(scene.attention, maps)
            facts = attention_facts(scene.attention, self._t, maps[head])
            return f"Head {head + 1}; " + ", ".join(f"{name} {value}" for name, value in facts)
        if scene.face == "slice":
            u, v = scene.slice.dot
            return scene.slice.message or f"Dot: {plain(u)} from A to B, {plain(v)} from A to C"
        return face_words(scene)

    def _show_view(self) -> None:
        view = self._state.get(IMAGE_CARD)
        if self.faces.current != view.face:
            self.faces.set_current(view.face)
            self._arrange()
        if self.averaged.isChecked() != view.averaged:
            self.averaged.blockSignals(True)
            self.averaged.setChecked(view.averaged)
            self.averaged.blockSignals(False)

    def _offer(self) -> None:
        """Offer attention where the network has some."""
        known = self._state.get(MODEL).attends
        self.faces.set_segment("attention", known, FACES[1].tooltip if known else NO_ATTENTION)

    def _show_controls(self) -> None:
        card = self._scene.attention
        keys = tuple(layer.name for layer in card.layers)
        if keys != self._shown_layers:
            self._shown_layers = keys
            self.layer.clear()
            for layer in card.layers:
                self.layer.addItem(layer.title, layer.name)
        if card.layer is not None:
            self.layer.setCurrentIndex(self.layer.findData(card.layer.name))
        seen = self._scene.face == "attention" and bool(card.layers)
        self.layer.setVisible(seen)
        self.averaged.setVisible(seen)
        if seen:
            self._arrange()

    def _arrange(self) -> None:
        style = self._style
        wanted = self.faces.sizeHint()
        room = self.width() - round(style.px(16))
        self.faces.setGeometry(
            round(style.px(7)), round(style.px(2)), min(wanted.width(), room), wanted.height()
        )
        if self._scene.face == "attention":
            layout = self.attention()
            self.layer.setGeometry(layout.layer_field.toAlignedRect())
            self.averaged.setGeometry(layout.averaged_field.toAlignedRect())

    def _restyle(self) -> None:
        self.layer.setFont(theme.font(12, 500))
        self.averaged.setFont(theme.font(11, 500))
        super()._restyle()

    # What can be done

    def _choose_layer(self, index: int) -> None:
        self._state.update(IMAGE_CARD, layer=self.layer.itemData(index), query=None)

    def _move_dot(self, place: tuple[float, float]) -> None:
        u0, u1, v0, v1 = self._scene.slice.box
        u, v = min(max(place[0], u0), u1), min(max(place[1], v0), v1)
        self._state.update(IMAGE_CARD, dot=(round(u, 4), round(v, 4)))

    def _click_picture(self, place: QPointF) -> None:
        looked = self._scene.looked_at
        layout = self.look()
        thumb = layout.thumb_at(place)
        if looked is None or thumb is None:
            return
        frames = film_frames(looked.trajectory, len(layout.thumbs))
        if thumb < len(frames) and frames[thumb] < len(looked.trajectory.x):
            self.time_asked.emit(looked.trajectory.t[frames[thumb]])

    def _click_attention(self, place: QPointF) -> None:
        card = self._scene.attention
        if card.layer is None or not card.weights:
            return
        layout = self.attention()
        cell, head = layout.cell_at(place, card.layer.side), layout.head_at(place)
        if cell is not None:
            self._state.update(IMAGE_CARD, query=cell)
        elif head is not None:
            self._state.update(IMAGE_CARD, head=head)

    def _point_at(self, place: QPointF) -> None:
        scene = self._scene
        cell, on_dot, text, hand = None, False, "", False
        if scene.face == "attention" and scene.attention.layer is not None:
            layout = self.attention()
            if scene.attention.weights:
                cell = layout.cell_at(place, scene.attention.layer.side)
                hand = cell is not None or layout.head_at(place) is not None
            if cell is not None:
                text = f"patch row {cell[0] + 1}, column {cell[1] + 1}"
        elif scene.face == "slice" and scene.slice.images is not None:
            plane = self.plane()
            apart = plane.place_of(*scene.slice.dot) - place
            on_dot = apart.manhattanLength() <= self._style.px(2 * DOT)
            hand = plane.map.contains(place)
            if hand:
                u, v = plane.point_at(place)
                text = f"{plain(u)} from A to B, {plain(v)} from A to C"
        elif scene.face == "picture" and scene.looked_at is not None:
            look = self.look()
            hand = look.thumb_at(place) is not None
            text = self._pixel_words(look, place)
        if (cell, on_dot) != (self._cell, self._on_dot):
            self._cell, self._on_dot = cell, on_dot
            self.update(self._body().toAlignedRect())
        shape = Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)
        self.cursor_text.emit(text)

    def _pixel_words(self, look: LookLayout, place: QPointF) -> str:
        """The pixel that is pointed at, in both units."""
        looked, scene = self._scene.looked_at, self._scene
        state = None if looked is None else looked.state_at(self._t)
        # Of what is being trained, or made by another network: its shape may be another.
        found = None if state is None else look.pixel_at(place, state.shape)
        if found is None or state is None:
            return ""
        row, column = found
        values = ", ".join(plain(float(value)) for value in state[:, row, column])
        levels = ", ".join(str(int(value)) for value in scene.pixels(state)[:, row, column])
        dot = "\N{MIDDLE DOT}"
        return f"row {row + 1}, column {column + 1} {dot} {values} {dot} pixel {levels}"

    # Qt

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose what is pointed at, or begin to drag the dot."""
        event.accept()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        face, place = self._scene.face, event.position()
        if face == "attention":
            self._click_attention(place)
        elif face == "picture":
            self._click_picture(place)
        elif self._scene.slice.images is not None and self.plane().map.contains(place):
            self._dragging = True
            self._state.set(DRAGGING, True)
            self._move_dot(self.plane().point_at(place))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the dot, or say what the pointer is on."""
        if self._dragging:
            self._move_dot(self.plane().point_at(event.position()))
        self._point_at(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let the dot go."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()

    def _let_go(self) -> None:
        if self._dragging:
            self._dragging = False
            self._state.set(DRAGGING, False)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        super().leaveEvent(event)
        if self._cell is not None or self._on_dot:
            self._cell, self._on_dot = None, False
            self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is dragged that cannot be seen."""
        self._let_go()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the patch or the dot; Page up and down go through the heads."""
        key, scene = Qt.Key(event.key()), self._scene
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        card = scene.attention
        if scene.face == "attention" and card.layer is not None and key in _ARROWS:
            across, down = _ARROWS[key]
            most = card.layer.side - 1
            row = min(max(card.query[0] + down, 0), most)
            column = min(max(card.query[1] + across, 0), most)
            self._state.update(IMAGE_CARD, query=(row, column))
        elif scene.face == "attention" and card.layer is not None and key in _PAGES:
            head = min(max(card.head + _PAGES[key], 0), card.layer.heads - 1)
            self._state.update(IMAGE_CARD, head=head)
        elif scene.face == "slice" and scene.slice.images is not None and key in _ARROWS:
            across, down = _ARROWS[key]
            step = FAR_NUDGE if shift else NUDGE
            u, v = scene.slice.dot
            self._move_dot((u + across * step, v - down * step))
        else:
            event.ignore()

    def event(self, event: QEvent) -> bool:
        """Keep the keys that step through time elsewhere in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            attention = self._scene.face == "attention" and event.key() in _PAGES
            moves = self._scene.face != "picture" and event.key() in _ARROWS
            if attention or moves:
                event.accept()
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect, style, scene = self._card(), self._style, self._scene
        head = QRectF(0, 0, rect.width(), style.header_height)
        painter.fillRect(rect, QColor(style.palette.canvas))
        if event.rect().top() <= head.bottom():
            painter.fillRect(head, QColor(style.palette.panel))
            paint_card_words(painter, head, "", "", face_words(scene), style)
        if event.rect().bottom() > head.bottom():
            paper = self._paper(painter)
            if scene.face == "attention":
                paint_attention(paper, self.attention(), controls=True, hovered=self._cell)
            elif scene.face == "slice":
                paint_plane(paper, self.plane(), hovered=self._on_dot or self._dragging)
            else:
                paint_look(paper, self.look())
        paint_card_frame(painter, rect, style, selected=False, hovered=self._hovered)
        painter.end()
        self.painted.emit()
