"""A picture to choose, with its name."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from toydiff_gui.style import theme

Drawing = Callable[[QPainter, QRectF, QColor], None]
"""Draws into a rectangle, in a colour that says whether the card is chosen."""


class ThumbnailCard(QAbstractButton):
    """Checkable; several in one button group are walked through with the arrow keys.

    The name stands below the card, or at its bottom with ``caption_inside``.
    """

    def __init__(
        self,
        caption: str,
        tooltip: str = "",
        *,
        caption_inside: bool = False,
        picture_height: int = 54,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setText(caption)
        self.setCheckable(True)
        self.setToolTip(tooltip)
        self.setAccessibleName(caption)
        self.setAccessibleDescription(tooltip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._inside = caption_inside
        self._picture_height = picture_height
        self._drawing: Drawing | None = None
        theme.notifier().changed.connect(self.updateGeometry)

    def set_drawing(self, drawing: Drawing) -> None:
        """What to draw in the card from now on."""
        self._drawing = drawing
        self.update()

    def sizeHint(self) -> QSize:
        """The width is up to the layout."""
        height = self._picture_height if self._inside else self._picture_height + 18
        return QSize(theme.current().px(54), theme.current().px(height))

    def minimumSizeHint(self) -> QSize:
        """Wide enough for the name."""
        wide = QFontMetrics(theme.font(11, 600)).horizontalAdvance(self.text())
        inset = theme.current().px(8) if self._inside else 0
        return QSize(wide + inset, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the card, what it shows and its name."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        caption_height = now.px(17)
        card = QRectF(self.rect())
        if not self._inside:
            card.setHeight(self.height() - caption_height)
        chosen, enabled = self.isChecked(), self.isEnabled()
        border = palette.accent if chosen else palette.control_border
        if not chosen and enabled and self.underMouse():
            border = palette.control_edge
        if not enabled:
            border = palette.control_edge if chosen else palette.divider
        pen_width = 2.0 if chosen else 1.0
        painter.setPen(QPen(QColor(border), pen_width))
        painter.setBrush(QColor(palette.canvas))
        inset = pen_width / 2
        radius = now.px(6)
        painter.drawRoundedRect(card.adjusted(inset, inset, -inset, -inset), radius, radius)
        if self._drawing is not None:
            picture = card.adjusted(5, 5, -5, -5)
            if self._inside:
                picture.setBottom(card.bottom() - caption_height - 2)
            ink = palette.accent if chosen else palette.label
            self._drawing(painter, picture, QColor(ink if enabled else palette.disabled))
        text = palette.text if chosen else palette.text_secondary
        painter.setPen(QColor(text if enabled else palette.disabled))
        painter.setFont(theme.font(11, 600 if chosen else 500))
        below = QRectF(0, self.height() - caption_height, self.width(), caption_height)
        if self._inside:
            below.translate(0, -3)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.text())
