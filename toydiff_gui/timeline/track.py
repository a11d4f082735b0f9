"""The track of time: ticks, the denoising strip, the noise level, the playhead."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QWidget

from toydiff_gui.state.playback import Playback
from toydiff_gui.style import theme
from toydiff_gui.timeline.scale import TimeScale, round_step
from toydiff_gui.timeline.strip import Image, paint_strip

LEFT, RIGHT = 112, 16
"""Design pixels beside the strip; the row of the training keeps the same."""
HEIGHT = 74
STRIP_TOP, STRIP_HEIGHT = 25, 44
FLAG_HEIGHT = 18
LABEL_ROOM = 90
"""More than the widest label: the flag hides those that it touches, so they come and go with it."""
AHEAD, MISSING = 0.55, 0.2
"""Opacity of what lies ahead of the playhead, and of what has not arrived."""


class Track(QAbstractSlider):
    """Time from noise (left) to data (right). A slider, so that its value t can be read aloud.

    Pressing or dragging anywhere goes to the t below the pointer; hovering shows it.
    """

    def __init__(self, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playback = playback
        self._levels: NDArray[np.float64] = np.zeros(0)
        self._images: list[Image] = []
        self._of_pixels = False
        self._strip: QPixmap | None = None
        self._curve: QPainterPath | None = None
        self._hover: int | None = None
        self._scrubbing = False
        self._ringed = False
        self._shown_t = playback.t
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing behind is painted first
        self.setProperty("focusRing", False)  # its own goes around the strip
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Time t")
        self.setAccessibleDescription("From noise on the left to data on the right")
        self.setToolTip(
            "Drag to move through time: noise is on the left, data on the right.\n"
            "The curve is the noise level, the root of 1 − ᾱ. What has not arrived is dimmed."
        )
        self._adopt()
        playback.t_changed.connect(self._show_t)
        playback.changed.connect(self._adopt)
        self.valueChanged.connect(playback.set_t)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    def set_thumbnails(self, images: Sequence[Image], *, of_pixels: bool = False) -> None:
        """Show pictures, 0..1, evenly from noise to data.

        Densities are grey (H, W); pictures ``of_pixels`` may have colours (H, W, 3) as well.
        """
        self._images, self._of_pixels = list(images), of_pixels
        self._strip = None
        self.update()

    def set_schedule(self, alphas_cumprod: NDArray[np.float64]) -> None:
        """Draw the noise level of alpha_bar at t = 0..T."""
        self._levels = np.sqrt(np.clip(1.0 - np.asarray(alphas_cumprod, np.float64), 0.0, 1.0))
        self._curve = None
        self.update()

    @property
    def scale(self) -> TimeScale:
        """Where each t lies, in the widget's pixels."""
        now = theme.current()
        right = self.width() - now.px(RIGHT)
        return TimeScale(now.px(LEFT), max(right, now.px(LEFT) + 1), self._playback.timesteps)

    @property
    def strip_rect(self) -> QRectF:
        """Where the strip of thumbnails is."""
        now = theme.current()
        scale = self.scale
        return QRectF(scale.left, now.px(STRIP_TOP), scale.right - scale.left, now.px(STRIP_HEIGHT))

    def _show_t(self, t: int) -> None:
        before = self._shown_t
        self._shown_t = t
        self.setValue(t)
        # Sixty times a second: only what lies about the playhead looks different.
        moved = self._flag_rect(before).united(self._flag_rect(t))
        room = math.ceil(theme.current().px(LABEL_ROOM))
        left, right = math.floor(moved.left()) - room, math.ceil(moved.right()) + room
        self.update(left, 0, right - left, self.height())

    def _adopt(self) -> None:
        """Take over what changed in the playback, without writing back."""
        self._shown_t = self._playback.t
        blocked = self.blockSignals(True)
        self.setRange(0, self._playback.timesteps)
        self.setValue(self._playback.t)
        self.blockSignals(blocked)
        self.update()

    def _restyle(self) -> None:
        self._strip = None
        self._curve = None
        self.setFixedHeight(theme.current().px(HEIGHT))
        self.update()

    def _scrub_to(self, x: float) -> None:
        self._playback.set_t(self.scale.t(x))

    def _set_hover(self, t: int | None) -> None:
        if t != self._hover:
            self._hover = t
            self.update()

    # Painting

    def _paint_ticks(self, painter: QPainter, flag: QRectF, seen: QRectF) -> None:
        now = theme.current()
        scale = self.scale
        total = self._playback.timesteps
        painter.setFont(theme.font(10, 500, tabular=True))
        metrics = QFontMetricsF(painter.font())
        base = now.px(15)
        first, last = f"{total}  noise", "data  0"
        taken = [
            QRectF(scale.left, 0, metrics.horizontalAdvance(first) + now.px(12), 1),
            QRectF(0, 0, metrics.horizontalAdvance(last) + now.px(12), 1),
            flag.adjusted(-now.px(4), 0, now.px(4), 0),
        ]
        taken[1].moveRight(scale.right)
        label, line = QColor(now.palette.label), QColor(now.palette.control_border)
        painter.setPen(label)
        if not _overlap(flag, taken[0]):
            painter.drawText(QPointF(scale.left, base - now.px(3)), first)
        if not _overlap(flag, taken[1]):
            x = scale.right - metrics.horizontalAdvance(last)
            painter.drawText(QPointF(x, base - now.px(3)), last)
        wide = scale.right - scale.left
        major = round_step(total, max(2, int(wide / now.px(120))))
        minor = max(1, major // 5)
        bottom = now.px(STRIP_TOP) - 2
        marks = set(range(0, total + 1, minor)) | {total}
        for t in sorted(marks):
            x = round(scale.x(t)) + 0.5
            if not seen.left() <= x <= seen.right():
                continue
            long = t % major == 0 or t == total
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(x, bottom - now.px(7 if long else 4)), QPointF(x, bottom))
            if not long or t in (0, total):
                continue
            text = str(t)
            width = metrics.horizontalAdvance(text)
            place = QRectF(x - width / 2, 0, width, 1)
            if not any(_overlap(place, other) for other in taken):
                painter.setPen(label)
                painter.drawText(QPointF(place.left(), base - now.px(3)), text)

    def _paint_strip(self, painter: QPainter) -> None:
        now = theme.current()
        palette = now.palette
        rect = self.strip_rect
        frame = QPainterPath()
        frame.addRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), now.px(6), now.px(6))
        painter.fillPath(frame, QColor(palette.canvas))
        scale = self.scale
        here = scale.x(self._playback.t)
        there = max(scale.x(self._playback.reached), scale.left)
        painter.save()
        painter.setClipPath(frame)
        # Shown, arrived, missing: from the left, each fainter than the one before.
        shown_until = min(here, there)
        parts = (
            (rect.left(), shown_until, 1.0),
            (shown_until, there, AHEAD),
            (there, rect.right(), MISSING),
        )
        strip, curve = self._strip_picture(), self._noise_curve()
        for left, right, opacity in parts:
            if right <= left:
                continue
            part = QRectF(left, rect.top(), right - left, rect.height())
            painter.save()
            painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
            painter.setOpacity(opacity)
            painter.drawPixmap(rect.topLeft(), strip)
            # Pixels are dark in every theme.
            inks = theme.DARK if self._of_pixels and self._images else palette
            if opacity == 1.0:
                pen = QPen(QColor(inks.accent), 1.8 * now.line_scale)
            else:
                pen = QPen(QColor(inks.label), 1.2 * now.line_scale)
            painter.setPen(pen)
            painter.drawPath(curve)
            painter.restore()
        if self._playback.reached > 0 and there > rect.left():
            line = QRectF(rect.left(), rect.bottom() - now.px(2), there - rect.left(), now.px(2))
            painter.fillRect(line, QColor(palette.label))
        painter.restore()
        painter.setPen(QPen(QColor(palette.control_border), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(frame)

    def _strip_picture(self) -> QPixmap:
        rect = self.strip_rect
        if self._strip is None or self._strip.devicePixelRatio() != self.devicePixelRatioF():
            self._strip = paint_strip(
                self._images,
                round(rect.width()),
                round(rect.height()),
                "" if self._of_pixels else theme.current().palette.label,
                self.devicePixelRatioF(),
            )
        return self._strip

    def _noise_curve(self) -> QPainterPath:
        if self._curve is None:
            self._curve = QPainterPath()
            if len(self._levels) > 1:
                rect = self.strip_rect.adjusted(0, theme.current().px(4), 0, -theme.current().px(5))
                stride = max(1, len(self._levels) // max(1, int(rect.width())))
                along = np.arange(0, len(self._levels), stride)
                along = np.union1d(along, [len(self._levels) - 1])
                x = rect.right() - along / (len(self._levels) - 1) * rect.width()
                y = rect.bottom() - self._levels[along] * rect.height()
                points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
                self._curve.addPolygon(QPolygonF(points))
        return self._curve

    def _flag_rect(self, t: int) -> QRectF:
        now = theme.current()
        metrics = QFontMetricsF(theme.font(12, 600, tabular=True))
        # As wide as for the longest number, so that it keeps still while time runs.
        text = f"t {'0' * len(str(self._playback.timesteps))}"
        width = metrics.horizontalAdvance(text) + now.px(14)
        rect = QRectF(0, 0, width, now.px(FLAG_HEIGHT))
        rect.moveLeft(self.scale.x(t) - width / 2)
        rect.moveLeft(min(max(rect.left(), self.scale.left), self.scale.right - width))
        return rect

    def _paint_playhead(self, painter: QPainter, flag: QRectF) -> None:
        now = theme.current()
        x = self.scale.x(self._playback.t)
        accent = QColor(now.palette.accent)
        rect = self.strip_rect
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        half = now.px(1) if now.type_scale == 1 else 1.0 * now.line_scale
        painter.drawRect(
            QRectF(x - half, flag.center().y(), 2 * half, rect.bottom() - flag.center().y())
        )
        painter.drawRoundedRect(flag, now.px(5), now.px(5))
        if flag.left() + now.px(6) < x < flag.right() - now.px(6):
            tip = now.px(4)
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(x - tip, flag.bottom() - 0.5),
                        QPointF(x + tip, flag.bottom() - 0.5),
                        QPointF(x, flag.bottom() + tip - 1),
                    ]
                )
            )
        painter.setPen(QColor(now.palette.on_accent))
        painter.setFont(theme.font(12, 600, tabular=True))
        painter.drawText(flag, Qt.AlignmentFlag.AlignCenter, f"t {self._playback.t}")

    def _paint_hover(self, painter: QPainter, t: int) -> None:
        now = theme.current()
        flag = self._flag_rect(t)
        rect = self.strip_rect
        x = round(self.scale.x(t)) + 0.5
        painter.setPen(QPen(QColor(now.palette.text_secondary), 1))
        painter.drawLine(QPointF(x, flag.bottom()), QPointF(x, rect.bottom()))
        painter.setBrush(QColor(now.palette.hover))
        painter.drawRoundedRect(flag.adjusted(0.5, 0.5, -0.5, -0.5), now.px(5), now.px(5))
        painter.setPen(QColor(now.palette.text))
        painter.setFont(theme.font(12, 600, tabular=True))
        painter.drawText(flag, Qt.AlignmentFlag.AlignCenter, f"t {t}")

    def _paint_legend(self, painter: QPainter) -> None:
        now = theme.current()
        rect = self.strip_rect
        painter.setPen(QColor(now.palette.text_secondary))
        painter.setFont(theme.font(12, 600))
        left = now.px(16)
        half = rect.height() / 2
        upper = QRectF(left, rect.top() - now.px(4), now.px(LEFT) - left, half + now.px(4))
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(upper, Qt.AlignmentFlag.AlignLeft | vertical, "Denoising")
        lower = QRectF(left, rect.top() + half - now.px(1), now.px(LEFT) - left, half)
        y = lower.center().y()
        painter.setPen(QPen(QColor(now.palette.accent), 2 * now.line_scale))
        painter.drawLine(QPointF(left, y), QPointF(left + now.px(9), y))
        painter.setPen(QColor(now.palette.label))
        painter.setFont(theme.font(11, 400))
        lower.setLeft(left + now.px(15))
        painter.drawText(lower, Qt.AlignmentFlag.AlignLeft | vertical, "noise level")

    # Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint everything; the costly parts are kept as pictures."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.current().palette.panel))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        flag = self._flag_rect(self._playback.t)
        if event.rect().left() < theme.current().px(LEFT):
            self._paint_legend(painter)
        room = theme.current().px(LABEL_ROOM)
        self._paint_ticks(painter, flag, QRectF(event.rect()).adjusted(-room, 0, room, 0))
        self._paint_strip(painter)
        if self._hover is not None and not self._scrubbing:
            self._paint_hover(painter, self._hover)
        self._paint_playhead(painter, flag)
        if self._ringed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.current().palette.accent), 2))
            ring = self.strip_rect.adjusted(-2, -2, 2, 2)
            painter.drawRoundedRect(ring, theme.current().px(6), theme.current().px(6))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the pictures out anew."""
        self._strip = None
        self._curve = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint when enabled or the style changes."""
        super().changeEvent(event)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus ring, but not to whoever has just clicked."""
        super().focusInEvent(event)
        self._ringed = event.reason() != Qt.FocusReason.MouseFocusReason
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the focus ring away."""
        super().focusOutEvent(event)
        self._ringed = False
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to scrub."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.position().x() < self.scale.left - theme.current().px(8):
            event.ignore()
            return
        self._scrubbing = True
        self._playback.pause()
        self._scrub_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Scrub, or show the t below the pointer."""
        x = event.position().x()
        if self._scrubbing:
            self._scrub_to(x)
        inside = self.scale.left - 1 <= x <= self.scale.right + 1
        self._set_hover(self.scale.t(x) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End scrubbing."""
        if event.button() == Qt.MouseButton.LeftButton and self._scrubbing:
            self._scrubbing = False
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the place of the pointer."""
        self._set_hover(None)
        super().leaveEvent(event)

    def sliderChange(self, change: QAbstractSlider.SliderChange) -> None:
        """Leave repainting for another value to ``_show_t``, which knows what to repaint."""
        if change != QAbstractSlider.SliderChange.SliderValueChange:
            super().sliderChange(change)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel alone: time must not jump when something else is scrolled."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step and jump; right is towards data."""
        page = max(1, self._playback.timesteps // 25)
        steps = {
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_PageUp: -page,
        }
        key = Qt.Key(event.key())
        if key in steps:
            self._playback.step(steps[key])
        elif key == Qt.Key.Key_Home:
            self._playback.to_noise()
        elif key == Qt.Key.Key_End:
            self._playback.to_data()
        else:
            event.ignore()


def _overlap(first: QRectF, second: QRectF) -> bool:
    return first.left() < second.right() and second.left() < first.right()
