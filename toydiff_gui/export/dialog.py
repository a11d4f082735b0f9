"""The window that asks what to export, and shows how far the export is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QEvent, QStandardPaths, Qt, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from toydiff_gui.export.choices import (
    ALL,
    CUSTOM,
    EACH,
    FORMATS,
    ExportChoices,
    lane_of,
    load_choices,
    save_choices,
    shown_picture,
    suggested_name,
    targets,
    work_of,
)
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.frames import still_image
from toydiff_gui.export.picture_contract import Picture
from toydiff_gui.export.preview import Preview
from toydiff_gui.export.spec import MAX_FPS, MAX_SECONDS, MAX_SIDE, MIN_SIDE
from toydiff_gui.export.stills import clipboard_data, sheet_image
from toydiff_gui.export.trajectory_file import described, saved_parts, trajectory_lanes
from toydiff_gui.export.worker import ExportJob
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.style import theme
from toydiff_gui.widgets import NumberField, Segment, SegmentedControl, Text

FORMAT_NAMES = {
    "mp4": "MP4 (H.264)",
    "webm": "WebM (VP9)",
    "gif": "GIF",
    "apng": "Animated PNG",
    "svg": "SVG (vector)",
    "npz": "NumPy archive (.npz)",
}
SIZE_NAMES = {
    "720p": "720p, 1280 × 720",
    "1080p": "1080p, 1920 × 1080",
    "4K": "4K, 3840 × 2160",
    "square": "Square, 1080 × 1080",
    CUSTOM: "Custom",
}


class ExportDialog(QDialog):
    """Exports films, pictures and trajectories. Not modal: the window plays on.

    ``current`` gives the picture of the moment.
    """

    def __init__(
        self,
        current: Callable[[], Picture],
        playback: Playback,
        parent: QWidget | None = None,
        *,
        settings: SettingsFile,
    ) -> None:
        super().__init__(parent)
        self._current = current
        self._playback = playback
        self._settings = settings
        self._choices = load_choices(self._settings)
        self._job: ExportJob | None = None
        self._started = 0.0
        self._replace: list[Path] = []
        self._name_is_ours = True
        self.setWindowTitle("Export")
        self.setModal(False)
        self._build()
        self._connect()
        self._say("")
        self._show_choices()

    # Building

    def _build(self) -> None:
        self.what = SegmentedControl(
            "What to export",
            [
                Segment("film", "Film", "The way from noise to data as a film"),
                Segment("frame", "Current frame", "One picture of the time that is shown now"),
                Segment(
                    "sheet", "Contact sheet", "Four moments side by side, for paper and slides"
                ),
                Segment(
                    "trajectory",
                    "Trajectory",
                    "The numbers themselves, for NumPy: the states of all samples at all times",
                ),
            ],
        )
        self.format = QComboBox()
        self.lanes = QComboBox()
        self.size_choice = QComboBox()
        for key, name in SIZE_NAMES.items():
            self.size_choice.addItem(name, key)
        self.width_field = self._number("Width", MIN_SIDE, MAX_SIDE, "Pixels from left to right")
        self.height_field = self._number("Height", MIN_SIDE, MAX_SIDE, "Pixels from top to bottom")
        self.fps = self._number(
            "Frames per second", 1, MAX_FPS, "How many pictures a second the film has"
        )
        self.length = QComboBox()
        self.length.addItem("So many seconds", False)
        self.length.addItem("Every t once", True)
        self.seconds = self._number(
            "Seconds", 0.1, MAX_SECONDS, "How long the way from noise to data takes", decimals=1
        )
        self.hold = self._number(
            "Hold the end, seconds", 0, 60, "How long the last picture stays", decimals=1
        )
        self.reverse = QCheckBox("From data to noise")
        self.reverse.setToolTip("Run the film backwards: watch the data dissolve into noise")
        self.theme_choice = QComboBox()
        self.theme_choice.addItem("Dark", "dark")
        self.theme_choice.addItem("Light", "light")
        self.path = QLineEdit()
        self.path.setAccessibleName("File")
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Pick where the file goes")
        self.preview = Preview()
        self.summary = Text(size=11, weight=400, ink="label")
        self.message = Text(size=12, weight=500)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for text in (self.summary, self.message):
            text.setWordWrap(True)
        self.message.setAccessibleName("Message")
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the export")
        self.progress.setTextVisible(False)
        self.copy = QPushButton("Copy picture")
        self.copy.setToolTip("Put the picture on the clipboard")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop the export; nothing is left behind")
        self.export = QPushButton("Export")
        self.export.setProperty("variant", "filled")
        for button in (self.choose, self.copy, self.cancel, self.export):
            button.setAutoDefault(False)
        self._lay_out()

    def _number(
        self, label: str, low: float, high: float, tip: str, *, decimals: int = 0
    ) -> NumberField:
        return NumberField(label, minimum=low, maximum=high, decimals=decimals, tooltip=tip)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(10)
        self._labelled = {
            "format": _Labelled("Format", self.format, "The kind of file"),
            "lanes": _Labelled("Lanes", self.lanes, "Which lanes the picture shows"),
            "size": _Labelled("Size", self.size_choice, "How many pixels the picture has"),
            "length": _Labelled("Length", self.length, "How fast the film goes through time"),
            "theme": _Labelled("Theme", self.theme_choice, "Dark for screens, light for paper"),
        }
        rows: list[tuple[QWidget, ...]] = [
            (self._labelled["format"], self._labelled["lanes"]),
            (self._labelled["size"], self._labelled["theme"]),
            (self.width_field, self.height_field),
            (self._labelled["length"], self.seconds),
            (self.fps, self.hold),
            (self.reverse,),
        ]
        for row, widgets in enumerate(rows):
            for place, widget in enumerate(widgets):
                form.addWidget(widget, row, place)
        form.setColumnStretch(0, 1)
        form.setColumnStretch(1, 1)
        form.setRowStretch(len(rows), 1)
        self._form = QWidget()
        self._form.setLayout(form)
        self._form.setFixedWidth(theme.current().px(340))
        picture = QVBoxLayout()
        picture.setSpacing(6)
        picture.addWidget(self.preview, 1)
        picture.addWidget(self.summary)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self._form)
        middle.addLayout(picture, 1)
        file_row = QHBoxLayout()
        file_row.setSpacing(8)
        self._file_label = Text("File", size=11, ink="label")
        self._file_label.setBuddy(self.path)
        file_row.addWidget(self._file_label)
        file_row.addWidget(self.path, 1)
        file_row.addWidget(self.choose)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.export)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(self.what)
        column.addLayout(middle, 1)
        column.addLayout(file_row)
        column.addWidget(self.progress)
        column.addWidget(self.message)
        column.addLayout(buttons)
        self.resize(theme.current().px(920), theme.current().px(560))

    def _connect(self) -> None:
        self.what.chosen.connect(self._choose_what)
        self.format.activated.connect(self._choose_format)
        self.lanes.activated.connect(self._choose_lanes)
        self.size_choice.activated.connect(self._choose_size)
        self.length.activated.connect(self._choose_length)
        self.theme_choice.activated.connect(self._choose_theme)
        self.reverse.toggled.connect(self._choose_reverse)
        for field, change in (
            (self.width_field, self._choose_width),
            (self.height_field, self._choose_height),
            (self.fps, self._choose_fps),
            (self.seconds, self._choose_seconds),
            (self.hold, self._choose_hold),
        ):
            field.value_changed.connect(change)
            field.rejected.connect(self._say_error)
        self.path.textEdited.connect(self._path_edited)
        self.choose.clicked.connect(self._choose_path)
        self.export.clicked.connect(self._start)
        self.cancel.clicked.connect(self._cancel)
        self.copy.clicked.connect(self._copy)
        self._playback.t_changed.connect(self._time_changed)
        self._playback.changed.connect(self._time_changed)

    # Choices

    @property
    def choices(self) -> ExportChoices:
        """What is chosen."""
        return self._choices

    @property
    def running(self) -> bool:
        """Whether an export is being made."""
        return self._job is not None

    def _choose_what(self, key: str) -> None:
        self._update(what=cast(Any, key))

    def _choose_format(self, index: int) -> None:
        name = "film_format" if self._choices.what == "film" else "still_format"
        if self._choices.what != "trajectory":
            self._update(**{name: self.format.itemData(index)})

    def _choose_lanes(self, index: int) -> None:
        self._update(lane=self.lanes.itemData(index))

    def _choose_size(self, index: int) -> None:
        width, height = self._choices.size  # custom begins with what was chosen before
        self._update(preset=self.size_choice.itemData(index), width=width, height=height)

    def _choose_length(self, index: int) -> None:
        self._update(every_t=bool(self.length.itemData(index)))

    def _choose_theme(self, index: int) -> None:
        self._update(theme=self.theme_choice.itemData(index))

    def _choose_reverse(self, on: bool) -> None:
        self._update(reverse=on)

    def _choose_width(self, value: object) -> None:
        self._update(width=int(cast(float, value)))

    def _choose_height(self, value: object) -> None:
        self._update(height=int(cast(float, value)))

    def _choose_fps(self, value: object) -> None:
        self._update(fps=float(cast(float, value)))

    def _choose_seconds(self, value: object) -> None:
        self._update(seconds=float(cast(float, value)))

    def _choose_hold(self, value: object) -> None:
        self._update(hold=float(cast(float, value)))

    def _update(self, **changes: Any) -> None:
        choices = replace(self._choices, **changes)
        if choices == self._choices:
            return
        self._choices = choices
        self._say("")
        self._show_choices()

    def _show_choices(self) -> None:
        """Show what is chosen, and of the fields those that matter to it."""
        choices = self._choices
        picture = self._current()
        self.what.set_current(choices.what)
        self.format.clear()
        for key in FORMATS[choices.what]:
            name = FORMAT_NAMES.get(key, key.upper())
            if key == "png":
                name = "Folder of PNGs" if choices.what == "film" else "PNG"
            self.format.addItem(name, key)
        self.format.setCurrentIndex(FORMATS[choices.what].index(choices.format))
        self._show_lanes(picture)
        self.size_choice.setCurrentIndex(self.size_choice.findData(choices.preset))
        self.width_field.set_value(choices.width)
        self.height_field.set_value(choices.height)
        self.fps.set_value(int(choices.fps))
        self.seconds.set_value(choices.seconds)
        self.hold.set_value(choices.hold)
        self.length.setCurrentIndex(self.length.findData(choices.every_t))
        self.theme_choice.setCurrentIndex(self.theme_choice.findData(choices.theme))
        self.reverse.setChecked(choices.reverse)
        film, drawn = choices.what == "film", choices.what != "trajectory"
        custom = choices.preset == CUSTOM
        for widget, shown in (
            (self._labelled["size"], drawn),
            (self._labelled["theme"], drawn),
            (self.width_field, drawn and custom),
            (self.height_field, drawn and custom),
            (self._labelled["length"], film),
            (self.seconds, film),
            (self.fps, film),
            (self.hold, film),
            (self.reverse, film),
            (self.copy, drawn and not film),
        ):
            widget.setVisible(shown)
        self.seconds.setEnabled(not choices.every_t)
        self._file_label.setText("Folder" if choices.is_folder else "File")
        self._show_path(picture)
        self._refresh_preview()
        self._show_running()

    def _show_lanes(self, picture: Picture) -> None:
        trajectory = self._choices.what == "trajectory"
        self.lanes.clear()
        self.lanes.addItem("All, a file each" if trajectory else "All lanes", ALL)
        saved = {part.key for part in saved_parts(picture)}
        for part in picture.parts():
            if not trajectory or part.key in saved:
                self.lanes.addItem(part.title.replace("_", ""), part.key)
        if not trajectory and len(trajectory_lanes(picture)) > 1:
            self.lanes.addItem("Each lane, a file each", EACH)
        index = self.lanes.findData(self._choices.lane)
        if index < 0:  # that lane is gone
            self._choices = replace(self._choices, lane=ALL)
            index = 0
        self.lanes.setCurrentIndex(index)

    def _show_path(self, picture: Picture) -> None:
        """Suggest a name as long as the user has not written one, and keep its ending right."""
        if self._name_is_ours:
            folder = Path(self._choices.folder or _default_folder())
            self.path.setText(str(folder / suggested_name(picture, self._choices)))
        elif self.path.text():
            path = Path(self.path.text())
            ending = "" if self._choices.is_folder else f".{self._choices.format}"
            endings = {f".{key}" for keys in FORMATS.values() for key in keys}
            if path.name and path.suffix != ending and path.suffix.lower() in endings | {""}:
                self.path.setText(str(path.with_suffix(ending)))

    def _path_edited(self) -> None:
        self._name_is_ours = False
        self._replace = []
        self._say("")
        self._show_running()

    def _choose_path(self) -> None:
        if self._choices.is_folder:
            name, _ = QFileDialog.getSaveFileName(self, "Folder for the pictures", self.path.text())
        else:
            ending = self._choices.format
            name, _ = QFileDialog.getSaveFileName(
                self, "Export to", self.path.text(), f"{ending.upper()} (*.{ending})"
            )
        if not name:
            return
        path = Path(name)
        if not self._choices.is_folder and path.suffix == "":
            path = path.with_suffix(f".{self._choices.format}")
        self.path.setText(str(path))
        self._name_is_ours = False
        # The file dialog has asked whether to replace it.
        self._replace = [path] if str(path) == name else []
        self._say("")
        self._show_running()

    # The preview

    def _time_changed(self) -> None:
        if self.isVisible() and not self._playback.playing:
            self._refresh_preview()

    def _refresh_preview(self) -> None:
        picture = self._current()
        self.summary.setText(self._summary(picture))
        if not self.isVisible():
            return
        choices = self._choices
        if choices.what == "trajectory":
            self.preview.show_text(self._trajectory_text(picture))
            return
        size = self.preview.picture_size(choices.size)
        try:
            shown = shown_picture(choices, picture)
            if choices.what == "sheet":
                image = sheet_image(shown, size, choices.theme)
            else:
                image = still_image(shown, self._playback.t, size, choices.theme)
        except ValueError as error:
            self.preview.show_text(str(error))
        else:
            self.preview.show_image(image)

    def _summary(self, picture: Picture) -> str:
        choices = self._choices
        if choices.what == "trajectory":
            return ""
        width, height = choices.size
        size = f"{width} × {height} pixels"
        if choices.what != "film":
            return size
        try:
            film = choices.film(picture, lane_of(choices))
        except ExportError as error:
            return str(error)
        width, height = film.picture_size
        frames = film.frame_count()
        rate = f"{float(film.rate):.4g} frames per second"
        length = f"{float(frames / film.rate):.1f} s"
        return f"{width} × {height} pixels, {frames} frames, {length}, {rate}"

    def _trajectory_text(self, picture: Picture) -> str:
        lanes = saved_parts(picture)
        if self._choices.lane not in (ALL, EACH):
            lanes = [lane for lane in lanes if lane.key == self._choices.lane]
        if not lanes:
            return "No lane has samples yet."
        return "\n".join(described(lane) for lane in lanes)

    # The export

    def _start(self) -> None:
        if self._job is not None:
            return
        text = self.path.text().strip()
        path = Path(text).expanduser() if text else Path()
        wanted = self.format.findData(path.suffix.lower().removeprefix("."))
        if path.suffix and wanted >= 0:  # an ending that was typed says which format is meant
            self.format.setCurrentIndex(wanted)
            self.format.activated.emit(wanted)
        picture = self._current()
        try:
            work = work_of(self._choices, picture, self._playback.t, path)
            existing = [p for p in targets(self._choices, picture, path) if p.exists()]
        except ValueError as error:
            self._say_error(str(error))
            return
        if any(p not in self._replace for p in existing):
            self._replace = existing
            names = ", ".join(p.name for p in existing)
            self._say(f"{names} exists already. Press Replace to write it anew.")
            self._show_running()
            return
        self._choices = replace(self._choices, folder=str(path.parent))
        save_choices(self._settings, self._choices)
        self._job = ExportJob(work, self)
        self._job.progressed.connect(self._progressed)
        self._job.finished.connect(self._finished)
        self._job.failed.connect(self._failed)
        self._job.cancelled.connect(self._cancelled)
        self._started = time.monotonic()
        self.progress.setRange(0, 0)
        self._say("Exporting. Closing this window stops the export.")
        self._job.start()
        self._show_running()

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()
            self._say("Stopping")
        else:
            self.close()

    def stop(self) -> None:
        """Stop a running export and wait until it has ended; for when the window closes."""
        if self._job is not None:
            self._job.stop()

    def _copy(self) -> None:
        choices = self._choices
        try:
            shown = shown_picture(choices, self._current())
            if choices.what == "sheet":
                QGuiApplication.clipboard().setImage(
                    sheet_image(shown, choices.size, choices.theme)
                )
            else:
                data = clipboard_data(shown, self._playback.t, choices.size, choices.theme)
                QGuiApplication.clipboard().setMimeData(data)
        except ValueError as error:
            self._say_error(str(error))
        else:
            self._say("The picture is on the clipboard.")

    @Slot(int, int)
    def _progressed(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        if done == 0:
            return
        left = (time.monotonic() - self._started) / done * (total - done)
        if done < total:
            self._say(f"{done} of {total} done, about {_duration(left)} left")
        else:
            self._say("Completing the file")

    @Slot(str, str)
    def _finished(self, path: str, note: str) -> None:
        self._end()
        self._say(f"Written to {path}" + (f" ({note})" if note else ""))

    @Slot(str)
    def _failed(self, message: str) -> None:
        self._end()
        self._say_error(message)

    @Slot()
    def _cancelled(self) -> None:
        self._end()
        self._say("The export was stopped; nothing was written.")

    def _end(self) -> None:
        if self._job is not None:
            self._job.deleteLater()
        self._job = None
        self._replace = []
        self._show_running()

    def _show_running(self) -> None:
        running = self._job is not None
        self.progress.setVisible(running)
        self.what.setEnabled(not running)
        self._form.setEnabled(not running)
        for widget in (self.path, self.choose, self.copy, self.export):
            widget.setEnabled(not running)
        self.cancel.setText("Cancel" if running else "Close")
        self.cancel.setToolTip(
            "Stop the export; nothing is left behind" if running else "Close this window"
        )
        self.export.setText("Replace" if self._replace and not running else "Export")

    def _say(self, text: str, ink: str = "text_secondary") -> None:
        self.message.set_ink(ink)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _say_error(self, text: str) -> None:
        sentence = text[:1].upper() + text[1:]
        self._say(sentence if sentence.endswith(".") else f"{sentence}.", "error")

    # Qt

    def showEvent(self, event: QShowEvent) -> None:
        """Show the picture of now."""
        super().showEvent(event)
        self._show_choices()

    def changeEvent(self, event: QEvent) -> None:
        """Take over what changed in the window when the user comes back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self._refresh_preview()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint the preview at its new size."""
        super().resizeEvent(event)
        self._refresh_preview()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Stop a running export."""
        self.stop()
        save_choices(self._settings, self._choices)
        event.accept()  # QDialog's would ask ``reject`` first, which asks for this

    def reject(self) -> None:
        """Escape closes the window, as its button does."""
        self.close()


class _Labelled(QWidget):
    """A field with its label above."""

    def __init__(self, label: str, field: QWidget, tip: str) -> None:
        super().__init__()
        field.setAccessibleName(label)
        field.setToolTip(tip)
        text = Text(label, size=11, ink="label")
        text.setBuddy(field)
        text.setToolTip(tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(text)
        column.addWidget(field)


def _default_folder() -> str:
    movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return movies if movies and Path(movies).is_dir() else str(Path.home())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
