"""Which images to train with, where they are, and how to get those that are not here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engine.datasets.images import INFOS, Pixels, info_of, load_digits
from engine.shared import catalogue
from engine.shared.config import LEAST_SIZE, MOST_SIZE, TrainingConfig
from toydiff_gui.modes.images import network_presets
from toydiff_gui.modes.images.image_sets import where_missing
from toydiff_gui.modes.images.kind import trains_images
from toydiff_gui.modes.images.panels.downloads import DOWNLOADS, DownloadQuestion
from toydiff_gui.modes.images.panels.drawings import icon_drawing, images_drawing
from toydiff_gui.modes.images.settings import IMAGE_DATA, ImageDataRun
from toydiff_gui.panels.dock import Choice, Writer
from toydiff_gui.panels.elided import ElidedText
from toydiff_gui.state import wording
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import IconButton, NumberBox, SectionHeader, Text, ThumbnailCard
from toydiff_gui.widgets.card_group import CardGroup
from toydiff_gui.widgets.scroll import SPACING

FOLDER = "folder"
MEGABYTE = 1e6


def title_of(dataset: str) -> str:
    """What the set is called in the window."""
    row = catalogue.image_set(dataset)
    return row.short or row.title


@lru_cache(maxsize=1)
def _digits() -> Pixels:
    images: Pixels = load_digits().images[:4]
    return images


def missing_text(dataset: str, data: ImageDataRun, host: str = "") -> str:
    """Why nothing can be trained with the set now; empty if it is here. ``host`` is the engine's
    machine if that is another.
    """
    if dataset == "digits" or data.places.get(dataset):
        return ""
    if dataset == FOLDER:
        return "Choose a folder of images first"
    if data.fetching == dataset:
        return f"{title_of(dataset)} is being downloaded"
    if dataset not in data.places:
        return f"{title_of(dataset)} is being looked for"
    return f"{title_of(dataset)} is {where_missing(host)}: download it or choose its folder"


def progress_text(data: ImageDataRun) -> str:
    """How a download goes, such as 'MNIST: 3.1 of 12 MB · 0:20 left'."""
    done = data.done / MEGABYTE
    size = f"{done:.1f} MB" if not data.total else f"{done:.1f} of {data.total / MEGABYTE:.0f} MB"
    text = f"{title_of(data.fetching)}: {size}"
    if data.remaining is not None:
        text += f"{wording.DOT}{wording.clock(data.remaining)} left"
    return text


class ImageDataSection(QWidget, Writer):
    """A card for each set; below it a line that says where the chosen one is.

    Signals:
        download_requested: (dataset) fetch it; the user has been asked and agrees.
        cancel_download_requested: stop the download.
        data_root_requested: (folder) look for the sets there.
        folder_requested: (folder) train with the images in it.
        thumbnails_requested: (dataset) a few of its images, for its card.
    """

    download_requested = Signal(str)
    cancel_download_requested = Signal()
    data_root_requested = Signal(str)
    folder_requested = Signal(str)
    thumbnails_requested = Signal(str)

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._asked: set[str] = set()
        self._drawn: dict[str, object] = {}
        self.question: DownloadQuestion | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACING)
        self.header = SectionHeader("Data set")
        self._column.addWidget(self.header)
        self._build_cards()
        self._build_folder()
        self._build_source()
        self._build_progress()
        state.changed(TRAINING_CONFIG).connect(self._show)
        state.changed(IMAGE_DATA).connect(self._show)
        state.changed(TRAINING).connect(self._show)
        state.changed(ENGINE).connect(self._show)
        self._show()

    # Building

    def _build_cards(self) -> None:
        self._cards = QWidget()
        row = QHBoxLayout(self._cards)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        self._group = CardGroup[ThumbnailCard](self)
        self._group.chosen.connect(self._choose)
        for key in catalogue.names(catalogue.image_sets()):
            card = ThumbnailCard(title_of(key), picture_height=44)
            card.setSizePolicy(QSizePolicy.Policy.Preferred, card.sizePolicy().verticalPolicy())
            card.setAccessibleName(f"Data set {title_of(key)}")
            self._group.add(key, card)
            row.addWidget(card, 1)
        self.cards = self._group.cards
        self._column.addWidget(self._cards)

    def _build_folder(self) -> None:
        """Size and colours of a folder's images, which have none of their own."""
        self.folder_options = QWidget()
        row = QHBoxLayout(self.folder_options)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        tip = "Side of the square, in pixels, that every image is cut and scaled to."
        self.size_box = NumberBox("Image size", minimum=LEAST_SIZE, maximum=MOST_SIZE, step=4)
        self.size_box.setToolTip(tip)
        self.size_box.value_changed.connect(self._set_size)
        self.size_box.rejected.connect(self.complain)
        label = Text("Size", ink="text_secondary")
        label.setToolTip(tip)
        label.setBuddy(self.size_box)
        self.colours = Choice()
        self.colours.setAccessibleName("Colours of the images")
        self.colours.setToolTip("Train with the images in colour or in grey.")
        self.colours.addItem("Colour", 3)
        self.colours.addItem("Grey", 1)
        self.colours.activated.connect(self._set_channels)
        row.addWidget(label)
        row.addWidget(self.size_box, 1)
        row.addWidget(self.colours, 1)
        self._column.addWidget(self.folder_options)

    def _build_source(self) -> None:
        self._source = QWidget()
        row = QHBoxLayout(self._source)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.source_text = ElidedText(leading=True)
        self.download_button = QPushButton("Download…")
        self.download_button.clicked.connect(self.ask_to_download)
        self.folder_button = IconButton("open", "Choose the folder of the data", side=22)
        self.folder_button.clicked.connect(self._ask_for_folder)
        row.addWidget(self.source_text, 1)
        row.addWidget(self.download_button)
        row.addWidget(self.folder_button)
        self._column.addWidget(self._source)

    def _build_progress(self) -> None:
        self.progress = QWidget()
        column = QVBoxLayout(self.progress)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.progress_text = Text("", size=11, ink="text_secondary")
        self.progress_text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setAccessibleName("Cancel the download")
        self.cancel_button.setToolTip("Stop the download; nothing half is kept")
        self.cancel_button.clicked.connect(self.cancel_download_requested)
        row.addWidget(self.progress_text, 1)
        row.addWidget(self.cancel_button)
        self.progress_bar = QProgressBar()
        self.progress_bar.setAccessibleName("Progress of the download")
        self.progress_bar.setRange(0, 1000)
        column.addLayout(row)
        column.addWidget(self.progress_bar)
        self._column.addWidget(self.progress)

    # Showing

    @property
    def missing(self) -> str:
        """Why nothing can be trained with the chosen set; empty if it can."""
        return self._missing(self._state.get(TRAINING_CONFIG).dataset)

    def _missing(self, dataset: str) -> str:
        return missing_text(dataset, self._state.get(IMAGE_DATA), self._state.get(ENGINE).host)

    def _show(self) -> None:
        config, data = self._state.get(TRAINING_CONFIG), self._state.get(IMAGE_DATA)
        active = self._state.get(TRAINING).active
        chosen = config.dataset if trains_images(config) else ""
        if chosen:
            self._show_info(config)
            self._group.set_current(chosen)
        for part in (self._cards, self.folder_options):
            part.setEnabled(not active)
        self.folder_options.setVisible(chosen == FOLDER)
        self.size_box.set_number(config.image_size)
        self.colours.setCurrentIndex(self.colours.findData(config.channels))
        for key, card in self.cards.items():
            self._draw(key, card, data)
        self._show_source(chosen, data, active)
        self.progress.setVisible(bool(data.fetching))
        if data.fetching:
            text = progress_text(data)
            self.progress_text.setText(text)
            self.progress_text.setToolTip(text)
            share = data.done / data.total if data.total else 0.0
            self.progress_bar.setValue(round(1000 * min(share, 1.0)))
        self._ask_for_thumbnails()

    def _show_info(self, config: TrainingConfig) -> None:
        info = info_of(config)
        channels, height, width = info.shape
        size = f"{height} × {width}"
        if channels == 3:
            size += " RGB"
        self.header.set_caption(f"{grouped(info.count)} images, {size}" if info.count else size)

    def _draw(self, key: str, card: ThumbnailCard, data: ImageDataRun) -> None:
        source: object
        if key == "digits":
            source = _digits()
        else:
            source = data.thumbnails.get(key)
        if source is None:
            source = "open" if key == FOLDER else "image" if data.places.get(key) else "import"
        card.setToolTip(self._card_tip(key, data))
        card.setAccessibleDescription(card.toolTip())
        if self._drawn.get(key) is source:
            return
        self._drawn[key] = source
        card.set_drawing(
            icon_drawing(source) if isinstance(source, str) else images_drawing(source)
        )

    def _card_tip(self, key: str, data: ImageDataRun) -> str:
        if key == FOLDER:
            return "Train with your own images, all in one folder"
        info = INFOS[key]
        channels, height, width = info.shape
        what = "colour" if channels == 3 else "grey"
        tip = f"{grouped(info.count)} {what} images of {height} × {width} pixels"
        if key == "digits" or data.places.get(key) or key not in data.places:
            return tip
        return f"{tip}; {where_missing(self._state.get(ENGINE).host)}"

    def _show_source(self, chosen: str, data: ImageDataRun, active: bool) -> None:
        place = data.places.get(chosen, "")
        missing = self._missing(chosen) if chosen else ""
        fetchable = chosen in DOWNLOADS
        if chosen == "digits":
            text, tip = "Bundled", "From scikit-learn's copy of the UCI set of handwritten digits"
        elif place:
            text, tip = f"In {place}", place
        elif chosen == FOLDER:
            text, tip = "No folder chosen yet", missing
        elif data.message and fetchable and chosen in data.places:
            text, tip = data.message, data.message
        elif chosen and chosen not in data.places:
            text, tip = "Looking for it…", missing
        else:
            where = where_missing(self._state.get(ENGINE).host)
            text, tip = where[:1].upper() + where[1:], missing
        failed = bool(data.message) and text == data.message
        self.source_text.set_text(text, "error" if failed else "label")
        self.source_text.setToolTip(tip)
        self.source_text.setAccessibleName(text)
        ready = self._state.get(ENGINE).status == "ready"
        self.download_button.setVisible(fetchable and not place and chosen in data.places)
        self.download_button.setEnabled(ready and not data.fetching)
        self.download_button.setToolTip(
            "A download is under way already"
            if data.fetching
            else f"Fetch {title_of(chosen)}; you are asked first"
            if ready and fetchable
            else "Downloading needs the engine, which is not ready"
        )
        self.folder_button.setVisible(chosen != "digits")
        self.folder_button.setEnabled(not active)
        own = "Choose the folder of your images" if chosen == FOLDER else "Choose another folder"
        self.folder_button.setAccessibleName(own)
        self.folder_button.setToolTip(
            "The folder cannot be changed while training"
            if active
            else own
            if chosen == FOLDER
            else f"Choose a folder that holds the files of {title_of(chosen) if chosen else ''}"
        )

    def _ask_for_thumbnails(self) -> None:
        """Ask once for pictures of every set that is here, while somebody looks."""
        if not self.isVisible() or self._state.get(ENGINE).status != "ready":
            return
        data = self._state.get(IMAGE_DATA)
        for key in DOWNLOADS:
            place = data.places.get(key, "")
            if place and key not in data.thumbnails and f"{key}:{place}" not in self._asked:
                self._asked.add(f"{key}:{place}")
                self.thumbnails_requested.emit(key)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the pictures of the cards."""
        super().showEvent(event)
        self._ask_for_thumbnails()

    # Writing

    def _set_config(self, make: Callable[[], TrainingConfig]) -> None:
        self.write(lambda: self._state.set(TRAINING_CONFIG, make()), self._show)

    def _choose(self, dataset: str) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self._set_config(lambda: network_presets.with_dataset(config, dataset))

    def _set_size(self, size: int) -> None:
        config = self._state.get(TRAINING_CONFIG)
        self._set_config(lambda: network_presets.with_folder(config, size, config.channels))

    def _set_channels(self, index: int) -> None:
        config, channels = self._state.get(TRAINING_CONFIG), self.colours.itemData(index)
        self._set_config(lambda: network_presets.with_folder(config, config.image_size, channels))

    # Data that are not here

    def ask_to_download(self) -> None:
        """Ask whether to download the chosen set; nothing happens without a yes."""
        dataset = self._state.get(TRAINING_CONFIG).dataset
        if dataset not in DOWNLOADS or self._state.get(IMAGE_DATA).fetching:
            return
        folder, host = self._state.get(IMAGE_DATA).download_root, self._state.get(ENGINE).host
        self.question = DownloadQuestion(dataset, folder, self, host=host)
        self.question.accepted.connect(self._agreed)
        self.question.finished.connect(self._forget_question)
        self.question.open()

    def _agreed(self) -> None:
        if self.question is not None:
            self.download_requested.emit(self.question.dataset)

    def _forget_question(self) -> None:
        if self.question is not None:
            self.question.deleteLater()
            self.question = None

    def _ask_for_folder(self) -> None:
        dataset = self._state.get(TRAINING_CONFIG).dataset
        data = self._state.get(IMAGE_DATA)
        start = data.places.get(dataset) or data.root or str(Path.home())
        title = "Folder of images" if dataset == FOLDER else f"Folder with {title_of(dataset)}"
        if host := self._state.get(ENGINE).host:  # no dialog of ours can look there
            start = data.places.get(dataset) or data.root
            chosen, _ = QInputDialog.getText(self, title, f"{title}, on {host}:", text=start)
            chosen = chosen.strip()
        else:
            chosen = QFileDialog.getExistingDirectory(self, title, start)
        if not chosen:
            return
        if dataset == FOLDER:
            self.folder_requested.emit(chosen)
        else:
            self.data_root_requested.emit(chosen)
