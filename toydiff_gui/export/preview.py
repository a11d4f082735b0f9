"""What the export will look like, small."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from toydiff_gui.drawing.text import draw_wrapped
from toydiff_gui.style import theme


class Preview(QWidget):
    """A picture of the export's shape, painted at this size by what paints the export."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._text = ""
        self.setAccessibleName("Preview")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier().changed.connect(self.update)

    @property
    def image(self) -> QImage | None:
        """The picture shown."""
        return self._image

    def picture_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """The pixels that a picture of ``size`` gets here: its shape, as large as fits."""
        ratio = self.devicePixelRatioF()
        room = (max(64.0, self.width() * ratio), max(64.0, self.height() * ratio))
        scale = min(room[0] / size[0], room[1] / size[1], 1.0)
        return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))

    def show_image(self, image: QImage) -> None:
        """Show a picture made at ``picture_size``."""
        self._image, self._text = image, ""
        self.update()

    def show_text(self, text: str) -> None:
        """Say in words what there is no picture of."""
        self._image, self._text = None, text
        self.update()

    def sizeHint(self) -> QSize:
        """The shape of most films."""
        return QSize(theme.current().px(480), theme.current().px(270))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture in the middle, with a border."""
        now = theme.current()
        painter = QPainter(self)
        if self._image is None:
            painter.fillRect(self.rect(), QColor(now.palette.canvas))
            room = QRectF(self.rect()).adjusted(now.px(16), 0, -now.px(16), 0)
            font = theme.font(12, 500)
            draw_wrapped(painter, room, self._text, font, now.palette.label)
            painter.end()
            return
        ratio = self.devicePixelRatioF()
        place = QRectF(0, 0, self._image.width() / ratio, self._image.height() / ratio)
        place.moveTo(
            round((self.width() - place.width()) / 2), round((self.height() - place.height()) / 2)
        )
        painter.drawImage(place, self._image)
        painter.setPen(QPen(QColor(now.palette.control_border), 1))
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
