"""What each card is painted with: the painter, what there is to see, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QPainter

from toydiff_gui.drawing.card_words import Fact, paint_facts, paint_message
from toydiff_gui.drawing.raster import Argb, ImageCache, image_of, paint_image, ratio_of
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import draw_centred, draw_text
from toydiff_gui.modes.images.scene import ImageScene


@dataclass(frozen=True)
class Paper:
    """What every painter of a card is given: ``scene`` is painted as it is at ``t``.

    With ``vector`` images are the only pixels. ``cache`` keeps images from one picture to the next;
    no other thread may use it meanwhile.
    """

    painter: QPainter
    scene: ImageScene
    t: float
    style: LaneStyle
    vector: bool = False
    cache: ImageCache | None = None

    @property
    def ratio(self) -> float:
        """Pixels of an image for each unit of the painter."""
        return ratio_of(self.painter, self.vector)

    def write(self, base: QPointF, said: str, font: QFont, colour: str) -> float:
        """Words from ``base`` on, on the base line; returns how wide they are."""
        return draw_text(self.painter, base, said, font, colour, vector=self.vector)

    def write_centred(self, centre: QPointF, said: str, font: QFont, colour: str) -> None:
        """Words around ``centre``."""
        draw_centred(self.painter, centre, said, font, colour, vector=self.vector)

    def message(self, room: QRectF, said: str, *, failed: bool = False) -> None:
        """Why there is nothing else in ``room``."""
        paint_message(self.painter, room, said, self.style, failed=failed, vector=self.vector)

    def facts(self, room: QRectF, facts: Sequence[Fact]) -> None:
        """Names and numbers, a line for each."""
        paint_facts(self.painter, room, facts, self.style, vector=self.vector)

    def image(self, place: QRectF, argb: Argb) -> None:
        """An image over all of ``place``, made anew."""
        paint_image(self.painter, place, image_of(argb), vector=self.vector)

    def kept_image(
        self,
        corner: QPointF,
        ratio: float,
        name: str,
        source: object,
        key: Hashable,
        make: Callable[[], Argb],
    ) -> None:
        """The image ``name`` of ``source`` from ``corner`` on, ``ratio`` of its pixels for a unit.

        It is made again only if ``source`` is another object, or ``key`` another value.
        """
        key = (key, self.scene.mean, self.scene.std)
        image = None if self.cache is None else self.cache.find(name, source, key)
        if image is None:
            image = image_of(make())
            if self.cache is not None:
                self.cache.keep(name, source, key, image)
        place = QRectF(corner.x(), corner.y(), image.width() / ratio, image.height() / ratio)
        paint_image(self.painter, place, image, vector=self.vector)
