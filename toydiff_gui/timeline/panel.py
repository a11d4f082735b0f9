"""The panel below the lanes: transport and read-out, the track of time, the training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from toydiff_gui.state.model import MODEL
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.timeline.legend import PathLegend, StepLock
from toydiff_gui.timeline.readout import Readout
from toydiff_gui.timeline.strip import Image
from toydiff_gui.timeline.track import Track
from toydiff_gui.timeline.training_row import TrainingRow
from toydiff_gui.timeline.transport import Transport

HEIGHT = 148
TOP = 40
"""Height of the row of buttons; the play button reaches a little into the row below."""


class TimelinePanel(QWidget):
    """Time from noise to data, and the buttons that move through it."""

    def __init__(self, state: Store, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._along = True
        self._state = state
        self.setAccessibleName("Timeline")
        self.transport = Transport(playback, self)
        self.readout = Readout(playback, self)
        self.lock = StepLock(self)
        self.legend = PathLegend(self)
        self.track = Track(playback, self)
        self.training = TrainingRow(state, self)
        self.transport.raise_()
        state.changed(MODEL).connect(self._refresh)
        playback.changed.connect(self._place_top)  # the read-out is wider for a larger T
        theme.notifier().changed.connect(self._restyle)
        self._restyle()
        self._refresh()

    def set_thumbnails(self, images: Sequence[Image], *, of_pixels: bool = False) -> None:
        """Show grey pictures (H, W), 0..1, evenly from noise to data, in the strip.

        Densities are drawn in a colour of the theme, pictures ``of_pixels`` as they are; those may
        have colours (H, W, 3).
        """
        self.track.set_thumbnails(images, of_pixels=of_pixels)

    def set_along(self, along: bool) -> None:
        """Say whether the lanes follow a path, whose colours the legend explains."""
        if along != self._along:
            self._along = along
            self._place_top()

    def set_schedule(self, alphas_cumprod: NDArray[np.float64]) -> None:
        """Take alpha_bar at t = 0..T for the noise level and the read-out."""
        self.track.set_schedule(alphas_cumprod)
        self.readout.set_schedule(alphas_cumprod)
        self._place_top()

    def _refresh(self) -> None:
        self._place_top()

    def _restyle(self) -> None:
        self.setFixedHeight(theme.current().px(HEIGHT))
        self._place()
        self.update()

    def _place(self) -> None:
        now = theme.current()
        top = now.px(TOP)
        self.track.setGeometry(0, top, self.width(), self.track.minimumHeight())
        below = top + self.track.height()
        self.training.setGeometry(0, below, self.width(), self.training.minimumHeight())
        self._place_top()

    def _place_top(self) -> None:
        """Buttons left, read-out in the middle, legend right; what finds no room is hidden."""
        now = theme.current()
        middle = now.px(24)
        gap = now.px(16)
        self.transport.adjustSize()
        self.transport.move(0, middle - self.transport.height() // 2)
        right = self.width() - gap
        left = self.transport.geometry().right() + gap
        room = right - left - self.readout.width() - gap
        self.legend.setVisible(self._along and room > self.legend.width() + now.px(4))
        if not self.legend.isHidden():
            right -= self.legend.width()
            self.legend.move(right, middle - self.legend.height() // 2)
            right -= gap + now.px(4)
        room = right - left - self.readout.width() - gap
        self.lock.setVisible(room > self.lock.width() + gap)
        if not self.lock.isHidden():
            right -= self.lock.width()
            self.lock.move(right, middle - self.lock.height() // 2)
            right -= gap
        x = (self.width() - self.readout.width()) // 2
        x = max(min(x, right - self.readout.width()), left)
        self.readout.move(x, middle - self.readout.height() // 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The panel's ground with the line above it."""
        now = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(now.palette.panel))
        painter.fillRect(0, 0, self.width(), 1, QColor(now.palette.divider))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew."""
        super().resizeEvent(event)
        self._place()
