"""What a download brings, and the question before it: nothing is fetched unasked."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from engine.datasets.images import INFOS
from toydiff_gui.style import theme
from toydiff_gui.widgets import Text


@dataclass(frozen=True)
class Download:
    """``size`` in megabytes; ``licence`` as a part of a sentence."""

    source: str
    size: int
    licence: str


DOWNLOADS = {
    "mnist": Download(
        "the mirrors that torchvision knows (ossci-datasets, Y. LeCun's page)",
        12,
        "commonly given as CC BY-SA 3.0",
    ),
    "fashion": Download("Zalando Research's server", 31, "MIT"),
    "cifar10": Download("the University of Toronto (cs.toronto.edu)", 170, "none is stated"),
}


class DownloadQuestion(QDialog):
    """Asks whether to download an image set; ``open`` it and listen to ``accepted``.

    ``host`` is the machine that fetches it, if that is another.
    """

    def __init__(
        self, dataset: str, folder: str, parent: QWidget | None = None, *, host: str = ""
    ) -> None:
        super().__init__(parent)
        self.dataset = dataset
        title, download = INFOS[dataset].title, DOWNLOADS[dataset]
        self.setWindowTitle(f"Download {title}")
        self.setModal(True)
        heading = Text(f"Download {title}?", size=13, weight=600)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        rows = [
            ("Size", f"about {download.size} MB"),
            ("From", download.source),
            ("Licence", download.licence),
        ]
        if host:
            rows.append(("On", host))
        if folder:
            rows.append(("Into", folder))
        for index, (name, value) in enumerate(rows):
            grid.addWidget(Text(name, ink="label"), index, 0, Qt.AlignmentFlag.AlignTop)
            text = Text(value)
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(text, index, 1)
        grid.setColumnStretch(1, 1)
        hint = Text(
            "If you have the files already, cancel and choose their folder instead.",
            ink="text_secondary",
        )
        hint.setWordWrap(True)
        buttons = QDialogButtonBox()
        self.download_button = buttons.addButton("Download", QDialogButtonBox.ButtonRole.AcceptRole)
        self.cancel_button = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        # Whoever presses Enter without reading downloads nothing.
        self.download_button.setAutoDefault(False)
        self.cancel_button.setDefault(True)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 14)
        column.setSpacing(12)
        column.addWidget(heading)
        column.addLayout(grid)
        column.addWidget(hint)
        column.addWidget(buttons)
        self.setFixedWidth(theme.current().px(420))
        self.cancel_button.setFocus()
