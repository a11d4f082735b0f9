"""The strip above a plot, with the lane's buttons."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QMenu, QWidget

from engine.shared.polyline import neighbour_gaps
from toydiff_gui.canvas.card import ButtonHeader, ExpandButton
from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.modes.points.drawing.header import paint_header
from toydiff_gui.modes.points.drawing.measures import gap_ratio
from toydiff_gui.modes.points.scene import LaneScene
from toydiff_gui.widgets import ShyButton

_PATH = (
    "Path length: the summed distance between neighbouring points of the path.\n"
    "Largest gap: the longest of these distances{ratio}. Where it stands out, the sampler has torn "
    "neighbouring latents apart.\n"
    "Off-data: the share of points at t = 0 that lie where there are no data."
)
_LATENT = (
    "The latents that sampling starts from, at t = T.\n"
    "Length: of the path from A to B. Spacing: the largest distance between its neighbours."
)
_SAMPLES = "How many independent samples the sampler draws."


class LaneMenuButton(ShyButton):
    """Opens what can be done with the lane; greyed where it cannot be changed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("more", "More for this lane", "Duplicate, change or remove", parent=parent)
        self.menu_of_lane = QMenu(self)
        self.duplicate = self._action("Duplicate", "A copy of the lane behind it, to be changed")
        self.edit = self._action("Change…", "Sampler, steps, seed, path and checkpoint of the lane")
        self.remove = self._action("Remove", "Take the lane away")
        self.menu_of_lane.setToolTipsVisible(True)
        self.clicked.connect(self._open)

    def _action(self, text: str, tooltip: str) -> QAction:
        action = self.menu_of_lane.addAction(text)
        action.setToolTip(tooltip)
        return action

    def offer(self, changeable: bool) -> None:
        """Whether there is anything that can be done."""
        if changeable != self.isEnabled():
            self.setEnabled(changeable)
            said = "Duplicate, change or remove" if changeable else "This lane is always the same"
            self.setToolTip(said)

    def _open(self) -> None:
        self.menu_of_lane.popup(self.mapToGlobal(QPoint(0, self.height())))


class LaneHeader(ButtonHeader):
    """Number, title, note and measures of a lane.

    Signals:
        pressed: it was clicked.
        expand_asked: show this lane alone, or all again.
        reset_asked: show the default range again.
        duplicate_asked: make a copy of the lane.
        edit_asked: change the lane's settings.
        remove_asked: take the lane away.
    """

    pressed = Signal()
    expand_asked = Signal()
    reset_asked = Signal()
    duplicate_asked = Signal()
    edit_asked = Signal()
    remove_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lane: LaneScene | None = None
        self._t = 0.0
        self._selected = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.expand = ExpandButton("lane", self)
        self.reset = ShyButton(
            "target",
            "Reset the view",
            "Reset the view of all lanes (double click, or 0)",
            parent=self,
        )
        self.expand.clicked.connect(self.expand_asked)
        self.reset.clicked.connect(self.reset_asked)
        self.more = LaneMenuButton(self)
        self.more.duplicate.triggered.connect(self.duplicate_asked)
        self.more.edit.triggered.connect(self.edit_asked)
        self.more.remove.triggered.connect(self.remove_asked)
        self._add_buttons(self.expand, self.reset, self.more)

    def show_lane(self, lane: LaneScene, t: float) -> None:
        """Describe ``lane`` at ``t``."""
        self._lane, self._t = lane, t
        self.update()

    def _explanation(self) -> str:
        lane = self._lane
        if lane is None:
            return ""
        if lane.kind == "latent":
            return _LATENT
        if not lane.joined:
            return _SAMPLES
        points = lane.points_at(self._t)
        ratio = float("nan")
        if points is not None and len(points) > 1:
            gaps = neighbour_gaps(points)
            ratio = gap_ratio(gaps[np.isfinite(gaps)])
        told = f", {ratio:.0f} times the median one" if np.isfinite(ratio) else ""
        return _PATH.format(ratio=told)

    def show_frame(self, *, selected: bool, hovered: bool) -> None:
        """How badge and border look."""
        if (selected, hovered) != (self._selected, self._hovered):
            self._selected, self._hovered = selected, hovered
            self._reveal()
            self.update()

    def set_style(self, style: LaneStyle) -> None:
        """Paint in another style."""
        self._style = style
        self.setFixedHeight(round(style.header_height))
        self._place_buttons()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Explain the measures as they are now; made when asked for, not with every frame."""
        if event.type() == QEvent.Type.ToolTip:
            self.setToolTip(self._explanation())
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the lane."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit()
        event.ignore()  # the lane takes the focus

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint with the functions that exports use."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        painter.fillRect(rect, QColor(self._style.palette.panel))
        if self._lane is not None:
            paint_header(
                painter,
                rect,
                self._lane,
                self._t,
                self._style,
                self._selected,
                right_inset=self._inset,
            )
        card = rect.adjusted(0.0, 0.0, 0.0, 200.0)  # only its upper part is seen
        paint_card_frame(painter, card, self._style, selected=self._selected, hovered=self._hovered)
        painter.end()
