"""All of mode Images on the screen: samples, what is looked at, strips."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Signal
from PySide6.QtWidgets import QWidget

from toydiff_gui.canvas.card_page import CardPage
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.images.canvas.card import ImageCard
from toydiff_gui.modes.images.canvas.face import FaceCard
from toydiff_gui.modes.images.canvas.samples import SamplesCard
from toydiff_gui.modes.images.canvas.strips import StripsCard
from toydiff_gui.modes.images.drawing.film_strips import path_count
from toydiff_gui.modes.images.drawing.page import FACE, STRIPS, TILES, page_layout
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme


class ImagePage(CardPage):
    """The canvas of mode Images.

    ``set_scene`` is as cheap as ``set_t``. What the user does is written to ``state``.

    Signals:
        class_asked: the tile with this number shall be of this class; None for none.
        time_asked: show this t.
        stop_requested: enough of what is being sampled, tiles and strips.
    """

    class_asked = Signal(int, object)
    time_asked = Signal(int)
    stop_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__("Images", state, ImageScene().timesteps, parent)
        self._scene = ImageScene()
        self.samples = SamplesCard(state, self)
        self.face = FaceCard(state, self)
        self.strips = StripsCard(state, self)
        self._cards = {card.key: card for card in (self.samples, self.face, self.strips)}
        for key, card in self._cards.items():
            self._watch(key, card)
        self.samples.class_asked.connect(self.class_asked)
        self.samples.stop_requested.connect(self.stop_requested)
        self.face.time_asked.connect(self.time_asked)
        self._chain_tab_stops()
        self.set_scene(self._scene)

    @property
    def cards(self) -> tuple[ImageCard, ...]:
        """Samples, the card beside them, strips."""
        return tuple(self._cards.values())

    @property
    def scene(self) -> ImageScene:
        """What is shown."""
        return self._scene

    def set_scene(self, scene: ImageScene) -> None:
        """Show another scene; only cards that look different are painted again."""
        arranged = _proportions(self._scene) == _proportions(scene)
        self._scene = scene
        for key, card in self._cards.items():
            if card.show_scene(scene, self._t):
                self._expect(key, card)
        if not arranged:
            self._arrange()

    def set_sampling(self, sampling: bool) -> None:
        """Say whether tiles or strips are on their way, even if nothing of them has come."""
        self.samples.set_sampling(sampling)

    def _arrange(self) -> None:
        shown = frozenset(self._shown_keys())
        style = LaneStyle.of(theme.current())
        layout = page_layout(QRectF(self.rect()), self._scene, style, shown)
        places = {TILES: layout.tiles, FACE: layout.face, STRIPS: layout.strips}
        for card in self.cards:
            place = places[card.key]
            if place is not None:
                card.setGeometry(place.toRect())
            card.setVisible(place is not None)
        self._wait_for(set(shown))
        self.update()

    def _unpin(self) -> None:
        self.strips.unpin()


def _proportions(scene: ImageScene) -> object:
    """What decides how high the strips are."""
    norms = any(strip.latent_norms is not None for strip in scene.strips)
    return len(scene.strips), path_count(scene), norms, scene.shape
