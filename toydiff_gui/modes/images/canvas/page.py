"""All of mode Images on the screen: samples, what is looked at, strips."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.canvas.card import ImageCard
from toydiff_gui.modes.images.canvas.face import FaceCard
from toydiff_gui.modes.images.canvas.samples import SamplesCard
from toydiff_gui.modes.images.canvas.strips import StripsCard
from toydiff_gui.modes.images.drawing.film_strips import path_count
from toydiff_gui.modes.images.drawing.page import FACE, STRIPS, TILES, page_layout
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.modes.images.settings import IMAGE_CARD
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, PINNED
from toydiff_gui.style import theme

ALL = frozenset({TILES, FACE, STRIPS})


class ImagePage(QWidget):
    """The canvas of mode Images.

    ``set_scene`` and ``set_t`` are cheap: a card that looks the same is not painted again, and any
    number of calls between two frames is painted once. What the user does is written to ``state``.

    Signals:
        frame_painted: all visible cards show this t now.
        cursor_text: what the pointer is on, in words; empty when it is on nothing.
        class_asked: the tile with this number shall be of this class; None for none.
        time_asked: show this t.
        stop_requested: enough of what is being sampled, tiles and strips.
    """

    frame_painted = Signal(int)
    cursor_text = Signal(str)
    class_asked = Signal(int, object)
    time_asked = Signal(int)
    stop_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._scene = ImageScene()
        self._t = self._scene.timesteps
        self._waiting: set[str] = set()
        self._announced = True
        self.frames_painted = 0
        self.setAccessibleName("Images")
        self.setMinimumSize(240, 200)
        self.samples = SamplesCard(state, self)
        self.face = FaceCard(state, self)
        self.strips = StripsCard(state, self)
        for card in self.cards:
            # Told after painting has ended: whoever listens may change the scene at once.
            card.painted.connect(self._count_painted, Qt.ConnectionType.QueuedConnection)
            card.cursor_text.connect(self.cursor_text)
            card.entered.connect(self._entered)
        self.samples.class_asked.connect(self.class_asked)
        self.samples.stop_requested.connect(self.stop_requested)
        self.face.time_asked.connect(self.time_asked)
        stops = [stop for card in self.cards for stop in card.stops]
        for first, second in itertools.pairwise(stops):
            QWidget.setTabOrder(first, second)
        state.changed(LOOK).connect(self._arrange)
        theme.notifier().changed.connect(self._arrange)
        self.set_scene(self._scene)

    @property
    def cards(self) -> tuple[ImageCard, ...]:
        """Samples, the card beside them, strips."""
        return self.samples, self.face, self.strips

    @property
    def scene(self) -> ImageScene:
        """What is shown."""
        return self._scene

    @property
    def t(self) -> int:
        """The time that is shown."""
        return self._t

    def set_scene(self, scene: ImageScene) -> None:
        """Show another scene; only cards that look different are painted again."""
        arranged = _proportions(self._scene) == _proportions(scene)
        self._scene = scene
        self._show()
        if not arranged:
            self._arrange()

    def set_t(self, t: int) -> None:
        """Show the scene at ``t``."""
        self._t = int(t)
        self._announced = False
        self._show()
        if not self._waiting:
            self._announce()

    def set_sampling(self, sampling: bool) -> None:
        """Say whether tiles or strips are on their way, even if nothing of them has come."""
        self.samples.set_sampling(sampling)

    def _show(self) -> None:
        for card in self.cards:
            if card.show_scene(self._scene, self._t) and card.isVisible():
                self._waiting.add(card.key)

    def _count_painted(self, number: int) -> None:
        card = self.sender()
        if not isinstance(card, ImageCard) or number != card.asked:
            return
        self._waiting.discard(card.key)
        if not self._waiting:
            self._announce()

    def _announce(self) -> None:
        if not self._announced:
            self._announced = True
            self.frames_painted += 1
            self.frame_painted.emit(self._t)

    def _entered(self) -> None:
        # The pointer is in one place, but not every platform tells when it leaves a widget.
        for card in self.cards:
            if card is not self.sender():
                card.set_hovered(False)

    def _shown_cards(self) -> frozenset[str]:
        alone = self._state.get(LOOK).maximised_lane
        return frozenset({alone}) if alone in ALL else ALL

    def _arrange(self) -> None:
        shown = self._shown_cards()
        style = LaneStyle.of(theme.current())
        layout = page_layout(QRectF(self.rect()), self._scene, style, shown)
        places = {TILES: layout.tiles, FACE: layout.face, STRIPS: layout.strips}
        for card in self.cards:
            place = places[card.key]
            if place is not None:
                card.setGeometry(place.toRect())
            card.setVisible(place is not None)
        self._waiting &= shown
        if not self._waiting:
            self._announce()
        self.update()

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give every card its place."""
        self._arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody waits for what is not painted."""
        self._waiting.clear()
        self._announce()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape lets go of a pinned place, or returns from one card to all."""
        if event.key() == Qt.Key.Key_Escape and self._state.get(PINNED) is not None:
            self._state.set(PINNED, None)
            self._state.update(IMAGE_CARD, attention_of="")
        elif event.key() == Qt.Key.Key_Escape and self._state.get(LOOK).maximised_lane:
            self._state.update(LOOK, maximised_lane="")
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The ground between the cards."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.current().palette.window))
        painter.end()


def _proportions(scene: ImageScene) -> object:
    """What decides how high the strips are."""
    norms = any(strip.latent_norms is not None for strip in scene.strips)
    return len(scene.strips), path_count(scene), norms, scene.shape
