"""A page of images of the data, to choose one from."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.datasets.images import INFOS, Pixels
from toydiff_gui.drawing.pixels import paint_pixels
from toydiff_gui.modes.images.settings import IMAGE_DATA
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.widgets import Text

COLUMNS, TILE, GAP = 10, 52, 6


class ImageGrid(QWidget):
    """Images side by side; one is chosen with the mouse or with the arrow keys.

    Signals:
        current_changed: another one is chosen.
        activated: it was double clicked, or Enter was pressed.
    """

    current_changed = Signal()
    activated = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: Pixels | None = None
        self._current = 0
        self._hovered: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Images of the data")
        self.setAccessibleDescription("Arrow keys go from image to image, Enter takes one")
        theme.notifier().changed.connect(self._resize)
        self._resize()

    @property
    def count(self) -> int:
        """How many there are."""
        return 0 if self._images is None else len(self._images)

    @property
    def current(self) -> int | None:
        """The chosen one; None while there are none."""
        return self._current if self.count else None

    def set_images(self, images: Pixels | None) -> None:
        """Show other images (n, C, H, W); the first is chosen."""
        self._images, self._current, self._hovered = images, 0, None
        self._resize()
        self.current_changed.emit()

    def choose(self, index: int) -> None:
        """Choose an image."""
        if self.count and index != self._current:
            self._current = min(max(index, 0), self.count - 1)
            self.update()
            self.current_changed.emit()

    def tile(self, index: int) -> QRect:
        """Where an image lies."""
        now = theme.current()
        side, gap = now.px(TILE), now.px(GAP)
        row, column = divmod(index, COLUMNS)
        return QRect(gap + column * (side + gap), gap + row * (side + gap), side, side)

    def _at(self, position: QPointF) -> int | None:
        tiles = range(self.count)
        return next((i for i in tiles if self.tile(i).contains(position.toPoint())), None)

    def _resize(self) -> None:
        now = theme.current()
        pitch, gap = now.px(TILE) + now.px(GAP), now.px(GAP)
        rows = max(-(-self.count // COLUMNS), 1)
        self.setFixedSize(QSize(COLUMNS * pitch + gap, rows * pitch + gap))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The images, and a frame around the chosen one."""
        painter = QPainter(self)
        palette = theme.current().palette
        painter.fillRect(event.rect(), QColor(palette.canvas))
        if self._images is None:
            return
        for index in range(self.count):
            place = self.tile(index)
            if not place.intersects(event.rect().adjusted(-4, -4, 4, 4)):
                continue
            paint_pixels(painter, QRectF(place), self._images[index])
            framed = index == self._current or index == self._hovered
            if framed:
                chosen = index == self._current
                pen = QPen(QColor(palette.accent if chosen else palette.control_edge), 2)
                painter.setPen(pen)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(place).adjusted(-2, -2, 2, 2), 3, 3)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Frame what is pointed at."""
        hovered = self._at(event.position())
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        index = self._at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Choose and take."""
        index = self._at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.choose(index)
            self.activated.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from image to image, Home and End to the first and last, Enter takes."""
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -COLUMNS,
            Qt.Key.Key_Down: COLUMNS,
            Qt.Key.Key_Home: -self._current,
            Qt.Key.Key_End: self.count - 1 - self._current,
        }
        key = Qt.Key(event.key())
        if key in steps and self.count:
            wanted = self._current + steps[key]
            if 0 <= wanted < self.count:
                self.choose(wanted)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.count:
            self.activated.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.update()


class BrowseDialog(QDialog):
    """Shows what ``IMAGE_DATA`` has to browse of ``dataset``.

    Signals:
        browse_requested: (dataset) bring some images of it; once more: others.
        chosen: (pixels uint8 (C, H, W), label) the user takes this image.
    """

    browse_requested = Signal(str)
    chosen = Signal(object, str)

    def __init__(
        self, state: Store, dataset: str, mark: str = "A", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self.dataset, self.mark = state, dataset, mark
        self._title = INFOS[dataset].title if dataset in INFOS else "the folder"
        self._shown: Pixels | None = None
        self._old: Pixels | None = None
        self.setWindowTitle(f"An image of {self._title} as {mark}")
        self.setModal(True)
        self.status = Text("", ink="text_secondary")
        self.grid = ImageGrid()
        self.area = QScrollArea()
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setProperty("surface", "canvas")
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(self.grid)
        self.others_button = QPushButton("Others")
        self.others_button.setToolTip("Show other images of the same data")
        self.others_button.setAutoDefault(False)
        self.buttons = QDialogButtonBox()
        self.take_button = self.buttons.addButton(
            f"Make it {mark}", QDialogButtonBox.ButtonRole.AcceptRole
        )
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        foot = QHBoxLayout()
        foot.addWidget(self.others_button)
        foot.addWidget(self.status, 1)
        foot.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(self.area, 1)
        column.addLayout(foot)
        self.others_button.clicked.connect(self._ask)
        self.buttons.accepted.connect(self._take)
        self.buttons.rejected.connect(self.reject)
        self.grid.activated.connect(self._take)
        self.grid.current_changed.connect(self._show_status)
        state.changed(IMAGE_DATA).connect(self._show)
        self._resize()
        self._show()

    def open(self) -> None:
        """Show the dialog, and ask for images unless there are some of this set."""
        super().open()
        self.grid.setFocus()
        if self._shown is None:
            self._ask()

    def _resize(self) -> None:
        bar = self.area.verticalScrollBar().sizeHint().width()
        pitch = theme.current().px(TILE + GAP)
        self.area.setFixedWidth(self.grid.width() + bar)
        self.area.setMinimumHeight(pitch * 4)
        self.resize(self.sizeHint().width(), pitch * 6 + theme.current().px(90))

    def _ask(self) -> None:
        self._old = self._state.get(IMAGE_DATA).browsed
        self._show()
        self.browse_requested.emit(self.dataset)

    # Showing

    def _show(self) -> None:
        data = self._state.get(IMAGE_DATA)
        found = data.browsed if data.browsed_set == self.dataset else None
        if found is not None and found is self._old and not data.browse_message:
            found = None  # others have been asked for
        if found is not self._shown:
            self._shown = found
            self.grid.set_images(found)
            self.area.verticalScrollBar().setValue(0)
            if found is not None:
                self._old = None
        self.others_button.setEnabled(self._shown is not None)
        self._show_status()

    def _show_status(self) -> None:
        data = self._state.get(IMAGE_DATA)
        index = self.grid.current
        self.take_button.setEnabled(index is not None)
        self.take_button.setDefault(index is not None)
        if index is None:
            failed = bool(data.browse_message)
            self.status.setText(data.browse_message or f"Reading {self._title}…")
            self.status.set_ink("error" if failed else "text_secondary")
            self.status.setWordWrap(failed)
            return
        self.status.set_ink("text_secondary")
        self.status.setText(self.label(index))
        self.grid.setAccessibleDescription(f"{self.label(index)}, image {index + 1}")
        self.area.ensureVisible(
            self.grid.tile(index).center().x(), self.grid.tile(index).center().y(), 40, 40
        )

    def label(self, index: int) -> str:
        """What to call an image: its class, and the set it comes from."""
        data = self._state.get(IMAGE_DATA)
        known = INFOS[self.dataset].labels if self.dataset in INFOS else ()
        if data.labels is not None and index < len(data.labels):
            number = int(data.labels[index])
            if 0 <= number < len(known):
                return f"{known[number]}, {self._title}"
        return f"Image of {self._title}"

    def _take(self) -> None:
        index = self.grid.current
        if index is None or self._shown is None:
            return
        self.chosen.emit(self._shown[index], self.label(index))
        self.accept()
