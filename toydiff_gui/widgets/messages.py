"""The one place where the window speaks: errors and notices, in words."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QEnterEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui.style import icons, theme
from toydiff_gui.widgets.icon_button import IconButton
from toydiff_gui.widgets.text import Text

NOTICE_MS = 6000
FADE_MS = 300
MOST = 3
"""So many messages at once; of more, the oldest goes, notices first."""


class Message(QFrame):
    """One message with a button that closes it.

    Signals:
        closed: it is to go away.
    """

    closed = Signal()

    def __init__(self, text: str, error: bool, action: str = "") -> None:
        super().__init__()
        self.text = text
        self.error = error
        self.times = 1
        self.setProperty("surface", "message")
        self.setProperty("error", error)
        self._icon = QLabel()
        self._label = Text(text)
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)  # a path may look like a tag
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._label, 1)
        self.action: QPushButton | None = None
        if action:
            self.action = QPushButton(action)
            row.addWidget(self.action)
        self.close_button = IconButton("close", "Close this message")
        self.close_button.clicked.connect(self.closed)
        row.addWidget(self.close_button)
        self.setAccessibleName(f"Error: {text}" if error else text)
        theme.notifier().changed.connect(self._redraw)
        self._redraw()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._fade)
        self._animation: QPropertyAnimation | None = None

    def again(self) -> None:
        """The same was said once more."""
        self.times += 1
        self._label.setText(f"{self.text} ({self.times}×)")

    def expire_after(self, milliseconds: int) -> None:
        """Fade after a while, counted anew from now."""
        self._timer.start(milliseconds)

    def _fade(self) -> None:
        effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(effect)
        self._animation = QPropertyAnimation(effect, b"opacity", self)
        self._animation.setDuration(FADE_MS)
        self._animation.setStartValue(1.0)
        self._animation.setEndValue(0.0)
        self._animation.setEasingCurve(QEasingCurve.Type.InQuad)
        self._animation.finished.connect(self.closed)
        self._animation.start()

    def _redraw(self) -> None:
        now = theme.current()
        name = "warning" if self.error else "info"
        colour = now.palette.error if self.error else now.palette.accent
        dpr = self.devicePixelRatioF()
        self._icon.setPixmap(icons.pixmap(name, now.px(16), colour, dpr))

    def enterEvent(self, event: QEnterEvent) -> None:
        """Whoever is reading is not interrupted."""
        self._timer.stop()
        if self._animation is not None:
            self._animation.stop()
            self.setGraphicsEffect(None)  # type: ignore[arg-type]
            self._animation = None
        super().enterEvent(event)


class MessageBar(QWidget):
    """Errors stay until they are closed, notices fade. Takes no room while there is nothing.

    Signals:
        changed: a message came or went; where the bar floats, its size is another now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.notice_ms = NOTICE_MS
        self._messages: list[Message] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.setAccessibleName("Messages")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def show_message(
        self,
        text: str,
        error: bool = False,
        action: str = "",
        on_action: Callable[[], None] | None = None,
    ) -> None:
        """Say ``text``; ``action`` labels a button that calls ``on_action`` and closes it."""
        same = next((m for m in self._messages if m.text == text and m.error == error), None)
        if same is not None:
            same.again()
            if not error:
                same.expire_after(self.notice_ms)
            self._announce(text, error)
            return
        message = Message(text, error, action)
        message.closed.connect(self._close_sender)
        if message.action is not None and on_action is not None:
            message.action.clicked.connect(on_action)
            message.action.clicked.connect(message.closed)
        while len(self._messages) >= MOST:
            oldest_notice = next((m for m in self._messages if not m.error), self._messages[0])
            self._remove(oldest_notice)
        self._messages.append(message)
        self._column.addWidget(message)
        if not error:
            message.expire_after(self.notice_ms)
        self.show()
        self._announce(text, error)
        self.changed.emit()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, the oldest first."""
        return tuple(self._messages)

    def clear(self) -> None:
        """Close everything."""
        for message in self.messages:
            self._remove(message)

    def _close_sender(self) -> None:
        message = self.sender()
        if isinstance(message, Message):
            self._remove(message)

    def _remove(self, message: Message) -> None:
        if message not in self._messages:
            return
        self._messages.remove(message)
        self._column.removeWidget(message)
        message.hide()
        message.deleteLater()
        if not self._messages:
            self.hide()
        self.changed.emit()

    def _announce(self, text: str, error: bool) -> None:
        event = QAccessibleAnnouncementEvent(self, f"Error: {text}" if error else text)
        if error:
            event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
        QAccessible.updateAccessibility(event)
