"""The line above a section of a dock."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from toydiff_gui.widgets.icon_button import IconButton
from toydiff_gui.widgets.text import Text


class SectionHeader(QWidget):
    """Title, an arrow back to the defaults while there is something to reset, a caption.

    Signals:
        reset_requested: the arrow was pressed.
    """

    reset_requested = Signal()

    def __init__(
        self,
        title: str,
        caption: str = "",
        *,
        reset_tooltip: str = "",
        caption_ink: str = "label",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.title = Text(title, weight=600)
        self.caption = Text(caption, size=11, ink=caption_ink)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.title)
        self.reset = IconButton(
            "reset",
            f"Reset {title}",
            reset_tooltip or f"Back to the defaults of '{title}'",
            role="accent",
            side=18,
        )
        # Its place is kept, so that nothing moves when it comes and goes.
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.reset.hide()
        self.reset.clicked.connect(self.reset_requested)
        row.addWidget(self.reset)
        row.addStretch(1)
        row.addWidget(self.caption)

    def set_caption(self, caption: str) -> None:
        """Show another text on the right."""
        self.caption.setText(caption)

    def set_default(self, is_default: bool) -> None:
        """Say whether the section is at its defaults; only if it is not, the arrow is shown."""
        self.reset.setVisible(not is_default)

    def add(self, widget: QWidget) -> None:
        """Put a widget at the right end."""
        layout = self.layout()
        assert layout is not None
        layout.addWidget(widget)
