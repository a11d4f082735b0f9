"""The buttons that move through time."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QComboBox, QFrame, QHBoxLayout, QWidget

from toydiff_gui.state.playback import SPEEDS, Playback
from toydiff_gui.style import icons, theme
from toydiff_gui.timeline.actions import time_actions
from toydiff_gui.widgets import IconButton


def speed_text(speed: float) -> str:
    """Such as '0.25×'."""
    return f"{speed:g}×"


class PlayButton(QAbstractButton):
    """The round button that plays or pauses."""

    def __init__(self, playback: Playback, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playback, self._key = playback, key
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setProperty("focusRing", False)  # its own is round
        self.clicked.connect(playback.toggle)
        playback.changed.connect(self._refresh)
        theme.notifier().changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        playing = self._playback.playing
        self.setAccessibleName("Pause" if playing else "Play")
        direction = "from data to noise" if self._playback.reverse else "from noise to data"
        text = "Let time stand still" if playing else f"Let time run {direction}"
        if self._playback.waiting:
            text = "Waiting for frames that have not arrived yet; press to stop"
        self.setToolTip(f"{text} ({self._key})")
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """The disc with room for the focus ring."""
        return QSize(theme.current().px(40), theme.current().px(40))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the disc, its sign and the focus ring."""
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QRectF(self.rect()).center()
        over = self.underMouse() or self.isDown()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(now.palette.accent_hover if over else now.palette.accent))
        painter.drawEllipse(centre, float(now.px(17)), float(now.px(17)))
        playing = self._playback.playing
        half = now.px(7)
        middle = centre if playing else centre + QPointF(now.px(0.5), 0)
        sign = QRectF(middle.x() - half, middle.y() - half, 2 * half, 2 * half)
        icons.paint(painter, "pause" if playing else "play", sign, now.palette.on_accent)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(now.palette.accent), 2))
            radius = self.width() / 2 - 1
            painter.drawEllipse(centre, radius, radius)
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Lighten below the pointer."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Back to the plain colour."""
        super().leaveEvent(event)
        self.update()


class Transport(QWidget):
    """To noise, step back, play, step forward, to data; loop, reverse, speed."""

    def __init__(self, playback: Playback, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._playback = playback
        self._actions = {action.id: action for action in time_actions(playback)}
        self.to_noise = self._button("to-start", "time.to_noise")
        self.back = self._button("step-back", "time.back")
        self.play = PlayButton(playback, self._actions["time.play"].keys[0])
        self.forward = self._button("step-forward", "time.forward")
        self.to_data = self._button("to-end", "time.to_data")
        self.loop = self._button("loop", "time.loop")
        self.reverse = self._button("reverse", "time.reverse")
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed of playing")
        self.speed.setToolTip(
            "How fast time runs; at 1× one step of t lasts a sixtieth of a second."
        )
        for value in SPEEDS:
            self.speed.addItem(speed_text(value), value)
        self._line = QFrame()
        self._line.setProperty("surface", "divider")
        self._row = QHBoxLayout(self)
        movers = (self.to_noise, self.back, self.play, self.forward, self.to_data)
        widgets: tuple[QWidget, ...] = (*movers, self._line, self.loop, self.reverse, self.speed)
        for widget in widgets:
            self._row.addWidget(widget)

        self.speed.activated.connect(self._choose_speed)
        playback.changed.connect(self._refresh)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()
        self._refresh()

    def _button(self, icon: str, id_: str) -> IconButton:
        action = self._actions[id_]
        button = IconButton(icon, action.title, action.tip_with_keys, side=28)
        button.setCheckable(action.checked is not None)
        button.clicked.connect(action.ask)
        if icon.startswith("step"):
            button.setAutoRepeat(True)
            button.setAutoRepeatDelay(350)
            button.setAutoRepeatInterval(40)
        return button

    def _choose_speed(self, index: int) -> None:
        self._playback.set_speed(float(self.speed.itemData(index)))

    def _refresh(self) -> None:
        for button, name, on in (
            (self.loop, "loop", self._playback.loop),
            (self.reverse, "reverse", self._playback.reverse),
        ):
            button.setChecked(on)
            button.glyph.show(name, "accent" if on else "text_secondary")
        self.speed.setCurrentIndex(SPEEDS.index(self._playback.speed))

    def _restyle(self) -> None:
        now = theme.current()
        self._row.setContentsMargins(now.px(14), 0, 0, 0)
        self._row.setSpacing(now.px(5))
        self._line.setFixedSize(1, now.px(16))
        self.speed.setFixedSize(now.px(64), now.px(28))
        self.updateGeometry()
        self.adjustSize()
