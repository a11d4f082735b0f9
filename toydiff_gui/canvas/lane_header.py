"""The strip above a plot, with the lane's buttons."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui import theme
from toydiff_gui.controls import IconButton
from toydiff_gui.drawing import LaneStyle, paint_card_frame, paint_header
from toydiff_gui.scene import LaneScene

_PATH = (
    "Path length: the summed distance between neighbouring points of the path.\n"
    "Largest gap: the longest of these distances. Where it stands out, the sampler has torn "
    "neighbouring latents apart."
)
_LATENT = (
    "The latents that sampling starts from, at t = T.\n"
    "Length: of the path from A to B. Spacing: the largest distance between its neighbours."
)
_SAMPLES = "How many independent samples the sampler draws."


class LaneButton(IconButton):
    """A lane's button: always there for the keyboard, seen when the lane is looked at.

    Signals:
        focus_changed: the keyboard focus has come or gone.
    """

    focus_changed = Signal()

    def __init__(self, icon: str, name: str, tooltip: str, parent: QWidget) -> None:
        super().__init__(icon, name, tooltip, parent=parent)
        self._revealed = False

    def reveal(self, revealed: bool) -> None:
        """Show the icon or hide it."""
        if revealed != self._revealed:
            self._revealed = revealed
            self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Be seen."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Be seen no longer."""
        super().focusOutEvent(event)
        self.focus_changed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, if it is to be seen."""
        if self._revealed:
            super().paintEvent(event)


class LaneHeader(QWidget):
    """Number, title, note and measures of a lane.

    Signals:
        pressed: it was clicked.
        expand_asked: show this lane alone, or all again.
        reset_asked: show the default range again.
    """

    pressed = Signal()
    expand_asked = Signal()
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lane: LaneScene | None = None
        self._t = 0.0
        self._selected = self._hovered = False
        self._style = LaneStyle.of(theme.current())
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.expand = LaneButton(
            "expand", "Show this lane alone", "Show this lane alone; Escape returns", self
        )
        self.reset = LaneButton(
            "target", "Reset the view", "Reset the view of all lanes (double click, or 0)", self
        )
        self.expand.clicked.connect(self.expand_asked)
        self.reset.clicked.connect(self.reset_asked)
        for button in self.buttons:
            button.focus_changed.connect(self._reveal)

    @property
    def buttons(self) -> tuple[LaneButton, LaneButton]:
        """From left to right."""
        return self.expand, self.reset

    def show_lane(self, lane: LaneScene, t: float) -> None:
        """Describe ``lane`` at ``t``."""
        self._lane, self._t = lane, t
        if lane.kind == "latent":
            self.setToolTip(_LATENT)
        else:
            self.setToolTip(_PATH if lane.joined else _SAMPLES)
        self.update()

    def show_frame(self, *, selected: bool, hovered: bool) -> None:
        """How badge and border look."""
        if (selected, hovered) != (self._selected, self._hovered):
            self._selected, self._hovered = selected, hovered
            self._reveal()
            self.update()

    def show_maximised(self, maximised: bool) -> None:
        """Offer to return instead of to expand."""
        name = "Show all lanes" if maximised else "Show this lane alone"
        self.expand.glyph.show("shrink" if maximised else "expand")
        self.expand.setAccessibleName(name)
        self.expand.setToolTip(f"{name} (Escape)" if maximised else f"{name}; Escape returns")

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        self.setFixedHeight(round(style.header_height))
        self._place_buttons()
        self.update()

    def _reveal(self) -> None:
        revealed = self._hovered or any(button.hasFocus() for button in self.buttons)
        for button in self.buttons:
            button.reveal(revealed)
        self.update()

    def _buttons_seen(self) -> bool:
        return self._hovered or any(button.hasFocus() for button in self.buttons)

    def _place_buttons(self) -> None:
        right = self.width() - round(self._style.px(8))
        for button in reversed(self.buttons):
            right -= button.width()
            button.move(right, round(self._style.px(17) - button.height() / 2))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the lane."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()
        event.ignore()  # the lane takes the focus

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the buttons at the right."""
        self._place_buttons()

    def changeEvent(self, event: QEvent) -> None:
        """Buttons may have another size after a change of type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._place_buttons()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        painter.fillRect(rect, QColor(self._style.palette.panel))
        inset = 0.0
        if self._buttons_seen():
            inset = sum(button.width() for button in self.buttons) + self._style.px(4)
        if self._lane is not None:
            paint_header(
                painter, rect, self._lane, self._t, self._style, self._selected, right_inset=inset
            )
        card = rect.adjusted(0.0, 0.0, 0.0, 100.0)  # only its upper part is seen
        paint_card_frame(painter, card, self._style, selected=self._selected, hovered=self._hovered)
        painter.end()
