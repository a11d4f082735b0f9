"""A card over the lanes that tells newcomers what to try."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from toydiff_gui.style import theme

TITLE = "Start here"
LINES = "Drag A and B. Press Space to play.\nCompare how each sampler carries the path to the data."


class HintCard(QFrame):
    """The card; it stays at the foot of its parent, in the middle, until it is dismissed.

    Signals:
        dismissed: the user has read it; whoever remembers such things should.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("hint-card")
        self.setAccessibleName("Hint")
        self.setAccessibleDescription(LINES)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.title = QLabel(TITLE)
        self.text = QLabel(LINES)
        self.button = QPushButton("Got it")
        self.button.setProperty("variant", "filled")
        self.button.setToolTip("Close this hint; it does not come back")
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.button.clicked.connect(self.dismiss)
        self.words = words = QVBoxLayout()
        words.addWidget(self.title)
        words.addWidget(self.text)
        layout = QHBoxLayout(self)
        layout.addLayout(words, 1)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        theme.notifier().changed.connect(self._restyle)
        parent.installEventFilter(self)
        self._restyle()

    def dismiss(self) -> None:
        """Go away for good."""
        parent = self.parentWidget()
        if parent is not None:
            parent.removeEventFilter(self)
        self.hide()
        self.dismissed.emit()
        self.deleteLater()

    def _restyle(self) -> None:
        now = theme.current()
        layout = self.layout()
        if layout is not None:
            layout.setContentsMargins(now.px(16), now.px(12), now.px(16), now.px(12))
            layout.setSpacing(now.px(20))
        self.words.setSpacing(now.px(4))
        self.title.setFont(theme.font(13, 600))
        self.text.setFont(theme.font(12, 400))
        self.setStyleSheet(
            f"#hint-card {{ background: {now.palette.selected}; border: 1px solid"
            f" {now.palette.control_edge}; border-radius: {now.px(8)}px; }}"
            f"#hint-card QLabel {{ background: transparent; color: {now.palette.text}; }}"
        )
        self._place()

    def _place(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        inset = theme.current().px(16)
        self._wrap(False)
        if self.sizeHint().width() > parent.width() - 2 * inset:
            self._wrap(True)
        width = min(self.sizeHint().width(), parent.width() - 2 * inset)
        height = self.heightForWidth(width) if self.hasHeightForWidth() else -1
        height = max(height, self.sizeHint().height())
        self.setGeometry(
            (parent.width() - width) // 2, parent.height() - height - inset, width, height
        )

    def _wrap(self, wrap: bool) -> None:
        self.text.setWordWrap(wrap)
        # A label that was never shown does not tell its layout that it has become higher.
        self.words.invalidate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay where it belongs when the canvas changes its size."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape dismisses it as well."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)
