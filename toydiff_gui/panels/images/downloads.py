"""What a download brings, and the question before it: nothing is fetched unasked."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QMessageBox, QWidget

from engine.datasets.images import INFOS


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


class DownloadQuestion(QMessageBox):
    """Asks whether to download an image set; ``open`` it and listen to ``accepted``."""

    def __init__(self, dataset: str, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title, download = INFOS[dataset].title, DOWNLOADS[dataset]
        self.setWindowTitle(f"Download {title}")
        self.setIcon(QMessageBox.Icon.Question)
        self.setText(f"Download {title}, about {download.size} MB?")
        where = f"\nInto: {folder}" if folder else ""
        self.setInformativeText(
            f"From: {download.source}\nLicence: {download.licence}{where}\n\n"
            "If you have the files already, choose their folder instead."
        )
        self.download_button = self.addButton("Download", QMessageBox.ButtonRole.AcceptRole)
        self.cancel_button = self.addButton(QMessageBox.StandardButton.Cancel)
        # Whoever presses Enter without reading downloads nothing.
        self.setDefaultButton(self.cancel_button)
        self.setEscapeButton(self.cancel_button)
